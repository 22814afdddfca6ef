"""What `decide` asks a driver to do for a workflow, in one vocabulary without behaviour.

The rules of the driver are those of `kubernaut.execution.intents`: in order, the first that fails is answered by
`CouldNot` and drops the rest, `StoreStatus` stands before everything that says `store_status_first`, every intent may
come twice and is idempotent.
"""

from dataclasses import dataclass
from typing import TypeAlias

from kubernaut.identity import Phase
from kubernaut.json_types import JsonObject
from kubernaut.verification.types import EmitEvent, ReadFacts, RecordAttempts, RecordEvaluations, StoreStatus
from kubernaut.workflow.keys import StepKey, Undo


@dataclass(frozen=True, slots=True, kw_only=True)
class PinWorkflow:
    """Resolve what all steps are judged by; answer with `WorkflowPinned`.

    Attributes
    ----------
    digest : str or None
        The set that the run is pinned to; None before it left `pending`.
    """

    digest: str | None
    store_status_first: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewAccess:
    """Ask for every step whether its action's account may do what it needs; answer with `AccessReviewed`."""

    store_status_first: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class StageIntent:
    """Something that a stage of a step's conditions asks for; `ReadFacts` is answered by `StepLooked`.

    Attributes
    ----------
    action : str
    parameters : JsonObject
        Of the step, or of what takes it back: what facts are read about.
    """

    key: StepKey
    phase: Phase
    action: str
    parameters: JsonObject
    intent: ReadFacts | RecordAttempts | RecordEvaluations
    store_status_first: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateExecution:
    """Create a step's KubernetesExecution, owned by the workflow; answer with `ExecutionSeen`.

    AlreadyExists means: read it; one that is not this workflow's step is `foreign`.

    Attributes
    ----------
    name : str
        The same for every try.
    work : Undo
        Action and parameters.
    timeout_s : float or None, unit s
    incident_id : str
        The workflow's.
    """

    key: StepKey
    name: str
    work: Undo
    timeout_s: float | None
    incident_id: str
    dry_run: bool
    store_status_first: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteExecution:
    """Cancel a step's KubernetesExecution by deleting it; one that is gone is fine. It ends by itself."""

    key: StepKey
    name: str
    store_status_first: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class AskOutcome:
    """Ask the workflow's query whether the incident is over; answer with `OutcomeAnswered`."""

    store_status_first: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class AddFinalizer:
    """Put our finalizer on the resource; answer with `FinalizerSet(present=True)`."""

    store_status_first: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoveFinalizer:
    """Take our finalizer off the resource; answer with `FinalizerSet(present=False)`."""

    store_status_first: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordStep:
    """Append the (newer) row of a step's run: over what its execution recorded, what came of the whole step."""

    key: StepKey
    store_status_first: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordWorkflow:
    """Append the (newer) row of the workflow, before the status that says so is stored."""

    store_status_first: bool = False


Intent: TypeAlias = (
    PinWorkflow
    | ReviewAccess
    | StageIntent
    | CreateExecution
    | DeleteExecution
    | AskOutcome
    | AddFinalizer
    | RemoveFinalizer
    | RecordStep
    | RecordWorkflow
    | StoreStatus
    | EmitEvent
)
