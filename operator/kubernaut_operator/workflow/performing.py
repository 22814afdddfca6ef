"""Which part of this package carries out which intent of `kubernaut.workflow`."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from kubernaut.actions.catalogue import action_definition, target_of
from kubernaut.errors import KubernautError
from kubernaut.execution.types import FinalizerSet
from kubernaut.verification.types import EmitEvent, ReadFacts
from kubernaut.workflow import intents
from kubernaut.workflow.intents import Intent
from kubernaut.workflow.keys import Undo
from kubernaut.workflow.types import AccessReviewed, CouldNot, Observation, StepLooked
from kubernaut_operator.execution.access import AccessReview
from kubernaut_operator.execution.admission import AdmissionGuard
from kubernaut_operator.execution.finalizers import Finalizers
from kubernaut_operator.execution.looking import Looking
from kubernaut_operator.execution.performing import failure_of
from kubernaut_operator.workflow.children import Children
from kubernaut_operator.workflow.noting import WorkflowNoting
from kubernaut_operator.workflow.outcomes import Outcomes
from kubernaut_operator.workflow.pinning import WorkflowPinning
from kubernaut_operator.workflow.work import WorkflowWork


class WorkflowPerformer:
    """Carries intents out."""

    def __init__(
        self,
        *,
        pinning: WorkflowPinning,
        access: AccessReview,
        targets: AdmissionGuard,
        looking: Looking,
        children: Children,
        finalizers: Finalizers,
        outcomes: Outcomes,
        noting: WorkflowNoting,
    ) -> None:
        self._access = access
        self._targets = targets
        self._looking = looking
        self._children = children
        self._finalizers = finalizers
        self._outcomes = outcomes
        self._noting = noting
        self._performers: Mapping[type[Any], Callable[[WorkflowWork, Any], Observation | None]] = {
            intents.PinWorkflow: pinning.pin,
            intents.ReviewAccess: lambda work, _: self._review(work),
            intents.StageIntent: self._of_stage,
            intents.CreateExecution: children.create,
            intents.DeleteExecution: lambda work, intent: children.delete(work, intent.key),
            intents.AskOutcome: lambda work, _: self._outcomes.ask(work, now=datetime.now(UTC)),
            intents.AddFinalizer: lambda work, _: self._finalizer(work, present=True),
            intents.RemoveFinalizer: lambda work, _: self._finalizer(work, present=False),
            intents.RecordStep: lambda work, intent: self._noting.step(work, intent.key),
            intents.RecordWorkflow: lambda work, _: self._noting.workflow(work),
            EmitEvent: self._tell,
        }

    def perform(self, work: WorkflowWork, intent: Intent) -> Observation | None:
        """Carry one intent out and give its answer.

        Raises
        ------
        KubernautError
            It could not be; see `could_not`.
        """
        return self._performers[type(intent)](work, intent)

    def _review(self, work: WorkflowWork) -> AccessReviewed:
        """Ask for every step, and for what its author wrote to undo it."""
        missing: list[str] = []
        for step in work.run.steps:
            for wanted in (Undo(action=step.action, parameters=step.parameters), step.rollback):
                if wanted is not None:
                    missing += [f"step {step.number}: {one}" for one in self._missing(work, wanted)]
        return AccessReviewed(missing=tuple(dict.fromkeys(missing)))

    def _missing(self, work: WorkflowWork, wanted: Undo) -> tuple[str, ...]:
        action = action_definition(wanted.action)
        target = target_of(wanted.action, wanted.parameters)
        if target.namespace != work.run.namespace and not self._targets.present():
            return (
                f"{target} is in another namespace, and the admission policy that asks whether the author may act "
                "there is missing",
            )
        missing = self._access.missing(action.account, action.rules, namespace=target.namespace)
        return (f"the account {action.account} may not {', nor '.join(missing)}",) if missing else ()

    def _of_stage(self, work: WorkflowWork, intent: intents.StageIntent) -> StepLooked | None:
        if not isinstance(intent.intent, ReadFacts):
            self._noting.of_stage(work, intent)
            return None
        if intent.key not in work.executions and work.status.state(intent.key).execution_uid:
            # After a restart: facts are told relative to what the execution saw before its action.
            self._children.read(work, intent.key)
        subject = work.subject(intent.key, Undo(action=intent.action, parameters=intent.parameters))
        looked = self._looking.look(subject, intent.phase, intent.intent)
        return StepLooked(key=intent.key, phase=intent.phase, looked=looked)

    def _finalizer(self, work: WorkflowWork, *, present: bool) -> FinalizerSet:
        change = self._finalizers.add if present else self._finalizers.remove
        work.manifest = change(work.manifest)
        return FinalizerSet(present=present)

    def _tell(self, work: WorkflowWork, intent: EmitEvent) -> None:
        self._noting.event(work, intent)


def could_not(intent: Intent, error: KubernautError) -> CouldNot:
    """Say what a failure means for the run: whether trying again may help, and when."""
    meant = failure_of(error, creates=isinstance(intent, intents.CreateExecution))
    return CouldNot(intent=intent, why=meant.why, retry=meant.retry, retry_after_s=meant.retry_after_s)
