"""What one line of a CSV file says of one condition.

That is a look, its facts, and the verdict, if the line knows it. Preconditions were judged by somebody
(`verdict`) or are judged from the line's facts afterwards (`verdict` None). Postconditions come from a
duration: it passed at that time, was still not true when its timeout ended, or watching ended before. Nothing
between is known, so one look is made of it: the deciding one.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from kubernaut.errors import HistoryError
from kubernaut.verdicts import Attempt, Reason, Verdict
from kubernaut_simulator.history.csv_map import ConditionMap, TimeToPass
from kubernaut_simulator.history.csv_map_cells import Cell
from kubernaut_simulator.history.csv_values import (
    Line,
    cell_choice,
    cell_text,
    cell_yes,
    facts_of,
    instant,
    put,
    seconds,
)

_ATTEMPT_OF: Mapping[Verdict, Attempt] = {
    Verdict.PASSED: Attempt.PASSED,
    Verdict.FAILED: Attempt.FAILED,
    Verdict.ERROR: Attempt.ERROR,
}
_REASON_OF: Mapping[Verdict, Reason] = {
    Verdict.PASSED: Reason.ALLOWED,
    Verdict.FAILED: Reason.NOT_ALLOWED,
    Verdict.ERROR: Reason.POLICY_ERROR,
    Verdict.SKIPPED: Reason.VALIDATION_OFF,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """One condition on one line.

    Attributes
    ----------
    verdict : Verdict or None
        None: to be judged by the policy from `facts`.
    attempt : Attempt or None
        None when nobody looked.
    facts : dict
        The tree that a policy sees; paths in `absent` are not in it.
    absent : tuple of str
        Facts that the line does not record.
    after_s : float
        From the condition's start to the look.
    time_to_pass_s, lower_s : float or None
        As in `EvaluationRow`.
    """

    verdict: Verdict | None
    attempt: Attempt | None
    reason: Reason = Reason.ALLOWED
    message: str = ""
    facts: dict[str, Any] = field(default_factory=dict)
    absent: tuple[str, ...] = ()
    after_s: float = 0.0
    time_to_pass_s: float | None = None
    lower_s: float | None = None


def look_at(item: ConditionMap, line: Line, *, starts_at: datetime, ran: bool) -> Look | None:
    """Read one condition off a line; None when the line has no verdict of it.

    Parameters
    ----------
    starts_at : datetime
        The run's start for preconditions, the action's end for postconditions.
    ran : bool
        Whether the action ran.

    Raises
    ------
    HistoryError
        A cell cannot be read.
    """
    facts, absent = facts_of(item.facts, line)
    if item.settings:
        facts["settings"] = dict(item.settings)
    message = cell_text(item.message, line)
    if item.time_to_pass is not None:
        if not ran:
            return Look(verdict=Verdict.SKIPPED, attempt=None, reason=Reason.ACTION_NEVER_RAN)
        return _timed(item, item.time_to_pass, line, starts_at, facts=facts, absent=tuple(absent))
    if item.verdict is None:
        return Look(verdict=None, attempt=None, facts=facts, absent=tuple(absent), message=message)
    return _told(item.verdict, line, facts=facts, absent=tuple(absent), message=message)


def _told(cell: Cell, line: Line, *, facts: dict[str, Any], absent: tuple[str, ...], message: str) -> Look | None:
    verdict = cell_choice(cell, line, Verdict)
    if verdict is None:
        return None
    if verdict not in _REASON_OF:
        raise HistoryError(f"column {cell.named} gives {verdict.value}, which no precondition can come to")
    return Look(
        verdict=verdict,
        attempt=_ATTEMPT_OF.get(verdict),
        reason=_REASON_OF[verdict],
        message=message,
        facts=facts,
        absent=absent,
    )


def _timed(
    item: ConditionMap,
    times: TimeToPass,
    line: Line,
    starts_at: datetime,
    *,
    facts: dict[str, Any],
    absent: tuple[str, ...],
) -> Look:
    passed_s, watched_s = _durations(times, line, starts_at)
    passed = passed_s is not None and passed_s <= item.timeout_s
    # A pass after the timeout is, for this timeout, a condition that was not true in time.
    after_s = min(item.timeout_s, passed_s if passed_s is not None else watched_s)
    if times.fact is not None:
        put(facts, times.fact, passed)
    if passed and passed_s is not None:
        upper_s = passed_s + times.resolution_s
        lower_s = max(0.0, passed_s - times.resolution_s) if times.resolution_s else 0.0
        return Look(
            verdict=Verdict.PASSED,
            attempt=Attempt.PASSED,
            facts=facts,
            absent=absent,
            after_s=upper_s,
            time_to_pass_s=upper_s,
            lower_s=lower_s,
        )
    over = after_s >= item.timeout_s
    return Look(
        verdict=Verdict.FAILED if over else Verdict.CENSORED,
        attempt=Attempt.NOT_YET,
        reason=Reason.DEADLINE_EXCEEDED if over else Reason.OBSERVATION_ENDED,
        facts=facts,
        absent=absent,
        after_s=after_s,
    )


def _durations(times: TimeToPass, line: Line, starts_at: datetime) -> tuple[float | None, float]:
    """Seconds to the pass, None when it did not pass; and seconds watched."""
    if times.at is not None:
        told = _seconds_since(instant(times.at, line), starts_at, times.at.column)
    else:
        told = seconds(times.seconds or "", line)
    passed = told is not None if times.passed is None else cell_yes(times.passed, line)
    if passed:
        if told is None:
            raise HistoryError(f"it passed, but column {times.seconds!r} does not say when")
        return told, told
    watched = told
    if times.watched_until is not None:
        watched = _seconds_since(instant(times.watched_until, line), starts_at, times.watched_until.column)
    if watched is None:
        raise HistoryError("it did not pass, and no column says how long it was watched")
    return None, watched


def _seconds_since(until: datetime | None, starts_at: datetime, column: str) -> float | None:
    if until is None:
        return None
    passed: timedelta = until - starts_at
    if passed < timedelta(0):
        raise HistoryError(f"column {column!r} lies {-passed.total_seconds()} s before the condition's start")
    return passed.total_seconds()
