"""Proof: a recommended timeout lets through the share of good runs that it states, or says that it was not reached.

Good runs with a known distribution of times are watched as the operator watches (`polled_times`): at the engine's
polls, under one timeout or several, some cut short. `estimation.timeouts.recommend_timeout` sees what the record
shows; the distribution says what its timeout would really let through.
"""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import pandas as pd

from kubernaut_simulator.calibration.claims import Claim, claim_over, claim_over_cells
from kubernaut_simulator.calibration.figures import share_of_worlds
from kubernaut_simulator.calibration.polled_times import (
    TimeToPass,
    Watching,
    lognormal,
    true_share,
    watch,
    weibull,
)
from kubernaut_simulator.calibration.proof import ProofResult, Size, generator
from kubernaut_simulator.estimation.rates import percent
from kubernaut_simulator.estimation.timeouts import recommend_timeout
from kubernaut_simulator.results.base import COLOURS

SHARES = (0.90, 0.95)
RUNS = (20, 60, 150, 500)

LAWS = (
    lognormal(median_s=15, sigma=0.8),
    weibull(scale_s=15, shape=0.6),
    lognormal(median_s=15, sigma=0.8, never=0.03),
    lognormal(median_s=15, sigma=0.8, never=0.08),
)
WATCHINGS = (
    Watching(name="120 s", timeouts_s=(120.0,)),
    Watching(name="40, 90, 150 s, cut short", timeouts_s=(40.0, 90.0, 150.0), interrupted=0.15),
    Watching(name="30 s, later 150 s", timeouts_s=(30.0, 30.0, 30.0, 150.0)),
    Watching(name="120 s, hold 20 s", timeouts_s=(120.0,), hold_for_s=20.0, interrupted=0.15),
)
"""Timeouts in force one after the other."""


def timeouts(size: Size, seed: int) -> ProofResult:
    """Try whether recommended timeouts let through the share that they state."""
    worlds = size.pick(full=2_000, reduced=60)
    runs = size.pick(full=RUNS, reduced=(20, 150))
    kinds = product(size.pick(full=LAWS, reduced=LAWS[1:3]), size.pick(full=WATCHINGS, reduced=WATCHINGS[1:]), runs)
    cells = pd.DataFrame([row for law, watching, n in kinds for row in _rows(law, watching, n, worlds, seed)])
    return ProofResult(
        name="timeouts",
        heading="Timeouts",
        question="Does a recommended timeout let through the share of good runs that it states?",
        method=(
            "Good runs pass at times of a known distribution (median 8 or 15 s), or never; they are looked at "
            "on the engine's own polls until the timeout in force then, and where it says so 15 % are cut short by a "
            "later step. The timeout recommended from them (`estimation.timeouts.recommend_timeout`) is held against "
            "the distribution: a world counts as missed when the timeout lets through less than the stated share. A "
            "world in which the share is not reached is no miss, because nothing was recommended; how many those are "
            "is in the table."
        ),
        claims=_claims(cells, size),
        cells=cells,
        meanings=MEANINGS,
        chart=_chart,
        size=size,
        seed=seed,
        naive=_naive_text(cells),
        limits=(
            "The level is that of the whole procedure, recommended or not. Where the share is hardly ever reached, "
            "the few recommendations that are made are the lucky ones, and among them more than 5 % may miss.",
            "Runs are independent: runs of one outage are slow together, and count once a target-day. Being cut short "
            "must not depend on how close a run was to passing.",
        ),
        shown_columns=[
            "times",
            "watched",
            "runs",
            "share",
            "covers",
            "recommended",
            "true share there",
            "naive covers",
        ],
        share_columns=("share", "covers", "recommended", "true share there", "naive covers"),
        shown_rows=_shown,
    )


MEANINGS = {
    "times": "distribution of the times to pass of good runs",
    "watched": "timeouts in force, one after the other",
    "runs": "good runs in the history",
    "share": "share of good runs that shall pass within the timeout",
    "worlds": "simulated worlds",
    "covers": "share of worlds in which nothing is missed: the timeout lets through the share, or none is recommended",
    "kept": "number of those worlds",
    "recommended": "share of worlds in which a timeout is recommended; in the others the answer is `not reached`",
    "recommendations": "number of those worlds",
    "beyond": "worlds in which the timeout lies beyond the last pass that was seen",
    "true share there": "median share of good runs that the recommended timeout truly lets through",
    "naive covers": "the same as `covers` for the percentile of the runs that passed",
    "naive kept": "number of those worlds",
}


