"""The vectorised rollouts against rollouts played one by one with the engine itself: objects, hash, loops."""

import math
from datetime import UTC, datetime
from functools import lru_cache

import numpy as np
import pytest
from helpers.vote_frames import Rows, hours
from kubernaut_simulator.estimation.votes import cast_votes
from kubernaut_simulator.rollout.incidents import incidents_of
from kubernaut_simulator.rollout.simulating import NO_STAGE, SimulatedRollouts, simulate_rollouts
from kubernaut_simulator.rollout.terms import RolloutTerms
from kubernaut_simulator.rollout.truths import blocks_of, tilted_to

from kubernaut.enforcement.budget import BudgetState, count_incident
from kubernaut.enforcement.martingale import log_evidence_above, log_evidence_below
from kubernaut.enforcement.rollout import bucket_of, is_enrolled

NOW = datetime(2026, 1, 1, tzinfo=UTC)
AGE_DAYS = 1.0

below = lru_cache(maxsize=None)(log_evidence_below)
above = lru_cache(maxsize=None)(log_evidence_above)

TERMS = RolloutTerms(
    stages=(10.0, 50.0, 90.0), target=0.15, first_target=0.2, alpha=0.6, minimum_days=3.0, longest_days=20.0
)
LIMITS = (0.40, 0.14)
PER_DAY = 14.0


def world(*, seed=5, incidents=240):
    """Two conditions on bunched incidents: a is wrong (tilted to 16 % below), b right with a budget that is too tight."""
    rng = np.random.default_rng(seed)
    rows = Rows()
    day = 0.0
    for i in range(incidents):
        day += 0.0 if rng.random() < 0.4 else 25.0
        good = rng.random() < 0.75
        a = rng.random() < (0.12 if good else 0.6)
        b = rng.random() < (0.03 if good else 0.6)
        rows.run(
            f"i{i}",
            {"a": "Failed" if a else "Passed", "b": "Failed" if b else "Passed"},
            hour=day + 0.001 * i,
            outcome="effective" if good else "ineffective",
        )
    blocks = blocks_of(incidents_of(cast_votes(*rows.frames(), as_of=hours(1e6)).data))
    return blocks, tilted_to(blocks, condition=0, false_stop_rate=0.16)


def play_one(blocks, weights, rng, number, *, terms=TERMS, limits=LIMITS, per_day=PER_DAY):
    """One rollout by the engine: gives the stage each condition was set back in, and the days of each stage."""
    own = blocks.incidents
    conditions = range(len(limits))
    budgets = [BudgetState(hypothesis="h", limit=limit) for limit in limits]
    threshold = math.log(len(limits) / terms.alpha)
    set_back = [NO_STAGE] * len(limits)
    days = [math.nan] * len(terms.stages)
    gaps_per_day = per_day / float(weights @ blocks.sizes)
    dealt = 0
    for stage, percent in enumerate(terms.stages):
        last = stage == len(terms.stages) - 1
        answer = [0.0 if set_back[c] != NO_STAGE else math.inf for c in conditions]
        out = [0.0 if set_back[c] != NO_STAGE else math.inf for c in conditions]
        n, k = [0] * len(limits), [0] * len(limits)
        clock, kept = 0.0, list(budgets)
        while True:
            clock += rng.exponential(1 / gaps_per_day)
            end = max(terms.minimum_days, *(min(a, o) for a, o in zip(answer, out, strict=True)))
            if all(o <= end for o in out):
                end = min(end, max(out))
            if clock > min(end, terms.longest_days):
                break
            block = rng.choice(len(weights), p=weights)
            for at in range(blocks.starts[block], blocks.starts[block] + blocks.sizes[block]):
                name = f"rollout-{number}-{dealt}"
                dealt += 1
                enrolled = is_enrolled(bucket_of("default", name), percent)
                for c in conditions:
                    if set_back[c] != NO_STAGE or not own.seen[at, c]:
                        continue
                    stop = bool(own.stop[at, c])
                    if enrolled:
                        kept[c] = count_incident(kept[c], incident_id=name, blocked=stop, now=NOW)
                        if kept[c].is_spent:
                            out[c] = min(out[c], clock)
                    elif own.good[at] and own.judges[at, c]:
                        n[c], k[c] = n[c] + 1, k[c] + stop
                        if n[c] < terms.minimum:
                            continue
                        if last or below(k[c], n[c], terms.target_of(stage)) >= threshold:
                            answer[c] = min(answer[c], clock + AGE_DAYS)
                        if above(k[c], n[c], terms.target_of(stage)) >= threshold:
                            out[c] = min(out[c], clock + AGE_DAYS)
        stop_at = min(end, terms.longest_days)
        for c in conditions:
            if set_back[c] == NO_STAGE and out[c] <= stop_at:
                set_back[c] = stage
        budgets = kept
        none_left = all(s != NO_STAGE for s in set_back)
        days[stage] = max(o for o in out if o) if none_left and any(out) else stop_at
        if none_left or end > terms.longest_days:
            break
    return set_back, days


