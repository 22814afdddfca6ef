"""What is fixed about one KubernetesExecution, and what can be observed while it runs.

`decide` takes the run, its status, what was observed since the last call and the time; it answers with intents
(`kubernaut.execution.intents`) that a driver carries out. Each observation here is the answer to one intent, or
something that the driver noticed by itself. Nothing here knows how anything is read or asked. The file is one
vocabulary, without behaviour.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import TypeAlias

from kubernaut.actions.change import Change
from kubernaut.actions.definition import ActionTarget
from kubernaut.conditions.spec import ResolvedCondition
from kubernaut.enforcement.rollout import LastRun
from kubernaut.execution.intents import Intent
from kubernaut.facts.baseline import Baseline
from kubernaut.history.rows import Purpose
from kubernaut.identity import Phase
from kubernaut.json_types import JsonObject
from kubernaut.safety import Denial
from kubernaut.verification.types import DEFAULT_BLOCKED_DEADLINE_S, DEFAULT_OBSERVED_SHARE, Looked


@dataclass(frozen=True, slots=True, kw_only=True)
class ExecutionRun:
    """What is fixed about one execution: its custom resource's spec and metadata.

    Attributes
    ----------
    uid, namespace, name : str
        Of the custom resource.
    generation : int
        `metadata.generation`; what `observedGeneration` says.
    action : str
        As written; it may not exist.
    parameters : mapping
        As written; not checked yet.
    declared_target : ActionTarget or None
        `spec.targetResource`; None when it was not given. The parameters must name the same object.
    incident_id : str
        Empty: the default one (DESIGN 4).
    workflow_uid : str
        Empty for an execution of its own.
    dry_run : bool
        Ends after the dry run; nothing is changed.
    validation_enabled : bool
        False: every condition ends `Skipped`. Safety policies and the dry run are asked all the same.
    timeout_s : float or None, unit s
        Of the action's Job; None means the action's own.
    labels : mapping of str to str
        The allow-listed ones, for history.
    wake_ahead_s : float, unit s
        How far before a deadline a read may begin; 0 on a virtual clock, 0.25 for a live driver.
    """

    uid: str
    namespace: str
    name: str
    action: str
    parameters: JsonObject
    generation: int = 1
    declared_target: ActionTarget | None = None
    incident_id: str = ""
    detected_at: datetime | None = None
    step: int = 1
    workflow_uid: str = ""
    purpose: Purpose = Purpose.FORWARD
    dry_run: bool = False
    validation_enabled: bool = True
    timeout_s: float | None = None
    labels: Mapping[str, str] = field(default_factory=dict)
    wake_ahead_s: float = 0.0


# --- noticed by the driver itself, told at the beginning of every reconcile ---


@dataclass(frozen=True, slots=True, kw_only=True)
class MetadataSeen:
    """What the custom resource's metadata says now. To be told first, whenever the resource was read.

    Attributes
    ----------
    deleted : bool
        It has a deletionTimestamp.
    finalizer : bool
        Our finalizer is on it.
    override_annotations : mapping of str to str
        Those that begin with `kubernaut.enforcement.overrides.PREFIX`.
    admission_policy_present : bool
        Whether the admission policy that checks overrides and its binding are in place.
    """

    deleted: bool = False
    finalizer: bool = False
    override_annotations: Mapping[str, str] = field(default_factory=dict)
    admission_policy_present: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class EnforcementSeen:
    """The global switch (`enforcement` of settings.yaml), read live. Off stops blocking, not looking and not safety."""

    enforcement: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetTouched:
    """Another execution's Job was created for the same target; who looks beside its own result ends looking.

    Attributes
    ----------
    by : str
        ``namespace/name`` of the other execution.
    """

    by: str


# --- answers ---


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetSeen:
    """The answer to `ReadTarget`: a live GET.

    Attributes
    ----------
    found : bool
        False: the API server looked and it is not there.
    deleting : bool
        It has a deletionTimestamp.
    generation : int or None
        None for kinds that have none.
    replicas : int or None
        `spec.replicas`; None for kinds that have none.
    """

    found: bool
    uid: str = ""
    resource_version: str = ""
    generation: int | None = None
    replicas: int | None = None
    deleting: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class RunConditions:
    """What a run is judged by, resolved from the sets it is pinned to.

    Attributes
    ----------
    digest : str
        Of the sets, as `PinnedSets.digest`.
    conditions : tuple of ResolvedCondition
        Of the action level, both phases, in the order of `Resolution.conditions`.
    environment : str
        Value of the namespace's label; empty without one.
    rollout : str
        `rollout` of settings.yaml, which deals the buckets.
    budget_spent : frozenset of str
        Text forms of conditions that the block budget has set back to warn now.
    notes : tuple of str
        What of the custom resource was not followed, or that the pinned set is gone (`PinChoice.note`).
    """

    digest: str
    conditions: tuple[ResolvedCondition, ...] = ()
    environment: str = ""
    rollout: str = "default"
    budget_spent: frozenset[str] = frozenset()
    blocked_deadline_s: float = DEFAULT_BLOCKED_DEADLINE_S
    observed_share: float = DEFAULT_OBSERVED_SHARE
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Pinned:
    """The answer to `PinConditions`.

    Attributes
    ----------
    last_run : LastRun or None
        The last run before this one of the same action on the same target UID; None when there was none.
    """

    conditions: RunConditions
    last_run: LastRun | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessReviewed:
    """The answer to `ReviewAccess`.

    Attributes
    ----------
    missing : tuple of str
        What the action's account may not do, each in words: ``patch deployments/scale in namespace shop``.
    author_unchecked : bool
        The target lies in another namespace than the custom resource, and no admission policy asked whether its author
        may act there.
    """

    missing: tuple[str, ...] = ()
    author_unchecked: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class SafetyJudged:
    """The answer to `JudgeSafety`, from `kubernaut.safety.judge_safety`.

    Attributes
    ----------
    denials : tuple of Denial
        Empty when every policy passed.
    digest : str
        Of the safety policies in force.
    """

    denials: tuple[Denial, ...] = ()
    digest: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class FinalizerSet:
    """The answer to `AddFinalizer` and `RemoveFinalizer`: whether it is there now."""

    present: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class LockHolder:
    """Who has the lock of a target.

    Attributes
    ----------
    name : str
        ``namespace/name`` of the execution.
    """

    execution_uid: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LockAnswered:
    """The answer to `TakeLock`.

    Attributes
    ----------
    held_by : LockHolder or None
        None: this execution has it (also when it had it already).
    """

    held_by: LockHolder | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StageLooked:
    """The answer to a stage's `ReadFacts`.

    Attributes
    ----------
    phase : Phase
        As the intent gave it.
    looked : Looked
        Its `objects` name the target with its UID.
    """

    phase: Phase
    looked: Looked


@dataclass(frozen=True, slots=True, kw_only=True)
class DryRunAnswered:
    """The answer to `SendDryRun`.

    Attributes
    ----------
    accepted : bool
        The API server would carry the change out.
    message : str
        When refused: what it said.
    would_change : str
        From the action's `describe_change`: ``replicas 2 -> 5``.
    uid, generation
        Of the target that the change was made from.
    moved : bool
        Refused only because the target is not any more what the change was made from (a JSON-patch test or a UID
        precondition did not hold).
    """

    accepted: bool
    message: str = ""
    would_change: str = ""
    uid: str = ""
    generation: int | None = None
    moved: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class RollbackCaptured:
    """The answer to `CaptureRollback`: one live read, before anything is changed, from which all of this is made.

    Attributes
    ----------
    found : bool
    uid, resource_version, generation
        Of the target.
    change : Change or None
        What the Job shall do. None only when the target was not found.
    info : JsonObject or None
        The action's `rollback_info`.
    baseline : Baseline
        Restarts and OOM kills before the action.
    """

    found: bool
    uid: str = ""
    resource_version: str = ""
    generation: int | None = None
    change: Change | None = None
    info: JsonObject | None = None
    baseline: Baseline = field(default_factory=Baseline)


class JobState(StrEnum):
    """What there is under the Job's name."""

    ABSENT = "absent"
    FOREIGN = "foreign"
    ACTIVE = "active"
    SUCCEEDED = "succeeded"
    FAILED = "failed"


