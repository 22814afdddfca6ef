"""One postcondition between two looks: the timeline's contents as a value that a status can hold.

`advance` is the pure form of `Timeline.see`; the rule itself is there, once. Poll times come from `polls`.
"""

from collections.abc import Callable
from operator import attrgetter
from typing import NamedTuple

from kubernaut.conditions.spec import ResolvedCondition
from kubernaut.verdicts import Code, Reason, Verdict
from kubernaut.verification.polls import PollTimes, gap_limit_s, interval_after_s, observation_due
from kubernaut.verification.timeline import Look, Terms, Timeline

_MARGIN_S = 1e-3
"""Keeping one look too many costs nothing; times are kept to the microsecond."""


class PostconditionState(NamedTuple):
    """What the looks so far have come to; attributes as in `Timeline`, seconds from the stage's start.

    A named tuple, because one is made for every look. Not of `Timeline` is `kept_s`: the read end of the last look so
    near the deadline of a hold that, were it forgotten, a restart would pass for an absence and move the deadline; None
    before such a look.
    """

    deadlines_s: tuple[float, ...]
    last_slot: int = -1
    began_s: float | None = None
    read_s: float | None = None
    held_since_s: float | None = None
    confirmed_s: float | None = None
    not_passed_s: float = 0.0
    hold_lower_s: float = 0.0
    last_code: Code | None = None
    last_reason: Reason | None = None
    last_message: str = ""
    real_message: str = ""
    verdict: Verdict | None = None
    reason: Reason | None = None
    message: str = ""
    settled_s: float | None = None
    settled_slot: int = -1
    observed_s: float | None = None
    kept_s: float | None = None

    @property
    def deadline_s(self) -> float:
        """The deadline in force."""
        return self.deadlines_s[-1]

    @property
    def extended(self) -> bool:
        """Whether the deadline was moved because nobody had been looking."""
        return len(self.deadlines_s) > 1

    @property
    def attempts(self) -> int:
        """Number of the deciding poll, or of the last one so far: slot numbers are attempts."""
        return (self.last_slot if self.verdict is None else self.settled_slot) + 1

    @property
    def decisive(self) -> tuple[object, ...]:
        """What would lead elsewhere if it were forgotten; looks that merely have not passed are not in it.

        Near the deadline of a hold they are: when the last look was says whether the next comes after an absence.
        """
        return (
            self.verdict,
            self.deadlines_s,
            self.held_since_s,
            None if self.verdict is not None else self.confirmed_s,
            None if self.verdict is not None else self.kept_s,
        )


_FOLDED = tuple(name for name in PostconditionState._fields if name != "kept_s")
_CONTENTS = attrgetter(*_FOLDED)


def terms_of(condition: ResolvedCondition) -> Terms:
    """Give the terms on which a resolved condition may pass, to the microsecond that clocks know."""
    return Terms(
        timeout_s=round(condition.timeout_s, 6),
        hold_for_s=round(condition.hold_for_s, 6),
        poll_interval_s=condition.poll_interval_s,
    )


def initial(terms: Terms) -> PostconditionState:
    """Give the state before the first look."""
    return PostconditionState(deadlines_s=(terms.timeout_s,))


def advance(state: PostconditionState, look: Look, terms: Terms) -> PostconditionState:
    """Take one look; a poll already seen changes nothing."""
    after = _change(state, terms, lambda timeline: timeline.see(look))
    return after._replace(kept_s=after.read_s) if _must_be_kept(after, terms) else after


def close(state: PostconditionState, terms: Terms) -> PostconditionState:
    """Let the last look decide: no later one can count."""
    return _change(state, terms, Timeline.close)


def end(state: PostconditionState, terms: Terms, *, at_s: float, reason: Reason, detail: str) -> PostconditionState:
    """End observation: censored, or skipped for `reason` when it had not begun."""
    return _change(state, terms, lambda timeline: timeline.end(at_s, reason=reason, detail=detail))


def nobody_looked(state: PostconditionState, terms: Terms) -> bool:
    """Say whether nobody was looking when the deadline passed."""
    return _thaw(state, terms).nobody_looked()


