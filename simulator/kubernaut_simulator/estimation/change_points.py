"""Did something change midway? One change at an unknown time, found and dated without assuming a distribution.

Every observation has a score that averages zero while nothing changes: a stop less the share of stops, or the log-rank
score of a time to pass. Scores are added up by day. The statistic is the largest standardised difference between the
days before a cut and the days after it, over all cuts; days dealt out in random order say how large it gets when
nothing changes. Whole days are dealt, so an outage of fifty incidents counts as one day, not as fifty witnesses.
Arrays in, numbers out; what a score is made of is `drift`.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats: TypeAlias = NDArray[np.float64]
Codes: TypeAlias = NDArray[np.int64]

PERMUTATIONS = 4_999
"""Orders of the days that are compared with the true one: the smallest p-value is 1 in 5,000."""

ORDERS_PER_CUT = 199
"""Orders of the days on each side of a supposed change that say whether it may have been there."""

SEED = 20_260_101
"""Of the orders and samples: the same history gives the same answer."""

MINIMUM_DAYS = 10
"""Days with an observation below which no order of them is surprising enough once several conditions are asked."""

MINIMUM_OBSERVATIONS = 20
"""On either side of a cut: fewer are no period that anybody would compare with."""

_CELLS = 2_000_000
"""Most numbers of one array of shuffled days, about 16 MB."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangePoint:
    """The largest difference between before and after, and how surprising it is.

    Attributes
    ----------
    cut : int
        Place, in order of time, of the first day after the change.
    statistic : float
        Largest standardised difference over all cuts.
    p_value : float
        For the largest over all cuts: looking at all of them is paid for.
    """

    cut: int
    statistic: float
    p_value: float


def log_rank_scores(time_s: ArrayLike, censored: ArrayLike) -> Floats:
    """Score each time: 1 for a pass, less the cumulative hazard (Nelson-Aalen) at the time.

    Parameters
    ----------
    time_s : array of float, shape (n,), unit s
        Infinite for what never passes.
    censored : array of bool, shape (n,)

    Returns
    -------
    array of float, shape (n,)
        Adds up to zero; over the members of a group it adds up to the log-rank test's observed less expected passes.

    References
    ----------
    Peto & Peto 1972, doi:10.2307/2344317.
    """
    time, cut = np.asarray(time_s, float), np.asarray(censored, bool)
    times, passes = np.unique(time[~cut], return_counts=True)
    at_risk = len(time) - np.searchsorted(np.sort(time), times, side="left")
    hazard = np.append(0.0, np.cumsum(passes / at_risk))
    return np.asarray(np.where(cut, 0.0, 1.0) - hazard[np.searchsorted(times, time, side="right")], float)


def find_change(
    scores: ArrayLike,
    day: ArrayLike,
    *,
    minimum: int = MINIMUM_OBSERVATIONS,
    permutations: int = PERMUTATIONS,
    seed: int = SEED,
) -> ChangePoint | None:
    """Find one change of level, and say how surprising it is.

    Parameters
    ----------
    scores : array of float, shape (n,)
        Centred: they add up to zero.
    day : array of int, shape (n,)
        0..n_days-1 in order of time, each with at least one observation.
    minimum : int
        Observations on either side of a cut.
    permutations, seed : int

    Returns
    -------
    ChangePoint or None
        None where no cut leaves `minimum` observations on both sides.

    Notes
    -----
    1. At every cut the sum of scores after it, less its share, is divided by sqrt(n1 n2 / n).
    2. The largest absolute value is compared with that of `permutations` random orders of the days (p = (1 + at least
       as large) / (1 + permutations)): exact while days are exchangeable, whatever happens within a day.

    Days that resemble their neighbours (an outage over midnight, a rhythm longer than a day) break the exactness; only
    the largest of several changes is found.

    References
    ----------
    Zeileis & Hothorn 2013 (permutation tests for structural change), doi:10.1007/s00362-013-0503-4.
    """
    value, at = np.asarray(scores, float), np.asarray(day, np.int64)
    total = np.bincount(at, weights=value).astype(np.float64)
    size = np.bincount(at).astype(np.float64)
    days = len(size)
    own = _statistics(total, size, np.arange(days)[None, :], minimum)[0]
    if not np.isfinite(own).any():
        return None
    cut = int(np.argmax(own)) + 1
    largest = float(own[cut - 1])
    at_least = 0
    for orders in _all_orders(days, permutations, seed):
        at_least += int((_statistics(total, size, orders, minimum).max(axis=1) >= largest * (1 - 1e-12)).sum())
    return ChangePoint(cut=cut, statistic=largest, p_value=(1 + at_least) / (1 + permutations))


