"""What is written of a run: its own row, and the context of its conditions' rows."""

import pytest
from helpers.execution_world import (
    FAILED,
    PASSED,
    START,
    Driver,
    JobPlan,
    World,
    a_run,
    delete,
    drive,
    moment,
    post,
    pre,
)

from kubernaut.enforcement.rollout import bucket_of
from kubernaut.errors import InputError
from kubernaut.execution.decide import begin
from kubernaut.execution.job_seen import Effect
from kubernaut.execution.rows import execution_row, input_context, row_context, target_of
from kubernaut.execution.run import ExecutionRun
from kubernaut.execution.stages import stage_spec
from kubernaut.history.ids import RunKey
from kubernaut.history.rows import ExecutionRow, Purpose
from kubernaut.identity import Phase
from kubernaut.verdicts import Judgement
from kubernaut.verification.rows import evaluation_row


def _row(driver: Driver) -> ExecutionRow:
    assert driver.status is not None
    return execution_row(driver.resource.run, driver.status, cluster_uid="cluster", recorded_at=moment(100.0))


def test_a_run_that_succeeded() -> None:
    """Write when it began, when the action ran, and how it ended."""
    (driver,) = drive(World(conditions=(pre(), post())), a_run(labels={"team": "a"}))
    row = _row(driver)
    assert row.record_id == RunKey(cluster_uid="cluster", workflow_uid="", execution_uid="uid-1", step=1).execution_id()
    assert (row.result, row.action, row.namespace, row.target_kind) == (
        "succeeded",
        "scale_deployment",
        "shop",
        "Deployment",
    )
    assert (row.target_name, row.target_uid, row.incident_id) == ("web", "target-1", "uid-1")
    assert row.started_at == START
    assert row.action_started_at is not None
    assert row.action_ended_at is not None
    assert row.action_started_at < row.action_ended_at
    assert row.finished_at is not None
    assert row.labels == {"team": "a"}
    assert not row.stopped_by
    assert row.blocked_s == 0.0


def test_a_run_that_was_blocked() -> None:
    """Name the condition that stopped it and how long it waited; the action never ran."""
    world = World(conditions=(pre(), post()), verdicts=lambda *_: FAILED, blocked_deadline_s=60.0)
    (driver,) = drive(world, a_run())
    row = _row(driver)
    assert row.result == "blocked"
    assert row.stopped_by == ("scale_deployment/action/pre/capacity",)
    assert row.blocked_s == pytest.approx(60.0, abs=0.5)
    assert row.action_started_at is None
    assert row.action_ended_at is None


def test_a_run_that_failed_its_postcondition() -> None:
    """Name it, although the action ran."""

    def verdicts(phase: Phase, _key: str, _at: float) -> Judgement:
        return FAILED if phase is Phase.POST else PASSED

    (driver,) = drive(World(conditions=(pre(), post()), verdicts=verdicts), a_run())
    row = _row(driver)
    assert (row.result, row.stopped_by) == ("failed", ("scale_deployment/action/post/running",))
    assert row.action_started_at is not None


def test_waiting_for_the_lock_is_waiting() -> None:
    """Count it among the blocked seconds."""
    world = World(conditions=(pre(),), plans={"uid-1": JobPlan(takes_s=15.0)})
    _, second = drive(world, a_run("uid-1"), a_run("uid-2"))
    assert 14.0 < _row(second).blocked_s < 30.0


def test_a_run_that_was_refused_or_cut_short() -> None:
    """A refused change has no times of an action; a deleted run is no evidence."""
    (driver,) = drive(World(plans={"uid-1": JobPlan(applies=False, told=Effect.REFUSED)}), a_run())
    assert _row(driver).action_started_at is None
    world = World(conditions=(pre(),), verdicts=lambda *_: FAILED)
    world.happenings = [(10.0, lambda world: delete(world, "uid-1"))]
    (driver,) = drive(world, a_run())
    assert _row(driver).cut_short is True


def test_a_run_without_usable_parameters_has_a_row_too() -> None:
    """Write what is known."""
    run = a_run(action="no_such_action", incident_id="incident-1")
    (driver,) = drive(World(), run)
    row = _row(driver)
    assert (row.result, row.namespace, row.target_name, row.incident_id) == ("failed", "shop", "", "incident-1")
    assert target_of(run).name == ""


def test_before_it_was_pinned_the_incident_is_as_far_as_known() -> None:
    """Say the workflow's, else its own."""
    status = begin(now=START)
    assert input_context(a_run(), status).incident == "uid-1"
    assert input_context(a_run(workflow_uid="wf-1"), status).incident == "wf-1"
    assert input_context(a_run(step=4), status).step == 4


def test_rows_of_conditions_carry_the_run() -> None:
    """Give rows of postconditions what the preconditions might have stopped."""

    def verdicts(phase: Phase, _key: str, _at: float) -> Judgement:
        return FAILED if phase is Phase.PRE else PASSED

    # A required precondition at 20 %, in an incident that is not enrolled: it let the run through with 80 %.
    incident = next(name for name in map(str, range(100)) if bucket_of("default", name) >= 2000)
    run = a_run(incident_id=incident, purpose=Purpose.ROLLBACK)
    (driver,) = drive(World(conditions=(pre(rollout_percent=20.0), post()), verdicts=verdicts), run)
    status = driver.status
    assert status is not None
    assert status.post is not None
    context = row_context(run, status, Phase.POST, cluster_uid="cluster", versions={"operator": "1"})
    assert context.stopping_percents == (20.0,)
    assert context.purpose is Purpose.ROLLBACK
    row = evaluation_row(
        context, stage_spec(run, status, Phase.POST), status.post, "running", recorded_at=moment(100.0)
    )
    assert row.p_ran == pytest.approx(0.8)
    assert (row.settings_digest, row.bucket, row.incident_id) == (
        "set-1",
        status.pinned and status.pinned.bucket,
        incident,
    )


def test_a_stage_without_known_conditions_cannot_be_told() -> None:
    """Refuse instead of writing rows of nothing."""
    run: ExecutionRun = a_run()
    with pytest.raises(InputError, match="have not been resolved"):
        stage_spec(run, begin(now=START), Phase.PRE)
