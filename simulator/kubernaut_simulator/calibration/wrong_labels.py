"""Proof: labels that are wrong at known rates are corrected, and where they cannot be, that is said."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from kubernaut_simulator.calibration.claims import Claim, claim_over, claim_over_cells, shared_confidence
from kubernaut_simulator.calibration.figures import Figure, exactly, mean_over_worlds
from kubernaut_simulator.calibration.proof import ProofResult, Size, generator
from kubernaut_simulator.estimation.label_noise import Corrected, LabelQuality, corrected_false_stops
from kubernaut_simulator.estimation.rates import percent, rate
from kubernaut_simulator.results.base import COLOURS

GOOD = 0.8
FAILS_BAD = 0.6
RATES = (0.05, 0.10, 0.15)
QUALITIES = ((0.95, 0.95), (0.90, 0.80), (0.80, 0.90))
"""Sensitivity and specificity of the labels."""

VOTES = (200, 1_000)
KNOWN, SHARED, UNTOLD = "known errors", "label shares the condition's facts", "the same, not declared"
BLIND = 0.9
"""Where the label rests on the condition's own facts: share of failed runs that it calls bad whatever they were."""


def wrong_labels(size: Size, seed: int) -> ProofResult:
    """Try the correction of false stops for labels that err."""
    worlds = size.pick(full=2_000, reduced=150)
    groups = [
        _worlds(KNOWN, true, LabelQuality(sensitivity=se, specificity=sp), n=n, worlds=worlds, seed=seed)
        for n in VOTES
        for se, sp in QUALITIES
        for true in RATES
    ]
    told = LabelQuality(sensitivity=0.95, specificity=0.95, shares_facts=True)
    untold = LabelQuality(sensitivity=0.95, specificity=0.95)
    groups += [
        _worlds(kind, 0.10, quality, n=VOTES[-1], worlds=worlds, seed=seed)
        for kind, quality in ((SHARED, told), (UNTOLD, untold))
    ]
    cells = pd.DataFrame([_cell(part) for part in groups])
    return ProofResult(
        name="wrong-labels",
        heading="Labels that are wrong",
        question="Is the rate of false stops right when labels err at known rates, and is it said when it cannot be?",
        method=(
            f"{GOOD * 100:.0f} % of runs are good; the condition fails a known share of them and "
            f"{FAILS_BAD * 100:.0f} % "
            "of the bad ones. Labels say good of good runs at the sensitivity and bad of bad runs at the specificity, "
            "whether the condition failed or not. Tried is `estimation.label_noise.corrected_false_stops` "
            "(Rogan-Gladen "
            "in each group, then Bayes) with its one-sided limit. In the last worlds the label rests on facts that the "
            f"condition reads: it calls {BLIND * 100:.0f} % of failed runs bad, whatever they were."
        ),
        claims=_claims(groups, cells, size),
        cells=cells,
        meanings=MEANINGS,
        chart=_chart,
        size=size,
        seed=seed,
        naive=(
            "It takes labels as they are. Bad runs that are called good bring their failures along, so a right "
            "condition "
            "looks worse than it is; where the label rests on the condition's own facts, a wrong one looks harmless, "
            "and "
            "its limit lies below the truth."
        ),
        limits=(
            "The last row is the same worlds with the shared facts not declared: the correction then is as wrong as "
            "the "
            "naive rate, and no formula can notice. Which labels are independent is therefore decided by their source "
            "(`estimation.labels`), and only those may move the gate.",
            "Sensitivity and specificity are taken as known exactly and equal in both groups.",
        ),
        shown_columns=SHOWN,
        share_columns=tuple(name for name in SHOWN if name not in ("worlds of", "votes")),
    )


SHOWN = [
    "worlds of", "votes", "true rate", "corrected", "limit covers", "naive rate", "naive limit covers",
    "not identifiable",
]  # fmt: skip
MEANINGS = {
    "kind": "known errors, or a label that shares facts with the condition",
    "worlds of": "sensitivity and specificity of the labels",
    "votes": "labelled votes of a world",
    "true rate": "true share of good runs that the condition fails",
    "worlds": "simulated worlds",
    "corrected": "mean corrected estimate",
    "covered": "worlds whose corrected one-sided 95 % limit is at or above the true rate",
    "limit covers": "their share",
    "naive rate": "mean share of failed among runs labelled good",
    "naive covered": "worlds whose Clopper-Pearson limit of labels as they are is at or above the true rate",
    "naive limit covers": "their share",
    "said": 'worlds in which the answer is "not identifiable"',
    "not identifiable": "their share",
}


