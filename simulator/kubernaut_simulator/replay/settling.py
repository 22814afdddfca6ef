"""From answers per look to a verdict per evaluation, by the engine's own rules.

Preconditions are settled by their first look: the many that took no longer than their timeout are looked up at once.
Postconditions go through `kubernaut.verification.settle`, look by look. A look that was answered by another's judgement
is settled with a mark in place of its message; the few evaluations that show a mark are settled again once their own
messages are known (`unsaid`).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Self

import numpy as np
from numpy.typing import NDArray

from kubernaut.identity import Phase
from kubernaut.verdicts import Code, Judgement, Reason, Verdict
from kubernaut.verification.polls import LONGEST_INTERVAL_S, OBSERVE_EVERY_S, gap_limit_s
from kubernaut.verification.settle import Recorded, Settled, settle, settle_precondition
from kubernaut.verification.timeline import Look, Terms
from kubernaut_simulator.replay.looks import LookTimes

_MICROSECONDS = 1e6

_MARGIN_S = 1e-3
"""Showing one look too many costs nothing; times are kept to the microsecond."""

_MARK = re.compile("\x00([0-9]+)\x00")
"""The place of a look whose message is not known yet; messages hold no control characters."""

NO_LOOK = "no look was recorded"


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedRuns:
    """The evaluations of one task, column by column.

    Attributes
    ----------
    started_us : array of int64, shape (n,)
    settled_s : array of float64
        Read end of the deciding look.
    observed_s, deadline_s : array of float64
        NaN where the row has none.
    timeout_s, hold_for_s, poll_interval_s : array of float64
        As recorded; NaN poll interval means the default schedule.
    passed, stopped, fatal : array of bool
        The recorded verdict was Passed; was Failed or Error; its reason was fatal.
    """

    started_us: NDArray[np.int64]
    settled_s: NDArray[np.float64]
    observed_s: NDArray[np.float64]
    deadline_s: NDArray[np.float64]
    timeout_s: NDArray[np.float64]
    hold_for_s: NDArray[np.float64]
    poll_interval_s: NDArray[np.float64]
    passed: NDArray[np.bool_]
    stopped: NDArray[np.bool_]
    fatal: NDArray[np.bool_]

    def take(self, rows: NDArray[np.int64]) -> Self:
        """Give some of them."""
        return type(self)(**{name: getattr(self, name)[rows] for name in self.__dataclass_fields__})

    def recorded(self, at: int) -> Recorded:
        """Give what the engine needs to know of one of them."""
        poll_s = float(self.poll_interval_s[at])
        verdict = Verdict.PASSED if self.passed[at] else Verdict.FAILED if self.stopped[at] else Verdict.CENSORED
        return Recorded.from_offsets(
            terms=Terms(float(self.timeout_s[at]), float(self.hold_for_s[at]), _or_none(poll_s)),
            verdict=verdict,
            fatal=bool(self.fatal[at]),
            settled_s=float(self.settled_s[at]),
            observed_s=_or_none(float(self.observed_s[at])),
            deadline_s=_or_none(float(self.deadline_s[at])),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Looks:
    """The looks at the evaluations of one task, sorted by evaluation and slot.

    Attributes
    ----------
    first : array of int64, shape (n + 1,)
        Looks of evaluation i are ``first[i]:first[i + 1]``.
    times : LookTimes
    answer : array of int32
        Codes into `dictionary`.
    by_another : array of bool
        The answer's code and `fatal` are the look's own, its message may be that of another look.
    """

    first: NDArray[np.int64]
    times: LookTimes
    answer: NDArray[np.int32]
    dictionary: Sequence[Judgement]
    by_another: NDArray[np.bool_]

    def take(self, dictionary: Sequence[Judgement], rows: NDArray[np.int64]) -> tuple[Self, NDArray[np.int64]]:
        """Give the looks of some evaluations, with what their codes stand for now, and their places here."""
        counts = self.first[rows + 1] - self.first[rows]
        first = np.concatenate([[0], np.cumsum(counts)])
        places = np.repeat(self.first[rows] - first[:-1], counts) + np.arange(first[-1])
        own = replace(
            self,
            first=first,
            times=self.times.take(places),
            answer=self.answer[places],
            dictionary=dictionary,
            by_another=self.by_another[places],
        )
        return own, places

    def judgement(self, at: int) -> Judgement:
        """Give what one look said, with its place marked where the message is not known to be its own."""
        found: Judgement = self.dictionary[int(self.answer[at])]
        return replace(found, message=f"\x00{at}\x00") if self.by_another[at] else found


def settle_all(
    phase: Phase, runs: RecordedRuns, looks: Looks, *, timeout_s: float | None, hold_for_s: float | None
) -> list[Settled]:
    """Settle every evaluation of a task.

    Parameters
    ----------
    timeout_s, hold_for_s : float or None
        None means as recorded.

    Returns
    -------
    list of Settled, one per evaluation
        A record that cannot answer is `Censored` and not replayable, with the reason.
    """
    if phase is Phase.PRE:
        return _preconditions(runs, looks, timeout_s=timeout_s)
    return _postconditions(runs, looks, timeout_s=timeout_s, hold_for_s=hold_for_s)


def unsaid(settled: Sequence[Settled]) -> dict[int, list[int]]:
    """Find the evaluations that show a message which is not known yet: their places, and those of the looks."""
    return {
        at: [int(place) for place in _MARK.findall(one.message)]
        for at, one in enumerate(settled)
        if "\x00" in one.message
    }


def _preconditions(runs: RecordedRuns, looks: Looks, *, timeout_s: float | None) -> list[Settled]:
    first = looks.first[:-1]
    looked = first < looks.first[1:]
    at = np.where(looked, first, 0)
    elapsed_s = np.zeros(len(first))
    elapsed_s[looked] = (looks.times.read_us[first[looked]] - looks.times.began_us[first[looked]]) / _MICROSECONDS
    limit_s = runs.timeout_s if timeout_s is None else np.full(len(first), timeout_s)
    # An evaluation in time is what its answer says, whatever it took: one value for all of them.
    in_time = elapsed_s <= limit_s
    answer = looks.answer[at] if len(looks.answer) else np.zeros(len(first), np.int32)
    settled: list[Settled] = [_unanswered(NO_LOOK)] * len(first)
    known: dict[tuple[int, float], Settled] = {}
    for i in np.flatnonzero(looked).tolist():
        judgement = looks.judgement(int(at[i]))
        if not in_time[i] or looks.by_another[at[i]]:
            settled[i] = _precondition(judgement, elapsed_s=float(elapsed_s[i]), timeout_s=float(limit_s[i]))
            continue
        key = (int(answer[i]), float(limit_s[i]))
        found = known.get(key)
        if found is None:
            found = known[key] = _precondition(judgement, elapsed_s=float(elapsed_s[i]), timeout_s=key[1])
        settled[i] = found
    return settled


def _precondition(judgement: Judgement, *, elapsed_s: float, timeout_s: float) -> Settled:
    if judgement.reason is Reason.FACT_NOT_RECORDED:
        return _unanswered(judgement.message)
    return settle_precondition(judgement, elapsed_s=elapsed_s, timeout_s=timeout_s)


def _postconditions(
    runs: RecordedRuns, looks: Looks, *, timeout_s: float | None, hold_for_s: float | None
) -> list[Settled]:
    rows = len(runs.started_us)
    of_look = np.repeat(np.arange(rows), np.diff(looks.first))
    timeouts_s = runs.timeout_s if timeout_s is None else np.full(rows, timeout_s)
    holds_s = runs.hold_for_s if hold_for_s is None else np.full(rows, hold_for_s)
    not_recorded = np.array([judgement.reason is Reason.FACT_NOT_RECORDED for judgement in looks.dictionary], bool)
    missing = _first_of_each(not_recorded[looks.answer], looks) if len(looks.answer) else {}
    began_s = (looks.times.began_us - runs.started_us[of_look]) / _MICROSECONDS
    read_s = (looks.times.read_us - runs.started_us[of_look]) / _MICROSECONDS
    near_s = _near_s(runs, timeouts_s, holds_s)[of_look]
    traceless = leaves_no_trace(looks, of_look, began_s, read_s, deadline_s=timeouts_s[of_look], near_s=near_s)
    kept = np.flatnonzero(~traceless)
    bounds = np.searchsorted(of_look[kept], np.arange(rows + 1)).tolist()
    judgements = [looks.dictionary[answer] for answer in looks.answer[kept].tolist()]
    for at in np.flatnonzero(looks.by_another[kept]).tolist():
        judgements[at] = looks.judgement(int(kept[at]))
    seen = list(
        map(
            Look,
            looks.times.slot[kept].tolist(),
            began_s[kept].tolist(),
            read_s[kept].tolist(),
            judgements,
        )
    )
    return [
        _unanswered(looks.dictionary[missing[at]].message)
        if at in missing
        else settle(seen[bounds[at] : bounds[at + 1]], Terms(timeout, hold_for), recorded=runs.recorded(at))
        for at, (timeout, hold_for) in enumerate(zip(timeouts_s.tolist(), holds_s.tolist(), strict=True))
    ]


def _near_s(runs: RecordedRuns, timeout_s: NDArray[np.float64], hold_for_s: NDArray[np.float64]) -> NDArray[np.float64]:
    """Give, for each evaluation, before when a look cannot be the last before an absence that moves the deadline."""
    poll_s = np.where(np.isnan(runs.poll_interval_s), LONGEST_INTERVAL_S, runs.poll_interval_s)
    # Limits grow with the interval, and looks after a recorded pass are OBSERVE_EVERY_S apart: the longest is meant.
    gap_s = gap_limit_s(0.0, 1.0) * np.maximum(poll_s, OBSERVE_EVERY_S)
    near_s = timeout_s - hold_for_s - poll_s - gap_s - _MARGIN_S
    return np.where(hold_for_s > 0.0, near_s, np.inf)


def leaves_no_trace(
    looks: Looks,
    of_look: NDArray[np.int64],
    began_s: NDArray[np.float64],
    read_s: NDArray[np.float64],
    *,
    deadline_s: NDArray[np.float64],
    near_s: NDArray[np.float64],
) -> NDArray[np.bool_]:
    """Find the looks that `settle` need not be shown: most of a long wait.

    A look that failed, followed in time by another that failed, leaves nothing: the second sets all that the first has
    set. Neither does one that ended in Error, followed by one that failed or ended in Error. Passes always count.
    Near the deadline of a hold every look counts: it shows that somebody looked.

    Parameters
    ----------
    of_look : array of int64, shape (n_looks,)
        Which evaluation each belongs to.
    began_s, read_s, deadline_s : array of float64, shape (n_looks,)
        Seconds from that evaluation's start; the deadline is the first one, before it may have moved.
    near_s : array of float64, shape (n_looks,)
        From when on looks are near the deadline; infinite without a hold.
    """
    none = np.zeros(len(of_look), bool)
    if len(of_look) < 2:
        return none
    failed, fatal, error = (
        np.array([holds(judgement) for judgement in looks.dictionary], bool)[looks.answer]
        for holds in (
            lambda judgement: judgement.code is Code.FAILED,
            lambda judgement: judgement.fatal,
            lambda judgement: judgement.code is Code.ERROR,
        )
    )
    followed = (
        (of_look[:-1] == of_look[1:])
        & (looks.times.slot[:-1] < looks.times.slot[1:])
        & (began_s[:-1] <= read_s[:-1])
        & (read_s[:-1] <= began_s[1:])
        & (began_s[1:] <= deadline_s[1:])
        & (read_s[:-1] < near_s[:-1])
    )
    overwritten = failed[:-1] & ~fatal[:-1] & failed[1:]
    overwritten |= error[:-1] & (failed[1:] | error[1:])
    none[:-1] = followed & overwritten
    return none


def _first_of_each(marked: NDArray[np.bool_], looks: Looks) -> dict[int, int]:
    """Give, for each evaluation with a marked look, the answer of its first one."""
    at = np.flatnonzero(marked)
    owner = np.searchsorted(looks.first, at, side="right") - 1
    rows, first = np.unique(owner, return_index=True)
    return dict(zip(rows.tolist(), looks.answer[at[first]].tolist(), strict=True))


def _unanswered(why_not: str) -> Settled:
    return Settled(
        verdict=Verdict.CENSORED,
        reason=Reason.FACT_NOT_RECORDED,
        message=why_not,
        settled_s=0.0,
        deadline_s=0.0,
        attempts=0,
        replayable=False,
        why_not=why_not,
    )


def _or_none(value: float) -> float | None:
    return None if np.isnan(value) else value
