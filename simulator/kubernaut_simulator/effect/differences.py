"""Differences between the arms of a rollout, stratified by its stages, each with its interval.

The hash assigns incidents at random within a stage, so within a stage the difference of the arms' means is the effect
of being enrolled, and the stages are put together by Mantel-Haenszel weights. Because incidents are assigned one by
one, incidents that come in bunches do not widen the interval; what breaks it is one incident's run changing another's.
Numbers in, numbers out; what is compared is said in `effects`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

Floats: TypeAlias = NDArray[np.float64]

CONFIDENCE = 0.95
"""Two-sided."""

MINIMUM_IN_ARM = 20
"""Incidents in each arm below which nothing is said."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ArmMean:
    """Mean of one arm in one stage.

    Attributes
    ----------
    n : int
        Incidents.
    mean : float
        NaN when n is 0.
    variance : float
        Of the mean.
    """

    n: int
    mean: float
    variance: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """Enrolled minus not enrolled.

    Attributes
    ----------
    estimate, lower, upper : float or None
        None when no stage has both arms.
    enrolled, control : float or None
        The arms' means over the stages, by the same weights.
    n_enrolled, n_control : int
        In stages that have both arms.
    standard_error : float or None
    confidence : float
    method : str
    """

    estimate: float | None
    lower: float | None
    upper: float | None
    enrolled: float | None
    control: float | None
    n_enrolled: int
    n_control: int
    standard_error: float | None
    confidence: float
    method: str

    @property
    def enough(self) -> bool:
        """Whether both arms have so many incidents that something may be said."""
        return self.estimate is not None and min(self.n_enrolled, self.n_control) >= MINIMUM_IN_ARM


def share_of(yes: ArrayLike) -> ArmMean:
    """Mean of a yes/no outcome, its variance from one success and one failure added.

    Notes
    -----
    With p = k/n the variance is zero when all agree, and the interval far too short when n is small. Adding one of
    each (Agresti & Caffo 2000, The American Statistician 54(4):280-288, doi:10.1080/00031305.2000.10474560) mends the
    variance; the mean stays k/n, so the difference stays unbiased.
    """
    values = np.asarray(yes, dtype=float)
    n = len(values)
    if n == 0:
        return ArmMean(n=0, mean=np.nan, variance=np.nan)
    smoothed = (values.sum() + 1) / (n + 2)
    return ArmMean(n=n, mean=float(values.mean()), variance=float(smoothed * (1 - smoothed) / n))


def mean_of(values: ArrayLike) -> ArmMean:
    """Mean of a number and its variance (Neyman); a single value has none."""
    numbers = np.asarray(values, dtype=float)
    n = len(numbers)
    if n < 2:
        return ArmMean(n=n, mean=float(numbers.mean()) if n else np.nan, variance=np.nan)
    return ArmMean(n=n, mean=float(numbers.mean()), variance=float(numbers.var(ddof=1) / n))


def restricted_mean(time_s: ArrayLike, event: ArrayLike, *, horizon_s: float) -> ArmMean:
    """Restricted mean time: the area under the Kaplan-Meier curve up to a horizon.

    Parameters
    ----------
    time_s : array of float, shape (n,), unit s
        To the event, or to the end of observation.
    event : array of bool, shape (n,)
        False where it had not come by then.
    horizon_s : float, unit s
        Longer times count as so long: the mean does not depend on how heavy the tail is.

    Notes
    -----
    Greenwood's variance: sum over event times of area(t to horizon)^2 d / (r (r - d)), with d events of r at risk
    (Royston & Parmar 2013, BMC Medical Research Methodology 13:152, doi:10.1186/1471-2288-13-152), times n / (n - 1).
    Without censoring it is the variance of the mean of min(time, horizon). Censoring that depends on how the incident
    goes would break it; here it is the history's end.
    """
    times = np.asarray(time_s, dtype=float)
    events = np.asarray(event, dtype=bool) & (times < horizon_s)
    n = len(times)
    if n < 2:
        return ArmMean(n=n, mean=float(min(times[0], horizon_s)) if n else np.nan, variance=np.nan)
    moments, counts = np.unique(times[events], return_counts=True)
    at_risk = n - np.searchsorted(np.sort(times), moments, side="left")
    survival = np.cumprod(1 - counts / at_risk)
    steps = np.concatenate([[0.0], moments, [horizon_s]])
    areas = np.diff(steps) * np.concatenate([[1.0], survival])
    # What is left of the area from each event on.
    beyond = np.cumsum(areas[::-1])[::-1][1:]
    alive = at_risk > counts
    parts = beyond[alive] ** 2 * counts[alive] / (at_risk[alive] * (at_risk[alive] - counts[alive]))
    return ArmMean(n=n, mean=float(areas.sum()), variance=float(parts.sum()) * n / (n - 1))


