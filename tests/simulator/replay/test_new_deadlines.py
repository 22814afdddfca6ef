"""A deadline that the record has no look on: never a failure, counted, and no word about time."""

import math
from itertools import pairwise

import pytest
from helpers.fact_histories import POLLS_S, POST, PostRun, conditions_of, post_history, with_terms
from hypothesis import given, settings
from hypothesis import strategies as st
from kubernaut_simulator.estimation.timeouts import TimeoutRecommendation
from kubernaut_simulator.replay.replay import replay
from kubernaut_simulator.replay.replayed_table import NO_LOOK_ON_DEADLINE
from kubernaut_simulator.tuning.search import judgeable_s

from kubernaut.policy.evaluating import InProcessEvaluator
from kubernaut.verification.polls import interval_after_s

HELD = PostRun(passes_from_s=4.0, hold_for_s=20.0)
"""First seen at 4.75 s; may pass from 24.75 s on, and does at the look at 30.8 s."""


def replayed(history, **terms):
    by = with_terms(conditions_of(history), POST, **terms)
    return replay(history, by, evaluator=InProcessEvaluator())


def row_of(found):
    (row,) = found.evaluations.table.to_pylist()
    return row


@pytest.mark.parametrize(
    ("timeout_s", "verdict", "source"),
    [
        (24.0, "Failed", "replayed"),
        (25.0, "Censored", "not replayable"),
        (30.0, "Censored", "not replayable"),
        (31.0, "Passed", "replayed"),
        (120.0, "Passed", "replayed"),
    ],
)
def test_a_hold_that_no_look_on_the_new_deadline_confirms(timeout_s, verdict, source):
    row = row_of(replayed(post_history([HELD]), timeout_s=timeout_s))

    assert (row["verdict"], row["source"]) == (verdict, source)


def test_such_a_row_is_counted_with_its_reason_and_says_nothing_of_time():
    found = replayed(post_history([HELD] * 30), timeout_s=28.0)

    assert found.not_replayable == {str(POST): {NO_LOOK_ON_DEADLINE: 30}}
    assert found.data["not replayable"].tolist() == [30]
    assert found.data["Failed"].tolist() == [0]
    assert found.false_stops().data["P(stop|G)"].tolist() == ["not enough data (n = 0)"]
    assert found.timeouts().data["good runs"].tolist() == [0]
    assert any(f"30 not replayable: {NO_LOOK_ON_DEADLINE}" in note for note in found.notes)


def test_without_a_hold_a_deadline_between_looks_is_no_failure_either():
    run = PostRun(passes_from_s=9.0)

    assert row_of(replayed(post_history([run]), timeout_s=10.0))["source"] == "not replayable"
    assert row_of(replayed(post_history([run]), timeout_s=8.5))["source"] == "not replayable"
    assert row_of(replayed(post_history([run]), timeout_s=8.0))["verdict"] == "Failed"
    assert row_of(replayed(post_history([run]), timeout_s=13.5))["verdict"] == "Passed"


def test_a_failure_on_a_shorter_timeout_is_known_until_that_deadline_only():
    found = replayed(post_history([PostRun(passes_from_s=60.0)] * 3), timeout_s=30.0)

    assert found.votes.data["verdict"].astype(str).tolist() == ["Failed"] * 3
    assert found.votes.data["observed_s"].tolist() == [30.0] * 3


def test_a_longer_hold_where_nobody_looked_after_the_pass_is_not_replayable():
    found = replayed(post_history([PostRun(passes_from_s=4.0)]), hold_for_s=20.0)

    row = row_of(found)
    assert (row["verdict"], row["source"]) == ("Censored", "not replayable")
    assert row["why_not"] == "nobody looked after 4.8 s, when the recorded policy passed"


@settings(max_examples=40)
@given(
    passes_from_s=st.floats(0.5, 40.0),
    hold_for_s=st.sampled_from([5.0, 20.0, 30.0]),
)
def test_a_timeout_with_room_for_the_last_look_judges_the_slowest_run(passes_from_s, hold_for_s):
    run = PostRun(passes_from_s=passes_from_s, hold_for_s=hold_for_s)
    settled = run.settled_by(run.looks())
    assert settled.time_to_pass_s is not None
    current = conditions_of(post_history([run]))[POST.level].texts.settings.effective(POST)
    found = recommendation(pass_by_s=settled.time_to_pass_s, hold_for_s=hold_for_s)

    chosen_s = judgeable_s(found, current)

    assert chosen_s >= found.timeout_s
    again = PostRun(passes_from_s=passes_from_s, hold_for_s=hold_for_s, timeout_s=chosen_s)
    assert again.settled_by(again.looks()).verdict == "Passed"


def recommendation(*, pass_by_s, hold_for_s):
    return TimeoutRecommendation(
        timeout_s=float(math.ceil(pass_by_s + hold_for_s)),
        pass_by_s=pass_by_s,
        earliest_pass_by_s=pass_by_s,
        share=0.95,
        confidence=0.95,
        reached=1.0,
        p50_s=pass_by_s,
        p95_s=pass_by_s,
        n=100,
        censored=0,
        never=0,
        hold_for_s=hold_for_s,
        method="test",
    )


def test_the_polls_of_the_helper_are_those_of_the_engine():
    gaps = [later - sooner for sooner, later in pairwise(POLLS_S)]

    assert all(gap <= interval_after_s(at_s, None) * 1.05 for at_s, gap in zip(POLLS_S, gaps, strict=False))
