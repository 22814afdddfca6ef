"""Detection as a result: what each condition is worth, beside how often it is wrong."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import pandas as pd

from kubernaut_simulator.estimation.detection import Detection, detection, detection_table
from kubernaut_simulator.estimation.rates import wilson
from kubernaut_simulator.replay.replay import Replay
from kubernaut_simulator.results.base import CONDITION, Result
from kubernaut_simulator.results.wording import short_names, shown_name


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class DetectionResult(Result):
    """Detection of every condition of a replay.

    Attributes
    ----------
    conditions : tuple of Detection
    window : str
    not_replayable : mapping
        Condition to reason to count.
    """

    conditions: tuple[Detection, ...]
    window: str
    not_replayable: Mapping[str, Mapping[str, int]]

    @cached_property
    def data(self) -> pd.DataFrame:
        """One row per condition; see `estimation.detection.detection_table`."""
        table = detection_table(self.conditions)
        if len(table):
            left = [sum(self.not_replayable.get(one.condition, {}).values()) for one in self.conditions]
            table.insert(len(table.columns) - 1, "not replayable", left)
        return table

    @property
    def columns(self) -> Sequence[str]:
        """What it catches, how often it is right, and how early."""
        return [CONDITION, "incidents", "unit", "fired", "P(F|B)", "lower 95 %", "P(B|F)", "before outcome s", "lead n"]

    @property
    def shares(self) -> Collection[str]:
        """The bounds."""
        return ["lower 95 %", "upper 95 %"]

    @property
    def counted(self) -> Collection[str]:
        """The rates."""
        return ["P(F|B)", "P(stop|B)", "P(B|F)"]

    @property
    def title(self) -> str:
        """What this is."""
        return "Detection: does a condition fail where the run did no good?"

    @property
    def summary(self) -> Mapping[str, str]:
        """Window, and how it was counted."""
        return {
            "window": self.window,
            "counted": "one vote per incident, its first run; F = Failed, B = did no good, a stop is Failed or Error",
            "limits": "Clopper-Pearson, one-sided 95 %; of the median lead time: order statistics, two-sided 95 %",
        }

    @property
    def notes(self) -> Sequence[str]:
        """What is worth nothing, and what is not known."""
        notes = [f"{one.condition}: {one.text()}" for one in self.conditions if not one.fired]
        notes += [
            f"{one.condition}: {one.before_outcome.unknown} failed votes without a known instant are in no lead time"
            for one in self.conditions
            if one.before_outcome.unknown
        ]
        return notes

    def plot(self) -> Any:
        """Give a chart of P(F|B) with its Wilson interval."""
        import plotly.graph_objects as go  # noqa: PLC0415 - 0.3 s that only a chart needs

        shown = [one.failed_given_bad for one in self.conditions if one.failed_given_bad.n]
        with_bad = [one for one in self.conditions if one.failed_given_bad.n]
        short = short_names(shown_name(one.condition, candidate=one.candidate) for one in with_bad)
        names = [f"{name} (n={one.failed_given_bad.n})" for name, one in zip(short.values(), with_bad, strict=True)]
        limits = [wilson(one.k, one.n) for one in shown]
        values = [one.k / one.n for one in shown]
        figure = go.Figure(
            go.Scatter(
                x=values,
                y=names,
                mode="markers",
                error_x={
                    "type": "data",
                    "symmetric": False,
                    "array": [limit.upper - x for limit, x in zip(limits, values, strict=True)],
                    "arrayminus": [x - limit.lower for limit, x in zip(limits, values, strict=True)],
                },
                name="P(F|B), Wilson 95 %",
            )
        )
        return figure.update_layout(
            title=self.title,
            xaxis={
                "title": "share of the incidents without good outcome that Failed (Wilson 95 %)",
                "tickformat": ".0%",
                "range": [0, 1],
            },
            yaxis={"autorange": "reversed"},
        )


def detection_of(replayed: Replay) -> DetectionResult:
    """Estimate what each condition of a replay detects."""
    found = detection(replayed.votes.data, replayed.evaluations.table, replayed.history.workflows)
    return DetectionResult(conditions=tuple(found), window=replayed.window, not_replayable=replayed.not_replayable)
