import numpy as np
import pytest
from helpers.vote_frames import Rows, hours
from hypothesis import given
from hypothesis import strategies as st
from kubernaut_simulator.estimation.survival import PassTimes
from kubernaut_simulator.estimation.timeouts import cost_of_waiting, good_and_other, recommend_timeout
from kubernaut_simulator.estimation.votes import cast_votes
from scipy import stats


def exact(times):
    return PassTimes.of(times, np.zeros(len(times), bool))


def test_without_censoring_it_is_the_order_statistic_of_a_tolerance_limit():
    # 59 runs show 95 % at 95 % confidence by their maximum: the smallest n for which 0.95^n <= 0.05.
    found = recommend_timeout(exact(np.arange(1.0, 60.0)))

    assert found.pass_by_s == 59.0
    assert recommend_timeout(exact(np.arange(1.0, 59.0))).timeout_s is None
    assert recommend_timeout(exact(np.arange(1.0, 94.0))).pass_by_s == 92.0
    assert found.text() == "59s: at least 95 % of good runs pass by then (95 % confidence, n 59, 0 not passed)"


def test_hold_for_is_added_and_the_sum_rounded_up_to_a_second():
    found = recommend_timeout(exact(np.linspace(1, 10.4, 100)), hold_for_s=20.0)

    assert found.timeout_s == np.ceil(found.pass_by_s + 20.0)
    assert found.hold_for_s == 20.0


def test_too_few_runs_say_how_far_they_got():
    found = recommend_timeout(exact([1.0, 2.0, 3.0]))

    assert found.timeout_s is None
    assert found.reached == pytest.approx(0.05 ** (1 / 3), abs=1e-9)
    assert found.text().startswith("not reached: all 3 good runs passed, which shows 36.8 % at 95 % confidence")


def test_good_runs_that_had_not_passed_ask_for_a_longer_timeout():
    times = PassTimes.of([5.0] * 80 + [30.0] * 20, [False] * 80 + [True] * 20)
    found = recommend_timeout(times)

    assert found.timeout_s is None
    assert found.p50_s == 5.0
    assert found.p95_s is None
    assert "not reached: raise the timeout to learn (80 of 100 good runs passed; shown 72.3 %" in found.text()


def test_where_too_many_could_never_pass_no_longer_timeout_is_advised():
    never = np.repeat([False, True], [80, 20])
    found = recommend_timeout(PassTimes.of(np.arange(1.0, 101.0), never, fatal=never))

    assert (found.timeout_s, found.never) == (None, 20)
    assert found.text() == "not reached: 20 of 100 good runs could never pass, so no timeout has 95 % of them pass"
    assert found.text(good=False).startswith("not reached: 20 of 100 runs could never pass")


def test_no_good_run_is_not_enough_data():
    assert recommend_timeout(exact([])).text() == "not enough data (no good run was timed)"


def test_the_earlier_end_of_the_intervals_says_what_finer_polling_could_gain():
    n = 100
    times = PassTimes.of(np.arange(n) + 10.0, np.zeros(n, bool), lower_s=np.arange(n) + 1.0)
    found = recommend_timeout(times)

    assert found.pass_by_s - found.earliest_pass_by_s == 9.0


@given(
    st.lists(st.tuples(st.floats(0.1, 100), st.booleans()), min_size=1, max_size=150),
    st.floats(0.3, 0.95),
)
def test_a_recommendation_is_an_observed_pass_and_a_higher_share_never_asks_for_less(runs, share):
    times = PassTimes.of([r[0] for r in runs], [r[1] for r in runs])
    found, higher = recommend_timeout(times, share=share), recommend_timeout(times, share=share + 0.04)

    if found.pass_by_s is None:
        assert higher.pass_by_s is None
    else:
        assert found.pass_by_s in times.time_s[~times.censored]
        assert higher.pass_by_s is None or higher.pass_by_s >= found.pass_by_s


@given(st.lists(st.floats(0.1, 100), min_size=60, max_size=150), st.integers(1, 10))
def test_a_fatal_good_run_never_shortens_the_timeout(times, fatal):
    kind = np.array([False] * len(times) + [True] * fatal)
    found = recommend_timeout(PassTimes.of(times + [1.0] * fatal, kind, fatal=kind))
    without = recommend_timeout(exact(times))

    assert found.pass_by_s is None or found.pass_by_s >= without.pass_by_s


def simulate(*, worlds, n, censoring, seed, share=0.9, polls=True):
    rng = np.random.default_rng(seed)
    grid = np.cumsum(np.minimum(1.5 ** np.arange(40), 10.0))
    reached, wrong = 0, 0
    for _ in range(worlds):
        true = rng.lognormal(2.0, 0.7, n)
        watched = np.full(n, 40.0) if censoring == "timeout" else rng.uniform(10, 120, n)
        look = grid[np.searchsorted(grid, true)] if polls else true
        censored = look > watched
        found = recommend_timeout(PassTimes.of(np.where(censored, watched, look), censored), share=share)
        if found.pass_by_s is not None:
            reached += 1
            wrong += stats.lognorm.cdf(found.pass_by_s, 0.7, scale=np.exp(2.0)) < share
    return reached, wrong / worlds


@pytest.mark.parametrize("censoring", ["timeout", "random"])
@pytest.mark.parametrize("polls", [True, False])
def test_the_recommended_timeout_covers_its_share_in_at_least_95_percent_of_worlds(censoring, polls):
    worlds = 400
    reached, wrong = simulate(worlds=worlds, n=80, censoring=censoring, seed=3, polls=polls)

    assert reached > worlds / 2
    assert wrong <= 0.05 + 2 * np.sqrt(0.05 * 0.95 / worlds)


@pytest.mark.slow
@pytest.mark.parametrize("n", [40, 80, 300])
@pytest.mark.parametrize("censoring", ["timeout", "random"])
def test_the_recommended_timeout_covers_its_share_deeper(censoring, n):
    worlds = 4000
    _, wrong = simulate(worlds=worlds, n=n, censoring=censoring, seed=5, polls=False)

    assert wrong <= 0.05 + 2 * np.sqrt(0.05 * 0.95 / worlds)


def test_only_other_runs_cost_waiting():
    times = PassTimes.of([10.0, 60.0, 200.0, 60.0], [False, True, True, True])
    cost = cost_of_waiting(times, timeout_s=100.0, fatal_at_s=[np.nan, np.nan, np.nan, 7.0])

    assert cost.total_s == 10.0 + 100.0 + 100.0 + 7.0
    assert cost.mean_s == cost.total_s / 4
    assert (cost.n, cost.to_the_end, cost.beyond_observation) == (4, 2, 1)
    assert cost_of_waiting(exact([]), timeout_s=5.0).total_s == 0.0


def test_runs_without_outcome_are_neither_good_nor_other():
    rows = Rows()
    for i, outcome in enumerate(["effective", "ineffective", "inconclusive"]):
        rows.run(f"i{i}", {"a": "Passed"}, outcome=outcome, hour=i)
    good, other = good_and_other(cast_votes(*rows.frames(), as_of=hours(99)).data)

    assert (good["incident_id"].tolist(), other["incident_id"].tolist()) == (["i0"], ["i1"])
