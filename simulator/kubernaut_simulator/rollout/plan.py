"""`plan_rollout`: how long each stage must last before its evidence suffices, and how often a rollout ends wrongly.

1. Take the incidents of a history and the conditions to roll out.
2. Draw a truth for every simulated rollout (`truths`), so that k of n is not taken for the true rate.
3. Play the stages (`simulating`) with the engine's hash, block budget and sequential test.
4. For each condition by itself, play them again in a truth in which it stops exactly the target's share of good runs:
   the wrong condition that is hardest to tell.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from kubernaut.errors import InputError
from kubernaut_simulator.estimation.clustering import Clustering, cluster_spread
from kubernaut_simulator.estimation.false_stops import MINIMUM_GOOD
from kubernaut_simulator.estimation.rates import Rate, rate
from kubernaut_simulator.progress import Progress, silent
from kubernaut_simulator.rollout.budget_course import budget_course
from kubernaut_simulator.rollout.incidents import Incidents, incidents_of
from kubernaut_simulator.rollout.plan_result import ConditionPlan, RolloutPlan
from kubernaut_simulator.rollout.simulating import SimulatedRollouts, simulate_rollouts
from kubernaut_simulator.rollout.terms import RolloutTerms
from kubernaut_simulator.rollout.truths import Blocks, Floats, blocks_of, draw_truths, tilted_to

SIMULATED = 1_000
"""Rollouts: a share is then known to within 3 points."""

AT_TARGET_EACH = 4
"""One in so many rollouts is spent on each condition at the target; its share of wrong goes is small."""

MOST_WEIGHTS = 8_000_000
"""Rollouts times target-days that are held at once: 64 MB for each array of them."""


def plan_rollout(
    votes: pd.DataFrame,
    *,
    conditions: Sequence[str] | None = None,
    limits: Mapping[str, float] | None = None,
    terms: RolloutTerms | None = None,
    incidents_per_day: float | None = None,
    rollouts: int = SIMULATED,
    seed: int = 0,
    rollout: str = "default",
    window: str = "",
    progress: Progress = silent,
) -> RolloutPlan:
    """Plan a rollout.

    Parameters
    ----------
    votes : DataFrame
        As `estimation.votes.Votes.data`: recorded or replayed on the terms that are rolled out.
    conditions : sequence of str or None
        Identities; None takes those whose seen rate of false stops is below the target, and names the others.
    limits : mapping of str to float, or None
        Block budgets (`evidence.blockRate.upper`); a condition without one gets the upper limit that the export would
        write from these incidents.
    terms : RolloutTerms or None
    incidents_per_day : float or None
        None measures it.
    rollouts : int
        How many are simulated.
    seed : int
        Same seed, same plan.
    rollout : str
        The key of settings.yaml that is mixed into the hash.
    window : str
        Of the history, for people.

    Raises
    ------
    HistoryError
        There is no incident to plan from.
    InputError
        A condition that was never judged, no condition left, or traffic that is not above zero.

    Notes
    -----
    Assumes that traffic, outcomes and verdicts go on as in the history and that a target-day's incidents come at once;
    what changes midway is for `kubernaut rollout status` to see.
    """
    terms = terms or RolloutTerms()
    incidents = incidents_of(votes)
    chosen, left_out = choose_conditions(incidents, conditions, target=terms.target)
    incidents = incidents.only(chosen)
    per_day = incidents.per_day if incidents_per_day is None else incidents_per_day
    if not per_day > 0:
        raise InputError(f"{per_day:g} incidents a day: a rollout learns from incidents, so there must be some")
    if rollouts < 1:
        raise InputError(f"{rollouts} simulated rollouts: at least one is needed")
    budgets = [budget_limit(incidents, name, limits or {}) for name in chosen]
    blocks = blocks_of(incidents)
    rng = np.random.default_rng(seed)
    simulated = _in_parts(
        blocks, terms=terms, per_day=per_day, limits=budgets, rng=rng, rollout=rollout, rollouts=rollouts
    )
    worst = []
    for at, name in enumerate(chosen):
        progress("conditions at the target", at, len(chosen))
        worst.append(
            wrong_go_at_target(
                incidents.only([name]),
                terms=terms,
                per_day=per_day,
                limit=budgets[at],
                rng=rng,
                rollouts=max(1, rollouts // AT_TARGET_EACH),
                rollout=rollout,
                tested_together=len(chosen),
            )
        )
    progress("conditions at the target", len(chosen), len(chosen))
    return RolloutPlan(
        terms=terms,
        conditions=tuple(
            _condition(incidents, simulated, at, limit=budgets[at], worst=worst[at], target=terms.target)
            for at in range(len(chosen))
        ),
        simulated=simulated,
        per_day=per_day,
        measured_per_day=incidents.per_day,
        incidents=len(incidents),
        left_out_incidents=incidents.left_out,
        left_out_conditions=left_out,
        clustering=worst_clustering(incidents),
        seed=seed,
        rollout=rollout,
        window=window,
    )


def choose_conditions(
    incidents: Incidents, wanted: Sequence[str] | None, *, target: float
) -> tuple[list[str], dict[str, str]]:
    """Say which conditions are planned, and of the others why not.

    Raises
    ------
    InputError
        One that is wanted was never judged, or none is left.
    """
    if wanted is not None:
        missing = [name for name in wanted if name not in incidents.conditions]
        if missing:
            known = ", ".join(incidents.conditions)
            raise InputError(f"no incident judged {', '.join(missing)}; the history has {known}")
        if not wanted:
            raise InputError("no condition to roll out: none is required at a percentage above 0")
        return list(wanted), {}
    chosen, left_out = [], {}
    for name in incidents.conditions:
        k, n = incidents.counts(name)
        if n < MINIMUM_GOOD:
            left_out[name] = rate(k, n, minimum=MINIMUM_GOOD).text()
        elif k >= target * n:
            left_out[name] = f"{rate(k, n).text()}: not below {target:.0%}"
        else:
            chosen.append(name)
    if not chosen:
        raise InputError(
            "no condition to roll out: "
            + "; ".join(f"{name}: {why}" for name, why in left_out.items())
            + "; collect more history in warn mode, or name one with --condition"
        )
    return chosen, left_out


def budget_limit(incidents: Incidents, condition: str, limits: Mapping[str, float]) -> float | None:
    """Give the block budget: as promised, else the limit that the export would write; None when nothing was judged."""
    if condition in limits:
        return limits[condition]
    k, n = incidents.blocks(condition)
    return rate(k, n).upper if n else None


def worst_clustering(incidents: Incidents) -> Clustering:
    """Give the largest spread of false stops over target-days among the conditions."""
    spreads = [
        cluster_spread(incidents.stop[counted, at], incidents.target_day[counted])
        for at in range(len(incidents.conditions))
        for counted in [incidents.good & incidents.seen[:, at]]
    ]
    return max(spreads, key=lambda one: one.design_effect or 0.0)


def wrong_go_at_target(
    incidents: Incidents,
    *,
    terms: RolloutTerms,
    per_day: float,
    limit: float | None,
    rng: np.random.Generator,
    rollouts: int,
    rollout: str = "default",
    tested_together: int = 1,
) -> Rate:
    """Give the share of rollouts in which a condition at the target's rate reaches the last stage.

    Parameters
    ----------
    incidents : Incidents
        Of one condition.
    """
    blocks = blocks_of(incidents)
    weights = tilted_to(blocks, condition=0, false_stop_rate=terms.target)
    found = simulate_rollouts(
        blocks,
        np.tile(weights, (rollouts, 1)),
        terms=terms,
        per_day=per_day,
        limits=[limit],
        rng=rng,
        rollout=rollout,
        tested_together=tested_together,
    )
    return rate(int(found.went.sum()), rollouts)


def _in_parts(
    blocks: Blocks,
    *,
    terms: RolloutTerms,
    per_day: float,
    limits: Sequence[float | None],
    rng: np.random.Generator,
    rollout: str,
    rollouts: int,
) -> SimulatedRollouts:
    at_once = max(1, MOST_WEIGHTS // len(blocks.prior))
    parts: list[SimulatedRollouts] = []
    done = 0
    while done < rollouts:
        weights: Floats = draw_truths(blocks, rng, draws=min(at_once, rollouts - done))
        parts.append(
            simulate_rollouts(blocks, weights, terms=terms, per_day=per_day, limits=limits, rng=rng, rollout=rollout)
        )
        done += len(weights)
    return SimulatedRollouts.joined(parts)


def _condition(
    incidents: Incidents,
    simulated: SimulatedRollouts,
    at: int,
    *,
    limit: float | None,
    worst: Rate,
    target: float,
) -> ConditionPlan:
    name = incidents.conditions[at]
    k, n = incidents.counts(name)
    blocked, judged = incidents.blocks(name)
    wrong = simulated.true_rates[:, at] >= target
    went, set_back = simulated.went[:, at], simulated.set_back[:, at]
    total = len(simulated)
    return ConditionPlan(
        condition=name,
        false_stops=rate(k, n, minimum=MINIMUM_GOOD),
        block_rate=rate(blocked, judged),
        limit=limit,
        wrong=rate(int(wrong.sum()), total),
        wrong_go=rate(int((wrong & went).sum()), total),
        wrong_stop=rate(int((~wrong & set_back).sum()), total),
        wrong_stop_by_budget=rate(int((~wrong & simulated.by_budget[:, at]).sum()), total),
        went=rate(int(went.sum()), total),
        wrong_go_at_target=worst,
        blocks_at_double=None if limit is None else budget_course(min(1.0, 2 * limit), limit=limit).blocks_at(0.95),
        true_rate=tuple(float(value) for value in np.quantile(simulated.true_rates[:, at], (0.05, 0.5, 0.95))),
    )
