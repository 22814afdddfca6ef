"""Proof: in scenarios made to mislead, what must not be made required is not, and what changed is flagged.

Whole worlds, played by the engine, tuned and watched for drift as a real history would be; the truth of each run says
which conditions were wrong. The naive reading is the plain rate over all incidents, without margin and without Errors.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pandas as pd

from kubernaut.verdicts import Verdict
from kubernaut_simulator.calibration.claims import Claim, claim_over
from kubernaut_simulator.calibration.figures import exactly
from kubernaut_simulator.calibration.generated_worlds import generated
from kubernaut_simulator.calibration.proof import ProofResult, Size
from kubernaut_simulator.estimation.drift import drift
from kubernaut_simulator.estimation.votes import cast_votes
from kubernaut_simulator.results.base import COLOURS
from kubernaut_simulator.results.false_stops import TARGET
from kubernaut_simulator.tuning.tune import TuningTerms, tune
from kubernaut_simulator.worlds.generate import GeneratedWorld

BAD_POLICY = "scale_deployment/action/post/no_crashloop_pods"
"""The condition that `bad-policy` makes wrong on purpose."""

SEARCH_SHARE = 0.3
"""A world of a few hundred incidents gives the gate most of them, so that a wrong condition has its chance."""

CHANGE_DAY = 18.0
"""`drift` changes after eight weeks; here it is brought forward, so that a few hundred incidents span the change."""

NOTHING_CHANGES = "steady"


@dataclass(frozen=True, slots=True, kw_only=True)
class TunedWorld:
    """What tuning made of one world.

    Attributes
    ----------
    wrong : tuple of str
        Conditions whose true rate of stops among good runs, Errors included, is the target or more.
    by_errors : tuple of str
        Those of them whose Failed verdicts alone would be below it.
    required, naive : tuple of str
        Made required by tuning; and by the naive reading.
    """

    wrong: tuple[str, ...]
    by_errors: tuple[str, ...]
    required: tuple[str, ...]
    naive: tuple[str, ...]


def scenario_truths(size: Size, seed: int) -> ProofResult:
    """Try what is decided in misleading scenarios."""
    seeds, incidents = size.pick(full=(5, 300), reduced=(1, 30))
    rows = []
    for number in range(seeds):
        for scenario in ("bad-policy", "metrics-away"):
            world = generated(scenario, seed=seed % 1_000 + number, incidents=incidents)
            rows.append(_tuned_row(scenario, number, incidents, tuned(world)))
    drifting = size.pick(full=400, reduced=320)
    for number in range(seeds):
        for scenario in size.pick(full=("drift", NOTHING_CHANGES), reduced=("drift",)):
            at = CHANGE_DAY if scenario == "drift" else None
            world = generated(scenario, seed=seed % 1_000 + number, incidents=drifting, changes_after_days=at)
            rows.append(_drift_row(scenario, number, drifting, world))
    cells = pd.DataFrame(rows)
    return ProofResult(
        name="scenario-truths",
        heading="Scenarios made to mislead",
        question="Is a wrong condition ever made required, do Errors count, and is a change flagged?",
        method=(
            f"{seeds} worlds of each scenario with {incidents} incidents, played by the engine and tuned as a "
            f"history would be ({SEARCH_SHARE:.0%} of the incidents searched, the others judge). What is wrong is "
            f"read from the truth: a condition that stops {TARGET:.0%} or more of the runs that did good, Errors "
            f"included. In `drift` the change is brought forward to day {CHANGE_DAY:g}; the drift flag is also "
            "raised or not in `steady`, where nothing changes."
        ),
        claims=_claims(cells),
        cells=cells,
        meanings=MEANINGS,
        chart=_chart,
        size=size,
        seed=seed,
        naive=_naive_text(cells),
        shown_columns=[
            "scenario",
            "world",
            "incidents",
            "wrong",
            "wrong by Errors",
            "wrong and required",
            "right and required",
            "naive and wrong",
            "flagged",
            "day",
            "from",
            "to",
        ],
        limits=(
            "A few worlds each, because every one is played in full; the rates behind the decisions are tried on "
            "thousands of made-up worlds in the other proofs.",
        ),
    )


MEANINGS = {
    "scenario": "shipped scenario",
    "world": "number of the world",
    "incidents": "incidents",
    "wrong": f"conditions that truly stop {TARGET * 100:.0f} % or more of the good runs",
    "wrong by Errors": "those of them that would be right if Errors did not stop",
    "wrong and required": "wrong conditions that tuning makes required",
    "right and required": "right conditions that it makes required",
    "naive and wrong": "wrong conditions that the naive reading makes required",
    "made wrong": f"whether `{BAD_POLICY.rsplit('/', 1)[1]}` is among the wrong ones",
    "made wrong and required": "whether it is made required",
    "by Errors and required": "conditions wrong by Errors alone that are made required",
    "flagged": "conditions whose stops or time to pass are flagged as changed",
    "day": "day of the change, as flagged",
    "from": "earliest day of the change, as flagged",
    "to": "latest day of the change, as flagged",
}


def tuned(world: GeneratedWorld) -> TunedWorld:
    """Tune a world's history and hold the decisions against the truth."""
    result = tune(world.history(), terms=TuningTerms(search_share=SEARCH_SHARE))
    votes = result.replay.votes.data
    votes = votes[~votes["candidate"] & (votes["verdict"] != Verdict.CENSORED.value)]
    good = {row.workflow_uid for row in world.truth if row.good}
    truly = votes[votes["workflow_uid"].astype(str).isin(good)]
    stops = truly.groupby("condition", observed=True)["stop"].mean()
    failed = (truly["verdict"] == Verdict.FAILED.value).groupby(truly["condition"], observed=True).mean()
    plain = votes[votes["verdict"] != Verdict.ERROR.value]
    naive = (plain["verdict"] == Verdict.FAILED.value).groupby(plain["condition"], observed=True).mean()
    return TunedWorld(
        wrong=_names(stops[stops >= TARGET]),
        by_errors=_names(stops[(stops >= TARGET) & (failed < TARGET)]),
        required=tuple(str(one.condition) for one in result.decisions if one.after.required),
        naive=_names(naive[naive < TARGET]),
    )


