"""Worlds in which a condition is wrong, and what the gate and a naive gate make of them.

Each function plays many worlds of one kind and gives, for our method and for the naive one, in how many of them the
wrong condition would have been made required. A hundred or two worlds are held in memory at once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TypeAlias

import numpy as np
import pandas as pd

from kubernaut_simulator.calibration.gates import (
    NEVER,
    Counts,
    decided_after,
    decided_among,
    decided_by_holm,
    fixed_sample_line,
    gate_line,
)
from kubernaut_simulator.estimation.multiplicity import version_price
from kubernaut_simulator.estimation.sequential import ALPHA
from kubernaut_simulator.estimation.split import split_in_time

TARGET = 0.15
LOOK_EVERY = 10
RECORDS = 2_000
LOT_VOTES = 2_000_000
"""Votes drawn at once: some twenty megabytes."""

Flips: TypeAlias = tuple[int, int]
"""Worlds with a wrong flip: ours, naive."""


def plain(rng: np.random.Generator, worlds: int, *, rates: Sequence[float]) -> Flips:
    """One condition looked at after every ten records; naive: the exact fixed-sample test at each look.

    Parameters
    ----------
    rates : sequence of float
        True rate of each record, or one for all.
    """
    line = gate_line(RECORDS, target=TARGET, alpha=ALPHA, look_every=LOOK_EVERY)
    peeking = fixed_sample_line(RECORDS, target=TARGET, level=ALPHA, look_every=LOOK_EVERY)
    rate = np.broadcast_to(np.asarray(rates, dtype=np.float32), (RECORDS,))

    def lot(size: int) -> Flips:
        stops = rng.random((size, RECORDS), dtype=np.float32) < rate
        return _flips(decided_after(stops, line)), _flips(decided_after(stops, peeking))

    return _in_lots(worlds, RECORDS, lot)


def late_labels(
    rng: np.random.Generator, worlds: int, *, rate: float, per_day: float, stop_label_h: tuple[float, float]
) -> Flips:
    """Labels of passes come within hours, those of stops later; naive: the same gate, counting labels as they come.

    Parameters
    ----------
    per_day : float
        Good incidents a day, as a Poisson stream.
    stop_label_h : (float, float), unit h
        Earliest and latest label of a stop after its start; all within the label age.
    """
    line = gate_line(RECORDS, target=TARGET, alpha=ALPHA, look_every=LOOK_EVERY)

    def lot(size: int) -> Flips:
        shape = (size, RECORDS)
        stops = rng.random(shape) < rate
        started_h = np.cumsum(rng.exponential(24 / per_day, shape), axis=1)
        delay_h = np.where(stops, rng.uniform(*stop_label_h, shape), rng.uniform(0.1, 2.0, shape))
        as_they_come = np.argsort(started_h + delay_h, axis=1)
        naive = decided_after(np.take_along_axis(stops, as_they_come, axis=1), line)
        return _flips(decided_after(stops, line)), _flips(naive)

    return _in_lots(worlds, RECORDS, lot)


def no_label_in_time(
    rng: np.random.Generator, worlds: int, *, rate: float, of_stops: float, of_passes: float = 0.0
) -> Flips:
    """Labels come after the label age, or never; naive: the same gate, leaving out every incident without one.

    Parameters
    ----------
    of_stops, of_passes : float
        Share of the stops, and of the passes, that have no label at their age.
    """
    line = gate_line(RECORDS, target=TARGET, alpha=ALPHA, look_every=LOOK_EVERY)

    def lot(size: int) -> Flips:
        shape = (size, RECORDS)
        stops = rng.random(shape) < rate
        labelled = rng.random(shape) >= np.where(stops, of_stops, of_passes)
        ours = decided_among(stops, labelled | stops, line)
        return _flips(ours), _flips(decided_among(stops, labelled, line))

    return _in_lots(worlds, RECORDS, lot)


def searched(rng: np.random.Generator, worlds: int, *, candidates: int, incidents: int, naive_looks: bool) -> Flips:
    """The best of many candidates, all as bad as the target; naive: searched and judged on the same incidents.

    Parameters
    ----------
    naive_looks : bool
        The naive judge is our sequential gate; otherwise the exact test, run once at the end.
    """
    cut = first_of_gate(incidents)
    ours_line = gate_line(incidents - cut, target=TARGET, alpha=ALPHA, look_every=LOOK_EVERY)
    if naive_looks:
        naive_line = gate_line(incidents, target=TARGET, alpha=ALPHA, look_every=LOOK_EVERY)
    else:
        naive_line = fixed_sample_line(incidents, target=TARGET, level=ALPHA, look_every=incidents)

    def lot(size: int) -> Flips:
        stops = rng.random((size, candidates, incidents), dtype=np.float32) < TARGET
        rows = np.arange(size)
        best = stops[rows, stops[:, :, :cut].sum(axis=2).argmin(axis=1), cut:]
        best_of_all = stops[rows, stops.sum(axis=2).argmin(axis=1)]
        return _flips(decided_after(best, ours_line)), _flips(decided_after(best_of_all, naive_line))

    return _in_lots(worlds, candidates * incidents, lot)


def first_of_gate(incidents: int) -> int:
    """Place of the first incident that judges, as `estimation.split` cuts."""
    starts = pd.date_range("2025-01-01", periods=incidents, freq="h", tz="UTC")
    votes = pd.DataFrame({"incident_id": np.arange(incidents), "run_started_at": starts})
    return split_in_time(votes).search_incidents


def versions(rng: np.random.Generator, worlds: int, *, count: int, incidents: int) -> Flips:
    """Version after version of a condition, each as bad as the target; naive: every version at the full level."""
    prices = [version_price(number) for number in range(1, count + 1)]
    lines = [gate_line(incidents, target=TARGET, alpha=ALPHA / price, look_every=LOOK_EVERY) for price in prices]
    full = gate_line(incidents, target=TARGET, alpha=ALPHA, look_every=LOOK_EVERY)

    def lot(size: int) -> Flips:
        stops = rng.random((size, count, incidents), dtype=np.float32) < TARGET
        ours = [decided_after(stops[:, at], line) != NEVER for at, line in enumerate(lines)]
        naive = [decided_after(stops[:, at], full) != NEVER for at in range(count)]
        return int(np.any(ours, axis=0).sum()), int(np.any(naive, axis=0).sum())

    return _in_lots(worlds, count * incidents, lot)


def together(rng: np.random.Generator, worlds: int, *, rates: Sequence[float], alike: bool, incidents: int) -> Flips:
    """Several conditions tested together; naive: each at the full level.

    Parameters
    ----------
    rates : sequence of float
        True rate of each condition; those below the target are right, and their passing is no wrong flip.
    alike : bool
        An incident that is hard for one condition is hard for all: nine of ten verdicts go by one hidden number.
    """
    true = np.asarray(rates, dtype=np.float32)
    wrong = true >= TARGET
    full = gate_line(incidents, target=TARGET, alpha=ALPHA, look_every=LOOK_EVERY)

    def lot(size: int) -> Flips:
        shape = (size, len(true), incidents)
        hidden = rng.random(shape, dtype=np.float32)
        if alike:
            shared = rng.random((size, 1, incidents), dtype=np.float32)
            hidden = np.where(rng.random(shape, dtype=np.float32) < 0.9, shared, hidden)
        stops = hidden < true[:, None]
        ours = decided_by_holm(stops, target=TARGET, look_every=LOOK_EVERY)[:, wrong].any(axis=1)
        naive = [decided_after(stops[:, at], full) != NEVER for at in np.flatnonzero(wrong)]
        return int(ours.sum()), int(np.any(naive, axis=0).sum())

    return _in_lots(worlds, len(true) * incidents, lot)


def outages(rng: np.random.Generator, worlds: int, *, single: int, outages: int, size: int) -> Flips:
    """Outages of one verdict each among single incidents; ours: first votes of target-days; naive: each incident."""
    days = single + outages
    by_day = gate_line(days, target=TARGET, alpha=ALPHA, look_every=LOOK_EVERY)
    by_incident = gate_line(single + outages * size, target=TARGET, alpha=ALPHA, look_every=LOOK_EVERY)
    sizes = np.repeat([1, size], [single, outages])

    def lot(lots: int) -> Flips:
        stops = rng.random((lots, days)) < TARGET
        order = rng.permuted(np.broadcast_to(sizes, (lots, days)), axis=1)
        each = np.repeat(stops.ravel(), order.ravel()).reshape(lots, -1)
        return _flips(decided_after(stops, by_day)), _flips(decided_after(each, by_incident))

    return _in_lots(worlds, single + outages * size, lot)


def _flips(decided: Counts) -> int:
    return int((decided != NEVER).sum())


def _in_lots(worlds: int, votes_of_each: int, lot: Callable[[int], Flips]) -> Flips:
    """Play the worlds lot by lot and add up."""
    found = [lot(size) for size in _lots(worlds, max(1, LOT_VOTES // votes_of_each))]
    return sum(ours for ours, _ in found), sum(naive for _, naive in found)


def _lots(worlds: int, at_once: int) -> Iterator[int]:
    for begin in range(0, worlds, at_once):
        yield min(at_once, worlds - begin)
