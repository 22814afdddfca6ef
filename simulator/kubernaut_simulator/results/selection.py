"""Selection as a result: what can still be said of false stops once enforcement decides who gets a label."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from kubernaut.verdicts import Verdict
from kubernaut_simulator.estimation.rates import Rate
from kubernaut_simulator.estimation.selection import (
    Bounds,
    WeightedRate,
    holdout_rate,
    no_assumption_bounds,
    outcome_coverage,
    weighted_rate,
)
from kubernaut_simulator.estimation.votes import Votes
from kubernaut_simulator.results.base import COLOURS, CONDITION, Result, counts_of
from kubernaut_simulator.results.wording import grouped, how_many, short_names, shown_name


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ConditionSelection:
    """What enforcement has left to be seen of one condition.

    Attributes
    ----------
    condition : str
    candidate : bool
    votes, enrolled : int
        Incidents, and those that a required condition enrolled.
    holdout : Rate
        P(stop|G) among incidents that nothing enrolled: exact, the only one that the gate sees.
    weighted : WeightedRate
        For display.
    bounds : Bounds
    coverage : DataFrame
        Outcomes by verdict (`selection.outcome_coverage`).
    looser : int
        Incidents that it lets through and in which nothing ran, because what was enforced stopped them: a condition
        that is looser than the enforced ones cannot be scored on these.
    """

    condition: str
    candidate: bool
    votes: int
    enrolled: int
    holdout: Rate
    weighted: WeightedRate
    bounds: Bounds
    coverage: pd.DataFrame
    looser: int

    @property
    def passed_coverage(self) -> tuple[int, int]:
        """Of the incidents that it lets through: those with an outcome, and all."""
        row = self.coverage[self.coverage["verdict"] == Verdict.PASSED.value]
        return (int(row["with_outcome"].sum()), int(row["n"].sum()))

    @property
    def stop_coverage(self) -> tuple[int, int]:
        """Of the incidents that it would stop: those with an outcome, and all."""
        row = self.coverage[self.coverage["verdict"].isin([Verdict.FAILED.value, Verdict.ERROR.value])]
        return (int(row["with_outcome"].sum()), int(row["n"].sum()))


def condition_selection(votes: pd.DataFrame) -> ConditionSelection:
    """Look at the votes of one condition, which must all be of it."""
    unseen = (votes["no_outcome"].isin(["stopped", "never ran"])).to_numpy()
    passed = (votes["verdict"] == Verdict.PASSED.value).to_numpy()
    return ConditionSelection(
        condition=str(votes["condition"].iloc[0]),
        candidate=bool(votes["candidate"].iloc[0]),
        votes=len(votes),
        enrolled=int((~votes["holdout"]).sum()),
        holdout=holdout_rate(votes),
        weighted=weighted_rate(votes),
        bounds=no_assumption_bounds(votes),
        coverage=outcome_coverage(votes),
        looser=int((unseen & passed).sum()),
    )


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class SelectionResult(Result):
    """Every condition of a replay, after enforcement.

    Attributes
    ----------
    votes : Votes
    window : str
    not_replayable : mapping
        Condition to reason to count.
    """

    votes: Votes
    window: str
    not_replayable: Mapping[str, Mapping[str, int]]

    @cached_property
    def conditions(self) -> Sequence[ConditionSelection]:
        """The estimates, one per condition; challengers after the current policy."""
        groups = self.votes.data.groupby(["condition", "candidate"], observed=True, sort=True)
        return [condition_selection(part) for _, part in groups]

    @cached_property
    def coverage(self) -> pd.DataFrame:
        """Outcomes by condition and verdict: `condition`, `verdict`, `n`, `with_outcome`, `share`."""
        parts = [one.coverage.assign(**{CONDITION: self._name(one)}) for one in self.conditions]
        empty = pd.DataFrame(columns=["verdict", "n", "with_outcome", "share", CONDITION])
        table: pd.DataFrame = pd.concat(parts, ignore_index=True) if parts else empty
        return table[[CONDITION, "verdict", "n", "with_outcome", "share"]]

    @cached_property
    def data(self) -> pd.DataFrame:
        """One row per condition; shares 0..1, NaN without a good run, or where no stop was seen."""
        return pd.DataFrame([self._row(one) for one in self.conditions])

    def _row(self, one: ConditionSelection) -> dict[str, Any]:
        interval = one.weighted.interval
        passed, stopped = one.passed_coverage, one.stop_coverage
        return {
            CONDITION: self._name(one),
            "incidents": one.votes,
            "enrolled": one.enrolled,
            **counts_of("holdout P(stop|G)", one.holdout),
            "holdout upper 95 %": one.holdout.upper if one.holdout.n else None,
            # 0 because nothing was seen is not 0.
            "weighted": one.weighted.estimate or None,
            "weighted lower": None if interval is None else interval.lower,
            "weighted upper": None if interval is None else interval.upper,
            "effective n": one.weighted.effective_n,
            "largest weight": one.weighted.largest_weight,
            "at least": one.bounds.lower or None,
            "at most": one.bounds.upper or None,
            "no outcome or verdict": one.bounds.missing,
            "passed with outcome": f"{passed[0]}/{passed[1]}",
            "passed with outcome k": passed[0],
            "passed with outcome n": passed[1],
            "stopped with outcome": f"{stopped[0]}/{stopped[1]}",
            "stopped with outcome k": stopped[0],
            "stopped with outcome n": stopped[1],
            "not scorable": one.looser,
            "not replayable": sum(self.not_replayable.get(self._name(one), {}).values()),
        }

    @property
    def columns(self) -> Sequence[str]:
        """The exact rate, the weighted one for display, and where it can lie at all."""
        return [
            CONDITION, "enrolled", "holdout P(stop|G)", "weighted", "effective n", "at least", "at most",
            "stopped with outcome", "not scorable",
        ]  # fmt: skip

    @property
    def shares(self) -> Collection[str]:
        """Rates and limits."""
        return ["holdout upper 95 %", "weighted", "weighted lower", "weighted upper", "at least", "at most"]

    @property
    def counted(self) -> Collection[str]:
        """The exact rate, and the coverages."""
        return ["holdout P(stop|G)", "passed with outcome", "stopped with outcome"]

    @property
    def title(self) -> str:
        """What this is."""
        return "Selection: what do labels still say once enforcement decides who gets one?"

    @property
    def summary(self) -> Mapping[str, str]:
        """Window, and the three readings."""
        return {
            "window": self.window,
            "holdout": "incidents that no required condition enrolled, unweighted; Clopper-Pearson, one-sided 95 %; "
            "the only one that may decide, from 20 good ones",
            "weighted": "all labelled good runs, each by 1 / P(ran); two-sided 95 % on the effective n; for looking at",
            "at least, at most": "whatever the missing outcomes and verdicts were (no assumption)",
        }

    @property
    def notes(self) -> Sequence[str]:
        """What nothing can be said of."""
        notes = []
        if self.conditions and not any(one.enrolled for one in self.conditions):
            notes.append("nothing was enforced in this window: every incident is holdout, and the three readings agree")
        return [*notes, *grouped(self._said(), conditions=[self._name(one) for one in self.conditions])]

    def _said(self) -> Iterator[tuple[str, str]]:
        for one in self.conditions:
            known, stopped = one.stop_coverage
            if stopped and not known:
                yield (
                    self._name(one),
                    "none of its stops has an outcome: how many of them would have done good cannot be known, "
                    "and a looser version is not scorable where nothing ran",
                )
        for one in self.conditions:
            if one.looser:
                yield (
                    self._name(one),
                    f"not scorable where nothing ran: {one.looser:,} incidents that it lets through were stopped by "
                    "what was enforced",
                )
        for one in self.conditions:
            for why, count in self.not_replayable.get(self._name(one), {}).items():
                yield self._name(one), f"{how_many(count, 'evaluation')} not replayable: {why}"

    def _name(self, one: ConditionSelection) -> str:
        return shown_name(one.condition, candidate=one.candidate)

    def plot(self) -> Any:
        """Give the three readings of P(stop|G) side by side, each with its limits."""
        import plotly.graph_objects as go  # noqa: PLC0415 - 0.3 s that only a chart needs

        names = short_names(self._name(one) for one in self.conditions)
        readings: dict[str, list[tuple[str, float, float, float]]] = {
            "holdout": [],
            "weighted": [],
            "no assumption": [],
        }
        for one in self.conditions:
            name = f"{names[self._name(one)]} (n={one.holdout.n})"
            if one.holdout.estimate is not None:
                readings["holdout"].append((name, one.holdout.estimate, one.holdout.lower, one.holdout.upper))
            if one.weighted.estimate is not None and one.weighted.interval is not None:
                limits = one.weighted.interval
                readings["weighted"].append((name, one.weighted.estimate, limits.lower, limits.upper))
            middle = (one.bounds.lower + one.bounds.upper) / 2
            readings["no assumption"].append((name, middle, one.bounds.lower, one.bounds.upper))
        figure = go.Figure()
        for place, (reading, rows) in enumerate(readings.items()):
            value = np.array([row[1] for row in rows])
            figure.add_scatter(
                x=value.tolist(),
                y=[row[0] for row in rows],
                mode="markers",
                marker={"size": 8 - 2 * place, "color": COLOURS[place]},
                error_x={
                    "type": "data",
                    "symmetric": False,
                    "array": [row[3] - row[1] for row in rows],
                    "arrayminus": [row[1] - row[2] for row in rows],
                },
                name=reading,
            )
        return figure.update_layout(
            title=self.title,
            xaxis={"title": "share of good incidents stopped (n: good holdout)", "tickformat": ".0%", "range": [0, 1]},
            yaxis={"autorange": "reversed"},
            height=160 + 40 * len(self.conditions),
        )
