"""The sequential gate over thousands of worlds at once.

`estimation.sequential.run_gate` walks one history as a DataFrame. The rule it follows is a function of stops and
incidents, so that it is the line of `estimation.power.stop_boundary`, and a thousand worlds are decided by comparing
counts with it. The tests play single worlds through `run_gate` beside this and find the same incident deciding.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from kubernaut_simulator.estimation.power import stop_boundary
from kubernaut_simulator.estimation.sequential import ALPHA, MINIMUM_ENTRIES

Flags: TypeAlias = NDArray[np.bool_]
Counts: TypeAlias = NDArray[np.int64]

NEVER = np.iinfo(np.int64).max
"""No incident decides."""


@lru_cache(maxsize=64)
def gate_line(incidents: int, *, target: float, alpha: float, look_every: int) -> Counts:
    """Most stops with which the gate passes after each number of incidents; -1 where none, or where nobody looks."""
    line = stop_boundary(incidents, target=target, alpha=alpha, look_every=look_every)
    line.flags.writeable = False
    return line


@lru_cache(maxsize=64)
def fixed_sample_line(incidents: int, *, target: float, level: float, look_every: int) -> Counts:
    """Most stops with which the exact one-sided binomial test, run after n incidents, rejects "at least `target`".

    Notes
    -----
    Right for one look at a number of incidents fixed beforehand; whoever runs it after every few incidents and stops at
    the first rejection has no such level any more.
    """
    n = np.arange(1, incidents + 1)
    quantile = np.asarray(stats.binom.ppf(level, n, target), dtype=np.int64)
    most = quantile - (np.asarray(stats.binom.cdf(quantile, n, target)) > level)
    most[(n % look_every != 0) | (n < MINIMUM_ENTRIES)] = -1
    most.flags.writeable = False
    return most


def decided_after(stops: Flags, line: Counts, *, entered: Counts | None = None) -> Counts:
    """Give the number of incidents after which each world is decided.

    Parameters
    ----------
    stops : array of bool, shape (n_worlds, n_incidents)
        In order of entry.
    line : array of int, shape (n_incidents,)
    entered : array of int, shape (n_worlds,), or None
        Incidents of each world that entered, when it is not all of them.

    Returns
    -------
    array of int, shape (n_worlds,)
        `NEVER` where it is not.
    """
    passed = np.cumsum(stops, axis=1, dtype=np.int32) <= line
    if entered is not None:
        passed &= np.arange(stops.shape[1]) < entered[:, None]
    first = passed.argmax(axis=1)
    return np.where(passed.any(axis=1), first + 1, NEVER)


def decided_among(stops: Flags, enters: Flags, line: Counts) -> Counts:
    """Give the number of incidents in order of start, those that never enter included, after which each is decided.

    Parameters
    ----------
    stops, enters : array of bool, shape (n_worlds, n_incidents)
        In order of start; what enters keeps that order.
    line : array of int, shape (n_incidents,)

    Returns
    -------
    array of int, shape (n_worlds,)
        `NEVER` where it is not.
    """
    order = np.argsort(~enters, axis=1, kind="stable")
    after = decided_after(np.take_along_axis(stops, order, axis=1), line, entered=enters.sum(axis=1))
    decided = after != NEVER
    place = order[np.arange(len(stops)), np.where(decided, after, 1) - 1]
    return np.where(decided, place + 1, NEVER)


def decided_by_holm(stops: Flags, *, target: float, alpha: float = ALPHA, look_every: int = 1) -> Flags:
    """Say which conditions pass when several are tested together.

    Parameters
    ----------
    stops : array of bool, shape (n_worlds, n_conditions, n_incidents)
        The same incidents for all conditions.

    Returns
    -------
    array of bool, shape (n_worlds, n_conditions)

    Notes
    -----
    The rule of `run_gate`: while m conditions are open, the first that reaches the evidence of alpha / m passes.
    """
    worlds, conditions, incidents = stops.shape
    passed = np.zeros((worlds, conditions), dtype=bool)
    rows = np.arange(worlds)
    for left in range(conditions, 0, -1):
        line = gate_line(incidents, target=target, alpha=alpha / left, look_every=look_every)
        when = np.stack([decided_after(stops[rows, c], line) for c in range(conditions)], axis=1)
        when[passed[rows]] = NEVER
        first = when.argmin(axis=1)
        goes_on = when[np.arange(len(rows)), first] != NEVER
        rows, first = rows[goes_on], first[goes_on]
        passed[rows, first] = True
    return passed
