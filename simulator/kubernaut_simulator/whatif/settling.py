"""Settling a million stored evaluations at once.

The rule of postconditions is `kubernaut.verification.timeline.Timeline`; no second one is made here. Where a timeline
is *plain* (reads one after the other, no gap near the engine's limits), what the engine would
say follows from the order of a few numbers, which columns can compare. Everything else, ties included, goes through
the engine row by row. A property test holds both equal on random timelines; how many rows took which way is counted.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache

import numpy as np

from kubernaut.identity import Phase
from kubernaut.verdicts import Verdict
from kubernaut.verification.polls import LONGEST_INTERVAL_S, OBSERVE_EVERY_S, absence_limit_s, gap_limit_s
from kubernaut_simulator.estimation.columns import Codes, Flags, Floats
from kubernaut_simulator.whatif.engine_settling import (
    SettledColumns,
    empty_columns,
    leave_uncertain,
    settle_rows,
)
from kubernaut_simulator.whatif.timelines import VERDICTS, Answer, Timelines

_TIE_S = 1e-5
"""Two times this close are left to the engine, which decides ties."""

REMEMBERED = 16
"""Terms whose answers are kept for one condition."""

_STEPS_PER_S = 16
_PASSED, _FAILED, _ERROR, _CENSORED = (
    VERDICTS.index(one) for one in (Verdict.PASSED, Verdict.FAILED, Verdict.ERROR, Verdict.CENSORED)
)


class Settler:
    """Settles the timelines of one condition on any terms.

    Parameters
    ----------
    timelines : Timelines

    Notes
    -----
    What does not depend on the terms is found once; each further question costs a few passes over the columns.
    """

    def __init__(self, timelines: Timelines) -> None:
        self.timelines = timelines
        self._known: dict[tuple[float | None, float | None], SettledColumns] = {}
        self._shape = None if timelines.condition.phase is Phase.PRE else _shape(timelines)

    @property
    def stopped_early(self) -> Flags:
        """Nobody looked on because it had passed or could never pass; what came after that is not known."""
        return np.zeros(len(self.timelines), bool) if self._shape is None else self._shape.stopped_early

    def settle(
        self, *, timeout_s: float | Floats | None = None, hold_for_s: float | Floats | None = None
    ) -> SettledColumns:
        """Settle every evaluation.

        Parameters
        ----------
        timeout_s, hold_for_s : float, array of float64, shape (n,), or None
            None means as recorded, row by row.
        """
        ends = self.timelines.ends
        limits = ends.timeout_s if timeout_s is None else np.broadcast_to(timeout_s, len(self.timelines))
        holds = ends.hold_for_s if hold_for_s is None else np.broadcast_to(hold_for_s, len(self.timelines))
        if isinstance(timeout_s, np.ndarray) or isinstance(hold_for_s, np.ndarray):
            return self._settle(limits, holds)
        key = (timeout_s, hold_for_s)
        if key not in self._known:
            while len(self._known) >= REMEMBERED:
                del self._known[next(iter(self._known))]
            self._known[key] = self._settle(limits, holds)
        return self._known[key]

    def _settle(self, timeout_s: Floats, hold_for_s: Floats) -> SettledColumns:
        found = empty_columns(len(self.timelines))
        if self._shape is None:
            slow = _preconditions(self.timelines, found, timeout_s)
        else:
            slow = _postconditions(self.timelines, self._shape, found, timeout_s, hold_for_s)
        rows = np.flatnonzero(slow & ~self.timelines.skipped).tolist()
        by_engine = settle_rows(self.timelines, rows, found, timeout_s=timeout_s, hold_for_s=hold_for_s)
        leave_uncertain(found)
        self._keep_recorded(found, timeout_s, hold_for_s)
        return replace(found, by_engine=by_engine)

    def _keep_recorded(self, found: SettledColumns, timeout_s: Floats, hold_for_s: Floats) -> None:
        """Leave as recorded what was never looked at, unless it would have been judged on other terms."""
        ends = self.timelines.ends
        looked = self.timelines.first[:-1] < self.timelines.first[1:]
        same = (timeout_s == ends.timeout_s) & (hold_for_s == ends.hold_for_s) & self.timelines.by_record
        keep = self.timelines.skipped | (~looked & same)
        passed = keep & (ends.verdict == _PASSED)
        found.verdict[keep] = ends.verdict[keep]
        found.settled_s[keep] = ends.settled_s[keep]
        found.time_to_pass_s[keep] = np.where(passed, ends.settled_s, np.nan)[keep]
        found.certain[keep] = found.replayable[keep] = True


def _preconditions(timelines: Timelines, found: SettledColumns, timeout_s: Floats) -> Flags:
    """Fill in what one evaluation comes to; gives the rows left to the engine."""
    look = timelines.first[:-1]
    looked = look < timelines.first[1:]
    at = look[looked]
    answer, elapsed_s, limit_s = timelines.answer[at], timelines.elapsed_s[at], timeout_s[looked]
    meaning = np.array([_PASSED, _FAILED, _FAILED, _ERROR, _ERROR, _ERROR])
    found.verdict[looked] = np.where(elapsed_s > limit_s, _ERROR, meaning[answer])
    found.settled_s[looked] = elapsed_s
    found.replayable[:] = looked
    slow = np.zeros(len(timelines), bool)
    slow[looked] = answer == Answer.LIMIT
    return slow | timelines.not_kept


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Shape:
    """What of a condition's looks does not depend on the terms.

    Attributes
    ----------
    plain, plain_hold : array of bool, shape (n,)
        May be settled by columns; with a `holdFor` too.
    held_since_s : array of float64, shape (looks,)
        Read end of the look that the running hold began with; NaN where none is running.
    absence_s : array of float64
        How long before the deadline a last look surely still shows that somebody looked.
    observed_s : array of float64, shape (n,)
    stopped_early : array of bool, shape (n,)
        As in `kubernaut.verification.settle.Recorded`.
    """

    plain: Flags
    plain_hold: Flags
    held_since_s: Floats
    absence_s: Floats
    observed_s: Floats
    stopped_early: Flags


def _shape(timelines: Timelines) -> _Shape:
    first, owner, answer = timelines.first, timelines.owner, timelines.answer
    began, read, slot = timelines.began_s, timelines.read_s, timelines.slot
    looks = len(answer)
    opens = np.zeros(looks, bool)
    opens[first[:-1][first[:-1] < first[1:]]] = True
    before = np.maximum(np.arange(looks) - 1, 0)
    ordered = np.where(opens, (slot >= 0) & (began >= 0.0), (slot > slot[before]) & (began >= read[before]))
    ordered &= (read >= began) & (answer != Answer.NOT_RECORDED)
    plain = np.diff(first) > 0
    plain[owner[~ordered]] = False

    # An Error neither confirms nor breaks a hold: what counts is the look before it that could be judged.
    error = (answer == Answer.ERROR) | (answer == Answer.LIMIT)
    judged = np.maximum.accumulate(np.where(error, -1, np.arange(looks)))
    before = np.where(opens, -1, judged[before])
    before = np.where(before < first[owner], -1, before)
    passed = answer == Answer.PASSED
    continues = (before >= 0) & passed[before]
    starts = passed & ~continues
    # The passing look that the running hold began with.
    begin = np.maximum.accumulate(np.where(starts, np.arange(looks), 0))
    holding = passed | (error & continues)
    far = passed & continues & (began - began[before] >= _surely_no_gap(timelines, began[before]) - _TIE_S)
    # Whether an absence moves a deadline depends on the terms: every look that may be the first after one is left out.
    last_read = np.where(opens, 0.0, read[np.maximum(np.arange(looks) - 1, 0)])
    absent = began - last_read >= _surely_no_gap(timelines, last_read) - _TIE_S
    plain_hold = plain.copy()
    plain_hold[owner[far | absent]] = False

    ends = timelines.ends
    settled_by_pass = ends.verdict == _PASSED
    seen = np.where(np.isnan(ends.observed_s), ends.settled_s, np.maximum(ends.settled_s, ends.observed_s))
    due = np.where(np.isnan(ends.deadline_s), ends.timeout_s, ends.deadline_s)
    timed_out = ((ends.verdict == _FAILED) | (ends.verdict == _ERROR)) & ~ends.fatal
    seen = np.where(timed_out, np.maximum(seen, due), seen)
    looked = first[:-1] < first[1:]
    observed = np.maximum(seen, 0.0)
    observed[looked] = np.maximum(seen[looked], read[first[1:][looked] - 1])
    return _Shape(
        plain=plain,
        plain_hold=plain_hold,
        held_since_s=np.where(holding, read[begin], np.nan),
        absence_s=_surely(absence_limit_s, began, ends.poll_interval_s[owner]),
        observed_s=observed,
        stopped_early=(settled_by_pass | ends.fatal) & (seen < due),
    )


def _surely_no_gap(timelines: Timelines, since_s: Floats) -> Floats:
    """Give how far after `since_s` each look surely still confirms a hold that was last confirmed then."""
    ends, owner, began = timelines.ends, timelines.owner, timelines.began_s
    poll = ends.poll_interval_s[owner]
    usual = _surely(gap_limit_s, since_s, poll)
    # Looks after a recorded pass are OBSERVE_EVERY_S apart; the engine then takes the longer of both limits.
    after_pass = (ends.verdict == _PASSED)[owner] & (began > ends.settled_s[owner])
    observing = np.full(len(began), gap_limit_s(0.0, OBSERVE_EVERY_S))
    return np.where(after_pass, np.maximum(_surely(gap_limit_s, began, poll), observing), usual)


def _surely(limit_s: Callable[[float, float | None], float], offset_s: Floats, poll_interval_s: Floats) -> Floats:
    """Give the engine's limit at or below each offset; limits never fall, so it is at most the true one."""
    found = np.empty(len(offset_s))
    default = np.isnan(poll_interval_s)
    grid = _grid(limit_s)
    step = np.clip(offset_s[default] * _STEPS_PER_S, 0, len(grid) - 1).astype(np.int64)
    found[default] = grid[step]
    for poll_s in np.unique(poll_interval_s[~default]):
        found[poll_interval_s == poll_s] = limit_s(0.0, float(poll_s))
    return found


