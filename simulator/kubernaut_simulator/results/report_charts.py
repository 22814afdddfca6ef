"""Charts of one condition's card: its evidence over time, and how long good runs take until it passes.

The results' own charts show all conditions at once, which is too many lines to read one from. They are plotly figures
like those, drawn by `pictures`; their numbers come from the tuning and its replay.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from kubernaut_simulator.estimation.survival import pass_times
from kubernaut_simulator.estimation.timeouts import good_and_other
from kubernaut_simulator.results.base import COLOURS
from kubernaut_simulator.results.picture_colours import SOFT
from kubernaut_simulator.results.wording import how_many

if TYPE_CHECKING:
    from kubernaut_simulator.results.timeouts import ConditionTimeout
    from kubernaut_simulator.tuning.result import Tuning

TWIN_ROWS = 25
"""Rows of the table beside a line with many points: those that say most, and some between."""


def evidence_chart(tuning: Tuning, condition: str) -> Any:
    """Draw the evidence of one condition over time, with the line that it must cross, as the decision log does."""
    return tuning.decision_log().plot(condition).update_layout(height=260)


def evidence_twin(tuning: Tuning, condition: str) -> pd.DataFrame:
    """Give the numbers of that chart: every stop, the decision, the last, and some between."""
    log = tuning.decision_log().data
    looked = log[(log["condition"] == condition) & log["evidence"].notna()].reset_index(drop=True)
    told = (looked["good run"] == "stopped") | looked["decision"].str.startswith("decides")
    told.iloc[-1:] = True
    told |= looked.index % max(1, len(looked) // 10) == 0
    shown = looked[told].tail(TWIN_ROWS)
    return pd.DataFrame(
        {
            "outcome counted": shown["entered"].dt.strftime("%Y-%m-%d %H:%M"),
            "good run": shown["good run"],
            "stopped / good": [f"{k}/{n}" for k, n in zip(shown["k"], shown["n"], strict=True)],
            "evidence": shown["evidence"],
            "line to cross": shown["line"],
            "decision": shown["decision"],
        }
    )


def pass_chart(tuning: Tuning, one: ConditionTimeout) -> Any:
    """Draw the share of good runs passed over time, its lower limit, and where runs were no longer watched."""
    import plotly.graph_objects as go  # noqa: PLC0415 - 0.3 s that only a chart needs

    curve = one.curve
    votes = tuning.replay.votes.of(one.condition, candidate=one.candidate)
    times = pass_times(good_and_other(votes)[0])
    cut_s = np.unique(times.time_s[times.censored & np.isfinite(times.time_s)])
    last_s = float(max([*curve.time_s[-1:], *cut_s[-1:]], default=1.0))
    figure = go.Figure()
    for values, dash, name in ((curve.passed, "solid", "passed"), (curve.lower, "dot", "lower 95 %")):
        figure.add_scatter(
            x=[0.0, *curve.time_s, last_s],
            y=[0.0, *values, values[-1] if len(values) else 0.0],
            mode="lines",
            line={"shape": "hv", "dash": dash, "color": COLOURS[0]},
            name=name,
        )
    if len(cut_s):
        reached = np.concatenate([[0.0], curve.passed])[np.searchsorted(curve.time_s, cut_s, side="right")]
        figure.add_scatter(
            x=cut_s.tolist(),
            y=reached.tolist(),
            mode="markers",
            marker={"symbol": "line-ns", "size": 12, "color": COLOURS[1]},
            name=f"not passed when the watch ended ({how_many(curve.censored, 'run')})",
        )
    figure.add_hline(
        y=tuning.share,
        line_dash="dash",
        line_color=SOFT,
        annotation_text=f"{tuning.share * 100:g} %",
        annotation_position="top left",
    )
    return figure.update_layout(
        title=f"Time to pass of {one.condition}, good runs",
        xaxis={"title": f"seconds from the action's end (n = {how_many(curve.n, 'good run')})", "rangemode": "tozero"},
        yaxis={"title": "share passed", "tickformat": ".0%", "range": [0, 1.03]},
        height=280,
    )


def pass_twin(one: ConditionTimeout) -> pd.DataFrame:
    """Give the numbers of that chart, thinned where there are many times."""
    curve = one.curve
    table = pd.DataFrame(
        {
            "seconds": curve.time_s,
            "passed": [f"{value * 100:.1f} %" for value in curve.passed],
            "lower 95 %": [f"{value * 100:.1f} %" for value in curve.lower],
            "at risk": curve.at_risk,
        }
    )
    kept = np.unique(np.linspace(0, len(table) - 1, min(TWIN_ROWS, len(table))).round().astype(int))
    return table.iloc[kept] if len(table) else table
