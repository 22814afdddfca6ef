"""Counts at which something is decided: to go on, to set a condition back, to call its block budget spent.

Each sequential test of the engine is a function of k events in n trials, so each has a line: the most or the fewest
events that decide after n trials. With the lines in arrays a thousand simulated rollouts need no test statistic, only
comparisons, and still decide exactly as the engine does. The tests walk the engine beside them.
"""

from collections.abc import Callable
from functools import lru_cache
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from kubernaut.enforcement.budget import BUDGET_ALPHA
from kubernaut.enforcement.martingale import log_evidence_above, log_threshold
from kubernaut_simulator.estimation.power import stop_boundary

Line: TypeAlias = NDArray[np.int64]
"""Indexed by the number of trials; entry 0 is before the first."""

NEVER = np.iinfo(np.int64).max
"""No count decides."""


@lru_cache(maxsize=64)
def go_line(trials: int, *, target: float, alpha: float, minimum: int) -> Line:
    """Most false stops among n good holdout incidents at which the rate is shown below the target.

    Parameters
    ----------
    trials : int
        The line's last n.
    target, alpha : float
    minimum : int
        No look before so many.

    Returns
    -------
    array of int, shape (trials + 1,)
        -1 where no count is enough.
    """
    line = np.full(trials + 1, -1, dtype=np.int64)
    line[1:] = stop_boundary(trials, target=target, alpha=alpha, minimum=minimum)
    return _frozen(line)


@lru_cache(maxsize=64)
def above_line(trials: int, *, target: float, alpha: float, minimum: int) -> Line:
    """Fewest false stops among n good holdout incidents at which the rate is shown above the target.

    Returns
    -------
    array of int, shape (trials + 1,)
        `NEVER` where no count is enough.
    """
    return _fewest(trials, lambda k, n: log_evidence_above(k, n, target), alpha=alpha, minimum=minimum)


@lru_cache(maxsize=64)
def budget_line(trials: int, *, limit: float, alpha: float = BUDGET_ALPHA) -> Line:
    """Fewest blocks among n enforced incidents at which the engine calls the budget spent.

    Returns
    -------
    array of int, shape (trials + 1,)
        `NEVER` where no count is enough; everywhere for a limit of 1.
    """
    return _fewest(trials, lambda k, n: log_evidence_above(k, n, limit), alpha=alpha, minimum=1)


def _fewest(trials: int, evidence: Callable[[int, int], float], *, alpha: float, minimum: int) -> Line:
    enough = log_threshold(alpha)
    line = np.full(trials + 1, NEVER, dtype=np.int64)
    fewest = 0
    for n in range(1, trials + 1):
        # Evidence rises with events and falls with trials at the same events: the line only climbs.
        while fewest <= n and evidence(fewest, n) < enough:
            fewest += 1
        if fewest <= n and n >= minimum:
            line[n] = fewest
    return _frozen(line)


def _frozen(line: Line) -> Line:
    """A line is cached and shared."""
    line.flags.writeable = False
    return line
