"""What is fixed about one WorkflowExecution: its custom resource, and what its steps are judged by."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from kubernaut.conditions.spec import ResolvedCondition
from kubernaut.json_types import JsonObject
from kubernaut.resources.workflow import DEFAULT_MAX_PARALLEL, DEFAULT_STABILIZATION_S, RollbackStrategy
from kubernaut.verification.types import DEFAULT_BLOCKED_DEADLINE_S, DEFAULT_OBSERVED_SHARE
from kubernaut.workflow.keys import Undo

DEFAULT_DEADLINE_S = 86_400.0
"""Nothing waits for ever: not for approval, not while paused, not for a child that never ends."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StepRun:
    """What is fixed about one step.

    Attributes
    ----------
    parameters : JsonObject
        As written; not checked yet.
    depends_on : tuple of int
    critical : bool
        Whether its failure fails the workflow. The failure of another one only withholds the steps that need it.
    timeout_s : float or None, unit s
        Of the action's Job; None means the action's own.
    rollback : Undo or None
        None means the action's own undo.
    """

    number: int
    action: str
    parameters: JsonObject
    name: str = ""
    depends_on: tuple[int, ...] = ()
    critical: bool = True
    timeout_s: float | None = None
    rollback: Undo | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkflowRun:
    """What is fixed about one workflow: its custom resource's spec and metadata.

    Attributes
    ----------
    uid, namespace, name : str
    generation : int
        `metadata.generation`.
    incident_id : str
        Empty: the default one.
    detected_at : datetime or None
    stabilization_s : float, unit s
        Between the end and the question what the workflow did for the incident.
    deadline_s : float, unit s
        Of the whole run, from its beginning.
    validation_enabled : bool
        False: every condition ends `Skipped`.
    wake_ahead_s : float, unit s
        As in `ExecutionRun`.
    """

    uid: str
    namespace: str
    name: str
    steps: tuple[StepRun, ...]
    generation: int = 1
    rollback_strategy: RollbackStrategy = RollbackStrategy.MANUAL
    dry_run: bool = False
    max_parallel: int = DEFAULT_MAX_PARALLEL
    approval_required: bool = False
    incident_id: str = ""
    detected_at: datetime | None = None
    stabilization_s: float = DEFAULT_STABILIZATION_S
    deadline_s: float = DEFAULT_DEADLINE_S
    validation_enabled: bool = True
    labels: Mapping[str, str] = field(default_factory=dict)
    wake_ahead_s: float = 0.0

    def step(self, number: int) -> StepRun:
        """Give one step."""
        return next(step for step in self.steps if step.number == number)

    @property
    def graph(self) -> dict[int, tuple[int, ...]]:
        """Give the order, as `kubernaut.workflow.dag` reads it."""
        return {step.number: step.depends_on for step in self.steps}


@dataclass(frozen=True, slots=True, kw_only=True)
class StepConditions:
    """What one step's run is judged by at the step level, both phases, in order."""

    conditions: tuple[ResolvedCondition, ...] = ()
    blocked_deadline_s: float = DEFAULT_BLOCKED_DEADLINE_S
    observed_share: float = DEFAULT_OBSERVED_SHARE


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkflowConditions:
    """What all steps are judged by, resolved from the sets that the run is pinned to.

    Attributes
    ----------
    digest : str
        As `PinnedSets.digest`; the steps' executions get the same.
    forward : mapping of int to StepConditions
        By step number.
    undo : mapping of str to StepConditions
        By action: the suite of an action that takes a step back. Its preconditions are not asked.
    rollout, environment, budget_spent, notes
        As in `kubernaut.execution.run.RunConditions`.
    """

    digest: str
    forward: Mapping[int, StepConditions] = field(default_factory=dict)
    undo: Mapping[str, StepConditions] = field(default_factory=dict)
    environment: str = ""
    rollout: str = "default"
    budget_spent: frozenset[str] = frozenset()
    notes: tuple[str, ...] = ()
