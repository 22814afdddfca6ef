"""Proof: once a condition blocks, what is said of it comes from the holdout and is still right.

A condition that blocks destroys its own evidence: a stopped run has no outcome. The engine's hash leaves some incidents
alone, and these are still seen whole.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from kubernaut.enforcement.rollout import bucket_of, is_enrolled, probability_ran
from kubernaut.verdicts import Verdict
from kubernaut_simulator.calibration.claims import Claim, claim_over, claim_over_cells, shared_confidence
from kubernaut_simulator.calibration.figures import Figure, mean_over_worlds
from kubernaut_simulator.calibration.proof import ProofResult, Size, generator
from kubernaut_simulator.estimation.columns import categorical
from kubernaut_simulator.estimation.labels import Label
from kubernaut_simulator.estimation.selection import holdout_rate, no_assumption_bounds, weighted_rate
from kubernaut_simulator.results.base import COLOURS

RATE = 0.10
"""True share of good runs that fail the condition."""

GOOD = 0.8
FAILS_BAD = 0.9
INCONCLUSIVE = 0.05
STAGES = ((5.0, 800), (10.0, 800), (50.0, 800), (98.0, 3_000))
"""Percent enforced, and incidents of a world."""


def after_enforcement(size: Size, seed: int) -> ProofResult:
    """Try the estimates of a condition that is enforced in a share of incidents."""
    worlds = size.pick(full=1_500, reduced=200)
    per_world = [
        _estimate(percent, incidents, world, seed) | {"percent": percent, "incidents": incidents}
        for percent, incidents in STAGES
        for world in range(worlds)
    ]
    found = pd.DataFrame(per_world)
    groups = [part for _, part in found.groupby("percent", sort=True)]
    cells = pd.DataFrame([_cell(part) for part in groups])
    return ProofResult(
        name="after-enforcement",
        heading="Estimates after enforcement",
        question="Is what is said of a condition still right once it blocks, and its stops have no outcome?",
        method=(
            f"{GOOD * 100:.0f} % of incidents would end well; the condition fails {RATE * 100:.0f} % of them and "
            f"{FAILS_BAD * 100:.0f} % of the others. It is enforced at a percentage by the engine's own hash "
            "(`kubernaut.enforcement.rollout.bucket_of`): an enrolled incident that fails is blocked and leaves no "
            f"outcome; {INCONCLUSIVE * 100:.0f} % of the other outcomes are inconclusive. Tried are the holdout's rate "
            "with its one-sided limit, the rate weighted by the inverse probability of having run with its interval on "
            "an effective n, and the bounds without assumptions (`estimation.selection`)."
        ),
        claims=_claims(groups, cells, size),
        cells=cells,
        meanings=MEANINGS,
        chart=_chart,
        size=size,
        seed=seed,
        naive=(
            "It counts the enrolled incidents that have an outcome: a good run that fails is never among them, so it "
            "reads exactly 0 % of every condition. Counting all incidents with an outcome mixes both and reads too "
            "little, the less the more is enforced."
        ),
        limits=(
            "One condition at one percentage throughout a world, incidents independent. Who treats enrolled incidents "
            "differently, or gives a percentage that was not in force, breaks it.",
            "The weighted rate is for display: nothing is decided by it. Without assumptions nearly nothing can be "
            "said once most incidents are enforced: the bounds are wide, and are meant to be.",
        ),
        shown_columns=SHOWN,
        share_columns=tuple(name for name in SHOWN if name not in ("incidents", "good in holdout", "effective n")),
    )


SHOWN = [
    "enforced", "incidents", "good in holdout", "holdout rate", "limit covers", "weighted rate", "effective n",
    "weighted interval covers", "lower bound", "upper bound", "bounds contain", "naive, enrolled", "naive, all",
]  # fmt: skip
MEANINGS = {
    "enforced": "share of incidents enrolled",
    "incidents": "incidents of a world",
    "worlds": "simulated worlds",
    "good in holdout": "good incidents with an outcome that were left alone, mean",
    "enough": 'worlds with at least 20 of them; the others say "not enough data"',
    "holdout rate": f"mean estimate of the holdout in those worlds; the truth is {RATE * 100:.0f} %",
    "covered": "worlds whose one-sided holdout limit is at or above the truth",
    "limit covers": "their share",
    "weighted rate": "mean estimate by inverse probability weighting",
    "effective n": "independent runs that would say as much, mean",
    "weighted covered": "worlds whose two-sided 95 % interval around the weighted rate contains the truth",
    "weighted interval covers": "their share",
    "lower bound": "without assumptions, mean",
    "upper bound": "without assumptions, mean",
    "contained": "worlds whose bounds contain the share of good incidents that fail in that very world",
    "bounds contain": "their share",
    "naive, enrolled": "share of stops among enrolled good incidents with an outcome, mean",
    "naive, all": "share of stops among all good incidents with an outcome, mean",
}


def enforced_votes(percent: float, incidents: int, world: int, seed: int) -> tuple[pd.DataFrame, NDArray[np.bool_]]:
    """Make the votes of one world, and say which incidents would have ended well.

    Returns
    -------
    DataFrame
        The columns of `votes.Votes.data` that `selection` reads, and `enrolled`.
    array of bool
        What nobody sees: good, whether the run was let through or not.
    """
    rng = generator(seed, "after-enforcement", str(percent), world)
    good = rng.random(incidents) < GOOD
    fails = rng.random(incidents) < np.where(good, RATE, FAILS_BAD)
    buckets = (bucket_of(f"proof-{seed}", f"{percent:g}-{world}-{number}") for number in range(incidents))
    enrolled = np.fromiter((is_enrolled(bucket, percent) for bucket in buckets), dtype=bool, count=incidents)
    unknown = (fails & enrolled) | (rng.random(incidents) < INCONCLUSIVE)
    label = np.asarray(np.where(unknown, -1, np.where(good, 0, 1)), dtype=np.int64)
    votes = pd.DataFrame(
        {
            "verdict": categorical(fails.astype(np.int64), [Verdict.PASSED.value, Verdict.FAILED.value]),
            "label": categorical(label, [Label.GOOD.value, Label.BAD.value]),
            "stop": fails,
            "holdout": ~enrolled,
            "enrolled": enrolled,
            "p_ran": np.where(fails, probability_ran([percent]), 1.0),
        }
    )
    return votes, good


def _estimate(percent: float, incidents: int, world: int, seed: int) -> dict[str, Any]:
    votes, good = enforced_votes(percent, incidents, world, seed)
    held, weighted, bounds = holdout_rate(votes), weighted_rate(votes), no_assumption_bounds(votes)
    seen = (votes["label"] == Label.GOOD.value).to_numpy()
    stops, enrolled = votes["stop"].to_numpy(), votes["enrolled"].to_numpy()
    here = float(stops[good].mean())
    interval = weighted.interval
    return {
        "n": held.n,
        "enough": held.enough,
        "holdout": held.estimate if held.enough else np.nan,
        "covered": held.upper >= RATE,
        "weighted": np.nan if weighted.estimate is None else weighted.estimate,
        "effective": weighted.effective_n,
        "weighted covered": interval is not None and interval.lower <= RATE <= interval.upper,
        "lower": bounds.lower,
        "upper": bounds.upper,
        "contained": bounds.lower - 1e-12 <= here <= bounds.upper + 1e-12,
        "naive enrolled": float(stops[seen & enrolled].mean()) if (seen & enrolled).any() else np.nan,
        "naive all": float(stops[seen].mean()),
    }


def _cell(part: pd.DataFrame) -> dict[str, Any]:
    counted = {name: int(part[name].sum()) for name in ("enough", "covered", "weighted covered", "contained")}
    return {
        "enforced": float(part["percent"].iloc[0]) / 100,
        "incidents": int(part["incidents"].iloc[0]),
        "worlds": len(part),
        "good in holdout": float(part["n"].mean()),
        "enough": counted["enough"],
        "holdout rate": float(part["holdout"].mean()),
        "covered": counted["covered"],
        "limit covers": counted["covered"] / len(part),
        "weighted rate": float(part["weighted"].mean()),
        "effective n": float(part["effective"].mean()),
        "weighted covered": counted["weighted covered"],
        "weighted interval covers": counted["weighted covered"] / len(part),
        "lower bound": float(part["lower"].mean()),
        "upper bound": float(part["upper"].mean()),
        "contained": counted["contained"],
        "bounds contain": counted["contained"] / len(part),
        "naive, enrolled": float(part["naive enrolled"].mean()),
        "naive, all": float(part["naive all"].mean()),
    }


def _claims(groups: list[pd.DataFrame], cells: pd.DataFrame, size: Size) -> list[Claim]:
    named = {"enforced": "{:.0%} enforced"}
    bias, weighted_bias = size.pick(full=(0.005, 0.01), reduced=(0.02, 0.02))
    return [
        claim_over(
            f"the holdout's rate is unbiased: its mean error is 0, to {bias * 100:g} percentage points",
            _errors(groups, "holdout"),
            at_least=0.0,
            at_most=0.0,
            tolerance=bias,
        ),
        claim_over_cells(
            "the holdout's one-sided limit covers in at least 95 % of worlds",
            cells,
            k="covered",
            named=named,
            at_least=0.95,
            tolerance=size.pick(full=0.015, reduced=0.08),
        ),
        claim_over(
            f"the weighted rate is unbiased: its mean error is 0, to {weighted_bias * 100:g} percentage points",
            _errors(groups, "weighted"),
            at_least=0.0,
            at_most=0.0,
            tolerance=weighted_bias,
        ),
        claim_over_cells(
            "the weighted rate's two-sided interval covers in at least 95 % of worlds",
            cells,
            k="weighted covered",
            named=named,
            at_least=0.95,
            tolerance=size.pick(full=0.025, reduced=0.08),
        ),
        claim_over_cells(
            "the bounds without assumptions contain the truth of their world, always",
            cells,
            k="contained",
            named=named,
            at_least=1.0,
            tolerance=size.pick(full=0.005, reduced=0.05),
        ),
        claim_over(
            "naive: enrolled incidents with an outcome read 0 % of a condition that stops 10 % of good runs",
            [
                (_name(part), mean_over_worlds(part["naive enrolled"], confidence=shared_confidence(len(groups))))
                for part in groups
            ],
            at_most=0.0,
        ),
    ]


def _errors(groups: list[pd.DataFrame], column: str) -> list[tuple[str, Figure]]:
    """Mean error of an estimate in each cell with its Monte-Carlo interval."""
    confidence = shared_confidence(len(groups))
    return [(_name(part), mean_over_worlds(part[column] - RATE, confidence=confidence)) for part in groups]


def _name(part: pd.DataFrame) -> str:
    return f"{part['percent'].iloc[0]:g} % enforced"


def _chart(cells: pd.DataFrame) -> Any:
    import plotly.graph_objects as go  # noqa: PLC0415 - 0.3 s that only a chart needs

    names = [f"{share * 100:.0f} %" for share in cells["enforced"]]
    figure = go.Figure()
    for colour, column in zip(
        COLOURS, ("holdout rate", "weighted rate", "naive, all", "naive, enrolled"), strict=False
    ):
        figure.add_scatter(x=names, y=cells[column] * 100, mode="lines+markers", name=column, line={"color": colour})
    figure.add_hline(y=RATE * 100, line={"dash": "dash"})
    figure.update_layout(
        title="What is read of a condition that stops 10 % of good runs",
        xaxis_title="share of incidents in which it is enforced",
        yaxis_title="mean estimate, percent",
        template="plotly_white",
    )
    return figure
