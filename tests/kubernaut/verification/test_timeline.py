"""The rule of postconditions, sentence by sentence."""

import pytest
from helpers.verification_worlds import ERROR, FATAL, PASS, not_yet

from kubernaut.verdicts import Reason, Verdict
from kubernaut.verification.timeline import Look, Terms, Timeline


def seen(terms, *looks, read_s=0.1):
    timeline = Timeline(terms)
    for slot, (began_s, judgement) in enumerate(looks):
        timeline.see(Look(slot, began_s, began_s + read_s, judgement))
    return timeline


def test_a_pass_at_the_first_look_is_the_interval_from_zero():
    timeline = seen(Terms(120.0), (1.0, PASS))

    assert timeline.verdict is Verdict.PASSED
    assert timeline.reason is Reason.ALLOWED
    assert (timeline.hold_lower_s, timeline.held_since_s) == (0.0, 1.1)


def test_time_to_pass_lies_between_the_last_look_that_had_not_passed_and_the_first_that_had():
    timeline = seen(Terms(120.0), (1.0, not_yet()), (2.5, not_yet()), (4.0, ERROR), (6.0, PASS))

    assert (timeline.hold_lower_s, timeline.held_since_s) == (2.5, 6.1)


def test_not_yet_is_not_failed_before_the_deadline():
    timeline = seen(Terms(120.0), *((at_s, not_yet()) for at_s in (1.0, 50.0, 110.0, 119.9)), read_s=0.01)

    assert timeline.verdict is None


def test_a_read_that_began_on_the_deadline_counts():
    timeline = seen(Terms(120.0), (111.0, not_yet()))
    timeline.see(Look(1, 120.0, 150.0, PASS))

    assert timeline.verdict is Verdict.PASSED


def test_a_read_that_began_after_the_deadline_does_not_count():
    timeline = seen(Terms(120.0), (111.0, not_yet()), (120.001, PASS))

    assert timeline.verdict is Verdict.FAILED
    assert timeline.reason is Reason.DEADLINE_EXCEEDED
    assert timeline.message == "3 of 5 pods ready"
    assert timeline.settled_slot == 0


def test_a_read_that_ended_after_the_deadline_was_the_last():
    timeline = seen(Terms(120.0), (119.0, not_yet("4 of 5 pods ready")), read_s=5.0)

    assert timeline.verdict is Verdict.FAILED
    assert timeline.message == "4 of 5 pods ready"


def test_the_last_attempt_decides():
    passed_once = seen(Terms(60.0, 20.0), (20.0, not_yet()), (40.0, PASS), (50.0, not_yet()), (60.0, ERROR))

    assert passed_once.verdict is Verdict.ERROR
    assert passed_once.message == "pods: Forbidden (last seen: 3 of 5 pods ready)"


def test_an_error_without_a_real_reason_says_only_the_error():
    timeline = seen(Terms(10.0), (1.0, ERROR), (10.0, ERROR))

    assert (timeline.verdict, timeline.message) == (Verdict.ERROR, "pods: Forbidden")


def test_fatal_stops_waiting():
    timeline = seen(Terms(120.0), (1.0, not_yet()), (2.5, FATAL), (4.0, PASS))

    assert timeline.verdict is Verdict.FAILED
    assert timeline.reason is Reason.FATAL
    assert timeline.message == "the image does not exist"
    assert timeline.settled_slot == 1


def test_a_hold_lasts_from_the_first_passing_read_to_a_later_passing_read():
    terms = Terms(120.0, 20.0)

    assert seen(terms, (41.0, PASS), (51.0, PASS), (61.0, PASS)).verdict is None
    held = seen(terms, (41.0, PASS), (51.0, PASS), (61.1, PASS))
    assert held.verdict is Verdict.PASSED
    assert held.held_since_s == 41.1


def test_what_is_false_once_starts_the_hold_anew():
    timeline = seen(
        Terms(120.0, 20.0),
        (10.0, PASS),
        (20.0, PASS),
        (25.0, not_yet()),
        (35.0, PASS),
        (45.0, PASS),
        (56.0, PASS),
    )

    assert timeline.verdict is Verdict.PASSED
    assert (timeline.hold_lower_s, timeline.held_since_s) == (25.0, 35.1)


def test_an_error_neither_confirms_nor_breaks_a_hold():
    confirms = seen(Terms(120.0, 20.0), (20.0, PASS), (30.0, PASS), (41.0, ERROR))
    breaks = seen(Terms(120.0, 20.0), (20.0, PASS), (30.0, ERROR), (41.0, PASS))

    assert confirms.verdict is None
    assert breaks.verdict is Verdict.PASSED


@pytest.mark.parametrize(("next_s", "verdict"), [(51.9, Verdict.PASSED), (52.1, None)])
def test_a_gap_above_two_poll_intervals_restarts_the_hold(next_s, verdict):
    timeline = seen(Terms(120.0, 20.0), (30.0, PASS), (next_s, PASS))

    assert timeline.verdict is verdict
    assert timeline.held_since_s == (30.1 if verdict else next_s + 0.1)


def test_a_hold_that_began_too_late_fails_and_says_how_far_it_got():
    timeline = seen(Terms(60.0, 20.0), (15.0, not_yet()), (35.0, not_yet()), (45.0, PASS), (53.0, PASS), (60.0, PASS))

    assert timeline.verdict is Verdict.FAILED
    assert timeline.reason is Reason.NOT_HELD_LONG_ENOUGH
    assert timeline.message == "held for 14.9 s of 20 s (before: 3 of 5 pods ready)"


