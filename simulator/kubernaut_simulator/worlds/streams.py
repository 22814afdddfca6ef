"""Random numbers of a world: one named stream for each thing that is drawn.

A stream is keyed by the seed and a path of names ("incident", 17, "pods"), so that drawing one thing more never
shifts another: the first 50 incidents of a world are the same whether 50 or 5,000 are made. Every draw takes one
uniform number of the Mersenne Twister, whose sequence Python promises to keep, and times are rounded to
milliseconds, which takes differences between mathematical libraries out: the same seed gives the same bytes.
"""

import hashlib
import random
from collections.abc import Mapping, Sequence
from enum import StrEnum
from math import log, pi, sqrt
from statistics import NormalDist
from typing import TypeVar

from kubernaut.errors import InputError

T = TypeVar("T")

_NORMAL = NormalDist()
_SMALLEST = 1e-9


class Family(StrEnum):
    """Families of times that vary; each has two parameters, and its logarithm a standard deviation."""

    LOGNORMAL = "lognormal"
    LOG_LOGISTIC = "log-logistic"
    WEIBULL = "weibull"


LOGISTIC_DEVIATION = pi / sqrt(3)
"""Standard deviation of the standard logistic distribution: the logarithm of a log-logistic time of shape 1."""

GUMBEL_DEVIATION = pi / sqrt(6)
"""Standard deviation of the standard Gumbel distribution: the logarithm of a Weibull time of shape 1."""


class Stream:
    """Draws of one named thing.

    Parameters
    ----------
    seed : int
        The world's seed.
    names : object
        Path of the thing, e.g. ``("incident", 17)``.
    """

    __slots__ = ("_names", "_random", "_seed")

    def __init__(self, seed: int, *names: object) -> None:
        self._seed = seed
        self._names = names
        self._random = random.Random(digest_number(seed, *names))  # noqa: S311 - a simulation, not a secret

    def child(self, *names: object) -> "Stream":
        """Give the stream of a part of this thing; it does not depend on what was drawn here."""
        return Stream(self._seed, *self._names, *names)

    def uniform(self, low: float = 0.0, high: float = 1.0) -> float:
        """Draw between `low` and `high`."""
        return low + (high - low) * self._random.random()

    def happens(self, probability: float) -> bool:
        """Draw whether something of this probability happens."""
        return self._random.random() < probability

    def integer(self, low: int, high: int) -> int:
        """Draw a whole number from `low` to `high`, both included."""
        return low + int(self._random.random() * (high - low + 1))

    def pick(self, items: Sequence[T]) -> T:
        """Draw one of `items`, all alike."""
        return items[int(self._random.random() * len(items))]

    def weighted(self, weights: Mapping[T, float]) -> T:
        """Draw a key with probability proportional to its weight; keys are taken in their order."""
        left = self._random.random() * sum(weights.values())
        last: T | None = None
        for key, weight in weights.items():
            if weight <= 0:
                continue
            last = key
            left -= weight
            if left < 0:
                return key
        if last is None:
            raise InputError("weights: none is above zero; give at least one")
        return last

    def normal(self) -> float:
        """Draw a standard normal number."""
        return self.deviate(Family.LOGNORMAL)

    def deviate(self, family: Family) -> float:
        """Draw how far the logarithm of a time of a family is from that of its median, in standard deviations."""
        share = min(max(self._random.random(), _SMALLEST), 1 - _SMALLEST)
        if family is Family.LOGNORMAL:
            return _NORMAL.inv_cdf(share)
        if family is Family.LOG_LOGISTIC:
            return log(share / (1 - share)) / LOGISTIC_DEVIATION
        return log(-log(1 - share) / log(2)) / GUMBEL_DEVIATION


def digest_number(seed: int, *names: object) -> int:
    """Give a 64-bit number that depends on the seed and the names and on nothing else."""
    return int.from_bytes(digest_bytes(seed, *names)[:8], "big")


def digest_uid(seed: int, *names: object) -> str:
    """Give a UID in Kubernetes' form, the same for the same seed and names."""
    text = digest_bytes(seed, *names)[:16].hex()
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def digest_bytes(seed: int, *names: object) -> bytes:
    """Give the sha256 of the seed and the names."""
    return hashlib.sha256("/".join(map(str, (seed, *names))).encode()).digest()
