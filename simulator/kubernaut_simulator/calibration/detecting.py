"""Proof: what a condition is said to detect is what it detects, and the time that it gains is the time that it gains.

Incidents of a known world (`rollout_days`) go through votes into `estimation.detection.detection`, as a history would.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from typing import Any

import numpy as np
import pandas as pd

from kubernaut_simulator.calibration.claims import Claim, claim_over_cells
from kubernaut_simulator.calibration.proof import ProofResult, Size, generator
from kubernaut_simulator.calibration.recorded_votes import TIMEOUT_S, tables_of, votes_of
from kubernaut_simulator.calibration.rollout_days import KnownCondition, KnownWorld, history_of
from kubernaut_simulator.estimation.detection import detection
from kubernaut_simulator.estimation.rates import percent, rate
from kubernaut_simulator.results.base import COLOURS

CONDITION = "scale_deployment/step/pre/cluster_capacity_available"

RATES = (0.2, 0.5, 0.9)
DAYS = (14, 60)
BUNCHES = {"lone incidents": (0.0, 0.0), "outages of one verdict": (0.25, 1.0)}
"""Chance that several incidents come together, and that each of them shares the luck of its bunch."""

OUTAGE_SIZE = 6

LABEL_MEDIAN_S, LABEL_SIGMA = 900.0, 0.8
"""From a run's start until somebody knows its outcome."""


def detecting(size: Size, seed: int) -> ProofResult:
    """Try the limits of detection and lead time."""
    worlds = size.pick(full=1_000, reduced=30)
    kinds = product(size.pick(full=RATES, reduced=RATES[1:2]), BUNCHES, size.pick(full=DAYS, reduced=DAYS[:1]))
    cells = pd.DataFrame([_cell(true, bunches, days, worlds, seed) for true, bunches, days in kinds])
    return ProofResult(
        name="detecting",
        heading="Detection and lead time",
        question="Are the shares of bad runs that a condition detects, and the time it gains, what is said of them?",
        method=(
            "A condition fails a known share of the runs that do no good, and 5 % of the others; outages bring "
            f"{OUTAGE_SIZE} incidents of one verdict to one target. The verdict is there {TIMEOUT_S:g} s after the "
            f"start, the outcome after lognormal times with a median of {LABEL_MEDIAN_S:g} s, so that the median of "
            "what is gained is known too (`estimation.detection.detection`)."
        ),
        claims=_claims(cells, size),
        cells=cells,
        meanings=MEANINGS,
        chart=_chart,
        size=size,
        seed=seed,
        naive=(
            "The same limit on every incident, as if an outage's incidents were witnesses of their own, covers "
            f"{percent(float(cells['naive covers'].min()))} in the worst kind of world."
        ),
        limits=("Lead time is of the runs that failed: a condition that fails only what drags on looks early.",),
        share_columns=("P(F|B)", "covers", "lead covers", "naive covers"),
        shown_columns=[
            "P(F|B)",
            "incidents",
            "days",
            "worlds",
            "covers",
            "mean estimate",
            "lead covers",
            "naive covers",
        ],
    )


MEANINGS = {
    "P(F|B)": "true share of the runs without good outcome that the condition fails",
    "incidents": "how they come",
    "days": "length of the history, about nine times a day something happens",
    "worlds": "simulated worlds",
    "covers": "share of worlds whose lower 95 % limit of P(F|B) is not above the truth",
    "kept": "number of those",
    "mean estimate": "mean over the worlds of the estimate itself",
    "lead worlds": "worlds with enough detected runs for limits of the median lead time",
    "lead covers": "share of them whose two limits enclose the true median",
    "lead kept": "number of those",
    "naive covers": "the same as `covers` when every incident counts for itself",
}


def _cell(true: float, bunches: str, days: int, worlds: int, seed: int) -> dict[str, Any]:
    rng = generator(seed, "detecting", str(true), bunches, days)
    several, alike = BUNCHES[bunches]
    world = KnownWorld(
        conditions=(KnownCondition(name=CONDITION, false_stops=0.05, right_stops=true),),
        several=several,
        size=OUTAGE_SIZE,
        alike=alike,
    )
    kept = naive = lead_worlds = lead_kept = 0
    estimates = []
    for _ in range(worlds):
        made = history_of(world, rng, days=days)
        made = replace(made, label_after_s=rng.lognormal(np.log(LABEL_MEDIAN_S), LABEL_SIGMA, len(made.days)))
        evaluations, _, workflows = tables_of(made)
        (found,) = detection(votes_of(made), evaluations, workflows)
        kept += found.failed_given_bad.lower <= true
        if found.failed_given_bad.estimate is not None:
            estimates.append(found.failed_given_bad.estimate)
        failed = made.failed[CONDITION][~made.good]
        naive += rate(int(failed.sum()), len(failed)).lower <= true
        lead = found.before_outcome
        if lead.lower_s is not None and lead.upper_s is not None:
            lead_worlds += 1
            lead_kept += lead.lower_s <= LABEL_MEDIAN_S - TIMEOUT_S <= lead.upper_s
    return {
        "P(F|B)": true,
        "incidents": bunches,
        "days": days,
        "worlds": worlds,
        "covers": kept / worlds,
        "kept": kept,
        "mean estimate": float(np.mean(estimates)),
        "lead worlds": lead_worlds,
        "lead covers": lead_kept / lead_worlds if lead_worlds else np.nan,
        "lead kept": lead_kept,
        "naive covers": naive / worlds,
    }


def _claims(cells: pd.DataFrame, size: Size) -> list[Claim]:
    named = {"P(F|B)": "P(F|B) {:.0%}", "incidents": "{}", "days": "{} days"}
    tolerance = size.pick(full=0.03, reduced=0.25)
    return [
        claim_over_cells(
            "the lower limit of P(F|B) is not above the truth in at least 95 % of worlds",
            cells,
            k="kept",
            named=named,
            at_least=0.95,
            tolerance=tolerance,
        ),
        claim_over_cells(
            "the two limits of the median lead time enclose the true median in at least 95 % of worlds",
            cells[cells["lead worlds"] > 0],
            k="lead kept",
            n="lead worlds",
            named=named,
            at_least=0.95,
            tolerance=tolerance,
        ),
    ]


def _chart(cells: pd.DataFrame) -> Any:
    import plotly.graph_objects as go  # noqa: PLC0415 - 0.3 s that only a chart needs

    at = [f"P(F|B) {row[0]:.0%}, {row[1]}, {row[2]} days" for row in cells[["P(F|B)", "incidents", "days"]].to_numpy()]
    figure = go.Figure()
    for column, name, colour in (
        ("covers", "lower limit of P(F|B)", COLOURS[2]),
        ("lead covers", "limits of the median lead time", COLOURS[0]),
        ("naive covers", "lower limit, every incident for itself", COLOURS[1]),
    ):
        figure.add_scatter(x=cells[column] * 100, y=at, mode="markers", name=name, marker={"color": colour, "size": 9})
    figure.add_vline(x=95, line={"dash": "dash"})
    figure.update_layout(
        title="Worlds in which the limits cover the truth", xaxis_title="percent of worlds", template="plotly_white"
    )
    figure.update_yaxes(automargin=True)
    return figure