def stratified(strata: Sequence[tuple[ArmMean, ArmMean]], *, method: str, confidence: float = CONFIDENCE) -> Difference:
    """Put the stages' differences together.

    Parameters
    ----------
    strata : sequence of (enrolled, control)
        Stages in which an arm is empty, or has no variance, say nothing and are left out.
    method : str
        How the arms' means were made, for people.

    Notes
    -----
    Weights n1 n0 / (n1 + n0) (Mantel & Haenszel's, for differences: Greenland & Robins 1985, Biometrics 41(1):55-68,
    doi:10.2307/2530643); the variance is the weighted sum of the arms'. The interval uses Student's t with as many
    degrees of freedom as Welch and Satterthwaite give, which matters where the enrolled are few.
    """
    used = [pair for pair in strata if all(arm.n and np.isfinite(arm.variance) for arm in pair)]
    n1 = np.array([one.n for one, _ in used], dtype=float)
    n0 = np.array([zero.n for _, zero in used], dtype=float)
    if not used:
        return Difference(
            estimate=None,
            lower=None,
            upper=None,
            enrolled=None,
            control=None,
            n_enrolled=sum(one.n for one, _ in strata),
            n_control=sum(zero.n for _, zero in strata),
            standard_error=None,
            confidence=confidence,
            method=method,
        )
    weight = n1 * n0 / (n1 + n0)
    weight /= weight.sum()
    means = np.array([[one.mean, zero.mean] for one, zero in used])
    variances = np.array([[one.variance, zero.variance] for one, zero in used])
    enrolled, control = (weight @ means).tolist()
    pieces = weight[:, None] ** 2 * variances
    variance = float(pieces.sum())
    estimate = enrolled - control
    freedom = variance**2 / max(1e-300, float((pieces**2 / np.maximum(np.column_stack([n1, n0]) - 1, 1)).sum()))
    reach = float(stats.t.ppf((1 + confidence) / 2, max(1.0, freedom))) * variance**0.5
    return Difference(
        estimate=estimate,
        lower=estimate - reach,
        upper=estimate + reach,
        enrolled=enrolled,
        control=control,
        n_enrolled=int(n1.sum()),
        n_control=int(n0.sum()),
        standard_error=variance**0.5,
        confidence=confidence,
        method=f"{method}, stratified by stage (Mantel-Haenszel weights), two-sided",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Reduction:
    """By which share a mean falls: 1 - enrolled / control; below 0 it rises.

    Attributes
    ----------
    estimate, lower, upper : float or None
        None where a mean is missing or not above zero.
    """

    estimate: float | None
    lower: float | None
    upper: float | None


def reduction(strata: Sequence[tuple[ArmMean, ArmMean]], *, confidence: float = CONFIDENCE) -> Reduction:
    """Relative reduction of a mean, its interval on the logarithm of the ratio (delta method)."""
    used = [pair for pair in strata if all(arm.n and np.isfinite(arm.variance) for arm in pair)]
    if not used:
        return Reduction(estimate=None, lower=None, upper=None)
    n1 = np.array([one.n for one, _ in used], dtype=float)
    n0 = np.array([zero.n for _, zero in used], dtype=float)
    weight = n1 * n0 / (n1 + n0)
    weight /= weight.sum()
    means = weight @ np.array([[one.mean, zero.mean] for one, zero in used])
    variances = weight**2 @ np.array([[one.variance, zero.variance] for one, zero in used])
    if not (means > 0).all():
        return Reduction(estimate=None, lower=None, upper=None)
    log_ratio = float(np.log(means[0] / means[1]))
    reach = float(stats.norm.ppf((1 + confidence) / 2)) * float((variances / means**2).sum()) ** 0.5
    return Reduction(
        estimate=float(-np.expm1(log_ratio)),
        lower=float(-np.expm1(log_ratio + reach)),
        upper=float(-np.expm1(log_ratio - reach)),
    )
