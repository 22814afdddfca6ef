"""What may be true, given the history: weights of its target-days, drawn anew for every simulated rollout.

A rollout is planned on k false stops of n, which is not the true rate. Each simulated rollout therefore gets a truth of
its own by the Bayesian bootstrap: target-days, not incidents, are weighted, so that fifty incidents of one outage are
one observation. Zero of n is not "never": for each condition half a good incident that it alone stops is added, and
half a good incident that passes all, which for one condition and lone incidents is the Jeffreys posterior Beta(k + 1/2,
n - k + 1/2).
"""

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from kubernaut_simulator.rollout.incidents import Codes, Incidents

Floats: TypeAlias = NDArray[np.float64]

ADDED_WEIGHT = 0.5
"""Of each added incident, in incidents: Jeffreys."""

_TILT_STEPS = 200
_TILT_BOUND = 60.0
"""exp(60) against 1 is all against nothing in double precision."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Blocks:
    """Target-days to draw, the added ones last.

    Attributes
    ----------
    incidents : Incidents
        With the added ones.
    starts, sizes : array of int, shape (n_blocks,)
        First incident and number of incidents of each.
    prior : array of float, shape (n_blocks,)
        Weight of each as it was seen: 1, and `ADDED_WEIGHT` for the added.
    good, false_stops : array of float, shape (n_blocks, n_conditions)
        Good incidents that the condition judged, and those of them that it stopped.
    """

    incidents: Incidents
    starts: Codes
    sizes: Codes
    prior: Floats
    good: Floats
    false_stops: Floats

    def false_stop_rates(self, weights: Floats) -> Floats:
        """True P(stop|G) of each condition under weights of shape (..., n_blocks); shape (..., n_conditions)."""
        good = weights @ self.good
        return np.divide(weights @ self.false_stops, good, out=np.zeros_like(good), where=good > 0)

    def mean_size(self, weights: Floats) -> Floats:
        """Incidents in a target-day drawn by the weights."""
        mean: Floats = (weights @ self.sizes) / weights.sum(axis=-1)
        return mean


def blocks_of(incidents: Incidents) -> Blocks:
    """Make the blocks: the history's target-days and the added incidents, each alone."""
    own = len(incidents)
    n = len(incidents.conditions)
    added = n + 1
    stop = np.vstack([np.eye(n, dtype=bool), np.zeros((1, n), dtype=bool)])
    yes = np.ones((added, n), dtype=bool)
    last_day = int(incidents.target_day[-1])
    with_added = Incidents(
        conditions=incidents.conditions,
        good=np.append(incidents.good, yes[:, 0]) if n else incidents.good,
        known=np.append(incidents.known, yes[:, 0]) if n else incidents.known,
        seen=np.vstack([incidents.seen, yes]),
        stop=np.vstack([incidents.stop, stop]),
        judges=np.vstack([incidents.judges, yes]),
        target_day=np.append(incidents.target_day, last_day + 1 + np.arange(added)),
        left_out=incidents.left_out,
        days=incidents.days,
        total=incidents.total,
    )
    starts = with_added.block_starts
    counted = with_added.good[:, None] & with_added.seen
    return Blocks(
        incidents=with_added,
        starts=starts,
        sizes=np.diff(starts, append=own + added),
        prior=np.concatenate([np.ones(len(starts) - added), np.full(added, ADDED_WEIGHT)]),
        good=np.add.reduceat(counted.astype(float), starts, axis=0),
        false_stops=np.add.reduceat((counted & with_added.stop).astype(float), starts, axis=0),
    )


def draw_truths(blocks: Blocks, rng: np.random.Generator, *, draws: int) -> Floats:
    """Draw truths.

    Returns
    -------
    array of float, shape (draws, n_blocks)
        Weights that add up to 1 in each row.

    References
    ----------
    Rubin 1981, The Annals of Statistics 9(1):130-134, doi:10.1214/aos/1176345338.
    """
    weights = rng.standard_gamma(blocks.prior, size=(draws, len(blocks.prior)))
    normed: Floats = weights / weights.sum(axis=1, keepdims=True)
    return normed


def tilted_to(blocks: Blocks, *, condition: int, false_stop_rate: float) -> Floats:
    """Weights nearest to those seen under which one condition's true false-stop rate is a given one.

    Parameters
    ----------
    condition : int
        Its column.
    false_stop_rate : float
        0..1, exclusive.

    Returns
    -------
    array of float, shape (n_blocks,)

    Notes
    -----
    Exponential tilting: w exp(theta (false stops - rate x good)), the smallest change in Kullback-Leibler distance.
    The target-days keep their shape, so a condition that errs in bunches goes on doing so. It always exists, because
    the added incidents hold one good stop and one good pass.

    References
    ----------
    Efron 1981, Canadian Journal of Statistics 9(2):139-158, doi:10.2307/3314608.
    """
    excess = blocks.false_stops[:, condition] - false_stop_rate * blocks.good[:, condition]
    scale = float(np.abs(excess).max())
    low, high = -_TILT_BOUND / scale, _TILT_BOUND / scale
    for _ in range(_TILT_STEPS):
        middle = (low + high) / 2
        if float(_tilt(blocks.prior, excess, middle) @ excess) > 0:
            high = middle
        else:
            low = middle
    return _tilt(blocks.prior, excess, (low + high) / 2)


def _tilt(prior: Floats, excess: Floats, theta: float) -> Floats:
    log = theta * excess
    weights: Floats = prior * np.exp(log - log.max())
    return weights / float(weights.sum())
