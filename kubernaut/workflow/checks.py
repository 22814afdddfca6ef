"""Before the first step: the graph, every step's parameters, the conditions, the access of every action, approval.

All of it for all steps at once: a workflow whose third step cannot be right does not begin its first.
"""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta

from kubernaut.actions.catalogue import checked_parameters
from kubernaut.enforcement.rollout import bucket_of, default_incident_id
from kubernaut.errors import InputError
from kubernaut.execution.progress import normal, shortened, warning
from kubernaut.resources.workflow import WorkflowPhase
from kubernaut.workflow import dag, stages
from kubernaut.workflow.ending import end
from kubernaut.workflow.intents import PinWorkflow, ReviewAccess
from kubernaut.workflow.progress import Call
from kubernaut.workflow.reasons import Why
from kubernaut.workflow.retrying import answered, ask
from kubernaut.workflow.run import WorkflowConditions, WorkflowRun
from kubernaut.workflow.status import WorkflowPin, WorkflowStatus
from kubernaut.workflow.types import AccessReviewed, WorkflowPinned

ANSWER_S = 2.0
MOST_NOTE = 1024


def pin(run: WorkflowRun, status: WorkflowStatus, call: Call) -> WorkflowStatus:
    """Have the conditions resolved: once, and after a restart again by their digest."""
    intent = PinWorkflow(digest=None if status.pinned is None else status.pinned.digest)
    if status.memory.conditions is not None:
        return status
    answer = call.take(WorkflowPinned)
    if answer is None:
        failed = call.failures.pop(PinWorkflow.__name__, None)
        if failed is None:
            ask(status, call, intent, again_s=ANSWER_S)
            return status
        if status.result is None:
            status = end(status, call, Why.INVALID_CONDITIONS, failed.why)
        if status.pinned is None:
            return status
        # What has begun comes to its end all the same, judged by its executions' own conditions.
        answer = WorkflowPinned(conditions=WorkflowConditions(digest="", notes=(failed.why,)))
    status = answered(status, intent)
    status = replace(status, memory=replace(status.memory, conditions=answer.conditions))
    if status.pinned is None:
        return _first(run, status, answer, call)
    if answer.conditions.digest == status.pinned.digest:
        return status
    note = shortened("; ".join(answer.conditions.notes), most=MOST_NOTE)
    if note != status.pinned.note:
        call.tell(warning("PinnedSetGone", note))
    status = replace(status, pinned=replace(status.pinned, note=note))
    return stages.adopt_all(run, status)


def check(run: WorkflowRun, status: WorkflowStatus, call: Call) -> WorkflowStatus:
    """Check everything that can be checked before the first step; says so by `status.checked`."""
    wrong = tuple(problems(run))
    if wrong:
        return end(status, call, Why.INVALID_WORKFLOW, "; ".join(wrong))
    status = pin(run, status, call)
    if status.ending is not None or status.memory.conditions is None:
        return status
    answer = call.take(AccessReviewed)
    if answer is None:
        failed = call.failures.pop(ReviewAccess.__name__, None)
        if failed is not None:
            return end(status, call, Why.ACCESS_DENIED, failed.why)
        ask(status, call, ReviewAccess(), again_s=ANSWER_S)
        return status
    status = answered(status, ReviewAccess())
    if answer.missing:
        return end(status, call, Why.ACCESS_DENIED, "; ".join(answer.missing))
    return replace(status, checked=True)


def approval(run: WorkflowRun, status: WorkflowStatus, call: Call) -> WorkflowStatus:
    """Wait for a person where one is asked for."""
    people = status.memory.people
    if not run.approval_required or status.approved_by:
        return status
    if people.approved_by and people.admission_policy_present:
        call.tell(normal("Approved", f"approved by {people.approved_by}"))
        return replace(status, approved_by=people.approved_by)
    message = f"waits for somebody to approve: kubectl kubernaut approve {run.name} --namespace={run.namespace}"
    if people.approved_by:
        message = "the approval does not count: the admission policy that checks who may approve is missing"
    return replace(status, phase=WorkflowPhase.PAUSED, reason=Why.AWAITING_APPROVAL.value, message=message)


def deadline_of(run: WorkflowRun, started_at: datetime) -> datetime:
    """Give the moment after which nothing new begins and what waits fails."""
    return started_at + timedelta(seconds=run.deadline_s)


def _first(run: WorkflowRun, status: WorkflowStatus, answer: WorkflowPinned, call: Call) -> WorkflowStatus:
    conditions = answer.conditions
    incident = run.incident_id or default_incident_id(root_uid=run.uid, last_run=answer.last_run, now=call.now)
    if conditions.notes:
        call.tell(normal("SpecNotFollowed", shortened("; ".join(conditions.notes), most=MOST_NOTE)))
    return replace(
        status,
        phase=WorkflowPhase.VALIDATING,
        reason=Why.CHECKING.value,
        pinned=WorkflowPin(
            digest=conditions.digest,
            incident_id=incident,
            bucket=bucket_of(conditions.rollout, incident),
            environment=conditions.environment,
            budget_spent=tuple(sorted(conditions.budget_spent)),
            replicas={str(number): count for number, count in answer.replicas.items()},
        ),
    )


def problems(run: WorkflowRun) -> Iterator[str]:
    """Say what is wrong with a workflow's order and its steps' parameters, as far as no cluster need be asked."""
    yield from dag.problems(run.graph)
    for step in run.steps:
        works = [("", step.action, step.parameters)]
        if step.rollback is not None:
            works.append(("rollback: ", step.rollback.action, step.rollback.parameters))
        for where, action, parameters in works:
            try:
                checked_parameters(action, parameters)
            except InputError as error:
                yield f"step {step.number}: {where}{error}"
