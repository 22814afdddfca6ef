"""Times to pass of a known distribution, seen as the operator sees them: at polls, until a timeout or an interruption.

The poll times are the engine's own for made-up runs. What comes out is what `estimation.survival` takes in, and the
share of good runs that a timeout really lets pass, which no estimate may look at. A test settles the same runs with
the engine.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from kubernaut.verification.polls import PollTimes
from kubernaut_simulator.estimation.survival import PassTimes

Floats: TypeAlias = NDArray[np.float64]

CONDITION = "scale_deployment/step/post/desired_replicas_running"

POLLED_RUNS = 256
"""Made-up runs whose poll times are computed; a simulated run takes those of one of them, drawn at random."""

TRUTH_DRAWS = 100_000
"""Runs behind a true share that has no closed form: known to within 0.15 points."""

TRUTH_TIMEOUT_S = 600.0
"""How long they are watched: longer than any timeout here."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeToPass:
    """How long good runs take.

    Attributes
    ----------
    name : str
    never : float
        Share of good runs that never pass: their outcome was good for another reason.
    draw : callable
        (rng, n) to times of those that pass, unit s.
    passed_by : callable
        Seconds to the share of those that pass.
    """

    name: str
    never: float
    draw: Callable[[np.random.Generator, int], Floats]
    passed_by: Callable[[Floats], Floats]

    def times_s(self, rng: np.random.Generator, n: int) -> Floats:
        """Draw times of good runs; infinite for those that never pass."""
        times: Floats = np.where(rng.random(n) < self.never, np.inf, self.draw(rng, n))
        return times

    def share_by(self, time_s: float) -> float:
        """Give the true share of good runs in which the condition holds by then."""
        return float((1.0 - self.never) * self.passed_by(np.asarray([time_s]))[0])


@dataclass(frozen=True, slots=True, kw_only=True)
class Watching:
    """How runs are watched.

    Attributes
    ----------
    name : str
    timeouts_s : tuple of float
        In force one after the other, each for the same number of runs.
    hold_for_s : float
    interrupted : float
        Share of runs that a later step cuts short, at a moment that knows nothing of the condition.
    """

    name: str
    timeouts_s: tuple[float, ...]
    hold_for_s: float = 0.0
    interrupted: float = 0.0


def lognormal(*, median_s: float, sigma: float, never: float = 0.0) -> TimeToPass:
    """Give lognormal times; `sigma` is the standard deviation of the logarithm."""
    law = stats.lognorm(s=sigma, scale=median_s)
    kind = "lognormal" + (f", {never:.0%} never pass" if never else "")
    return TimeToPass(
        name=kind,
        never=never,
        draw=lambda rng, n: rng.lognormal(np.log(median_s), sigma, n),
        passed_by=lambda t: np.asarray(law.cdf(t), dtype=np.float64),
    )


def weibull(*, scale_s: float, shape: float) -> TimeToPass:
    """Give Weibull times; a shape below 1 has a heavy tail."""
    law = stats.weibull_min(shape, scale=scale_s)
    return TimeToPass(
        name="Weibull, heavy tail",
        never=0.0,
        draw=lambda rng, n: scale_s * rng.weibull(shape, n),
        passed_by=lambda t: np.asarray(law.cdf(t), dtype=np.float64),
    )


def watch(law: TimeToPass, watching: Watching, rng: np.random.Generator, *, n: int) -> PassTimes:
    """Draw good runs and watch them.

    Returns
    -------
    PassTimes
        A run that is interrupted before its first poll was never looked at and is left out, as in votes.
    """
    return observed(
        law.times_s(rng, n),
        timeout_s=np.repeat(np.asarray(watching.timeouts_s), _parts(n, len(watching.timeouts_s))),
        cut=rng.random(n) < watching.interrupted,
        cut_at=rng.random(n),
        grid=rng.integers(POLLED_RUNS, size=n),
        hold_for_s=watching.hold_for_s,
    )


