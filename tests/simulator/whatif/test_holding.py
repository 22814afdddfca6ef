"""What other holds and poll intervals would have made of passed runs, on histories whose truth is known."""

from datetime import timedelta

import pandas as pd
import pytest
from helpers.stored_runs import ACTION, START, Judged, condition, failed, history_of, passed, run
from hypothesis import given, settings
from hypothesis import strategies as st
from kubernaut_simulator.datasets import load_steady
from kubernaut_simulator.estimation.labels import Label
from kubernaut_simulator.estimation.votes import cast_votes
from kubernaut_simulator.history.history import History
from kubernaut_simulator.replay.recorded_set import recorded_sets
from kubernaut_simulator.replay.replay import Replay, replay
from kubernaut_simulator.tuning.tune import compiled
from kubernaut_simulator.whatif.holding import Effect, NotScored, Setting, hold_effects
from kubernaut_simulator.whatif.holding_result import HoldingResult, holding_of
from kubernaut_simulator.whatif.polling import SeenPass, coarser_pass, poll_effects
from kubernaut_simulator.whatif.whatif import WhatIf

from kubernaut.errors import InputError
from kubernaut.policy.evaluating import InProcessEvaluator
from kubernaut.verification.polls import PollTimes, hashed_share

POST = "step/post/desired_replicas_running"
STEADY, BROKE, LOST = "nnp" + 9 * "p", "nnpn" + 8 * "p", "nnp" + 9 * "n"
"""Passed at 30 s and watched on to the deadline at 120 s: held; broke once and passed again; never passed again."""


def watched_on(looks: str, number: int) -> Judged:
    """Give a run that passed at its first passing look and was looked at until its deadline."""
    decided_s = 10.0 * (looks.index("p") + 1) + 0.5
    return passed(looks, read_at=START + timedelta(hours=number, seconds=decided_s), elapsed_s=decided_s)


def known_truth() -> History:
    judged = [(STEADY, True)] * 30 + [(BROKE, True)] * 6 + [(LOST, True)] * 4 + [(BROKE, False)] * 2
    runs = [run(at, {POST: watched_on(looks, at)}, good=good) for at, (looks, good) in enumerate(judged)]
    runs += [run(at, {POST: passed("nnp")}) for at in range(100, 160)]
    runs += [run(at, {POST: failed(12 * "n")}) for at in range(200, 220)]
    runs += [run(300, {POST: passed(11 * "n" + "p")}), run(301, {POST: passed("nnp")}, good=None)]
    return history_of(*runs)


def votes_of(history: History) -> pd.DataFrame:
    cast = cast_votes(history.evaluations, history.executions, history.workflows, as_of=history.as_of)
    return cast.data[cast.data["label"].notna()]


def effect(effects: list[Effect], value_s: float, outcome: Label = Label.GOOD) -> Effect:
    return next(one for one in effects if (one.value_s, one.outcome) == (value_s, outcome))


@pytest.fixture(scope="module")
def history() -> History:
    return known_truth()


@pytest.fixture(scope="module")
def holds(history: History) -> list[Effect]:
    return hold_effects(WhatIf(history), condition(POST), votes_of(history))


@pytest.fixture(scope="module")
def replayed(history: History) -> Replay:
    return replay(history, evaluator=InProcessEvaluator())


@pytest.fixture(scope="module")
def result(replayed: Replay) -> HoldingResult:
    return replayed.holding()


def test_a_longer_hold_is_scored_on_the_runs_that_were_watched_on(holds: list[Effect]) -> None:
    found = effect(holds, 20.0)

    assert (found.later.k, found.not_at_all.k, found.changed.k, found.changed.n) == (6, 4, 10, 40)
    # Held since 30.5 s: the look at 50 s is half a second too early, that at 60 s decides.
    assert found.added.median_s == 30.0
    assert found.not_scored == {NotScored.NO_TIME_LEFT: 1, NotScored.NOT_WATCHED_ON: 60}


def test_the_present_hold_changes_nothing(holds: list[Effect]) -> None:
    found = effect(holds, 0.0)

    assert found.present
    assert (found.changed.k, found.changed.n, found.added.median_s) == (0, 40, 0.0)


