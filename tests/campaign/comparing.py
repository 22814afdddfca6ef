"""A campaign held against a generated world of the same faults: the same rates, and the same curves of time to pass?

The world is told only what the plan and the settings say (which faults how often, which times, how long pods take that do
next to nothing), never what came of it. Each row says whether the two 95 % intervals meet; whoever reads the table says
why where they do not.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from kubernaut_simulator.estimation.labels import Label
from kubernaut_simulator.estimation.rates import Interval, wilson
from kubernaut_simulator.estimation.survival import PassCurve, kaplan_meier, pass_times
from kubernaut_simulator.estimation.votes import cast_votes
from kubernaut_simulator.history.history import History
from kubernaut_simulator.worlds.causes import Cause
from kubernaut_simulator.worlds.generate import generate
from kubernaut_simulator.worlds.scenario import Scenario

from kubernaut.identity import Level, Phase

from .plan import Fault
from .running import Note
from .terms import LOOK_S, POST_TIMEOUT_S, campaign_settings

CAUSES: Mapping[Fault, Cause] = {
    Fault.HEALTHY: Cause.LOAD_SPIKE,
    Fault.CRASH_ONCE: Cause.LOAD_SPIKE,
    Fault.PULL_SECRET_UNUSED: Cause.LOAD_SPIKE,
    Fault.API_SLOW: Cause.LOAD_SPIKE,
    Fault.METRICS_AWAY: Cause.LOAD_SPIKE,
    Fault.NO_CPU: Cause.NO_CAPACITY,
    Fault.NO_MEMORY: Cause.NO_CAPACITY,
    Fault.WRONG_IMAGE: Cause.BAD_IMAGE,
    Fault.PULL_SECRET_MISSING: Cause.BAD_IMAGE,
    Fault.CRASH_AT_START: Cause.CRASH_AT_START,
    Fault.CRASH_LATER: Cause.CRASH_LATER,
    Fault.OOM: Cause.OUT_OF_MEMORY,
    Fault.NEVER_READY: Cause.FAILING_READINESS,
    Fault.LATE_READY: Cause.SLOW_READINESS,
    Fault.QUOTA: Cause.QUOTA,
    Fault.NODE_SELECTOR: Cause.NODE_SELECTOR,
    Fault.NOT_CAPACITY: Cause.NOT_CAPACITY,
    Fault.HPA: Cause.REPLICAS_CHANGED,
    Fault.PERSON: Cause.REPLICAS_CHANGED,
}
"""What the generator has for each fault; where it has nothing, what comes nearest."""

MOMENTS_S = (2.0, 5.0, 10.0, POST_TIMEOUT_S)
_INCIDENTS = 600


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Rates and curves of both.

    Attributes
    ----------
    rates : DataFrame
        One row for each condition and group (``good``, ``bad``): stops and votes of both, their intervals, `meet`.
    curves : DataFrame
        One row for each postcondition and moment: share of the good runs that had passed, in both, `meet`.
    """

    rates: pd.DataFrame
    curves: pd.DataFrame

    def text(self) -> str:
        """Give both tables as Markdown."""
        return "\n".join(
            [
                "| condition | runs | recorded: stops | 95 % | generated: stops | 95 % | |",
                "| --- | --- | --- | --- | --- | --- | --- |",
                *(
                    f"| `{row.condition}` | {row.group} | {row.recorded_k}/{row.recorded_n} | {row.recorded_interval} "
                    f"| {row.generated_k}/{row.generated_n} | {row.generated_interval} | {_word(row.meet)} |"
                    for row in self.rates.itertuples()
                ),
                "",
                "| condition | passed within | recorded | 95 % | generated | 95 % | |",
                "| --- | --- | --- | --- | --- | --- | --- |",
                *(
                    f"| `{row.condition}` | {row.within_s:g} s | {row.recorded:.0%} | {row.recorded_interval} "
                    f"| {row.generated:.0%} | {row.generated_interval} | {_word(row.meet)} |"
                    for row in self.curves.itertuples()
                ),
                "",
            ]
        )


