"""What `decide` asks a driver to do, in one vocabulary without behaviour.

Rules of the driver:

- Intents are carried out in the order given. The first that cannot be is answered by `CouldNot`, and the rest of
  that decision is dropped: it comes again with a later one. (So nothing happens whose status could not be stored.)
- `StoreStatus` stands before every intent that says `store_status_first`. When it fails, or something before it in
  the same decision does, there is no answer to give: forget what is in memory, read the resource again and go on from
  what is stored, as after a restart.
- Every intent may come twice, after a restart or because an answer was lost: all are idempotent, `CreateJob` by its
  name and the UID label.
- Answers go into the next call of `decide`, which is made at once; without answers it is made at `next_due` or when
  something was noticed.
- Events, rows, `DeleteJob`, `RetireJob` and `ReleaseLock` have no answer when all went well. An Event that cannot be
  written should be logged and forgotten: it must not hold up what comes after it.
"""

from dataclasses import dataclass
from typing import TypeAlias

from kubernaut.actions.change import Change
from kubernaut.identity import Phase
from kubernaut.verification.types import EmitEvent, ReadFacts, RecordAttempts, RecordEvaluations, StoreStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadTarget:
    """Read the target live; answer with `TargetSeen`."""

    store_status_first: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class PinConditions:
    """Resolve what the run is judged by; answer with `Pinned`.

    Attributes
    ----------
    digest : str or None
        The set that the run is pinned to (`pinned_sets` chooses); None before it left `pending`.
    target_uid : str
        For the last run on the same target.
    """

    digest: str | None
    target_uid: str
    store_status_first: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewAccess:
    """Ask whether the action's account may do what the action needs in the target's namespace.

    Answer with `AccessReviewed`.
    """

    store_status_first: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgeSafety:
    """Read facts and judge the safety policies in force now; answer with `SafetyJudged`."""

    store_status_first: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class AddFinalizer:
    """Put our finalizer on the custom resource; answer with `FinalizerSet(present=True)`."""

    store_status_first: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class TakeLock:
    """Create the Lease of the target, or see who has it; answer with `LockAnswered`.

    A holder whose custom resource is gone and which has no Job running may be put aside.

    Attributes
    ----------
    name : str
        Of the Lease.
    target_uid : str
    """

    name: str
    target_uid: str
    store_status_first: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class StageIntent:
    """Something that a stage of conditions asks for.

    Attributes
    ----------
    phase : Phase
        Pre or post.
    intent : ReadFacts or RecordAttempts or RecordEvaluations
        `ReadFacts` is answered by `StageLooked` of the same phase. Rows are made by
        `kubernaut.verification.rows` with the spec of `stage_spec` and the decision's stage status.
    """

    phase: Phase
    intent: ReadFacts | RecordAttempts | RecordEvaluations
    store_status_first: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class SendDryRun:
    """Make the change from a live read and send it with ``dryRun=All`` as the action's account.

    Answer with `DryRunAnswered`.
    """

    store_status_first: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class CaptureRollback:
    """Read the target and what is related live; make change, rollback information and baseline from that read.

    Answer with `RollbackCaptured`.
    """

    store_status_first: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateJob:
    """Create the Job (manifest: `kubernaut.execution.job.job_manifest`); answer with `JobSeen`.

    AlreadyExists means: read it. No answer in time means `CouldNot`: it is read before it is created again.

    Attributes
    ----------
    name : str
        The same for every try of this execution.
    change : Change
    timeout_s : int, unit s
        `activeDeadlineSeconds`.
    """

    name: str
    change: Change
    timeout_s: int
    store_status_first: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadJob:
    """Read the Job and its pods live (with Events while a pod has not started); answer with `JobSeen`.

    Attributes
    ----------
    explain : bool
        Whether pods and Events are worth a read: not in the first seconds.
    """

    name: str
    explain: bool = False
    store_status_first: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteJob:
    """Take our finalizer off the Job and delete it with its pods; one that is not there is fine."""

    name: str
    store_status_first: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class RetireJob:
    """The result is recorded: take our finalizer off the Job and let its TTL begin; one that is gone is fine."""

    name: str
    store_status_first: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseLock:
    """Delete the target's Lease if this execution holds it; any other is left alone."""

    name: str
    target_uid: str
    store_status_first: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoveFinalizer:
    """Take our finalizer off the custom resource; answer with `FinalizerSet(present=False)`."""

    store_status_first: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordExecution:
    """Append the (newer) row of the run, made by `kubernaut.execution.rows.execution_row`.

    Done before the status that says so is stored.
    """

    store_status_first: bool = False


Intent: TypeAlias = (
    ReadTarget
    | PinConditions
    | ReviewAccess
    | JudgeSafety
    | AddFinalizer
    | TakeLock
    | StageIntent
    | SendDryRun
    | CaptureRollback
    | CreateJob
    | ReadJob
    | DeleteJob
    | RetireJob
    | ReleaseLock
    | RemoveFinalizer
    | RecordExecution
    | StoreStatus
    | EmitEvent
)
