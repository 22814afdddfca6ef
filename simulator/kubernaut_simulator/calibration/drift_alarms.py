"""Proof: drift is hardly ever flagged where nothing changed, and soon where something did.

Incidents are made with known rates and times (`recorded_votes`); `estimation.drift.drift` sees the votes that are cast
from them. Outages strike a few days with incidents that all end alike, because days that differ by chance are what a
test for drift must not take for one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from kubernaut_simulator.calibration.claims import Claim, claim_over_cells
from kubernaut_simulator.calibration.proof import ProofResult, Size, generator
from kubernaut_simulator.calibration.recorded_votes import MadeIncidents, votes_of
from kubernaut_simulator.estimation.drift import DRIFT_ALPHA, drift
from kubernaut_simulator.estimation.rates import percent
from kubernaut_simulator.results.base import COLOURS

CAPACITY = "scale_deployment/step/pre/cluster_capacity_available"
REPLICAS = "scale_deployment/step/post/desired_replicas_running"

DAYS = 40
CHANGE_DAY = 20
PER_DAY = 6.0
MEDIAN_S, SIGMA = 20.0, 0.6


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """A kind of world.

    Attributes
    ----------
    stops : tuple of float
        False stops of a precondition before and after the change.
    slower : float
        Factor on the time to pass of a postcondition after it.
    outages : float
        Chance of an outage on a day: eight more incidents, of one verdict and twice as slow or twice as fast.
    """

    name: str
    stops: tuple[float, float] = (0.06, 0.06)
    slower: float = 1.0
    outages: float = 0.0

    @property
    def changes(self) -> bool:
        """Whether there is anything to flag."""
        return self.stops[0] != self.stops[1] or self.slower != 1.0


KINDS = (
    Kind(name="nothing changes"),
    Kind(name="nothing changes, outages", outages=0.15),
    Kind(name="false stops 6 to 12 %", stops=(0.06, 0.12)),
    Kind(name="false stops 6 to 30 %", stops=(0.06, 0.30)),
    Kind(name="1.3 times slower", slower=1.3),
    Kind(name="twice as slow", slower=2.0),
    Kind(name="three times slower", slower=3.0),
)
CLEAR = ("false stops 6 to 30 %", "twice as slow", "three times slower")
"""Changes that nobody would like to miss."""

FEW = ("nothing changes", "nothing changes, outages", "three times slower")
"""What a reduced run tries."""


def drift_alarms(size: Size, seed: int) -> ProofResult:
    """Try when drift is flagged."""
    worlds = size.pick(full=400, reduced=12)
    kinds = size.pick(full=KINDS, reduced=tuple(kind for kind in KINDS if kind.name in FEW))
    cells = pd.DataFrame([_cell(kind, worlds, seed) for kind in kinds])
    return ProofResult(
        name="drift-alarms",
        heading="Drift",
        question="Is drift flagged where something changed, and left alone where nothing did?",
        method=(
            f"{DAYS} days with {PER_DAY:g} good incidents a day on average; a precondition stops a known share of "
            f"them, a postcondition passes after lognormal times with a median of {MEDIAN_S:g} s. Halfway something "
            "changes, or nothing does. A world is flagged when any condition is, false stops or time to pass "
            "(`estimation.drift.drift`); outages bring eight more incidents to a day, all of one verdict."
        ),
        claims=_claims(cells, size),
        cells=cells,
        meanings=MEANINGS,
        chart=_chart,
        size=size,
        seed=seed,
        naive=_naive_text(cells),
        limits=("One change at one moment, in the middle; a slow change is flagged later and dated badly.",),
        share_columns=("flagged", "day within limits", "naive flagged"),
        shown_columns=["world", "worlds", "flagged", "day within limits", "naive flagged"],
    )


MEANINGS = {
    "world": "what changes",
    "worlds": "simulated worlds",
    "flagged": "share in which drift is flagged",
    "times flagged": "number of those",
    "day within limits": "of the flagged, share in which the true day lies between the two that are given",
    "naive flagged": (
        "share in which the second half differs from the first at 5 % by Fisher's exact test on stops or a rank test "
        "on times"
    ),
}


def made(kind: Kind, rng: np.random.Generator) -> MadeIncidents:
    """Draw good incidents of one world."""
    day = np.repeat(np.arange(DAYS), rng.poisson(PER_DAY, DAYS))
    alone = len(day)
    struck = np.repeat(np.flatnonzero(rng.random(DAYS) < kind.outages), 8)
    day = np.concatenate([day, struck])
    after = day >= CHANGE_DAY
    failed = rng.random(len(day)) < np.where(after, kind.stops[1], kind.stops[0])
    time_s = rng.lognormal(np.log(MEDIAN_S), SIGMA, len(day)) * np.where(after, kind.slower, 1.0)
    # All incidents of an outage share one verdict and one pace.
    verdict_of_day = rng.random(DAYS) < kind.stops[0]
    pace_of_day = np.where(rng.random(DAYS) < 0.5, 0.5, 2.0)
    failed[alone:] = verdict_of_day[struck]
    time_s[alone:] *= pace_of_day[struck]
    moment: NDArray[np.float64] = day + rng.random(len(day))
    order = np.argsort(moment, kind="stable")
    target = np.where(np.arange(len(day)) < alone, rng.integers(50, size=len(day)), 50)
    return MadeIncidents(
        days=moment[order],
        targets=[f"target-{one}" for one in target[order]],
        good=np.ones(len(day), dtype=bool),
        failed={CAPACITY: failed[order]},
        passes_after_s={REPLICAS: time_s[order]},
    )


def _cell(kind: Kind, worlds: int, seed: int) -> dict[str, Any]:
    rng = generator(seed, "drift-alarms", kind.name)
    flagged = inside = naive = 0
    for _ in range(worlds):
        incidents = made(kind, rng)
        votes = votes_of(incidents)
        found = [one for one in drift(votes) if one.flagged]
        flagged += bool(found)
        true_day = votes["run_started_at"].min().floor("D") + pd.Timedelta(days=CHANGE_DAY)
        inside += any(
            one.earliest is not None and one.latest is not None and one.earliest <= true_day <= one.latest
            for one in found
        )
        naive += _naive(incidents)
    return {
        "world": kind.name,
        "worlds": worlds,
        "flagged": flagged / worlds,
        "times flagged": flagged,
        "day within limits": inside / flagged if flagged and kind.changes else np.nan,
        "naive flagged": naive / worlds,
    }


def _naive(incidents: MadeIncidents) -> bool:
    """Compare halves, each question at 5 % and every incident for itself."""
    after = incidents.days >= CHANGE_DAY
    failed, time_s = incidents.failed[CAPACITY], incidents.passes_after_s[REPLICAS]
    counts = np.array([[int((failed & side).sum()), int((~failed & side).sum())] for side in (after, ~after)])
    stops = float(stats.fisher_exact(counts).pvalue)
    times = float(stats.mannwhitneyu(time_s[after], time_s[~after]).pvalue)
    return min(stops, times) < DRIFT_ALPHA


def _claims(cells: pd.DataFrame, size: Size) -> list[Claim]:
    still = cells[cells["world"].str.startswith("nothing")]
    clear = cells[cells["world"].isin(CLEAR)]
    tolerance = size.pick(full=0.03, reduced=0.4)
    return [
        claim_over_cells(
            f"where nothing changes, anything at all is flagged in at most {DRIFT_ALPHA:.0%} of worlds",
            still,
            k="times flagged",
            named={"world": "{}"},
            at_most=DRIFT_ALPHA,
            tolerance=tolerance,
        ),
        claim_over_cells(
            "a change that nobody would like to miss is flagged in at least 95 % of worlds",
            clear,
            k="times flagged",
            named={"world": "{}"},
            at_least=0.95,
            tolerance=tolerance,
        ),
    ]


def _naive_text(cells: pd.DataFrame) -> str:
    still = cells.set_index("world")["naive flagged"]
    return (
        "Comparing the second half with the first, each question at 5 % and every incident for itself, flags "
        f"{percent(float(still['nothing changes']))} of the worlds in which nothing changes, and "
        f"{percent(float(still['nothing changes, outages']))} of those with outages; it also has to be told when to "
        "cut."
    )


def _chart(cells: pd.DataFrame) -> Any:
    import plotly.graph_objects as go  # noqa: PLC0415 - 0.3 s that only a chart needs

    figure = go.Figure()
    for column, name, colour in (
        ("flagged", "change point, whole days dealt", COLOURS[2]),
        ("naive flagged", "halves compared", COLOURS[1]),
    ):
        figure.add_bar(x=cells["world"], y=cells[column] * 100, name=name, marker={"color": colour})
    figure.add_hline(y=5, line={"dash": "dash"})
    figure.update_layout(
        title="Worlds in which drift is flagged (the dashed line is 5 %)",
        yaxis_title="percent of worlds",
        barmode="group",
        template="plotly_white",
    )
    return figure
