import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubernaut.errors import SettingsError
from kubernaut.verification.polls import (
    PollTimes,
    absence_limit_s,
    gap_limit_s,
    hashed_share,
    interval_after_s,
    observation_due,
)

uids = st.text("abcdef0123456789-", min_size=1, max_size=12)
intervals = st.sampled_from([None, 0.5, 2.0, 5.0, 30.0])
timeouts = st.floats(0.5, 3600).map(lambda s: round(s, 3))


def times(uid="run-1", timeout_s=120.0, poll_interval_s=None, moved=()):
    return PollTimes(
        uid=uid,
        condition="scale_deployment/step/post/ready",
        deadlines_s=(timeout_s, *moved),
        poll_interval_s=poll_interval_s,
    )


def test_the_default_schedule_starts_at_a_second_grows_by_half_and_stays_at_ten():
    offsets_s = [times(timeout_s=3600.0).offset_s(slot) for slot in range(12)]
    nominal_s = [1.0, 2.5, 4.75, 8.125, 13.1875, 20.78125, 30.78125, 40.78125]

    assert all(n - 1.0 <= o <= n for o, n in zip(offsets_s, nominal_s, strict=False))
    assert interval_after_s(0.0, None) == 1.0
    assert interval_after_s(2.5, None) == 2.25
    assert interval_after_s(500.0, None) == 10.0


def test_jitter_differs_by_run_and_condition_but_is_always_the_same():
    a, b = times(uid="run-1"), times(uid="run-2")

    assert a.offset_s(3) == times(uid="run-1").offset_s(3)
    assert a.offset_s(3) != b.offset_s(3)


@given(uids, intervals, timeouts)
def test_polls_ascend_and_no_interval_is_longer_than_named(uid, poll_interval_s, timeout_s):
    schedule = times(uid, timeout_s, poll_interval_s)
    offsets_s = [schedule.offset_s(slot) for slot in range(40)]

    for before_s, after_s in zip([0.0, *offsets_s], offsets_s, strict=False):
        assert before_s < after_s
        assert after_s - before_s <= absence_limit_s(before_s, poll_interval_s) + 1e-6


@given(uids, intervals, timeouts, st.floats(0.5, 100))
def test_a_poll_falls_exactly_on_every_deadline(uid, poll_interval_s, timeout_s, more_s):
    moved_s = round(timeout_s + more_s, 3)
    schedule = times(uid, timeout_s, poll_interval_s, (moved_s,))

    for deadline_s in (timeout_s, moved_s):
        slot = schedule.slot_at(deadline_s)
        assert slot is not None
        assert schedule.offset_s(slot) == deadline_s


@given(uids, intervals, timeouts, st.floats(0, 4000))
def test_slot_and_offset_are_inverse(uid, poll_interval_s, timeout_s, at_s):
    schedule = times(uid, timeout_s, poll_interval_s)
    slot = schedule.slot_at(at_s)
    following, next_s = schedule.next_slot_after(-1 if slot is None else slot)

    assert next_s > at_s
    assert following == (0 if slot is None else slot + 1)
    if slot is not None:
        assert schedule.offset_s(slot) <= at_s
        assert schedule.slot_at(schedule.offset_s(slot)) == slot


@given(uids, intervals, timeouts, st.floats(1, 100))
def test_moving_a_deadline_renumbers_no_earlier_poll(uid, poll_interval_s, timeout_s, more_s):
    before = times(uid, timeout_s, poll_interval_s)
    after = times(uid, timeout_s, poll_interval_s, (timeout_s + more_s,))
    until = before.slot_at(timeout_s)

    assert until is not None
    assert [before.offset_s(slot) for slot in range(until + 1)] == [after.offset_s(slot) for slot in range(until + 1)]


@given(uids, intervals)
def test_one_lost_poll_is_no_gap_and_no_absence(uid, poll_interval_s):
    schedule = times(uid, 3600.0, poll_interval_s)

    for slot in range(30):
        at_s = schedule.offset_s(slot)
        assert schedule.offset_s(slot + 2) - at_s <= gap_limit_s(at_s, poll_interval_s) + 1e-6
        assert schedule.offset_s(slot + 1) - at_s <= absence_limit_s(at_s, poll_interval_s) + 1e-6


def test_four_lost_polls_are_a_gap():
    schedule = times(timeout_s=3600.0)

    for slot in range(30):
        at_s = schedule.offset_s(slot)
        assert schedule.offset_s(slot + 4) - at_s > gap_limit_s(at_s, None)


def test_observation_is_every_ten_seconds_and_ends_on_the_deadline():
    due = [
        observation_due(settled_slot=4, settled_s=12.5, until_s=40.0, now_s=now_s)
        for now_s in (12.5, 22.4, 22.5, 33.0, 39.9, 40.0, 99.0)
    ]

    assert due == [(4, 22.5), (4, 22.5), (5, 32.5), (6, 40.0), (6, 40.0), (7, 40.0), (7, 40.0)]


def test_an_observation_that_fits_evenly_has_no_poll_twice():
    assert observation_due(settled_slot=0, settled_s=20.0, until_s=40.0, now_s=40.0) == (2, 40.0)


def test_a_poll_interval_of_zero_would_never_get_anywhere():
    with pytest.raises(SettingsError, match="pollInterval must be above 0s"):
        times(poll_interval_s=0.0)


def test_hashed_shares_fill_the_unit_interval_evenly():
    shares = [hashed_share("observe", f"run-{n}") for n in range(5000)]

    assert all(0.0 <= share < 1.0 for share in shares)
    assert 0.18 < sum(share < 0.2 for share in shares) / 5000 < 0.22
