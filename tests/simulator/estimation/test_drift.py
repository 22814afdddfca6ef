"""Drift of votes: asked of what may judge only, flagged with dates and figures, silent where nothing changed."""

import numpy as np
import pandas as pd
import pytest
import statsmodels.duration.api as smd
from helpers.vote_frames import Rows, hours
from kubernaut_simulator.estimation.drift import (
    Measure,
    comparable,
    compared_times,
    drift,
    weighted_quantiles,
)
from kubernaut_simulator.estimation.survival import PassTimes, kaplan_meier
from kubernaut_simulator.estimation.votes import cast_votes


def history(*, days=40, change=20, slow_after=3.0, stops_after=0.02, seed=1, source="alert", **extra):
    """One postcondition over some days, six incidents a day; after the change passes are slower, stops more frequent."""
    rng = np.random.default_rng(seed)
    rows = Rows()
    for day in range(days):
        after = day >= change
        for number in range(6):
            stopped = rng.random() < (stops_after if after else 0.02)
            time_s = float(rng.gamma(4, 2) * (slow_after if after else 1.0))
            hour = day * 24 + number
            rows.run(
                f"i{day}-{number}",
                {"ready": "Failed" if stopped else "Passed"},
                hour=hour,
                source=source,
                evaluation={
                    "phase": "post",
                    "time_to_pass_s": None if stopped else time_s,
                    "time_to_pass_lower_s": None if stopped else max(0.0, time_s - 2),
                    "observed_until": hours(hour) + pd.Timedelta(seconds=121),
                }
                | extra,
            )
    return cast_votes(*rows.frames(), as_of=hours(days * 24 + 99)).data


def test_a_slower_world_is_flagged_with_its_date_and_figures():
    stops, times = drift(history())

    assert (stops.measure, times.measure) == (Measure.FALSE_STOPS, Measure.TIME_TO_PASS)
    assert not stops.flagged
    assert times.flagged
    assert times.earliest <= pd.Timestamp("2025-03-21", tz="UTC") <= times.latest
    assert times.before.p50.value_s * 2 < times.after.p50.value_s
    assert times.before.p50.lower_s <= times.before.p50.value_s <= times.before.p50.upper_s < times.after.p50.lower_s
    assert times.before.n + times.after.n == times.n == 240
    assert times.before.days + times.after.days == times.days == 40


def test_more_false_stops_are_flagged():
    stops, times = drift(history(slow_after=1.0, stops_after=0.5))

    assert stops.flagged
    assert stops.before.stops.upper < stops.after.stops.lower
    assert stops.p_adjusted >= stops.p_value
    # A run that fails does not pass in time: both say the same change.
    assert times.flagged


def test_nothing_is_flagged_where_nothing_changed():
    found = drift(history(slow_after=1.0))

    assert not any(one.flagged for one in found)
    assert all(one.changed_at is None and one.before is None and one.p_value > 0.02 for one in found)


def test_labels_that_may_not_gate_are_not_asked():
    stops, times = drift(history(days=20, source="health"))

    assert (stops.n, stops.not_compared) == (0, 120)
    assert stops.why_not == "not enough data: 0 of 40 good incidents that may judge"
    assert times.why_not


def test_enforced_incidents_are_not_compared():
    votes = history(days=20, required=True, percent=100.0)

    assert not votes["holdout"].any()
    assert drift(votes)[0].n == 0


def test_few_days_are_not_enough():
    assert drift(history(days=8, change=4))[0].why_not == "not enough data: 8 of 10 days with a good incident"


def test_times_are_compared_up_to_the_shortest_timeout():
    votes = history(days=12, change=6)
    votes.loc[votes.index[:36], "timeout_s"] = 12.0
    times = compared_times(comparable(votes, Measure.TIME_TO_PASS))

    assert times.time_s.max() == 12.0
    assert times.censored[times.time_s == 12.0].all()
    assert (times.lower_s <= times.time_s).all()


@pytest.mark.parametrize("seed", range(4))
def test_weighted_quantiles_are_those_of_repeated_runs(seed):
    rng = np.random.default_rng(seed)
    n = 30
    times = PassTimes.of(rng.integers(1, 15, n).astype(float), rng.random(n) < 0.3)
    weight = rng.integers(0, 3, n)
    found = weighted_quantiles(times, np.array([weight, np.ones(n)], float), [0.5, 0.9])
    repeated = kaplan_meier(np.repeat(times.time_s, weight), np.repeat(times.censored, weight))
    alone = smd.SurvfuncRight(times.time_s, ~times.censored)

    expected = [np.inf if one is None else one for one in (repeated.quantile(0.5), repeated.quantile(0.9))]
    assert found[0].tolist() == pytest.approx(expected)
    reached = np.flatnonzero(1 - alone.surv_prob >= 0.5 - 1e-12)
    assert found[1, 0] == (alone.surv_times[reached[0]] if len(reached) else np.inf)


@pytest.mark.parametrize("verdict", ["Passed", "Censored"])
def test_votes_without_a_time_are_not_compared_where_times_are(verdict):
    """A run that cannot be replayed has a timeout and no time: it may judge false stops only."""
    votes = history()
    votes["verdict"] = votes["verdict"].astype(str)
    votes.loc[votes.index[7], ["time_to_pass_s", "observed_s"]] = np.nan
    votes.loc[votes.index[7], "verdict"] = verdict

    stops, times = drift(votes)

    assert times.flagged
    assert (times.n, times.not_compared) == (239, 1)
    assert stops.n == (240 if verdict == "Passed" else 239)


def test_the_quantiles_beside_a_change_of_false_stops_leave_out_votes_without_a_time():
    votes = history(slow_after=1.0, stops_after=0.5)
    passed = votes.index[votes["verdict"] == "Passed"]
    votes.loc[passed[:3], ["time_to_pass_s", "observed_s"]] = np.nan

    stops, _ = drift(votes)

    assert stops.flagged
    assert stops.before.p50.value_s is not None


def test_no_votes_are_no_question():
    assert drift(history().iloc[:0]) == []