def like_the_campaign(notes: Sequence[Note]) -> Scenario:
    """Give the scenario of a world with the campaign's faults in their numbers, and its times."""
    first = Counter(Fault(note.fault) for note in notes if note.run == 1)
    causes: Counter[str] = Counter()
    for fault, count in first.items():
        causes[CAUSES[fault].value] += count
    faults = sum(first.values()) or 1
    scenario: dict[str, Any] = {
        "name": "as-the-campaign",
        "summary": "The faults of the recorded campaign, in their numbers.",
        "causes": dict(causes),
        "traffic": {"per_day": 400, "outages": {"per_week": 0}, "retries": {"probability": 0}},
        "room": {"short": 0, "contention": 0},
        "recovers_alone": 0,
        "stabilization": LOOK_S,
        "additional": (1, 2),
        "timing": {
            "action": {"median": 1.5, "sigma": 0.4},
            "image_cached": 1,
            "start": {"median": 1.2, "sigma": 0.4},
            "slow_start": {"median": 21, "sigma": 0.6, "at_most": 40},
            "crash_after_start": {"median": 0.3, "sigma": 0.3},
            "crash_after_ready": {"median": 20, "sigma": 0.05},
        },
        "disturbances": {
            **dict.fromkeys(
                ("straggler", "stuck_pod", "memory_kill", "replicas_touched", "node_not_ready", "old_restarts",
                 "throttled", "unready_pod", "pull_retried", "autoscaler_fights", "edited_meanwhile", "capacity_moves"),
                0,
            ),
            "flaky_start": first[Fault.CRASH_ONCE] / faults,
        },
        "reading": {"hiccup": 0, "prometheus_away": 0, "pods_away": 0},
        "labels": {"missing": 0, "sources": {"person": {"weight": 1, "delay": {"median": 30, "sigma": 0}}}},
        "settings": {level.value: campaign_settings(level) for level in Level},
    }  # fmt: skip
    return Scenario.model_validate(scenario)


def generated_like(notes: Sequence[Note], *, seed: int, incidents: int = _INCIDENTS) -> History:
    """Generate that world's history."""
    return History.from_rows(generate(like_the_campaign(notes), incidents=incidents, seed=seed).rows)


def compare(recorded: History, generated: History) -> Comparison:
    """Hold a recorded history against a generated one, by their first runs."""
    ours, theirs = _votes(recorded), _votes(generated)
    rates, curves = [], []
    for condition in sorted({str(name) for name in ours["condition"].unique()}):
        one, other = ours[ours["condition"] == condition], theirs[theirs["condition"] == condition]
        for label in (Label.GOOD, Label.BAD):
            a, b = one[one["label"] == label.value], other[other["label"] == label.value]
            if len(a) and len(b):
                rates.append(_rate_row(condition, label, a, b))
        good, others_good = one[one["label"] == Label.GOOD.value], other[other["label"] == Label.GOOD.value]
        if len(good) and len(others_good) and str(one["phase"].iloc[0]) == Phase.POST.value:
            curves += _curve_rows(condition, good, others_good)
    return Comparison(rates=pd.DataFrame(rates), curves=pd.DataFrame(curves))


def _votes(history: History) -> pd.DataFrame:
    cast = cast_votes(history.evaluations, history.executions, history.workflows, as_of=history.as_of).data
    return cast[~cast["candidate"]]


def _rate_row(condition: str, label: Label, a: pd.DataFrame, b: pd.DataFrame) -> dict[str, Any]:
    row: dict[str, Any] = {"condition": condition, "group": label.value}
    limits = []
    for name, part in (("recorded", a), ("generated", b)):
        k, n = int(part["stop"].sum()), len(part)
        limits.append(wilson(k, n))
        row |= {f"{name}_k": k, f"{name}_n": n, f"{name}_interval": _shown(limits[-1])}
    return row | {"meet": _meet(*limits)}


def _curve_rows(condition: str, a: pd.DataFrame, b: pd.DataFrame) -> list[dict[str, Any]]:
    curves = [kaplan_meier(times.time_s, times.censored) for times in (pass_times(a), pass_times(b))]
    rows = []
    for moment in MOMENTS_S:
        shares = [_share(curve, moment) for curve in curves]
        limits = [wilson(round(share * curve.n), curve.n) for share, curve in zip(shares, curves, strict=True)]
        rows.append(
            {
                "condition": condition,
                "within_s": moment,
                "recorded": shares[0],
                "recorded_interval": _shown(limits[0]),
                "generated": shares[1],
                "generated_interval": _shown(limits[1]),
                "meet": _meet(*limits),
            }
        )
    return rows


def _share(curve: PassCurve, moment_s: float) -> float:
    before = int(np.searchsorted(curve.time_s, moment_s, side="right"))
    return float(curve.passed[before - 1]) if before else 0.0


def _meet(one: Interval, other: Interval) -> bool:
    return one.lower <= other.upper and other.lower <= one.upper


def _shown(interval: Interval) -> str:
    return f"{interval.lower:.0%} to {interval.upper:.0%}"


def _word(meet: bool) -> str:
    return "" if meet else "**differ**"
