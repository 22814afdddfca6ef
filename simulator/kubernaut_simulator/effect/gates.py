"""The gates of the guide's section 10.4, each stage's as pass, fail or not enough data.

A gate passes when the whole interval lies on its good side, fails when all of it lies on the other, and otherwise has
not enough data: an estimate alone decides nothing. Shares are compared in percentage points (70 -> 85 % is 15), time to
resolve by how much shorter it is (15 -> 8 min is 47 %), as the guide's own table does (section 1.4). Gates on what
enforcement changes need both arms; in warn mode, and at 100 %, they say so.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from kubernaut_simulator.effect.differences import MINIMUM_IN_ARM
from kubernaut_simulator.effect.effects import STAGE, Effect, Measure, compared, effects
from kubernaut_simulator.estimation.labels import Label
from kubernaut_simulator.estimation.rates import percent, rate
from kubernaut_simulator.estimation.sequential import ALPHA, MINIMUM_ENTRIES, speaks_for_going
from kubernaut_simulator.rollout.lines import above_line, go_line

if TYPE_CHECKING:
    from kubernaut_simulator.effect.incidents import Experiment
    from kubernaut_simulator.rollout.seen import SeenRollouts

CANARY_PERCENT = 5.0


class GuideStage(StrEnum):
    """The guide's three stages."""

    CANARY = "canary"
    STAGING = "staging"
    PRODUCTION = "production"


class Answer(StrEnum):
    """What a gate says."""

    PASS = "pass"  # noqa: S105 - an answer, no password
    FAIL = "fail"
    NOT_ENOUGH = "not enough data"


@dataclass(frozen=True, slots=True, kw_only=True)
class Gate:
    """One gate of one stage.

    Attributes
    ----------
    stage : GuideStage
    environment, action : str
    percent : float
        In force, 0..100.
    name : str
        With its limit.
    answer : Answer
    why : str
    harm : bool
        It bounds a harm; the others demand a benefit.
    """

    stage: GuideStage
    environment: str
    action: str
    percent: float
    name: str
    answer: Answer
    why: str
    harm: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class _Wanted:
    """What a gate on an effect demands.

    Attributes
    ----------
    relative : bool
        Of the control's mean instead of points or seconds.
    sign : int
        1 where more is better.
    at_least : float
        Change in the good direction; negative where so much loss is tolerated.
    """

    name: str
    measure: Measure
    relative: bool
    sign: int
    at_least: float


FALSE_POSITIVES: Mapping[GuideStage, float] = {
    GuideStage.CANARY: 0.20,
    GuideStage.STAGING: 0.15,
    GuideStage.PRODUCTION: 0.15,
}

_EFFECTS: Mapping[GuideStage, Sequence[_Wanted]] = {
    GuideStage.CANARY: (
        _Wanted(name="steps at most 15 % longer", measure=Measure.STEP_TIME, relative=True, sign=-1, at_least=-0.15),
        _Wanted(name="effectiveness +10 points", measure=Measure.EFFECTIVENESS, relative=False, sign=1, at_least=0.10),
    ),
    GuideStage.STAGING: (
        _Wanted(name="at most 5 s added to a step", measure=Measure.STEP_TIME, relative=False, sign=-1, at_least=-5.0),
        _Wanted(name="effectiveness +15 points", measure=Measure.EFFECTIVENESS, relative=False, sign=1, at_least=0.15),
    ),
    GuideStage.PRODUCTION: (
        _Wanted(name="cascades -15 points", measure=Measure.CASCADES, relative=False, sign=-1, at_least=0.15),
        _Wanted(name="time to resolve -40 %", measure=Measure.RESOLUTION, relative=True, sign=-1, at_least=0.40),
        _Wanted(name="manual intervention -15 points", measure=Measure.MANUAL, relative=False, sign=-1, at_least=0.15),
    ),
}


def guide_stage(environment: str, at_percent: float) -> GuideStage:
    """Say which of the guide's stages an environment at a percentage is.

    The environment's label wins; without one, up to 5 % is the canary and everything above is production.
    """
    for stage in GuideStage:
        if environment == stage.value:
            return stage
    return GuideStage.CANARY if at_percent <= CANARY_PERCENT else GuideStage.PRODUCTION


