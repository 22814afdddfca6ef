from datetime import UTC, datetime, timedelta

import pytest
from helpers.verification_worlds import (
    ERROR,
    FATAL,
    PASS,
    condition,
    entry,
    not_yet,
    one,
    post_stages,
    stage,
    worlds_of,
)
from helpers.virtual_clock import drive
from hypothesis import given, settings
from hypothesis import strategies as st

from kubernaut.verdicts import Code, Reason, Verdict
from kubernaut.verification.postcondition import terms_of
from kubernaut.verification.rows import evaluation_row
from kubernaut.verification.settle import Recorded, settle, settle_precondition, settled_of, terms_with
from kubernaut.verification.timeline import Look, Terms

NOT_YET = not_yet()


def looks(*pairs, read_s=0.1):
    return [Look(slot, at_s, at_s + read_s, judgement) for slot, (at_s, judgement) in enumerate(pairs)]


PASSED_AT_31 = looks((1.0, NOT_YET), (11.0, NOT_YET), (21.0, NOT_YET), (31.0, PASS))
RECORDED_PASS = Recorded(terms=Terms(120.0), observed_s=31.1, passed_s=31.1, stopped_early=True)
FAILED = looks(*((float(at_s), NOT_YET) for at_s in range(10, 121, 10)))
RECORDED_FAIL = Recorded(terms=Terms(120.0), observed_s=120.1)


def test_the_recorded_terms_give_the_recorded_verdict():
    settled = settle(PASSED_AT_31, Terms(120.0), recorded=RECORDED_PASS)

    assert settled.verdict is Verdict.PASSED
    assert (settled.time_to_pass_lower_s, settled.time_to_pass_s) == (21.0, 31.1)
    assert settled.attempts == 4
    assert settled.certain
    assert settled.replayable


def test_a_shorter_timeout_fails_what_passed_later():
    settled = settle(PASSED_AT_31, Terms(21.0), recorded=RECORDED_PASS)

    assert settled.verdict is Verdict.FAILED
    assert settled.certain
    assert settled.deadline_s == 21.0


def test_a_deadline_between_the_last_look_and_the_pass_is_not_certain():
    settled = settle(PASSED_AT_31, Terms(28.0), recorded=RECORDED_PASS)

    assert settled.verdict is Verdict.FAILED
    assert not settled.certain


@pytest.mark.parametrize(("hold_for_s", "certain"), [(10.0, False), (15.0, True)])
def test_an_uncertain_hold(hold_for_s, certain):
    held = looks((10.0, NOT_YET), (20.0, PASS), (29.0, PASS), (38.0, PASS))
    settled = settle(held, Terms(33.0, hold_for_s))

    assert settled.verdict is Verdict.FAILED
    assert settled.certain is certain


def test_a_longer_timeout_than_observed_is_censored():
    settled = settle(FAILED, Terms(300.0), recorded=RECORDED_FAIL)

    assert settled.verdict is Verdict.CENSORED
    assert settled.reason is Reason.OBSERVATION_ENDED
    assert settled.replayable
    assert "before the deadline at 300 s" in settled.message
    assert "3 of 5 pods ready" in settled.message


def test_a_timeout_a_little_longer_than_observed_is_censored_too():
    assert settle(FAILED, Terms(125.0), recorded=RECORDED_FAIL).verdict is Verdict.CENSORED


def test_a_longer_hold_cannot_be_replayed_when_nobody_looked_after_the_pass():
    settled = settle(PASSED_AT_31, Terms(120.0, 20.0), recorded=RECORDED_PASS)

    assert settled.verdict is Verdict.CENSORED
    assert not settled.replayable
    assert settled.why_not == "nobody looked after 31.1 s, when the recorded policy passed"


def test_a_hold_that_cannot_last_until_the_deadline_has_failed_even_so():
    settled = settle(PASSED_AT_31, Terms(40.0, 20.0), recorded=RECORDED_PASS)

    assert settled.verdict is Verdict.FAILED
    assert settled.replayable


def test_a_longer_hold_is_replayed_on_an_observed_run():
    after = [Look(4 + k, 41.1 + 10 * k, 41.2 + 10 * k, PASS) for k in range(8)]
    recorded = Recorded(terms=Terms(120.0, 0.0, 2.0), observed_s=120.1, passed_s=31.1)
    settled = settle([*PASSED_AT_31, *after], Terms(120.0, 20.0), recorded=recorded)

    assert settled.verdict is Verdict.PASSED
    assert settled.time_to_pass_s == 31.1
    assert settled.settled_s == pytest.approx(51.2, abs=10.1)


def test_a_policy_that_has_not_passed_where_the_recorded_one_did_cannot_be_replayed_to_its_end():
    candidate = [look._replace(judgement=NOT_YET) for look in PASSED_AT_31]
    settled = settle(candidate, Terms(120.0), recorded=RECORDED_PASS)

    assert settled.verdict is Verdict.CENSORED
    assert not settled.replayable


def test_after_a_fatal_stop_another_policy_cannot_be_replayed():
    recorded = Recorded(terms=Terms(120.0), observed_s=11.1, stopped_early=True)
    settled = settle(looks((1.0, NOT_YET), (11.0, NOT_YET)), Terms(120.0), recorded=recorded)

    assert settled.why_not == "nobody looked after 11.1 s, when the recorded policy said that it can never pass"


