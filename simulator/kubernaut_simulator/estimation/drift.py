"""Drift: whether the false stops or the time to pass of a condition changed within the window.

What was learned before a change does not hold after it, so a tuning that spans one averages two worlds. Both questions
are asked of good runs that were left to themselves and whose label is independent of the condition: enforcement keeps
its own stops out of the labels, which would look like an improvement. Every condition and both questions share one
error by Holm's rule. Nothing here decides; it warns.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from kubernaut.identity import ConditionId, Phase
from kubernaut.verdicts import Verdict
from kubernaut_simulator.estimation.change_points import (
    MINIMUM_DAYS,
    MINIMUM_OBSERVATIONS,
    SEED,
    ChangePoint,
    find_change,
    limits_of_change,
    log_rank_scores,
)
from kubernaut_simulator.estimation.labels import INDEPENDENT_SOURCES, Label
from kubernaut_simulator.estimation.multiplicity import holm
from kubernaut_simulator.estimation.rates import Rate, rate
from kubernaut_simulator.estimation.survival import PassTimes, has_time, pass_times

Floats: TypeAlias = NDArray[np.float64]
Codes: TypeAlias = NDArray[np.int64]

DRIFT_ALPHA = 0.05
"""Chance that anything is flagged in a window in which nothing changed."""

_CELLS = 5_000_000
"""Runs times samples that are weighted at once."""

RESAMPLES = 999
"""Samples with replacement of days, from which the limits of a quantile are read off."""

VERSION = ["policy_digest", "settings_digest", "timeout_s", "hold_for_s"]
"""Columns of votes that tell one version of a condition from another."""


class Measure(StrEnum):
    """What may have changed."""

    FALSE_STOPS = "false stops"
    TIME_TO_PASS = "time to pass"  # noqa: S105 - no password


@dataclass(frozen=True, slots=True, kw_only=True)
class Quantile:
    """A quantile of time to pass with two-sided 95 % limits, seconds; None where the curve does not get there."""

    value_s: float | None
    lower_s: float | None
    upper_s: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Period:
    """One side of a change.

    Attributes
    ----------
    n, days : int
        Good runs, and days that have one.
    stops : Rate
        Of the good runs.
    p50, p95 : Quantile or None
        None for preconditions.
    """

    n: int
    days: int
    stops: Rate
    p50: Quantile | None
    p95: Quantile | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Drift:
    """Whether one measure of one condition changed.

    Attributes
    ----------
    condition : str
    candidate : bool
    measure : Measure
    n, days : int
        Good runs that were compared, and days that have one.
    not_compared : int
        Good votes left out: enrolled, label not independent, or an Error or no known time where times are compared.
    versions : int
        Policies with their numbers and times that judged within the window; above 1 the change may be theirs.
    p_value, p_adjusted : float or None
        After Holm over every condition and measure that could be asked; None without enough data.
    flagged : bool
    changed_at, earliest, latest : Timestamp or None
        The first day after the change, in UTC, with its two-sided 95 % limits; None unless flagged.
    before, after : Period or None
        None unless flagged. The cut is where they differ most, so they overstate the difference.
    why_not : str
        Why it could not be asked; empty when it was.
    """

    condition: str
    candidate: bool
    measure: Measure
    n: int
    days: int
    not_compared: int
    versions: int
    p_value: float | None = None
    p_adjusted: float | None = None
    flagged: bool = False
    changed_at: pd.Timestamp | None = None
    earliest: pd.Timestamp | None = None
    latest: pd.Timestamp | None = None
    before: Period | None = None
    after: Period | None = None
    why_not: str = ""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Question:
    """One measure of one condition, with what an answer is made of."""

    drift: Drift
    votes: pd.DataFrame
    day: Codes
    scores: Floats
    change: ChangePoint | None


def drift(votes: pd.DataFrame, *, alpha: float = DRIFT_ALPHA) -> list[Drift]:
    """Ask every condition whether its false stops or its time to pass changed within the window.

    Parameters
    ----------
    votes : DataFrame
        As `votes.Votes.data`.
    alpha : float
        Chance that anything at all is flagged where nothing changed.

    Returns
    -------
    list of Drift
        In order of condition, false stops first; preconditions have no time to pass.

    Notes
    -----
    Times of runs that were watched under different timeouts are compared up to the shortest of them, because runs
    watched for longer would otherwise seem to pass more often. A window with several changes shows the largest.
    """
    questions = []
    for (name, candidate), part in votes.groupby(["condition", "candidate"], observed=True, sort=True):
        timed = ConditionId.parse(str(name)).phase is Phase.POST
        measures = [Measure.FALSE_STOPS, *([Measure.TIME_TO_PASS] if timed else [])]
        questions += [_asked(str(name), candidate=bool(candidate), measure=one, votes=part) for one in measures]
    asked = [one for one in questions if one.drift.p_value is not None]
    adjusted = holm([one.drift.p_value or 0.0 for one in asked]).tolist()
    by_place = {id(one): p for one, p in zip(asked, adjusted, strict=True)}
    return [_answered(one, by_place.get(id(one)), alpha) for one in questions]


def comparable(votes: pd.DataFrame, measure: Measure) -> pd.DataFrame:
    """Select the votes of one condition that are compared, in order of start."""
    settled = votes["verdict"] != Verdict.CENSORED.value
    if measure is Measure.TIME_TO_PASS:
        settled = ~votes["verdict"].isin([Verdict.ERROR.value, Verdict.SKIPPED.value])
    wanted = settled & _good(votes) & votes["holdout"] & votes["label_source"].isin(INDEPENDENT_SOURCES)
    return votes[wanted].sort_values(["run_started_at", "incident_id"], kind="stable")


def compared_times(votes: pd.DataFrame) -> PassTimes:
    """Times to pass of comparable votes, watched no longer than the shortest timeout among them."""
    times = pass_times(votes)
    shortest_s = float(votes["timeout_s"].min())
    beyond = times.time_s > shortest_s
    watched = np.where(beyond, shortest_s, times.time_s)
    return PassTimes.of(watched, times.censored | beyond, lower_s=np.minimum(times.lower_s, watched))


def _good(votes: pd.DataFrame) -> pd.Series:
    return votes["label"] == Label.GOOD.value


def _asked(name: str, *, candidate: bool, measure: Measure, votes: pd.DataFrame) -> _Question:
    kept = comparable(votes, measure)
    if measure is Measure.TIME_TO_PASS:
        kept = kept[has_time(kept)]
    dates = kept["run_started_at"].dt.floor("D")
    day, _ = pd.factorize(dates, sort=True)
    found = Drift(
        condition=name,
        candidate=candidate,
        measure=measure,
        n=len(kept),
        days=int(day.max(initial=-1)) + 1,
        not_compared=int(_good(votes).sum()) - len(kept),
        versions=len(kept[VERSION].drop_duplicates()),
    )
    why_not = ""
    if found.n < 2 * MINIMUM_OBSERVATIONS:
        why_not = f"not enough data: {found.n} of {2 * MINIMUM_OBSERVATIONS} good incidents that may judge"
    elif found.days < MINIMUM_DAYS:
        why_not = f"not enough data: {found.days} of {MINIMUM_DAYS} days with a good incident"
    if why_not:
        found = replace(found, why_not=why_not)
        return _Question(drift=found, votes=kept, day=day, scores=np.zeros(len(kept)), change=None)
    if measure is Measure.FALSE_STOPS:
        stop = kept["stop"].to_numpy(float)
        scores = stop - stop.mean()
    else:
        times = compared_times(kept)
        scores = log_rank_scores(times.time_s, times.censored)
    change = find_change(scores, day)
    if change is None:
        why_not = f"not enough data: no cut between days leaves {MINIMUM_OBSERVATIONS} good incidents on both sides"
        return _Question(drift=replace(found, why_not=why_not), votes=kept, day=day, scores=scores, change=None)
    found = replace(found, p_value=change.p_value)
    return _Question(drift=found, votes=kept, day=day, scores=scores, change=change)


def _answered(asked: _Question, p_adjusted: float | None, alpha: float) -> Drift:
    found, change = asked.drift, asked.change
    if change is None or p_adjusted is None:
        return found
    found = replace(found, p_adjusted=p_adjusted)
    if p_adjusted > alpha:
        return found
    dates = asked.votes["run_started_at"].dt.floor("D").drop_duplicates().to_list()
    after = asked.day >= change.cut
    earliest, latest = limits_of_change(asked.scores, asked.day)
    return replace(
        found,
        flagged=True,
        changed_at=dates[change.cut],
        earliest=dates[min(earliest, change.cut)],
        latest=dates[max(latest, change.cut)],
        before=_period(asked.votes[~after], asked.day[~after]),
        after=_period(asked.votes[after], asked.day[after] - change.cut),
    )


def _period(votes: pd.DataFrame, day: Codes) -> Period:
    timed = ConditionId.parse(str(votes["condition"].iloc[0])).phase is Phase.POST
    p50, p95 = time_quantiles(votes, day, (0.5, 0.95)) if timed else (None, None)
    settled = votes[votes["verdict"] != Verdict.CENSORED.value]
    return Period(
        n=len(votes),
        days=int(day.max(initial=-1)) + 1,
        stops=rate(int(settled["stop"].sum()), len(settled), minimum=MINIMUM_OBSERVATIONS),
        p50=p50,
        p95=p95,
    )


def time_quantiles(votes: pd.DataFrame, day: Codes, shares: Sequence[float]) -> tuple[Quantile, ...]:
    """Give quantiles of the Kaplan-Meier curve with percentile limits over samples with replacement of whole days.

    Parameters
    ----------
    votes : DataFrame
        Of one postcondition; Errors and votes without a time are left out.
    day : array of int, shape (n_votes,)
        Number of each vote's day, 0.. without gaps.
    shares : sequence of float
    """
    timed = has_time(votes)
    times = pass_times(votes)
    days = int(day.max(initial=0)) + 1
    rng = np.random.default_rng(SEED)
    drawn = rng.multinomial(days, np.full(days, 1 / days), size=RESAMPLES).astype(float)
    samples = np.vstack([np.ones((1, days)), drawn])
    # Curve by curve the same; in blocks, so that memory does not grow with runs times samples.
    blocks = np.array_split(samples, 1 + len(samples) * len(times) // _CELLS)
    found = np.vstack([weighted_quantiles(times, block[:, day[timed]], shares) for block in blocks])
    limits = np.quantile(found[1:], [0.025, 0.975], axis=0, method="nearest")
    return tuple(
        Quantile(value_s=_finite(own), lower_s=_finite(low), upper_s=_finite(high))
        for own, low, high in zip(found[0], limits[0], limits[1], strict=True)
    )


def weighted_quantiles(times: PassTimes, weights: Floats, shares: Sequence[float]) -> Floats:
    """Give quantiles of Kaplan-Meier curves of weighted runs.

    Parameters
    ----------
    times : PassTimes
    weights : array of float, shape (n_curves, n_runs)
        How often each run counts.
    shares : sequence of float

    Returns
    -------
    array of float, shape (n_curves, n_shares), unit s
        Infinite where a curve does not get there.
    """
    order = np.lexsort((times.censored, times.time_s))
    weight = weights[:, order]
    at_risk = np.cumsum(weight[:, ::-1], axis=1)[:, ::-1]
    passing = np.where(times.censored[order], 0.0, weight)
    with np.errstate(divide="ignore", invalid="ignore"):
        stay = np.where(at_risk > 0, 1 - passing / at_risk, 1.0)
    passed = 1 - np.cumprod(stay, axis=1)
    ordered = np.append(times.time_s[order], np.inf)
    reached = [(passed < share - 1e-12).sum(axis=1) for share in shares]
    return np.stack([ordered[place] for place in reached], axis=1)


def _finite(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
