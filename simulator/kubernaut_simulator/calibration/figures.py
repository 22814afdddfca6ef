"""A number that came out of simulated worlds, with its Monte-Carlo error.

A simulation estimates a rate from a finite number of worlds, so that every figure it gives has an interval of its own:
it says how far the figure would move with other random numbers, not how good the method is that was tried. What is
claimed of the figure is not known here (`claims`).
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from kubernaut_simulator.estimation.rates import clopper_pearson_lower, clopper_pearson_upper

CONFIDENCE = 0.95
"""Two-sided level of a Monte-Carlo interval, for all cells of a claim together."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One simulated number.

    Attributes
    ----------
    value : float
        NaN where no world has given one.
    lower, upper : float
        Monte-Carlo interval.
    worlds : int
        How many independent worlds it rests on; 0 for an exact computation.
    method : str
        How the interval was made.
    is_share : bool
        A share, 0..1, or a difference of shares: shown in percent.
    """

    value: float
    lower: float
    upper: float
    worlds: int
    method: str
    is_share: bool = True

    def text(self) -> str:
        """Give the number alone, e.g. ``95.31 %``."""
        return number_text(self.value, is_share=self.is_share)

    def interval_text(self) -> str:
        """Give the Monte-Carlo interval, e.g. ``95.10 to 95.51 %``; ``exact`` where there is no error."""
        if self.worlds == 0:
            return "exact"
        if not self.is_share:
            return f"{self.lower:.4g} to {self.upper:.4g}"
        return f"{self.lower * 100:.2f} to {self.upper * 100:.2f} %"


def number_text(value: float, *, is_share: bool) -> str:
    """Give a number as text: shares in percent with two decimals, no value as a dash."""
    if math.isnan(value):
        return "-"
    return f"{value * 100:.2f} %" if is_share else f"{value:.4g}"


def share_of_worlds(k: int, worlds: int, *, confidence: float = CONFIDENCE) -> Figure:
    """Give the share of worlds in which something happened, with its two-sided Clopper-Pearson interval.

    Raises
    ------
    ValueError
        There is no world to take a share of.
    """
    if not 0 <= k <= worlds or worlds == 0:
        raise ValueError(f"{k} of {worlds} worlds is no share")
    tail = 1 - (1 - confidence) / 2
    return Figure(
        value=k / worlds,
        lower=float(clopper_pearson_lower(k, worlds, confidence=tail)),
        upper=float(clopper_pearson_upper(k, worlds, confidence=tail)),
        worlds=worlds,
        method=f"Clopper-Pearson, two-sided {confidence * 100:.4g} %",
    )


def mean_over_worlds(values: ArrayLike, *, confidence: float = CONFIDENCE, is_share: bool = True) -> Figure:
    """Give the mean of one number per world, with Student's interval; NaN values are left out and not counted.

    Raises
    ------
    ValueError
        Fewer than two worlds have a number.
    """
    found = np.asarray(values, dtype=float)
    found = found[~np.isnan(found)]
    if len(found) < 2:
        raise ValueError(f"a mean over worlds needs two worlds with a number, not {len(found)}")
    reach = float(stats.t.ppf(1 - (1 - confidence) / 2, len(found) - 1) * found.std(ddof=1) / math.sqrt(len(found)))
    mean = float(found.mean())
    return Figure(
        value=mean,
        lower=mean - reach,
        upper=mean + reach,
        worlds=len(found),
        method=f"Student's t, two-sided {confidence * 100:.4g} %",
        is_share=is_share,
    )


def exactly(value: float, *, is_share: bool = True) -> Figure:
    """Give a number that has no Monte-Carlo error because it was computed and not simulated."""
    return Figure(value=value, lower=value, upper=value, worlds=0, method="exact", is_share=is_share)
