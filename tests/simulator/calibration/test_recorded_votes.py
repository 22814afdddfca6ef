"""Made-up incidents come out of the votes as they were made, and drift and detection see what was put in."""

import numpy as np
import pytest
from kubernaut_simulator.calibration.drift_alarms import CAPACITY, CHANGE_DAY, REPLICAS, Kind, made
from kubernaut_simulator.calibration.recorded_votes import MadeIncidents, tables_of, votes_of
from kubernaut_simulator.estimation.detection import detection
from kubernaut_simulator.estimation.survival import pass_times


def test_votes_hold_what_was_made():
    incidents = MadeIncidents(
        days=np.array([0.0, 0.5, 1.5]),
        targets=["a", "a", "b"],
        good=np.array([True, False, True]),
        failed={CAPACITY: np.array([False, True, True])},
        passes_after_s={REPLICAS: np.array([3.0, 12.0, np.inf])},
    )
    votes = votes_of(incidents)
    pre = votes[votes["condition"] == CAPACITY]
    post = votes[votes["condition"] == REPLICAS]
    times = pass_times(post)

    assert pre["verdict"].tolist() == ["Passed", "Failed", "Failed"]
    assert pre["label"].tolist() == ["good", "bad", "good"]
    assert pre["target_day"].nunique() == 2
    assert votes["gate"].all()
    assert times.time_s.tolist() == [5.0, 15.0, 120.0]
    assert times.lower_s.tolist() == [0.0, 10.0, 120.0]
    assert times.censored.tolist() == [False, False, True]


def test_lead_time_is_from_verdict_to_label():
    n = 40
    incidents = MadeIncidents(
        days=np.arange(n, dtype=float),
        targets=["a"] * n,
        good=np.zeros(n, dtype=bool),
        failed={CAPACITY: np.ones(n, dtype=bool)},
        label_after_s=np.full(n, 900.0),
    )
    evaluations, _, workflows = tables_of(incidents)
    (found,) = detection(votes_of(incidents), evaluations, workflows)

    assert (found.failed_given_bad.k, found.failed_given_bad.n) == (n, n)
    assert found.before_outcome.median_s == 780.0


def test_what_changes_changes_on_its_day_and_not_before():
    incidents = made(Kind(name="slower", stops=(0.0, 1.0), slower=3.0), np.random.default_rng(1))
    after = incidents.days >= CHANGE_DAY
    times_s = incidents.passes_after_s[REPLICAS]

    assert (incidents.failed[CAPACITY] == after).all()
    assert np.median(times_s[after]) == pytest.approx(3 * np.median(times_s[~after]), rel=0.3)


def test_an_outage_ends_alike():
    incidents = made(Kind(name="outages", stops=(0.5, 0.5), outages=1.0), np.random.default_rng(1))
    struck = np.array([target == "target-50" for target in incidents.targets])
    day = np.floor(incidents.days).astype(int)

    assert struck.sum() == 8 * 40
    for one in range(40):
        assert len(set(incidents.failed[CAPACITY][struck & (day == one)])) == 1
