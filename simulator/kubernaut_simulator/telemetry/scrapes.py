"""What exporters showed at an instant: samples sorted by scrape, with what is gone left out.

All samples of one scrape carry one instant, and every exporter (job and instance) has scrapes of its own. A series that
is not in its exporter's newest scrape is gone, whether or not Prometheus marked it stale; this is also what takes a
label that changed its value, such as the reason of a condition, for one thing and not for two. An exporter that missed
scrapes which others had is gone as well; without a scrape young enough nothing was seen.
"""

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property
from itertools import pairwise
from statistics import median
from typing import NamedTuple, TypeAlias

from kubernaut.facts.snapshot import Unobserved, UnobservedReason
from kubernaut_simulator.telemetry.server import Series

MAX_AGE = timedelta(minutes=2)
"""How old a scrape may be that stands for an instant: two or more of the usual intervals, and below Prometheus' five
minutes, in which much happens."""

USUAL_INTERVAL_S = 30.0
"""Taken where an exporter has a single scrape."""

_LATE = 1.5
"""An exporter that is so many intervals behind another one has gone."""

_EXPORTED = "exported_"
"""Prometheus renames an exporter's label so when the target has one of the same name (`honor_labels: false`)."""

_OF_TARGETS = frozenset({"job", "instance"})
_Exporter: TypeAlias = tuple[str, str]


class Sample(NamedTuple):
    """One sample; labels are the exporter's own."""

    labels: Mapping[str, str]
    value: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Scrape:
    """What was to be seen at an instant.

    Attributes
    ----------
    seen_at : datetime
        The oldest of the scrapes it is put together from: facts hold for this instant.
    by_metric : mapping of str to sequence of Sample
    """

    seen_at: datetime
    by_metric: Mapping[str, Sequence[Sample]] = field(repr=False)
    _indices: dict[tuple[str, ...], dict[tuple[str, ...], list[Sample]]] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )

    def by(self, metric: str, *labels: str) -> Mapping[tuple[str, ...], list[Sample]]:
        """Give the samples of a metric by the values of some labels; a missing label counts as empty."""
        key = (metric, *labels)
        if key not in self._indices:
            index: dict[tuple[str, ...], list[Sample]] = {}
            for sample in self.by_metric.get(metric, ()):
                index.setdefault(tuple(sample.labels.get(name, "") for name in labels), []).append(sample)
            self._indices[key] = index
        return self._indices[key]

    def of(self, metric: str, **labels: str) -> list[Sample]:
        """Give the samples of a metric that have these labels; one given as empty must be missing or empty."""
        return self.by(metric, *labels).get(tuple(labels.values()), [])


def own_labels(labels: Mapping[str, str]) -> dict[str, str]:
    """Give the labels as the exporter wrote them, without those of the target."""
    renamed = {name.removeprefix(_EXPORTED): value for name, value in labels.items() if name.startswith(_EXPORTED)}
    return {
        **{name: value for name, value in labels.items() if name not in _OF_TARGETS and not name.startswith(_EXPORTED)},
        **renamed,
    }


class Scrapes:
    """The scrapes of a window.

    Parameters
    ----------
    series : iterable of Series
        Raw samples of exporters that set no times of their own.
    """

    def __init__(self, series: Iterable[Series]) -> None:
        self._series: dict[_Exporter, list[tuple[Series, dict[str, str]]]] = {}
        times: dict[_Exporter, set[float]] = {}
        for one in series:
            exporter = one.labels.get("job", ""), one.labels.get("instance", "")
            self._series.setdefault(exporter, []).append((one, own_labels(one.labels)))
            times.setdefault(exporter, set()).update(one.times_s)
        self._times = {exporter: sorted(found) for exporter, found in times.items()}

    @cached_property
    def instants_s(self) -> list[float]:
        """The instants of all scrapes, in order."""
        return sorted({at for times in self._times.values() for at in times})

    @cached_property
    def interval_s(self) -> float | None:
        """The usual time between two scrapes of an exporter; None without any two."""
        gaps = [gap for times in self._times.values() for gap in _gaps(times)]
        return median(gaps) if gaps else None

    def at(self, instant: datetime, *, namespace: str, max_age: timedelta = MAX_AGE) -> Scrape | Unobserved:
        """Give what was to be seen at an instant; stale when no scrape is young enough.

        Parameters
        ----------
        namespace : str
            The one that matters: when the exporters that told of it are gone, nothing was seen of it.
        """
        at_s = instant.timestamp()
        newest = {exporter: found for exporter, times in self._times.items() if (found := _newest(times, at_s))}
        if not newest:
            return Unobserved(UnobservedReason.STALE, f"no scrape in the time before {_told(instant)}")
        latest_s = max(newest.values())
        if at_s - latest_s > max_age.total_seconds():
            told = _told(datetime.fromtimestamp(latest_s, UTC))
            age_s = at_s - latest_s
            return Unobserved(
                UnobservedReason.STALE, f"the newest scrape, of {told}, is {age_s:.0f} s older than {_told(instant)}"
            )
        there = {
            exporter: seen_s
            for exporter, seen_s in newest.items()
            if latest_s - seen_s <= _LATE * self._interval_of(exporter)
        }
        tell = {exporter for exporter in newest if self._tells_of(exporter, namespace)}
        if tell and not tell & there.keys():
            return Unobserved(UnobservedReason.STALE, f"what exported namespace {namespace} was not scraped any more")
        merged: dict[tuple[str, tuple[tuple[str, str], ...]], tuple[float, Sample]] = {}
        for exporter, seen_s in there.items():
            for one, labels in self._series[exporter]:
                place = bisect_right(one.times_s, seen_s) - 1
                if place < 0 or one.times_s[place] != seen_s:
                    continue
                key = (one.metric, tuple(sorted(labels.items())))
                if key not in merged or merged[key][0] < seen_s:
                    merged[key] = (seen_s, Sample(labels, one.values[place]))
        by_metric: dict[str, list[Sample]] = {}
        for (metric, _), (_, sample) in sorted(merged.items(), key=lambda item: item[0]):
            by_metric.setdefault(metric, []).append(sample)
        return Scrape(seen_at=datetime.fromtimestamp(min(there.values()), UTC), by_metric=by_metric)

    def _tells_of(self, exporter: _Exporter, namespace: str) -> bool:
        return any(labels.get("namespace") == namespace for _, labels in self._series[exporter])

    def _interval_of(self, exporter: _Exporter) -> float:
        gaps = _gaps(self._times[exporter])
        return median(gaps) if gaps else self.interval_s or USUAL_INTERVAL_S


def _newest(times: Sequence[float], at_s: float) -> float | None:
    place = bisect_right(times, at_s) - 1
    return times[place] if place >= 0 else None


def _gaps(times: Sequence[float]) -> list[float]:
    return [after - before for before, after in pairwise(times)]


def _told(instant: datetime) -> str:
    return instant.astimezone(UTC).isoformat(timespec="seconds")
