"""The words between verification and whoever drives it: a stage's spec, observations in, intents out.

A *stage* is all preconditions, or all postconditions, at one level of one run. `decide` looks at the stage's
spec, its status, what was observed since and the time, and answers with the new status, what to do, and when
to ask again. The operator carries intents out against a cluster, the simulator against a recorded or
generated world on a virtual clock; neither decides anything. Nothing here knows how facts are read, where
status is stored or what a row's file is. The file is long because it is one vocabulary, without behaviour.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import TypeAlias

from kubernaut.conditions.spec import ResolvedCondition
from kubernaut.enforcement.decision import Enforcement
from kubernaut.facts.snapshot import Snapshot
from kubernaut.history.rows import ObjectVersion
from kubernaut.identity import Level, Phase
from kubernaut.verdicts import Attempt, Judgement

DEFAULT_BLOCKED_DEADLINE_S = 3600.0
"""How long a blocked stage waits for its facts to recover."""

DEFAULT_OBSERVED_SHARE = 0.2
"""The share of runs whose conditions are looked at until their timeout although they passed."""

CANDIDATE_SUFFIX = "@candidate"


def condition_key(condition: ResolvedCondition) -> str:
    """Give a condition's name within its stage: ``type``, or ``type@candidate`` for a challenger."""
    return condition.id.type + (CANDIDATE_SUFFIX if condition.candidate else "")


class StagePhase(StrEnum):
    """Where a stage is. The last four are results; observation may go on after `PASSED` and `FAILED`."""

    EVALUATING = "evaluating"
    BLOCKED = "blocked"
    VERIFYING = "verifying"
    PASSED = "passed"
    FAILED = "failed"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True, kw_only=True)
class StageCondition:
    """One condition and whether this run's incident is enrolled in its rollout.

    Attributes
    ----------
    condition : ResolvedCondition
    enforced : bool
        Required, and the incident's bucket is inside the rollout percent. Never true for a candidate:
        `decide` treats a candidate as not enforced whatever is said here.
    percent : float or None
        The rollout percent in force: 0 when the block budget has set the condition back to warn. None means
        the condition's own.
    key : str
        Its name within the stage.
    """

    condition: ResolvedCondition
    enforced: bool
    percent: float | None = None
    key: str = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        # A stage asks for it at every look at every condition.
        object.__setattr__(self, "key", condition_key(self.condition))

    @classmethod
    def of(cls, condition: ResolvedCondition, enforcement: Enforcement) -> "StageCondition":
        """Put a condition and what was settled about its enforcement together."""
        return cls(condition=condition, enforced=enforcement.enforced, percent=enforcement.percent)


@dataclass(frozen=True, slots=True, kw_only=True)
class StageSpec:
    """What is fixed about a stage when the run leaves `pending`.

    Attributes
    ----------
    uid : str
        UID of the run (execution, or workflow and step); mixed into the jitter of poll times.
    level : Level
    phase : Phase
    conditions : tuple of StageCondition
        In the order in which a reason is given: the first enforced failure is the reason.
    blocked_deadline_s : float
        Pre: how long `blocked` lasts before it ends failed; 0 makes `blocked` terminal, as in the guide.
    observed_share : float
        0..1; share of runs, by hash of `uid`, whose postconditions are looked at until their timeout after a
        pass.
    wake_ahead_s : float
        How far before a deadline the poll on it may begin. 0 on a virtual clock. A live operator never wakes
        exactly on time, and a read begun a millisecond after the deadline does not count; it sets a fraction
        of a second.
    validation_enabled : bool
        False: every condition ends `Skipped`.
    """

    uid: str
    level: Level
    phase: Phase
    conditions: tuple[StageCondition, ...]
    blocked_deadline_s: float = DEFAULT_BLOCKED_DEADLINE_S
    observed_share: float = DEFAULT_OBSERVED_SHARE
    wake_ahead_s: float = 0.0
    validation_enabled: bool = True

    def __hash__(self) -> int:
        # Conditions hold mappings, and few stages share a UID and a phase.
        return hash((self.uid, self.phase is Phase.PRE))


# --- observations: what happened since the last call ---


