"""Proof: the block budget sets a wrong condition back before it has done more than stated, and hardly ever a right one.

The engine counts enforced incidents and blocks (`kubernaut.enforcement.budget`); its rule is a line of blocks over
incidents (`rollout.lines.budget_line`), which lets ten thousand budgets be spent at once. The tests walk single worlds
through the engine's own state beside it.
"""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from kubernaut.enforcement.budget import BUDGET_ALPHA
from kubernaut_simulator.calibration.claims import Claim, claim_over_cells
from kubernaut_simulator.calibration.proof import ProofResult, Size, generator
from kubernaut_simulator.estimation.rates import percent
from kubernaut_simulator.results.base import COLOURS
from kubernaut_simulator.rollout.budget_course import budget_course
from kubernaut_simulator.rollout.lines import budget_line

LIMITS = (0.03, 0.05, 0.10, 0.20, 0.30)
TIMES = (0.5, 0.8, 1.0, 1.5, 2.0, 3.0)
"""True block rate over the limit: at most 1 keeps the promise."""

INCIDENTS = 1_000
"""Enforced incidents that are followed: more than two years at one enforced incident a day."""

GOOD_AMONG_BLOCKED = 0.6
"""Of the runs that a wrong condition stops: it would not be wrong if few of them did good."""

NAIVE_FROM = 20
"""Incidents before which the plain comparison does not look; without it, it is worse still."""

TRIPPED_IN = 0.95


def block_budget(size: Size, seed: int) -> ProofResult:
    """Try when block budgets are spent."""
    worlds = size.pick(full=20_000, reduced=2_000)
    cells = pd.DataFrame([_cell(limit, times, worlds, seed) for limit, times in product(LIMITS, TIMES)])
    return ProofResult(
        name="block-budget",
        heading="Block budget",
        question="Is a wrong condition set back before it has blocked more than stated, and a right one left in force?",
        method=(
            f"Enforced incidents are blocked at a known rate, {INCIDENTS:,} of them one after the other; the budget "
            "is looked at after each, as the operator does. A condition keeps its promise while its rate is at most "
            "the limit; exactly at the limit is the hardest case. For a wrong one the stated number of blocks is "
            "what `kubernaut rollout plan` prints (`rollout.budget_course`): the blocks by which 95 % of such "
            f"conditions have been set back. Of the blocked runs {GOOD_AMONG_BLOCKED:.0%} would have done good."
        ),
        claims=_claims(cells, size),
        cells=cells,
        meanings=MEANINGS,
        chart=_chart,
        size=size,
        seed=seed,
        naive=_naive_text(cells),
        limits=(
            "Independent incidents. An outage that is blocked as a whole spends a budget sooner: that errs to the side "
            "that is harmless for the runs.",
        ),
        shown_columns=[
            "limit",
            "true rate",
            "set back",
            "stated blocks",
            "within stated",
            "median incidents",
            "good blocked 95 %",
            "naive set back",
        ],
        share_columns=("limit", "true rate", "set back", "within stated", "naive set back"),
        shown_rows=_shown,
    )


MEANINGS = {
    "limit": "promised upper limit of the block rate",
    "times": "true block rate over the limit",
    "true rate": "true share of enforced incidents that are blocked",
    "worlds": "simulated conditions",
    "set back": f"share that is set back within {INCIDENTS:,} enforced incidents",
    "times set back": "number of those",
    "stated blocks": "blocks by which 95 % of such conditions are set back, as the plan states them (- without)",
    "within stated": "share that is set back with no more blocks than stated",
    "times within": "number of those",
    "median incidents": "enforced incidents until it is set back, median of those that are",
    "good blocked 95 %": "good runs blocked until then: 95 of 100 such conditions block no more",
    "naive set back": "share that is set back when the seen rate is compared with the limit after each incident",
}


def blocks_and_incidents(
    blocked: NDArray[np.bool_], *, limit: float
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.bool_]]:
    """Give, for each row of incidents, blocks and incidents when its budget was spent, and whether it was."""
    line = budget_line(blocked.shape[1], limit=limit)
    count = np.cumsum(blocked, axis=1, dtype=np.int64)
    over = count >= line[1:]
    at = over.argmax(axis=1)
    spent = np.asarray(over.any(axis=1))
    return count[np.arange(len(at)), at], at + 1, spent


