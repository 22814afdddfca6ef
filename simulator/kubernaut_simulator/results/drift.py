"""Drift as a result: what changed within the window, when, and what it was before and after."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from kubernaut_simulator.estimation.change_points import MINIMUM_DAYS, PERMUTATIONS
from kubernaut_simulator.estimation.drift import DRIFT_ALPHA, Drift, Measure, Period, Quantile, comparable, drift
from kubernaut_simulator.estimation.rates import percent
from kubernaut_simulator.estimation.votes import Votes
from kubernaut_simulator.results.base import COLOURS, CONDITION, DASHES, Result
from kubernaut_simulator.results.wording import grouped, how_many, short_names, shown_name

DRAWN_AT_MOST = 4
"""Lines of one measure in a chart where nothing was flagged: more cannot be told apart."""


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class DriftResult(Result):
    """Drift of every condition of a replay.

    Attributes
    ----------
    votes : Votes
    window : str
    not_replayable : mapping
        Condition to reason to count.
    alpha : float
        Chance that anything is flagged in a window in which nothing changed.
    """

    votes: Votes
    window: str
    not_replayable: Mapping[str, Mapping[str, int]]
    alpha: float = DRIFT_ALPHA

    @cached_property
    def conditions(self) -> Sequence[Drift]:
        """The answers, one per condition and measure."""
        return drift(self.votes.data, alpha=self.alpha)

    @property
    def flagged(self) -> Sequence[Drift]:
        """Those that changed."""
        return [one for one in self.conditions if one.flagged]

    @cached_property
    def since(self) -> pd.Timestamp | None:
        """Instant from which nothing flagged has changed any more; None where nothing is flagged."""
        return max((one.changed_at for one in self.flagged if one.changed_at is not None), default=None)

    @cached_property
    def data(self) -> pd.DataFrame:
        """One row per condition and measure; columns of time in seconds, empty unless flagged."""
        return pd.DataFrame([self._row(one) for one in self.conditions])

    def _row(self, one: Drift) -> dict[str, Any]:
        row: dict[str, Any] = {
            CONDITION: self._name(one),
            "measure": one.measure.value,
            "good n": one.n,
            "days": one.days,
            "p": np.nan if one.p_value is None else one.p_value,
            "adjusted p": np.nan if one.p_adjusted is None else one.p_adjusted,
            "flagged": one.flagged,
            "changed at": one.changed_at,
            "earliest": one.earliest,
            "latest": one.latest,
            "answer": answer(one),
        }
        for side, period in (("before", one.before), ("after", one.after)):
            row |= _figures(side, period)
        return row | {
            "not compared": one.not_compared,
            "versions": one.versions,
            "not replayable": sum(self.not_replayable.get(self._name(one), {}).values()),
        }

    @property
    def columns(self) -> Sequence[str]:
        """The answer and what it rests on."""
        return [CONDITION, "measure", "good n", "days", "adjusted p", "answer"]

    @property
    def shares(self) -> Collection[str]:
        """The bounds of the false stops."""
        return [f"{side} stops {limit} 95 %" for side in ("before", "after") for limit in ("lower", "upper")]

    @property
    def title(self) -> str:
        """What this is."""
        return "Drift: did false stops or time to pass change within the window?"

    @property
    def summary(self) -> Mapping[str, str]:
        """Window and method."""
        return {
            "window": self.window,
            "counted": "good incidents that were left to themselves, with a label independent of the condition",
            "method": f"largest difference over all cuts between days, against {PERMUTATIONS:,} random orders of the "
            f"days; at most {self.alpha * 100:g} % chance that anything is flagged where nothing changed (Holm)",
            "limits": "of a share: Clopper-Pearson, one-sided 95 %; of the day and of quantiles: two-sided 95 %",
        }

    @property
    def notes(self) -> Sequence[str]:
        """What was flagged and what that means, then what could not be asked."""
        notes = self.warnings()
        if notes:
            notes.append("before and after meet where they differ most, so their difference is overstated a little")
        return [*notes, *grouped(self._said(), conditions=list(dict.fromkeys(map(self._name, self.conditions))))]

    def warnings(self) -> list[str]:
        """Sentences for whoever learns from this window; empty where nothing is flagged."""
        if self.since is None:
            return []
        said = [
            f"{self._name(one)}: {one.measure.value} changed about {one.changed_at:%Y-%m-%d} "
            f"(between {one.earliest:%Y-%m-%d} and {one.latest:%Y-%m-%d}): {_difference(one)}; "
            "what was learned before does not hold after it"
            for one in self.flagged
        ]
        return [*said, f"to learn from the time after the change alone: --since {self.since:%Y-%m-%dT%H:%M:%SZ}"]

    def _said(self) -> Iterator[tuple[str, str]]:
        for one in self.conditions:
            if one.why_not:
                yield self._name(one), f"{one.measure.value}: {one.why_not}"
        for one in self.conditions:
            if one.measure is Measure.FALSE_STOPS and one.versions > 1:
                yield (
                    self._name(one),
                    f"{one.versions} versions (policy, numbers, timeout, holdFor) judged within the window: "
                    "a change may be theirs",
                )
        for one in self.conditions:
            for why, count in self.not_replayable.get(self._name(one), {}).items():
                if one.measure is Measure.FALSE_STOPS:
                    yield self._name(one), f"{how_many(count, 'evaluation')} not replayable: {why}"

    def _name(self, one: Drift) -> str:
        return shown_name(one.condition, candidate=one.candidate)

    def plot(self, condition: str | None = None) -> Any:
        """Give time to pass of good runs, and false stops, over the window, with the days on which they changed.

        Parameters
        ----------
        condition : str or None
            One condition only; None draws what changed, or where nothing did, of each measure the few whose days differ
            most (least p).
        """
        from plotly.subplots import make_subplots  # noqa: PLC0415 - 0.3 s that only a chart needs

        asked = [one for one in self.conditions if not one.why_not and condition in (None, self._name(one))]
        drawn = [one for one in asked if one.flagged] or _most_different(asked)
        names = short_names(self._name(one) for one in drawn)
        measures = [one for one in reversed(Measure) if any(own.measure is one for own in drawn)] or [
            Measure.FALSE_STOPS
        ]
        figure = make_subplots(rows=len(measures), cols=1, shared_xaxes=True, vertical_spacing=0.1)
        for one in drawn:
            row = measures.index(one.measure) + 1
            votes = comparable(self.votes.of(one.condition, candidate=one.candidate), one.measure)
            starts, values = _over_time(votes, one.measure)
            place = list(names).index(self._name(one))
            figure.add_scatter(
                x=starts,
                y=values,
                mode="lines+markers",
                name=f"{names[self._name(one)]}: {one.measure.value} (n={one.n})",
                line={"color": COLOURS[place % len(COLOURS)], "dash": DASHES[place // len(COLOURS) % len(DASHES)]},
                row=row,
                col=1,
            )
            if one.changed_at is not None:
                figure.add_vline(x=one.changed_at.isoformat(), line={"dash": "dash", "width": 1}, row=row, col=1)
        for row, measure in enumerate(measures, start=1):
            figure.update_yaxes(_AXES[measure], row=row, col=1)
        told = "vertical: a change that was flagged"
        if len(drawn) < len(asked) and not any(one.flagged for one in drawn):
            told = f"nothing was flagged; drawn are the {len(drawn)} of {len(asked)} series that differ most"
        figure.update_xaxes(title_text=f"start of the run ({told})", row=len(measures), col=1)
        return figure.update_layout(title=self.title, height=120 + 300 * len(measures))


_AXES: Mapping[Measure, Mapping[str, Any]] = {
    Measure.TIME_TO_PASS: {"title": "median seconds to pass", "rangemode": "tozero"},
    Measure.FALSE_STOPS: {"title": "share of good runs stopped", "tickformat": ".0%", "rangemode": "tozero"},
}


def _most_different(asked: Sequence[Drift]) -> list[Drift]:
    """Give of each measure the few whose days differ most, in the order in which they came."""
    ranked = sorted(asked, key=lambda one: np.inf if one.p_value is None else one.p_value)
    most = [id(one) for measure in Measure for one in [own for own in ranked if own.measure is measure][:DRAWN_AT_MOST]]
    return [one for one in asked if id(one) in most]


def answer(one: Drift) -> str:
    """Say in a few words what is known of one measure."""
    if one.why_not:
        return one.why_not
    if one.changed_at is None:
        return "no change shown"
    return f"changed about {one.changed_at:%Y-%m-%d}: {_difference(one)}"


def _difference(one: Drift) -> str:
    before, after = one.before, one.after
    if before is None or after is None:
        return "not known"
    if one.measure is Measure.FALSE_STOPS or before.p50 is None or after.p50 is None:
        return f"{_share(before)} before, {_share(after)} after"
    return f"median {_seconds(before.p50)} before, {_seconds(after.p50)} after (n {before.n} and {after.n})"


def _share(period: Period) -> str:
    stops = period.stops
    return f"{stops.k}/{stops.n} ({percent(stops.lower)} to {percent(stops.upper)})"


def _seconds(quantile: Quantile) -> str:
    def one(value: float | None) -> str:
        return "not reached" if value is None else f"{value:.3g}s"

    return f"{one(quantile.value_s)} ({one(quantile.lower_s)} to {one(quantile.upper_s)})"


def _figures(side: str, period: Period | None) -> dict[str, Any]:
    found: dict[str, Any] = {
        f"{side} n": None if period is None else period.n,
        f"{side} days": None if period is None else period.days,
        f"{side} stops k": None if period is None else period.stops.k,
        f"{side} stops n": None if period is None else period.stops.n,
        f"{side} stops lower 95 %": None if period is None else period.stops.lower,
        f"{side} stops upper 95 %": None if period is None else period.stops.upper,
    }
    for name in ("p50", "p95"):
        quantile: Quantile | None = None if period is None else getattr(period, name)
        found |= {
            f"{side} {name} s": None if quantile is None else quantile.value_s,
            f"{side} {name} lower s": None if quantile is None else quantile.lower_s,
            f"{side} {name} upper s": None if quantile is None else quantile.upper_s,
        }
    return found


def _over_time(votes: pd.DataFrame, measure: Measure) -> tuple[Sequence[Any], Sequence[float]]:
    """Lay out the medians or shares of spans of a week, or of a tenth of the window where it is shorter than that."""
    started = votes["run_started_at"]
    span = max(started.max() - started.min(), pd.Timedelta(hours=1))
    step = min(pd.Timedelta(days=7), span / MINIMUM_DAYS)
    place = ((started - started.min()) // step).to_numpy()
    value = votes["stop"].astype(float) if measure is Measure.FALSE_STOPS else votes["time_to_pass_s"]
    summed = value.groupby(place)
    found = summed.mean() if measure is Measure.FALSE_STOPS else summed.median()
    return [started.min() + step * int(at) for at in found.index], found.tolist()
