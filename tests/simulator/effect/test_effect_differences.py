"""Coverage and bias of the comparison of arms, on tables whose truth is known."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from kubernaut_simulator.effect.differences import (
    mean_of,
    reduction,
    restricted_mean,
    share_of,
    stratified,
)
from statsmodels.stats.contingency_tables import StratifiedTable

STAGES = ((300, 0.05), (300, 0.10), (400, 0.50), (400, 0.98))
"""Incidents and share enrolled; the arms' shares also differ from stage to stage, as time goes on."""

WORLDS = 600
ERROR = 4 * (0.05 * 0.95 / WORLDS) ** 0.5


def dealt(rng, outcome):
    """Pairs of arms, stage by stage; `outcome(rng, stage, enrolled)` gives each incident's."""
    pairs = []
    for stage, (n, share) in enumerate(STAGES):
        enrolled = rng.random(n) < share
        pairs.append((outcome(rng, stage, int(enrolled.sum())), outcome(rng, stage, -int((~enrolled).sum()))))
    return pairs


def shares(effect):
    base = (0.5, 0.6, 0.7, 0.75)

    def outcome(rng, stage, count):
        return rng.random(abs(count)) < base[stage] + (effect if count > 0 else 0.0)

    return outcome


@pytest.mark.parametrize("effect", [0.0, 0.12, -0.2])
def test_the_interval_of_a_difference_of_shares_covers_the_truth_and_the_estimate_is_unbiased(effect):
    rng = np.random.default_rng(1)
    found = [
        stratified([(share_of(a), share_of(b)) for a, b in dealt(rng, shares(effect))], method="m")
        for _ in range(WORLDS)
    ]
    covered = np.mean([one.lower <= effect <= one.upper for one in found])
    estimates = np.array([one.estimate for one in found])

    assert covered >= 0.95 - ERROR
    assert covered <= 0.99
    assert abs(estimates.mean() - effect) <= 4 * estimates.std() / WORLDS**0.5


HORIZON_S = 4 * 3600.0


def durations(factor, *, censor):
    """Lognormal times with a heavy tail, seen only until an instant that has nothing to do with them."""

    def outcome(rng, _stage, count):
        time = rng.lognormal(7.0, 1.3, abs(count)) * (factor if count > 0 else 1.0)
        end = rng.uniform(0.3, 3.0, abs(count)) * HORIZON_S if censor else np.full(abs(count), np.inf)
        return np.minimum(time, end), time <= end

    return outcome


def true_mean(factor):
    times = np.random.default_rng(99).lognormal(7.0, 1.3, 2_000_000) * factor
    return float(np.minimum(times, HORIZON_S).mean())


@pytest.mark.parametrize("censor", [False, True])
@pytest.mark.parametrize("factor", [1.0, 0.6])
def test_the_interval_of_restricted_mean_times_covers_the_truth_with_heavy_tails(factor, censor):
    rng = np.random.default_rng(2)
    with_it, without = true_mean(factor), true_mean(1.0)
    truth = with_it - without
    found = []
    for _ in range(WORLDS):
        pairs = dealt(rng, durations(factor, censor=censor))
        arms = [tuple(restricted_mean(t, e, horizon_s=HORIZON_S) for t, e in pair) for pair in pairs]
        found.append((stratified(arms, method="m"), reduction(arms)))
    covered = np.mean([one.lower <= truth <= one.upper for one, _ in found])
    ratio_covered = np.mean([r.lower <= 1 - with_it / without <= r.upper for _, r in found])
    estimates = np.array([one.estimate for one, _ in found])

    # Few enrolled in skewed times: an interval of a mean covers a point or two less often than it says.
    assert covered >= 0.93 - ERROR
    assert ratio_covered >= 0.93 - ERROR
    assert abs(estimates.mean() - truth) <= 4 * estimates.std() / WORLDS**0.5 + 2


def test_incidents_in_bunches_do_not_break_the_interval_because_each_is_dealt_by_itself():
    rng = np.random.default_rng(3)
    covered = []
    for _ in range(WORLDS):
        outage = np.repeat(rng.random(60) < 0.6, 10)
        enrolled = rng.random(600) < 0.5
        one = stratified([(share_of(outage[enrolled]), share_of(outage[~enrolled]))], method="m")
        covered.append(one.lower <= 0 <= one.upper)

    assert np.mean(covered) >= 0.95 - ERROR


def test_the_estimate_is_the_one_of_mantel_and_haenszel():
    rng = np.random.default_rng(4)
    pairs = dealt(rng, shares(0.1))
    tables = [np.array([[a.sum(), (~a).sum()], [b.sum(), (~b).sum()]]) for a, b in pairs]
    weight = [len(a) * len(b) / (len(a) + len(b)) for a, b in pairs]
    by_hand = np.average([a.mean() - b.mean() for a, b in pairs], weights=weight)
    found = stratified([(share_of(a), share_of(b)) for a, b in pairs], method="m")

    assert found.estimate == pytest.approx(by_hand)
    # The test of Cochran, Mantel and Haenszel sees the same effect.
    assert (StratifiedTable(tables).test_null_odds().pvalue < 0.05) == (found.lower > 0)


@settings(max_examples=60, deadline=None)
@given(times=st.lists(st.floats(1, 2e4), min_size=2, max_size=40))
def test_without_censoring_the_restricted_mean_is_the_mean_of_cut_times(times):
    cut = np.minimum(times, HORIZON_S)
    arm = restricted_mean(times, np.ones(len(times), bool), horizon_s=HORIZON_S)

    assert arm.mean == pytest.approx(float(cut.mean()))
    assert arm.variance == pytest.approx(float(cut.var(ddof=1) / len(cut)), abs=1e-6)


def test_an_empty_arm_says_nothing():
    nothing = stratified([(share_of([]), share_of([True, False]))], method="m")

    assert (nothing.estimate, nothing.lower, nothing.n_control, nothing.enough) == (None, None, 2, False)
    assert reduction([(mean_of([]), mean_of([1.0, 2.0]))]).estimate is None
    assert reduction([(mean_of([0.0, 0.0]), mean_of([1.0, 2.0]))]).estimate is None
    assert np.isnan(mean_of([]).mean)
    assert mean_of([3.0]).mean == 3.0
    assert restricted_mean([5.0], [True], horizon_s=2.0).mean == 2.0
    assert np.isnan(restricted_mean([], [], horizon_s=2.0).mean)


def test_a_stage_with_one_arm_is_left_out_and_the_others_count():
    found = stratified([(share_of([]), share_of([1, 0])), (share_of([1] * 30), share_of([0] * 30))], method="m")

    assert (found.n_enrolled, found.n_control, found.estimate) == (30, 30, 1.0)
    assert found.lower < 1.0
