import json
from pathlib import Path

import numpy as np
import pytest
from helpers.vote_frames import Rows, hours
from hypothesis import given
from hypothesis import strategies as st
from kubernaut_simulator.estimation.rates import clopper_pearson_lower
from kubernaut_simulator.estimation.survival import PassTimes, kaplan_meier, pass_times
from kubernaut_simulator.estimation.votes import cast_votes
from scipy import stats
from statsmodels.duration.survfunc import SurvfuncRight

REFERENCE = json.loads((Path(__file__).parent / "reference" / "lifelines.json").read_text())
RUNS = st.lists(st.tuples(st.integers(1, 30), st.booleans()), min_size=1, max_size=60)


@pytest.mark.parametrize("name", ["generated", "waltons"])
def test_curve_and_greenwood_limit_are_those_of_lifelines(name):
    known = REFERENCE["kaplan_meier"][name]
    curve = kaplan_meier(known["time_s"], 1 - np.array(known["observed"]))

    assert curve.time_s.tolist() == known["event_times"]
    assert 1 - curve.passed == pytest.approx(np.array(known["survival"]), abs=1e-10)
    inner = ~np.isnan(curve.greenwood_lower)
    expected = 1 - np.array(known["survival_upper_one_sided_95"])
    assert curve.greenwood_lower[inner] == pytest.approx(expected[inner], abs=1e-10)


@given(RUNS)
def test_curve_and_risk_sets_are_those_of_statsmodels(runs):
    time, cut = np.array([r[0] for r in runs], float), np.array([r[1] for r in runs])
    curve = kaplan_meier(time, cut)
    if cut.all():
        assert len(curve.time_s) == 0
        return

    known = SurvfuncRight(time, (~cut).astype(int))
    at = np.isin(known.surv_times, curve.time_s)
    assert curve.passed == pytest.approx(1 - known.surv_prob[at], abs=1e-9)
    assert curve.at_risk.tolist() == known.n_risk[at].tolist()
    assert curve.events.tolist() == known.n_events[at].tolist()


def test_a_fatal_run_counts_as_aalen_johansen_counts_a_competing_event():
    known = REFERENCE["aalen_johansen"]["pass_or_fatal"]
    fatal = np.array(known["kind"]) == 2
    times = PassTimes.of(known["time_s"], fatal, fatal=fatal)
    curve = kaplan_meier(times.time_s, times.censored)

    assert curve.time_s.tolist() == known["event_times"]
    assert curve.passed == pytest.approx(np.array(known["incidence"]), abs=1e-10)


@given(st.lists(st.integers(1, 30), min_size=1, max_size=60))
def test_without_censoring_the_limit_is_clopper_pearson_on_the_number_passed(times):
    curve = kaplan_meier(np.array(times, float), np.zeros(len(times), bool))
    passed = np.searchsorted(np.sort(times), curve.time_s, side="right")

    assert curve.lower == pytest.approx(clopper_pearson_lower(passed, len(times)), abs=1e-7)
    assert "exact" in curve.method


@given(RUNS)
def test_the_limit_is_below_the_estimate_and_both_only_rise(runs):
    time, cut = np.array([r[0] for r in runs], float), np.array([r[1] for r in runs])
    curve = kaplan_meier(time, cut)

    assert (curve.lower <= curve.passed + 1e-9).all()
    assert (np.diff(curve.passed) >= -1e-12).all()
    assert (np.diff(curve.lower) >= -1e-6).all()
    assert ((curve.lower >= 0) & (curve.lower <= 1)).all()


@given(RUNS)
def test_watching_a_censored_run_longer_without_a_pass_never_raises_the_limit_before(runs):
    time, cut = np.array([r[0] for r in runs], float), np.array([r[1] for r in runs])
    longer = np.where(cut, 1000.0, time)
    curve, late = kaplan_meier(time, cut), kaplan_meier(longer, cut)

    assert (late.passed <= curve.passed + 1e-9).all()


def test_a_quantile_beyond_the_curve_does_not_exist():
    curve = kaplan_meier([1.0, 2.0, 3.0, 3.0], [False, False, True, True])

    assert curve.quantile(0.5) == 2.0
    assert curve.quantile(0.95) is None


def test_no_run_has_no_curve():
    curve = kaplan_meier([], [])

    assert (curve.n, len(curve.time_s), curve.quantile(0.5)) == (0, 0, None)


def test_the_upper_end_of_the_interval_is_the_time():
    times = PassTimes.of([8.0, 30.0], [False, True], lower_s=[5.0, 0.0])

    assert times.time_s.tolist() == [8.0, 30.0]
    assert times.lower_s.tolist() == [5.0, 30.0]
    assert len(times) == 2


def test_the_look_on_the_deadline_answers_after_it_and_counts_on_it():
    times = PassTimes.of(
        [4.0, 120.031, 120.0, 125.0],
        [False, False, True, False],
        lower_s=[2.0, 120.01, 0.0, 110.0],
        timeout_s=[120.0] * 4,
    )
    curve = kaplan_meier(times.time_s[:3], times.censored[:3])

    assert times.time_s.tolist() == [4.0, 120.0, 120.0, 125.0]
    assert times.lower_s.tolist() == [2.0, 120.0, 120.0, 110.0]
    assert curve.passed[-1] == pytest.approx(2 / 3)


def test_times_come_from_votes_with_censoring_and_fatal():
    rows = Rows()
    base = {"phase": "post", "started_at": hours(0)}
    rows.run("i1", {"a": "Passed"}, evaluation=base | {"time_to_pass_s": 8.0, "time_to_pass_lower_s": 5.0})
    rows.run("i2", {"a": "Passed"}, hour=1, evaluation=base | {"time_to_pass_s": 2.0})
    rows.run("i3", {"a": "Failed"}, hour=2, evaluation=base | {"observed_until": hours(1 / 60)})
    rows.run("i4", {"a": "Failed"}, hour=3, evaluation=base)
    rows.run("i5", {"a": "Failed"}, hour=4, evaluation=base | {"reason": "Fatal"})
    rows.run("i6", {"a": "Failed"}, hour=5, evaluation=base | {"timeout_s": None})
    times = pass_times(cast_votes(*rows.frames(), as_of=hours(99)).data)

    assert times.time_s.tolist() == [8.0, 2.0, 60.0, 120.0, np.inf]
    assert times.lower_s.tolist() == [5.0, 0.0, 60.0, 120.0, np.inf]
    assert times.censored.tolist() == [False, False, True, True, True]


@pytest.mark.slow
def test_the_limit_covers_at_least_95_percent_of_worlds_under_random_censoring():
    rng = np.random.default_rng(11)
    worlds = 3000
    for n, heavy in ((20, 60.0), (60, 60.0), (60, 25.0)):
        beta, greenwood = 0, 0
        for _ in range(worlds):
            time = rng.weibull(1.2, n) * 15
            cut = rng.uniform(5, heavy, n)
            curve = kaplan_meier(np.minimum(time, cut), time > cut)
            at = np.searchsorted(curve.time_s, 12.0, side="right") - 1
            truth = stats.weibull_min.cdf(12.0, 1.2, scale=15)
            beta += at < 0 or curve.lower[at] <= truth
            greenwood += at < 0 or curve.greenwood_lower[at] <= truth
        error = 2 * np.sqrt(0.05 * 0.95 / worlds)
        assert beta / worlds >= 0.95 - error
        # The usual formula is shown beside it; it is the less careful one.
        assert beta >= greenwood
