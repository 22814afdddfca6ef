"""One record judged again as a result: in a notebook what `kubernaut explain` is on the command line."""

from __future__ import annotations

import html
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import pandas as pd

from kubernaut.verdicts import Attempt
from kubernaut_simulator.replay.explaining import Explanation
from kubernaut_simulator.results.base import COLOURS, CONDITION, Result
from kubernaut_simulator.results.explanation_pages import explanation_document, explanation_text


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class Explained(Result):
    """What one record came to, and why.

    Attributes
    ----------
    explanations : sequence of Explanation
        One; two where the conditions replayed name a challenger too.
    """

    explanations: Sequence[Explanation]

    @cached_property
    def documents(self) -> Sequence[dict[str, Any]]:
        """The same as JSON-ready documents, as `kubernaut explain -o json` prints them."""
        return [explanation_document(one) for one in self.explanations]

    @cached_property
    def data(self) -> pd.DataFrame:
        """One row per look.

        Columns: `condition`, `slot`, `at s` (seconds from the evaluation's start), `recorded`, `now` (Passed, Failed or
        Error), `counted` (not after the verdict, nor beyond the deadline), `message`.
        """
        rows = [
            {
                CONDITION: document["condition"],
                "slot": look["slot"],
                "at s": look["offsetSeconds"],
                "recorded": look["recorded"],
                "now": look["now"],
                "counted": look["counted"],
                "message": look["message"],
            }
            for document in self.documents
            for look in document["looks"]
        ]
        return pd.DataFrame(rows, columns=[CONDITION, "slot", "at s", "recorded", "now", "counted", "message"])

    @property
    def title(self) -> str:
        """Which condition of which target, and its verdict."""
        return "; ".join(f"{one['condition']} on {one['target']}: {one['now']['verdict']}" for one in self.documents)

    def text(self, *, wide: bool = False) -> str:
        """Give it as `kubernaut explain` prints it; `wide` changes nothing."""
        del wide
        return "\n\n".join(explanation_text(one) for one in self.documents) + "\n"

    def html(self, *, max_rows: int | None = None, wide: bool = True) -> str:
        """Give the same text as static HTML."""
        del max_rows, wide
        return f"<pre style='font-family:monospace'>{html.escape(self.text())}</pre>"

    def plot(self) -> Any:
        """Give a chart of what each look said, over time."""
        import plotly.graph_objects as go  # noqa: PLC0415 - 0.3 s that only a chart needs

        order = [one.value for one in Attempt if (self.data["now"] == one.value).any()]
        figure = go.Figure()
        for place, (name, looks) in enumerate(self.data.groupby(CONDITION, sort=False)):
            figure.add_scatter(
                x=looks["at s"],
                y=[order.index(value) for value in looks["now"]],
                mode="lines+markers",
                line={"shape": "hv", "color": COLOURS[place % len(COLOURS)]},
                name=str(name),
            )
        return figure.update_layout(
            title=self.title,
            xaxis={"title": "seconds from the start of the evaluation", "rangemode": "tozero"},
            yaxis={"tickvals": list(range(len(order))), "ticktext": order},
            height=160 + 30 * len(order),
        )
