"""Facts read live for the engine: what of the cluster is looked at, how fresh, and what could not be seen.

`FactReader.read(question) -> Reading` fetches only the objects that the wanted facts need, in parallel and within one
limit, and hands them to `kubernaut.facts.extract`, the functions that a dump goes through too. Read top to bottom:

- `question.py`: what is asked and answered; `wanted.py`: what has to be fetched for that;
- `kinds.py`: which request sees a kind; `fetching.py`: one request, tried again while there is time, and why it failed;
- `slimming.py`: what of an object is not kept;
- `short_cache.py`: answers of a few seconds, for nodes and other things that are not the target's own;
- `gathering.py`: the objects of a look; `reader.py`: the look; `targets.py`: the target, for who is about to change it;
- `custom.py`, `discovery.py`: the user's facts from objects;
- `promql.py`, `prometheus.py`, `prometheus_facts.py`: facts that are a query's number.

It must not know conditions' verdicts, nor how a fact is computed.
"""
