"""One card per condition: decision, every rate, evidence, how long good runs take, what it detects, false stops."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pandas as pd

from kubernaut_simulator.estimation.rates import Rate, percent
from kubernaut_simulator.results.base import MISSING
from kubernaut_simulator.results.report_charts import evidence_chart, evidence_twin, pass_chart, pass_twin
from kubernaut_simulator.results.report_tables import Chart, Charts, Table, table_of
from kubernaut_simulator.results.report_words import decision_cells
from kubernaut_simulator.results.wording import how_many, short_names

if TYPE_CHECKING:
    from kubernaut_simulator.estimation.detection import Detection
    from kubernaut_simulator.estimation.false_stops import FalseStops
    from kubernaut_simulator.results.report_contents import ReportContents
    from kubernaut_simulator.results.report_examples import Example
    from kubernaut_simulator.results.timeouts import ConditionTimeout
    from kubernaut_simulator.tuning.result import ConditionDecision


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """What the page says of one condition.

    Attributes
    ----------
    anchor : str
        Where links of the page lead.
    name, identity : str
        Short, and whole.
    about : str
        What its policy asks, by the policy itself.
    cells : mapping of str to str
        Of its row in the decision table.
    rates : Table or None
        None where no incident has voted.
    counted : sequence of str
        What the rates count, and what is in none of them.
    evidence, times : Chart or None
    evidence_why, times_why : str
        Why there is no chart; empty where there is one.
    timeout : str
        What good runs say of the timeout; empty for a precondition.
    waiting : str
        What the other runs cost under that timeout; empty where not known.
    detects : sequence of str
    examples : sequence of Example
    """

    anchor: str
    name: str
    identity: str
    about: str
    cells: Mapping[str, str]
    rates: Table | None
    counted: Sequence[str]
    evidence: Chart | None
    evidence_why: str
    times: Chart | None
    times_why: str
    timeout: str
    waiting: str
    detects: Sequence[str]
    examples: Sequence[Example]


def cards(contents: ReportContents, charts: Charts) -> list[Card]:
    """Make the cards, in order of identity."""
    tuning = contents.tuning
    names = short_names(str(one.condition) for one in tuning.decisions)
    stops = {one.condition: one for one in contents.false_stops.conditions if not one.candidate}
    times = {one.condition: one for one in contents.timeouts.conditions if not one.candidate}
    detected = {one.condition: one for one in contents.detection.conditions if not one.candidate}
    return [
        _card(
            contents,
            charts,
            decision,
            name=names[str(decision.condition)],
            anchor=f"condition-{place}",
            stops=stops.get(str(decision.condition)),
            times=times.get(str(decision.condition)),
            detected=detected.get(str(decision.condition)),
        )
        for place, decision in enumerate(tuning.decisions, start=1)
    ]


def _card(
    contents: ReportContents,
    charts: Charts,
    decision: ConditionDecision,
    *,
    name: str,
    anchor: str,
    stops: FalseStops | None,
    times: ConditionTimeout | None,
    detected: Detection | None,
) -> Card:
    tuning, identity = contents.tuning, str(decision.condition)
    policy = tuning.after[decision.condition.level].policies.get(decision.condition)
    evidence, evidence_why = None, "no good incident after the cut was judged by it"
    if decision.gate is not None and decision.gate.stops.enough:
        caption = f"Evidence over time: {name}"
        twin = table_of(evidence_twin(tuning, identity), caption=f"{caption}, some of its points")
        evidence, evidence_why = charts.of(evidence_chart(tuning, identity), caption=caption, twin=twin), ""
    elif decision.gate is not None:
        evidence_why = decision.gate.why
    curve, times_why = None, ""
    if times is not None and len(times.curve.time_s):
        caption = f"Time to pass among good runs: {name}"
        twin = table_of(pass_twin(times), caption=caption)
        curve = charts.of(pass_chart(tuning, times), caption=caption, twin=twin)
    elif times is not None:
        times_why = times.recommendation.text()
    return Card(
        anchor=anchor,
        name=name,
        identity=identity,
        about="" if policy is None else policy.metadata.description or policy.metadata.title,
        cells=decision_cells(decision),
        rates=None if stops is None else _rates(stops, detected, name),
        counted=() if stops is None else _counted(stops, contents.false_stops.not_replayable.get(identity, {})),
        evidence=evidence,
        evidence_why=evidence_why,
        times=curve,
        times_why=times_why,
        timeout="" if times is None else times.recommendation.text(),
        waiting="" if times is None else _waiting(times),
        detects=() if detected is None else _detects(detected),
        examples=contents.examples.get(identity, ()),
    )


def _rates(stops: FalseStops, detected: Detection | None, name: str) -> Table:
    shown = stops.shown
    rows: list[tuple[str, str, Rate]] = [
        ("P(stop|G)", "of the good, stopped (Failed or Error): what the gate bounds", shown.stop_given_good),
        ("P(F|G)", "of the good, Failed", shown.failed_given_good),
        ("P(E|G)", "of the good, Error: it could not be judged", shown.error_given_good),
        ("P(G|F)", "of the Failed, did good after all", shown.good_given_failed),
        ("P(F and G)", "of all with an outcome, Failed and good", shown.failed_and_good),
    ]
    if detected is not None:
        rows += [
            ("P(F|B)", "of those that did no good, Failed: what it detects", detected.failed_given_bad),
            ("P(B|F)", "of the Failed, did no good: precision", detected.bad_given_failed),
        ]
    data = pd.DataFrame(
        [
            {
                "rate": rate_name,
                "reads": meaning,
                "k / n": f"{one.k} / {one.n}" if one.n else MISSING,
                "estimate": "not enough data" if not one.enough or one.estimate is None else percent(one.estimate),
                "lower 95 %": percent(one.lower) if one.n else MISSING,
                "upper 95 %": percent(one.upper) if one.n else MISSING,
            }
            for rate_name, meaning, one in rows
        ]
    )
    right = ["k / n", "estimate", "lower 95 %", "upper 95 %"]
    return table_of(data, caption=f"Rates of {name}", right=right)


def _counted(stops: FalseStops, not_replayable: Mapping[str, int]) -> list[str]:
    effect = stops.clustering.design_effect
    bunches = "not known: all votes agree" if effect is None else f"{effect:.2f}"
    said = [
        f"one vote per {stops.unit.value}; {how_many(stops.votes, 'incident')} evaluated it; design effect {bunches}"
    ]
    said += [f"{count:,} in no rate: {why}" for why, count in stops.without_outcome.items()]
    if stops.censored:
        said.append(f"{stops.censored:,} in no rate: observation ended before the timeout")
    said += [f"{how_many(count, 'evaluation')} not replayable: {why}" for why, count in not_replayable.items()]
    return said


def _waiting(times: ConditionTimeout) -> str:
    cost = times.waiting
    if cost is None or not cost.n:
        return ""
    others = f"the {how_many(cost.n, 'run')} that did no good would wait {cost.mean_s:.0f} s on average"
    return f"{others}, {cost.to_the_end:,} of them to the end"


def _detects(detected: Detection) -> list[str]:
    said = [detected.text()]
    if detected.fired:
        said.append(f"before the workflow ended: {detected.before_end.text()}")
    return said
