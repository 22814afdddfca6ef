"""One self-contained page about a tuning: summary in plain words, decision table, charts, methods and limits.

Everything is static but the charts, whose script is in the page once, so it works offline. The numbers stand in tables
beside every chart; all text from a cluster is escaped by the template.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kubernaut import __version__
from kubernaut.durations import format_duration
from kubernaut.identity import Phase
from kubernaut_simulator.estimation.rates import percent
from kubernaut_simulator.results.base import MISSING, html_table
from kubernaut_simulator.results.wording import short_names

if TYPE_CHECKING:
    from kubernaut_simulator.results.base import Result
    from kubernaut_simulator.tuning.result import ConditionDecision, Tuning


INK = "#808890"
"""Of the charts' words and lines: read on light and on dark paper alike."""

_AXIS = {
    "gridcolor": "rgba(128,136,144,.25)",
    "zerolinecolor": "rgba(128,136,144,.45)",
    "automargin": True,
    "ticks": "outside",
    "ticklen": 8,
    "tickcolor": "rgba(0,0,0,0)",
}


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
    false_stops = tuning.replay.false_stops(target=tuning.target)
    timeouts = tuning.replay.timeouts(share=tuning.share)
    names = short_names(str(one.condition) for one in tuning.decisions)
    page: str = template.render(
        tuning=tuning,
        sentences=sentences(tuning),
        decisions=[_decision(one, names[str(one.condition)]) for one in tuning.decisions],
        evidence=_section(tuning),
        sections=[_section(one) for one in (false_stops, timeouts)],
        rates=html_table(false_stops.rates.drop(columns=["enough"])),
        recommendations=html_table(timeouts.table(wide=True), right=timeouts.shares),
        script=get_plotlyjs(),
        version=__version__,
    )
    return page


def _decision(one: ConditionDecision, name: str) -> dict[str, object]:
    stops = None if one.gate is None else one.gate.stops
    return {
        "condition": name,
        "stops": MISSING if stops is None or not stops.n else f"{stops.k}/{stops.n}",
        "upper": MISSING if stops is None or not stops.n else percent(stops.upper),
        "timeout": one.timeout_text if one.condition.phase is Phase.POST else format_duration(one.after.timeout_s),
        "flag": one.flag,
        "kind": "required" if one.after.required else "back" if one.set_back else "warn",
        "why": one.why,
    }


def sentences(tuning: Tuning) -> list[str]:
    """Say in plain words what the tuning came to."""
    required = [one for one in tuning.decisions if one.after.required]
    waiting = [one for one in tuning.decisions if not one.after.required]
    short = [one for one in waiting if one.gate is None or not one.gate.stops.enough]
    if required:
        found = [
            f"{len(required)} of {_conditions(len(tuning.decisions))} may be made required. Each stops fewer than "
            f"{tuning.target * 100:g} % of the remediations that do good; the chance that this is wrong for any of "
            f"them is at most {tuning.alpha * 100:g} %.",
            f"Together, enforced on every incident, they would have stopped {tuning.together.text()} of the good "
            "incidents that judged.",
        ]
    else:
        found = [
            f"None of {_conditions(len(tuning.decisions))} may be made required yet: that one stops fewer than "
            f"{tuning.target * 100:g} % of the remediations that do good has been shown for none."
        ]
    if back := [one for one in tuning.decisions if one.set_back]:
        found.append(
            f"Set back to warn mode: {_conditions(len(back))} that may block runs now, without the test showing that "
            "they may. Read why before you apply."
        )
    if short:
        found.append(f"Not enough data yet for {_conditions(len(short))}: in warn mode, and recorded on.")
    if shown := len(waiting) - len(short):
        found.append(
            f"Enough data, but not shown, for {_conditions(shown)}: in warn mode. The table says how many good "
            "remediations each would have stopped."
        )
    if moved := sum(one.after.timeout_s != one.before.timeout_s for one in tuning.decisions):
        found.append(f"New timeouts for {_conditions(moved)}: when {tuning.share * 100:g} % of good runs have passed.")
    return found


def _conditions(number: int) -> str:
    return f"{number} condition{'' if number == 1 else 's'}"


def _section(result: Result) -> dict[str, object]:
    figure = result.plot()
    figure.update_layout(
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        font={"color": INK},
        title=None,
        margin={"l": 20, "r": 20, "t": 40, "b": 40},
        legend={"orientation": "h", "y": -0.2, "yanchor": "top"},
    )
    figure.update_xaxes(**_AXIS)
    figure.update_yaxes(**_AXIS)
    figure.update_shapes(line_color=INK)
    return {
        "title": result.title,
        "summary": result.summary,
        "table": html_table(result.table(), right=result.shares),
        "notes": result.notes,
        "chart": figure.to_html(
            full_html=False,
            include_plotlyjs=False,
            div_id=type(result).__name__,
            config={"displayModeBar": False, "responsive": True},
        ),
    }
