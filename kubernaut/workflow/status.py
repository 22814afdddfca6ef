"""Where one workflow is: everything that must outlive a restart, and what is only held in memory."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from kubernaut.execution.retries import Retry
from kubernaut.history.rows import Outcome, OutcomeSource
from kubernaut.resources.workflow import StepPhase, WorkflowPhase
from kubernaut.verification.status import StageStatus
from kubernaut.workflow.keys import StepKey, Undo
from kubernaut.workflow.run import WorkflowConditions
from kubernaut.workflow.types import PeopleSeen

OPEN = frozenset({StepPhase.VALIDATING, StepPhase.BLOCKED, StepPhase.RUNNING, StepPhase.VERIFYING})
"""A step that has begun and has no result: it counts against `maxParallel`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StepState:
    """One step's run.

    Attributes
    ----------
    pre, post : StageStatus or None
        Step-level stages; None until begun.
    asked_at : datetime or None
        When its KubernetesExecution was asked for; from then on one may exist.
    execution_uid : str
        Empty until it was seen.
    execution_over : bool
        The KubernetesExecution has its result.
    succeeded, may_have_changed : bool
        As `ExecutionSeen` told last.
    action_began_at, action_ended_at : datetime or None
        Of its Job.
    undo : Undo or None
        What takes it back, from the rollback information captured before the change.
    """

    phase: StepPhase = StepPhase.PENDING
    reason: str = ""
    message: str = ""
    started_at: datetime | None = None
    finished_at: datetime | None = None
    pre: StageStatus | None = None
    post: StageStatus | None = None
    asked_at: datetime | None = None
    execution_uid: str = ""
    execution_over: bool = False
    succeeded: bool = False
    may_have_changed: bool = False
    target_uid: str = ""
    action_began_at: datetime | None = None
    action_ended_at: datetime | None = None
    undo: Undo | None = None

    @property
    def open(self) -> bool:
        """It has begun and has no result yet."""
        return self.phase in OPEN

    @property
    def observing(self) -> bool:
        """Its postconditions are still looked at."""
        return self.post is not None and not self.post.over


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkflowPin:
    """What was settled when the run left `pending`; as `kubernaut.execution.status.Pin`.

    Attributes
    ----------
    replicas : mapping of str to int
        By step number: what `expected_baseline` falls back to.
    """

    digest: str
    incident_id: str
    bucket: int
    environment: str = ""
    budget_spent: tuple[str, ...] = ()
    note: str = ""
    replicas: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """Why no further step begins.

    Attributes
    ----------
    cancelled : bool
        Deleted, rather than failed.
    """

    at: datetime
    reason: str
    message: str
    cancelled: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkflowResult:
    """How the run ended."""

    phase: WorkflowPhase
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkflowOutcome:
    """What it did for the incident, and who says so."""

    outcome: Outcome
    source: OutcomeSource
    at: datetime
    resolved_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """What is asked for again after a restart.

    Attributes
    ----------
    next_try_at : mapping of str to datetime
        Before which a failing intent is not tried again, by `kubernaut.workflow.retrying.failure_kind`.
    """

    conditions: WorkflowConditions | None = None
    people: PeopleSeen = field(default_factory=PeopleSeen)
    finalizer: bool | None = None
    next_try_at: Mapping[str, datetime] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkflowStatus:
    """Where a workflow is.

    Attributes
    ----------
    started_at, seen_at : datetime
        As in `ExecutionStatus`.
    deadline : datetime
        After it nothing new begins, and what waits fails.
    checked : bool
        The graph, the parameters and the access of all steps were found right.
    approved_by : str
        Who approved; empty while nobody has, or nobody must.
    manual_intervention : bool
        A person overrode, paused, or said the outcome.
    enforcement : bool
    override_fingerprint, override_seen_at
        As in `ExecutionStatus`.
    steps : mapping of StepKey to StepState
        Forward runs of all steps, and those that take steps back.
    ending : Ending or None
        None while further steps may begin.
    result : WorkflowResult or None
    outcome : WorkflowOutcome or None
    over : bool
        It has a result, its outcome is known, and nobody need look any longer.
    """

    started_at: datetime
    seen_at: datetime
    deadline: datetime
    phase: WorkflowPhase = WorkflowPhase.PENDING
    reason: str = "Pending"
    message: str = ""
    pinned: WorkflowPin | None = None
    checked: bool = False
    approved_by: str = ""
    manual_intervention: bool = False
    enforcement: bool = True
    override_fingerprint: str = ""
    override_seen_at: datetime | None = None
    steps: Mapping[StepKey, StepState] = field(default_factory=dict)
    ending: Ending | None = None
    result: WorkflowResult | None = None
    outcome: WorkflowOutcome | None = None
    retries: Mapping[str, Retry] = field(default_factory=dict)
    over: bool = False
    memory: Memory = field(default_factory=Memory)

    def decides_otherwise(self, before: "WorkflowStatus") -> bool:
        """Say whether this differs from an earlier status in what must not be lost; it is stored only then."""
        return _decisive(self) != _decisive(before) or any(
            _step_decides_otherwise(state, before.steps.get(key))
            for key, state in self.steps.items()
            if state is not before.steps.get(key)
        )

    @property
    def followed(self) -> tuple[StepKey, ...]:
        """The steps whose KubernetesExecution may exist and has no result yet."""
        return tuple(
            key for key, state in self.steps.items() if state.open and state.asked_at and not state.execution_over
        )

    def state(self, key: StepKey) -> StepState:
        """Give a step's state; pending when nothing has happened to it."""
        return self.steps.get(key) or StepState()


def _decisive(status: WorkflowStatus) -> tuple[object, ...]:
    return (
        status.phase,
        status.reason,
        status.pinned,
        status.checked,
        status.approved_by,
        status.manual_intervention,
        status.enforcement,
        status.override_fingerprint,
        status.steps.keys(),
        status.ending,
        status.result,
        status.outcome,
        status.retries.keys(),
        status.over,
    )


def _step_decides_otherwise(state: StepState, before: StepState | None) -> bool:
    if before is None or _decisive_of_step(state) != _decisive_of_step(before):
        return True
    return any(
        stage is not None and (former is None or stage.decides_otherwise(former))
        for stage, former in ((state.pre, before.pre), (state.post, before.post))
        if stage is not former
    )


def _decisive_of_step(state: StepState) -> tuple[object, ...]:
    return (
        state.phase,
        state.reason,
        state.asked_at,
        state.execution_uid,
        state.execution_over,
        state.may_have_changed,
        state.target_uid,
        state.action_began_at,
        state.action_ended_at,
        state.undo,
    )
