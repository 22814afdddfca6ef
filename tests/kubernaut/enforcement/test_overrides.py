from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubernaut.enforcement.overrides import BY, CONDITION, REASON, UNTIL, override_fingerprint, read_override
from kubernaut.identity import ConditionId, Level, Phase

SEEN = datetime(2026, 3, 1, 12, tzinfo=UTC)
CAPACITY = ConditionId("scale_deployment", Level.STEP, Phase.PRE, "cluster_capacity_available")
CAPACITY_AGAIN = ConditionId("scale_deployment", Level.ACTION, Phase.PRE, "cluster_capacity_available")
ANNOTATIONS = {CONDITION: "cluster_capacity_available", REASON: "pool is growing", BY: "alice"}


def read(annotations, *, now=SEEN, first_seen_at=SEEN, present=True):
    return read_override(annotations, first_seen_at=first_seen_at, now=now, admission_policy_present=present)


def test_a_bare_type_means_all_of_that_type():
    override = read(ANNOTATIONS).override

    assert override.covers(CAPACITY, step=1)
    assert override.covers(CAPACITY_AGAIN, step=7)
    assert not override.covers(ConditionId("scale_deployment", Level.STEP, Phase.PRE, "other"), step=1)
    assert (override.by, override.reason, override.until) == (
        "alice",
        "pool is growing",
        SEEN + timedelta(hours=24),
    )


def test_a_full_entry_means_one_condition_of_one_step():
    override = read(ANNOTATIONS | {CONDITION: " 2/step/pre/cluster_capacity_available , no_crashloop_pods"}).override

    assert override.covers(CAPACITY, step=2)
    assert not override.covers(CAPACITY, step=1)
    assert not override.covers(CAPACITY_AGAIN, step=2)
    assert override.covers(ConditionId("scale_deployment", Level.ACTION, Phase.POST, "no_crashloop_pods"), step=9)


@pytest.mark.parametrize(
    "entry",
    [
        "a/b",
        "x/step/pre/deployment_exists",
        "1/node/pre/deployment_exists",
        "1/step/mid/deployment_exists",
        "1/action/safety/protected",
        "Not-A-Type",
        "1/step/pre/",
        "²/step/pre/deployment_exists",
        "data.safety.x",
    ],
)
def test_a_bad_entry_is_left_out_and_told_the_others_hold(entry):
    alone = read(ANNOTATIONS | {CONDITION: entry})
    beside = read(ANNOTATIONS | {CONDITION: f"{entry}, cluster_capacity_available"})

    assert alone.override is None
    assert entry in alone.problems[0]
    assert beside.override.covers(CAPACITY, step=1)
    assert entry in beside.problems[0]


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({REASON: " "}, "override-reason is missing"),
        ({BY: ""}, "override-by is missing"),
        ({UNTIL: "tomorrow"}, "write it like 2026-03-01T12:00:00Z"),
        ({UNTIL: "2026-03-01T12:00:00"}, "write it like"),
        ({UNTIL: "2026-03-41T12:00:00Z"}, "write it like"),
        ({UNTIL: "2026-03-01"}, "write it like"),
        ({UNTIL: "2026-03-01T11:59:59Z"}, "it ended at 2026-03-01T11:59:59"),
        ({CONDITION: " , "}, "is empty"),
    ],
)
def test_an_invalid_override_is_ignored_with_the_reason(change, problem):
    reading = read(ANNOTATIONS | change)

    assert reading.override is None
    assert problem in reading.problems[0]


def test_nobody_is_overridden_while_nobody_checks_who_may():
    reading = read(ANNOTATIONS, present=False)

    assert reading.override is None
    assert "admission policy" in reading.problems[0]


def test_no_annotation_is_no_problem():
    assert read({REASON: "x"}).problems == ()
    assert override_fingerprint({REASON: "x"}) is None


@pytest.mark.parametrize(
    "until",
    ["2026-03-01T13:00:00Z", "2026-03-01t13:00:00z", "2026-03-01T14:00:00.5+01:00", "2026-03-01 13:00:00Z"],
)
def test_rfc_3339_times_are_read(until):
    override = read(ANNOTATIONS | {UNTIL: until}).override

    assert abs(override.until - (SEEN + timedelta(hours=1))) <= timedelta(seconds=1)


@given(asked=st.integers(-100, 10_000), passed=st.integers(0, 10_000))
def test_an_override_never_lives_longer_than_a_day_nor_than_asked(asked, passed):
    until = SEEN + timedelta(minutes=asked)
    now = SEEN + timedelta(minutes=passed)
    reading = read(ANNOTATIONS | {UNTIL: until.isoformat()}, now=now)

    assert (reading.override is not None) == (now < until and passed < 24 * 60)


def test_a_changed_override_has_another_fingerprint_and_other_annotations_do_not_matter():
    same = override_fingerprint(ANNOTATIONS | {"kubernaut.io/approve": "yes"})

    assert same == override_fingerprint(ANNOTATIONS)
    assert same != override_fingerprint(ANNOTATIONS | {UNTIL: "2026-03-01T13:00:00Z"})
