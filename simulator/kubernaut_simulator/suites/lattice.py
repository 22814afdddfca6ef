"""How many incidents every suite stops, and how long each makes wait, all suites at once.

A suite picks for each condition one of its choices or none. Each incident has, for each condition, a pattern: which of
its choices stop it. Letting through is a product over conditions, so the incidents are counted by pattern, and one
condition after the other turns its patterns into "not required, or the choice that lets through". That is the
subset-sum (zeta) transform over bitmasks, with more than two states an axis; only patterns that occur are held. It is
exact, and its cost is the number of suites times the number of conditions, whatever the number of incidents.

The longest wait of a suite is a count too. Where one condition takes 3 s and another 7 s, the first 3 s of waiting are
"caught" by suites that require either, the next 4 s by those that require the slower one.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_array

from kubernaut.errors import InputError
from kubernaut_simulator.estimation.columns import Codes, Flags, Floats

LARGEST = 2**23
"""Suites that are compared at once: 64 MiB a count."""

_MICROSECONDS = 1e6
"""Waits are counted in whole ones: sums stay far below 2^53, where float64 is exact, so that equal waits are equal."""


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
        return self._stopped(stop, np.ones(len(stop), np.int64))

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
        columns = [column for axis in self.axes for column in axis]
        waits = np.maximum(np.rint(wait_s[:, columns] * _MICROSECONDS), 0).astype(np.int64)
        reached = np.sort(waits, axis=1)
        longer = np.diff(reached, axis=1, prepend=0)
        incident, at = np.nonzero(longer)
        own = np.zeros((len(incident), wait_s.shape[1]), bool)
        own[:, columns] = waits[incident] >= reached[incident, at][:, np.newaxis]
        return self._stopped(own, longer[incident, at]) / (_MICROSECONDS * max(1, len(wait_s)))

    def _stopped(self, stop: Flags, weight: Codes) -> Codes:
        """Sum the weights of the rows that each suite stops."""
        # Rows by the patterns of the first axes: how many there are bounds what is held while those are still to come.
        group = np.zeros(len(stop), np.int64)
        steps: list[tuple[Codes, Flags, int]] = []
        groups = 1
        for axis in self.axes:
            patterns, own = np.unique(stop[:, list(axis)], axis=0, return_inverse=True)
            found, group = np.unique(group * max(1, len(patterns)) + own.reshape(-1), return_inverse=True)
            before, pattern = np.divmod(found, max(1, len(patterns)))
            steps.append((before, np.column_stack([np.ones(len(found), bool), ~patterns[pattern]]), groups))
            groups = len(found)
        through = np.bincount(group, weight, minlength=groups)[:, np.newaxis]
        # From the last axis on, so that the suites of the axes done lie side by side in memory.
        for before, lets, groups in reversed(steps):
            states = lets.shape[1]
            of, state = np.nonzero(lets)
            into = csr_array((np.ones(len(of)), (before[of] * states + state, of)), shape=(groups * states, len(lets)))
            through = (into @ through).reshape(groups, states * through.shape[1])
        return int(weight.sum()) - np.rint(through.reshape(-1)).astype(np.int64)
