"""What verdicts do to a run, from bucket, switch and annotations to go on or stop: the parts put together."""

from datetime import timedelta
from itertools import product

import pytest
from helpers.verification_worlds import ERROR, FATAL, PASS, condition, entry, not_yet, one, stage, world
from helpers.virtual_clock import START, drive
from hypothesis import given, settings
from hypothesis import strategies as st

from kubernaut.enforcement.decision import enforcement_of
from kubernaut.enforcement.overrides import BY, CONDITION, REASON, UNTIL, read_override
from kubernaut.enforcement.rollout import probability_ran
from kubernaut.identity import Phase
from kubernaut.verdicts import Verdict
from kubernaut.verification.overriding import overrides_seen
from kubernaut.verification.rows import stopping_percents
from kubernaut.verification.types import EnforcementSwitched, Override, OverridesSeen, StageCondition, StagePhase

NO = not_yet("needs 2000m, has 500m")
ANNOTATIONS = {CONDITION: "ready", REASON: "pool is growing", BY: "alice"}


def seen(spec, annotations, *, step=1, now=START, present=True):
    reading = read_override(annotations, first_seen_at=START, now=now, admission_policy_present=present)
    return overrides_seen(reading, spec, step=step)


def pre_stage(*entries, **changes):
    return stage(*entries, phase=Phase.PRE, blocked_deadline_s=0.0, **changes)


@pytest.mark.parametrize(
    ("judgement", "enforced", "overridden", "switched_on"),
    list(product((PASS, NO, ERROR, FATAL), (True, False), (True, False), (True, False))),
)
@pytest.mark.parametrize("phase", Phase)
def test_only_an_enforced_failure_or_error_that_nobody_overrode_stops(
    phase, judgement, enforced, overridden, switched_on
):
    spec = stage(entry(phase=phase, enforced=enforced), phase=phase, blocked_deadline_s=0.0)
    told = [(0.0, EnforcementSwitched(enforcement=switched_on))]
    if overridden:
        told.append((0.0, OverridesSeen(overrides={"ready": Override(by="alice", reason="r")})))
    run = drive(spec, one((0, judgement)), observations=told)

    stops = judgement is not PASS and enforced and switched_on and not overridden
    wanted = StagePhase.PASSED
    if stops:
        wanted = StagePhase.BLOCKED if phase is Phase.PRE else StagePhase.FAILED
    assert run.status.phase is wanted
    assert run.status.verdict("ready") is not None
    assert (run.status.stopped_by == ("ready",)) is stops
    if not (enforced and switched_on):
        assert not run.status.overridden


@given(
    percents=st.lists(st.floats(0, 100), min_size=1, max_size=4),
    failed=st.lists(st.sampled_from([PASS, NO, ERROR]), min_size=4, max_size=4),
)
@settings(max_examples=30, deadline=None)
def test_over_all_buckets_the_share_that_goes_on_is_p_ran(percents, failed):
    told = {f"t{number}": [(0, judgement)] for number, judgement in enumerate(failed)}
    went_on, p_ran = [], set()
    for bucket in range(0, 10_000, 250):
        entries = []
        for number, percent in enumerate(percents):
            resolved = condition(f"t{number}", phase=Phase.PRE, rollout_percent=percent)
            entries.append(StageCondition.of(resolved, enforcement_of(resolved, bucket=bucket)))
        spec = pre_stage(*entries)
        run = drive(spec, world(told))
        went_on.append(run.status.phase is StagePhase.PASSED)
        p_ran.add(probability_ran(stopping_percents(spec, run.status)))

    assert len(p_ran) == 1
    assert sum(went_on) / len(went_on) == pytest.approx(p_ran.pop(), abs=0.03)


def test_annotations_become_overrides_of_the_conditions_they_name():
    spec = stage(entry(), entry("healthy"), entry(candidate=True))
    told = {"ready": Override(by="alice", reason="pool is growing")}

    assert seen(spec, ANNOTATIONS).overrides == told
    assert seen(spec, ANNOTATIONS | {CONDITION: "1/step/post/ready"}).overrides == told
    assert seen(spec, ANNOTATIONS | {CONDITION: "1/step/post/ready"}, step=2).overrides == {}
    assert seen(spec, ANNOTATIONS | {CONDITION: "1/step/pre/ready"}).overrides == {}


@pytest.mark.parametrize(
    ("changes", "arguments"),
    [
        ({}, {"present": False}),
        ({UNTIL: "2026-03-01T12:00:30Z"}, {"now": START + timedelta(seconds=30)}),
        ({UNTIL: "2027-03-01T12:00:00Z"}, {"now": START + timedelta(hours=24)}),
        ({BY: ""}, {}),
        ({CONDITION: "protected_namespaces"}, {}),
    ],
)
def test_an_override_that_does_not_hold_overrides_nothing(changes, arguments):
    assert seen(stage(entry()), ANNOTATIONS | changes, **arguments).overrides == {}


def test_a_blocked_run_goes_on_by_annotation_and_says_who_and_why():
    spec = stage(entry(phase=Phase.PRE), phase=Phase.PRE)
    run = drive(spec, one((0, NO)), observations=[(45.0, seen(spec, ANNOTATIONS))])

    assert run.status.phase is StagePhase.PASSED
    assert run.status.verdict("ready") is Verdict.FAILED
    assert run.status.overridden == {"ready": Override(by="alice", reason="pool is growing")}
    assert "ready: overridden by alice: pool is growing" in [event.message for event in run.events]


@pytest.mark.parametrize("phase", Phase)
def test_a_message_names_the_type_and_has_at_most_256_characters(phase):
    spec = stage(entry(phase=phase), phase=phase, blocked_deadline_s=0.0)

    assert drive(spec, one((0, NO))).status.message == "ready: needs 2000m, has 500m"
    assert drive(spec, one((0, not_yet("")))).status.message == "ready: Failed"
    assert drive(spec, one((0, not_yet("x" * 1000)))).status.message == "ready: " + "x" * 249
