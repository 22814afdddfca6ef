"""False stops as a result: how often each condition would stop a run that does good."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import pandas as pd

from kubernaut_simulator.estimation.clustering import Clustering
from kubernaut_simulator.estimation.false_stops import FalseStops, false_stops, false_stops_table
from kubernaut_simulator.estimation.votes import NotInGate, Votes
from kubernaut_simulator.results.base import COLOURS, CONDITION, Result, counts_of
from kubernaut_simulator.results.wording import grouped, how_many, short_names, shown_name

TARGET = 0.15
"""Guide 7.1: false positives below 15 %."""


def _why_target_days(spread: Clustering) -> str:
    if spread.design_effect is not None:
        return f"design effect {spread.design_effect:.2f}, upper 95 % {spread.design_effect_upper:.2f}"
    return (
        f"design effect unknown, for all {spread.n} votes agree or are of one target-day; "
        f"at worst {spread.worst_design_effect:.2f}"
    )


@dataclass(frozen=True, eq=False, repr=False)
class FalseStopsResult(Result):
    """False stops of every condition of a replay.

    Attributes
    ----------
    votes : Votes
    window : str
    not_replayable : mapping
        Condition to reason to count.
    target : float
        Drawn into the chart.
    """

    votes: Votes
    window: str
    not_replayable: Mapping[str, Mapping[str, int]]
    target: float = TARGET

    @cached_property
    def conditions(self) -> Sequence[FalseStops]:
        """The estimates, one per condition; candidates after the current policy."""
        return false_stops(self.votes.data)

    @cached_property
    def rates(self) -> pd.DataFrame:
        """Every rate in every unit with k, n, limits and method, one per row."""
        return false_stops_table(list(self.conditions))

    @cached_property
    def data(self) -> pd.DataFrame:
        """One row per condition; see `rates` for every denominator with its limits."""
        return pd.DataFrame([self._row(one) for one in self.conditions])

    def _row(self, one: FalseStops) -> dict[str, Any]:
        shown = one.shown
        stops = shown.stop_given_good
        name = self._name(one)
        return {
            CONDITION: name,
            "incidents": one.votes,
            "unit": one.unit.value,
            **counts_of("P(stop|G)", stops),
            "upper 95 %": stops.upper if stops.n else None,
            "Korn-Graubard lower": None if one.korn_graubard is None else one.korn_graubard.lower,
            "Korn-Graubard upper": None if one.korn_graubard is None else one.korn_graubard.upper,
            **counts_of("P(F|G)", shown.failed_given_good),
            **counts_of("P(E|G)", shown.error_given_good),
            **counts_of("P(G|F)", shown.good_given_failed),
            **counts_of("P(F and G)", shown.failed_and_good),
            **counts_of("any run", one.any_run),
            "target-days": one.clustering.clusters,
            "design effect": one.clustering.design_effect,
            "design effect upper": one.clustering.design_effect_upper,
            "without outcome": sum(one.without_outcome.values()),
            "not replayable": sum(self.not_replayable.get(name, {}).values()),
        }

    @property
    def columns(self) -> Sequence[str]:
        """The rate that the gate bounds, and what is not in it."""
        return [CONDITION, "incidents", "unit", "P(stop|G)", "without outcome", "not replayable"]

    @property
    def shares(self) -> Collection[str]:
        """The bounds."""
        return ["upper 95 %", "Korn-Graubard lower", "Korn-Graubard upper"]

    @property
    def counted(self) -> Collection[str]:
        """The rates."""
        return ["P(stop|G)", "P(F|G)", "P(E|G)", "P(G|F)", "P(F and G)", "any run"]

    @property
    def title(self) -> str:
        """What this is."""
        return "False stops: would a condition have stopped a run that did good?"

    @property
    def summary(self) -> Mapping[str, str]:
        """Window, votes and how they were counted."""
        return {
            "window": self.window,
            "counted": "one vote per incident, its first run; F = Failed, E = Error, a stop is either; G = did good",
            "limits": "Clopper-Pearson, one-sided 95 %; Korn-Graubard (target-days), two-sided 95 %, from 60 "
            "incidents; chart: Wilson, two-sided 95 %",
        }

    @property
    def notes(self) -> Sequence[str]:
        """What was not counted and why."""
        return grouped(self._said(), conditions=[self._name(one) for one in self.conditions])

    def _said(self) -> Iterator[tuple[str, str]]:
        for one in self.conditions:
            parts = [f"{count:,} {why}" for why, count in one.without_outcome.items()]
            if one.censored:
                parts.append(f"{one.censored:,} censored")
            if parts:
                yield self._name(one), f"in no rate: {', '.join(parts)}"
        for one in self.conditions:
            for why, count in self.not_replayable.get(self._name(one), {}).items():
                yield self._name(one), f"{how_many(count, 'evaluation')} not replayable: {why}"
        for one in self.conditions:
            if dependent := one.not_in_gate.get(NotInGate.NOT_INDEPENDENT.value, 0):
                yield (
                    self._name(one),
                    f"{dependent:,} labels are not independent of its facts: shown, but they make nothing required",
                )
        for one in self.conditions:
            if one.shown is one.per_target_day:
                yield self._name(one), f"votes per target-day are shown ({_why_target_days(one.clustering)})"

    def _name(self, one: FalseStops) -> str:
        return shown_name(one.condition, candidate=one.candidate)

    def plot(self) -> Any:
        """Give a chart of P(stop|G) with its Wilson interval and the target."""
        import plotly.graph_objects as go  # noqa: PLC0415 - 0.3 s that only a chart needs

        with_good = [one for one in self.conditions if one.rates.stop_given_good.n]
        names = short_names(self._name(one) for one in with_good)
        values = [one.rates.stop_given_good.estimate or 0.0 for one in with_good]
        figure = go.Figure(
            go.Scatter(
                x=values,
                y=[f"{names[self._name(one)]} (n={one.rates.stop_given_good.n})" for one in with_good],
                mode="markers",
                marker={"size": 9, "color": COLOURS[0]},
                error_x={
                    "type": "data",
                    "symmetric": False,
                    "array": [one.wilson.upper - x for one, x in zip(with_good, values, strict=True)],
                    "arrayminus": [x - one.wilson.lower for one, x in zip(with_good, values, strict=True)],
                },
                name="P(stop|G), Wilson 95 %",
            )
        )
        figure.add_vline(
            x=self.target,
            line_dash="dash",
            annotation_text=f"target {self.target * 100:g} %",
            annotation_position="top",
        )
        return figure.update_layout(
            title=self.title,
            xaxis={
                "title": "share of good incidents stopped (bars: Wilson, two-sided 95 %)",
                "tickformat": ".0%",
                "rangemode": "tozero",
            },
            yaxis={"autorange": "reversed"},
            height=140 + 34 * len(with_good),
        )
