"""Leaving `pending`: what the run is judged by, which incident it belongs to, and in which conditions it is enforced.

Settled once and stored. After a restart the same set is asked for by its digest; where nobody has it any longer the
current one is used, and the results say so.
"""

from dataclasses import replace
from datetime import datetime

from kubernaut.enforcement.rollout import bucket_of, default_incident_id
from kubernaut.errors import InputError
from kubernaut.execution.checks import parameters_of
from kubernaut.execution.ending import fail
from kubernaut.execution.intents import PinConditions
from kubernaut.execution.progress import Progress, Seen, asking, normal, shortened, warning
from kubernaut.execution.reasons import Why
from kubernaut.execution.retrying import answered
from kubernaut.execution.run import ExecutionRun
from kubernaut.execution.stages import adopt, stage_spec
from kubernaut.execution.status import ExecutionStatus, Pin, Step, Target
from kubernaut.execution.types import Pinned
from kubernaut.identity import Phase
from kubernaut.resources.execution import ExecutionPhase
from kubernaut.verification.types import EmitEvent

MOST_NOTE = 1024
"""What the API server takes as the message of an Event."""

_PIN = PinConditions.__name__


def step(run: ExecutionRun, status: ExecutionStatus, target: Target, seen: Seen, now: datetime) -> Progress:
    """Ask for the run's conditions, or take them in.

    A restart may have brought another catalogue, in which the action or its parameters are not what they were.
    """
    try:
        parameters_of(run)
    except InputError as error:
        return _ended(run, status, (Why.INVALID_PARAMETERS, str(error)), now)
    answer = seen.take(Pinned)
    if answer is None:
        failed = seen.failure(_PIN)
        if failed is not None:
            return _ended(run, status, (Why.INVALID_CONDITIONS, failed.why), now)
        digest = None if status.pinned is None else status.pinned.digest
        return asking(status, PinConditions(digest=digest, target_uid=target.uid), now=now)
    status = answered(status, _PIN)
    status = replace(status, memory=replace(status.memory, conditions=answer.conditions))
    if status.pinned is None:
        return _first(run, status, answer, now)
    return _again(run, status, status.pinned, answer)


def _ended(run: ExecutionRun, status: ExecutionStatus, failure: tuple[Why, str], now: datetime) -> Progress:
    """End the run; one that has its result already only stops being looked at."""
    if status.result is None:
        return fail(run, status, failure, now)
    return Progress(status=replace(status, step=Step.DONE, over=True))


def _first(run: ExecutionRun, status: ExecutionStatus, answer: Pinned, now: datetime) -> Progress:
    conditions = answer.conditions
    incident = run.incident_id or default_incident_id(
        root_uid=run.workflow_uid or run.uid, last_run=answer.last_run, now=now
    )
    pinned = Pin(
        digest=conditions.digest,
        incident_id=incident,
        bucket=bucket_of(conditions.rollout, incident),
        environment=conditions.environment,
        budget_spent=tuple(sorted(conditions.budget_spent)),
    )
    events: tuple[EmitEvent, ...] = ()
    if conditions.notes:
        events = (normal("SpecNotFollowed", shortened("; ".join(conditions.notes), most=MOST_NOTE)),)
    status = replace(status, pinned=pinned, phase=ExecutionPhase.VALIDATING, reason=Why.CHECKING.value, message="")
    return Progress(status=status, events=events, again=True)


def _again(run: ExecutionRun, status: ExecutionStatus, pinned: Pin, answer: Pinned) -> Progress:
    if answer.conditions.digest == pinned.digest:
        return Progress(status=status, again=True)
    note = shortened("; ".join(answer.conditions.notes), most=MOST_NOTE)
    events = () if note == pinned.note else (warning("PinnedSetGone", note),)
    status = replace(status, pinned=replace(pinned, note=note))
    status = replace(
        status,
        pre=adopt(status.pre, stage_spec(run, status, Phase.PRE)),
        post=adopt(status.post, stage_spec(run, status, Phase.POST)),
    )
    return Progress(status=status, events=events, again=True)
