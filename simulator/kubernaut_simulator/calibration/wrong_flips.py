"""Proof: a condition that stops too many good runs is made required in at most 5 % of worlds, however often one looks.

The worlds are those of `gate_worlds`: in all of them some condition is wrong, and each kind of world holds one trap
that a naive gate walks into.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from kubernaut_simulator.calibration.claims import Claim, claim_over_cells
from kubernaut_simulator.calibration.gate_worlds import (
    LOOK_EVERY,
    RECORDS,
    TARGET,
    Flips,
    late_labels,
    no_label_in_time,
    outages,
    plain,
    searched,
    together,
    versions,
)
from kubernaut_simulator.calibration.proof import ProofResult, Size, generator
from kubernaut_simulator.estimation.rates import percent
from kubernaut_simulator.estimation.sequential import ALPHA
from kubernaut_simulator.results.base import COLOURS

Play = Callable[[np.random.Generator, int], Flips]


@dataclass(frozen=True, slots=True, kw_only=True)
class Trap:
    """One kind of world.

    Attributes
    ----------
    kind : str
        The claim that it belongs to.
    name : str
    naive : str
        What the naive method does there.
    play : callable
        `(rng, worlds)` to wrong flips of our method and of the naive one.
    """

    kind: str
    name: str
    naive: str
    play: Play


PEEKING, LATE, NO_LABEL, SEARCH, VERSIONS, HOLM, OUTAGES = (
    "looking", "late labels", "no label in time", "search", "versions", "conditions", "outages",
)  # fmt: skip
CLAIMS = {
    PEEKING: f"looked at after every {LOOK_EVERY} of {RECORDS:,} records: wrong flips in at most 5 % of worlds",
    LATE: "labels of stops later than those of passes, within the label age: wrong flips in at most 5 %",
    NO_LABEL: "stops without a label at the label age, up to all of them: wrong flips in at most 5 %",
    SEARCH: "after searching 36 candidates before the cut: wrong flips in at most 5 %",
    VERSIONS: "over ten versions of a condition: any wrong flip in at most 5 %",
    HOLM: "twelve conditions tested together: any wrong flip in at most 5 %",
    OUTAGES: "outages, target-days counted: wrong flips in at most 5 %",
}
_EXACT_TEST = "exact test at 5 % at each look"
_AS_THEY_COME = "same gate, labels as they come"
_LEFT_OUT = "same gate, incidents without a label left out"
TRAPS = (
    *(
        Trap(
            kind=PEEKING, name=f"one condition at {percent(rate)}", naive=_EXACT_TEST, play=partial(plain, rates=[rate])
        )
        for rate in (0.15, 0.16, 0.18)
    ),
    Trap(
        kind=PEEKING,
        name="one condition, from 15 % rising to 25 %",
        naive=_EXACT_TEST,
        play=partial(plain, rates=np.linspace(0.15, 0.25, RECORDS).tolist()),
    ),
    *(
        Trap(
            kind=LATE,
            name=f"{per_day} a day at {percent(rate)}, late stops",
            naive=_AS_THEY_COME,
            play=partial(late_labels, rate=rate, per_day=per_day, stop_label_h=(12.0, 23.0)),
        )
        for per_day, rate in ((20, 0.15), (50, 0.15), (50, 0.18), (200, 0.18))
    ),
    *(
        Trap(
            kind=NO_LABEL,
            name=f"{percent(rate)}, no label in time: {percent(stops)} of stops, {percent(passes)} of passes",
            naive=_LEFT_OUT,
            play=partial(no_label_in_time, rate=rate, of_stops=stops, of_passes=passes),
        )
        for rate, stops, passes in (
            (0.15, 0.3, 0.0),
            (0.15, 0.6, 0.0),
            (0.15, 1.0, 0.0),
            (0.25, 0.6, 0.1),
            (0.15, 0.1, 0.1),
        )
    ),
    Trap(
        kind=SEARCH,
        name="best of 36 at 15 %, 1,000 incidents",
        naive="exact test, once, on the searched incidents",
        play=partial(searched, candidates=36, incidents=1_000, naive_looks=False),
    ),
    Trap(
        kind=SEARCH,
        name="the same, naive by our gate",
        naive="our gate on the searched incidents",
        play=partial(searched, candidates=36, incidents=1_000, naive_looks=True),
    ),
    Trap(
        kind=VERSIONS,
        name="ten versions at 15 %, 1,000 incidents each",
        naive="every version at the full 5 %",
        play=partial(versions, count=10, incidents=1_000),
    ),
    *(
        Trap(
            kind=HOLM,
            name=name,
            naive="every condition at the full 5 %",
            play=partial(together, rates=rates, alike=alike, incidents=1_000),
        )
        for name, rates, alike in (
            ("twelve at 15 %, independent", [0.15] * 12, False),
            ("twelve at 15 %, alike", [0.15] * 12, True),
            ("six at 15 %, six right ones at 3 %", [0.15] * 6 + [0.03] * 6, False),
        )
    ),
    *(
        Trap(
            kind=OUTAGES,
            name=f"{single:,} incidents and {count} outages of 50 at 15 %",
            naive="every incident of an outage counts",
            play=partial(outages, single=single, outages=count, size=50),
        )
        for single, count in ((350, 3), (1_500, 10))
    ),
)


def wrong_flips(size: Size, seed: int) -> ProofResult:
    """Try how often a condition is made required that stops too many good runs."""
    worlds = size.pick(full=20_000, reduced=600)
    cells = pd.DataFrame([_cell(trap, worlds, seed) for trap in TRAPS])
    return ProofResult(
        name="wrong-flips",
        heading="Wrong flips",
        question=f"How often is a condition made required although it stops {TARGET * 100:.0f} % or more of good runs?",
        method=(
            "Good incidents are stopped at a rate of the target or above it, and the gate "
            f"(`estimation.sequential`, one error of {ALPHA * 100:.0f} % for all conditions of a tuning) is looked "
            f"at after every {LOOK_EVERY} of them. Each kind of world holds a trap: repeated looks; labels that come "
            "within two hours for passes and after 12 to 23 hours for stops; labels of stops that are not there at the "
            "label age, each such stop counting as a false one; the best of many candidates; one version "
            "after the other; many conditions at once; outages. The gate of many worlds is computed from its line "
            "(`calibration.gates`), which a test compares with `run_gate` incident by incident."
        ),
        claims=_claims(cells, size.tolerance),
        cells=cells,
        meanings=MEANINGS,
        chart=_chart,
        size=size,
        seed=seed,
        naive=(
            "Each row names what it is compared with: the exact binomial test at every look, labels in the order in "
            "which they come, incidents without a label left out, a search on the incidents that judge, the full level "
            "for every version and condition, every incident of an outage. Each walks into the trap of its row."
        ),
        limits=(
            "A stop without a label at its age is counted as a false stop, whatever it was. That is the safe side and "
            "costs incidents where runs that did no good are labelled late or never: see "
            "[power](#power-of-the-gate). An outcome that was found inconclusive in time is an answer; where good runs "
            "that were stopped are called inconclusive more often than others, the gate does not notice.",
            "Outages are counted by target-day, as the gate does unless the incidents before the cut show that bunches "
            "of that size are harmless (`estimation.clustering.unit_for_gate`); a bunch of a size that was not seen "
            "before counts once.",
        ),
        shown_columns=["kind", "worlds of", "wrong flips", "naive wrong flips", "naive method", "worlds"],
        share_columns=("wrong flips", "naive wrong flips"),
    )


MEANINGS = {
    "kind": "the claim that the row belongs to",
    "worlds of": "what happens in them",
    "naive method": "what it is compared with",
    "worlds": "simulated worlds",
    "flips": "worlds with a wrong flip by our gate",
    "wrong flips": "share of worlds in which a wrong condition is made required by our gate",
    "naive flips": "worlds with a wrong flip by the naive method",
    "naive wrong flips": "share of worlds in which the naive method makes it required",
}


def _cell(trap: Trap, worlds: int, seed: int) -> dict[str, Any]:
    ours, naive = trap.play(generator(seed, "wrong-flips", trap.name), worlds)
    return {
        "kind": trap.kind,
        "worlds of": trap.name,
        "naive method": trap.naive,
        "worlds": worlds,
        "flips": ours,
        "wrong flips": ours / worlds,
        "naive flips": naive,
        "naive wrong flips": naive / worlds,
    }


NAIVE_CLAIMS = {
    PEEKING: (0.20, "the exact test at each look flips wrongly in more than 20 % of worlds somewhere"),
    LATE: (0.50, "labels as they come flip wrongly in more than 50 % somewhere"),
    NO_LABEL: (0.95, "incidents without a label left out flips wrongly in more than 95 % somewhere"),
    SEARCH: (0.70, "searched and judged on the same incidents flips wrongly in more than 70 %"),
    VERSIONS: (0.10, "every version at the full level flips wrongly in more than 10 %"),
    HOLM: (0.10, "every condition at the full level flips wrongly in more than 10 %"),
    OUTAGES: (0.30, "every incident of outages counted flips wrongly in more than 30 %"),
}


def _claims(cells: pd.DataFrame, tolerance: float) -> list[Claim]:
    claims = []
    for kind, text in CLAIMS.items():
        part = cells[cells["kind"] == kind]
        claims.append(
            claim_over_cells(text, part, k="flips", named={"worlds of": "{}"}, at_most=ALPHA, tolerance=tolerance)
        )
    for kind, (share, text) in NAIVE_CLAIMS.items():
        part = cells[cells["kind"] == kind]
        worst = part.loc[[part["naive wrong flips"].idxmax()]]
        claims.append(
            claim_over_cells(f"naive: {text}", worst, k="naive flips", named={"worlds of": "{}"}, at_least=share)
        )
    return claims


def _chart(cells: pd.DataFrame) -> Any:
    import plotly.graph_objects as go  # noqa: PLC0415 - 0.3 s that only a chart needs

    figure = go.Figure()
    for colour, (column, name) in zip(
        COLOURS, {"wrong flips": "our gate", "naive wrong flips": "naive"}.items(), strict=False
    ):
        figure.add_bar(
            y=cells["worlds of"], x=cells[column] * 100, name=name, orientation="h", marker={"color": colour}
        )
    figure.add_vline(x=ALPHA * 100, line={"dash": "dash"})
    figure.update_layout(
        title="Worlds in which a wrong condition is made required",
        xaxis_title="percent of worlds",
        template="plotly_white",
        height=200 + 36 * len(cells),
    )
    figure.update_yaxes(autorange="reversed", automargin=True)
    return figure
