"""How many incidents every suite stops, all suites at once.

A suite picks for each condition one of its choices or none. Each incident has, for each condition, a pattern: which of
its choices stop it. Counting incidents by pattern gives a tensor with one axis per condition; letting through is a
product over conditions, so multiplying each axis by "choice j lets pattern p through" turns the counts into the number
of incidents that every suite lets through. That is the subset-sum (zeta) transform over bitmasks, with more than two
states an axis; it is exact, and its cost is the number of suites times the number of conditions.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from kubernaut.errors import InputError
from kubernaut_simulator.estimation.columns import Codes, Flags, Floats

LARGEST = 2**23
"""Suites that are compared at once: 64 MiB a count."""

_CELLS = 2**22
"""Waits held at once."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Lattice:
    """All suites over some axes.

    Attributes
    ----------
    axes : tuple of tuple of int
        For each condition the columns of its choices. State 0 of an axis is "not required", state j its j-th choice.
    """

    axes: tuple[tuple[int, ...], ...]

    def __post_init__(self) -> None:
        if self.size > LARGEST:
            raise InputError(
                f"{self.size:,} suites are too many to compare (at most {LARGEST:,}); name fewer timeouts or parameters"
            )

    @property
    def shape(self) -> tuple[int, ...]:
        """States of each axis."""
        return tuple(len(axis) + 1 for axis in self.axes)

    @property
    def size(self) -> int:
        """Number of suites, the empty one among them."""
        return math.prod(self.shape)

    def stopped(self, stop: Flags) -> Codes:
        """Count the incidents that each suite stops.

        Parameters
        ----------
        stop : array of bool, shape (incidents, choices)

        Returns
        -------
        array of int64, shape (suites,)
            In the order of `suite`.
        """
        codes = np.zeros(len(stop), np.int64)
        lets: list[Floats] = []
        for axis in self.axes:
            patterns, own = np.unique(stop[:, list(axis)], axis=0, return_inverse=True)
            codes = codes * len(patterns) + own.reshape(-1)
            lets.append(np.vstack([np.ones(len(patterns)), ~patterns.T]).astype(np.float64))
        sizes = [let.shape[1] for let in lets]
        counts = np.bincount(codes, minlength=int(np.prod(sizes, dtype=np.int64))).astype(np.float64).reshape(sizes)
        for let in lets:
            # The axis that is transformed comes last; after all of them the order is the first one again.
            counts = np.tensordot(counts, let, axes=([0], [1]))
        # Counts are whole and far below 2^53, where float64 is exact.
        let_through = counts.reshape(-1)
        return len(stop) - np.rint(let_through).astype(np.int64)

    def suite(self, place: int) -> tuple[int, ...]:
        """Give the columns that one suite requires."""
        states = np.unravel_index(place, self.shape) if self.axes else ()
        return tuple(axis[int(state) - 1] for axis, state in zip(self.axes, states, strict=True) if state)

    def sizes(self) -> Codes:
        """Count the conditions that each suite requires."""
        total = np.zeros(self.shape, np.int64)
        for at, states in enumerate(self.shape):
            required = (np.arange(states) > 0).astype(np.int64)
            total = total + required.reshape([-1 if axis == at else 1 for axis in range(len(self.axes))])
        return total.reshape(-1)

    def longest(self, wait_s: Floats) -> Floats:
        """Give the mean over incidents of the longest wait in each suite.

        Parameters
        ----------
        wait_s : array of float64, shape (incidents, choices)
        """
        incidents = len(wait_s)
        waiting = [bool(wait_s[:, list(axis)].any()) for axis in self.axes]
        shape = [states if waits else 1 for states, waits in zip(self.shape, waiting, strict=True)]
        suites = int(np.prod(shape, dtype=np.int64))
        total = np.zeros(suites)
        chunk = max(1, _CELLS // suites)
        for start in range(0, incidents, chunk):
            part = wait_s[start : start + chunk]
            longest = np.zeros((len(part), 1))
            # From the last axis on, so that the suites of the axes done lie side by side in memory.
            for axis, waits in reversed(list(zip(self.axes, waiting, strict=True))):
                if waits:
                    states = np.hstack([np.zeros((len(part), 1)), part[:, list(axis)]])
                    longest = np.maximum(states[:, :, np.newaxis], longest[:, np.newaxis]).reshape(len(part), -1)
            total += longest.sum(axis=0)
        mean = total / max(1, incidents)
        return np.broadcast_to(mean.reshape(shape), self.shape).reshape(-1)
