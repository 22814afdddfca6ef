"""`rollout_status`: the whole of it, from a history recorded under enforcement to an answer.

The plan that the days are held against is made anew, from incidents before the first enforced one: whoever plans with
what came later compares a rollout with itself. Too few before it, and the holdout since must do, which is then said.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import pandas as pd

from kubernaut.errors import InputError
from kubernaut_simulator.effect.effects import HORIZON_S
from kubernaut_simulator.effect.gates import Gate, gates
from kubernaut_simulator.effect.incidents import experiment_of
from kubernaut_simulator.estimation.false_stops import MINIMUM_GOOD
from kubernaut_simulator.rollout.exported import promised_limits
from kubernaut_simulator.rollout.plan import plan_rollout
from kubernaut_simulator.rollout.seen import SeenRollouts, seen_rollouts
from kubernaut_simulator.rollout.status import stage_statuses
from kubernaut_simulator.rollout.status_result import RolloutStatus
from kubernaut_simulator.rollout.terms import DAY_S, RolloutTerms

if TYPE_CHECKING:
    from kubernaut_simulator.history.history import History
    from kubernaut_simulator.replay.tasks import Conditions
    from kubernaut_simulator.rollout.plan_result import RolloutPlan
    from kubernaut_simulator.rollout.predictions import Predictions

SIMULATED = 300
"""Rollouts behind the planned days: enough for p10 and p90."""


def rollout_status(
    history: History,
    *,
    conditions: Conditions | None = None,
    terms: RolloutTerms | None = None,
    environment: str | None = None,
    plan: RolloutPlan | None = None,
    predictions: Predictions | None = None,
    rollouts: int = SIMULATED,
    seed: int = 0,
) -> RolloutStatus:
    """Say whether the rollouts in a history may go on.

    Parameters
    ----------
    conditions : mapping of Level to CompiledSet, or None
        As exported, with the promised block rates; None: nothing was promised.
    terms : RolloutTerms or None
    environment : str or None
        Only this one.
    plan : RolloutPlan or None
        None makes one from the incidents before enforcement.
    predictions : Predictions or None
        Of the same export (`predictions.predictions_of`); None: only block rates are held to what was promised.
    rollouts, seed : int
        Of the plan that is made.

    Raises
    ------
    HistoryError
        No condition is enforced, or there is no vote.
    """
    terms = terms or (plan.terms if plan is not None else RolloutTerms())
    seen = seen_rollouts(history)
    remarks: list[str] = []
    if conditions is None:
        remarks.append("no --conditions: nothing was promised, so block rates are shown and not judged")
    under_way = stage_statuses(seen, conditions=conditions, terms=terms, environment=environment)
    if plan is None:
        names = [one.condition for stage in under_way for one in stage.conditions]
        plan, remark = _plan(
            seen, names, conditions=conditions, terms=terms, environment=environment, rollouts=rollouts, seed=seed
        )
        remarks.append(remark)
    of_guide = _gates(history, seen, terms=terms, environment=environment)
    stages = stage_statuses(
        seen,
        conditions=conditions,
        terms=terms,
        plan=plan,
        environment=environment,
        predictions=predictions,
        gates=of_guide,
    )
    return RolloutStatus(
        stages=stages, history_of_stages=seen.stages, as_of=seen.as_of, gates=of_guide, remarks=tuple(remarks)
    )


def _gates(history: History, seen: SeenRollouts, *, terms: RolloutTerms, environment: str | None) -> tuple[Gate, ...]:
    found = gates(experiment_of(history), seen, horizon_s=HORIZON_S, alpha=terms.alpha)
    return tuple(one for one in found if one.percent > 0 and environment in (None, one.environment))


def _plan(
    seen: SeenRollouts,
    names: Sequence[str],
    *,
    conditions: Conditions | None,
    terms: RolloutTerms,
    environment: str | None,
    rollouts: int,
    seed: int,
) -> tuple[RolloutPlan | None, str]:
    votes = seen.votes
    if environment is not None:
        votes = votes[votes["environment"] == environment]
    begun = votes.loc[votes["stage_percent"] > 0, "run_started_at"].min()
    before = votes[votes["run_started_at"] < begun]
    enough = before["incident_id"].nunique() >= MINIMUM_GOOD
    source = before if enough else votes
    try:
        plan = plan_rollout(
            source,
            conditions=sorted(set(names)),
            limits=promised_limits(conditions),
            terms=terms,
            incidents_per_day=_per_day(votes, seen.as_of),
            rollouts=rollouts,
            seed=seed,
        )
    except InputError as error:
        return None, f"planned days cannot be given: {error}"
    origin = "before enforcement" if enough else "of the holdout; fewer than 20 are older than enforcement"
    return plan, f"planned days: {rollouts} simulated rollouts, seed {seed}, from {plan.incidents} incidents {origin}"


def _per_day(votes: pd.DataFrame, as_of: pd.Timestamp) -> float:
    days = float((as_of - votes["run_started_at"].min()).total_seconds()) / DAY_S
    return float(votes["incident_id"].nunique()) / max(1.0, days)