def test_without_looks_there_is_nothing_to_replay():
    settled = settle([], Terms(120.0))

    assert (settled.verdict, settled.replayable) == (Verdict.CENSORED, False)
    assert settled.why_not == "no look was recorded"
    assert settled.attempts == 0


def test_looks_from_elsewhere_are_taken_as_complete():
    complete = settle(looks((1.0, NOT_YET), (115.0, NOT_YET)), Terms(120.0))
    cut = settle(looks((1.0, NOT_YET), (50.0, NOT_YET)), Terms(120.0))

    assert complete.verdict is Verdict.FAILED
    assert cut.verdict is Verdict.CENSORED


def test_a_precondition_is_one_evaluation():
    assert settle_precondition(PASS, elapsed_s=0.4, timeout_s=30.0).verdict is Verdict.PASSED
    assert settle_precondition(NOT_YET, elapsed_s=0.4, timeout_s=30.0).verdict is Verdict.FAILED
    assert settle_precondition(ERROR, elapsed_s=0.4, timeout_s=30.0).verdict is Verdict.ERROR
    slow = settle_precondition(PASS, elapsed_s=31.0, timeout_s=30.0)
    assert (slow.verdict, slow.reason) == (Verdict.ERROR, Reason.LIMIT_EXCEEDED)


def test_what_has_not_settled_has_come_to_nothing():
    run = drive(stage(entry()), one((0, NOT_YET)), until_s=5.0)

    assert settled_of(run.status.postconditions["ready"]) is None


def test_another_poll_interval_cannot_be_replayed():
    recorded = Recorded(terms=Terms(120.0, 0.0, 5.0), observed_s=120.0)

    assert terms_with(condition(poll_interval_s=1.0, hold_for_s=10.0), recorded) == Terms(120.0, 10.0, 5.0)


@settings(max_examples=100, deadline=None)
@given(data=st.data(), spec=post_stages(), read_s=st.sampled_from([0.0, 0.05, 0.7]))
def test_a_row_says_enough_to_settle_its_looks_again(data, spec, read_s, context):
    run = drive(spec, data.draw(worlds_of(spec)), read_s=read_s)

    for item in spec.conditions:
        row = evaluation_row(context, spec, run.status, item.key, recorded_at=datetime(2026, 3, 2, tzinfo=UTC))
        settled = settle(run.looks(item.key), terms_of(item.condition), recorded=Recorded.of(row))
        assert settled.replayable
        assert (settled.verdict, settled.reason.value) == (row.verdict, row.reason)
        assert (settled.message, settled.attempts) == (row.message, row.attempts)
        assert settled.time_to_pass_s == row.time_to_pass_s
        assert settled.time_to_pass_lower_s == row.time_to_pass_lower_s
        assert row.started_at + timedelta(seconds=settled.settled_s) == row.read_at


@settings(max_examples=100, deadline=None)
@given(st.data(), post_stages(), st.floats(1.0, 200.0), st.floats(1.0, 200.0))
def test_a_longer_timeout_never_fails_what_a_shorter_one_passed(data, spec, one_s, other_s):
    run = drive(spec, data.draw(worlds_of(spec)))
    shorter_s, longer_s = sorted((one_s, other_s))

    for item in spec.conditions:
        taken = run.looks(item.key)
        hold_for_s = min(item.condition.hold_for_s, shorter_s / 2)
        short = settle(taken, Terms(shorter_s, hold_for_s, item.condition.poll_interval_s))
        long = settle(taken, Terms(longer_s, hold_for_s, item.condition.poll_interval_s))
        if short.verdict is Verdict.PASSED and not short.extended:
            assert (long.verdict, long.time_to_pass_s) == (Verdict.PASSED, short.time_to_pass_s)


def test_fatal_is_replayed():
    settled = settle(looks((1.0, NOT_YET), (2.5, FATAL)), Terms(120.0))

    assert (settled.verdict, settled.reason) == (Verdict.FAILED, Reason.FATAL)
    assert FATAL.code is Code.FAILED


def test_a_hold_that_was_cut_off_from_outside_is_censored_though_it_began_too_late():
    began_too_late = looks((1.0, NOT_YET), (1.6, PASS), read_s=0.7)
    recorded = Recorded(terms=Terms(3.0, 1.5), observed_s=2.3)

    settled = settle(began_too_late, Terms(3.0, 1.5), recorded=recorded)

    assert (settled.verdict, settled.reason) == (Verdict.CENSORED, Reason.OBSERVATION_ENDED)
    assert settled.replayable


def test_a_longer_hold_that_began_too_late_fails_where_looking_stopped_because_it_had_passed():
    passed_late = looks((1.0, NOT_YET), (2.5, PASS))
    recorded = Recorded(terms=Terms(3.0), observed_s=2.6, passed_s=2.6, stopped_early=True)

    settled = settle(passed_late, Terms(3.0, 1.0), recorded=recorded)

    assert (settled.verdict, settled.reason) == (Verdict.FAILED, Reason.NOT_HELD_LONG_ENOUGH)
