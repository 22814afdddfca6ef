"""Proof: how soon a condition that is right is found to be right, and what looking every day costs.

The chance to have passed is computed exactly by `estimation.power`; worlds are simulated beside it, so that the exact
computation is itself tried. The fixed-sample test, looked at once, is what one would use if the number of incidents
were known beforehand and nobody looked before: the difference is the price of being allowed to look. A stop without a
label at its age counts as a false stop; what that costs where labels are missing at random is simulated.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from kubernaut_simulator.calibration.claims import Claim, claim_over, claim_over_cells, shared_confidence
from kubernaut_simulator.calibration.figures import Figure, exactly, share_of_worlds
from kubernaut_simulator.calibration.gates import (
    NEVER,
    Counts,
    decided_after,
    decided_among,
    fixed_sample_line,
    gate_line,
)
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
BAD, DETECTED = 0.2, 0.6
"""Share of runs that do no good, and of these that the condition stops, where labels are missing."""
MISSING = (0.05, 0.10)
"""Share of labels that are missing at their age, whatever the run and the verdict."""
RIGHT_BY_MISSING = {0.02: 150, 0.05: 500}
"""The same as `RIGHT_BY`, where the larger share of labels is missing."""


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
            f"would pass half of the time. Where labels are missing, {percent(BAD)} of runs do no good, the condition "
            f"stops {percent(DETECTED)} of these, and a label is missing by chance alone: each stop without one counts "
            "as a false stop."
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
        shown_columns=[
            "rate",
            *(f"by {by}" for by in BY),
            "median",
            "fixed-sample median",
            "price of looking",
            *(f"median, {percent(missing)} missing" for missing in MISSING),
        ],
        share_columns=("rate", *(f"by {by}" for by in BY), *(f"simulated by {by}" for by in BY)),
    )


MEANINGS = {
    "rate": "true share of good incidents that are stopped",
    **{f"by {by}": f"exact chance that the condition has passed after {by} good incidents" for by in BY},
    **{f"simulated by {by}": f"share of worlds in which it has passed after {by}" for by in BY},
    "worlds": "simulated worlds",
    "median": "good incidents after which half of such conditions have passed (exact; - where fewer than half do)",
    "simulated median": "the same in the simulated worlds",
    **{
        f"{percent(missing)} missing by {by}": f"the same where {percent(missing)} of labels are missing at their age"
        for missing in MISSING
        for by in BY
    },
    **{
        f"{percent(missing)} missing right": "worlds in which it has passed by the number that is claimed for its "
        "rate; 0 where nothing is claimed"
        for missing in MISSING
    },
    **{
        f"median, {percent(missing)} missing": f"simulated median where {percent(missing)} of labels are missing; good "
        "incidents, with and without a label"
        for missing in MISSING
    },
    "fixed-sample median": "good incidents with which the fixed-sample test, looked at once, passes half of them",
    "price of looking": "median over fixed-sample median",
}


def _cell(rate: float, worlds: int, seed: int) -> dict[str, Any]:
    exact = chance_to_pass(rate, BY[-1], target=TARGET, look_every=LOOK_EVERY)
    rng = generator(seed, "power", str(rate))
    stops = rng.random((worlds, BY[-1]), dtype=np.float32) < rate
    when = decided_after(stops, gate_line(BY[-1], target=TARGET, alpha=ALPHA, look_every=LOOK_EVERY))
    gaps: dict[str, float] = {}
    for missing in MISSING:
        late = _decided_with_missing(rng, rate, missing, worlds)
        gaps |= {f"{percent(missing)} missing by {by}": float((late <= by).mean()) for by in BY}
        gaps |= {f"{percent(missing)} missing right": float((late <= RIGHT_BY_MISSING.get(rate, 0)).sum())}
        gaps |= {f"median, {percent(missing)} missing": _middle(late)}
    median, fixed = _first_half(exact), _fixed_sample_median(rate)
    return {
        "rate": rate,
        **{f"by {by}": float(exact[by - 1]) for by in BY},
        **{f"simulated by {by}": float((when <= by).mean()) for by in BY},
        "worlds": worlds,
        "median": median,
        "simulated median": _middle(when),
        "fixed-sample median": fixed,
        "price of looking": median / fixed,
        **gaps,
    }


def _middle(when: Counts) -> float:
    middle = int(np.median(np.minimum(when, NEVER - 1)))
    return float(middle) if middle <= BY[-1] else math.nan


def _decided_with_missing(rng: np.random.Generator, rate: float, missing: float, worlds: int) -> Counts:
    """Good incidents after which each world is decided where labels are missing at random."""
    runs = round(BY[-1] / (1 - BAD))
    line = gate_line(runs, target=TARGET, alpha=ALPHA, look_every=LOOK_EVERY)
    found = []
    for begin in range(0, worlds, 1_000):
        shape = (min(1_000, worlds - begin), runs)
        good = rng.random(shape, dtype=np.float32) >= BAD
        stops = rng.random(shape, dtype=np.float32) < np.where(good, np.float32(rate), np.float32(DETECTED))
        unlabelled = rng.random(shape, dtype=np.float32) < missing
        after = decided_among(stops, (good & ~unlabelled) | (stops & unlabelled), line)
        among = np.cumsum(good, axis=1)[np.arange(len(after)), np.minimum(after, runs) - 1]
        found.append(np.where(after == NEVER, NEVER, among))
    return np.concatenate(found)


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
    most = percent(MISSING[-1])
    gaps = [
        claim_over_cells(
            f"with {most} of labels missing, a condition of true {percent(rate)} has passed by {by:,} good incidents "
            "in at least 95 %",
            cells[cells["rate"] == rate],
            k=f"{most} missing right",
            named={"rate": "rate {:.0%}"},
            at_least=0.95,
            tolerance=tolerance / 3,
        )
        for rate, by in RIGHT_BY_MISSING.items()
    ]
    return [*right, apart, price, *gaps]


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
