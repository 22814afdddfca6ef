"""Time to pass where only intervals are known: buckets of a histogram, looks far apart, deadlines.

Each run, or each group of equal ones, passed within (lower, upper]; one that had not passed when it was last seen has
an infinite upper end. The share passed is then the nonparametric maximum likelihood of Turnbull: mass lies only on the
innermost intervals, and is found by self-consistency. Inside such an interval the curve is not defined; the later end
is what a timeout may rest on, the earlier end the best that could be true.
"""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import ArrayLike, NDArray

from kubernaut_simulator.estimation.rates import FloatArray

TOLERANCE = 1e-9
"""Largest change of any share of the mass at which the search ends."""

MOST_STEPS = 100_000
"""Self-consistency converges slowly near shares of zero; this is far beyond what buckets need."""

_MEETS = 1e-12


@dataclass(frozen=True, slots=True, kw_only=True)
class IntervalCurve:
    """Share passed over time, known up to the innermost intervals.

    Attributes
    ----------
    lower_s, upper_s : array of float, shape (n_intervals,), unit s
        Ends of the intervals that hold mass, in order; the last upper end may be infinite: those that never passed
        while they were watched.
    mass : array of float, shape (n_intervals,)
        Share of runs in each; sums to 1.
    n : float
        Runs.
    censored : float
        Runs whose upper end is infinite.
    converged : bool
    """

    lower_s: FloatArray
    upper_s: FloatArray
    mass: FloatArray
    n: float
    censored: float
    converged: bool

    @property
    def passed(self) -> FloatArray:
        """Share passed by each upper end; 0 mass is counted at infinity."""
        return np.asarray(np.cumsum(np.where(np.isfinite(self.upper_s), self.mass, 0.0)), float)

    def quantile(self, share: float) -> tuple[float, float] | None:
        """Give the interval in which the share is reached, unit s; None when it is not reached while watched."""
        reached = np.flatnonzero((self.passed >= share - _MEETS) & np.isfinite(self.upper_s))
        if not len(reached):
            return None
        return float(self.lower_s[reached[0]]), float(self.upper_s[reached[0]])


def turnbull(lower_s: ArrayLike, upper_s: ArrayLike, weights: ArrayLike | None = None) -> IntervalCurve:
    """Estimate the share passed from intervals.

    Parameters
    ----------
    lower_s, upper_s : array of float, shape (n,), unit s
        The run passed after `lower_s` and at or before `upper_s`; infinite when it was not seen to pass. Equal ends
        are an exact time.
    weights : array of float, shape (n,), or None
        How many runs each entry stands for; None means one each. Entries of weight 0 are left out.

    Returns
    -------
    IntervalCurve
        Without runs, no interval.

    Raises
    ------
    ValueError
        An interval that ends before it begins: a fault of the caller.

    References
    ----------
    Turnbull 1976, doi:10.1111/j.2517-6161.1976.tb01597.x; Peto 1973, doi:10.2307/2346307.
    """
    low, high = np.asarray(lower_s, float), np.asarray(upper_s, float)
    weight = np.ones(len(low)) if weights is None else np.asarray(weights, float)
    if (high < low).any():
        raise ValueError("an interval ends before it begins")
    kept = weight > 0
    low, high, weight = low[kept], high[kept], weight[kept]
    left, right = _innermost(low, high)
    inside = _holds(low, high, left, right)
    mass = np.full(len(left), 1.0 / len(left)) if len(left) else np.empty(0)
    total, converged = float(weight.sum()), len(left) <= 1
    for _ in range(0 if converged else MOST_STEPS):
        chance = inside @ mass
        moved = mass * (inside.T @ (weight / chance)) / total
        converged = bool(np.abs(moved - mass).max() < TOLERANCE)
        mass = moved
        if converged:
            break
    return IntervalCurve(
        lower_s=left,
        upper_s=right,
        mass=mass,
        n=total,
        censored=float(weight[np.isinf(high)].sum()),
        converged=converged,
    )


def _innermost(low: FloatArray, high: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Give the intervals that can hold mass: from an end on the left to the next end, which must be one on the right.

    Intervals are open on the left, so at one time a right end comes before a left end; of an exact time the left end
    comes first.
    """
    exact = low == high
    ends = sorted(
        [(at, 0 if is_exact else 2, True) for at, is_exact in zip(low, exact, strict=True)]
        + [(at, 1, False) for at in high]
    )
    left, right = [], []
    for (at, _, opens), (after, _, opens_after) in pairwise(ends):
        if opens and not opens_after:
            left.append(at)
            right.append(after)
    return np.array(left, float), np.array(right, float)


def _holds(low: FloatArray, high: FloatArray, left: FloatArray, right: FloatArray) -> NDArray[np.float64]:
    """Say which entry's interval holds which innermost one."""
    return np.asarray((low[:, None] <= left[None, :]) & (right[None, :] <= high[:, None]), float)
