"""Timeouts as a result: how long the postconditions of good runs take to pass."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from typing import Any

import pandas as pd

from kubernaut.durations import format_duration
from kubernaut.identity import ConditionId, Phase
from kubernaut.verdicts import Verdict
from kubernaut_simulator.estimation.observed_terms import ObservedTerms, observed_terms
from kubernaut_simulator.estimation.survival import PassCurve, kaplan_meier, pass_times
from kubernaut_simulator.estimation.timeouts import (
    TimeoutRecommendation,
    WaitingCost,
    cost_of_waiting,
    good_and_other,
    recommend_timeout,
)
from kubernaut_simulator.estimation.votes import Votes
from kubernaut_simulator.results.base import COLOURS, CONDITION, Result
from kubernaut_simulator.results.wording import grouped, how_many, short_names, shown_name


@dataclass(frozen=True, slots=True, kw_only=True)
class ConditionTimeout:
    """What one postcondition's history says of its timeout.

    Attributes
    ----------
    condition : str
    candidate : bool
    timeouts_s : tuple of float
        The timeouts that the runs were observed under, ascending.
    recommendation : TimeoutRecommendation
    curve : PassCurve
        Of good runs.
    waiting : WaitingCost or None
        Of the other runs under the recommended timeout; None without one.
    errors : int
        Good runs that ended in Error: they say nothing of time.
    """

    condition: str
    candidate: bool
    timeouts_s: tuple[float, ...]
    recommendation: TimeoutRecommendation
    curve: PassCurve
    waiting: WaitingCost | None
    errors: int


class Population(StrEnum):
    """Whose times to pass are shown. Only the good choose a timeout; all runs are for looking at."""

    GOOD = "good"
    ALL = "all"


def timed_votes(votes: pd.DataFrame, population: Population) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Give the votes whose times choose a timeout, and those that only wait for it."""
    return good_and_other(votes) if population is Population.GOOD else (votes, votes.iloc[:0])


def condition_timeout(
    votes: pd.DataFrame, *, share: float, population: Population = Population.GOOD
) -> ConditionTimeout:
    """Estimate one postcondition's timeout from its votes, which must be of one condition.

    Parameters
    ----------
    share : float
        Of the runs that shall pass within the timeout.
    population : Population
        `ALL` takes every run, with or without outcome; a timeout made of it waits for runs that did no good too.
    """
    good, other = timed_votes(votes, population)
    times = pass_times(good)
    hold_for_s = float(votes["hold_for_s"].max()) if len(votes) else 0.0
    recommendation = recommend_timeout(times, hold_for_s=hold_for_s, share=share)
    waiting = None
    if recommendation.timeout_s is not None:
        waiting = cost_of_waiting(pass_times(other), timeout_s=recommendation.timeout_s)
    return ConditionTimeout(
        condition=str(votes["condition"].iloc[0]),
        candidate=bool(votes["candidate"].iloc[0]),
        timeouts_s=tuple(sorted({float(value) for value in votes["timeout_s"].dropna()})),
        recommendation=recommendation,
        curve=kaplan_meier(times.time_s, times.censored),
        waiting=waiting,
        errors=int((good["verdict"] == Verdict.ERROR.value).sum()),
    )


