"""Agreement of rebuilt facts with recorded ones, as a result."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import pandas as pd

from kubernaut.facts.rebuilding import rebuilding_of
from kubernaut_simulator.estimation.rates import rate
from kubernaut_simulator.results.base import COLOURS, Result, counts_of
from kubernaut_simulator.telemetry.agreement import Agreements


@dataclass(frozen=True, eq=False, repr=False)
class TelemetryAgreement(Result):
    """How often each rebuilt fact is what a live look recorded.

    Attributes
    ----------
    agreements : Agreements
    """

    agreements: Agreements

    @property
    def title(self) -> str:
        """What this is."""
        return f"Rebuilt facts against {self.agreements.looks:,} recorded looks of {self.agreements.runs:,} runs"

    @property
    def summary(self) -> Mapping[str, str]:
        """Totals, and when a fact agrees."""
        found = self.agreements.by_fact.values()
        agree, differ = sum(one.agree for one in found), sum(one.differ for one in found)
        return {
            "agreement": rate(agree, agree + differ).text(),
            "agrees": "when the scrape before the look, or the one after it, tells the recorded value",
        }

    @cached_property
    def data(self) -> pd.DataFrame:
        """One row per fact that was recorded and can be rebuilt."""
        return pd.DataFrame(
            [
                {
                    "fact": name,
                    **counts_of("agrees", rate(one.agree, one.agree + one.differ)),
                    "differs": one.differ,
                    "unobserved": one.unobserved,
                    "loss": rebuilding_of((name,)).loss or None,
                }
                for name, one in sorted(self.agreements.by_fact.items())
            ],
            columns=["fact", "agrees", "agrees k", "agrees n", "differs", "unobserved", "loss"],
        )

    @property
    def counted(self) -> Collection[str]:
        """Columns that say k of n in words."""
        return ("agrees",)

    @property
    def notes(self) -> Sequence[str]:
        """Examples of differences, and facts that no series tells."""
        notes = [
            f"{name}: {example}" for name, one in sorted(self.agreements.by_fact.items()) for example in one.examples
        ]
        missing = ", ".join(f"{name} ({count:,})" for name, count in sorted(self.agreements.not_rebuilt.items()))
        return [*notes, f"recorded, but rebuilt from no series: {missing}"] if missing else notes

    def plot(self) -> Any:
        """Give a bar a fact: looks that agree, differ, or could not be rebuilt."""
        import plotly.graph_objects as go  # noqa: PLC0415 - 0.3 s that only a chart needs

        found = sorted(self.agreements.by_fact.items())
        names = [name for name, _ in found]
        figure = go.Figure(
            [
                go.Bar(
                    y=names, x=[getattr(one, kind) for _, one in found], name=word, orientation="h", marker_color=colour
                )
                for kind, word, colour in (
                    ("agree", "agrees", COLOURS[2]),
                    ("differ", "differs", COLOURS[1]),
                    ("unobserved", "unobserved", COLOURS[7]),
                )
            ]
        )
        return figure.update_layout(
            barmode="stack",
            title=self.title,
            xaxis_title="looks",
            yaxis={"autorange": "reversed", "type": "category"},
            height=160 + 26 * len(names),
        )
