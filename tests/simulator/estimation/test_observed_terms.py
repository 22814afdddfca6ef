import numpy as np
import pandas as pd
from helpers.vote_frames import Rows, hours
from hypothesis import given, settings
from hypothesis import strategies as st
from kubernaut_simulator.estimation.observed_terms import observed_terms
from kubernaut_simulator.estimation.survival import kaplan_meier, pass_times
from kubernaut_simulator.estimation.votes import Votes, cast_votes
from kubernaut_simulator.results.timeouts import TimeoutsResult


def votes(times, timeouts, *, per_day=4):
    """One good run each; a time beyond its timeout was not seen."""
    rows = Rows()
    for number, (time_s, timeout_s) in enumerate(zip(times, timeouts, strict=True)):
        hour = number * 24.0 / per_day
        seen = time_s <= timeout_s
        evaluation = {
            "phase": "post",
            "timeout_s": timeout_s,
            "time_to_pass_s": time_s if seen else None,
            "time_to_pass_lower_s": max(0.0, time_s - 1.0) if seen else None,
            "observed_until": hours(hour) + pd.Timedelta(seconds=1 + timeout_s),
        }
        rows.run(f"i{number}", {"ready": "Passed" if seen else "Failed"}, hour=hour, evaluation=evaluation)
    return cast_votes(*rows.frames(), as_of=hours(99_999))


def raised() -> Votes:
    """A timeout of 30 s for 20 days, then one of 120 s; one run in five takes 80 s."""
    times = [80.0 if number % 5 == 0 else 5.0 + number % 20 for number in range(160)]
    return votes(times, [30.0] * 80 + [120.0] * 80)


def result(cast: Votes) -> TimeoutsResult:
    return TimeoutsResult(votes=cast, window="w", not_replayable={}, share=0.95)


def test_each_timeout_is_a_group_with_its_own_time_and_quantiles():
    first, second = observed_terms(raised().data)

    assert [(one.timeout_s, one.n, one.censored, one.days) for one in (first, second)] == [
        (30.0, 80, 16, 20),
        (120.0, 80, 0, 20),
    ]
    assert first.until < second.since
    assert (first.p95.value_s, second.p95.value_s) == (None, 80.0)
    assert second.p50.lower_s <= second.p50.value_s <= second.p50.upper_s
    assert second.text().startswith("timeout 2m, holdFor 0s, default polls, 2025-03-21 to 2025-04-09: n 80, 0 not")
    assert first.text().endswith("p95 not reached")


def test_the_text_says_who_alone_speaks_beyond_the_shorter_timeout():
    found = result(raised())
    text = found.text()

    assert "watched with timeout 30s" in text
    assert "watched with timeout 2m" in text
    assert "what comes after 30s is seen only in the 80 good runs with the longest timeout, 2m" in text
    assert "support a recommendation beyond it, such as this one (pass by 80 s)" in text
    assert sorted(trace.name for trace in found.plot().data if trace.line.dash == "dash") == [
        "step/post/ready, timeout 2m, holdFor 0s, default polls (n=80)",
        "step/post/ready, timeout 30s, holdFor 0s, default polls (n=80)",
    ]


def test_one_timeout_needs_no_groups():
    found = result(votes([5.0] * 60, [30.0] * 60))

    assert found.terms == {}
    assert "watched with" not in found.text()


def test_few_days_have_no_limits():
    (group,) = observed_terms(votes([5.0, 6.0, 7.0, 8.0], [30.0] * 4).data)

    assert (group.days, group.p50.value_s, group.p50.lower_s) == (1, 6.0, None)
    assert "p50 6 s (1 days: too few for limits)" in group.text()


@settings(deadline=None, max_examples=20)
@given(st.lists(st.tuples(st.floats(0.5, 200.0), st.sampled_from([30.0, 60.0, 120.0])), min_size=1, max_size=40))
def test_the_groups_are_all_runs_and_each_is_its_own_curve(runs):
    data = votes([time for time, _ in runs], [timeout for _, timeout in runs]).data
    groups = observed_terms(data)

    assert sum(one.n for one in groups) == len(runs)
    for one in groups:
        times = pass_times(data[data["timeout_s"] == one.timeout_s])
        own = kaplan_meier(times.time_s, times.censored)
        assert one.p50.value_s == own.quantile(0.5)
        assert np.array_equal(one.curve.passed, own.passed)