def limits_of_change(
    scores: ArrayLike,
    day: ArrayLike,
    *,
    minimum: int = MINIMUM_OBSERVATIONS,
    orders: int = ORDERS_PER_CUT,
    confidence: float = 0.95,
    seed: int = SEED,
) -> tuple[int, int]:
    """Give two-sided limits of the place of a change that `find_change` has found.

    Parameters
    ----------
    scores, day, minimum : as for `find_change`
    orders : int
    confidence : float
        Two-sided.

    Returns
    -------
    tuple of int
        First and last place of the first day after the change that the data do not speak against.

    Notes
    -----
    A supposed place is kept when random orders of the days before it and, apart, of those after it often put the
    largest difference as far above the one at that place as the data do: an exact test while days are exchangeable on
    either side, so the places that are kept hold the true one with the stated confidence.

    References
    ----------
    Duembgen 1991, doi:10.1214/aos/1176348257.
    """
    value, at = np.asarray(scores, float), np.asarray(day, np.int64)
    total = np.bincount(at, weights=value).astype(np.float64)
    size = np.bincount(at).astype(np.float64)
    days = len(size)
    own = _statistics(total, size, np.arange(days)[None, :], minimum)[0]
    keys = np.random.default_rng(seed).random((orders, days))
    kept = []
    for cut in np.flatnonzero(np.isfinite(own)) + 1:
        found = _statistics(total, size, np.argsort(keys + (np.arange(days) >= cut), axis=1), minimum)
        above = found.max(axis=1) - found[:, cut - 1]
        as_far = int((above >= (own.max() - own[cut - 1]) * (1 - 1e-12)).sum())
        if (1 + as_far) / (1 + orders) > 1 - confidence:
            kept.append(int(cut))
    return min(kept), max(kept)


def _statistics(total: Floats, size: Floats, order: Codes, minimum: int) -> Floats:
    """Give the standardised difference at every cut of every order; -inf where a side is too small."""
    before = np.cumsum(total[order], axis=1)
    n_before = np.cumsum(size[order], axis=1)
    n = n_before[:, -1:]
    centred = before - before[:, -1:] * n_before / n
    n_after = n - n_before
    with np.errstate(divide="ignore", invalid="ignore"):
        found = np.abs(centred) / np.sqrt(n_before * n_after / n)
    found[np.minimum(n_before, n_after) < minimum] = -np.inf
    return np.asarray(found, float)


def _all_orders(days: int, permutations: int, seed: int) -> Iterator[Codes]:
    chunks = _chunks(permutations, days)
    if len(chunks) == 1:
        yield _orders(days, permutations, seed)
        return
    rng = np.random.default_rng(seed)
    for count in chunks:
        yield rng.permuted(np.tile(np.arange(days), (count, 1)), axis=1)


@lru_cache(maxsize=4)
def _orders(days: int, permutations: int, seed: int) -> Codes:
    """Shuffle once for the conditions of one window, which mostly have the same number of days."""
    return np.random.default_rng(seed).permuted(np.tile(np.arange(days), (permutations, 1)), axis=1)


def _chunks(rows: int, columns: int) -> list[int]:
    """Split so many rows into parts whose arrays stay small."""
    most = max(1, _CELLS // max(1, columns))
    return [most] * (rows // most) + ([rows % most] if rows % most else [])
