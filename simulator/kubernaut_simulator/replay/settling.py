"""From answers per look to a verdict per evaluation, by the engine's own rules.

Preconditions are settled by their first look: the many that took no longer than their timeout are looked up at once.
Postconditions go through `kubernaut.verification.settle`, look by look.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kubernaut.identity import Phase
from kubernaut.verdicts import Judgement, Reason, Verdict
from kubernaut.verification.settle import Recorded, Settled, settle, settle_precondition
from kubernaut.verification.timeline import Look, Terms
from kubernaut_simulator.replay.looks import LookTimes

_MICROSECONDS = 1e6

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
    """

    first: NDArray[np.int64]
    times: LookTimes
    answer: NDArray[np.int32]
    dictionary: Sequence[Judgement]


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
        judgement = looks.dictionary[answer[i]]
        if not in_time[i]:
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
    of_look = np.repeat(runs.started_us, np.diff(looks.first))
    began_s = ((looks.times.began_us - of_look) / _MICROSECONDS).tolist()
    read_s = ((looks.times.read_us - of_look) / _MICROSECONDS).tolist()
    slot, answer, bounds = looks.times.slot.tolist(), looks.answer.tolist(), looks.first.tolist()
    not_recorded = [judgement.reason is Reason.FACT_NOT_RECORDED for judgement in looks.dictionary]
    settled = []
    for at in range(len(bounds) - 1):
        span = range(bounds[at], bounds[at + 1])
        missing = next((answer[i] for i in span if not_recorded[answer[i]]), None)
        if missing is not None:
            settled.append(_unanswered(looks.dictionary[missing].message))
            continue
        recorded = runs.recorded(at)
        terms = Terms(
            recorded.terms.timeout_s if timeout_s is None else timeout_s,
            recorded.terms.hold_for_s if hold_for_s is None else hold_for_s,
        )
        seen = (Look(slot[i], began_s[i], read_s[i], looks.dictionary[answer[i]]) for i in span)
        settled.append(settle(seen, terms, recorded=recorded))
    return settled


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