@dataclass(frozen=True, eq=False, repr=False)
class TimeoutsResult(Result):
    """Timeouts of every postcondition of a replay.

    Attributes
    ----------
    votes : Votes
    window : str
    not_replayable : mapping
        Condition to reason to count.
    share : float
        Of the runs that shall pass within the timeout.
    population : Population
    """

    votes: Votes
    window: str
    not_replayable: Mapping[str, Mapping[str, int]]
    share: float
    population: Population = Population.GOOD

    @cached_property
    def conditions(self) -> Sequence[ConditionTimeout]:
        """The estimates, one per postcondition."""
        groups = self.votes.data.groupby(["condition", "candidate"], observed=True, sort=True)
        return [
            condition_timeout(part, share=self.share, population=self.population)
            for (name, _), part in groups
            if ConditionId.parse(str(name)).phase is Phase.POST
        ]

    @cached_property
    def terms(self) -> Mapping[str, Sequence[ObservedTerms]]:
        """Shown name of each postcondition whose runs were watched on different terms, to its groups of runs."""
        found = {}
        for one in self.conditions:
            votes = self.votes.of(one.condition, candidate=one.candidate)
            groups = observed_terms(timed_votes(votes, self.population)[0])
            if len(groups) > 1:
                found[self._name(one)] = groups
        return found

    @cached_property
    def data(self) -> pd.DataFrame:
        """One row per postcondition."""
        return pd.DataFrame([self._row(one) for one in self.conditions])

    def _row(self, one: ConditionTimeout) -> dict[str, Any]:
        found = one.recommendation
        text = found.text(good=self.population is Population.GOOD)
        name = self._name(one)
        return {
            CONDITION: name,
            f"{self.population.value} runs": found.n,
            "not passed": found.censored,
            "observed under": ", ".join(f"{value:g}s" for value in one.timeouts_s),
            "p50 s": found.p50_s,
            "p95 s": found.p95_s,
            "timeout s": found.timeout_s,
            "answer": text.split(" (", 1)[0],
            "recommendation": text,
            "others wait s": one.waiting.mean_s if one.waiting and one.waiting.n else None,
            "errors": one.errors,
            "not replayable": sum(self.not_replayable.get(name, {}).values()),
        }

    def _name(self, one: ConditionTimeout) -> str:
        return shown_name(one.condition, candidate=one.candidate)

    @property
    def columns(self) -> Sequence[str]:
        """The answer and what it rests on."""
        return [CONDITION, f"{self.population.value} runs", "not passed", "p50 s", "p95 s", "timeout s", "answer"]

    @property
    def title(self) -> str:
        """What this is."""
        return f"Timeouts: when have {self.share * 100:g} % of {self.population.value} runs passed?"

    @property
    def summary(self) -> Mapping[str, str]:
        """Window and method."""
        methods = sorted({one.recommendation.method for one in self.conditions})
        return {
            "window": self.window,
            "counted": f"{self.population.value} runs, one per incident; "
            "time from the action's end to the first look of the hold that passed",
            "method": "; ".join(methods) or "none",
        }

    @property
    def notes(self) -> Sequence[str]:
        """What is left out."""
        if not self.conditions:
            return ["no postcondition was replayed: there is nothing to time"]
        return grouped(self._said(), conditions=[self._name(one) for one in self.conditions])

    def _said(self) -> Iterator[tuple[str, str]]:
        runs = "good runs" if self.population is Population.GOOD else "runs"
        for one in self.conditions:
            if one.errors:
                ended = how_many(one.errors, runs.removesuffix("s"))
                yield self._name(one), f"not timed: {ended} that ended in Error"
        for one in self.conditions:
            groups = self.terms.get(self._name(one), ())
            for group in groups:
                yield self._name(one), f"watched with {group.text()}"
            yield from ((self._name(one), text) for text in _only_the_longest(one, groups, runs))
        for one in self.conditions:
            for why, count in self.not_replayable.get(self._name(one), {}).items():
                yield self._name(one), f"{how_many(count, 'evaluation')} not replayable: {why}"

    def plot(self) -> Any:
        """Give the share of runs passed over time, a step curve per condition with its lower limit.

        Runs that were watched on other terms than the rest have thin curves of their own beside the pooled one.
        """
        import plotly.graph_objects as go  # noqa: PLC0415 - 0.3 s that only a chart needs

        figure = go.Figure()
        drawn = [one for one in self.conditions if len(one.curve.time_s)]
        names = short_names(self._name(one) for one in drawn)
        longest_s = max((float(one.curve.time_s[-1]) for one in drawn), default=1.0)
        for place, one in enumerate(drawn):
            name = f"{names[self._name(one)]} (n={one.curve.n})"
            for values, dash in ((one.curve.passed, "solid"), (one.curve.lower, "dot")):
                figure.add_scatter(
                    # Curves go on to the end of the picture: nobody passed later.
                    x=[0.0, *one.curve.time_s, longest_s],
                    y=[0.0, *values, values[-1]],
                    mode="lines",
                    line={"shape": "hv", "dash": dash, "color": COLOURS[place % len(COLOURS)]},
                    name=name,
                    legendgroup=name,
                    showlegend=dash == "solid",
                )
            for group in self.terms.get(self._name(one), ()):
                if not len(group.curve.time_s):
                    continue
                figure.add_scatter(
                    # Up to the deadline and no further: what came after it nobody of this group saw.
                    x=[0.0, *group.curve.time_s, max(group.timeout_s, float(group.curve.time_s[-1]))],
                    y=[0.0, *group.curve.passed, group.curve.passed[-1]],
                    mode="lines",
                    line={"shape": "hv", "dash": "dash", "width": 1, "color": COLOURS[place % len(COLOURS)]},
                    name=f"{names[self._name(one)]}, {group.terms} (n={group.n})",
                    legendgroup=name,
                )
        figure.add_hline(
            y=self.share,
            line_dash="dash",
            annotation_text=f"{self.share * 100:g} %",
            annotation_position="bottom right",
        )
        return figure.update_layout(
            title=self.title,
            xaxis={"title": "seconds from the action's end", "rangemode": "tozero"},
            yaxis={
                "title": "share of runs passed (dotted: lower 95 %)",
                "tickformat": ".0%",
                "range": [0, 1.02],
            },
            height=480,
        )


def _only_the_longest(one: ConditionTimeout, groups: Sequence[ObservedTerms], runs: str) -> Iterator[str]:
    """Say how far the shorter deadlines carry, where there are several."""
    deadlines = sorted({group.timeout_s for group in groups})
    if len(deadlines) < 2:
        return
    longest, shorter = deadlines[-1], deadlines[-2]
    number = sum(group.n for group in groups if group.timeout_s == longest)
    found = one.recommendation.pass_by_s
    here = f", such as this one (pass by {found:.3g} s)" if found is not None and found > shorter else ""
    yield (
        f"what comes after {format_duration(shorter)} is seen only in the {number:,} {runs} with the longest timeout, "
        f"{format_duration(longest)}: they alone support a recommendation beyond it{here}"
    )