def test_few_runs_without_good_outcome_are_not_enough(holds: list[Effect]) -> None:
    found = effect(holds, 20.0, Label.BAD)

    assert (found.later.k, found.later.n) == (2, 2)
    assert found.later.text().startswith("not enough data: 2/2")


def test_failed_runs_stand_apart(holds: list[Effect]) -> None:
    assert [(one.would_pass.k, one.would_pass.n) for one in holds if one.would_pass and one.outcome is Label.GOOD] == [
        (0, 20)
    ] * 5


def test_a_shorter_hold_lets_stopped_runs_pass() -> None:
    looks = 5 * "np" + "nn"
    history = history_of(*(run(at, {POST: failed(looks, hold_for_s=20.0)}) for at in range(30)))
    found = hold_effects(WhatIf(history), condition(POST), votes_of(history))

    would = {one.value_s: one.would_pass for one in found if one.outcome is Label.GOOD}
    assert {value_s: (rate.k, rate.n) for value_s, rate in would.items() if rate} == {
        0.0: (30, 30),
        10.0: (0, 30),
        20.0: (0, 30),
        30.0: (0, 30),
        60.0: (0, 30),
    }


def test_a_hold_that_fits_no_timeout_is_not_asked(history: History) -> None:
    found = hold_effects(WhatIf(history), condition(POST), votes_of(history), (119.0, 120.0))

    assert sorted({one.value_s for one in found}) == [0.0, 119.0]


def test_watched_runs_say_the_share_of_all() -> None:
    """One in five breaks; the share is drawn as the operator draws it, and the true one lies within the limits."""
    runs, watched = [], 0
    for number in range(500):
        draw = hashed_share("observe", f"run-{number}") < 0.2
        looks = BROKE if hashed_share("breaks", str(number)) < 0.2 else STEADY
        watched += draw
        runs.append(run(number, {POST: watched_on(looks, number) if draw else passed("nnp")}))
    history = history_of(*runs)
    found = effect(hold_effects(WhatIf(history), condition(POST), votes_of(history)), 30.0).changed

    assert found.n == watched
    assert found.lower < 0.2 < found.upper


def test_coarser_polls_come_later_and_finer_ones_are_not_replayable(history: History) -> None:
    found = poll_effects(WhatIf(history), condition(POST), votes_of(history))
    finer, same, coarse = (effect(found, value_s) for value_s in (5.0, 10.0, 30.0))

    assert finer.changed.n == 0
    assert finer.not_scored == {NotScored.FINER: 101}
    assert same.present
    assert same.changed.k == 0
    assert coarse.changed.n == 101
    assert coarse.added.median_s is not None
    assert 0.0 <= coarse.added.median_s <= 30.0


def test_a_look_that_ended_in_error_had_not_passed() -> None:
    """Nothing could be read before 60 s, so no other schedule would have seen the pass a minute earlier."""
    history = history_of(*(run(at, {POST: passed("eeeeep")}) for at in range(25)))
    found = effect(poll_effects(WhatIf(history), condition(POST), votes_of(history)), 20.0).added

    assert found.lower_s is not None
    assert found.lower_s > -10.0


def test_a_pass_seen_too_late_for_its_hold_is_none() -> None:
    history = history_of(*(run(at, {POST: passed("nnpppp", hold_for_s=20.0, timeout_s=65.0)}) for at in range(25)))
    found = effect(poll_effects(WhatIf(history), condition(POST), votes_of(history), (50.0,)), 50.0)

    assert found.not_at_all.k == found.not_at_all.n == 25