def observed(
    true_s: Floats,
    *,
    timeout_s: Floats,
    cut: NDArray[np.bool_],
    cut_at: Floats,
    grid: NDArray[np.int64],
    hold_for_s: float = 0.0,
) -> PassTimes:
    """Say what looks at the engine's poll times tell of true times.

    Parameters
    ----------
    true_s : array of float, shape (n,), unit s
        From when on the condition holds; infinite for never.
    timeout_s : array of float, shape (n,), unit s
    cut, cut_at : array, shape (n,)
        Whether a run is cut short, and at which share of its timeout.
    grid : array of int, shape (n,)
        Which made-up run's poll times it has.
    """
    until = np.where(cut, cut_at * timeout_s, timeout_s)
    first, before, last = np.full(len(true_s), np.nan), np.zeros(len(true_s)), np.zeros(len(true_s))
    for limit_s in np.unique(timeout_s):
        own = np.flatnonzero(timeout_s == limit_s)
        polls = poll_grid(float(limit_s))[grid[own]]
        place = (polls < true_s[own, None]).sum(axis=1)
        at = np.arange(len(own))
        padded = np.column_stack([polls, np.full(len(own), np.inf)])
        first[own] = padded[at, place]
        before[own] = np.where(place > 0, padded[at, np.maximum(place - 1, 0)], 0.0)
        last[own] = np.where(polls <= until[own, None], polls, 0.0).max(axis=1)
    # A hold is complete at the first look that is `holdFor` after the one it began with, and the last look is at
    # `last`.
    passed = first + hold_for_s <= last + 1e-9
    ended = np.where(cut, until, timeout_s)
    looked = last > 0
    return PassTimes.of(
        np.where(passed, first, ended)[looked],
        ~passed[looked],
        lower_s=before[looked],
        timeout_s=timeout_s[looked],
    )


def true_share(law: TimeToPass, *, timeout_s: float, hold_for_s: float) -> float:
    """Give the share of good runs that pass under a timeout, as the engine would judge them.

    Notes
    -----
    Without a hold this is the distribution itself, since one poll falls on the deadline. A hold begins at a poll and
    must be complete on the deadline, so the share is then counted among fresh runs.
    """
    if hold_for_s <= 0.0:
        return law.share_by(timeout_s)
    begins = _hold_begins(law)
    return float(np.searchsorted(begins, timeout_s - hold_for_s + 1e-9, side="right") / len(begins))


@lru_cache(maxsize=16)
def _hold_begins(law: TimeToPass) -> Floats:
    """Give when the holds of fresh runs begin, sorted; infinite where they begin later than anybody watches."""
    rng = np.random.default_rng(TRUTH_DRAWS)
    seen = observed(
        law.times_s(rng, TRUTH_DRAWS),
        timeout_s=np.full(TRUTH_DRAWS, TRUTH_TIMEOUT_S),
        cut=np.zeros(TRUTH_DRAWS, dtype=bool),
        cut_at=np.ones(TRUTH_DRAWS),
        grid=rng.integers(POLLED_RUNS, size=TRUTH_DRAWS),
    )
    begins: Floats = np.sort(np.where(seen.censored, np.inf, seen.time_s))
    return begins


@lru_cache(maxsize=64)
def poll_grid(timeout_s: float) -> Floats:
    """Give the poll times of the made-up runs under a timeout; rows are padded with infinity.

    Returns
    -------
    array of float, shape (POLLED_RUNS, most polls), unit s
    """
    rows: list[Sequence[float]] = []
    for number in range(POLLED_RUNS):
        polls = PollTimes(uid=f"calibration-{number}", condition=CONDITION, deadlines_s=(timeout_s,))
        slots = (polls.slot_at(timeout_s) or 0) + 1
        rows.append([polls.offset_s(slot) for slot in range(slots)])
    grid = np.full((len(rows), max(map(len, rows))), np.inf)
    for at, row in enumerate(rows):
        grid[at, : len(row)] = row
    grid.flags.writeable = False
    return grid


def _parts(n: int, parts: int) -> NDArray[np.int64]:
    """Cut n runs into so many parts, the last ones one shorter."""
    return np.array([len(part) for part in np.array_split(np.arange(n), parts)], dtype=np.int64)
