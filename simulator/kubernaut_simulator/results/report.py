"""One self-contained page about a history: what a reliability engineer sends to who decides.

Plain words first, then the decision table, a card per condition, suites, rollout, effect, and how all of it was
counted. The page is static: no script at all, charts are SVG with their numbers in tables, so it works offline, in a
mail, on paper and with a screen reader, and nothing that a cluster wrote can run. What it says is in `report_contents`
and `report_words`; here it is only laid out. All text from a cluster is escaped by the template.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import pandas as pd
from markupsafe import Markup, escape

from kubernaut import __version__
from kubernaut.policy.wording import clean_message
from kubernaut_simulator.progress import Progress, silent
from kubernaut_simulator.replay.workers import workers_or
from kubernaut_simulator.results.base import MISSING
from kubernaut_simulator.results.picture_colours import CHART_STYLE
from kubernaut_simulator.results.report_cards import cards
from kubernaut_simulator.results.report_contents import NotAnswered, gather
from kubernaut_simulator.results.report_tables import Charts, Part, page_text, table_of
from kubernaut_simulator.results.report_words import decision_cells, findings, next_steps, sentences
from kubernaut_simulator.results.wording import short_names
from kubernaut_simulator.rollout.plan import SIMULATED

if TYPE_CHECKING:
    from kubernaut.policy.batch import Evaluator
    from kubernaut_simulator.effect.returns import Costs
    from kubernaut_simulator.results.base import Result
    from kubernaut_simulator.results.report_contents import ReportContents
    from kubernaut_simulator.tuning.result import Tuning


PLAN_COLUMNS = ("percent", "shows", "days p10", "days p50", "days p90", "reached", "goes on", "undecided")
PLAN_SHARES = ("reached", "goes on", "undecided")
PLANNED_COLUMNS = ("condition", "false stops", "wrong go", "wrong stop", "reaches the last stage")
EFFECT_COLUMNS = (
    "outcome", "unit", "enrolled", "not enrolled", "difference", "lower 95 %", "upper 95 %", "n enrolled",
    "n not enrolled", "says",
)  # fmt: skip

FRONT_ROWS = 10
"""Suites of the front that the page shows; `kubernaut suite` gives all."""


def report_page(
    tuning: Tuning,
    *,
    costs: Costs | None = None,
    rollouts: int = SIMULATED,
    seed: int = 0,
    evaluator: Evaluator | None = None,
    progress: Progress = silent,
) -> str:
    """Ask everything else of a tuning's history and give the page; see `report_contents.gather`.

    Parameters
    ----------
    tuning : Tuning
    costs : Costs or None
        Of a return on investment; None says nothing of money.
    rollouts, seed : int
        Rollouts that the plan simulates, and what their chance begins with.
    evaluator : Evaluator or None
        None starts worker processes for this page.
    progress : Progress

    Returns
    -------
    str
        HTML, some hundred KB.

    Raises
    ------
    HistoryError
        The tuning's history stayed in its files.
    EvaluatorError
        The evaluator cannot be started.
    """
    with workers_or(evaluator) as by:
        contents = gather(tuning, evaluator=by, costs=costs, rollouts=rollouts, seed=seed, progress=progress)
    return laid_out(contents)


def laid_out(contents: ReportContents) -> str:
    """Give the page of what was gathered."""
    from jinja2 import Environment, PackageLoader, StrictUndefined  # noqa: PLC0415 - only a report needs it

    environment = Environment(
        finalize=page_text,
        loader=PackageLoader("kubernaut_simulator.results"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    charts, tuning = Charts(), contents.tuning
    names = short_names(str(one.condition) for one in tuning.decisions)
    all_cards = cards(contents, charts)
    environment.filters["coded"] = coded
    page: str = environment.get_template("report.html.j2").render(
        title=heading(tuning),
        window=tuning.replay.window,
        version=__version__,
        digest=tuning.history_digest,
        sentences=[*sentences(tuning), *findings(contents)],
        next_steps=next_steps(contents),
        decisions=[
            {"name": names[str(one.condition)], "anchor": card.anchor, **decision_cells(one)}
            for one, card in zip(tuning.decisions, all_cards, strict=True)
        ],
        tuning=tuning,
        notes_of_tuning=[clean_message(note, max_chars=1000) for note in tuning.notes],
        overview=_overview(charts, contents),
        cards=all_cards,
        suites=[_suite(charts, action, one) for action, one in contents.suites.items()],
        plan=_plan(charts, contents),
        status=_part(charts, contents.status),
        effect=_effect(charts, contents),
        replayed=_replayed(contents),
        chart_style=CHART_STYLE,
    )
    return page


def heading(tuning: Tuning) -> str:
    """Say in one line what the page is about and what came of it."""
    actions = sorted({one.condition.action for one in tuning.decisions})
    required = sum(one.after.required for one in tuning.decisions)
    about = actions[0] if len(actions) == 1 else f"{len(actions)} actions"
    return clean_message(f"{about}: {required} of {len(tuning.decisions)} conditions may be required")


def coded(text: str) -> Markup:
    """Give a sentence in which what stands between backticks is code."""
    parts = [escape(part) for part in page_text(text).split("`")]
    return Markup("").join(Markup("<code>{}</code>").format(part) if at % 2 else part for at, part in enumerate(parts))


def _overview(charts: Charts, contents: ReportContents) -> Sequence[tuple[str, Part]]:
    named = {
        f"Evidence that fewer than {contents.tuning.target * 100:g} % of good incidents are stopped": contents.tuning,
        contents.false_stops.title: contents.false_stops,
        contents.timeouts.title: contents.timeouts,
        contents.detection.title: contents.detection,
        contents.drift.title: contents.drift,
    }
    return [(title, charts.part(one)) for title, one in named.items()]


def _part(charts: Charts, result: Result | NotAnswered) -> Mapping[str, Any]:
    if isinstance(result, NotAnswered):
        return {"why_not": result.why}
    return {"why_not": "", "part": charts.part(result)}


def _suite(charts: Charts, action: str, found: Any) -> Mapping[str, Any]:
    if isinstance(found, NotAnswered):
        return {"action": action, "why_not": found.why}
    front = found.table().drop(columns=["chosen"])
    shown = front[found.data["chosen"].to_numpy() | (front.reset_index(drop=True).index < FRONT_ROWS)]
    return {
        "action": action,
        "why_not": "",
        "part": charts.part(found),
        "front": table_of(shown, caption=f"Suites of {action} that nothing beats", right=found.shares),
        "left_out": len(front) - len(shown),
        "worth": table_of(
            found.conditions.drop(columns="condition"),
            caption=f"What each condition of {action} is worth to the chosen suite",
        ),
        "redundant": [one.removeprefix(f"{action}/") for one in found.redundant],
    }


def _stages(table: pd.DataFrame) -> pd.DataFrame:
    shown = table[list(PLAN_COLUMNS)].rename(columns={"percent": "percent of incidents"})
    return shown.assign(
        **{name: [MISSING if pd.isna(one) else f"{one * 100:.0f} %" for one in shown[name]] for name in PLAN_SHARES}
    )


def _short(table: pd.DataFrame) -> pd.DataFrame:
    names = short_names(map(str, table["condition"]))
    return table.assign(condition=[names[str(one)] for one in table["condition"]])


def _plan(charts: Charts, contents: ReportContents) -> Mapping[str, Any]:
    plan = contents.plan
    if isinstance(plan, NotAnswered):
        return {"why_not": plan.why}
    return {
        "why_not": "",
        "part": charts.part(plan),
        "stages": table_of(_stages(plan.data), caption="The stages of the rollout", right=PLAN_SHARES),
        "conditions": table_of(
            _short(plan.condition_table[list(PLANNED_COLUMNS)]), caption="Chances of each condition of the rollout"
        ),
    }


def _effect(charts: Charts, contents: ReportContents) -> Mapping[str, Any]:
    effect = contents.effect
    if isinstance(effect, NotAnswered):
        return {"why_not": effect.why}
    return {
        "why_not": "",
        "compared": any(one.difference.enough for one in effect.effects),
        "part": charts.part(effect, columns=EFFECT_COLUMNS),
        "gates": effect.gates,
        "accounts": table_of(_short(effect.accounts.per_condition), caption="What each condition would have stopped"),
        "of_required": bool(contents.required),
    }


def _replayed(contents: ReportContents) -> Sequence[tuple[str, str]]:
    """Say what was read, judged again, and left out."""
    replayed, tuning = contents.tuning.replay, contents.tuning
    not_replayable = [
        f"{condition}: {count:,} {why}"
        for condition, reasons in replayed.not_replayable.items()
        for why, count in reasons.items()
    ]
    outcomes = [
        f"{one.condition}: {count:,} {why}"
        for one in contents.false_stops.conditions
        for why, count in one.without_outcome.items()
    ]
    return [
        *((name, clean_message(value, max_chars=1000)) for name, value in contents.history.summary.items()),
        *((name, clean_message(value)) for name, value in replayed.summary.items() if name != "window"),
        ("not replayable, why", "; ".join(not_replayable) or "nothing"),
        ("votes without outcome", "; ".join(outcomes) or "none"),
        ("split", tuning.split.text()),
        ("kubernaut", __version__),
        ("policies", "; ".join(_policies(contents)) or MISSING),
    ]


def _policies(contents: ReportContents) -> Sequence[str]:
    names = short_names(str(one.condition) for one in contents.tuning.decisions)
    return [
        f"{names.get(str(condition), str(condition))} {policy.digest[:12]}"
        for level in contents.tuning.after.values()
        for condition, policy in sorted(level.policies.items())
    ]