def _worlds(kind: str, true: float, quality: LabelQuality, *, n: int, worlds: int, seed: int) -> pd.DataFrame:
    rng = generator(seed, "wrong-labels", kind, str(true), str(quality.sensitivity), str(quality.specificity), n)
    good = rng.random((worlds, n)) < GOOD
    failed = rng.random((worlds, n)) < np.where(good, true, FAILS_BAD)
    says_good = rng.random((worlds, n)) < np.where(good, quality.sensitivity, 1 - quality.specificity)
    if kind != KNOWN:
        says_good &= ~(failed & (rng.random((worlds, n)) < BLIND))
    rows = []
    for counts in zip(*(flags.sum(axis=1) for flags in (says_good & failed, failed, says_good & ~failed)), strict=True):
        good_failed, failed_votes, good_other = (int(count) for count in counts)
        found = corrected_false_stops(
            good_failed=good_failed,
            failed=failed_votes,
            good_not_failed=good_other,
            not_failed=n - failed_votes,
            quality=quality,
        )
        rows.append(_row(found, good_failed, good_other, true))
    name = f"sensitivity {percent(quality.sensitivity)}, specificity {percent(quality.specificity)}"
    return pd.DataFrame(rows).assign(kind=kind, true=true, votes=n, name=name if kind == KNOWN else kind)


def _row(found: Corrected, good_failed: int, good_other: int, true: float) -> dict[str, Any]:
    naive = rate(good_failed, good_failed + good_other)
    return {
        "said": found.text().startswith("not identifiable"),
        "corrected": np.nan if found.estimate is None else found.estimate,
        "covered": found.upper is not None and found.upper >= true,
        "naive": np.nan if naive.estimate is None else naive.estimate,
        "naive covered": naive.upper >= true,
    }


def _cell(part: pd.DataFrame) -> dict[str, Any]:
    first, worlds = part.iloc[0], len(part)
    return {
        "kind": first["kind"],
        "worlds of": first["name"],
        "votes": int(first["votes"]),
        "true rate": float(first["true"]),
        "worlds": worlds,
        "corrected": float(part["corrected"].mean()),
        "covered": int(part["covered"].sum()),
        "limit covers": float(part["covered"].mean()) if not part["said"].all() else np.nan,
        "naive rate": float(part["naive"].mean()),
        "naive covered": int(part["naive covered"].sum()),
        "naive limit covers": float(part["naive covered"].mean()),
        "said": int(part["said"].sum()),
        "not identifiable": float(part["said"].mean()),
    }


def _claims(groups: list[pd.DataFrame], cells: pd.DataFrame, size: Size) -> list[Claim]:
    named = {"worlds of": "{}", "votes": "{} votes", "true rate": "rate {:.0%}"}
    known = [part for part in groups if part["kind"].iloc[0] == KNOWN]
    large = [part for part in known if part["votes"].iloc[0] == VOTES[-1]]
    bias = size.pick(full=0.01, reduced=0.02)
    shared = cells[cells["kind"] == SHARED]
    worst = max(large, key=lambda part: float(part["naive"].mean() - part["true"].iloc[0]))
    return [
        claim_over_cells(
            "the corrected limit covers in at least 95 % of worlds",
            cells[cells["kind"] == KNOWN],
            k="covered",
            named=named,
            at_least=0.95,
            tolerance=size.pick(full=0.015, reduced=0.05),
        ),
        claim_over(
            f"the corrected rate is right on average at {VOTES[-1]:,} votes, to {bias * 100:g} percentage points",
            _errors(large, "corrected"),
            at_least=0.0,
            at_most=0.0,
            tolerance=bias,
        ),
        claim_over(
            'where label and condition share facts, the answer is "not identifiable", always',
            [("", exactly(float(shared["not identifiable"].iloc[0])))],
            at_least=1.0,
        ),
        claim_over(
            "naive: labels as they are read at least 2 points too much somewhere",
            _errors([worst], "naive"),
            at_least=0.02,
        ),
        claim_over_cells(
            "naive: with a label that shares facts, the limit of labels as they are covers in at most 10 %",
            shared,
            k="naive covered",
            named=named,
            at_most=0.10,
        ),
    ]


def _errors(groups: list[pd.DataFrame], column: str) -> list[tuple[str, Figure]]:
    confidence = shared_confidence(len(groups))
    return [
        (
            f"{part['name'].iloc[0]}, rate {percent(part['true'].iloc[0])}",
            mean_over_worlds(part[column] - part["true"], confidence=confidence),
        )
        for part in groups
    ]


def _chart(cells: pd.DataFrame) -> Any:
    import plotly.graph_objects as go  # noqa: PLC0415 - 0.3 s that only a chart needs

    part = cells[(cells["votes"] == VOTES[-1]) & (cells["kind"] == KNOWN)]
    names = [f"{row['worlds of']}, true {percent(row['true rate'])}" for row in part.to_dict("records")]
    figure = go.Figure()
    for colour, column, name in zip(
        COLOURS, ("true rate", "corrected", "naive rate"), ("truth", "corrected", "labels as they are"), strict=False
    ):
        figure.add_scatter(y=names, x=part[column] * 100, mode="markers", name=name, marker={"color": colour})
    figure.update_layout(
        title=f"P(F|G) read from labels that err, {VOTES[-1]:,} votes",
        xaxis_title="mean over worlds, percent",
        template="plotly_white",
        height=160 + 32 * len(part),
    )
    figure.update_yaxes(autorange="reversed", automargin=True)
    return figure
