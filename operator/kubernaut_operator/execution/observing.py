"""What others are told of executions as they go: metrics implement it, tests listen to it.

Rows carry every label that a metric may want. What settled or ended may be told again, with the same id, when more of
it becomes known; a restart may tell the last thing again.
"""

from collections.abc import Collection
from typing import Protocol

from kubernaut.history.rows import AttemptRow, EvaluationRow, ExecutionRow, WorkflowRow
from kubernaut.identity import ConditionId, Phase
from kubernaut.safety import Denial


class ExecutionObserver(Protocol):
    """Told of what happens to executions; must be quick and must not raise."""

    def attempted(self, attempt: AttemptRow) -> None:
        """Note one look at one condition."""
        ...

    def settled(self, evaluation: EvaluationRow) -> None:
        """Note that a condition has its verdict; told again when more of it becomes known, with the same id."""
        ...

    def looked(self, action: str, phase: Phase, *, conditions: Collection[ConditionId], took_s: float) -> None:
        """Note one look: reading the facts and judging all conditions that were due on them."""
        ...

    def denied(self, action: str, denial: Denial) -> None:
        """Note that a safety policy did not let an action run."""
        ...

    def overridden(self, condition: ConditionId, *, by: str) -> None:
        """Note that a person's override let a run pass."""
        ...

    def budget_spent(self, condition: ConditionId) -> None:
        """Note that a condition went back to warn because it stopped more runs than was promised."""
        ...

    def ended(self, execution: ExecutionRow, *, phase: str, reason: str) -> None:
        """Note that a run has its result, and the reason that its status gives."""
        ...

    def cascade_prevented(self, step: ExecutionRow) -> None:
        """Note that a step was withheld because one that it needs ran and was not verified."""
        ...

    def workflow_ended(self, workflow: WorkflowRow, *, phase: str, reason: str) -> None:
        """Note that a workflow has its result, and the reason that its status gives; told again with its outcome."""
        ...

    def outcome_known(self, workflow: WorkflowRow, *, validated: bool) -> None:
        """Note what a workflow did for its incident, as far as it is known; told again when somebody says otherwise.

        `validated` says whether any condition was asked about it.
        """
        ...