@dataclass(frozen=True, slots=True, kw_only=True)
class Looked:
    """The answer to `ReadFacts`: one snapshot was read and the conditions named were judged on it.

    A driver that could not read or judge still answers, with `Code.ERROR` judgements that say why.

    Attributes
    ----------
    slots : mapping of str to int
        By condition key, as the intent gave it.
    began_at, read_at : datetime
        When the read began and ended, on the driver's clock.
    judgements : mapping of str to Judgement
        By condition key.
    snapshots : mapping of str to Snapshot
        By condition key: what shall be recorded (the paths read, or everything). Passed through to
        `RecordAttempts`.
    objects : tuple of ObjectVersion
        What was read, for the evaluation's row.
    """

    slots: Mapping[str, int]
    began_at: datetime
    read_at: datetime
    judgements: Mapping[str, Judgement]
    snapshots: Mapping[str, Snapshot] = field(default_factory=dict)
    objects: tuple[ObjectVersion, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Override:
    """A valid override: who set it and why. Validity and expiry are judged elsewhere."""

    by: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OverridesSeen:
    """The overrides valid now, by condition key; replaces what was known before."""

    overrides: Mapping[str, Override]


@dataclass(frozen=True, slots=True, kw_only=True)
class EnforcementSwitched:
    """The global switch as it is now. Off turns blocking off, not looking and not recording."""

    enforcement: bool


class EndCause(StrEnum):
    """Why nobody will look any longer."""

    TARGET_TOUCHED = "TargetTouched"
    CUT_SHORT = "CutShort"
    ACTION_NEVER_RAN = "ActionNeverRan"


@dataclass(frozen=True, slots=True, kw_only=True)
class ObservationEnded:
    """Observation ends now: the target is touched again, the run was cut short, or no action ran.

    Attributes
    ----------
    cause : EndCause
    detail : str
        One sentence for a person.
    """

    cause: EndCause
    detail: str = ""


Observation: TypeAlias = Looked | OverridesSeen | EnforcementSwitched | ObservationEnded


# --- intents: what to do ---


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadFacts:
    """Read one fresh snapshot, judge the conditions named on it, answer with `Looked`.

    Attributes
    ----------
    slots : mapping of str to int
        Poll number by condition key.
    limits_s : mapping of str to float
        By condition key; None means no limit of its own beyond the evaluator's.
    max_age_s : float
        A cached read may be this old; 0 when an enforced condition is among them.
    store_status_first : bool
        Always False: reading changes nothing.
    """

    slots: Mapping[str, int]
    limits_s: Mapping[str, float] = field(default_factory=dict)
    max_age_s: float = 0.0
    store_status_first: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptRecord:
    """One look at one condition, to be recorded.

    Attributes
    ----------
    key : str
    slot : int
    began_at, read_at : datetime
    result : Attempt
        What the policy said: `Passed` while a hold is still running, too.
    judgement : Judgement
    snapshot : Snapshot or None
        None when the driver gave none.
    """

    key: str
    slot: int
    began_at: datetime
    read_at: datetime
    result: Attempt
    judgement: Judgement
    snapshot: Snapshot | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordAttempts:
    """Append attempt rows. Done before the status that uses them is stored, so never `store_status_first`."""

    attempts: tuple[AttemptRecord, ...]
    store_status_first: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordEvaluations:
    """Append (newer) evaluation rows of the conditions named, made from the decision's status.

    Attributes
    ----------
    keys : tuple of str
    objects : tuple of ObjectVersion
        What the deciding look read.
    """

    keys: tuple[str, ...]
    objects: tuple[ObjectVersion, ...] = ()
    store_status_first: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreStatus:
    """A decision changed: store the status. Looks that decide nothing do not ask for this."""

    store_status_first: bool = False


class EventType(StrEnum):
    """Kubernetes' two types of Events."""

    NORMAL = "Normal"
    WARNING = "Warning"


@dataclass(frozen=True, slots=True, kw_only=True)
class EmitEvent:
    """Say once what changed.

    Attributes
    ----------
    type : EventType
    reason : str
        CamelCase, low cardinality.
    message : str
    store_status_first : bool
        True: an Event about a decision that was then lost would be said twice.
    """

    type: EventType
    reason: str
    message: str
    store_status_first: bool = True


Intent: TypeAlias = ReadFacts | RecordAttempts | RecordEvaluations | StoreStatus | EmitEvent
