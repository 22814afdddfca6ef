"""Where one execution is: everything that must outlive a restart, and what is only held in memory.

Every deadline lives here. What `Memory` holds is asked for again after a restart (`kubernaut.execution.status_json`
leaves it out). Phases, reasons and messages are for people; the machine goes by `step`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from kubernaut.execution.job_seen import Effect
from kubernaut.execution.retries import Retry
from kubernaut.execution.run import RunConditions
from kubernaut.facts.baseline import Baseline
from kubernaut.json_types import JsonObject
from kubernaut.resources.execution import ExecutionPhase
from kubernaut.verification.status import StageStatus
from kubernaut.verification.types import StagePhase


class Step(StrEnum):
    """What is being done; the order of the members is the order of a run."""

    TARGET = "target"
    ACCESS = "access"
    SAFETY = "safety"
    LOCK = "lock"
    PRECONDITIONS = "preconditions"
    DRY_RUN = "dryRun"
    CAPTURE = "capture"
    JOB = "job"
    POSTCONDITIONS = "postconditions"
    DONE = "done"


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """The target as first found; another object under the same name is another target.

    Attributes
    ----------
    generation : int or None
        As last read.
    replicas : int or None
        As first read: what `expected_baseline` falls back to.
    """

    uid: str
    resource_version: str = ""
    generation: int | None = None
    replicas: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Pin:
    """What was settled when the run left `pending`.

    Attributes
    ----------
    digest : str
        Of the condition sets.
    bucket : int
        0..9999, the incident's.
    budget_spent : tuple of str
        Text forms of the conditions that the block budget had set back to warn.
    note : str
        Not empty when the set that the run started with is gone and another one is used.
    """

    digest: str
    incident_id: str
    bucket: int
    environment: str = ""
    budget_spent: tuple[str, ...] = ()
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class JobStatus:
    """The one Job of this execution.

    Attributes
    ----------
    asked_at : datetime
        When the intent to create it was first stored.
    deadline : datetime
        After which one that is still active is given up.
    uid : str
        Empty until the API server was seen to have it.
    given_up : bool
        Its end was not seen: it is deleted, so that nothing happens any later, before the lock is given back.
    absent : bool
        It was asked for, but is not there: the create never arrived, and is made again from a new read.
    finished_at : datetime or None
        The action's end on our clock: not before `asked_at`, not after it was seen.
    effect : Effect or None
        None while it may still run.
    """

    name: str
    asked_at: datetime
    deadline: datetime
    target_resource_version: str = ""
    uid: str = ""
    given_up: bool = False
    absent: bool = False
    created_at: datetime | None = None
    finished_at: datetime | None = None
    effect: Effect | None = None
    reason: str = ""
    message: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rollback:
    """How the change is undone, captured before it.

    Attributes
    ----------
    info : JsonObject
        From the action's `rollback_info`; its `undo` reads it.
    """

    captured_at: datetime
    info: JsonObject


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """How the run ended.

    Attributes
    ----------
    phase : ExecutionPhase
    row_result : str
        The word of `ExecutionRow.result`.
    cut_short : bool
        Deleted before it was over.
    """

    phase: ExecutionPhase
    at: datetime
    row_result: str
    cut_short: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """What is asked for again after a restart.

    Attributes
    ----------
    conditions : RunConditions or None
        None until pinned, and after a restart.
    finalizer : bool or None
        Whether ours is on the resource; None when not told yet.
    delete_asked_after : int or None
        Failures of `DeleteJob` when it was asked for last; None when it was not.
    next_try_at : datetime or None
        Before which a failing intent is not tried again.
    override_annotations, admission_policy_present
        As `MetadataSeen` told last.
    """

    conditions: RunConditions | None = None
    deleted: bool = False
    finalizer: bool | None = None
    override_annotations: Mapping[str, str] = field(default_factory=dict)
    admission_policy_present: bool = False
    delete_asked_after: int | None = None
    next_try_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ExecutionStatus:
    """Where an execution is.

    Attributes
    ----------
    started_at : datetime
        When it was first looked at.
    seen_at : datetime
        The latest `now` so far; time never goes back behind it.
    step : Step
    then : Step
        Where the checks (target, access, safety) lead: to the lock, after a wait to preconditions or the dry run.
    phase : ExecutionPhase
    reason : str
        CamelCase; the reason of the conditions `Succeeded`, `Reconciling` and `Stalled`.
    message : str
    target, pinned : or None
        None until read, and until the run leaves `pending`.
    checked_at : datetime or None
        When safety last passed.
    safety_digest : str
        Of the safety policies that were asked last.
    denials : tuple of str
        Why the safety policies said no.
    lock_asked : bool
        From then on a lock may exist and the finalizer is on the resource until the result is recorded.
    locked : bool
    waiting_since, waiting_until : datetime or None
        For the lock: since when, and the deadline while it goes on; None when it was free.
    waited_until : datetime or None
        When the lock was got after waiting for it.
    waiting_for : str
        ``namespace/name`` of the execution that has the lock; empty when nobody is waited for.
    enforcement : bool
        The global switch as last seen.
    override_fingerprint : str
        Of the override annotations as last seen; empty without.
    override_seen_at : datetime or None
        When they were first seen so.
    pre, post : StageStatus or None
        None until begun.
    rounds : int
        How often the preconditions were asked again because the target moved or time went by.
    dry_run_accepted : bool or None
        None until it was answered.
    would_change : str
        What the dry run says would change, or why it was refused.
    generation : int or None
        Of the target that the accepted dry run was made from.
    rollback : Rollback or None
    baseline : Baseline or None
        Only pods with restarts or OOM kills.
    job : JobStatus or None
    retries : mapping of str to Retry
        What keeps failing, by the intent's class name.
    result : Result or None
        None until the run has one; looking may go on beside it.
    over : bool
        It has a result, and nobody need look any longer. What is left to clean up is told by the finalizer.
    memory : Memory
    """

    started_at: datetime
    seen_at: datetime
    step: Step = Step.TARGET
    then: Step = Step.LOCK
    phase: ExecutionPhase = ExecutionPhase.PENDING
    reason: str = "Pending"
    message: str = ""
    target: Target | None = None
    pinned: Pin | None = None
    checked_at: datetime | None = None
    safety_digest: str = ""
    denials: tuple[str, ...] = ()
    lock_asked: bool = False
    locked: bool = False
    waiting_since: datetime | None = None
    waiting_until: datetime | None = None
    waited_until: datetime | None = None
    waiting_for: str = ""
    enforcement: bool = True
    override_fingerprint: str = ""
    override_seen_at: datetime | None = None
    pre: StageStatus | None = None
    post: StageStatus | None = None
    rounds: int = 0
    dry_run_accepted: bool | None = None
    would_change: str = ""
    generation: int | None = None
    rollback: Rollback | None = None
    baseline: Baseline | None = None
    job: JobStatus | None = None
    retries: Mapping[str, Retry] = field(default_factory=dict)
    result: Result | None = None
    over: bool = False
    memory: Memory = field(default_factory=Memory)

    @property
    def may_have_run(self) -> bool:
        """Whether the action may have had an effect, or still may."""
        job = self.job
        return job is not None and job.effect is not Effect.REFUSED and not job.absent

    def decides_otherwise(self, before: "ExecutionStatus") -> bool:
        """Say whether this differs from an earlier status in what must not be lost; it is stored only then."""
        return _decisive(self) != _decisive(before) or any(
            stage is not None and stage is not former and _differs(stage, former)
            for stage, former in ((self.pre, before.pre), (self.post, before.post))
        )


_EARLY = (ExecutionPhase.PENDING, ExecutionPhase.VALIDATING)


def _decisive(status: ExecutionStatus) -> tuple[object, ...]:
    """Give what would lead elsewhere, or tell a person something wrong, if it were forgotten.

    What is found out before the lock is stored together with the intent to take it: until then nothing happened.
    """
    job, pinned = status.job, status.pinned
    return (
        None if status.phase in _EARLY else (status.phase, status.reason),
        "" if pinned is None else pinned.note,
        status.lock_asked,
        status.waiting_until,
        status.waiting_for,
        status.override_fingerprint,
        status.rounds,
        None if job is None else (job.uid, job.effect, job.reason),
        None if status.result is not None else status.retries.keys(),
        status.result,
        status.over,
    )


def _differs(stage: StageStatus, former: StageStatus | None) -> bool:
    """Say whether a stage came to something; that it began is no news."""
    return stage.phase is not StagePhase.EVALUATING if former is None else stage.decides_otherwise(former)
