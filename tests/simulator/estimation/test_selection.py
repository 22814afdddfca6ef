import numpy as np
import pytest
from helpers.vote_frames import Rows, hours
from hypothesis import given, settings
from hypothesis import strategies as st
from kubernaut_simulator.estimation.selection import (
    holdout_rate,
    no_assumption_bounds,
    outcome_coverage,
    weighted_rate,
)
from kubernaut_simulator.estimation.votes import cast_votes


def cast(rows):
    return cast_votes(*rows.frames(), as_of=hours(1e6)).data


def enforced(percent, incidents, seed):
    """A condition enforced at a percentage: a tenth of good runs fail it, and nine tenths of the bad."""
    rng = np.random.default_rng(seed)
    rows = Rows()
    for i in range(incidents):
        good = rng.random() < 0.8
        fails = rng.random() < (0.1 if good else 0.9)
        bucket = int(rng.integers(0, 10_000))
        blocked = fails and bucket < percent * 100
        rows.run(
            f"i{i}",
            {"a": "Failed" if fails else "Passed"},
            hour=i,
            outcome="effective" if good else "ineffective",
            execution={"result": "blocked" if blocked else "succeeded"},
            evaluation={
                "required": True,
                "percent": percent,
                "bucket": bucket,
                "p_ran": 1 - percent / 100 if fails else 1.0,
            },
        )
    return cast(rows)


def test_the_holdout_and_the_weights_find_the_rate_that_naive_counting_hides():
    votes = enforced(80.0, 4000, 1)
    good = votes[votes["label"] == "good"]
    naive = good["stop"].mean()
    holdout, weighted = holdout_rate(votes), weighted_rate(votes)

    assert naive < 0.04
    assert holdout.lower < 0.1 < holdout.upper
    assert weighted.estimate == pytest.approx(0.1, abs=0.03)
    assert weighted.interval.lower < 0.1 < weighted.interval.upper
    assert weighted.effective_n < weighted.n == len(good)
    assert weighted.largest_weight == pytest.approx(5.0)


def test_a_stop_that_could_hardly_have_been_seen_does_not_count_as_absent():
    rows = Rows()
    for i in range(300):
        rows.run(
            f"i{i}",
            {"a": "Passed"},
            hour=i,
            evaluation={"required": True, "percent": 98.0, "bucket": 9900 if i < 6 else 100},
        )
    weighted = weighted_rate(cast(rows))

    assert (weighted.estimate, weighted.n, weighted.effective_n) == (0.0, 300, 6.0)
    assert weighted.interval.upper > 0.4


def test_a_small_holdout_is_not_enough_data():
    votes = enforced(98.0, 300, 2)

    assert holdout_rate(votes).n < 20
    assert holdout_rate(votes).text().startswith("not enough data")


def test_in_warn_mode_every_weight_is_one():
    rows = Rows()
    for i in range(30):
        rows.run(f"i{i}", {"a": "Failed" if i < 3 else "Passed"}, hour=i)
    weighted = weighted_rate(cast(rows))

    assert (weighted.estimate, weighted.effective_n, weighted.n) == (pytest.approx(0.1), pytest.approx(30.0), 30)


def test_without_a_good_run_there_is_nothing_to_weight():
    rows = Rows()
    rows.run("i", {"a": "Failed"}, outcome="ineffective")
    weighted = weighted_rate(cast(rows))

    assert (weighted.estimate, weighted.interval, weighted.n) == (None, None, 0)


def test_a_run_that_could_never_have_run_stands_for_nobody():
    rows = Rows()
    rows.run("i", {"a": "Failed"}, evaluation={"p_ran": 0.0})

    assert weighted_rate(cast(rows)).n == 0


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["Passed", "Failed", "Error", "Censored"]),
            st.sampled_from(["effective", "ineffective", None]),
        ),
        min_size=1,
        max_size=9,
    )
)
def test_no_way_to_fill_in_what_is_missing_leaves_the_bounds(runs):
    rows = Rows()
    for i, (verdict, outcome) in enumerate(runs):
        rows.run(f"i{i}", {"a": verdict}, outcome=outcome, hour=i)
    bounds = no_assumption_bounds(cast(rows))

    possible = set()
    for filled in range(4 ** len(runs)):
        stops = goods = 0
        for i, (verdict, outcome) in enumerate(runs):
            choice = filled // 4**i % 4
            good = outcome == "effective" if outcome else choice % 2 == 1
            stop = verdict in ("Failed", "Error") if verdict != "Censored" else choice >= 2
            goods += good
            stops += good and stop
        if goods:
            possible.add(stops / goods)
        if filled > 5000:
            break
    if 4 ** len(runs) <= 5000 and any(outcome == "effective" for _, outcome in runs):
        assert (bounds.lower, bounds.upper) == (pytest.approx(min(possible)), pytest.approx(max(possible)))
    assert all(bounds.lower - 1e-12 <= p <= bounds.upper + 1e-12 for p in possible)


def test_bounds_without_a_vote_say_nothing():
    rows = Rows()
    rows.run("i", {"a": "Skipped"})
    bounds = no_assumption_bounds(cast(rows))

    assert (bounds.lower, bounds.upper, bounds.n) == (0.0, 1.0, 0)


def test_coverage_shows_where_nothing_ran():
    table = outcome_coverage(enforced(100.0, 200, 3)).set_index("verdict")

    assert table.loc["Failed", "share"] == 0.0
    assert table.loc["Passed", "share"] == 1.0
    assert table["n"].sum() == 200
