"""The controller of KubernetesExecutions: carries out what `kubernaut.execution` decides, against an API server.

Nothing here decides what a run does next. A reconcile reads the execution, hands what was seen to `decide` and performs
the intents that come back, in order; their answers are told to `decide` at once. Read in this order:

- `controller.py`: one reconcile, and when the status is written; `work.py`: what it has in hand;
- `performing.py`: which part of this package carries out which intent;
- `pinning.py`: what a run is judged by; `subject.py`, `looking.py`: one look, all that is due judged on it;
- `access.py`, `changing.py`, `dry_run.py`, `jobs.py`, `locks.py`, `finalizers.py`: what is asked of the API server;
- `noting.py`, `observing.py`, `budgets.py`: rows, Events, figures and counts of what happened;
- `runs.py`: whose Job, whose lock, who was last at a target; `sweeping.py`: what is left of executions that are gone.
"""
