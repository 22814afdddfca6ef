"""What can be observed while an execution runs.

`decide` takes the run, its status, what was observed since the last call and the time; it answers with intents
(`kubernaut.execution.intents`) that a driver carries out. Each observation here is the answer to one intent, or
something that the driver noticed by itself. Nothing here knows how anything is read or asked. The file is one
vocabulary, without behaviour.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from kubernaut.actions.change import Change
from kubernaut.enforcement.rollout import LastRun
from kubernaut.execution.intents import Intent
from kubernaut.execution.job_seen import JobSeen
from kubernaut.execution.run import RunConditions
from kubernaut.facts.baseline import Baseline
from kubernaut.identity import Phase
from kubernaut.json_types import JsonObject
from kubernaut.safety import Denial
from kubernaut.verification.types import Looked

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