def _rows(law: TimeToPass, watching: Watching, n: int, worlds: int, seed: int) -> list[dict[str, Any]]:
    rng = generator(seed, "timeouts", law.name, watching.name, n)
    kept = dict.fromkeys(SHARES, 0)
    beyond = dict.fromkeys(SHARES, 0)
    naive_kept = dict.fromkeys(SHARES, 0)
    reached: dict[float, list[float]] = {share: [] for share in SHARES}
    for _ in range(worlds):
        times = watch(law, watching, rng, n=n)
        passed = times.time_s[~times.censored]
        for share in SHARES:
            naive_kept[share] += _let_through(law, watching, _naive(passed, share, watching)) >= share
            found = recommend_timeout(times, hold_for_s=watching.hold_for_s, share=share)
            if found.timeout_s is None or found.pass_by_s is None:
                kept[share] += 1
                continue
            reached[share].append(_let_through(law, watching, found.timeout_s))
            kept[share] += reached[share][-1] >= share
            beyond[share] += found.pass_by_s > passed.max()
    return [
        {
            "times": law.name,
            "watched": watching.name,
            "runs": n,
            "share": share,
            "worlds": worlds,
            "covers": kept[share] / worlds,
            "kept": kept[share],
            "recommended": len(reached[share]) / worlds,
            "recommendations": len(reached[share]),
            "beyond": beyond[share],
            "true share there": float(np.median(reached[share])) if reached[share] else np.nan,
            "naive covers": naive_kept[share] / worlds,
            "naive kept": naive_kept[share],
        }
        for share in SHARES
    ]


def _let_through(law: TimeToPass, watching: Watching, timeout_s: float) -> float:
    return true_share(law, timeout_s=timeout_s, hold_for_s=watching.hold_for_s)


def _naive(passed: np.ndarray[Any, np.dtype[np.float64]], share: float, watching: Watching) -> float:
    """What a spreadsheet gives: the percentile of the times of those that passed."""
    return float(np.ceil(np.quantile(passed, share) + watching.hold_for_s)) if len(passed) else 0.0


def _claims(cells: pd.DataFrame, size: Size) -> list[Claim]:
    named = {"times": "{}", "watched": "{}", "runs": "{} runs", "share": "share {:.0%}"}
    total, beyond = int(cells["recommendations"].sum()), int(cells["beyond"].sum())
    few = cells[cells["runs"] == min(RUNS)]
    return [
        claim_over_cells(
            "a recommended timeout lets through its share of good runs, or says `not reached`, in at least 95 % of "
            "worlds",
            cells,
            k="kept",
            named=named,
            at_least=0.95,
            tolerance=size.pick(full=0.015, reduced=0.05),
        ),
        claim_over(
            "no recommendation lies beyond the last pass that was seen",
            [("", share_of_worlds(beyond, total))],
            at_most=0.0,
            tolerance=size.tolerance,
        ),
        claim_over(
            f"{min(RUNS)} good runs are too few for a share of {percent(min(SHARES))}: `not reached`, never a guess",
            [("", share_of_worlds(int(few["recommendations"].sum()), int(few["worlds"].sum())))],
            at_most=0.0,
            tolerance=size.tolerance,
        ),
    ]


def _naive_text(cells: pd.DataFrame) -> str:
    worst, middle = cells["naive covers"].min(), cells["naive covers"].median()
    return (
        "The percentile of the runs that passed leaves out those that did not and has no margin: it lets the stated "
        f"share through in {percent(float(middle))} of the worlds of a middling kind, and in {percent(float(worst))} "
        "of the worst."
    )


def _shown(cells: pd.DataFrame) -> pd.DataFrame:
    return cells[(cells["share"] == max(SHARES)) & cells["runs"].isin([150, 500])]


def _chart(cells: pd.DataFrame) -> Any:
    import plotly.graph_objects as go  # noqa: PLC0415 - 0.3 s that only a chart needs

    figure = go.Figure()
    part = cells[cells["runs"] > min(RUNS)]
    at = [f"{row.times}, {row.watched}" for row in part.itertuples()]
    for column, name, colour in (
        ("covers", "recommended by Kaplan-Meier's lower limit", COLOURS[2]),
        ("naive covers", "percentile of the runs that passed", COLOURS[1]),
    ):
        figure.add_scatter(
            x=part[column] * 100, y=at, mode="markers", name=name, marker={"color": colour, "size": 8, "opacity": 0.7}
        )
    figure.add_vline(x=95, line={"dash": "dash"})
    figure.update_layout(
        title="Worlds in which the timeout lets through what it states",
        xaxis_title="percent of worlds; one point for each number of runs and share",
        height=620,
        template="plotly_white",
    )
    figure.update_xaxes(range=[-2, 102])
    figure.update_yaxes(automargin=True)
    return figure
