"""One self-contained page about a tuning: summary in plain words, decision table, charts, methods and limits.

Everything is static but the charts, whose script is in the page once, so it works offline. The numbers stand in tables
beside every chart; all text from a cluster is escaped by the template.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kubernaut import __version__
from kubernaut_simulator.results.base import html_table

if TYPE_CHECKING:
    from kubernaut_simulator.results.base import Result
    from kubernaut_simulator.tuning.result import Tuning


def report_page(tuning: Tuning) -> str:
    """Give the page.

    Returns
    -------
    str
        HTML, about 5 MB with the charts' script.
    """
    from jinja2 import Environment, PackageLoader, StrictUndefined  # noqa: PLC0415 - only a report needs it
    from plotly.offline import get_plotlyjs  # noqa: PLC0415 - the same

    environment = Environment(
        loader=PackageLoader("kubernaut_simulator.results"), autoescape=True, undefined=StrictUndefined
    )
    template = environment.get_template("report.html.j2")
    false_stops, timeouts = tuning.replay.false_stops(), tuning.replay.timeouts(share=tuning.share)
    page: str = template.render(
        tuning=tuning,
        sentences=sentences(tuning),
        decisions=html_table(tuning.data),
        sections=[_section(one) for one in (tuning, false_stops, timeouts)],
        rates=html_table(false_stops.rates.drop(columns=["enough"])),
        script=get_plotlyjs(),
        version=__version__,
    )
    return page


def sentences(tuning: Tuning) -> list[str]:
    """Say in plain words what the tuning came to."""
    required = [one for one in tuning.decisions if one.after.required]
    waiting = [one for one in tuning.decisions if not one.after.required]
    short = [one for one in waiting if one.gate is None or not one.gate.stops.enough]
    found = [
        f"{len(required)} of {len(tuning.decisions)} conditions may be made required: with them, fewer than "
        f"{tuning.target:.0%} of the remediations that do good are stopped; the chance that this is wrong for any of "
        f"them is at most {tuning.alpha:.0%}."
    ]
    if short:
        found.append(f"For {len(short)} there is not enough data yet; they stay in warn mode and go on being recorded.")
    if len(waiting) > len(short):
        found.append(
            f"{len(waiting) - len(short)} have enough data and have not shown it; they stay in warn mode. "
            "The table says how many good remediations each would have stopped."
        )
    moved = [one for one in tuning.decisions if one.after.timeout_s != one.before.timeout_s]
    if moved:
        found.append(f"{len(moved)} timeouts change, each to when {tuning.share:.0%} of good runs have passed.")
    return found


def _section(result: Result) -> dict[str, object]:
    figure = result.plot()
    figure.update_layout(
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        font={"color": "#808890"},
        title=None,
        margin={"l": 20, "r": 20, "t": 30, "b": 40},
        legend={"orientation": "h", "y": -0.25},
        height=460,
    )
    figure.update_xaxes(gridcolor="rgba(128,136,144,.25)", automargin=True)
    figure.update_yaxes(gridcolor="rgba(128,136,144,.25)", automargin=True)
    return {
        "title": result.title,
        "summary": result.summary,
        "table": html_table(result.data),
        "notes": result.notes,
        "chart": figure.to_html(full_html=False, include_plotlyjs=False, config={"displaylogo": False}),
    }
