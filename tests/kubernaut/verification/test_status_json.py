import json
from datetime import UTC, datetime, timedelta, timezone

import pytest
from helpers.verification_worlds import (
    ERROR,
    PASS,
    entry,
    not_yet,
    one,
    post_stages,
    pre_stages,
    stage,
    world,
    worlds_of,
)
from helpers.virtual_clock import drive
from hypothesis import given, settings
from hypothesis import strategies as st

from kubernaut.errors import InputError
from kubernaut.identity import Phase
from kubernaut.verification.status_json import from_json, moment_of, rfc3339, to_json
from kubernaut.verification.types import Override, OverridesSeen


@settings(max_examples=150, deadline=None)
@given(st.data(), st.one_of(post_stages(), pre_stages()), st.floats(0, 200), st.sampled_from([0.0, 0.123457]))
def test_any_status_survives_json(data, spec, until_s, read_s):
    status = drive(spec, data.draw(worlds_of(spec)), until_s=until_s, read_s=read_s).status

    assert from_json(json.loads(json.dumps(to_json(status)))) == status


def test_a_status_reads_like_one():
    run = drive(
        stage(entry(), entry("quiet", enforced=False)),
        world({"ready": [(0, not_yet())], "quiet": [(0, ERROR)]}),
        observations=[(3.0, OverridesSeen(overrides={"ready": Override(by="ann", reason="why")}))],
        until_s=6.0,
    )
    document = to_json(run.status)

    assert document["phase"] == "passed"
    assert document["startedAt"] == "2026-03-01T12:00:00.000000Z"
    assert document["overridden"] == {"ready": {"by": "ann", "reason": "why"}}
    assert document["postconditions"]["ready"]["lastRealReason"] == "3 of 5 pods ready"
    assert document["postconditions"]["ready"]["deadlines"] == ["2026-03-01T12:02:00.000000Z"]
    assert "verdict" not in document["postconditions"]["ready"]
    assert document["postconditions"]["quiet"]["lastCode"] == "Error"


def test_a_blocked_status_holds_its_deadline():
    run = drive(stage(entry(phase=Phase.PRE), phase=Phase.PRE), one((0, not_yet("needs 2000m"))), until_s=10.0)
    document = to_json(run.status)

    assert document["blockedUntil"] == "2026-03-01T13:00:00.050000Z"
    assert document["stoppedBy"] == ["ready"]
    assert document["message"] == "ready: needs 2000m"
    assert document["preconditions"]["ready"]["verdict"] == "Failed"


def test_unknown_keys_are_left_for_newer_versions():
    status = drive(stage(entry()), one((0, PASS))).status

    assert from_json({**to_json(status), "later": 1}) == status


@pytest.mark.parametrize(
    "broken", [{}, {"startedAt": "yesterday"}, {"startedAt": 3}, {"startedAt": "2026-01-01T00:00:00"}]
)
def test_rubbish_is_refused_in_words(broken):
    with pytest.raises(InputError, match=r"cannot be read|RFC 3339"):
        from_json(broken)


def test_a_phase_that_does_not_exist_is_refused():
    document = {**to_json(drive(stage(entry()), one((0, PASS))).status), "phase": "dancing"}

    with pytest.raises(InputError, match="edited by hand or written by an incompatible version"):
        from_json(document)


def test_moments_are_utc_to_the_microsecond():
    moment = datetime(2026, 1, 2, 4, 4, 5, 6, tzinfo=timezone(timedelta(hours=1)))

    assert rfc3339(moment) == "2026-01-02T03:04:05.000006Z"
    assert moment_of("2026-01-02T03:04:05.000006Z") == moment.astimezone(UTC)
