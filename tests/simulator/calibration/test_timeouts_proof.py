"""What the proof of timeouts found: a deadline among longer ones must not count its passes twice."""

import numpy as np
from kubernaut_simulator.calibration.polled_times import Watching, lognormal, true_share, watch
from kubernaut_simulator.estimation.survival import PassTimes
from kubernaut_simulator.estimation.timeouts import recommend_timeout

LAW = lognormal(median_s=15, sigma=0.8)
SHORT_THEN_LONG = Watching(name="30 s for long, then 150 s", timeouts_s=(30.0, 30.0, 30.0, 150.0))


def test_a_pass_on_a_deadline_below_the_longest_is_censored_there():
    times = PassTimes.of(
        [30.0, 29.0, 150.0, 30.0], [False] * 4, lower_s=[22.0, 20.0, 140.0, 25.0], timeout_s=[30, 30, 150, np.nan]
    )

    assert times.censored.tolist() == [True, False, False, False]
    assert times.time_s.tolist() == [30.0, 29.0, 150.0, 30.0]
    assert times.lower_s.tolist() == [30.0, 20.0, 140.0, 25.0]


def test_one_timeout_changes_nothing():
    times = PassTimes.of([30.0, 8.0], [False, True], timeout_s=[30.0, 30.0])

    assert times.censored.tolist() == [False, True]


def test_a_history_of_two_timeouts_covers_its_share():
    rng = np.random.default_rng(5)
    worlds, missed = 120, 0
    for _ in range(worlds):
        found = recommend_timeout(watch(LAW, SHORT_THEN_LONG, rng, n=500), share=0.9)
        missed += found.timeout_s is not None and true_share(LAW, timeout_s=found.timeout_s, hold_for_s=0.0) < 0.9

    # With the passes on the shorter deadline counted as they stand, 30 of these worlds miss.
    assert missed <= 8
