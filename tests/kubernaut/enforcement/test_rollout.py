import hashlib
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubernaut.enforcement.rollout import (
    LastRun,
    bucket_of,
    default_incident_id,
    is_enrolled,
    probability_ran,
)

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
PERCENTS = st.floats(0, 100)


def test_the_hash_is_the_documented_one():
    expected = int(hashlib.sha256(b"default/incident-1").hexdigest()[:8], 16) % 10_000

    assert bucket_of("default", "incident-1") == expected


@given(st.text(), PERCENTS, PERCENTS)
def test_raising_a_percentage_never_unenrols_anyone(incident, one, other):
    low, high = sorted((one, other))
    bucket = bucket_of("default", incident)

    assert not is_enrolled(bucket, low) or is_enrolled(bucket, high)


@given(st.integers(0, 10_000))
def test_a_percentage_enrols_exactly_its_share_of_buckets(hundredths):
    enrolled = sum(
        is_enrolled(bucket, hundredths / 100) for bucket in range(max(0, hundredths - 3), min(10_000, hundredths + 3))
    )

    assert enrolled == min(3, hundredths)


def test_the_ends_of_the_range():
    assert not is_enrolled(0, 0)
    assert is_enrolled(9_999, 100)


def test_buckets_are_even():
    enrolled = sum(is_enrolled(bucket_of("default", f"incident-{n}"), 5) for n in range(20_000))

    assert 0.044 < enrolled / 20_000 < 0.056


def test_another_rollout_deals_anew():
    assert [bucket_of("a", str(n)) for n in range(5)] != [bucket_of("b", str(n)) for n in range(5)]


@given(st.lists(PERCENTS, max_size=5), st.text())
def test_a_run_is_stopped_exactly_when_the_largest_percentage_covers_its_bucket(percents, incident):
    bucket = bucket_of("default", incident)
    stopped = any(is_enrolled(bucket, percent) for percent in percents)

    assert stopped == is_enrolled(bucket, max(percents, default=0.0))
    assert probability_ran(percents) == pytest.approx(1 - max(percents, default=0.0) / 100)


@pytest.mark.parametrize(
    ("last_run", "expected"),
    [
        (None, "root"),
        (LastRun(incident_id="earlier", ended_at=NOW - timedelta(minutes=29, seconds=59)), "earlier"),
        (LastRun(incident_id="earlier", ended_at=NOW - timedelta(minutes=30)), "root"),
        (LastRun(incident_id="earlier", ended_at=None), "earlier"),
    ],
)
def test_a_retry_within_half_an_hour_is_the_same_incident(last_run, expected):
    assert default_incident_id(root_uid="root", last_run=last_run, now=NOW) == expected
