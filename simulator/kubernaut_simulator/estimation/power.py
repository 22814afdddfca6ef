"""What the gate can be expected to do: the exact chance to pass by each incident, for a true rate.

No simulation: the boundary in stops is a function of the incidents entered, and the chance to have crossed
it follows by adding up binomial paths. At a true rate of the target the curve is the wrong-flip rate; below
it, the power.
"""

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from kubernaut.enforcement.martingale import log_evidence_below
from kubernaut_simulator.estimation.sequential import ALPHA, MINIMUM_ENTRIES

LIKELY = 0.8
"""Chance at which a decision is called likely, as the power of a trial usually is."""

FARTHEST = 2_000
"""Further incidents that are looked ahead: beyond them nobody plans."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlook:
    """When a condition that is not shown yet will likely be.

    Attributes
    ----------
    more : int or None
        Further good incidents until the chance is `LIKELY`; None when that needs more than `FARTHEST`.
    chance : float
        Chance to be shown within that many, or within `FARTHEST`.
    """

    more: int | None
    chance: float


def outlook(k: int, n: int, *, target: float, line: float, minimum: int = MINIMUM_ENTRIES) -> Outlook:
    """Say how many more good incidents a decision likely takes, given those that have entered.

    Parameters
    ----------
    k, n : int
        Stops among the good incidents so far.
    target : float
    line : float
        Log-evidence to cross.
    minimum : int
        No look before so many.

    Notes
    -----
    The true rate is not known, so no one rate is assumed: after k of n the next incident is a stop with probability
    (k + 1) / (n + 2), and so on along every path (Laplace's rule of succession, a flat prior). A line that falls when
    another condition is decided shortens it; drift breaks it.
    """
    boundary = _boundary(n + FARTHEST, target, line, minimum)
    alive = np.zeros(FARTHEST + 2)
    alive[0] = 1.0
    stops = np.arange(FARTHEST + 2)
    chance = 0.0
    for more in range(1, FARTHEST + 1):
        before = n + more - 1
        moving = alive[: more + 1] * (k + stops[: more + 1] + 1) / (before + 2)
        alive[: more + 1] -= moving
        alive[1 : more + 2] += moving
        passing = int(boundary[n + more - 1]) - k
        if passing >= 0:
            chance += float(alive[: passing + 1].sum())
            alive[: passing + 1] = 0.0
        if chance >= LIKELY:
            return Outlook(more=more, chance=chance)
    return Outlook(more=None, chance=chance)


@lru_cache(maxsize=32)
def _boundary(incidents: int, target: float, line: float, minimum: int) -> NDArray[np.int64]:
    return stop_boundary(incidents, target=target, alpha=math.exp(-line), minimum=minimum)


def stop_boundary(
    incidents: int,
    *,
    target: float,
    alpha: float = ALPHA,
    look_every: int = 1,
    minimum: int = MINIMUM_ENTRIES,
) -> NDArray[np.int64]:
    """Most stops with which the gate passes after each number of incidents.

    Parameters
    ----------
    incidents : int
    target, alpha : float
        `alpha` after the version's price and Holm's division.
    look_every, minimum : int

    Returns
    -------
    array of int, shape (incidents,)
        -1 where no number of stops passes, or nobody looks.
    """
    enough = -math.log(alpha)
    boundary = np.full(incidents, -1, dtype=np.int64)
    most = -1
    for n in range(1, incidents + 1):
        if n < minimum or n % look_every:
            continue
        # Evidence falls with stops and rises with incidents at the same stops: the boundary only climbs.
        while most + 1 <= n and log_evidence_below(most + 1, n, target) >= enough:
            most += 1
        boundary[n - 1] = most
    return boundary


def chance_to_pass(
    true_rate: float,
    incidents: int,
    *,
    target: float,
    alpha: float = ALPHA,
    look_every: int = 1,
    minimum: int = MINIMUM_ENTRIES,
) -> NDArray[np.float64]:
    """Chance that the gate has passed by each number of good incidents, if they are stopped at `true_rate`.

    Returns
    -------
    array of float, shape (incidents,)
        Never falling.

    Notes
    -----
    Independent incidents with one rate; drift or outages break it.
    """
    boundary = stop_boundary(incidents, target=target, alpha=alpha, look_every=look_every, minimum=minimum)
    alive = np.zeros(incidents + 1)
    alive[0] = 1.0
    passed = np.zeros(incidents)
    total = 0.0
    for at, most in enumerate(boundary):
        alive[1:] = alive[1:] * (1 - true_rate) + alive[:-1] * true_rate
        alive[0] *= 1 - true_rate
        if most >= 0:
            total += float(alive[: most + 1].sum())
            alive[: most + 1] = 0.0
        passed[at] = total
    return passed
