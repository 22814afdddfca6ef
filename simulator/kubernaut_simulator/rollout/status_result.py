"""A rollout's live state as a result: go, wait or stop, with the reason, for each stage under way and condition."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from typing import Any

import pandas as pd

from kubernaut_simulator.effect.gates import Answer, Gate
from kubernaut_simulator.estimation.rates import Rate, percent
from kubernaut_simulator.results.base import Result
from kubernaut_simulator.results.wording import how_many
from kubernaut_simulator.rollout.comparing import Comparison
from kubernaut_simulator.rollout.prediction_table import in_words, prediction_table


class Says(StrEnum):
    """What the rollout should do now."""

    GO = "go"
    WAIT = "wait"
    STOP = "stop"


@dataclass(frozen=True, slots=True, kw_only=True)
class ConditionStatus:
    """One condition in the stage under way.

    Attributes
    ----------
    condition : str
    block_rate : Rate
        Enforced incidents that it stopped, since it has been on these terms.
    predicted, limit : float or None
        Block rate as exported, and its upper limit; None when nothing was promised.
    budget_spent : bool
        The engine would have set it back to warn.
    false_stops : Rate
        P(stop|G) on the stage's holdout.
    target : float
    other_terms : int
        Votes under another policy, timeout or holdFor; not counted.
    comparisons : tuple of Comparison
        The export's predictions and the holdout since; empty where nothing was predicted, or it cannot be compared.
    not_compared : str
        Why a prediction was not compared; empty when it was, or there is none.
    says : Says
    why : str
    """

    condition: str
    block_rate: Rate
    predicted: float | None
    limit: float | None
    budget_spent: bool
    false_stops: Rate
    target: float
    other_terms: int
    comparisons: tuple[Comparison, ...] = ()
    not_compared: str = ""
    says: Says
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StageStatus:
    """The stage under way of one environment and action.

    Attributes
    ----------
    environment, action : str
    percent : float
        In force, 0..100.
    since : Timestamp
        Start of its first incident.
    days : float
        It has lasted.
    planned_days : tuple of float or None, or None
        p10, p50, p90 of the plan, each None where that part of it is undecided; None without a plan of this stage.
    incidents, enrolled : int
    conditions : tuple of ConditionStatus
    set_back : tuple of str
        Enforced in an earlier stage and not in this one.
    next_percent : float or None
        None in the last stage.
    gates : tuple of Gate
        The guide's, of this stage.
    says : Says
    why : str
    """

    environment: str
    action: str
    percent: float
    since: pd.Timestamp
    days: float
    planned_days: tuple[float | None, ...] | None
    incidents: int
    enrolled: int
    conditions: tuple[ConditionStatus, ...]
    set_back: tuple[str, ...]
    next_percent: float | None
    gates: tuple[Gate, ...] = ()
    says: Says
    why: str

    @property
    def name(self) -> str:
        """Environment and action; an environment without a label is left out."""
        return f"{self.environment}: {self.action}" if self.environment else self.action

    def text(self) -> str:
        """One line: stage, days against the plan, and what to do."""
        planned = ""
        if self.planned_days is not None:
            shown = ["undecided" if value is None else f"{value:.0f}" for value in self.planned_days]
            planned = f" (planned {shown[1]}, p10 {shown[0]}, p90 {shown[2]})"
        then = f" to {self.next_percent:g} %" if self.says is Says.GO and self.next_percent is not None else ""
        return (
            f"{self.says.value}{then}: {self.percent:g} % for {self.days:.1f} days{planned}, "
            f"{self.incidents} incidents, {self.enrolled} enrolled; {self.why}"
        )


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class RolloutStatus(Result):
    """All rollouts under way.

    Attributes
    ----------
    stages : tuple of StageStatus
    history_of_stages : DataFrame
        One row per environment, action and stage so far.
    gates : tuple of Gate
        The guide's (10.4), of every stage so far with enforcement.
    as_of : Timestamp
        The history's end.
    remarks : tuple of str
        What the plan was made from, and what is missing.
    """

    stages: tuple[StageStatus, ...]
    history_of_stages: pd.DataFrame
    as_of: pd.Timestamp
    gates: tuple[Gate, ...] = ()
    remarks: tuple[str, ...] = ()

    @property
    def says(self) -> Says:
        """The strictest answer of any stage."""
        answers = {one.says for one in self.stages}
        return next(one for one in (Says.STOP, Says.WAIT, Says.GO) if one in answers)

    @cached_property
    def data(self) -> pd.DataFrame:
        """One row per condition."""
        return pd.DataFrame(
            [
                {
                    "environment": stage.environment,
                    "condition": one.condition,
                    "percent": stage.percent,
                    "stopped": one.block_rate.text(),
                    "stopped lower 95 %": one.block_rate.lower if one.block_rate.n else None,
                    "stopped upper 95 %": one.block_rate.upper if one.block_rate.n else None,
                    "predicted": one.predicted,
                    "budget": one.limit,
                    "budget spent": one.budget_spent,
                    "false stops on holdout": one.false_stops.text(),
                    "target": one.target,
                    "says": one.says.value,
                    "why": one.why,
                }
                for stage in self.stages
                for one in stage.conditions
            ],
            columns=[
                "environment", "condition", "percent", "stopped", "stopped lower 95 %", "stopped upper 95 %",
                "predicted", "budget", "budget spent", "false stops on holdout", "target", "says", "why",
            ],
        )  # fmt: skip

    @cached_property
    def predictions(self) -> pd.DataFrame:
        """Prediction and fact, one row per condition and measure.

        Returns
        -------
        DataFrame
            `environment`, `condition`, `measure`, `predicted k`, `predicted n`, `predicted`, `predicted upper 95 %`,
            `since k`, `since n`, `since`, `since lower 95 %`, `since upper 95 %` (one-sided limits), `difference`,
            `difference lower`, `difference upper` (two-sided 95 %), `says`.
        """
        return prediction_table(
            (stage.environment, one.condition, found)
            for stage in self.stages
            for one in stage.conditions
            for found in one.comparisons
        )

    @cached_property
    def gate_table(self) -> pd.DataFrame:
        """The guide's gates (10.4), one row each: `stage`, `environment`, `percent`, `gate`, `answer`, `why`."""
        return pd.DataFrame(
            [
                (one.stage.value, one.environment, one.percent, one.name, one.answer.value, one.why)
                for one in self.gates
            ],
            columns=["stage", "environment", "percent", "gate", "answer", "why"],
        )

    @property
    def tables(self) -> Mapping[str, pd.DataFrame]:
        """Prediction and fact, and the gates of the guide."""
        found: dict[str, pd.DataFrame] = {}
        if len(self.predictions):
            found["Prediction and fact: the export, and the holdout since"] = in_words(self.predictions)
        if self.gates:
            found["Gates of the guide (10.4)"] = self.gate_table
        return found

    @property
    def shares(self) -> Collection[str]:
        """Rates, their promises and bounds."""
        return ["stopped lower 95 %", "stopped upper 95 %", "predicted", "budget", "target"]

    @property
    def title(self) -> str:
        """The answer."""
        return f"Rollout status: {self.says.value}"

    @property
    def summary(self) -> Mapping[str, str]:
        """Each stage under way in a line."""
        return {"history until": f"{self.as_of:%Y-%m-%d %H:%M} UTC"} | {one.name: one.text() for one in self.stages}

    @property
    def notes(self) -> Sequence[str]:
        """What is not counted, and what the plan rests on."""
        return [
            *(f"{name}: enforced before, not in this stage" for stage in self.stages for name in stage.set_back),
            *(
                f"{one.condition}: {one.other_terms} votes under another policy, timeout or holdFor are not counted"
                for stage in self.stages
                for one in stage.conditions
                if one.other_terms
            ),
            *(
                f"{one.condition}: prediction not compared: {one.not_compared}"
                for stage in self.stages
                for one in stage.conditions
                if one.not_compared
            ),
            *self._told_of_tables(),
            "stopped: enforced incidents by their first run, limits Clopper-Pearson, one-sided 95 %; only the block "
            "budget's sequential test sets a condition back",
            *self.remarks,
        ]

    def _told_of_tables(self) -> Iterator[str]:
        if len(self.predictions):
            yield (
                "prediction and fact: on incidents that nothing enrolled; limits one-sided 95 %, the difference's "
                "two-sided and for one look. `says` is a sequential test over all lines together: read every day, it "
                "calls right predictions wrong in at most 5 % of rollouts"
            )
        failed = [one for one in self.gates if one.answer is Answer.FAIL and not one.harm]
        if failed:
            yield (
                f"{how_many(len(failed), 'gate')} of the guide on what enforcement shall gain failed: "
                "this does not hold the rollout, but the gain that it was begun for is not there"
            )

    def plot(self) -> Any:
        """Give a chart of each condition's stops, with its limits, against what was promised."""
        import plotly.graph_objects as go  # noqa: PLC0415 - 0.3 s that only a chart needs

        shown = [one for stage in self.stages for one in stage.conditions if one.block_rate.n]
        names = [f"{one.condition} (n={one.block_rate.n})" for one in shown]
        seen = [one.block_rate.estimate or 0.0 for one in shown]
        figure = go.Figure(
            go.Scatter(
                x=seen,
                y=names,
                mode="markers",
                name="stopped, one-sided 95 % limits",
                error_x={
                    "type": "data",
                    "symmetric": False,
                    "array": [one.block_rate.upper - x for one, x in zip(shown, seen, strict=True)],
                    "arrayminus": [x - one.block_rate.lower for one, x in zip(shown, seen, strict=True)],
                },
            )
        )
        promised = [(one.limit, name) for one, name in zip(shown, names, strict=True) if one.limit is not None]
        figure.add_scatter(
            x=[limit for limit, _ in promised],
            y=[name for _, name in promised],
            mode="markers",
            marker={"symbol": "line-ns-open", "size": 16},
            name="promised at most",
            text=[percent(limit) for limit, _ in promised],
        )
        return figure.update_layout(
            title=self.title,
            xaxis={"title": "share of enforced incidents stopped", "tickformat": ".0%", "rangemode": "tozero"},
            yaxis={"autorange": "reversed"},
        )
