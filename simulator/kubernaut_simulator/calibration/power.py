"""Proof: how soon a condition that is right is found to be right, and what looking every day costs.

The chance to have passed is computed exactly by `estimation.power`; worlds are simulated beside it, so that the exact
computation is itself tried. The fixed-sample test, looked at once, is what one would use if the number of incidents
were known beforehand and nobody looked before: the difference is the price of being allowed to look.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from kubernaut_simulator.calibration.claims import Claim, claim_over, shared_confidence
from kubernaut_simulator.calibration.figures import Figure, exactly, share_of_worlds
from kubernaut_simulator.calibration.gates import NEVER, decided_after, fixed_sample_line, gate_line
from kubernaut_simulator.calibration.proof import ProofResult, Size, generator
from kubernaut_simulator.estimation.power import chance_to_pass
from kubernaut_simulator.estimation.rates import percent
from kubernaut_simulator.estimation.sequential import ALPHA
from kubernaut_simulator.results.base import COLOURS

TARGET = 0.15
RATES = (0.01, 0.02, 0.03, 0.05, 0.08, 0.10, 0.12)
BY = (100, 300, 1000, 2000)
LOOK_EVERY = 10
RIGHT_BY = {0.02: 100, 0.05: 300, 0.08: 1000}
"""True rate, and the incidents by which nearly every such condition shall have passed."""


def power(size: Size, seed: int) -> ProofResult:
    """Try how soon the gate lets a right condition pass."""
    worlds = size.pick(full=30_000, reduced=2_000)
    cells = pd.DataFrame([_cell(rate, worlds, seed) for rate in RATES])
    return ProofResult(
        name="power",
        heading="Power of the gate",
        question="How many good incidents does it take until a condition that is right may be required?",
        method=(
            f"Every good incident is stopped at a known rate below the target of {TARGET * 100:.0f} %; the gate is "
            f"looked at after every {LOOK_EVERY} incidents up to {BY[-1]:,}. The chance to have passed is computed "
            "exactly (`estimation.power.chance_to_pass`) and simulated. The price of looking is the median number of "
            "incidents over the least number with which the exact fixed-sample test at the same level, run once, "
            "would pass half of the time."
        ),
        claims=_claims(cells, 3 * size.tolerance),
        cells=cells,
        meanings=MEANINGS,
        chart=_chart,
        size=size,
        seed=seed,
        limits=(
            "Independent incidents of one rate, one condition, first version: with nine conditions and their shared "
            "error see the table of [methods.md](methods.md).",
        ),
        shown_columns=["rate", *(f"by {by}" for by in BY), "median", "fixed-sample median", "price of looking"],
        share_columns=("rate", *(f"by {by}" for by in BY), *(f"simulated by {by}" for by in BY)),
    )


MEANINGS = {
    "rate": "true share of good incidents that are stopped",
    **{f"by {by}": f"exact chance that the condition has passed after {by} good incidents" for by in BY},
    **{f"simulated by {by}": f"share of worlds in which it has passed after {by}" for by in BY},
    "worlds": "simulated worlds",
    "median": "good incidents after which half of such conditions have passed (exact; - where fewer than half do)",
    "simulated median": "the same in the simulated worlds",
    "fixed-sample median": "good incidents with which the fixed-sample test, looked at once, passes half of them",
    "price of looking": "median over fixed-sample median",
}


def _cell(rate: float, worlds: int, seed: int) -> dict[str, Any]:
    exact = chance_to_pass(rate, BY[-1], target=TARGET, look_every=LOOK_EVERY)
    rng = generator(seed, "power", str(rate))
    stops = rng.random((worlds, BY[-1]), dtype=np.float32) < rate
    when = decided_after(stops, gate_line(BY[-1], target=TARGET, alpha=ALPHA, look_every=LOOK_EVERY))
    median, fixed = _first_half(exact), _fixed_sample_median(rate)
    middle = int(np.median(np.minimum(when, NEVER - 1)))
    return {
        "rate": rate,
        **{f"by {by}": float(exact[by - 1]) for by in BY},
        **{f"simulated by {by}": float((when <= by).mean()) for by in BY},
        "worlds": worlds,
        "median": median,
        "simulated median": float(middle) if middle <= BY[-1] else math.nan,
        "fixed-sample median": fixed,
        "price of looking": median / fixed,
    }


def _first_half(chance: np.ndarray[Any, np.dtype[np.float64]]) -> float:
    """Number of incidents from which the chance is a half for good; NaN where it never is."""
    below = np.flatnonzero(chance < 0.5)
    after = int(below[-1]) + 2 if len(below) else 1
    return float(after) if after <= len(chance) else math.nan


def _fixed_sample_median(rate: float) -> float:
    n = np.arange(1, BY[-1] + 1)
    line = fixed_sample_line(BY[-1], target=TARGET, level=ALPHA, look_every=1)
    return _first_half(np.asarray(stats.binom.cdf(line, n, rate)))


def _claims(cells: pd.DataFrame, tolerance: float) -> list[Claim]:
    rows = {row["rate"]: row for row in cells.to_dict("records")}
    right = [
        claim_over(
            f"a condition of true {percent(rate)} has passed by {by:,} good incidents in at least 95 % of worlds",
            [("", exactly(rows[rate][f"by {by}"]))],
            at_least=0.95,
        )
        for rate, by in RIGHT_BY.items()
    ]
    pairs = [(rate, by) for rate in RATES for by in BY]
    apart = claim_over(
        "the exact chance to pass is that of simulated worlds (their difference is 0)",
        [(f"rate {percent(rate)} by {by}", _difference(rows[rate], by, len(pairs))) for rate, by in pairs],
        at_least=0.0,
        at_most=0.0,
        tolerance=tolerance,
    )
    dearest = max(rows.values(), key=lambda row: float(row["price of looking"]))
    price = claim_over(
        "looking every day costs at most 2.5 times the incidents of one look",
        [(f"rate {percent(dearest['rate'])}", exactly(dearest["price of looking"], is_share=False))],
        at_most=2.5,
    )
    return [*right, apart, price]


def _difference(row: dict[Any, Any], by: int, cells: int) -> Figure:
    """Simulated share minus exact chance."""
    worlds, exact = int(row["worlds"]), float(row[f"by {by}"])
    found = share_of_worlds(round(row[f"simulated by {by}"] * worlds), worlds, confidence=shared_confidence(cells))
    return replace(found, value=found.value - exact, lower=found.lower - exact, upper=found.upper - exact)


def _chart(cells: pd.DataFrame) -> Any:
    import plotly.graph_objects as go  # noqa: PLC0415 - 0.3 s that only a chart needs

    incidents = np.arange(1, BY[-1] + 1)
    figure = go.Figure()
    for colour, rate in zip(COLOURS, cells["rate"], strict=False):
        chance = chance_to_pass(rate, BY[-1], target=TARGET, look_every=LOOK_EVERY)[LOOK_EVERY - 1 :: LOOK_EVERY]
        figure.add_scatter(
            x=incidents[LOOK_EVERY - 1 :: LOOK_EVERY],
            y=chance * 100,
            mode="lines",
            name=f"true rate {percent(rate)}",
            line={"color": colour},
        )
    figure.update_layout(
        title="Chance that a right condition has passed the gate",
        xaxis_title="good incidents",
        yaxis_title="percent",
        template="plotly_white",
    )
    figure.update_yaxes(range=[0, 102])
    return figure