def test_when_nobody_was_looking_the_deadline_moves_to_the_first_read_plus_hold_plus_one_poll():
    timeline = seen(Terms(120.0, 20.0), (50.0, not_yet()), (300.0, PASS))

    assert timeline.verdict is None
    assert timeline.deadlines_s == (120.0, 330.1)
    for slot, at_s in enumerate((310.0, 320.5), start=2):
        timeline.see(Look(slot, at_s, at_s + 0.1, PASS))
    assert timeline.verdict is Verdict.PASSED


def test_a_moved_deadline_is_a_deadline():
    timeline = seen(Terms(120.0), (50.0, not_yet()), (300.0, not_yet()), (310.1, not_yet("4 of 5")))

    assert timeline.verdict is Verdict.FAILED
    assert timeline.message == "4 of 5"


def test_missing_only_the_poll_on_the_deadline_is_not_absence():
    timeline = seen(Terms(120.0), (112.0, not_yet()), (400.0, PASS))

    assert timeline.verdict is Verdict.FAILED
    assert timeline.deadlines_s == (120.0,)


def test_whoever_is_back_too_late_for_a_hold_moves_the_deadline_as_well():
    timeline = seen(Terms(120.0, 20.0), (50.0, not_yet()), (105.0, PASS))

    assert timeline.deadlines_s == (120.0, 135.1)
    for slot, at_s in enumerate((115.0, 125.2), start=2):
        timeline.see(Look(slot, at_s, at_s + 0.1, PASS))
    assert timeline.verdict is Verdict.PASSED


@pytest.mark.parametrize(
    ("terms", "back_s"),
    [(Terms(120.0, 20.0), 90.0), (Terms(120.0), 119.0)],
    ids=["enough is left", "the poll on the deadline is enough"],
)
def test_whoever_is_back_in_time_moves_nothing(terms, back_s):
    timeline = seen(terms, (50.0, not_yet()), (back_s, PASS))

    assert timeline.deadlines_s == (120.0,)


def test_a_slow_read_is_no_absence():
    timeline = seen(Terms(120.0, 20.0), (60.0, not_yet()))
    timeline.see(Look(1, 70.0, 110.0, not_yet()))
    timeline.see(Look(2, 111.0, 111.1, PASS))

    assert timeline.deadlines_s == (120.0,)


@pytest.mark.parametrize(("back_s", "moved"), [(107.0, False), (107.2, True)])
def test_absence_begins_where_a_hold_would_start_anew(back_s, moved):
    timeline = seen(Terms(120.0, 20.0), (85.0, not_yet()), (back_s, PASS))

    assert (len(timeline.deadlines_s) == 2) is moved


def test_nobody_ever_looked_before_the_deadline():
    timeline = seen(Terms(3.0), (3.5, PASS))

    assert timeline.verdict is Verdict.PASSED
    assert len(timeline.deadlines_s) == 2


def test_a_poll_seen_twice_counts_once():
    timeline = Timeline(Terms(120.0, 20.0))
    for slot, at_s, judgement in ((3, 20.0, PASS), (3, 41.0, PASS), (2, 42.0, not_yet())):
        timeline.see(Look(slot, at_s, at_s, judgement))

    assert timeline.verdict is None
    assert timeline.held_since_s == 20.0


def test_a_clock_set_back_never_makes_a_read_earlier_than_the_one_before():
    timeline = Timeline(Terms(120.0, 20.0))
    timeline.see(Look(0, 100.0, 100.1, PASS))
    timeline.see(Look(1, 5.0, 5.1, PASS))

    assert (timeline.began_s, timeline.read_s) == (100.1, 100.1)
    assert timeline.verdict is None


def test_looks_after_a_pass_only_extend_the_observation():
    timeline = seen(Terms(120.0), (1.0, PASS), (11.0, not_yet()), (21.0, FATAL))

    assert timeline.verdict is Verdict.PASSED
    assert timeline.settled_slot == 0
    assert timeline.observed_s == 21.1


def test_observation_that_ends_early_is_censored_with_the_last_reason():
    timeline = seen(Terms(120.0), (1.0, not_yet()))
    timeline.end(30.0, reason=Reason.OBSERVATION_ENDED, detail="a later step touches the same target")

    assert timeline.verdict is Verdict.CENSORED
    assert timeline.message == "a later step touches the same target (last seen: 3 of 5 pods ready)"


def test_observation_that_ends_on_the_deadline_is_complete():
    timeline = seen(Terms(120.0), (115.0, not_yet()))
    timeline.end(120.0, reason=Reason.OBSERVATION_ENDED, detail="")

    assert timeline.verdict is Verdict.FAILED


@pytest.mark.parametrize(
    ("reason", "verdict"),
    [(Reason.ACTION_NEVER_RAN, Verdict.SKIPPED), (Reason.OBSERVATION_ENDED, Verdict.CENSORED)],
)
def test_what_was_never_looked_at_is_skipped_unless_somebody_was_to_look(reason, verdict):
    timeline = Timeline(Terms(120.0))
    timeline.end(0.0, reason=reason, detail="the action never ran")

    assert (timeline.verdict, timeline.message) == (verdict, "the action never ran")


def test_a_settled_timeline_does_not_settle_again():
    timeline = seen(Terms(120.0), (1.0, PASS))
    timeline.close()
    timeline.end(5.0, reason=Reason.CUT_SHORT, detail="")

    assert timeline.verdict is Verdict.PASSED
