"""What a workflow did for its incident: asked once things have settled; a person's word wins, whenever it comes.

Never the success of a Job, which is the result. Nothing seen is inconclusive.
"""

from dataclasses import replace
from datetime import timedelta

from kubernaut.execution.progress import normal
from kubernaut.history.rows import Outcome, OutcomeSource
from kubernaut.workflow.intents import AskOutcome, RecordWorkflow
from kubernaut.workflow.progress import Call
from kubernaut.workflow.retrying import answered, ask
from kubernaut.workflow.run import WorkflowRun
from kubernaut.workflow.status import WorkflowOutcome, WorkflowResult, WorkflowStatus
from kubernaut.workflow.types import OutcomeAnswered

ANSWER_S = 5.0


def label(run: WorkflowRun, status: WorkflowStatus, result: WorkflowResult, call: Call) -> WorkflowStatus:
    """Take a person's word in, or ask once the stabilization window is over."""
    people = status.memory.people
    if people.outcome is not None and people.admission_policy_present:
        return _by_person(status, people.outcome, call)
    if status.outcome is not None:
        return status
    at = result.at + timedelta(seconds=run.stabilization_s)
    if call.now < at:
        call.wake(at)
        return status
    answer = call.take(OutcomeAnswered)
    failed = call.failures.pop(AskOutcome.__name__, None)
    if answer is None and failed is None:
        ask(status, call, AskOutcome(), again_s=ANSWER_S)
        return status
    status = answered(status, AskOutcome())
    if answer is None:
        answer = OutcomeAnswered(outcome=Outcome.INCONCLUSIVE, source=OutcomeSource.QUERY)
    return _said(
        status,
        WorkflowOutcome(outcome=answer.outcome, source=answer.source, at=call.now, resolved_at=answer.resolved_at),
        call,
    )


def _by_person(status: WorkflowStatus, outcome: Outcome, call: Call) -> WorkflowStatus:
    known = status.outcome
    if known is not None and (known.outcome, known.source) == (outcome, OutcomeSource.PERSON):
        return status
    resolved_at = None if known is None else known.resolved_at
    said = WorkflowOutcome(outcome=outcome, source=OutcomeSource.PERSON, at=call.now, resolved_at=resolved_at)
    return _said(status, said, call)


def _said(status: WorkflowStatus, outcome: WorkflowOutcome, call: Call) -> WorkflowStatus:
    call.record([RecordWorkflow()])
    call.tell(normal("OutcomeKnown", f"{outcome.outcome.value}, says {outcome.source.value}"))
    return replace(status, outcome=outcome)
