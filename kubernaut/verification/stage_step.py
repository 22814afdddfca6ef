"""What both kinds of stages share: taking answers apart, who may stop the run, what a step hands back."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from kubernaut.verdicts import Code, Judgement, Reason
from kubernaut.verification.precondition import attempt_of, within_limit
from kubernaut.verification.status import StageStatus
from kubernaut.verification.timeline import Look
from kubernaut.verification.types import (
    AttemptRecord,
    EmitEvent,
    EndCause,
    EventType,
    Looked,
    ObservationEnded,
    Override,
    ReadFacts,
    StageCondition,
    StageSpec,
)

MAX_ERROR_MESSAGE = 256
"""Characters of a result's message; longer ones belong into history."""

ASK_AGAIN_S = 1.0
"""A driver that did not answer a read is asked again after this."""

SHORTEST_WAIT_S = 0.001
"""No driver is sent into a busy loop."""

_NO_ANSWER = Judgement(Code.ERROR, Reason.EVALUATOR_UNAVAILABLE, "no judgement was given")

_END_REASONS = {
    EndCause.TARGET_TOUCHED: (Reason.OBSERVATION_ENDED, "a later step touches the same target"),
    EndCause.CUT_SHORT: (Reason.CUT_SHORT, "an enforced failure cut the run short"),
    EndCause.ACTION_NEVER_RAN: (Reason.ACTION_NEVER_RAN, "the action never ran"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """What one call did to a stage.

    Attributes
    ----------
    status : StageStatus
    attempts : tuple of AttemptRecord
        Looks taken in.
    evaluated : tuple of str
        Keys whose evaluation rows are new or newer.
    events : tuple of EmitEvent
    read : ReadFacts or None
    next_due : datetime or None
    """

    status: StageStatus
    attempts: tuple[AttemptRecord, ...] = ()
    evaluated: tuple[str, ...] = ()
    events: tuple[EmitEvent, ...] = ()
    read: ReadFacts | None = None
    next_due: datetime | None = None


def described(key: str, message: str, fallback: object) -> str:
    """Give ``type: message``, at most 256 characters; `fallback` stands in for an empty message."""
    return f"{key}: {message or fallback}"[:MAX_ERROR_MESSAGE]


def end_reason(ended: ObservationEnded) -> tuple[Reason, str]:
    """Give the reason and the sentence for an ended observation."""
    reason, sentence = _END_REASONS[ended.cause]
    return reason, ended.detail or sentence


def looks(spec: StageSpec, status: StageStatus, looked: Looked) -> Iterator[tuple[str, Look, AttemptRecord]]:
    """Give the looks in an answer by condition, with the record of each.

    A condition that was to be judged but was not is an Error. A precondition's timeout limits its evaluation.
    """
    began_s = (looked.began_at - status.started_at).total_seconds()
    read_s = (looked.read_at - status.started_at).total_seconds()
    for entry in spec.conditions:
        slot = looked.slots.get(entry.key)
        if slot is None:
            continue
        judgement = looked.judgements.get(entry.key, _NO_ANSWER)
        before = entry.key in status.preconditions
        if before:
            judgement = within_limit(judgement, elapsed_s=read_s - began_s, timeout_s=entry.condition.timeout_s)
        record = AttemptRecord(
            key=entry.key,
            slot=slot,
            began_at=looked.began_at,
            read_at=looked.read_at,
            result=attempt_of(judgement, precondition=before),
            judgement=judgement,
            snapshot=looked.snapshots.get(entry.key),
        )
        yield entry.key, Look(slot, began_s, read_s, judgement), record


def may_stop(entry: StageCondition, status: StageStatus) -> bool:
    """Say whether a condition's verdict may stop the run, overrides aside."""
    return entry.enforced and status.enforcement and not entry.condition.candidate


def percent_in_force(entry: StageCondition, status: StageStatus) -> float:
    """Give the rollout percent that decides whether a condition may stop the run; 0 when nothing could."""
    if not status.enforcement or not entry.condition.required or entry.condition.candidate:
        return 0.0
    return entry.condition.rollout_percent if entry.percent is None else entry.percent


def stoppers(
    spec: StageSpec, status: StageStatus, stops: Callable[[str], bool]
) -> tuple[tuple[str, ...], Mapping[str, Override]]:
    """Split the enforced conditions that `stops` holds for.

    Returns
    -------
    tuple of str
        Those that stop the run, in the spec's order: the first is the reason.
    mapping of str to Override
        Those that would, but are overridden.
    """
    keys = [entry.key for entry in spec.conditions if may_stop(entry, status) and stops(entry.key)]
    stopping = tuple(key for key in keys if key not in status.overrides)
    return stopping, {key: status.overrides[key] for key in keys if key in status.overrides}


def overridden_events(overridden: Mapping[str, Override]) -> tuple[EmitEvent, ...]:
    """Say who overrode what."""
    return tuple(
        EmitEvent(
            type=EventType.WARNING,
            reason="ConditionOverridden",
            message=described(key, f"overridden by {override.by}: {override.reason}", ""),
        )
        for key, override in overridden.items()
    )


def at(start: datetime, offset_s: float) -> datetime:
    """Give the moment `offset_s` seconds after `start`."""
    return start + timedelta(seconds=offset_s)


def soonest(now: datetime, *candidates: datetime | None) -> datetime | None:
    """Give the first moment, but none that is over already; None when there is none."""
    moments: Sequence[datetime] = [moment for moment in candidates if moment is not None]
    return max(min(moments), at(now, SHORTEST_WAIT_S)) if moments else None
