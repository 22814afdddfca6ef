"""A stage of postconditions: every one is polled to its own end; only enforced ones are waited for.

The stage is decided as soon as every enforced postcondition passed (or is overridden), or the first of them
did not. The others go on being looked at beside the run, exactly as they would have been, until they settle
or a later step touches the target.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import lru_cache
from typing import NamedTuple

from kubernaut.enforcement.decision import STOPPING
from kubernaut.verdicts import Verdict
from kubernaut.verification.polls import hashed_share, poll_times
from kubernaut.verification.postcondition import (
    Due,
    PostconditionState,
    advance,
    close,
    due,
    end,
    terms_of,
)
from kubernaut.verification.stage_step import (
    ASK_AGAIN_S,
    Step,
    at,
    described,
    end_reason,
    looks,
    may_stop,
    overridden_events,
    soonest,
    stoppers,
)
from kubernaut.verification.status import StageStatus
from kubernaut.verification.timeline import Terms
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

_NOT_VERIFIED = (Verdict.CENSORED, Verdict.SKIPPED)
"""No failure, but no pass either: a run that was to wait for it is not verified."""

_NOTHING_MORE = Due()
"""A condition that has settled, in a run that is not looked at any longer."""

UNENFORCED_MAX_AGE_S = 5.0
"""A cached read may serve conditions that nobody waits for; never one from before the action's end."""


@dataclass(slots=True)
class _Work:
    """What this call has done so far."""

    states: dict[str, PostconditionState]
    attempts: list[AttemptRecord] = field(default_factory=list)
    evaluated: dict[str, None] = field(default_factory=dict)
    events: list[EmitEvent] = field(default_factory=list)
    changed: bool = False

    def put(self, key: str, state: PostconditionState) -> None:
        """Keep a new state; note what became of it."""
        self.changed = True
        before = self.states[key]
        self.states[key] = state
        if before.verdict is None and state.verdict is not None:
            self.evaluated[key] = None
        if state.extended and len(state.deadlines_s) > len(before.deadlines_s):
            message = described(key, "nobody was looking for too long; the deadline was moved", "")
            self.events.append(EmitEvent(type=EventType.NORMAL, reason="DeadlineExtended", message=message))


def observed_to_timeout(spec: StageSpec) -> bool:
    """Say whether this run is among the share that is looked at until its timeout after a pass."""
    return hashed_share("observe", spec.uid) < spec.observed_share


class _Watched(NamedTuple):
    """What a stage's spec says of one postcondition."""

    key: str
    condition: str
    terms: Terms


class _Plan(NamedTuple):
    """What follows from a stage's spec alone; asked for at every look, worked out once.

    Attributes
    ----------
    watched : tuple of _Watched
        In the spec's order.
    observe : bool
        As `observed_to_timeout`.
    """

    watched: tuple[_Watched, ...]
    observe: bool


@lru_cache(maxsize=256)
def _plan(spec: StageSpec) -> _Plan:
    return _Plan(
        tuple(_Watched(entry.key, str(entry.condition.id), terms_of(entry.condition)) for entry in spec.conditions),
        observed_to_timeout(spec),
    )


