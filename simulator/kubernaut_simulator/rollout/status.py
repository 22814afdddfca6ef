"""May a rollout that is under way go on, and is it where its plan said it would be.

For each environment and action with enforcement, on the newest stage: every condition's enforced stops against what was
promised (the engine's block budget), its false stops on the stage's holdout (the gate of the plan), the export's
predictions against what came since, and the days that the stage has lasted against the planned ones. Only what was
recorded is read; nothing is judged again.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from kubernaut.conditions.settings import PreSettings
from kubernaut.errors import HistoryError
from kubernaut.identity import ConditionId
from kubernaut_simulator.effect.gates import Answer, Gate
from kubernaut_simulator.estimation.false_stops import MINIMUM_GOOD
from kubernaut_simulator.estimation.labels import Label
from kubernaut_simulator.estimation.rates import rate
from kubernaut_simulator.estimation.sequential import speaks_for_going
from kubernaut_simulator.replay.tasks import Conditions
from kubernaut_simulator.rollout.comparing import Agreement, Comparison, Measure, compare
from kubernaut_simulator.rollout.incidents import Codes
from kubernaut_simulator.rollout.lines import above_line, budget_line, go_line
from kubernaut_simulator.rollout.plan_result import RolloutPlan
from kubernaut_simulator.rollout.predictions import Prediction, Predictions
from kubernaut_simulator.rollout.seen import SeenRollouts
from kubernaut_simulator.rollout.status_result import ConditionStatus, Says, StageStatus
from kubernaut_simulator.rollout.terms import DAY_S, RolloutTerms

_TERMS = ["policy_digest", "timeout_s", "hold_for_s"]
"""What makes a condition the same hypothesis; a change of any starts its counts anew."""


def stage_statuses(
    seen: SeenRollouts,
    *,
    conditions: Conditions | None = None,
    terms: RolloutTerms | None = None,
    plan: RolloutPlan | None = None,
    environment: str | None = None,
    predictions: Predictions | None = None,
    gates: Sequence[Gate] = (),
) -> tuple[StageStatus, ...]:
    """Say of every rollout that is under way whether it may go on.

    Parameters
    ----------
    conditions : mapping of Level to CompiledSet, or None
        What was exported: the promised block rates are in its evidence. None: nothing was promised.
    terms : RolloutTerms or None
        None takes the plan's, else the defaults.
    plan : RolloutPlan or None
        None: the stage's days are not compared.
    environment : str or None
        Only this one.
    predictions : Predictions or None
        None: nothing is compared with what came since.
    gates : sequence of Gate
        The guide's, of any stages; each rollout is shown those of its stage under way.

    Raises
    ------
    HistoryError
        No condition is or was enforced.
    """
    terms = terms or (plan.terms if plan is not None else RolloutTerms())
    found = []
    for keys, stages in seen.stages.groupby(["environment", "action"], sort=True):
        name, action = str(keys[0]), str(keys[1])
        if (environment is not None and name != environment) or not (stages["percent"] > 0).any():
            continue
        current = stages.iloc[-1]
        own = (seen.votes["environment"] == name) & (seen.votes["action"] == action)
        stage = _stage(
            seen.votes[own],
            current,
            conditions=conditions,
            terms=terms,
            plan=plan,
            as_of=seen.as_of,
            predictions=predictions,
            gates=[
                one
                for one in gates
                if (one.environment, one.action, one.percent) == (name, action, float(current["percent"]))
            ],
        )
        found.append(stage)
    if not found:
        where = "" if environment is None else f" in environment {environment!r}"
        raise HistoryError(
            f"no condition is enforced at any percentage{where}: there is no rollout to look at; "
            "plan one with `kubernaut rollout plan`"
        )
    return tuple(found)


def _stage(
    votes: pd.DataFrame,
    stage: pd.Series[Any],
    *,
    conditions: Conditions | None,
    terms: RolloutTerms,
    plan: RolloutPlan | None,
    as_of: pd.Timestamp,
    predictions: Predictions | None,
    gates: Sequence[Gate],
) -> StageStatus:
    percent = float(stage["percent"])
    lasted = (as_of - pd.Timestamp(stage["since"])).total_seconds() / DAY_S
    current = votes[votes["stage"] == stage["stage"]]
    enforced = sorted(current.loc[current["required"] & (current["percent"] > 0), "condition"].astype(str).unique())
    ever = votes["required"] & (votes["percent"] > 0)
    at = _place(percent, terms)
    is_last = at == len(terms.stages) - 1
    statuses = tuple(
        _condition(
            votes[votes["condition"] == name],
            int(stage["stage"]),
            promised=_promised(conditions, name, str(stage["environment"])),
            target=terms.target_of(at),
            alpha=terms.alpha_of_each(len(enforced)),
            terms=terms,
            is_last=is_last,
            prediction=None if predictions is None else predictions.of.get(name),
            history_until=None if predictions is None else predictions.history_until,
            alpha_of_prediction=terms.alpha_of_each(len(enforced) * len(Measure)),
        )
        for name in enforced
    )
    planned = _planned(plan, percent)
    says, why = _overall(
        statuses, lasted=lasted, terms=terms, percent=percent, is_last=is_last, planned=planned, gates=gates
    )
    return StageStatus(
        environment=str(stage["environment"]),
        action=str(stage["action"]),
        percent=percent,
        since=pd.Timestamp(stage["since"]),
        days=lasted,
        planned_days=planned,
        incidents=int(stage["incidents"]),
        enrolled=int(stage["enrolled"]),
        conditions=statuses,
        set_back=tuple(sorted(set(votes.loc[ever, "condition"].astype(str)) - set(enforced))),
        next_percent=next((share for share in terms.stages if share > percent), None),
        gates=tuple(gates),
        says=says,
        why=why,
    )


def _place(percent: float, terms: RolloutTerms) -> int:
    """Position of the stage that a percentage belongs to: the highest planned one that is not above it."""
    below = [at for at, share in enumerate(terms.stages) if share <= percent]
    return below[-1] if below else 0


def _planned(plan: RolloutPlan | None, percent: float) -> tuple[float | None, ...] | None:
    if plan is None or percent not in plan.terms.stages:
        return None
    return plan.stage_days(plan.terms.stages.index(percent))


def _promised(conditions: Conditions | None, name: str, environment: str) -> PreSettings | None:
    condition = ConditionId.parse(name)
    if conditions is None or condition.level not in conditions:
        return None
    return conditions[condition.level].texts.settings.effective(condition, environment=environment)


def _condition(
    votes: pd.DataFrame,
    stage: int,
    *,
    promised: PreSettings | None,
    target: float,
    alpha: float,
    terms: RolloutTerms,
    is_last: bool,
    prediction: Prediction | None,
    history_until: pd.Timestamp | None,
    alpha_of_prediction: float,
) -> ConditionStatus:
    votes = votes.sort_values(["run_started_at", "incident_id"], kind="stable")
    newest = votes.iloc[-1]
    same = np.logical_and.reduce([(votes[name] == newest[name]).to_numpy(bool) for name in _TERMS])
    votes = votes[same]
    enforced = votes[votes["enforced"].fillna(value=False).to_numpy(bool)]
    blocks = np.cumsum(enforced["stop"].to_numpy(np.int64))
    evidence = promised.evidence.block_rate if promised is not None and promised.evidence is not None else None
    limit = None if evidence is None else evidence.upper
    judging = votes[(votes["stage"] == stage) & votes["gate"] & (votes["label"] == Label.GOOD.value)]
    stops = np.cumsum(judging["stop"].to_numpy(np.int64))
    n = len(judging)
    going = np.cumsum(votes.loc[(votes["stage"] == stage) & speaks_for_going(votes), "stop"].to_numpy(np.int64))
    spent = limit is not None and _crossed(blocks, budget_line(len(enforced), limit=limit), above=True)
    above = _crossed(stops, above_line(n, target=target, alpha=alpha, minimum=terms.minimum), above=True)
    shown = n >= terms.minimum if is_last else _crossed(going, _go(len(going), target, alpha, terms), above=False)
    compared, not_compared = _compared(votes, newest, prediction, until=history_until, alpha=alpha_of_prediction)
    wrong = [one for one in compared if one.says is Agreement.MORE]
    false_stops = rate(int(stops[-1]) if n else 0, n, minimum=MINIMUM_GOOD)
    block_rate = rate(int(blocks[-1]) if len(enforced) else 0, len(enforced))
    says = Says.WAIT
    if spent or above:
        says = Says.STOP
    elif shown and not wrong:
        says = Says.GO
    why = _why(
        spent=spent, above=above, shown=shown, is_last=is_last, block_rate=block_rate.text(), limit=limit,
        false_stops=false_stops.text(), enough=false_stops.enough, target=target,
    )  # fmt: skip
    if wrong and says is Says.WAIT:
        why = f"{wrong[0].text()}; tune anew on what was recorded since"
    return ConditionStatus(
        condition=str(newest["condition"]),
        block_rate=block_rate,
        predicted=None if evidence is None else evidence.predicted,
        limit=limit,
        budget_spent=spent,
        false_stops=false_stops,
        target=target,
        other_terms=int((~same).sum()),
        comparisons=compared,
        not_compared=not_compared,
        says=says,
        why=why,
    )


def _compared(
    votes: pd.DataFrame,
    newest: pd.Series[Any],
    prediction: Prediction | None,
    *,
    until: pd.Timestamp | None,
    alpha: float,
) -> tuple[tuple[Comparison, ...], str]:
    """Hold the export's predictions against votes on the terms in force; or say why they cannot be."""
    if prediction is None:
        return (), ""
    if until is None:
        return (), "the file does not say until when the history behind it reached"
    if prediction.timeout_s != float(newest["timeout_s"]):
        return (), f"in force is a timeout of {newest['timeout_s']:g} s, predicted was {prediction.timeout_s:g} s"
    if prediction.policy_digest not in (None, str(newest["policy_digest"])):
        return (), "in force is another policy than was predicted"
    return compare(votes[votes["run_started_at"] >= until], prediction, alpha=alpha), ""


