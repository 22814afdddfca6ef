"""Proof: what a what-if says of a history is what happens when the same incidents are played on those terms.

A generated world is played twice with the same seed: in warn mode, and on other terms by the operator's own engine. The
first is asked what the other terms would have done; the second knows. Only first runs are compared: what enforcement
does to a first run decides when the next one starts, and from there on the two are different worlds.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from kubernaut.verdicts import Verdict
from kubernaut_simulator.calibration.claims import Claim, claim_over
from kubernaut_simulator.calibration.figures import share_of_worlds
from kubernaut_simulator.calibration.generated_worlds import Terms, enforced, generated
from kubernaut_simulator.calibration.proof import ProofResult, Size
from kubernaut_simulator.results.base import COLOURS
from kubernaut_simulator.whatif.timelines import VERDICTS
from kubernaut_simulator.whatif.whatif import WhatIf
from kubernaut_simulator.worlds.generate import GeneratedWorld

CAPACITY = "scale_deployment/step/pre/cluster_capacity_available"
CRASHLOOP = "scale_deployment/action/post/no_crashloop_pods"
REPLICAS = "scale_deployment/step/post/desired_replicas_running"
HEALTH = "scale_deployment/step/post/deployment_health_check"

ENFORCED = (CAPACITY, CRASHLOOP, REPLICAS)

SAME, STOPS_ALIKE, RELEASED, UNCERTAIN, NOT_REPLAYABLE, DIFFERENT = (
    "the same",
    "stops alike, Failed or Error",
    "blocked, then released",
    "said to be uncertain",
    "said not to be replayable",
    "different",
)


KINDS = (SAME, STOPS_ALIKE, RELEASED, UNCERTAIN, NOT_REPLAYABLE, DIFFERENT)


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """Other terms of one condition.

    Attributes
    ----------
    key : str
        Of settings.yaml: ``timeout`` or ``holdFor``.
    seconds : float
    """

    condition: str
    key: str
    seconds: float

    @property
    def name(self) -> str:
        """For people, e.g. ``no_crashloop_pods, holdFor 60 s``."""
        return f"{self.condition.rsplit('/', 1)[1]}, {self.key} {self.seconds:g} s"

    @property
    def terms(self) -> Terms:
        """As settings."""
        return ((self.condition, self.key, f"{self.seconds:g}s"),)

    def asked(self, base: WhatIf) -> WhatIf:
        """Ask a history the same."""
        change = base.with_timeout if self.key == "timeout" else base.with_hold_for
        return change(self.condition, self.seconds)


QUESTIONS = (
    Question(condition=REPLICAS, key="timeout", seconds=45.0),
    Question(condition=HEALTH, key="timeout", seconds=60.0),
    Question(condition=CRASHLOOP, key="holdFor", seconds=5.0),
    Question(condition=CRASHLOOP, key="holdFor", seconds=60.0),
    Question(condition=HEALTH, key="holdFor", seconds=30.0),
)


def what_if(size: Size, seed: int) -> ProofResult:
    """Try whether a what-if says what happens."""
    scenarios = size.pick(full=("steady", "capacity-crunch", "flapping", "metrics-away"), reduced=("steady",))
    incidents = size.pick(full=200, reduced=16)
    questions = size.pick(full=QUESTIONS, reduced=QUESTIONS[-2:-1])
    rows = []
    for scenario in scenarios:
        base = generated(scenario, seed=seed % 1_000, incidents=incidents)
        asked = WhatIf(base.history()).prepared()
        other = generated(scenario, seed=seed % 1_000, incidents=incidents, terms=enforced(ENFORCED))
        rows.append(_row(scenario, "enforced at 100 %: who is stopped, by what", stops_compared(base, asked, other)))
        for one in questions:
            other = generated(scenario, seed=seed % 1_000, incidents=incidents, terms=one.terms)
            rows.append(_row(scenario, one.name, verdicts_compared(base, one, asked, other)))
    cells = pd.DataFrame(rows)
    return ProofResult(
        name="what-if",
        heading="What-if against what happens",
        question="Does a what-if say what happens when the same incidents are really played on those terms?",
        method=(
            f"{incidents} incidents of each scenario are played in warn mode and, with the same seed, on other terms "
            f"by the engine: {len(ENFORCED)} conditions enforced on every run, or another timeout or holdFor. A "
            "what-if on the warn-mode history is compared run by run with what was recorded on the other terms, for "
            "the first run of each incident: which condition stops it, or the verdict of the condition. What the "
            "what-if itself says it cannot know counts apart."
        ),
        claims=_claims(cells),
        cells=cells,
        meanings=MEANINGS,
        chart=_chart,
        size=size,
        seed=seed,
        limits=(
            "A blocked run may go on when the facts recover; a history of runs that were let through cannot know when, "
            "so the what-if says `blocked` and adds that it does not know for how long.",
            "A shorter timeout has a poll on its deadline that the history lacks; where the API server does not "
            "answer that one, the verdict is Error instead of Failed.",
            "A longer holdFor than the recorded one is answered by the runs that were watched on after their pass "
            "(one in five) and by those that had not passed; the others are said not to be replayable.",
        ),
    )


MEANINGS = {
    "scenario": "shipped scenario",
    "terms": "what is asked, and played",
    "runs": "first runs compared",
    SAME: "runs of which the what-if says what happened",
    STOPS_ALIKE: "Failed here, Error there: both stop, on a poll on the new deadline that the history does not have",
    RELEASED: "blocked first, as said, and released when facts recovered: no warn-mode history knows how long it takes",
    UNCERTAIN: "runs where the what-if says that a poll on the new deadline might have said otherwise",
    NOT_REPLAYABLE: "runs where the what-if says that nobody looked long enough",
    DIFFERENT: "runs of which it says anything else than what happened",
}


def stops_compared(base: GeneratedWorld, asked: WhatIf, other: GeneratedWorld) -> Counter[str]:
    """Compare who is stopped by what, first runs only."""
    for condition in ENFORCED:
        asked = asked.with_required(condition).with_percent(condition, 100.0)
    said = asked.result().workflows.set_index("workflow_uid")[["effect", "stopped_by"]]
    executions = other.history().executions.to_pandas().set_index("workflow_uid")
    found: Counter[str] = Counter()
    for uid in _first_runs(base):
        effect, by = said.loc[uid]
        run = executions.loc[uid]
        result = "" if run["result"] == "succeeded" else str(run["result"])
        stopped_by = list(run["stopped_by"])
        if effect == "blocked" and result != "blocked" and run["blocked_s"] > 0:
            found[RELEASED] += 1
        else:
            same = effect == result and (by in stopped_by if effect else not stopped_by)
            found[SAME if same else DIFFERENT] += 1
    return found


def verdicts_compared(base: GeneratedWorld, one: Question, asked: WhatIf, other: GeneratedWorld) -> Counter[str]:
    """Compare the verdicts of the condition whose terms are others, first runs only."""
    result = one.asked(asked).result()
    said = _of_condition(asked.history.evaluations.to_pandas(), one.condition)
    played = _of_condition(other.history().evaluations.to_pandas(), one.condition)
    happened = played.set_index("workflow_uid")["verdict"]
    found: Counter[str] = Counter()
    first = set(_first_runs(base))
    for row, uid in zip(said.index.tolist(), said["workflow_uid"].tolist(), strict=True):
        if uid not in first:
            continue
        verdict = VERDICTS[int(result.verdict[row])]
        if verdict.value == happened.loc[uid]:
            found[SAME] += 1
        elif {verdict.value, happened.loc[uid]} == {Verdict.FAILED.value, Verdict.ERROR.value}:
            found[STOPS_ALIKE] += 1
        elif not result.replayable[row] or verdict is Verdict.CENSORED:
            found[NOT_REPLAYABLE] += 1
        else:
            found[UNCERTAIN if not result.certain[row] else DIFFERENT] += 1
    return found


def _of_condition(evaluations: pd.DataFrame, condition: str) -> pd.DataFrame:
    parts = dict(zip(("action", "level", "phase", "type"), condition.split("/"), strict=True))
    wanted = np.logical_and.reduce([evaluations[name] == value for name, value in parts.items()])
    found: pd.DataFrame = evaluations[wanted & ~evaluations["candidate"]]
    return found


def _first_runs(world: GeneratedWorld) -> list[str]:
    return [row.workflow_uid for row in world.truth if row.run == 1]


def _row(scenario: str, terms: str, found: Counter[str]) -> dict[str, Any]:
    return {"scenario": scenario, "terms": terms, "runs": found.total(), **{kind: found[kind] for kind in KINDS}}


def _claims(cells: pd.DataFrame) -> list[Claim]:
    def all_of(part: pd.DataFrame) -> list[tuple[str, Any]]:
        return [("", share_of_worlds(int(part[DIFFERENT].sum()), int(part["runs"].sum())))]

    stops = cells["terms"].str.startswith("enforced")
    few = int(cells["runs"].min())
    tolerance = 0.01 if few >= 100 else 0.3
    return [
        claim_over(
            "what a what-if says would be stopped is what enforcement stops; runs of which it says otherwise: none",
            all_of(cells[stops]),
            at_most=0.0,
            tolerance=tolerance,
        ),
        claim_over(
            "on another timeout or holdFor a run stops or passes as in a world played so; differences not announced: "
            "none",
            all_of(cells[~stops]),
            at_most=0.0,
            tolerance=tolerance,
        ),
    ]


def _chart(cells: pd.DataFrame) -> Any:
    import plotly.graph_objects as go  # noqa: PLC0415 - 0.3 s that only a chart needs

    figure = go.Figure()
    at = [f"{row.terms} ({row.scenario})" for row in cells.itertuples()]
    colours = (COLOURS[2], COLOURS[3], COLOURS[5], COLOURS[4], COLOURS[7], COLOURS[1])
    for colour, kind in zip(colours, KINDS, strict=True):
        figure.add_bar(x=cells[kind] / cells["runs"] * 100, y=at, name=kind, orientation="h", marker={"color": colour})
    figure.update_layout(
        title="What-if against what happened, first runs",
        xaxis_title="percent of runs",
        barmode="stack",
        height=120 + 26 * len(cells),
        template="plotly_white",
    )
    figure.update_yaxes(autorange="reversed", automargin=True)
    return figure