class Effect(StrEnum):
    """What the action's request did to the cluster."""

    REFUSED = "refused"
    APPLIED = "applied"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class JobSeen:
    """The answer to `CreateJob` and `ReadJob`, by `kubernaut.execution.job_reading.job_seen`.

    Attributes
    ----------
    state : JobState
        `FOREIGN`: a Job of this name without our UID label.
    uid : str
        Empty when absent.
    finished_at : datetime or None
        By the API server's clock; None while it is active.
    effect : Effect or None
        None while active, absent or foreign.
    reason : str
        CamelCase: why it failed, or why it has not started yet; empty when there is nothing to say.
    message : str
        The same in a person's words.
    """

    state: JobState
    uid: str = ""
    created_at: datetime | None = None
    finished_at: datetime | None = None
    effect: Effect | None = None
    reason: str = ""
    message: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CouldNot:
    """An intent could not be carried out; those that came after it in the same decision were not tried.

    Attributes
    ----------
    intent : Intent
        The one that failed.
    why : str
        One sentence.
    retry : bool
        True: busy, unreachable, conflict, anything that may pass. False: the answer is final (403 or 422 to a
        create, parameters that the target as it is does not allow).
    retry_after_s : float or None, unit s
        What the server asked to wait; None leaves it to `decide`.
    """

    intent: Intent
    why: str
    retry: bool = True
    retry_after_s: float | None = None


Observation: TypeAlias = (
    MetadataSeen
    | EnforcementSeen
    | TargetTouched
    | TargetSeen
    | Pinned
    | AccessReviewed
    | SafetyJudged
    | FinalizerSet
    | LockAnswered
    | StageLooked
    | DryRunAnswered
    | RollbackCaptured
    | JobSeen
    | CouldNot
)