def _names(series: pd.Series) -> tuple[str, ...]:
    return tuple(str(name) for name in series.index)


def _tuned_row(scenario: str, number: int, incidents: int, found: TunedWorld) -> dict[str, Any]:
    wrong, required = set(found.wrong), set(found.required)
    return {
        "scenario": scenario,
        "world": number,
        "incidents": incidents,
        "wrong": len(wrong),
        "wrong by Errors": len(found.by_errors),
        "wrong and required": len(wrong & required),
        "right and required": len(required - wrong),
        "naive and wrong": len(wrong & set(found.naive)),
        "made wrong": BAD_POLICY in wrong,
        "made wrong and required": BAD_POLICY in required,
        "by Errors and required": len(required & set(found.by_errors)),
    }


def _drift_row(scenario: str, number: int, incidents: int, world: GeneratedWorld) -> dict[str, Any]:
    history = world.history()
    votes = cast_votes(history.evaluations, history.executions, history.workflows, as_of=history.as_of).data
    found = [one for one in drift(votes) if one.flagged]
    first = min(found, key=lambda one: one.p_value or 1.0, default=None)

    def days(moment: pd.Timestamp | None) -> float:
        return float("nan") if moment is None else (moment - pd.Timestamp(world.start)).total_seconds() / 86_400

    return {
        "scenario": scenario,
        "world": number,
        "incidents": incidents,
        "flagged": len(found),
        "day": days(None if first is None else first.changed_at),
        "from": days(None if first is None else first.earliest),
        "to": days(None if first is None else first.latest),
    }


def _claims(cells: pd.DataFrame) -> list[Claim]:
    bad = cells[cells["scenario"] == "bad-policy"]
    away = cells[cells["scenario"] == "metrics-away"]
    drifting = cells[cells["scenario"] == "drift"]
    steady = cells[cells["scenario"] == NOTHING_CHANGES]

    claims = [
        _counted(
            "worlds of `bad-policy` in which the condition that is wrong on purpose is made required: none",
            int((bad["made wrong and required"] > 0).sum()),
            of=len(bad),
            at_most=0,
        ),
        _counted(
            "worlds of `bad-policy` in which it is truly wrong: all",
            int((bad["made wrong"] > 0).sum()),
            of=len(bad),
            at_least=len(bad),
        ),
        _counted(
            "worlds of `metrics-away` in which a condition is made required that is wrong by Errors alone: none",
            int((away["by Errors and required"] > 0).sum()),
            of=len(away),
            at_most=0,
        ),
        _counted(
            "worlds of `metrics-away` that have such a condition: all",
            int((away["wrong by Errors"] > 0).sum()),
            of=len(away),
            at_least=len(away),
        ),
        _counted(
            "worlds of `drift` in which the change is flagged: all",
            int((drifting["flagged"] > 0).sum()),
            of=len(drifting),
            at_least=len(drifting),
        ),
    ]
    if len(steady):
        claims.append(
            _counted(
                "worlds of `steady` in which drift is flagged: at most one",
                int((steady["flagged"] > 0).sum()),
                of=len(steady),
                at_most=1,
            )
        )
    return claims


def _counted(text: str, count: int, *, of: int, at_least: float | None = None, at_most: float | None = None) -> Claim:
    """Claim a count of these very worlds, without a Monte-Carlo error because nothing is inferred from it."""
    figure = exactly(float(count), is_share=False)
    return claim_over(text, [(f"{of} worlds", figure)], at_least=at_least, at_most=at_most)


def _naive_text(cells: pd.DataFrame) -> str:
    part = cells[cells["wrong"].notna()]
    return (
        f"Failed over evaluated, below {TARGET:.0%} without margin and with Errors left out, makes "
        f"{int(part['naive and wrong'].sum())} of the {int(part['wrong'].sum())} wrong conditions of these worlds "
        "required."
    )


def _chart(cells: pd.DataFrame) -> Any:
    import plotly.graph_objects as go  # noqa: PLC0415 - 0.3 s that only a chart needs

    part = cells[cells["wrong"].notna()]
    figure = go.Figure()
    at = [f"{row.scenario} {row.world}" for row in part.itertuples()]
    for column, name, colour in (
        ("right and required", "right, made required", COLOURS[2]),
        ("wrong and required", "wrong, made required", COLOURS[1]),
        ("naive and wrong", "wrong, made required by the naive reading", COLOURS[4]),
    ):
        figure.add_bar(x=at, y=part[column], name=name, marker={"color": colour})
    figure.update_layout(
        title="Conditions made required in misleading scenarios",
        yaxis_title="conditions",
        barmode="group",
        template="plotly_white",
    )
    return figure