def step(
    spec: StageSpec,
    status: StageStatus,
    answers: Sequence[Looked],
    ended: ObservationEnded | None,
    now: datetime,
) -> Step:
    """Take the answers in and say what is to be done."""
    plan = _plan(spec)
    work = _Work(dict(status.postconditions))
    terms = {one.key: one.terms for one in plan.watched} if answers else {}
    for looked in answers:
        for key, look, record in looks(spec, status, looked):
            if look.slot > work.states[key].last_slot:
                work.attempts.append(record)
                work.put(key, advance(work.states[key], look, terms[key]))
    wanted: dict[str, Due] = {}
    now_s = (now - status.started_at).total_seconds()
    for one in plan.watched:
        key, state = one.key, work.states[one.key]
        if ended is not None:
            reason, detail = end_reason(ended)
            work.put(key, end(state, one.terms, at_s=now_s, reason=reason, detail=detail))
            if state.verdict is not None:
                work.evaluated[key] = None
            continue
        want = _due(spec, one, state, now_s=now_s, observe=plan.observe)
        if want.close:
            work.put(key, close(state, one.terms))
            want = _due(spec, one, work.states[key], now_s=now_s, observe=plan.observe)
        wanted[key] = want
    settled = all(state.verdict is not None for state in work.states.values())
    over = settled and (ended is not None or all(want.next_s is None for want in wanted.values()))
    if over and ended is None and plan.observe:
        work.evaluated.update(dict.fromkeys(work.states))
    if over or ended is not None or work.changed:
        status = replace(
            status,
            postconditions=work.states,
            over=over,
            ended=status.ended if ended is None else ended.cause,
        )
    if not status.decided:
        status = _decided(spec, status, work, now)
    return Step(
        status=status,
        attempts=tuple(work.attempts),
        evaluated=tuple(work.evaluated),
        events=tuple(work.events),
        read=_read(spec, status, wanted, now_s=now_s),
        next_due=None if over else _next_due(status, wanted, now),
    )


def _due(spec: StageSpec, one: _Watched, state: PostconditionState, *, now_s: float, observe: bool) -> Due:
    if state.verdict is not None and not observe:
        return _NOTHING_MORE
    times = poll_times(spec.uid, one.condition, state.deadlines_s, one.terms.poll_interval_s)
    return due(state, one.terms, times, now_s=now_s, observe=observe, wake_ahead_s=spec.wake_ahead_s)


def _decided(spec: StageSpec, status: StageStatus, work: _Work, now: datetime) -> StageStatus:
    """Decide the stage if its enforced postconditions allow it."""
    states = work.states
    stopping, _ = stoppers(spec, status, lambda key: states[key].verdict in STOPPING)
    if stopping:
        reason = stopping[0]
        message = described(reason, states[reason].message, states[reason].verdict)
        work.events.append(EmitEvent(type=EventType.WARNING, reason="PostconditionFailed", message=message))
        return replace(status, phase=StagePhase.FAILED, decided_at=now, stopped_by=stopping, message=message)
    unverified, _ = stoppers(spec, status, lambda key: states[key].verdict in _NOT_VERIFIED)
    if unverified:
        # By verdict, not by looks: a look that decided nothing is not stored.
        begun = any(states[key].verdict is Verdict.CENSORED for key in unverified)
        first = unverified[0]
        return replace(
            status,
            phase=StagePhase.FAILED if begun else StagePhase.SKIPPED,
            decided_at=now,
            message=described(first, states[first].message, states[first].verdict),
        )
    waited_for = any(
        states[entry.key].verdict is None
        for entry in spec.conditions
        if may_stop(entry, status) and entry.key not in status.overrides
    )
    if waited_for:
        return status
    _, overridden = stoppers(spec, status, lambda key: states[key].verdict is not Verdict.PASSED)
    work.events.extend(overridden_events(overridden))
    work.evaluated.update(dict.fromkeys(key for key in overridden if states[key].verdict is not None))
    return replace(status, phase=StagePhase.PASSED, decided_at=now, overridden=overridden)


def _read(spec: StageSpec, status: StageStatus, wanted: Mapping[str, Due], *, now_s: float) -> ReadFacts | None:
    slots = {key: want.slot for key, want in wanted.items() if want.slot is not None}
    if not slots:
        return None
    waited_for = any(may_stop(entry, status) for entry in spec.conditions if entry.key in slots)
    return ReadFacts(slots=slots, max_age_s=0.0 if waited_for else min(UNENFORCED_MAX_AGE_S, now_s))


def _next_due(status: StageStatus, wanted: Mapping[str, Due], now: datetime) -> datetime | None:
    next_s = min((want.next_s for want in wanted.values() if want.next_s is not None), default=None)
    return soonest(
        now,
        None if next_s is None else at(status.started_at, next_s),
        at(now, ASK_AGAIN_S) if any(want.slot is not None for want in wanted.values()) else None,
    )
