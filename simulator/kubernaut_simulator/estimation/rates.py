"""A rate as k of n, with its bound and the method that made it.

Every share the simulator prints is a `Rate`: k, n, estimate, one-sided limits and the method's name. It
never shows "0 %" for something that was merely not observed: without a single case there is no estimate,
and zero of n is printed as a count with its upper limit. What k and n count is decided elsewhere
(`false_stops`).
"""

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy import special, stats

FloatArray: TypeAlias = NDArray[np.float64]

CONFIDENCE = 0.95
"""Level of every limit that is shown or decides, one-sided."""

KORN_GRAUBARD_FROM = 60
"""Incidents from which the Korn-Graubard interval is shown; below, its effective n is too noisy itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """Two limits of a share and how they were made.

    Attributes
    ----------
    lower, upper : float
        Share, 0..1.
    confidence : float
        Two-sided level.
    method : str
    """

    lower: float
    upper: float
    confidence: float
    method: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """K of n.

    Attributes
    ----------
    k, n : int
        Cases with the property, and all cases.
    estimate : float or None
        k / n; None when n is 0.
    lower, upper : float
        One-sided limits, each at `confidence`: 0 and 1 when n is 0.
    confidence : float
    method : str
        Name of the method behind the limits.
    minimum : int
        Cases from which the rate is worth acting on.
    """

    k: int
    n: int
    estimate: float | None
    lower: float
    upper: float
    confidence: float
    method: str
    minimum: int = 1

    @property
    def enough(self) -> bool:
        """Whether there are at least `minimum` cases, and any at all."""
        return self.n >= max(1, self.minimum)

    def text(self) -> str:
        """One line, e.g. ``3/120 = 2.5 % (upper 95 % 6.3 %)``."""
        if self.n == 0:
            return "not enough data (n = 0)"
        level = f"{self.confidence * 100:g}"
        bound = f"(upper {level} % {percent(self.upper)})"
        counted = f"{self.k}/{self.n}"
        if self.k > 0:
            counted += f" = {percent(self.k / self.n)}"
        if not self.enough:
            return f"not enough data: {counted}, {self.n} of {self.minimum} needed {bound}"
        return f"{counted} {bound}"

    def __str__(self) -> str:
        return self.text()


def percent(share: float) -> str:
    """A share as text, one decimal, and two significant digits where one decimal would read as zero."""
    shown = share * 100
    if 0 < shown < 0.05:
        return f"{shown:.2g} %"
    return f"{shown:.1f} %"


def clopper_pearson_upper(
    k: FloatArray | float, n: FloatArray | float, *, confidence: float = CONFIDENCE
) -> FloatArray:
    """Exact one-sided upper limit of a binomial share.

    Parameters
    ----------
    k, n : float or array, broadcast
        Counts; may be fractional (an effective sample).
    confidence : float
        One-sided level.

    Returns
    -------
    array of float
        1 where ``k >= n`` (also when n is 0).

    References
    ----------
    Clopper & Pearson 1934, doi:10.1093/biomet/26.4.404.
    """
    k_, n_ = np.broadcast_arrays(np.asarray(k, float), np.asarray(n, float))
    open_ended = k_ >= n_
    failures = np.where(open_ended, 1.0, n_ - k_)
    return np.where(open_ended, 1.0, special.betaincinv(k_ + 1.0, failures, confidence))


def clopper_pearson_lower(
    k: FloatArray | float, n: FloatArray | float, *, confidence: float = CONFIDENCE
) -> FloatArray:
    """Exact one-sided lower limit of a binomial share; 0 where k is 0."""
    k_, n_ = np.broadcast_arrays(np.asarray(k, float), np.asarray(n, float))
    return 1.0 - clopper_pearson_upper(n_ - k_, n_, confidence=confidence)


def rate(k: int, n: int, *, confidence: float = CONFIDENCE, minimum: int = 1) -> Rate:
    """Count k of n with exact one-sided limits.

    Parameters
    ----------
    k, n : int
        ``0 <= k <= n``.
    confidence : float
        One-sided level of each limit.
    minimum : int
        Cases below which the rate says "not enough data".

    Raises
    ------
    ValueError
        k and n are no counts of a share: a fault of the caller, not of the user's input.
    """
    if not 0 <= k <= n:
        raise ValueError(f"{k} of {n} is not a share: need 0 <= k <= n")
    return Rate(
        k=int(k),
        n=int(n),
        estimate=k / n if n else None,
        lower=float(clopper_pearson_lower(k, n, confidence=confidence)),
        upper=float(clopper_pearson_upper(k, n, confidence=confidence)),
        confidence=confidence,
        method="Clopper-Pearson, one-sided",
        minimum=minimum,
    )


def wilson(k: int, n: int, *, confidence: float = CONFIDENCE) -> Interval:
    """Two-sided score interval, for charts: near its level on average, and never outside 0..1.

    Returns
    -------
    Interval
        0 and 1 when n is 0.

    References
    ----------
    Wilson 1927, doi:10.1080/01621459.1927.10502953.
    """
    method = "Wilson, two-sided"
    if n == 0:
        return Interval(lower=0.0, upper=1.0, confidence=confidence, method=method)
    found = stats.binomtest(k, n).proportion_ci(confidence_level=confidence, method="wilson")
    return Interval(lower=float(found.low), upper=float(found.high), confidence=confidence, method=method)


def korn_graubard(
    k: int, n: int, *, design_effect: float, clusters: int, confidence: float = CONFIDENCE
) -> Interval | None:
    """Two-sided interval for clustered votes: Clopper-Pearson on an effective number of them.

    Parameters
    ----------
    k, n : int
        Votes with the property, and all.
    design_effect : float
        From `clustering`; below 1 it is taken as given, but the effective n never exceeds n.
    clusters : int
        Target-days, whose number minus one is the degrees of freedom.
    confidence : float
        Two-sided level.

    Returns
    -------
    Interval or None
        None below 60 votes, below two clusters or without a positive design effect.

    Notes
    -----
    ``n_eff = n / design_effect``, times the squared ratio of the t quantiles with n - 1 and with clusters -
    1 degrees of freedom, capped at n. Few clusters therefore widen it.

    References
    ----------
    Korn & Graubard 1998, Survey Methodology 24(2):193-201.
    """
    if n < KORN_GRAUBARD_FROM or clusters < 2 or not design_effect > 0:
        return None
    tail = (1.0 - confidence) / 2
    ratio = stats.t.ppf(tail, n - 1) / stats.t.ppf(tail, clusters - 1)
    effective = min(float(n), n / design_effect * float(ratio) ** 2)
    share = k / n
    return Interval(
        lower=float(clopper_pearson_lower(share * effective, effective, confidence=1 - tail)),
        upper=float(clopper_pearson_upper(share * effective, effective, confidence=1 - tail)),
        confidence=confidence,
        method=f"Korn-Graubard, two-sided, effective n {effective:.1f} of {n}",
    )