def _go(n: int, target: float, alpha: float, terms: RolloutTerms) -> Codes:
    return go_line(n, target=target, alpha=alpha, minimum=terms.minimum)


def _crossed(counts: Codes, line: Codes, *, above: bool) -> bool:
    """Whether a count ever met its line; once it did, it stays so."""
    met = counts >= line[1:] if above else counts <= line[1:]
    return bool(met.any())


def _why(
    *,
    spent: bool,
    above: bool,
    shown: bool,
    is_last: bool,
    block_rate: str,
    limit: float | None,
    false_stops: str,
    enough: bool,
    target: float,
) -> str:
    if spent and limit is not None:
        return f"block budget spent: stopped {block_rate} of enforced incidents, at most {limit:.1%} was promised"
    if above:
        return f"holdout shows more than {target:.0%} false stops: {false_stops}"
    if not enough:
        return f"holdout: {false_stops}"
    if is_last:
        return f"last stage, still measured: {false_stops}"
    if shown:
        return f"holdout shows false stops below {target:.0%}: {false_stops}"
    return f"not yet shown below {target:.0%}: {false_stops}"


def _overall(
    statuses: tuple[ConditionStatus, ...],
    *,
    lasted: float,
    terms: RolloutTerms,
    percent: float,
    is_last: bool,
    planned: tuple[float | None, ...] | None,
    gates: Sequence[Gate],
) -> tuple[Says, str]:
    if percent == 0 or not statuses:
        return Says.STOP, "set back to warn: nothing is enforced now"
    stop = [one.condition for one in statuses if one.says is Says.STOP]
    if stop:
        return Says.STOP, f"set back to warn: {', '.join(stop)}; the others may go on without"
    waiting = [one.condition for one in statuses if one.says is Says.WAIT]
    if waiting:
        why = f"{len(waiting)} of {len(statuses)} conditions have not shown enough: {', '.join(waiting)}"
        slowest = None if planned is None else planned[-1]
        if lasted > terms.longest_days:
            why += f"; longer than the {terms.longest_days:g} days that a stage may last: undecided"
        elif slowest is not None and lasted > slowest:
            why += "; longer than in 9 of 10 simulated rollouts"
        return Says.WAIT, why
    if lasted < terms.minimum_days:
        return Says.WAIT, f"evidence suffices; the stage lasts at least {terms.minimum_days:g} days"
    harmed = [one for one in gates if one.harm and one.answer is Answer.FAIL]
    if harmed:
        return Says.WAIT, f"a gate of the guide fails: {harmed[0].name}: {harmed[0].why}"
    if is_last:
        return Says.GO, "the last stage: stay, and go on measuring"
    return Says.GO, "every condition has shown enough on this stage's holdout"
