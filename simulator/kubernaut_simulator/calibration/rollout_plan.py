"""Proof: what a rollout plan predicts is what becomes of rollouts that are played incident by incident.

A world with known rates has a history in warn mode; the plan is made from that history alone. Then the same conditions
are rolled out in that world, day by day (`rollout_days`), and the plan's shares and days are held against what
happened.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from kubernaut_simulator.calibration.claims import Claim, claim_over, shared_confidence
from kubernaut_simulator.calibration.figures import mean_over_worlds, share_of_worlds
from kubernaut_simulator.calibration.proof import ProofResult, Size, generator
from kubernaut_simulator.calibration.recorded_votes import votes_of
from kubernaut_simulator.calibration.rollout_days import (
    KnownCondition,
    KnownWorld,
    PlayedRollout,
    goes_by_calendar,
    history_of,
    play_rollout,
)
from kubernaut_simulator.estimation.rates import percent
from kubernaut_simulator.results.base import COLOURS
from kubernaut_simulator.rollout.plan import plan_rollout
from kubernaut_simulator.rollout.plan_result import RolloutPlan
from kubernaut_simulator.rollout.terms import RolloutTerms

DOUBTFUL, RIGHT = "scale_deployment/step/pre/doubtful", "scale_deployment/step/pre/right"

HISTORY_DAYS = 30

RATES = (0.01, 0.40)
"""Between which the doubtful condition's true rate lies, evenly. At both ends a rollout is quickly decided: a range
that ended among the doubtful rates would make plans look too hopeful, since what a history allows reaches beyond it."""

NEAR, NEAR_LAST, NEAR_DAYS = 0.03, 0.10, 7.0
"""How far predictions may be off: points of wrong ends, points of reaching the last stage, days."""

SPREAD = (0.1, 0.9)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Terms:
    """Terms of a rollout, under a name."""

    name: str
    terms: RolloutTerms


TERMS = (
    _Terms(name="default", terms=RolloutTerms()),
    _Terms(
        name="careless",
        terms=RolloutTerms(
            stages=(10.0, 50.0, 90.0), first_target=0.15, alpha=0.6, minimum_days=3.0, longest_days=30.0
        ),
    ),
)
"""The careless ones go wrong often enough for an agreement to say something."""


_ENDS = (
    ("wrong goes come", "wrong go", NEAR),
    ("wrong stops come", "wrong stop", NEAR),
    ("conditions reach the last stage", "last stage", NEAR_LAST),
)
"""What is said of a claim, how the names of its cells end, and how near the prediction shall be."""


def rollout_plan(size: Size, seed: int) -> ProofResult:
    """Try whether rollouts go as planned."""
    worlds, each, planned = size.pick(full=(250, 4, 200), reduced=(5, 2, 40))
    rows = [row for one in TERMS for world in range(worlds) for row in _world(one, world, each, planned, seed)]
    cells = pd.DataFrame(rows)
    at_target = _at_target(size.pick(full=1_000, reduced=10), seed)
    table = _table(cells)
    return ProofResult(
        name="rollout-plan",
        heading="Rollout plan",
        question="Do rollouts end as their plan predicts, wrongly or rightly, and last as long?",
        method=(
            f"In each of {worlds} worlds a doubtful condition stops {RATES[0]:.0%} to {RATES[1]:.0%} of the good "
            f"runs and a right one 2 to 6 %; a tenth of the times several incidents come together. {HISTORY_DAYS} "
            f"days of history give a plan (`rollout.plan.plan_rollout`). Then the rollout is played {each} times in "
            "that world, incident by incident: the engine's hash deals, its block budget counts, and every midnight "
            "somebody looks at the stage's holdout. The player shares no code with the plan. Careless terms (alpha "
            "0.6, three stages) go wrong often enough for an agreement to mean something."
        ),
        claims=[*_claims(cells, size), _claim_at_target(at_target)],
        cells=table,
        meanings=MEANINGS,
        chart=_chart,
        size=size,
        seed=seed,
        naive=(
            "By calendar, a week a stage and on while the rate seen in it is not above the target, a condition "
            f"exactly at the target reaches the last stage in {percent(at_target['calendar'].mean())} of rollouts."
        ),
        limits=(
            "A plan allows for every rate that its history allows. In worlds whose doubtful rates all lie near the "
            "target (2 to 24 %, 40 worlds) it said 9 points too often that the right condition reaches the last stage "
            "under careless terms: it allows for rates beyond, which such worlds never have and which decide a rollout "
            "quickly.",
            "Traffic and rates go on as in the history. The plan lets its stages end at the moment of the deciding "
            "label; whoever looks once a day is up to a day later in each stage.",
        ),
    )


MEANINGS = {
    "terms": "terms of the rollout",
    "what": "what is predicted: a share of rollouts, or days",
    "rollouts": "rollouts played",
    "predicted": "mean over the worlds of what the plan says",
    "played": "what became of the rollouts",
    "difference": "predicted less played",
}


def _world(one: _Terms, number: int, each: int, planned: int, seed: int) -> list[dict[str, Any]]:
    rng = generator(seed, "rollout-plan", one.name, number)
    conditions = (
        KnownCondition(name=DOUBTFUL, false_stops=float(rng.uniform(*RATES)), right_stops=0.5),
        KnownCondition(name=RIGHT, false_stops=float(rng.uniform(0.02, 0.06)), right_stops=0.6),
    )
    world = KnownWorld(conditions=conditions)
    plan = plan_rollout(
        votes_of(history_of(world, rng, days=HISTORY_DAYS)),
        conditions=[condition.name for condition in conditions],
        terms=one.terms,
        rollouts=planned,
        seed=number,
    )
    limits = [1.0 if condition.limit is None else condition.limit for condition in plan.conditions]
    found = [
        play_rollout(world, rng, terms=one.terms, limits=limits, name=f"{one.name}-{number}-{at}") for at in range(each)
    ]
    return [
        {"terms": one.name, "world": number, "rollouts": each, "what": what, "predicted": predicted, "played": played}
        for what, predicted, played in _compared(plan, world, found)
    ]


def _compared(plan: RolloutPlan, world: KnownWorld, found: list[PlayedRollout]) -> list[tuple[str, float, float]]:
    target, stages = plan.terms.target, len(plan.terms.stages)
    rows = []
    for c, (planned, true) in enumerate(zip(plan.conditions, world.conditions, strict=True)):
        wrong = true.false_stops >= target
        went = np.mean([one.enforced_at_last(c, stages) for one in found])
        back = np.mean([one.set_back_in[c] is not None for one in found])
        name = "doubtful" if c == 0 else "right"
        rows += [
            (f"{name}: wrong go", _share(planned.wrong_go.k, planned.wrong_go.n), float(went) if wrong else 0.0),
            (f"{name}: wrong stop", _share(planned.wrong_stop.k, planned.wrong_stop.n), 0.0 if wrong else float(back)),
            (f"{name}: reaches the last stage", _share(planned.went.k, planned.went.n), float(went)),
        ]
    first = plan.simulated.days[:, 0]
    low, high = np.quantile(first, SPREAD)
    inside = np.mean([low <= one.days[0] <= high + 1.0 for one in found])
    whole = np.nansum(plan.simulated.days, axis=1)
    return [
        *rows,
        ("days of the first stage", float(first.mean()), float(np.mean([one.days[0] for one in found]))),
        ("days in all", float(whole.mean()), float(np.mean([sum(one.days) for one in found]))),
        ("first stage within p10 to p90", SPREAD[1] - SPREAD[0], float(inside)),
    ]


def _share(k: int, n: int) -> float:
    return k / n


def _at_target(rollouts: int, seed: int) -> pd.DataFrame:
    """Roll out a condition whose true rate is exactly the target."""
    terms = RolloutTerms()
    world = KnownWorld(conditions=(KnownCondition(name=DOUBTFUL, false_stops=terms.target, right_stops=0.5),))
    rng = generator(seed, "rollout-plan", "at target")
    played = [play_rollout(world, rng, terms=terms, limits=[1.0], name=f"at-target-{at}") for at in range(rollouts)]
    return pd.DataFrame(
        {
            "went": [one.enforced_at_last(0, len(terms.stages)) for one in played],
            "calendar": [goes_by_calendar(world, rng, terms=terms, name=f"calendar-{at}") for at in range(rollouts)],
        }
    )


def _table(cells: pd.DataFrame) -> pd.DataFrame:
    means = cells.groupby(["terms", "what"], sort=False)[["predicted", "played"]].mean().reset_index()
    means["rollouts"] = cells.groupby(["terms", "what"], sort=False)["rollouts"].sum().to_numpy()
    means["difference"] = means["predicted"] - means["played"]
    return means[list(MEANINGS)]


def _claims(cells: pd.DataFrame, size: Size) -> list[Claim]:
    def differ(suffix: str, *, is_share: bool) -> list[tuple[str, Any]]:
        parts = [
            (f"{terms}, {what}", part["predicted"] - part["played"])
            for (terms, what), part in cells.groupby(["terms", "what"], sort=False)
            if str(what).endswith(suffix)
        ]
        level = shared_confidence(len(parts))
        return [(name, mean_over_worlds(values, confidence=level, is_share=is_share)) for name, values in parts]

    tolerance = size.pick(full=0.03, reduced=0.4)
    days = size.pick(full=4.0, reduced=30.0)
    return [
        claim_over(
            f"{what} as often as predicted, to within {near:.0%}",
            differ(suffix, is_share=True),
            at_least=-near,
            at_most=near,
            tolerance=tolerance,
        )
        for what, suffix, near in _ENDS
    ] + [
        claim_over(
            f"the first stage, and the whole, last as long as predicted on average, to within {NEAR_DAYS:g} days",
            [*differ("of the first stage", is_share=False), *differ("days in all", is_share=False)],
            at_least=-NEAR_DAYS,
            at_most=NEAR_DAYS,
            tolerance=days,
        ),
        claim_over(
            "the first stage lasts between the predicted p10 and p90 in at least 80 % of rollouts",
            _inside(cells),
            at_least=SPREAD[1] - SPREAD[0],
            tolerance=size.pick(full=0.05, reduced=0.3),
        ),
    ]


def _inside(cells: pd.DataFrame) -> list[tuple[str, Any]]:
    part = cells[cells["what"] == "first stage within p10 to p90"]
    level = shared_confidence(part["terms"].nunique())
    return [(str(name), mean_over_worlds(own["played"], confidence=level)) for name, own in part.groupby("terms")]


def _claim_at_target(played: pd.DataFrame) -> Claim:
    alpha = RolloutTerms().alpha
    return claim_over(
        f"a condition whose true rate is exactly the target reaches the last stage in at most {alpha:.0%} of rollouts",
        [("default terms", share_of_worlds(int(played["went"].sum()), len(played)))],
        at_most=alpha,
        tolerance=0.02 if len(played) >= 1_000 else 0.1,
    )


def _chart(cells: pd.DataFrame) -> Any:
    import plotly.graph_objects as go  # noqa: PLC0415 - 0.3 s that only a chart needs

    shares = cells[~cells["what"].str.contains("days|within")]
    figure = go.Figure()
    for colour, (terms, part) in zip(COLOURS, shares.groupby("terms", sort=False), strict=False):
        figure.add_scatter(
            x=part["predicted"] * 100,
            y=part["played"] * 100,
            mode="markers",
            name=f"{terms} terms",
            text=part["what"],
            marker={"color": colour, "size": 10},
        )
    figure.add_scatter(x=[0, 100], y=[0, 100], mode="lines", name="as predicted", line={"dash": "dash"})
    figure.update_layout(
        title="Rollouts that end as predicted",
        xaxis_title="percent predicted by the plan",
        yaxis_title="percent of rollouts played",
        template="plotly_white",
    )
    return figure
