"""A stage of preconditions: one snapshot, all judged, then on or blocked until facts recover.

The first enforced failure, in the spec's order, is the reason; all get a result all the same. Blocked is left
when no enforced precondition fails any longer, by recovery, override or the global switch, or at its
deadline.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from kubernaut.verdicts import Verdict
from kubernaut.verification import blocked
from kubernaut.verification.precondition import PreconditionState, advance, skip
from kubernaut.verification.stage_step import (
    ASK_AGAIN_S,
    Step,
    at,
    described,
    end_reason,
    looks,
    overridden_events,
    soonest,
    stoppers,
)
from kubernaut.verification.status import StageStatus
from kubernaut.verification.types import (
    AttemptRecord,
    EmitEvent,
    EventType,
    Looked,
    ObservationEnded,
    ReadFacts,
    StagePhase,
    StageSpec,
)


@dataclass(frozen=True, slots=True)
class _Seen:
    """What the answers of this call brought."""

    attempts: tuple[AttemptRecord, ...]
    evaluated: tuple[str, ...]


def step(
    spec: StageSpec,
    status: StageStatus,
    answers: Sequence[Looked],
    ended: ObservationEnded | None,
    now: datetime,
) -> Step:
    """Take the answers in and say what is to be done."""
    status, seen = _take_in(spec, status, answers)
    states = status.preconditions
    stopping, overridden = stoppers(spec, status, lambda key: states[key].now_verdict is not Verdict.PASSED)
    if any(state.now_verdict is None for state in states.values()):
        if ended is not None:
            return _end(status, ended, seen, now)
        slot = max(state.last_slot for state in states.values()) + 1
        return _read(spec, status, seen, slot=slot, now=now, following=None)
    if not stopping:
        events = overridden_events(overridden)
        if status.blocked_at is not None:
            events = (
                *events,
                EmitEvent(
                    type=EventType.NORMAL,
                    reason="Unblocked",
                    message=f"goes on after {(now - status.blocked_at).total_seconds():.0f} s blocked",
                ),
            )
        waited = status.blocked_at is not None or bool(overridden)
        status = replace(
            status,
            phase=StagePhase.PASSED,
            decided_at=now,
            over=True,
            stopped_by=(),
            message="",
            overridden=overridden,
        )
        return Step(
            status=status,
            attempts=seen.attempts,
            evaluated=tuple(states) if waited else seen.evaluated,
            events=events,
        )
    reason = stopping[0]
    status = replace(
        status,
        stopped_by=stopping,
        message=described(reason, states[reason].now_message, states[reason].now_verdict),
    )
    if ended is not None:
        return _end(status, ended, seen, now)
    if status.blocked_at is None or status.blocked_until is None:
        return _block(spec, status, seen, now)
    return _wait(spec, status, seen, now, blocked_at=status.blocked_at, until=status.blocked_until)


def reopened(status: StageStatus) -> StageStatus:
    """Give a stage that passed another look: the first attempt stays the vote, the newest decides again.

    For a run that found its target changed after the look. One that was blocked before has only what is left of its
    deadline.
    """
    return replace(
        status,
        phase=StagePhase.EVALUATING if status.blocked_at is None else StagePhase.BLOCKED,
        preconditions={
            key: replace(state, now_verdict=None, now_message="") for key, state in status.preconditions.items()
        },
        overridden={},
        decided_at=None,
        over=False,
    )


def _take_in(spec: StageSpec, status: StageStatus, answers: Sequence[Looked]) -> tuple[StageStatus, _Seen]:
    states = dict(status.preconditions)
    attempts: list[AttemptRecord] = []
    evaluated: list[str] = []
    for looked in answers:
        for key, look, record in looks(spec, status, looked):
            before = states[key]
            if look.slot <= before.last_slot:
                continue
            attempts.append(record)
            if status.blocked_until is not None and looked.began_at > status.blocked_until:
                continue
            states[key] = advance(before, look)
            if before.verdict is None:
                evaluated.append(key)
    return replace(status, preconditions=states), _Seen(tuple(attempts), tuple(evaluated))


def _read(
    spec: StageSpec,
    status: StageStatus,
    seen: _Seen,
    *,
    slot: int,
    now: datetime,
    following: datetime | None,
) -> Step:
    return Step(
        status=status,
        attempts=seen.attempts,
        evaluated=seen.evaluated,
        read=ReadFacts(
            slots={entry.key: slot for entry in spec.conditions},
            limits_s={entry.key: entry.condition.timeout_s for entry in spec.conditions},
        ),
        next_due=soonest(now, at(now, ASK_AGAIN_S), following),
    )


def _block(spec: StageSpec, status: StageStatus, seen: _Seen, now: datetime) -> Step:
    terminal = spec.blocked_deadline_s <= 0.0
    until = at(now, max(spec.blocked_deadline_s, 0.0))
    status = replace(
        status,
        phase=StagePhase.BLOCKED,
        blocked_at=now,
        blocked_until=until,
        decided_at=now if terminal else None,
        over=terminal,
    )
    following = None
    if not terminal:
        following = at(now, blocked.offset_s(1, deadline_s=spec.blocked_deadline_s) - _ahead(spec, slot=1))
    return Step(
        status=status,
        attempts=seen.attempts,
        evaluated=seen.evaluated,
        events=(EmitEvent(type=EventType.WARNING, reason="Blocked", message=status.message),),
        next_due=soonest(now, following),
    )


def _wait(
    spec: StageSpec,
    status: StageStatus,
    seen: _Seen,
    now: datetime,
    *,
    blocked_at: datetime,
    until: datetime,
) -> Step:
    deadline_s = (until - blocked_at).total_seconds()
    blocked_for_s = (now - blocked_at).total_seconds()
    final = blocked.last_slot(deadline_s=deadline_s)
    last = min(state.last_slot for state in status.preconditions.values())
    if last >= final or now > until:
        return _give_up(status, seen, now)
    if blocked_for_s >= deadline_s - spec.wake_ahead_s:
        blocked_for_s = deadline_s
    slot = blocked.slot_due(blocked_for_s=blocked_for_s, deadline_s=deadline_s)
    coming = max(slot, last) + 1
    following = at(blocked_at, blocked.offset_s(coming, deadline_s=deadline_s) - _ahead(spec, slot=coming))
    if slot > last:
        return _read(spec, status, seen, slot=slot, now=now, following=following)
    return Step(
        status=status,
        attempts=seen.attempts,
        evaluated=seen.evaluated,
        next_due=soonest(now, following),
    )


def _ahead(spec: StageSpec, *, slot: int) -> float:
    """Give how much earlier a re-read may begin: only the one on the deadline."""
    return spec.wake_ahead_s if slot >= blocked.last_slot(deadline_s=spec.blocked_deadline_s) else 0.0


def _give_up(status: StageStatus, seen: _Seen, now: datetime) -> Step:
    status = replace(status, phase=StagePhase.FAILED, decided_at=now, over=True)
    return Step(
        status=status,
        attempts=seen.attempts,
        evaluated=tuple(status.preconditions),
        events=(EmitEvent(type=EventType.WARNING, reason="BlockedDeadlineExceeded", message=status.message),),
    )


def _end(status: StageStatus, ended: ObservationEnded, seen: _Seen, now: datetime) -> Step:
    """End from outside: what was evaluated keeps its verdict, the rest is skipped."""
    reason, detail = end_reason(ended)
    looked = any(state.last_slot >= 0 for state in status.preconditions.values())
    states: dict[str, PreconditionState] = {
        key: skip(state, reason=reason, detail=detail) for key, state in status.preconditions.items()
    }
    status = replace(
        status,
        preconditions=states,
        phase=StagePhase.FAILED if looked else StagePhase.SKIPPED,
        decided_at=now,
        over=True,
        ended=ended.cause,
        message=status.message or detail,
    )
    return Step(status=status, attempts=seen.attempts, evaluated=tuple(states))
