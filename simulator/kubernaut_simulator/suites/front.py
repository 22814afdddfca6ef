"""Which suites are worth looking at: under the ceiling, and better than every other in something.

Three things count: good incidents stopped (fewer), harmful incidents stopped (more), waiting (less). What cannot be in
any suite under the ceiling, or changes nothing, is taken out before suites are compared; both follow from stops only
growing when a condition is added, so nothing is lost by it.
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from kubernaut_simulator.estimation.columns import Codes, Flags, Floats
from kubernaut_simulator.estimation.rates import CONFIDENCE, clopper_pearson_upper
from kubernaut_simulator.suites.fails import Fails
from kubernaut_simulator.suites.lattice import Lattice

WAIT_INCIDENTS = 2_000
"""Good incidents on which waiting is compared; evenly spread over them when there are more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Suite:
    """One suite and what it does to the incidents it was searched on.

    Attributes
    ----------
    columns : tuple of int
        Places of its choices.
    good_stopped, harmful_stopped : int
    waiting_s : float
        Mean over good incidents of the wait for the slowest required postcondition.
    """

    columns: tuple[int, ...]
    good_stopped: int
    harmful_stopped: int
    waiting_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Front:
    """What a search found.

    Attributes
    ----------
    suites : tuple of Suite
        The Pareto front, fewest good incidents stopped first.
    compared : int
        Suites that could have been chosen, every combination of what was offered.
    allowed : int
        Good incidents that may be stopped for the upper limit to stay at the ceiling; -1 when even none is too few.
    over_ceiling : tuple of int
        Choices that stop more than that on their own.
    never_stop : tuple of int
        Choices that stop no incident at all.
    """

    suites: tuple[Suite, ...]
    compared: int
    allowed: int
    over_ceiling: tuple[int, ...]
    never_stop: tuple[int, ...]

    @property
    def chosen(self) -> Suite | None:
        """The one that stops most harmful incidents; of equals, fewest good ones, then the shortest wait."""
        found = [one for one in self.suites if one.columns]
        if not found:
            return None
        return max(found, key=lambda one: (one.harmful_stopped, -one.good_stopped, -one.waiting_s))


def allowed_stops(n: int, *, ceiling: float, confidence: float = CONFIDENCE) -> int:
    """Give the most of n good incidents that may be stopped with the one-sided upper limit at or below the ceiling."""
    upper = clopper_pearson_upper(np.arange(n, dtype=float), float(n), confidence=confidence)
    return int((upper <= ceiling).sum()) - 1


def find_front(fails: Fails, *, good: Flags, bad: Flags, ceiling: float) -> Front:
    """Compare every suite.

    Parameters
    ----------
    fails : Fails
    good, bad : array of bool, shape (incidents,)
        Those to search on.
    ceiling : float
        Share of good incidents that the workflow may stop, 0..1.

    Raises
    ------
    InputError
        Too many suites are left to compare.
    """
    axes: dict[object, list[int]] = {}
    for column, choice in enumerate(fails.choices):
        axes.setdefault(choice.condition, []).append(column)
    compared = math.prod(len(axis) + 1 for axis in axes.values()) - 1
    allowed = allowed_stops(int(good.sum()), ceiling=ceiling)
    alone = fails.stop[good].sum(axis=0)
    over = alone > allowed
    never: Flags = ~np.asarray(fails.stop[good | bad].any(axis=0), bool)
    sample = _spread(np.flatnonzero(good))
    useful = [[column for column in axis if not (over[column] or never[column])] for axis in axes.values()]
    kept = [tuple(_distinct(fails, axis, good, bad)) for axis in useful]
    lattice = Lattice(axes=tuple(axis for axis in kept if axis))
    suites: tuple[Suite, ...] = ()
    if allowed >= 0:
        suites = _pareto(
            lattice,
            good=lattice.stopped(fails.stop[good]),
            harmful=lattice.stopped(fails.stop[bad]),
            waiting_s=lattice.longest(fails.wait_s[sample]),
            allowed=allowed,
        )
    return Front(
        suites=suites,
        compared=compared,
        allowed=allowed,
        over_ceiling=tuple(np.flatnonzero(over).tolist()),
        never_stop=tuple(np.flatnonzero(never & ~over).tolist()),
    )


def _distinct(fails: Fails, axis: Sequence[int], good: Flags, bad: Flags) -> list[int]:
    """Leave out choices that do what another one of the condition does and make nobody wait less."""
    counted = good | bad
    kept: list[int] = []
    for column in sorted(axis, key=lambda one: float(fails.wait_s[good, one].sum())):
        same = (np.array_equal(fails.stop[counted, column], fails.stop[counted, one]) for one in kept)
        shorter = (bool((fails.wait_s[good, one] <= fails.wait_s[good, column]).all()) for one in kept)
        if not any(a and b for a, b in zip(same, shorter, strict=True)):
            kept.append(column)
    return sorted(kept)


def _pareto(lattice: Lattice, *, good: Codes, harmful: Codes, waiting_s: Floats, allowed: int) -> tuple[Suite, ...]:
    places = _shortest(np.flatnonzero(good <= allowed), good, harmful, waiting_s)
    size = lattice.sizes()[places]
    k, h, w = good[places], harmful[places], waiting_s[places]
    order = np.lexsort((size, w, -h, k))
    k, h, w = k[order], h[order], w[order]
    # The first of each (k, h) waits least; among those a better one has fewer good and more harmful stops.
    first = np.ones(len(order), bool)
    first[1:] = (np.diff(k) != 0) | (np.diff(h) != 0)
    places_of_first = np.flatnonzero(first)
    best = places_of_first[_unbeaten(h[places_of_first].tolist(), w[places_of_first].tolist())].tolist()
    return tuple(
        Suite(
            columns=lattice.suite(int(places[order[at]])),
            good_stopped=int(k[at]),
            harmful_stopped=int(h[at]),
            waiting_s=float(w[at]),
        )
        for at in best
    )


def _shortest(places: Codes, good: Codes, harmful: Codes, waiting_s: Floats) -> Codes:
    """Give those that wait least among the ones that stop as many good and as many harmful incidents."""
    alike = good[places] * (int(harmful.max(initial=0)) + 1) + harmful[places]
    order = np.argsort(alike)
    starts = np.flatnonzero(np.diff(alike[order], prepend=-1))
    waits = waiting_s[places[order]]
    least = np.minimum.reduceat(waits, starts) if len(waits) else waits
    return np.sort(places[order[waits == np.repeat(least, np.diff(starts, append=len(order)))]])


def _unbeaten(harmful: Sequence[int], waiting_s: Sequence[float]) -> Flags:
    """Say which have no earlier one that stops as many harmful incidents and makes nobody wait longer."""
    found = np.zeros(len(harmful), bool)
    # Of those so far the ones that count, ascending in both: whoever stops more makes wait longer.
    most: list[int] = []
    least: list[float] = []
    for at, (h, w) in enumerate(zip(harmful, waiting_s, strict=True)):
        above = bisect_left(most, h)
        if above < len(most) and least[above] <= w:
            continue
        found[at] = True
        beaten = bisect_left(least, w)
        upto = bisect_right(most, h)
        most[beaten:upto], least[beaten:upto] = [h], [w]
    return found


def _spread(places: Codes) -> Codes:
    if len(places) <= WAIT_INCIDENTS:
        return places
    return places[np.linspace(0, len(places) - 1, WAIT_INCIDENTS).astype(np.int64)]