def freeze(timeline: Timeline) -> PostconditionState:
    """Give a timeline's contents as a value."""
    return PostconditionState(*_CONTENTS(timeline))


def _thaw(state: PostconditionState, terms: Terms) -> Timeline:
    timeline = Timeline(terms)
    for name in _FOLDED:
        setattr(timeline, name, getattr(state, name))
    return timeline


def _must_be_kept(state: PostconditionState, terms: Terms) -> bool:
    """Say whether the next look may be one so near the deadline that absence before it counts, and this shows none."""
    if terms.hold_for_s <= 0.0 or state.verdict is not None or state.read_s is None:
        return False
    # Intervals never shrink, so those at the deadline are the longest that can be meant.
    deadline_s = state.deadline_s
    poll_s = interval_after_s(deadline_s, terms.poll_interval_s)
    gap_s = gap_limit_s(deadline_s, terms.poll_interval_s)
    return state.read_s >= deadline_s - terms.hold_for_s - poll_s - gap_s - _MARGIN_S


def _change(state: PostconditionState, terms: Terms, what: Callable[[Timeline], None]) -> PostconditionState:
    timeline = _thaw(state, terms)
    what(timeline)
    return freeze(timeline)._replace(kept_s=state.kept_s)


class Due(NamedTuple):
    """Whether a postcondition wants a look now.

    Attributes
    ----------
    slot : int or None
        The poll to take now; None when none is due.
    next_s : float or None
        When to ask again, in seconds from the start; None when nobody need look any longer.
    close : bool
        Nothing that can still be read may count: the last look decides.
    """

    slot: int | None = None
    next_s: float | None = None
    close: bool = False


def due(
    state: PostconditionState,
    terms: Terms,
    times: PollTimes,
    *,
    now_s: float,
    observe: bool,
    wake_ahead_s: float = 0.0,
) -> Due:
    """Say whether a postcondition wants a look now, or when.

    Parameters
    ----------
    state : PostconditionState
    terms : Terms
    times : PollTimes
        With the state's own `deadlines_s`.
    now_s : float
        Seconds from the start.
    observe : bool
        This run is looked at until its timeout although it passed.
    wake_ahead_s : float
        How far before a deadline the poll on it may begin.
    """
    if state.verdict is not None:
        return _observation(state, now_s=now_s) if observe else Due()
    deadline_s = state.deadline_s
    following, at_s = times.next_slot_after(state.last_slot)
    if wake_ahead_s == 0.0 and now_s < at_s <= deadline_s:
        # Nearly always: the next poll is still to come, and it counts.
        return Due(next_s=at_s)
    last_slot_that_counts = times.slot_at(deadline_s)
    if last_slot_that_counts is not None and state.last_slot >= last_slot_that_counts:
        return Due(close=True)
    if now_s > deadline_s and not nobody_looked(state, terms):
        return Due(close=True)
    slot = times.slot_at(now_s)
    if deadline_s - wake_ahead_s <= now_s <= deadline_s:
        slot = last_slot_that_counts
    following, at_s = times.next_slot_after(max(state.last_slot, -1 if slot is None else slot))
    if following == last_slot_that_counts:
        at_s -= wake_ahead_s
    if slot is not None and slot > state.last_slot:
        return Due(slot=slot, next_s=at_s)
    return Due(next_s=at_s)


def _observation(state: PostconditionState, *, now_s: float) -> Due:
    """Go on looking after a pass, until the deadline."""
    settled_s = state.settled_s
    if state.verdict is not Verdict.PASSED or settled_s is None or settled_s >= state.deadline_s:
        return Due()
    slot, next_s = observation_due(
        settled_slot=state.settled_slot, settled_s=settled_s, until_s=state.deadline_s, now_s=now_s
    )
    last_slot, _ = observation_due(
        settled_slot=state.settled_slot,
        settled_s=settled_s,
        until_s=state.deadline_s,
        now_s=state.deadline_s,
    )
    if state.last_slot >= last_slot or now_s > state.deadline_s:
        return Due()
    return Due(slot=slot if slot > state.last_slot else None, next_s=next_s)
