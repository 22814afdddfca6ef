"""What every choice does to every incident, and that as one bitmask per incident.

Bit i of an incident's mask: choice i stops it. A suite is a set of bits, and it stops the incident exactly when both
masks meet. Where a record cannot answer, the suite is given the worse of both: a good run counts as stopped, one that
did no good as let through. Nobody's ignorance can then make a suite look better.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from kubernaut.identity import Phase
from kubernaut.verdicts import Verdict
from kubernaut_simulator.estimation.columns import Codes, Flags, Floats
from kubernaut_simulator.suites.choices import Choice
from kubernaut_simulator.suites.incidents import Incidents
from kubernaut_simulator.whatif.engine_settling import SettledColumns
from kubernaut_simulator.whatif.timelines import VERDICTS

Masks: TypeAlias = "NDArray[np.object_]"
"""Whole numbers of any length: a bit per choice."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Fails:
    """What choices do to incidents.

    Attributes
    ----------
    choices : tuple of Choice
    stop : array of bool, shape (incidents, choices)
    unknown : array of bool, shape (incidents, choices)
        The record cannot answer; `stop` holds the worse case.
    wait_s : array of float64, shape (incidents, choices)
        From the action's end to the verdict; 0 for preconditions.
    """

    choices: tuple[Choice, ...]
    stop: Flags
    unknown: Flags
    wait_s: Floats

    def masks(self) -> list[int]:
        """Give one whole number per incident: bit i says that choice i stops it."""
        packed = np.packbits(self.stop, axis=1, bitorder="little")
        return [int.from_bytes(row.tobytes(), "little") for row in packed]

    def stopped_by(self, suite: Sequence[int]) -> Flags:
        """Say which incidents a suite, given as places of choices, stops."""
        return np.asarray(self.stop[:, list(suite)].any(axis=1), bool)

    def waits_for(self, suite: Sequence[int]) -> Floats:
        """Give how long each incident waits for the slowest required postcondition of a suite."""
        found: Floats = self.wait_s[:, list(suite)].max(axis=1, initial=0.0)
        return found

    def joined(self, other: Fails) -> Fails:
        """Give the choices of both, on the same incidents."""
        return Fails(
            choices=(*self.choices, *other.choices),
            stop=np.hstack([self.stop, other.stop]),
            unknown=np.hstack([self.unknown, other.unknown]),
            wait_s=np.hstack([self.wait_s, other.wait_s]),
        )


def fails_of(choice: Choice, settled: SettledColumns, rows: Codes, incidents: Incidents) -> Fails:
    """Say what one choice does to the incidents.

    Parameters
    ----------
    settled : SettledColumns
        What the choice's terms come to.
    rows : array of int64
        Places of its evaluations in the history.
    """
    size = len(incidents.frame)
    of_row = incidents.of_row[rows]
    counted = of_row >= 0
    at = of_row[counted]

    def any_of(flags: Flags) -> Flags:
        found: Flags = np.bincount(at, flags[counted], minlength=size) > 0
        return found

    stop = any_of(settled.stop)
    unknown = any_of(settled.verdict == VERDICTS.index(Verdict.CENSORED)) & ~stop
    worse = stop | (unknown & (incidents.good | incidents.judges_unlabelled))
    wait_s = np.zeros(size)
    if choice.condition.phase is Phase.POST:
        np.maximum.at(wait_s, at, settled.settled_s[counted])
    return Fails(
        choices=(choice,), stop=worse[:, np.newaxis], unknown=unknown[:, np.newaxis], wait_s=wait_s[:, np.newaxis]
    )
