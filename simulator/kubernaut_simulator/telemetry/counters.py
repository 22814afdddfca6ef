"""How much counters grew: resets, births and several processes taken into account, in whole numbers.

PromQL's `increase` extrapolates to the edges of its window and misses the first value of a series, so that its answers
are no counts. Here a counter's values at even steps are followed: a value below the one before it is a reset and counts
from zero; a series that appears while its process was being scraped, or with a process that appears, counts from zero
too; one that was there when the window began counts from the value it had. What grew between the last step before a
reset and the reset is lost, so counts are lower limits where there were resets.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from kubernaut_simulator.telemetry.server import Series

Labels: TypeAlias = tuple[tuple[str, str], ...]
"""Names and values, sorted by name."""

_Process: TypeAlias = tuple[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Growth:
    """What counters grew by in a window.

    Attributes
    ----------
    by_labels : mapping of (str, Labels) to float
        By metric and the labels that were asked for, summed over processes.
    resets : int
        Restarts that were seen.
    born : int
        Processes that appeared inside the window, and were counted from zero.
    """

    by_labels: Mapping[tuple[str, Labels], float]
    resets: int = 0
    born: int = 0

    def of(self, metric: str, **labels: str) -> float:
        """Give the sum over all series of a metric that have these labels."""
        wanted = set(labels.items())
        return sum(value for (name, own), value in self.by_labels.items() if name == metric and wanted <= set(own))

    def labels_of(self, metric: str, *names: str) -> set[tuple[str, ...]]:
        """Give the values that some labels of a metric have."""
        return {
            tuple(dict(own).get(name, "") for name in names) for metric_, own in self.by_labels if metric_ == metric
        }


@dataclass(slots=True)
class _Window:
    began_s: float
    step_s: float
    first_s: dict[_Process, float] = field(default_factory=dict)


def growth(series: Iterable[Series], *, labels: Mapping[str, tuple[str, ...]], began_s: float, step_s: float) -> Growth:
    """Follow counters through a window.

    Parameters
    ----------
    series : iterable of Series
        Values at even steps; metrics that are not in `labels` only show which processes were there.
    labels : mapping of str to tuple of str
        The metrics that are counted, and the labels that tell their series apart.
    began_s, step_s : float, unit s
        First step, and the time between two.
    """
    found = list(series)
    window = _Window(began_s, step_s)
    for one in found:
        process = _process(one)
        if one.times_s:
            window.first_s[process] = min(window.first_s.get(process, one.times_s[0]), one.times_s[0])
    grown: defaultdict[tuple[str, Labels], float] = defaultdict(float)
    resets: set[tuple[_Process, float]] = set()
    for one in found:
        if one.metric not in labels or not one.times_s:
            continue
        own = tuple(sorted((name, one.labels.get(name, "")) for name in labels[one.metric]))
        key = (one.metric, own)
        before = one.values[0] if _was_there(one, window) else 0.0
        grown[key] += 0.0
        for at_s, value in zip(one.times_s, one.values, strict=True):
            if value < before:
                resets.add((_process(one), at_s))
                grown[key] += value
            else:
                grown[key] += value - before
            before = value
    born = sum(first_s > began_s + step_s for first_s in window.first_s.values())
    return Growth(by_labels=dict(grown), resets=len(resets), born=born)


def _was_there(one: Series, window: _Window) -> bool:
    """Say whether a series existed before the window, so that its first value is no growth."""
    first_s = one.times_s[0]
    process_first_s = window.first_s[_process(one)]
    return process_first_s <= window.began_s + window.step_s and first_s <= process_first_s


def _process(one: Series) -> _Process:
    return one.labels.get("job", ""), one.labels.get("pod", "") or one.labels.get("instance", "")
