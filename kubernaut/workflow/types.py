"""What can be observed while a workflow runs.

As with one execution (`kubernaut.execution.types`), whose words are used where they mean the same: `decide` takes the
run, its status, what was observed and the time, and answers with intents (`kubernaut.workflow.intents`). One
vocabulary, without behaviour; nothing here knows how anything is read.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeAlias

from kubernaut.enforcement.rollout import LastRun
from kubernaut.execution.types import EnforcementSeen, FinalizerSet
from kubernaut.history.rows import Outcome, OutcomeSource
from kubernaut.identity import Phase
from kubernaut.resources.execution import ExecutionPhase
from kubernaut.verification.types import Looked
from kubernaut.workflow.intents import Intent
from kubernaut.workflow.keys import StepKey, Undo
from kubernaut.workflow.run import WorkflowConditions

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


# --- answers ---


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
class StepLooked:
    """The answer to a stage's `ReadFacts`."""

    key: StepKey
    phase: Phase
    looked: Looked


@dataclass(frozen=True, slots=True, kw_only=True)
class ExecutionSeen:
    """A step's KubernetesExecution as it is now: the answer to `CreateExecution`.

    Also told by the driver itself at the beginning of every reconcile, from a live GET, for every step in
    `WorkflowStatus.followed`; left out where it cannot be read now.

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