def _cell(limit: float, times: float, worlds: int, seed: int) -> dict[str, Any]:
    rng = generator(seed, "block-budget", str(limit), str(times))
    true_rate = min(1.0, limit * times)
    blocked = rng.random((worlds, INCIDENTS), dtype=np.float32) < true_rate
    blocks, incidents, spent = blocks_and_incidents(blocked, limit=limit)
    good = rng.binomial(blocks[spent], GOOD_AMONG_BLOCKED)
    stated = budget_course(true_rate, limit=limit, incidents=INCIDENTS).blocks_at(TRIPPED_IN) if times > 1 else None
    within = spent & (blocks <= (INCIDENTS if stated is None else stated))
    seen = np.cumsum(blocked, axis=1, dtype=np.int32)[:, NAIVE_FROM - 1 :]
    naive = (seen > limit * np.arange(NAIVE_FROM, INCIDENTS + 1)).any(axis=1)
    return {
        "limit": limit,
        "times": times,
        "true rate": true_rate,
        "worlds": worlds,
        "set back": float(spent.mean()),
        "times set back": int(spent.sum()),
        "stated blocks": np.nan if stated is None else float(stated),
        "within stated": np.nan if stated is None else float(within.mean()),
        "times within": int(within.sum()),
        "median incidents": float(np.median(incidents[spent])) if spent.any() else np.nan,
        "good blocked 95 %": float(np.quantile(good, 0.95)) if spent.any() and times > 1 else np.nan,
        "naive set back": float(naive.mean()),
    }


def _claims(cells: pd.DataFrame, size: Size) -> list[Claim]:
    named = {"limit": "limit {:.0%}", "times": "{:g} times the limit"}
    right, wrong = cells[cells["times"] <= 1], cells[cells["stated blocks"].notna()]
    tolerance = size.pick(full=0.005, reduced=0.02)
    return [
        claim_over_cells(
            f"a condition that keeps its promise is set back with a chance of at most {BUDGET_ALPHA:.0%}, however long",
            right,
            k="times set back",
            named=named,
            at_most=BUDGET_ALPHA,
            tolerance=tolerance,
        ),
        claim_over_cells(
            "a wrong one is set back before it has blocked more than stated in at least 95 % of worlds",
            wrong,
            k="times within",
            named=named,
            at_least=TRIPPED_IN,
            tolerance=2 * tolerance,
        ),
    ]


def _naive_text(cells: pd.DataFrame) -> str:
    at_limit = cells[cells["times"] == 1]["naive set back"]
    return (
        f"Comparing the seen rate with the limit after every incident (from {NAIVE_FROM} on) sets back "
        f"{percent(float(at_limit.min()))} to {percent(float(at_limit.max()))} of the conditions that are exactly at "
        "their limit, and keep their promise."
    )


def _shown(cells: pd.DataFrame) -> pd.DataFrame:
    return cells[cells["limit"].isin([0.05, 0.20]) & cells["times"].isin([0.8, 1.0, 1.5, 2.0, 3.0])]


def _chart(cells: pd.DataFrame) -> Any:
    import plotly.graph_objects as go  # noqa: PLC0415 - 0.3 s that only a chart needs

    figure = go.Figure()
    incidents = np.arange(INCIDENTS + 1)
    for colour, times in zip(COLOURS, TIMES[1:], strict=False):
        course = budget_course(times * 0.05, limit=0.05, incidents=INCIDENTS)
        figure.add_scatter(
            x=incidents,
            y=course.spent * 100,
            mode="lines",
            name=f"{times:g} times the limit",
            line={"color": colour},
        )
        row = cells[(cells["limit"] == 0.05) & (cells["times"] == times)].iloc[0]
        figure.add_scatter(
            x=[INCIDENTS],
            y=[row["set back"] * 100],
            mode="markers",
            name=f"{times:g} times, simulated",
            marker={"color": colour, "size": 9},
            showlegend=False,
        )
    figure.update_layout(
        title="Conditions set back by a block budget of 5 % (lines exact, points simulated)",
        xaxis_title="enforced incidents",
        yaxis_title="percent set back",
        template="plotly_white",
    )
    figure.update_yaxes(range=[0, 102])
    return figure
