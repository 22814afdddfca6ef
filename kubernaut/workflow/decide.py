"""The one entry point for a workflow: ``decide(run, status, observations, now) -> (status, intents, next_due)``.

Read top to bottom: what people say is followed; until there is a result the workflow is checked, approved, driven
forward and, where it must, back; then its outcome is asked for. Steps that have their result may be looked at beside
all of this. As with an execution, a driver may lose its memory at any time: the stored status leads to the same end.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from kubernaut.enforcement.overrides import override_fingerprint
from kubernaut.execution.types import EnforcementSeen, FinalizerSet
from kubernaut.verification.stage_step import soonest
from kubernaut.verification.types import StoreStatus
from kubernaut.workflow import checks, ending, forward, outcome, steps
from kubernaut.workflow.intents import Intent, RemoveFinalizer
from kubernaut.workflow.progress import Call
from kubernaut.workflow.reasons import Why
from kubernaut.workflow.retrying import ask, take_in
from kubernaut.workflow.run import WorkflowRun
from kubernaut.workflow.status import WorkflowResult, WorkflowStatus
from kubernaut.workflow.types import Observation, PeopleSeen


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What `decide` answers.

    Attributes
    ----------
    status : WorkflowStatus
    intents : tuple of Intent
        To be carried out in this order.
    next_due : datetime or None
        When to ask again if nothing happens before; None when only people can still say something.
    """

    status: WorkflowStatus
    intents: tuple[Intent, ...]
    next_due: datetime | None


def begin(run: WorkflowRun, *, now: datetime) -> WorkflowStatus:
    """Give the status of a workflow that nothing has been done for."""
    return WorkflowStatus(started_at=now, seen_at=now, deadline=checks.deadline_of(run, now))


def decide(run: WorkflowRun, status: WorkflowStatus, observations: Sequence[Observation], now: datetime) -> Decision:
    """Say what follows for a workflow.

    Parameters
    ----------
    run : WorkflowRun
        The same at every call.
    status : WorkflowStatus
        As the last call gave it, or as it was last stored.
    observations : sequence of Observation
        What happened since the last call, oldest first.
    now : datetime
        A time before an earlier call's counts as that call's.
    """
    before = status
    now = max(now, status.seen_at)
    call = Call(now=now, answers=list(observations))
    status = _follow(replace(status, seen_at=now), call)
    status = take_in(status, call, before=before)
    if status.result is None:
        status = _advance(run, status, call)
    if status.result is not None:
        status = _after(run, status, status.result, call)
    elif status.retries and not status.message:
        status = replace(status, message="; ".join(_waits(status)))
    intents: list[Intent] = [*call.records]
    if status.decides_otherwise(before):
        intents.append(StoreStatus())
    intents += [*call.events, *call.asks]
    return Decision(status=status, intents=tuple(intents), next_due=soonest(now, call.due))


def _follow(status: WorkflowStatus, call: Call) -> WorkflowStatus:
    """Take in what people and the global switch say."""
    people, switch, finalizer = call.take(PeopleSeen), call.take(EnforcementSeen), call.take(FinalizerSet)
    if switch is not None:
        status = replace(status, enforcement=switch.enforcement)
    if people is not None:
        fingerprint = override_fingerprint(people.override_annotations) or ""
        if fingerprint != status.override_fingerprint:
            seen_at = call.now if fingerprint else None
            status = replace(status, override_fingerprint=fingerprint, override_seen_at=seen_at)
        status = replace(
            status,
            manual_intervention=status.manual_intervention or bool(fingerprint) or people.paused,
            memory=replace(status.memory, people=people, finalizer=people.finalizer),
        )
    if finalizer is not None:
        status = replace(status, memory=replace(status.memory, finalizer=finalizer.present))
    return status


def _advance(run: WorkflowRun, status: WorkflowStatus, call: Call) -> WorkflowStatus:
    """Go as far as the answers allow, to the result at most."""
    if status.memory.people.deleted:
        status = ending.cancel(status, call)
    elif call.now >= status.deadline:
        approved = not run.approval_required or status.approved_by
        why = Why.DEADLINE_EXCEEDED if approved else Why.NOT_APPROVED
        late = [f"not over within {run.deadline_s / 3600:g} h", *_waits(status)]
        status = ending.end(status, call, why, "; ".join(late))
    else:
        call.wake(status.deadline)
    if status.checked:
        # After a restart nothing can be advanced before the conditions are known again.
        status = checks.pin(run, status, call)
        if status.memory.conditions is None:
            return status
    elif status.ending is None:
        status = checks.check(run, status, call)
    if status.ending is None and status.checked:
        status = checks.approval(run, status, call)
        if run.approval_required and not status.approved_by:
            return status
    if status.ending is None and not status.checked:
        return status
    return forward.drive(run, status, call)


def _waits(status: WorkflowStatus) -> list[str]:
    """Say what a workflow that is not over waits for."""
    return [
        *(f"{key}: {state.message}" for key, state in status.steps.items() if state.open and state.message),
        *(f"trying again: {row.why}" for row in status.retries.values()),
    ]


def _after(run: WorkflowRun, status: WorkflowStatus, result: WorkflowResult, call: Call) -> WorkflowStatus:
    """Look on where somebody still must, learn the outcome, take our finalizer off."""
    observing = [key for key, state in status.steps.items() if state.observing]
    if observing:
        status = checks.pin(run, status, call)
        if status.memory.conditions is not None:
            for key in observing:
                status = steps.observe(run, status, key, call)
    cancelled = status.memory.people.deleted
    if not cancelled and not run.dry_run:
        status = outcome.label(run, status, result, call)
    looking = any(state.observing for state in status.steps.values())
    if status.memory.finalizer and not looking:
        ask(status, call, RemoveFinalizer(), again_s=checks.ANSWER_S)
    known = cancelled or run.dry_run or status.outcome is not None
    return replace(status, over=known and not looking)
