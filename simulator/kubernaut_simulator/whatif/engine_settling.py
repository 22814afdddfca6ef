"""Settling stored looks by the engine, one evaluation after the other: the rule itself.

`settling` answers most timelines by columns and hands the rest to this; tests compare the two on random timelines.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kubernaut.identity import Phase
from kubernaut.verdicts import Reason, Verdict
from kubernaut.verification.settle import Recorded, Settled, settle, settle_precondition
from kubernaut.verification.timeline import Look, Terms
from kubernaut_simulator.estimation.columns import Codes, Flags, Floats
from kubernaut_simulator.whatif.timelines import JUDGEMENTS, VERDICTS, Answer, RecordedEnds, Timelines

_JUDGEMENTS = tuple(JUDGEMENTS[answer] for answer in Answer)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SettledColumns:
    """What every evaluation of a condition comes to.

    Attributes
    ----------
    verdict : array of int64, shape (n,)
        Codes into `VERDICTS`. A record that cannot answer is Censored.
    settled_s : array of float64
        When it was decided, in seconds from the start.
    time_to_pass_s : array of float64
        NaN unless it passed.
    certain, replayable : array of bool
        See `kubernaut.verification.settle.Settled`. What is not certain is no answer here: Censored, not replayable.
    by_engine : int
        How many went through the engine one by one; the others are equal by proof.
    """

    verdict: Codes
    settled_s: Floats
    time_to_pass_s: Floats
    certain: Flags
    replayable: Flags
    by_engine: int

    @property
    def stop(self) -> Flags:
        """Failed or Error: what an enforced condition does not let through."""
        failed, error = VERDICTS.index(Verdict.FAILED), VERDICTS.index(Verdict.ERROR)
        stopped: NDArray[np.bool_] = (self.verdict == failed) | (self.verdict == error)
        return stopped


def empty_columns(rows: int) -> SettledColumns:
    """Give columns to be filled: everything Censored, nothing replayable."""
    return SettledColumns(
        verdict=np.full(rows, VERDICTS.index(Verdict.CENSORED), np.int64),
        settled_s=np.zeros(rows),
        time_to_pass_s=np.full(rows, np.nan),
        certain=np.ones(rows, bool),
        replayable=np.zeros(rows, bool),
        by_engine=0,
    )


def settle_rows(
    timelines: Timelines, rows: Iterable[int], into: SettledColumns, *, timeout_s: Floats, hold_for_s: Floats
) -> int:
    """Settle some evaluations by the engine and write them into columns; gives how many.

    Parameters
    ----------
    rows : iterable of int
        Places, 0..n-1.
    timeout_s, hold_for_s : array of float64, shape (n,)
    """
    settled_rows = 0
    for at in rows:
        settled_rows += 1
        one = settle_row(timelines, at, timeout_s=float(timeout_s[at]), hold_for_s=float(hold_for_s[at]))
        into.verdict[at] = VERDICTS.index(one.verdict)
        into.settled_s[at] = one.settled_s
        into.time_to_pass_s[at] = np.nan if one.time_to_pass_s is None else one.time_to_pass_s
        into.certain[at] = one.certain
        into.replayable[at] = one.replayable
    return settled_rows


def leave_uncertain(found: SettledColumns) -> None:
    """Take back failures that a look on the deadline, which the record lacks, might have turned: as replay does."""
    uncertain = ~found.certain
    found.verdict[uncertain] = VERDICTS.index(Verdict.CENSORED)
    found.time_to_pass_s[uncertain] = np.nan
    found.replayable[uncertain] = False


def settle_row(timelines: Timelines, at: int, *, timeout_s: float, hold_for_s: float) -> Settled:
    """Settle one evaluation by the engine; a record that cannot answer is Censored and not replayable."""
    span = slice(int(timelines.first[at]), int(timelines.first[at + 1]))
    answers = timelines.answer[span].tolist()
    if Answer.NOT_RECORDED in answers:
        return _unanswered("a fact that the policy reads was not recorded")
    if timelines.condition.phase is Phase.PRE:
        return _precondition(timelines, at, timeout_s=timeout_s)
    looks = map(
        Look,
        timelines.slot[span].tolist(),
        timelines.began_s[span].tolist(),
        timelines.read_s[span].tolist(),
        [_JUDGEMENTS[answer] for answer in answers],
    )
    return settle(looks, Terms(timeout_s, hold_for_s), recorded=recorded_end(timelines.ends, at))


def recorded_end(ends: RecordedEnds, at: int) -> Recorded:
    """Give what the engine needs to know of how one evaluation went."""
    return Recorded.from_offsets(
        terms=Terms(float(ends.timeout_s[at]), float(ends.hold_for_s[at]), _or_none(ends.poll_interval_s[at])),
        verdict=VERDICTS[ends.verdict[at]],
        fatal=bool(ends.fatal[at]),
        settled_s=float(ends.settled_s[at]),
        observed_s=_or_none(ends.observed_s[at]),
        deadline_s=_or_none(ends.deadline_s[at]),
    )


def _precondition(timelines: Timelines, at: int, *, timeout_s: float) -> Settled:
    look = timelines.first[at]
    if look == timelines.first[at + 1]:
        return _unanswered("no look was recorded")
    elapsed_s, answer = float(timelines.elapsed_s[look]), Answer(timelines.answer[look])
    if answer is Answer.LIMIT and float(timelines.ends.timeout_s[at]) < elapsed_s <= timeout_s:
        return _unanswered("the record says only that it took longer than the timeout; replay judges it again")
    return settle_precondition(_JUDGEMENTS[answer], elapsed_s=elapsed_s, timeout_s=timeout_s)


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
    return None if np.isnan(value) else float(value)
