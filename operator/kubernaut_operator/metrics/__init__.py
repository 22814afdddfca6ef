"""Figures of what the operator judges and does, for Prometheus.

- `declared.py`: every metric there is, as one table, from which registry and documentation come;
- `bounded.py`: keeps labels that people choose from growing without end;
- `executions.py`: listens to executions;
- `policies.py`: what is in force of the ConfigMaps; `budgets.py`: what is left of the block budgets; `history.py`: what
  the recorder wrote and lost;
- `page.py`: the documentation.

Totals count final results once a run, not polls: a condition that was looked at twenty times is one evaluation. A
counter belongs to a process, and begins at zero after a restart; history does not.
"""

from kubernaut_operator.metrics.budgets import watch_budgets
from kubernaut_operator.metrics.executions import ExecutionMetrics
from kubernaut_operator.metrics.history import watch_history
from kubernaut_operator.metrics.policies import PolicyMetrics

__all__ = ["ExecutionMetrics", "PolicyMetrics", "watch_budgets", "watch_history"]