def test_only_so_many_are_laid_on_the_grid(history: History, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kubernaut_simulator.whatif.polling.TAKEN_AT_MOST", 10)
    found = effect(poll_effects(WhatIf(history), condition(POST), votes_of(history)), 20.0)

    assert found.changed.n == 10
    assert found.not_scored == {NotScored.NOT_TAKEN: 91}


@settings(deadline=None, max_examples=60)
@given(
    uid=st.text(alphabet="abc0123", min_size=1, max_size=6),
    recorded_s=st.sampled_from([None, 2.0, 5.0, 10.0]),
    other_s=st.sampled_from([10.0, 20.0, 30.0]),
    slot=st.integers(0, 12),
    late_at=st.tuples(st.floats(0.0, 0.05), st.floats(0.01, 1.0)),
)
def test_the_pass_lies_between_the_earliest_and_the_latest(
    uid: str, recorded_s: float | None, other_s: float, slot: int, late_at: tuple[float, float]
) -> None:
    """Whenever it truly passed between the two looks, the coarser schedule sees it within what was said."""
    late_s, at = late_at
    recorded = PollTimes(uid=uid, condition=ACTION, deadlines_s=(300.0,), poll_interval_s=recorded_s)
    after_s = recorded.offset_s(slot - 1) if slot else -1.0
    by_s = recorded.offset_s(slot)
    seen = SeenPass(
        uid=uid,
        condition=ACTION,
        after_s=after_s + (late_s if slot else 0.0),
        by_s=by_s + late_s,
        read_s=by_s + late_s + 0.2,
        timeout_s=300.0,
        hold_for_s=0.0,
        poll_interval_s=recorded_s,
    )
    other = PollTimes(uid=uid, condition=ACTION, deadlines_s=(300.0,), poll_interval_s=other_s)
    true_s = after_s + (by_s - after_s) * at
    seen_s = next(other.offset_s(n) for n in range(200) if other.offset_s(n) >= true_s - 1e-9)
    found = coarser_pass(seen, other_s)

    assert found.earliest_s - 1e-4 <= seen_s - by_s <= found.latest_s + 1e-4
    assert found.latest_s >= -1e-4
    if recorded_s == other_s:
        assert found.latest_s == pytest.approx(0.0, abs=1e-4)


def test_the_result_says_what_it_rests_on(result: HoldingResult) -> None:
    text = result.text()

    assert len(result.data) == 2 * (5 + 4)
    assert "10/40 = 25.0 % (upper 95 % 38.7 %)" in text
    assert "unweighted: they are drawn by a hash of the run" in text
    assert "60 good runs that passed are not scored: not replayable, nobody looked on after the pass" in text
    assert "1 votes without a known outcome are in no row" in text
    assert {"later k", "later n"} <= set(result.figures.columns)
    assert "<table" in result._repr_html_()
    assert result.as_json()["rows"][0]["value s"] == 0.0


def test_the_charts_show_either_setting(result: HoldingResult) -> None:
    (held,) = result.plot().data
    (polled,) = result.plot(Setting.POLL_INTERVAL).data

    assert held.y[2] == 0.25
    assert list(polled.x) == [10.0, 20.0, 30.0]
    with pytest.raises(InputError, match="one of holdFor, pollInterval"):
        result.plot("timeout")


def test_values_that_cannot_be_set_are_refused(replayed: Replay) -> None:
    with pytest.raises(InputError, match="holdFor -1s"):
        holding_of(replayed, holds_s=[-1.0])
    with pytest.raises(InputError, match="pollInterval 0s"):
        holding_of(replayed, polls_s=[0.0])


def test_nothing_to_hold_is_said() -> None:
    empty = HoldingResult(effects=(), without_outcome={}, window="w")

    assert "there is nothing to hold" in empty.text()
    assert not empty.plot().data


def test_other_conditions_are_asked_on_their_own_terms() -> None:
    steady = load_steady()
    history = steady.filter(until=steady.evaluations.column("started_at").to_pylist()[400])
    conditions = compiled(recorded_sets(history.evaluations, history.attempts, history.policies))
    recorded, same = (
        Replay(source=history, conditions=by, rows=replay(history, evaluator=InProcessEvaluator()).rows).holding(
            holds_s=[30.0], polls_s=[20.0], evaluator=InProcessEvaluator()
        )
        for by in (None, conditions)
    )

    pd.testing.assert_frame_equal(recorded.data, same.data)
    assert recorded.data["later n"].sum() > 0
