"""One WorkflowExecution, decided: which step begins, what a failure means, what is undone. Start at `decide.py`."""