@cache
def _grid(limit_s: Callable[[float, float | None], float]) -> Floats:
    # The default schedule's interval is at its longest well before this.
    steps = int(4 * LONGEST_INTERVAL_S * _STEPS_PER_S)
    return np.array([limit_s(step / _STEPS_PER_S, None) for step in range(steps)])


def _postconditions(
    timelines: Timelines, shape: _Shape, found: SettledColumns, timeout_s: Floats, hold_for_s: Floats
) -> Flags:
    """Fill in what plain timelines come to; gives the rows left to the engine."""
    began, read, answer = timelines.began_s, timelines.read_s, timelines.answer
    first, past = timelines.first[:-1], timelines.first[1:]
    looked, holds = first < past, hold_for_s > 0.0
    slow = looked & ~np.where(holds, shape.plain_hold, shape.plain)
    found.settled_s[:] = shape.observed_s
    if not looked.any():
        return slow
    owner = timelines.owner
    limit_of_look = timeout_s[owner]
    deciding = (answer == Answer.PASSED) | (answer == Answer.FATAL)
    if holds.any():
        held = began - shape.held_since_s - hold_for_s[owner]
        held_long = ~holds[owner] | (held >= 0.0)
        tied = holds[owner] & (np.abs(held) < _TIE_S)
        slow[owner[tied]] = True
        deciding &= held_long | (answer == Answer.FATAL)
    decides = _first(deciding, first)
    # The first look that lets nothing after it count: at or beyond the deadline, or read across it.
    closes = _first((began >= limit_of_look) | (read > limit_of_look), first)
    last = past - 1
    at = np.minimum(decides, len(answer) - 1)
    decided = (decides < past) & ((decides < closes) | ((decides == closes) & (began[at] <= timeout_s)))
    passes = decided & (answer[at] == Answer.PASSED)

    closing = np.minimum(closes, len(answer) - 1)
    closed = looked & ~decided & (closes < past)
    within = closed & (began[closing] <= timeout_s)
    beyond = closed & ~within
    # What counts when time is up: the look that closed, if it began in time, else the one before it.
    counts = np.clip(np.where(within, closing, np.where(beyond, closing - 1, last)), 0, None)
    gone = beyond & (closing == first)
    ended = looked & ~decided & ~closed
    held_s = shape.held_since_s[counts]
    too_late = ended & shape.stopped_early & holds & (answer[counts] == Answer.PASSED)
    too_late &= held_s + hold_for_s > timeout_s
    over = ended & ~too_late & (shape.observed_s >= timeout_s)
    absent = timeout_s - began[counts] >= shape.absence_s[counts] - _TIE_S
    slow |= gone | ((beyond | over) & absent)

    by_last = within | beyond | too_late | over
    verdict_of = np.array([_FAILED, _FAILED, _FAILED, _ERROR, _ERROR, _ERROR])
    found.verdict[:] = np.where(
        passes, _PASSED, np.where(decided, _FAILED, np.where(by_last, verdict_of[answer[counts]], _CENSORED))
    )
    found.settled_s[:] = np.where(decided, read[at], np.where(by_last, read[counts], shape.observed_s))
    found.time_to_pass_s[:] = np.where(passes, shape.held_since_s[at], np.nan)
    might = beyond & (answer[closing] == Answer.PASSED) & (~holds | (timeout_s - held_s >= hold_for_s))
    found.certain[:] = ~might
    found.replayable[:] = looked & (decided | by_last | ~shape.stopped_early)
    return slow


def _first(flags: Flags, first: Codes) -> Codes:
    """Give each row's first look with the flag; one of a later row, or none at all, where it has none."""
    places = np.append(np.flatnonzero(flags), len(flags))
    return places[np.searchsorted(places, first)]
