"""The operator's own figures as a result: failure rates, false stops, and time to pass between two bounds."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from kubernaut.durations import format_duration
from kubernaut_simulator.results.base import COLOURS, CONDITION, Result, counts_of
from kubernaut_simulator.results.wording import how_many, short_names
from kubernaut_simulator.telemetry.figures import ConditionFigures, Figures

SHARES = (0.5, 0.95)


@dataclass(frozen=True, eq=False, repr=False)
class TelemetryFigures(Result):
    """What the operator's counters and histograms say.

    Attributes
    ----------
    figures : Figures
    """

    figures_read: Figures

    @property
    def title(self) -> str:
        """What this is."""
        return "The operator's own figures: how often conditions failed, and when they passed"

    @property
    def summary(self) -> Mapping[str, str]:
        """Window and how it was counted."""
        one = self.figures_read
        return {
            "window": f"{one.start:%Y-%m-%d %H:%M} to {one.end:%Y-%m-%d %H:%M} UTC, "
            f"step {format_duration(one.step.total_seconds())}",
            "counted": "runs, not incidents: metrics do not tell which runs belong together",
            "limits": "Clopper-Pearson, one-sided 95 %; times by Turnbull between the ends of buckets",
        }

    @property
    def notes(self) -> Sequence[str]:
        """What the numbers cannot say."""
        one = self.figures_read
        notes = ["times are those of all runs, good ones or not: a timeout is chosen from history, not from these"]
        if one.resets:
            notes.append(
                f"{how_many(one.resets, 'reset')} of counters: what grew within a step before each is not counted"
            )
        if one.born:
            appeared = how_many(one.born, "process", "processes")
            notes.append(f"{appeared} appeared inside the window: counted from zero")
        notes += [
            f"{row.condition}: {row.not_timed:,} runs failed after a time that no condition set names"
            for row in one.conditions
            if row.not_timed
        ]
        return notes

    @cached_property
    def data(self) -> pd.DataFrame:
        """One row per condition."""
        return pd.DataFrame([_row(one) for one in self.figures_read.conditions])

    @property
    def columns(self) -> Sequence[str]:
        """The rates and the times."""
        return [CONDITION, "evaluations", "failed", "errors", "stopped good runs", "p50", "p95", "not passed"]

    @property
    def counted(self) -> Collection[str]:
        """Columns that say k of n in words."""
        return ("failed", "stopped good runs")

    @property
    def _timed(self) -> list[ConditionFigures]:
        return [one for one in self.figures_read.conditions if one.curve is not None and one.curve.n]

    def plot(self) -> Any:
        """Give the share passed over time: the band between what must and what may have passed by then."""
        import plotly.graph_objects as go  # noqa: PLC0415 - 0.3 s that only a chart needs

        figure = go.Figure()
        names = short_names(str(one.condition) for one in self._timed)
        for place, one in enumerate(self._timed):
            curve = one.curve
            if curve is None:
                continue
            finite = np.isfinite(curve.upper_s)
            passed = curve.passed[finite]
            colour = COLOURS[place % len(COLOURS)]
            name = f"{names[str(one.condition)]} (n={curve.n:.0f})"
            for times, dash in ((curve.upper_s[finite], "solid"), (curve.lower_s[finite], "dot")):
                figure.add_scatter(
                    x=[0.0, *times],
                    y=[0.0, *passed],
                    mode="lines",
                    line={"shape": "hv", "dash": dash, "color": colour},
                    name=name,
                    legendgroup=name,
                    showlegend=dash == "solid",
                )
        return figure.update_layout(
            title="Time to pass, from the operator's histograms",
            xaxis={"title": "seconds from the action's end", "rangemode": "tozero"},
            yaxis={"title": "share passed (dotted: the earliest)", "tickformat": ".0%", "range": [0, 1.02]},
            height=480,
        )


def _row(one: ConditionFigures) -> dict[str, Any]:
    row: dict[str, Any] = {
        CONDITION: str(one.condition),
        "evaluations": one.evaluations,
        **counts_of("failed", one.failed),
        "errors": one.errors,
        **counts_of("stopped good runs", one.false_stops),
    }
    curve = one.curve
    for share in SHARES:
        found = None if curve is None or not curve.n else curve.quantile(share)
        name = f"p{share * 100:g}"
        row[name] = None if curve is None or not curve.n else _between(found)
        row[f"{name} after s"], row[f"{name} by s"] = found or (math.nan, math.nan)
    row["not passed"] = None if curve is None else f"{curve.censored:.0f}"
    row["timeout s"] = one.timeout_s
    return row


def _between(found: tuple[float, float] | None) -> str:
    if found is None:
        return "not reached"
    return f"{found[0]:g} to {found[1]:g} s"
