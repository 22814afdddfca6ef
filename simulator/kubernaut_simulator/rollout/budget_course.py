"""How a block budget goes for a condition with a given block rate: exact, without simulation.

The budget is spent when blocks cross a line that depends on the enforced incidents alone (`lines.budget_line`), so the
chance to have crossed it, and with how many blocks, follows by adding up binomial paths.
"""

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from kubernaut.enforcement.budget import BUDGET_ALPHA
from kubernaut_simulator.rollout.lines import NEVER, budget_line

Floats: TypeAlias = NDArray[np.float64]

INCIDENTS = 1_024
"""Enforced incidents that are followed."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class BudgetCourse:
    """What becomes of a budget.

    Attributes
    ----------
    spent : array of float, shape (n_incidents + 1,)
        Chance that it is spent after so many enforced incidents; never falling.
    blocks : array of float, shape (n_incidents + 1,)
        Chance that it was spent with exactly so many blocks.
    """

    spent: Floats
    blocks: Floats

    def blocks_at(self, share: float) -> int | None:
        """Blocks by which so large a share of rollouts have spent the budget; None when fewer ever do."""
        reached = np.flatnonzero(np.cumsum(self.blocks) >= share)
        return int(reached[0]) if len(reached) else None

    def incidents_at(self, share: float) -> int | None:
        """Enforced incidents by which so large a share have spent it; None when fewer ever do."""
        reached = np.flatnonzero(self.spent >= share)
        return int(reached[0]) if len(reached) else None


def budget_course(
    true_rate: float, *, limit: float, incidents: int = INCIDENTS, alpha: float = BUDGET_ALPHA
) -> BudgetCourse:
    """Follow the budget of a condition.

    Parameters
    ----------
    true_rate : float
        Chance that an enforced incident is stopped, 0..1.
    limit : float
        The promised upper limit.
    incidents : int
        How many are followed.

    Notes
    -----
    Independent incidents with one rate; an outage spends a budget sooner.
    """
    line = budget_line(incidents, limit=limit, alpha=alpha)
    alive = np.zeros(incidents + 2)
    alive[0] = 1.0
    spent, blocks = np.zeros(incidents + 1), np.zeros(incidents + 1)
    total = 0.0
    for n in range(1, incidents + 1):
        alive[1:] = alive[1:] * (1 - true_rate) + alive[:-1] * true_rate
        alive[0] *= 1 - true_rate
        if line[n] != NEVER:
            over = alive[line[n] : incidents + 1]
            blocks[line[n] :] += over
            total += float(over.sum())
            alive[line[n] :] = 0.0
        spent[n] = total
    return BudgetCourse(spent=spent, blocks=blocks)
