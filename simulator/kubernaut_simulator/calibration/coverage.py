"""Proof: the bound that is shown with a rate of false stops is not passed by the truth more often than it says.

Two kinds of world. In the first, incidents have several runs whose verdicts are alike; the method counts one vote per
incident. In the second, fifty incidents of one cause fall on one target-day; the method counts target-days unless
the design effect is shown to be small.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from kubernaut_simulator.calibration.bunches import BunchedVotes, Bunches, draw_votes
from kubernaut_simulator.calibration.claims import Claim, claim_over_cells
from kubernaut_simulator.calibration.proof import ProofResult, Size, generator
from kubernaut_simulator.estimation.clustering import (
    DESIGN_EFFECT_LIMIT,
    design_effect_limits,
    design_effects,
    worst_design_effect,
)
from kubernaut_simulator.estimation.rates import CONFIDENCE, FloatArray, clopper_pearson_upper
from kubernaut_simulator.results.base import COLOURS

RATES = (0.01, 0.05, 0.10, 0.20)
INCIDENTS = (30, 100, 300)
CORRELATIONS = (0.0, 0.3, 0.6)
RUNS = 4
"""Runs of each incident."""

RUNS_KIND, OUTAGES_KIND, WEAK_KIND = "runs of one incident", "outages", "weak bunches"

OUTAGES: dict[str, Sequence[Bunches]] = {
    "50 incidents and an outage of 50": (
        Bunches(count=50, size=1, correlation=0.0),
        Bunches(count=1, size=50, correlation=1.0),
    ),
    "100 incidents and 4 outages of 50": (
        Bunches(count=100, size=1, correlation=0.0),
        Bunches(count=4, size=50, correlation=1.0),
    ),
    "250 incidents and an outage of 50": (
        Bunches(count=250, size=1, correlation=0.0),
        Bunches(count=1, size=50, correlation=1.0),
    ),
    "800 incidents and 4 outages of 50": (
        Bunches(count=800, size=1, correlation=0.0),
        Bunches(count=4, size=50, correlation=1.0),
    ),
    "450 independent pairs and 2 outages of 50": (
        Bunches(count=450, size=2, correlation=0.0),
        Bunches(count=2, size=50, correlation=1.0),
    ),
    "200 pairs and 20 bunches of 10, correlation 0.6": (
        Bunches(count=200, size=2, correlation=0.0),
        Bunches(count=20, size=10, correlation=0.6),
    ),
}
WEAK: dict[str, Sequence[Bunches]] = {
    f"{count} target-days of {size}, correlation {correlation:g}": (
        Bunches(count=count, size=size, correlation=correlation),
    )
    for count, size, correlation in ((150, 2, 0.0), (150, 2, 0.2), (500, 2, 0.2), (100, 3, 0.1), (60, 5, 0.1))
}


def coverage(size: Size, seed: int) -> ProofResult:
    """Try how often the shown upper limit lies at or above the true rate."""
    worlds = size.pick(full=40_000, reduced=3_000)
    rows = [
        _runs_cell(rate, incidents, correlation, worlds, seed)
        for correlation in CORRELATIONS
        for incidents in INCIDENTS
        for rate in RATES
    ]
    of_days = size.pick(full=worlds // 2, reduced=worlds)
    for kind, kinds in ((OUTAGES_KIND, OUTAGES), (WEAK_KIND, WEAK)):
        rows += [_days_cell(kind, name, rate, of_days, seed) for name in kinds for rate in RATES]
    cells = pd.DataFrame(rows)
    return ProofResult(
        name="coverage",
        heading="Coverage of the shown bound",
        question="Is the true rate of false stops at or below the shown upper limit in at least 95 % of worlds?",
        method=(
            f"Incidents with {RUNS} runs each, whose verdicts are alike to a known degree (beta-binomial): the method "
            "takes the first run of each incident and the one-sided 95 % Clopper-Pearson limit. Then target-days: "
            "besides incidents on days of their own there are outages, each fifty incidents of one cause on one "
            "target-day with one verdict. The method looks at the one-sided limit of the design effect "
            f"(`estimation.clustering`): unless it is at most {DESIGN_EFFECT_LIMIT:g}, the first vote of each "
            "target-day counts. Weak bunches are days whose incidents are a little alike, so that the true design "
            f"effect is below {DESIGN_EFFECT_LIMIT:g} and the incidents may go on counting."
        ),
        claims=_claims(cells, size.tolerance),
        cells=cells,
        meanings=MEANINGS,
        chart=_chart,
        size=size,
        seed=seed,
        naive=(
            "It counts every run, or every incident of an outage, as an independent vote, with the Clopper-Pearson or "
            "the Wald limit. Wald's limit fails even without any dependence, because it is 0 when nothing was stopped. "
            "Going by the *estimated* design effect (column `by estimate`) is no remedy: a few single stops give an "
            "estimate, and an outage in which nothing was stopped does not raise it."
        ),
        limits=(
            f"A design effect up to {DESIGN_EFFECT_LIMIT:g} is tolerated, and where it is shown to be below, incidents "
            "count: there the coverage may be a few points below 95 %, as the weak bunches show.",
            "Target-days are taken to be independent of each other: an outage that hits many targets, or lasts over "
            "midnight, breaks every figure here.",
        ),
        shown_columns=SHOWN,
        share_columns=("rate", "coverage", "mean limit", "target-days count", "by estimate", "naive", "naive Wald"),
        shown_rows=_shown,
    )


NAMED = {"worlds of": "{}", "rate": "rate {:.0%}"}
SHOWN = [
    "worlds of",
    "votes",
    "rate",
    "coverage",
    "mean limit",
    "target-days count",
    "by estimate",
    "naive",
    "naive Wald",
]
MEANINGS = {
    "kind": "runs of one incident, outages or weak bunches",
    "worlds of": "what happens in them",
    "votes": "incidents",
    "rate": "true share of good incidents that are stopped",
    "correlation": "between votes of one bunch; empty where the kinds differ",
    "worlds": "simulated worlds",
    "covered": "worlds in which the shown limit is at or above the true rate",
    "coverage": "their share",
    "mean limit": "mean over worlds of the shown limit",
    "target-days count": "share of worlds in which the first vote of each target-day counts",
    "estimate covered": "worlds in which the limit covers that goes by the estimated design effect",
    "by estimate": "their share",
    "naive covered": "worlds in which the Clopper-Pearson limit of all votes, taken as independent, covers",
    "naive": "their share",
    "Wald covered": "the same for Wald's limit",
    "naive Wald": "their share",
}


def limits_in(votes: BunchedVotes, effect: FloatArray) -> FloatArray:
    """Give, world by world, the limit of the unit that a design effect chooses."""
    incidents = clopper_pearson_upper(votes.stops.sum(axis=1), float(votes.size.sum()))
    days = clopper_pearson_upper(votes.first.sum(axis=1), float(len(votes.size)))
    return np.where(effect > DESIGN_EFFECT_LIMIT, days, incidents)


def _runs_cell(rate: float, incidents: int, correlation: float, worlds: int, seed: int) -> dict[str, Any]:
    rng = generator(seed, "coverage", str(rate), incidents, str(correlation))
    votes = draw_votes((Bunches(count=incidents, size=RUNS, correlation=correlation),), rate, worlds, rng)
    return {
        "kind": RUNS_KIND,
        "worlds of": f"{incidents} incidents, correlation {correlation:g}",
        "correlation": correlation,
        "target-days count": math.nan,
        "estimate covered": math.nan,
        "by estimate": math.nan,
        **_covered(rate, votes, clopper_pearson_upper(votes.first.sum(axis=1), float(incidents))),
        "votes": incidents,
    }


def _days_cell(kind: str, name: str, rate: float, worlds: int, seed: int) -> dict[str, Any]:
    kinds = (OUTAGES if kind == OUTAGES_KIND else WEAK)[name]
    votes = draw_votes(kinds, rate, worlds, generator(seed, "coverage", name, str(rate)))
    limit = design_effect_limits(votes.size, votes.stops)
    effect = design_effects(votes.size, votes.stops)
    by_estimate = limits_in(votes, np.where(np.isnan(effect), worst_design_effect(votes.size), effect))
    return {
        "kind": kind,
        "worlds of": name,
        "correlation": math.nan,
        "target-days count": float((limit > DESIGN_EFFECT_LIMIT).mean()),
        "estimate covered": int((by_estimate >= rate).sum()),
        "by estimate": float((by_estimate >= rate).mean()),
        **_covered(rate, votes, limits_in(votes, limit)),
    }


def _covered(rate: float, votes: BunchedVotes, limits: FloatArray) -> dict[str, Any]:
    """Count the worlds in which our limit covers, and those in which the naive ones do."""
    worlds, n = len(votes.stops), float(votes.size.sum())
    k = votes.stops.sum(axis=1)
    share = k / n
    wald = share + float(stats.norm.ppf(CONFIDENCE)) * np.sqrt(share * (1 - share) / n)
    covered = int((limits >= rate).sum())
    pooled, pooled_wald = int((clopper_pearson_upper(k, n) >= rate).sum()), int((wald >= rate).sum())
    return {
        "rate": rate,
        "votes": int(n),
        "worlds": worlds,
        "covered": covered,
        "coverage": covered / worlds,
        "mean limit": float(limits.mean()),
        "naive covered": pooled,
        "naive": pooled / worlds,
        "Wald covered": pooled_wald,
        "naive Wald": pooled_wald / worlds,
    }


def _claims(cells: pd.DataFrame, tolerance: float) -> list[Claim]:
    of = {kind: cells[cells["kind"] == kind] for kind in (RUNS_KIND, OUTAGES_KIND, WEAK_KIND)}
    alike = of[RUNS_KIND][of[RUNS_KIND]["correlation"] > 0]
    return [
        claim_over_cells(
            "one vote per incident: the limit covers in at least 95 % of worlds, however alike an incident's runs are",
            of[RUNS_KIND],
            k="covered",
            named=NAMED,
            at_least=0.95,
            tolerance=tolerance,
        ),
        claim_over_cells(
            "outages of fifty incidents: the limit covers in at least 95 % of worlds",
            of[OUTAGES_KIND],
            k="covered",
            named=NAMED,
            at_least=0.95,
            tolerance=tolerance,
        ),
        claim_over_cells(
            "weak bunches, of which incidents may count: the limit covers in at least 90 % of worlds",
            of[WEAK_KIND],
            k="covered",
            named=NAMED,
            at_least=0.90,
            tolerance=tolerance,
        ),
        claim_over_cells(
            "naive, all runs as independent votes: covers in less than 95 % of the worlds with alike runs",
            alike[(alike["votes"] == INCIDENTS[-1])],
            k="naive covered",
            named=NAMED,
            at_most=0.95,
        ),
        _least(
            of[OUTAGES_KIND], "naive covered", "naive, all incidents of outages: covers in less than 80 % somewhere"
        ),
        _least(
            of[OUTAGES_KIND],
            "estimate covered",
            "naive, going by the estimated design effect: covers in less than 80 % somewhere",
        ),
        _least(
            of[RUNS_KIND][of[RUNS_KIND]["correlation"] == 0],
            "Wald covered",
            "naive, Wald's limit: covers in less than 80 % somewhere even without dependence",
        ),
    ]


def _least(cells: pd.DataFrame, k: str, text: str) -> Claim:
    """A claim about the cell in which a naive method does worst."""
    worst = cells.loc[[(cells[k] / cells["worlds"]).idxmin()]]
    return claim_over_cells(text, worst, k=k, named=NAMED, at_most=0.80)


def _shown(cells: pd.DataFrame) -> pd.DataFrame:
    """Two rates of each kind of world."""
    return cells[cells["rate"].isin((0.05, 0.20))]


def _chart(cells: pd.DataFrame) -> Any:
    import plotly.graph_objects as go  # noqa: PLC0415 - 0.3 s that only a chart needs

    figure = go.Figure()
    methods = {"coverage": "our limit", "by estimate": "by estimate", "naive": "naive", "naive Wald": "naive Wald"}
    worst = cells.groupby("worlds of", sort=False)[list(methods)].min()
    for colour, (column, name) in zip(COLOURS, methods.items(), strict=False):
        known = worst[column].dropna()
        figure.add_scatter(x=known * 100, y=list(known.index), mode="markers", name=name, marker={"color": colour})
    figure.add_vline(x=95, line={"dash": "dash"})
    figure.update_layout(
        title="Share of worlds in which the upper limit covers the true rate, at the worst of the rates",
        xaxis_title="percent of worlds, at the worst of the rates",
        template="plotly_white",
        height=160 + 28 * len(worst),
    )
    figure.update_yaxes(autorange="reversed", automargin=True, categoryorder="array", categoryarray=list(worst.index))
    return figure
