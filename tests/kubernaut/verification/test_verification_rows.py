from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from helpers.verification_worlds import ERROR, FATAL, PASS, entry, not_yet, one, stage, world
from helpers.virtual_clock import START, drive

from kubernaut.enforcement.decision import enforcement_of
from kubernaut.errors import HistoryError
from kubernaut.facts.snapshot import Snapshot, Unobserved, UnobservedReason
from kubernaut.history.rows import ObjectVersion
from kubernaut.identity import Phase
from kubernaut.verdicts import Attempt, Reason, Verdict
from kubernaut.verification.decide import begin
from kubernaut.verification.looks import look_of
from kubernaut.verification.rows import attempt_row, evaluation_row, stopping_percents
from kubernaut.verification.types import EnforcementSwitched, Override, OverridesSeen, StageCondition

LATER = datetime(2026, 3, 2, tzinfo=UTC)
NOT_YET = not_yet()


def test_a_passed_postcondition_in_full(context):
    spec = stage(entry(hold_for_s=5.0, poll_interval_s=5.0))
    run = drive(spec, one((0, NOT_YET), (7, PASS)))
    objects = (ObjectVersion(kind="Deployment", namespace="shop", name="cart", uid="u", resource_version="7"),)
    row = evaluation_row(context, spec, run.status, "ready", recorded_at=LATER, objects=objects)
    state = run.status.postconditions["ready"]

    assert row.verdict is Verdict.PASSED
    assert row.started_at == START
    assert row.held_since == START + timedelta(seconds=state.held_since_s)
    assert row.time_to_pass_s == state.held_since_s
    assert 0.0 < row.time_to_pass_lower_s < row.time_to_pass_s
    assert row.read_at - START == timedelta(seconds=row.elapsed_s)
    assert row.deadline == START + timedelta(seconds=120)
    assert (row.timeout_s, row.poll_interval_s, row.hold_for_s) == (120.0, 5.0, 5.0)
    assert (row.required, row.enforced, row.percent, row.bucket) == (True, True, 50.0, 4321)
    assert row.objects == objects
    assert row.condition == spec.conditions[0].condition.id
    assert (row.workflow_uid, row.step, row.settings_digest) == ("workflow-1", 2, "settings-1")
    assert row.p_ran == 0.95


def test_attempts_point_to_their_evaluation_and_keep_the_policy_s_own_answer_while_holding(context):
    spec = stage(entry(hold_for_s=15.0))
    run = drive(spec, one((0, NOT_YET), (7, PASS)))
    rows = [attempt_row(context, spec, attempt, recorded_at=LATER) for attempt in run.attempts]
    evaluation = evaluation_row(context, spec, run.status, "ready", recorded_at=LATER)

    assert {row.evaluation_id for row in rows} == {evaluation.record_id}
    assert len({row.record_id for row in rows}) == len(rows)
    assert [row.slot for row in rows] == list(range(len(rows)))
    assert sorted({row.result for row in rows}) == [Attempt.NOT_YET, Attempt.PASSED]
    assert sum(row.result is Attempt.PASSED for row in rows) > 1
    assert evaluation.attempts == len(rows)
    assert rows[0].facts == {"at_s": run.reads[0][0]}
    assert rows[0].recorded_paths is None
    assert (rows[0].reason, rows[0].message) == ("NotAllowed", "3 of 5 pods ready")


def test_what_was_unobserved_or_not_recorded_is_said(context):
    spec = stage(entry())
    attempt = drive(spec, one((0, ERROR)), until_s=3.0).attempts[0]
    missing = replace(
        attempt,
        snapshot=Snapshot(
            facts={},
            unobserved={"pods[0].memory_usage": Unobserved(UnobservedReason.API_MISSING, "no metrics")},
            recorded=(("pods", "*", "memory_usage"),),
        ),
    )

    row = attempt_row(context, spec, missing, recorded_at=LATER)
    assert row.unobserved == {"pods[0].memory_usage": "ApiMissing: no metrics"}
    assert row.recorded_paths == ("pods[*].memory_usage",)
    nothing = attempt_row(context, spec, replace(attempt, snapshot=None), recorded_at=LATER)
    assert (nothing.facts, nothing.recorded_paths) == ({}, ())


def test_a_precondition_s_row_keeps_the_vote_and_counts_the_looks(context):
    spec = stage(entry(phase=Phase.PRE), phase=Phase.PRE)
    run = drive(spec, one((0, NOT_YET), (20, PASS)))
    row = evaluation_row(context, spec, run.status, "ready", recorded_at=LATER)

    assert row.verdict is Verdict.FAILED
    assert row.started_at == START
    assert row.elapsed_s == 0.05
    assert row.attempts == 2
    assert row.deadline is None
    assert row.time_to_pass_s is None
    assert row.p_ran == 0.5


def test_the_probability_to_run_counts_required_failures_whether_enrolled_or_not(context):
    spec = stage(
        entry("a", phase=Phase.PRE, enforced=False, rollout_percent=10.0),
        entry("b", phase=Phase.PRE, enforced=False, rollout_percent=80.0),
        entry("c", phase=Phase.PRE, enforced=False, rollout_percent=98.0, required=False),
        entry("d", phase=Phase.PRE, enforced=False, rollout_percent=98.0, candidate=True),
        entry("e", phase=Phase.PRE, enforced=False, rollout_percent=98.0),
        phase=Phase.PRE,
    )
    bad = {"a": [(0, NOT_YET)], "b": [(0, ERROR)], "c": [(0, NOT_YET)], "d@candidate": [(0, NOT_YET)]}
    run = drive(spec, world(bad | {"e": [(0, PASS)]}))

    assert sorted(stopping_percents(spec, run.status)) == [0.0, 0.0, 10.0, 80.0]
    rows = {
        item.key: evaluation_row(context, spec, run.status, item.key, recorded_at=LATER) for item in spec.conditions
    }
    assert {round(row.p_ran, 9) for row in rows.values()} == {0.2}
    assert rows["d@candidate"].candidate
    assert rows["d@candidate"].percent == 0.0
    assert len({row.record_id for row in rows.values()}) == 5