def agreement(rollouts):
    blocks, weights = world()
    predicted = simulate_rollouts(
        blocks,
        np.tile(weights, (4000, 1)),
        terms=TERMS,
        per_day=PER_DAY,
        limits=LIMITS,
        rng=np.random.default_rng(11),
    )
    rng = np.random.default_rng(12)
    played = [play_one(blocks, weights, rng, number) for number in range(rollouts)]
    back = np.array([one[0] for one in played])
    days = np.array([one[1] for one in played])
    reached = ~np.isnan(days)
    went = reached[:, [-1]] & ((back == NO_STAGE) | (back == len(TERMS.stages) - 1))
    return predicted, back, days, went


def close(share, count, seen, n):
    """Whether two shares agree within four standard errors."""
    pooled = (share * count + seen * n) / (count + n)
    return abs(share - seen) <= 4 * math.sqrt(max(pooled * (1 - pooled), 1 / n) * (1 / count + 1 / n))


def hold_together(rollouts):
    predicted, back, days, went = agreement(rollouts)
    count = len(predicted)

    for c in range(len(LIMITS)):
        # Condition 0 is wrong: having gone is a wrong go. Condition 1 is right: being set back is a wrong stop.
        assert close(predicted.went[:, c].mean(), count, went[:, c].mean(), rollouts)
        assert close(predicted.set_back[:, c].mean(), count, (back[:, c] != NO_STAGE).mean(), rollouts)
    for stage in range(len(TERMS.stages)):
        mine, theirs = predicted.days[:, stage], days[:, stage]
        assert close((~np.isnan(mine)).mean(), count, (~np.isnan(theirs)).mean(), rollouts)
        mine, theirs = mine[~np.isnan(mine)], theirs[~np.isnan(theirs)]
        error = math.sqrt(mine.var() / len(mine) + mine.var() / len(theirs))
        assert abs(mine.mean() - theirs.mean()) <= 4 * error
    return predicted


def test_predicted_wrong_goes_and_wrong_stops_agree_with_rollouts_played_by_the_engine():
    hold_together(100)


@pytest.mark.slow
def test_they_agree_with_a_thousand_rollouts_played_by_the_engine():
    predicted = hold_together(1000)

    # The world is made so that both errors happen: an agreement of zeros would say nothing.
    assert 0.02 < predicted.went[:, 0].mean() < 0.98
    assert 0.02 < predicted.set_back[:, 1].mean() < 0.98


def simulated(seed=3, rollouts=200, **changes):
    blocks, weights = world()
    return simulate_rollouts(
        blocks,
        np.tile(weights, (rollouts, 1)),
        **{"terms": TERMS, "per_day": PER_DAY, "limits": LIMITS} | changes,
        rng=np.random.default_rng(seed),
    )


def test_the_same_seed_gives_the_same_rollouts():
    one, two, other = simulated(3), simulated(3), simulated(4)

    assert np.array_equal(one.days, two.days, equal_nan=True)
    assert not np.array_equal(one.days, other.days, equal_nan=True)


def test_a_stage_is_left_only_by_those_that_reach_it_and_lasts_within_its_bounds():
    found = simulated()
    reached = found.reached

    assert reached[:, 0].all()
    assert (reached[:, 1:] == found.left_up[:, :-1]).all()
    assert not (found.left_up & found.undecided).any()
    lasted = found.days[reached]
    assert lasted.max() <= TERMS.longest_days
    assert (found.days[found.left_up] >= TERMS.minimum_days).all()
    assert (found.held_by[reached] != NO_STAGE).all()


def test_more_traffic_makes_stages_shorter():
    slow, fast = simulated(per_day=10.0), simulated(per_day=80.0)

    assert np.nanmean(fast.days[:, 0]) < np.nanmean(slow.days[:, 0])


def test_without_a_budget_only_the_holdout_sets_back():
    found = simulated(limits=(None, None))

    assert not found.by_budget.any()


def test_at_100_percent_a_stage_is_watched_for_its_least_duration_and_judges_nothing():
    found = simulated(terms=RolloutTerms(stages=(100.0,), minimum_days=3.0, longest_days=12.0), limits=(None, None))

    assert (found.days == 3.0).all()
    assert found.good_holdout.sum() == 0
    assert found.good_stopped.sum() > 0


def test_a_rollout_in_which_all_are_set_back_ends_there():
    found = simulated(limits=(0.001, 0.001))
    gone = (found.set_back_in != NO_STAGE).all(axis=1)

    assert gone.mean() > 0.9
    assert not found.left_up[gone, -1].any()


def test_parts_are_joined_row_by_row():
    one, two = simulated(3, 20), simulated(4, 30)
    both = SimulatedRollouts.joined([one, two])

    assert len(both) == 50
    assert np.array_equal(both.days[20:], two.days, equal_nan=True)


@pytest.mark.slow
def test_a_thousand_simulated_rollouts_take_seconds():
    import time

    begun = time.process_time()
    simulated(rollouts=1000, terms=RolloutTerms())

    assert time.process_time() - begun < 20
