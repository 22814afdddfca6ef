"""Families of times fitted to measured ones by maximum likelihood, right-censored times among them.

A censored time is one that was still running when nobody looked any longer: it counts as "at least so long", never as
its length. Families are compared by AIC (Akaike's information criterion; they have two parameters each, so that is
their likelihood), and how well the best one describes the data is shown, not tested: the Kolmogorov-Smirnov distance
to the Kaplan-Meier curve, and quantiles side by side. Its p-value would be wrong, for the parameters come from the same
data. Where the numbers come from is known to `real_times`.
"""

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import exp, log
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from kubernaut.errors import InputError
from kubernaut_simulator.worlds.streams import GUMBEL_DEVIATION, LOGISTIC_DEVIATION, Family

SHARES = (0.5, 0.9, 0.95, 0.99)
"""Quantiles that are shown."""

LEAST_TIMES = 20
"""Fewer measured times are no base for a family with two parameters."""

CONFIDENCE = 0.95

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Quantile:
    """One quantile, measured and fitted.

    Attributes
    ----------
    share : float
    measured_s, low_s, high_s : float or None, unit s
        Kaplan-Meier's, and its two-sided 95 % interval (log-log band, inverted); None where the curve or its band does
        not reach the share.
    fitted_s : float, unit s
    """

    share: float
    measured_s: float | None
    low_s: float | None
    high_s: float | None
    fitted_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Fit:
    """The best family for measured times.

    Attributes
    ----------
    family : Family
    median_s : float, unit s
    sigma : float
        Standard deviation of the natural logarithm.
    n : int
        Times, the censored ones included.
    censored : int
    aic : mapping of Family to float
        Of every family that was compared; less is better.
    distance : float
        Kolmogorov-Smirnov: the largest difference between Kaplan-Meier's curve and the fitted one, 0..1.
    quantiles : sequence of Quantile
    """

    family: Family
    median_s: float
    sigma: float
    n: int
    censored: int
    aic: Mapping[Family, float]
    distance: float
    quantiles: Sequence[Quantile]


def fit_times(times_s: ArrayLike, censored_s: ArrayLike = ()) -> Fit:
    """Fit every family and give the one with the least AIC.

    Parameters
    ----------
    times_s : array_like, shape (n,), unit s
        Measured times, above zero.
    censored_s : array_like, shape (m,), unit s
        How long the others had been watched when that ended.

    Raises
    ------
    InputError
        Fewer than `LEAST_TIMES` measured times, or one that is not above zero.

    Notes
    -----
    Censoring must not tell anything of the time that would have followed. Where people give up on what seems hopeless,
    the fit is too short.

    References
    ----------
    `scipy.stats.CensoredData`; Klein, J. P. & Moeschberger, M. L. (2003), Survival Analysis, chapters 3 and 4.
    """
    times, censored = np.asarray(times_s, dtype=float), np.asarray(censored_s, dtype=float)
    if len(times) < LEAST_TIMES:
        raise InputError(f"{len(times)} measured times are too few to fit; {LEAST_TIMES} are needed")
    if min(times.min(), censored.min(initial=np.inf)) <= 0:
        raise InputError("a time is not above zero; leave it out, or count it as the unit that it was rounded from")
    data = stats.CensoredData(uncensored=times, right=censored)
    fitted = {family: _fitted(family, data) for family in Family}
    aic = {
        family: 2 * _PARAMETERS - 2 * float(one.logpdf(times).sum() + one.logsf(censored).sum())
        for family, one in fitted.items()
    }
    best = min(Family, key=lambda family: aic[family])
    curve = stats.ecdf(data).cdf
    return Fit(
        family=best,
        median_s=float(fitted[best].median()),
        sigma=_sigma(best, fitted[best].args[0]),
        n=len(times) + len(censored),
        censored=len(censored),
        aic=aic,
        distance=_distance(curve.quantiles, curve.probabilities, fitted[best]),
        quantiles=_quantiles(curve, fitted[best]),
    )


def distribution(family: Family, *, median_s: float, sigma: float) -> Any:
    """Give the frozen scipy distribution of a family."""
    if family is Family.LOGNORMAL:
        return stats.lognorm(sigma, 0, median_s)
    if family is Family.LOG_LOGISTIC:
        return stats.fisk(LOGISTIC_DEVIATION / sigma, 0, median_s)
    shape = GUMBEL_DEVIATION / sigma
    return stats.weibull_min(shape, 0, median_s * exp(-log(log(2)) / shape))


_PARAMETERS = 2
_SCIPY: Mapping[Family, Any] = {
    Family.LOGNORMAL: stats.lognorm,
    Family.LOG_LOGISTIC: stats.fisk,
    Family.WEIBULL: stats.weibull_min,
}


def _fitted(family: Family, data: stats.CensoredData) -> Any:
    shape, _, scale = _SCIPY[family].fit(data, floc=0)
    return _SCIPY[family](shape, 0, scale)


def _sigma(family: Family, shape: float) -> float:
    if family is Family.LOGNORMAL:
        return float(shape)
    return float((LOGISTIC_DEVIATION if family is Family.LOG_LOGISTIC else GUMBEL_DEVIATION) / shape)


def _distance(at_s: Floats, reached: Floats, fitted: Any) -> float:
    """Give the largest difference on either side of each step, up to the last measured time."""
    wanted = fitted.cdf(at_s)
    before = np.concatenate([[0.0], reached[:-1]])
    return float(max(np.abs(reached - wanted).max(), np.abs(before - wanted).max()))


def _quantiles(curve: Any, fitted: Any) -> list[Quantile]:
    with warnings.catch_warnings():
        # At the last time the band has no bounds: there it reaches nothing, which is what None says.
        warnings.filterwarnings("ignore", "The confidence interval is undefined at some observations")
        band = curve.confidence_interval(confidence_level=CONFIDENCE, method="log-log")
    at_s: Floats = curve.quantiles
    return [
        Quantile(
            share=share,
            measured_s=_reached(at_s, curve.probabilities, share),
            low_s=_reached(at_s, band.high.probabilities, share),
            high_s=_reached(at_s, band.low.probabilities, share),
            fitted_s=float(fitted.ppf(share)),
        )
        for share in SHARES
    ]


def _reached(at_s: Floats, curve: Floats, share: float) -> float | None:
    """Give the first moment at which a curve reaches a share; None when it never does."""
    there = np.flatnonzero(np.nan_to_num(curve) >= share)
    return float(at_s[there[0]]) if len(there) else None