def test_a_challenger_is_recorded_beside_its_condition_under_its_own_digest(context):
    spec = stage(entry(), entry(candidate=True, policy_digest="digest-of-challenger"))
    run = drive(spec, world({"ready": [(0, NOT_YET), (5, PASS)], "ready@candidate": [(0, NOT_YET)]}))
    rows = [evaluation_row(context, spec, run.status, item.key, recorded_at=LATER) for item in spec.conditions]
    attempts = {one.key: attempt_row(context, spec, one, recorded_at=LATER) for one in run.attempts if one.slot == 0}

    assert [(row.type, row.candidate, row.policy_digest, row.enforced) for row in rows] == [
        ("ready", False, "digest-of-ready", True),
        ("ready", True, "digest-of-challenger", False),
    ]
    assert rows[0].record_id != rows[1].record_id
    assert attempts["ready@candidate"].policy_digest == "digest-of-challenger"
    assert attempts["ready@candidate"].evaluation_id == rows[1].record_id
    assert attempts["ready"].read_at == attempts["ready@candidate"].read_at


def test_with_the_switch_off_every_run_is_let_through(context):
    spec = stage(entry(phase=Phase.PRE), phase=Phase.PRE)
    run = drive(spec, one((0, NOT_YET)), observations=[(0.0, EnforcementSwitched(enforcement=False))])
    row = evaluation_row(replace(context, stopping_percents=()), spec, run.status, "ready", recorded_at=LATER)

    assert (row.p_ran, row.percent, row.enforced) == (1.0, 0.0, False)


def test_a_spent_block_budget_shows_in_the_percent_in_force(context):
    condition = entry(phase=Phase.PRE).condition
    settled = enforcement_of(condition, bucket=0, budget_spent=True)
    spec = stage(StageCondition.of(condition, settled), phase=Phase.PRE)
    run = drive(spec, one((0, NOT_YET)))
    row = evaluation_row(context, spec, run.status, "ready", recorded_at=LATER)

    assert (row.percent, row.enforced, row.p_ran) == (0.0, False, 0.95)


def test_an_override_is_named(context):
    spec = stage(entry(phase=Phase.PRE), phase=Phase.PRE)
    override = Override(by="ann", reason="capacity is coming")
    run = drive(spec, one((0, NOT_YET)), observations=[(0.0, OverridesSeen(overrides={"ready": override}))])
    row = evaluation_row(context, spec, run.status, "ready", recorded_at=LATER)

    assert (row.overridden, row.override_by, row.override_reason) == (True, "ann", "capacity is coming")
    assert row.verdict is Verdict.FAILED


def test_an_observed_run_s_row_says_until_when_it_was_observed(context):
    spec = stage(entry(timeout_s=60.0), observed_share=1.0)
    run = drive(spec, one((0, PASS)))
    (_, first), (_, last) = run.evaluated
    rows = [evaluation_row(context, spec, status, "ready", recorded_at=LATER) for status in (first, last)]

    assert rows[0].record_id == rows[1].record_id
    assert rows[0].observed_until == rows[0].read_at
    assert rows[1].observed_until == START + timedelta(seconds=60.05)
    assert rows[1].read_at == rows[0].read_at
    assert rows[1].attempts == rows[0].attempts == 1


def test_skipped_rows_carry_the_reason(context):
    for phase in Phase:
        spec = stage(entry(phase=phase), phase=phase, validation_enabled=False)
        run = drive(spec, one((0, PASS)))
        row = evaluation_row(context, spec, run.status, "ready", recorded_at=LATER)

        assert (row.verdict, row.reason, row.attempts) == (Verdict.SKIPPED, "ValidationOff", 0)
        assert not row.validation_enabled


def test_what_has_not_settled_or_is_not_there_has_no_row(context):
    spec = stage(entry())
    status = begin(spec, started_at=START)

    with pytest.raises(HistoryError, match="has not settled"):
        evaluation_row(context, spec, status, "ready", recorded_at=LATER)
    with pytest.raises(HistoryError, match="no condition 'nothing'; it has \\['ready'\\]"):
        evaluation_row(context, spec, status, "nothing", recorded_at=LATER)


def test_rows_give_the_looks_back(context):
    spec = stage(entry(hold_for_s=15.0))
    for scripted in (one((0, NOT_YET), (7, ERROR), (11, PASS)), one((0, NOT_YET), (9, FATAL))):
        run = drive(spec, scripted)
        rows = [attempt_row(context, spec, attempt, recorded_at=LATER) for attempt in run.attempts]

        assert [look_of(row, started_at=START) for row in rows] == run.looks("ready")


def test_a_row_from_elsewhere_may_leave_its_reason_empty_but_not_invent_one(context):
    spec = stage(entry())
    row = attempt_row(context, spec, drive(spec, one((0, ERROR))).attempts[0], recorded_at=LATER)

    assert look_of(replace(row, reason=""), started_at=START).judgement.reason is Reason.POLICY_ERROR
    with pytest.raises(HistoryError, match="reason 'Bored' is not known"):
        look_of(replace(row, reason="Bored"), started_at=START)