def gates(experiment: Experiment, seen: SeenRollouts, *, horizon_s: float, alpha: float = ALPHA) -> tuple[Gate, ...]:
    """Answer every gate of every environment, action and percentage in a history.

    Parameters
    ----------
    horizon_s : float, unit s
        Times to resolve count up to here.
    alpha : float
        Of the sequential test of false positives, for all conditions of a stage together.
    """
    answered: list[Gate] = []
    for keys, part in experiment.data.groupby(STAGE, sort=True, dropna=False):
        environment, action, at_percent = str(keys[0]), str(keys[1]), float(part["percent"].iloc[0])
        stage = guide_stage(environment, at_percent)
        own = (seen.votes["environment"] == environment) & (seen.votes["action"] == action)
        votes = seen.votes[own & (seen.votes["stage_percent"] == at_percent)]
        by_holdout = false_positive_gate(votes, limit=FALSE_POSITIVES[stage], at_percent=at_percent, alpha=alpha)
        found = {one.measure: one for one in effects(part, horizon_s=horizon_s)}
        answers = [(True, *by_holdout)]
        answers += [
            (wanted.at_least < 0, *_effect_gate(wanted, found[wanted.measure], part)) for wanted in _EFFECTS[stage]
        ]
        answered += [
            Gate(
                stage=stage,
                environment=environment,
                action=action,
                percent=at_percent,
                name=name,
                answer=answer,
                why=why,
                harm=harm,
            )
            for harm, name, answer, why in answers
        ]
    return tuple(answered)


def false_positive_gate(
    votes: pd.DataFrame, *, limit: float, at_percent: float, alpha: float = ALPHA
) -> tuple[str, Answer, str]:
    """Answer the gate on false stops by the holdout: every condition that may stop, each by its sequential test.

    In warn mode every judged condition counts as one that may stop.
    """
    name = f"false positives below {limit:.0%}"
    may_stop = votes if at_percent == 0 else votes[votes["required"].eq(True) & (votes["percent"] > 0)]
    conditions = sorted(may_stop["condition"].astype(str).unique())
    if at_percent >= 100:
        return name, Answer.NOT_ENOUGH, "at 100 % nobody is held out: no longer measurable"
    said: dict[str, list[str]] = {"above": [], "short": [], "open": [], "below": []}
    each = alpha / max(1, len(conditions))
    for condition in conditions:
        own = votes[votes["condition"] == condition].sort_values(["run_started_at", "incident_id"])
        stops = np.cumsum(own.loc[own["gate"] & (own["label"] == Label.GOOD.value), "stop"].to_numpy(np.int64))
        going = np.cumsum(own.loc[speaks_for_going(own), "stop"].to_numpy(np.int64))
        n = len(stops)
        text = f"{condition}: {rate(int(stops[-1]) if n else 0, n, minimum=MINIMUM_ENTRIES).text()}"
        if n < MINIMUM_ENTRIES:
            said["short"].append(text)
        elif (stops >= above_line(n, target=limit, alpha=each, minimum=MINIMUM_ENTRIES)[1:]).any():
            said["above"].append(text)
        elif (going <= go_line(len(going), target=limit, alpha=each, minimum=MINIMUM_ENTRIES)[1:]).any():
            said["below"].append(text)
        else:
            said["open"].append(text)
    if said["above"]:
        return name, Answer.FAIL, f"shown to be more: {'; '.join(said['above'])}"
    if said["short"] or said["open"] or not conditions:
        return name, Answer.NOT_ENOUGH, "; ".join([*said["short"], *said["open"]]) or "no condition was judged"
    return name, Answer.PASS, f"shown for all {len(conditions)} conditions; {said['below'][0]}"


def _effect_gate(wanted: _Wanted, effect: Effect, part: pd.DataFrame) -> tuple[str, Answer, str]:
    if compared(part).empty:
        nobody = "at 100 % nobody is left to compare with" if (part["percent"] >= 100).all() else "warn mode"
        return wanted.name, Answer.NOT_ENOUGH, f"{nobody}: starts with enforcement of a part (0 < percent < 100)"
    found = effect.difference
    if not found.enough:
        return (
            wanted.name,
            Answer.NOT_ENOUGH,
            f"{found.n_enrolled} enrolled and {found.n_control} not enrolled; {MINIMUM_IN_ARM} of each needed",
        )
    if wanted.relative:
        # What is wanted relatively is time: shorter is better, and a reduction above zero is shorter.
        estimate, lower, upper, sign = effect.reduction.estimate, effect.reduction.lower, effect.reduction.upper, 1
    else:
        estimate, lower, upper, sign = found.estimate, found.lower, found.upper, wanted.sign
    if estimate is None or lower is None or upper is None:
        return wanted.name, Answer.NOT_ENOUGH, "the mean of an arm is zero: no ratio"
    low, high = (lower, upper) if sign > 0 else (-upper, -lower)
    why = (
        f"{_shown(estimate, wanted)} (95 % {_shown(lower, wanted)} to {_shown(upper, wanted)}), "
        f"{found.n_enrolled} enrolled, {found.n_control} not"
    )
    if low >= wanted.at_least:
        return wanted.name, Answer.PASS, why
    if high < wanted.at_least:
        return wanted.name, Answer.FAIL, why
    return wanted.name, Answer.NOT_ENOUGH, f"{why}: the interval holds both answers"


def _shown(value: float, wanted: _Wanted) -> str:
    if wanted.relative:
        return f"{'-' if value >= 0 else '+'}{percent(abs(value))}"
    if wanted.measure is Measure.STEP_TIME:
        return f"{value:+.1f} s"
    return f"{value * 100:+.1f} points"
