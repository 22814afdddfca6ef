"""Worlds in which votes come in bunches: several runs of an incident, many incidents of one outage.

A bunch has one hidden chance of a stop, drawn from a Beta distribution whose mean is the true rate and whose spread is
the correlation within the bunch (beta-binomial); at a correlation of 1 all votes of a bunch are copies of one. Sizes
do not depend on the verdicts. What is made of the votes is not known here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Floats: TypeAlias = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Bunches:
    """Equal bunches of a world.

    Attributes
    ----------
    count : int
    size : int
        Votes of each.
    correlation : float
        Within a bunch, 0..1.
    """

    count: int
    size: int
    correlation: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class BunchedVotes:
    """Votes of many worlds with the same bunches.

    Attributes
    ----------
    size : array of float, shape (n_bunches,)
    first : array of bool, shape (n_worlds, n_bunches)
        The first vote of each bunch is a stop.
    stops : array of float, shape (n_worlds, n_bunches)
        Stops of each bunch.
    """

    size: Floats
    first: NDArray[np.bool_]
    stops: Floats


def draw_votes(kinds: Sequence[Bunches], rate: float, worlds: int, rng: np.random.Generator) -> BunchedVotes:
    """Draw the votes of many worlds with a true rate."""
    size = np.repeat([kind.size for kind in kinds], [kind.count for kind in kinds])
    chance = np.concatenate([_chances(kind, rate, worlds, rng) for kind in kinds], axis=1)
    first = rng.random(chance.shape) < chance
    return BunchedVotes(
        size=size.astype(float), first=first, stops=first + rng.binomial(size - 1, chance).astype(float)
    )


def _chances(kind: Bunches, rate: float, worlds: int, rng: np.random.Generator) -> Floats:
    shape = (worlds, kind.count)
    if kind.correlation == 0:
        return np.full(shape, rate)
    if kind.correlation == 1:
        return (rng.random(shape) < rate).astype(float)
    spread = 1 / kind.correlation - 1
    return rng.beta(rate * spread, (1 - rate) * spread, shape)
