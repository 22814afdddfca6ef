"""The operator: performs the engine's intents against a live API server.

One process, wired in `app.py`; `cli.py` begins it, `settings.py` is what an administrator may set. Each package below
holds one concern: `kernel` what any controller needs, `execution` and `workflow` the two controllers, `live_facts` what
is seen of the cluster, `condition_sets` what the ConfigMaps say, `recording` history, `metrics` figures, `manifests`
what an installation consists of. Whatever decides is in `kubernaut`.
"""
