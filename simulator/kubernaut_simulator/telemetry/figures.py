"""The operator's own counters and histograms, read as evidence where no history was kept.

Metrics tell less than history: no incident, so runs are counted and not votes; no facts, so nothing can be judged
anew; times of all runs, good ones or not. What they do tell is given with the same limits as everywhere.
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from kubernaut.errors import InputError
from kubernaut.identity import ConditionId, Level, Phase
from kubernaut_simulator.estimation.interval_censored import IntervalCurve, turnbull
from kubernaut_simulator.estimation.rates import Rate, rate
from kubernaut_simulator.replay.tasks import Conditions
from kubernaut_simulator.telemetry.counters import Growth, growth
from kubernaut_simulator.telemetry.server import MAX_POINTS, PrometheusServer, require_aware, selector

EVALUATIONS, PASSED, FAILED = (
    "condition_evaluations_total",
    "condition_passed_total",
    "condition_failed_total",
)
ERRORS, LABELLED = "condition_errors_total", "condition_labelled_total"
TIMES = "condition_time_to_pass_seconds_bucket"
ATTEMPTS = "condition_attempts_total"
WITNESS = "policies_loaded"
"""A gauge that every replica shows from its start."""

_CONDITION = ("action", "condition_type", "service")
LABELS: Mapping[str, tuple[str, ...]] = {
    EVALUATIONS: (*_CONDITION, "required"),
    PASSED: (*_CONDITION, "required"),
    FAILED: (*_CONDITION, "required"),
    ERRORS: (*_CONDITION, "reason"),
    LABELLED: (*_CONDITION, "phase", "verdict", "outcome"),
    ATTEMPTS: (*_CONDITION, "phase", "result"),
    TIMES: (*_CONDITION, "le"),
}
LEVELS: Mapping[str, Level] = {"workflowexecution": Level.STEP, "kubernetesexecution": Level.ACTION}
_GOOD = "effective"
_STOPPED = ("Failed", "Error")
LEAST_STEP = timedelta(seconds=30)


@dataclass(frozen=True, slots=True, kw_only=True)
class ConditionFigures:
    """What the operator's figures say of one condition.

    Attributes
    ----------
    condition : ConditionId
    evaluations, errors : int
        Results, and those that could not be judged.
    failed : Rate
        Of those judged.
    false_stops : Rate
        Failed or could not be judged, of the runs whose outcome was effective.
    curve : IntervalCurve or None
        Time to pass of a postcondition; None without one.
    timeout_s : float or None
        At which those that failed are taken to have been given up; None when it is not known, and they are then left
        out of the curve.
    not_timed : int
        Runs that failed and are not in the curve.
    """

    condition: ConditionId
    evaluations: int
    errors: int
    failed: Rate
    false_stops: Rate
    curve: IntervalCurve | None
    timeout_s: float | None
    not_timed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """What the operator's figures say of a window.

    Attributes
    ----------
    conditions : tuple of ConditionFigures
    start, end : datetime
    step : timedelta
        Between two values that were compared.
    resets, born : int
        See `Growth`.
    """

    conditions: tuple[ConditionFigures, ...]
    start: datetime
    end: datetime
    step: timedelta
    resets: int
    born: int


def read_figures(
    server: PrometheusServer,
    start: datetime,
    end: datetime,
    *,
    conditions: Conditions | None = None,
    step: timedelta | None = None,
) -> Figures:
    """Read the operator's figures of a window.

    Parameters
    ----------
    start, end : datetime
        Aware.
    conditions : mapping of Level to CompiledSet, or None
        Say which conditions are postconditions and how long they were waited for.
    step : timedelta or None
        None means 30 s, or what makes one request of the window.

    Raises
    ------
    InputError
        Prometheus does not answer, or has no figures of an operator in the window.
    """
    start, end = require_aware(start, "the start"), require_aware(end, "the end")
    if end <= start:
        raise InputError(f"the window ends at {end.isoformat()}, before it begins")
    even = step or max(LEAST_STEP, timedelta(seconds=math.ceil((end - start).total_seconds() / (MAX_POINTS - 1))))
    series = server.ranged(selector([*LABELS, WITNESS], server.matchers), start, end, even)
    grown = growth(series, labels=LABELS, began_s=start.timestamp(), step_s=even.total_seconds())
    found = tuple(
        _figures(grown, action, type_, service, conditions)
        for action, type_, service in sorted(grown.labels_of(EVALUATIONS, *_CONDITION))
        if service in LEVELS
    )
    if not found:
        raise InputError(
            f"no figures of an operator ({EVALUATIONS}) from {start.isoformat()} to {end.isoformat()}; "
            "check --since, --until and --label"
        )
    return Figures(conditions=found, start=start, end=end, step=even, resets=grown.resets, born=grown.born)


def _figures(grown: Growth, action: str, type_: str, service: str, conditions: Conditions | None) -> ConditionFigures:
    of = {"action": action, "condition_type": type_, "service": service}
    level = LEVELS[service]
    phase, timeout_s = _phase_of(grown, of, level, conditions)
    passed, failed = round(grown.of(PASSED, **of)), round(grown.of(FAILED, **of))
    good = round(grown.of(LABELLED, **of, outcome=_GOOD))
    stopped = sum(round(grown.of(LABELLED, **of, outcome=_GOOD, verdict=verdict)) for verdict in _STOPPED)
    curve = None
    if phase is Phase.POST:
        curve = _curve(grown, of, failed=failed, timeout_s=timeout_s)
    return ConditionFigures(
        condition=ConditionId(action, level, phase, type_),
        evaluations=round(grown.of(EVALUATIONS, **of)),
        errors=round(grown.of(ERRORS, **of)),
        failed=rate(failed, passed + failed),
        false_stops=rate(min(stopped, good), good),
        curve=curve,
        timeout_s=timeout_s if phase is Phase.POST else None,
        not_timed=failed if phase is Phase.POST and timeout_s is None else 0,
    )


def _phase_of(
    grown: Growth, of: Mapping[str, str], level: Level, conditions: Conditions | None
) -> tuple[Phase, float | None]:
    """Say which phase a condition is of, and its timeout where the conditions name it."""
    known = conditions.get(level) if conditions else None
    for phase in Phase:
        if known is not None:
            identity = ConditionId(of["action"], level, phase, of["condition_type"])
            settings = known.texts.settings.effective(identity, environment="")
            if settings is not None:
                return phase, settings.timeout_s
    phases = {values[0] for values in grown.labels_of(ATTEMPTS, "phase") if grown.of(ATTEMPTS, **of, phase=values[0])}
    return (Phase.POST if Phase.POST.value in phases else Phase.PRE), None


def _curve(grown: Growth, of: Mapping[str, str], *, failed: int, timeout_s: float | None) -> IntervalCurve:
    entries = list(buckets(grown, of))
    if timeout_s is not None and failed:
        entries.append((timeout_s, math.inf, failed))
    lower, upper, weights = zip(*entries, strict=True) if entries else ((), (), ())
    return turnbull(lower, upper, weights)


def buckets(grown: Growth, of: Mapping[str, str]) -> Iterator[tuple[float, float, int]]:
    """Give the buckets of the time to pass: after, at or before, and how many runs.

    The last bucket of a histogram has no upper end: a run in it passed later than the others' largest, nobody knows
    when.
    """
    ends: dict[float, float] = {}
    for (le,) in grown.labels_of(TIMES, "le"):
        # One end may be written in two ways: newer servers write 1.0 for 1.
        ends[float(le)] = ends.get(float(le), 0.0) + grown.of(TIMES, **of, le=le)
    below, before = 0.0, 0.0
    for end in sorted(ends):
        # Buckets are counted one by one, so that a scrape between two increments must not make one negative.
        count = max(0, round(ends[end] - before))
        if count:
            yield below, end, count
        below, before = end, max(before, ends[end])
