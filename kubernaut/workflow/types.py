"""What is fixed about one WorkflowExecution, and what can be observed while it runs.

As with one execution (`kubernaut.execution.types`): `decide` takes the run, its status, what was observed and the
time, and answers with intents (`kubernaut.workflow.intents`). One vocabulary, without behaviour; nothing here knows how
anything is read.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeAlias

from kubernaut.conditions.spec import ResolvedCondition
from kubernaut.enforcement.rollout import LastRun
from kubernaut.history.rows import Outcome, OutcomeSource
from kubernaut.identity import Phase
from kubernaut.json_types import JsonObject
from kubernaut.resources.execution import ExecutionPhase
from kubernaut.resources.workflow import DEFAULT_MAX_PARALLEL, DEFAULT_STABILIZATION_S, RollbackStrategy
from kubernaut.verification.types import DEFAULT_BLOCKED_DEADLINE_S, DEFAULT_OBSERVED_SHARE, Looked
from kubernaut.workflow.intents import Intent
from kubernaut.workflow.keys import StepKey, Undo

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


# --- noticed by the driver itself ---


@dataclass(frozen=True, slots=True, kw_only=True)
class PeopleSeen:
    """What people say by the resource's metadata now. To be told first, whenever the resource was read.

    Attributes
    ----------
    deleted : bool
        It has a deletionTimestamp: cancel.
    finalizer : bool
        Ours is on it.
    paused : bool
    approved_by : str
        Empty while nobody has.
    outcome : Outcome or None
        A person's word on what the workflow did; wins over every other source.
    override_annotations : mapping of str to str
    admission_policy_present : bool
        While it is missing, approvals, outcomes and overrides have been checked by nobody and do not count.
    """

    deleted: bool = False
    finalizer: bool = False
    paused: bool = False
    approved_by: str = ""
    outcome: Outcome | None = None
    override_annotations: Mapping[str, str] = field(default_factory=dict)
    admission_policy_present: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class EnforcementSeen:
    """The global switch, read live."""

    enforcement: bool


# --- answers ---


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
        As in `kubernaut.execution.types.RunConditions`.
    """

    digest: str
    forward: Mapping[int, StepConditions] = field(default_factory=dict)
    undo: Mapping[str, StepConditions] = field(default_factory=dict)
    environment: str = ""
    rollout: str = "default"
    budget_spent: frozenset[str] = frozenset()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkflowPinned:
    """The answer to `PinWorkflow`.

    Attributes
    ----------
    last_run : LastRun or None
        The last run before this one of the first step's action on the same target; None when there was none.
    replicas : mapping of int to int
        By step number, `spec.replicas` of the step's target now; steps whose target has none are left out.
    """

    conditions: WorkflowConditions
    last_run: LastRun | None = None
    replicas: Mapping[int, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessReviewed:
    """The answer to `ReviewAccess`: what is missing, in words, each naming its step; empty when nothing is."""

    missing: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class FinalizerSet:
    """The answer to `AddFinalizer` and `RemoveFinalizer`: whether it is there now."""

    present: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class StepLooked:
    """The answer to a stage's `ReadFacts`."""

    key: StepKey
    phase: Phase
    looked: Looked


@dataclass(frozen=True, slots=True, kw_only=True)
class ExecutionSeen:
    """A step's KubernetesExecution as it is now: the answer to `CreateExecution`.

    Also told by the driver itself at the beginning of every reconcile, from a live GET, for every step in
    `WorkflowStatus.followed`.

    Attributes
    ----------
    found : bool
        False: looked, and it is not there.
    foreign : bool
        One of that name that is not a step of this workflow.
    phase : ExecutionPhase or None
        None while it has no status.
    over : bool
        It has its result.
    succeeded : bool
        That result is success.
    may_have_changed : bool
        Its action was sent, and not refused.
    target_uid : str
        Empty until known.
    action_began_at, action_ended_at : datetime or None
        Of its Job; None while there is none, or it runs.
    undo : Undo or None
        From its `rollbackInfo`; None when it cannot be undone, or nothing was captured.
    reason, message : str
    """

    key: StepKey
    found: bool
    foreign: bool = False
    uid: str = ""
    phase: ExecutionPhase | None = None
    over: bool = False
    succeeded: bool = False
    may_have_changed: bool = False
    target_uid: str = ""
    action_began_at: datetime | None = None
    action_ended_at: datetime | None = None
    undo: Undo | None = None
    reason: str = ""
    message: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class OutcomeAnswered:
    """The answer to `AskOutcome`.

    Attributes
    ----------
    outcome : Outcome
        No evidence is `inconclusive`.
    source : OutcomeSource
    resolved_at : datetime or None
    """

    outcome: Outcome
    source: OutcomeSource
    resolved_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CouldNot:
    """An intent could not be carried out; those that came after it in the same decision were not tried.

    Attributes
    ----------
    retry : bool
        False: the answer is final.
    retry_after_s : float or None, unit s
    """

    intent: Intent
    why: str
    retry: bool = True
    retry_after_s: float | None = None


Observation: TypeAlias = (
    PeopleSeen
    | EnforcementSeen
    | WorkflowPinned
    | AccessReviewed
    | FinalizerSet
    | StepLooked
    | ExecutionSeen
    | OutcomeAnswered
    | CouldNot
)
