"""A change at an unknown time: found where there is one, rarely where there is none, whatever happens within a day."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from kubernaut_simulator.estimation.change_points import find_change, limits_of_change, log_rank_scores
from scipy import stats


def observed_less_expected(time, censored, member):
    """The log-rank test's numerator, written out."""
    total = 0.0
    for at in np.unique(time[~censored]):
        at_risk = time >= at
        passes = (time == at) & ~censored
        total += (passes & member).sum() - passes.sum() * (at_risk & member).sum() / at_risk.sum()
    return total


@given(
    st.lists(st.tuples(st.integers(1, 20), st.booleans(), st.booleans()), min_size=2, max_size=60).filter(
        lambda rows: any(not cut for _, cut, _ in rows)
    )
)
def test_scores_add_up_to_zero_and_in_a_group_to_the_log_rank_numerator(rows):
    time, censored, member = (np.array(column) for column in zip(*rows, strict=True))
    scores = log_rank_scores(time, censored)

    assert scores.sum() == pytest.approx(0.0, abs=1e-9)
    assert scores[member].sum() == pytest.approx(observed_less_expected(time, censored, member), abs=1e-9)


def test_the_p_value_of_one_cut_is_that_of_the_log_rank_test():
    rng = np.random.default_rng(4)
    n = 120
    time = np.concatenate([rng.exponential(10, n), rng.exponential(15, n)])
    censored = time > 30
    time = np.minimum(time, 30)
    # Two days: one cut only, and the order of the two says nothing; so every run is a day of its own, cut in the middle.
    scores = log_rank_scores(time, censored)
    found = find_change(scores, np.arange(2 * n), minimum=n, permutations=3999)
    sides = [
        stats.CensoredData(uncensored=part[~cut], right=part[cut])
        for part, cut in ((time[:n], censored[:n]), (time[n:], censored[n:]))
    ]

    assert found.cut == n
    assert found.p_value == pytest.approx(stats.logrank(*sides).pvalue, abs=0.01)


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 14), st.booleans()), min_size=45, max_size=120),
    st.floats(0.1, 100.0),
    st.sampled_from([-1.0, 1.0]),
)
def test_size_and_sign_of_the_scores_do_not_matter(rows, factor, sign):
    day = np.unique(np.sort([at for at, _ in rows]), return_inverse=True)[1]
    stop = np.array([yes for _, yes in rows], float)
    scores = stop - stop.mean()
    found = find_change(scores, day, permutations=99)
    again = find_change(scores * factor * sign, day, permutations=99)

    assert (found is None) == (again is None)
    if found is not None:
        assert found.p_value == again.p_value
        assert 0 < found.p_value <= 1
        earliest, latest = limits_of_change(scores, day, orders=39)
        assert 1 <= earliest <= found.cut <= latest <= day.max()


def test_no_cut_without_enough_on_both_sides():
    scores = np.array([-0.5, 0.5] * 15)

    assert find_change(scores, np.arange(30) // 3, minimum=20) is None


def world(rng, *, days, before, after, at, clustered):
    """Days of stops; where clustered, a day is an outage in which all incidents share one fate."""
    value, day = [], []
    for number in range(days):
        rate = before if number < at else after
        size = int(rng.integers(1, 8))
        together = clustered and rng.random() < 0.3
        value += [float(rng.random() < rate)] * size if together else list((rng.random(size) < rate).astype(float))
        day += [number] * size
    return np.array(value), np.array(day)


@pytest.mark.parametrize("clustered", [False, True])
def test_false_alarms_are_at_most_five_percent(clustered):
    rng = np.random.default_rng(8)
    worlds, alarms = 300, 0
    for _ in range(worlds):
        value, day = world(rng, days=40, before=0.1, after=0.1, at=40, clustered=clustered)
        found = find_change(value - value.mean(), day, permutations=199, seed=int(rng.integers(1 << 30)))
        alarms += found.p_value <= 0.05

    # Three standard errors of 300 worlds at 5 %.
    assert alarms / worlds <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / worlds)


def test_a_change_is_found_and_dated():
    rng = np.random.default_rng(2)
    covered, flagged, worlds = 0, 0, 40
    for _ in range(worlds):
        value, day = world(rng, days=60, before=0.05, after=0.4, at=35, clustered=False)
        found = find_change(value - value.mean(), day, permutations=499)
        flagged += found.p_value <= 0.01
        earliest, latest = limits_of_change(value - value.mean(), day)
        covered += earliest <= 35 <= latest

    assert flagged == worlds
    assert covered >= 35


def test_many_days_are_shuffled_in_parts():
    rng = np.random.default_rng(5)
    scores = rng.normal(size=3000)
    found = find_change(scores - scores.mean(), np.arange(3000), permutations=999)

    assert 0 < found.p_value <= 1
