"""The controller of KubernetesExecutions: carries out what `kubernaut.execution` decides, against an API server.

Nothing here decides what a run does next. A reconcile reads the execution, hands what was seen to `decide` and performs
the intents that come back, in order; their answers are told to `decide` at once. Read in this order:

- `controller.py`: one reconcile, and when the status is written;
- `performing.py`: which part of this package carries out which intent;
- `jobs.py`, `locks.py`, `access.py`, `dry_run.py`: what is asked of the API server for it;
- `sweeping.py`: what is left behind by executions that are gone;
- `observing.py`: who is told what happened, for metrics.
"""
