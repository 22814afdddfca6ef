"""What goes wrong around a workflow, and what people do to it: nothing waits for ever, and the status says why."""

from dataclasses import replace
from itertools import repeat

import pytest
from helpers.workflow_world import BACK, ExecutionPlan, Plans, WorkflowWorld, condition, run_of, step

from kubernaut.errors import InputError
from kubernaut.history.rows import Outcome, OutcomeSource
from kubernaut.identity import Phase
from kubernaut.json_forms import PLAIN, TEXTS, part, parts, read, write
from kubernaut.resources.execution import ExecutionPhase
from kubernaut.resources.workflow import RollbackStrategy, StepPhase, WorkflowPhase
from kubernaut.workflow.intents import (
    AddFinalizer,
    AskOutcome,
    CreateExecution,
    DeleteExecution,
    PinWorkflow,
    ReviewAccess,
)
from kubernaut.workflow.keys import StepKey, Undo, execution_name, workflow_uid_of
from kubernaut.workflow.prevented import cascade_prevented, was_validated
from kubernaut.workflow.rows import row_context
from kubernaut.workflow.stages import stage_spec, work_of
from kubernaut.workflow.status import StepState
from kubernaut.workflow.status_json import from_json, to_json
from kubernaut.workflow.types import CouldNot, PeopleSeen

AUTOMATIC = {"rollback_strategy": RollbackStrategy.AUTOMATIC}
SLOW = ExecutionPlan(begins_s=50.0, ends_s=51.0, over_s=52.0)
FAILS = ExecutionPlan(succeeds=False)


def world_of(run, **plans):
    return WorkflowWorld(run=run, plans=Plans(**plans), faults=repeat(None))


def refusing(kind, why="busy", *, retry=True, since_s=0.0, until_s=1e9, wait_s=None):
    def refuses(intent, now_s):
        if isinstance(intent, kind) and since_s <= now_s < until_s:
            return CouldNot(intent=intent, why=why, retry=retry, retry_after_s=wait_s)
        return None

    return refuses


def told_of(key, since_s, **changes):
    def told(seen, now_s):
        return replace(seen, **changes) if seen.key == key and seen.found and now_s >= since_s else seen

    return told


def test_paused_a_step_that_waits_is_not_dispatched_when_its_facts_recover():
    def people(now_s):
        return PeopleSeen(paused=40.0 <= now_s < 500.0, admission_policy_present=True)

    world = world_of(run_of(step(1)), people=people, passes_after_s={(StepKey(1), Phase.PRE): 60.0})
    assert world.drive(until_s=30.0).phase is WorkflowPhase.BLOCKED
    world.now_s = 40.0
    assert world.drive(until_s=400.0).phase is WorkflowPhase.PAUSED
    assert world.created == []
    world.now_s = 500.0

    assert world.drive().result.phase is WorkflowPhase.COMPLETED
    assert max(at_s for at_s, _, phase in world.looks if phase is Phase.PRE) >= 500.0


def test_an_execution_that_is_blocked_blocks_its_step_and_the_workflow_says_why():
    told = told_of(
        StepKey(1),
        0.0,
        phase=ExecutionPhase.BLOCKED,
        over=False,
        may_have_changed=False,
        action_began_at=None,
        action_ended_at=None,
        message="quota: none left",
    )
    world = world_of(run_of(step(1)), told=lambda seen, now_s: told(seen, now_s) if now_s < 60.0 else seen)

    blocked = world.drive(until_s=30.0)
    assert (blocked.phase, blocked.message) == (WorkflowPhase.BLOCKED, "step 1: quota: none left")
    assert world.shown["stepStatuses"][0]["message"] == "quota: none left"
    world.now_s = 60.0

    assert world.drive().result.phase is WorkflowPhase.COMPLETED


def test_an_execution_that_never_ends_is_given_up():
    told = told_of(StepKey(1), 0.0, over=False, action_ended_at=None, message="waits for web")

    world = world_of(run_of(step(1)), told=told)
    assert world.drive(until_s=60.0).phase is WorkflowPhase.EXECUTING
    world.now_s = 86_380.0
    status = world.drive()

    assert status.result.phase is WorkflowPhase.FAILED
    assert status.message.startswith("not over within 24 h; step 1: waits for web")
    assert status.state(StepKey(1)).message == "its KubernetesExecution had no result after 24 h: waits for web"
    assert (status.result.at - status.started_at).total_seconds() == pytest.approx(86_400.0, abs=60.0)


def test_an_execution_that_somebody_deleted_is_no_success_and_is_made_only_once():
    told = told_of(StepKey(1), 2.0, found=False)

    world = world_of(run_of(step(1), step(2, 1)), told=told)
    status = world.drive()

    assert status.result.phase is WorkflowPhase.FAILED
    assert "its KubernetesExecution was deleted" in status.message
    assert world.created == [StepKey(1)]


def test_an_execution_of_that_name_that_is_somebody_elses_fails_the_step():
    world = world_of(run_of(step(1)), told=told_of(StepKey(1), 0.0, foreign=True))
    status = world.drive()

    assert status.state(StepKey(1)).reason == "ExecutionNameTaken"
    assert not status.state(StepKey(1)).may_have_changed


def test_an_execution_that_is_refused_fails_the_step_in_the_api_servers_words():
    world = world_of(run_of(step(1)), refuses=refusing(CreateExecution, "exceeded quota", retry=False))
    status = world.drive()

    assert status.message == "step 1 failed: exceeded quota"
    assert status.state(StepKey(1)).reason == "ExecutionRefused"


def test_cancelling_what_has_failed_already_ends_what_still_runs():
    plans = {StepKey(1): FAILS, StepKey(2): replace(SLOW, begins_s=5000.0, ends_s=5001.0, over_s=5002.0)}

    world = world_of(run_of(step(1), step(2)), executions=plans)
    status = world.drive(deleted_at_s=100.0)

    assert world.deleted == [StepKey(2)]
    assert (status.result.at - status.started_at).total_seconds() < 200.0
    assert "step 1 failed" in status.message


def test_cancelled_before_anybody_knew_of_its_execution_it_is_not_made():
    world = world_of(run_of(step(1)), refuses=refusing(CreateExecution, until_s=1e8), told=told_of(StepKey(9), 0.0))
    status = world.drive(deleted_at_s=20.0)

    assert world.created == []
    assert status.state(StepKey(1)).message == "cancelled before it was dispatched"


def test_cancelled_while_its_execution_cannot_be_read_none_is_made_and_none_is_taken_away():
    world = world_of(
        run_of(step(1)),
        refuses=refusing(CreateExecution, until_s=25.0),
        unread=lambda _key, now_s: 15.0 <= now_s < 100.0,
    )
    world.drive(deleted_at_s=20.0, until_s=90.0)
    assert (world.created, world.deleted) == ([], [])

    status = world.drive(deleted_at_s=20.0)

    assert world.created == []
    assert status.state(StepKey(1)).message == "cancelled before it was dispatched"


def test_an_execution_that_cannot_be_read_holds_up_no_other_step():
    world = world_of(run_of(step(1), step(2), step(3, 2)), unread=lambda key, now_s: key.number == 1 and now_s < 1000.0)

    world.drive(until_s=900.0)
    status = world.status()
    assert {key.number: state.phase for key, state in status.steps.items()} == {
        1: StepPhase.RUNNING,
        2: StepPhase.COMPLETED,
        3: StepPhase.COMPLETED,
    }

    assert world.drive().result.phase is WorkflowPhase.COMPLETED


def test_cancelled_while_it_is_verified_it_is_not_called_completed():
    plans = {StepKey(1): ExecutionPlan(over_s=10.0)}

    world = world_of(run_of(step(1)), executions=plans, passes_after_s={(StepKey(1), Phase.POST): 40.0})
    status = world.drive(deleted_at_s=20.0)

    assert status.state(StepKey(1)).phase is StepPhase.FAILED
    assert status.state(StepKey(1)).post.over
    assert not world.finalizer


def test_a_dry_run_has_no_outcome():
    run = run_of(step(1), dry_run=True)
    world = world_of(run, executions={StepKey(1): ExecutionPlan(begins_s=None)})
    status = world.drive()

    assert (status.result.phase, status.over, status.outcome) == (WorkflowPhase.COMPLETED, True, None)
    assert len(world.recorded) == 1


def test_where_nothing_could_be_taken_back_it_is_not_called_rolled_back():
    plans = {StepKey(1): replace(FAILS, reversible=False)}

    status = world_of(run_of(step(1), **AUTOMATIC), executions=plans).drive()

    assert status.result.phase is WorkflowPhase.FAILED
    assert status.message == "step 1 failed: it failed; step 1 (scale_deployment) cannot be undone"


def test_a_failed_rollback_names_all_that_was_not_taken_back():
    plans = {StepKey(2): FAILS, StepKey(2, BACK): FAILS}

    status = world_of(run_of(step(1), step(2, 1), **AUTOMATIC), executions=plans).drive()

    assert status.result.phase is WorkflowPhase.ROLLBACK_FAILED
    assert "not taken back: step 2 (Deployment shop/web-2), step 1 (Deployment shop/web-1)" in status.message


def test_a_withheld_step_names_only_what_it_needed():
    plans = {StepKey(1): FAILS, StepKey(2): FAILS}

    status = world_of(
        run_of(step(1, critical=False), step(2, critical=False), step(3, 1), step(4, 3)), executions=plans
    ).drive()

    assert status.state(StepKey(4)).message == "needs what failed: step 1"


def test_a_rollback_that_its_author_wrote_takes_the_step_back():
    undo = Undo(action="scale_deployment", parameters=step(7).parameters)

    world = world_of(run_of(step(1, rollback=undo), **AUTOMATIC), executions={StepKey(1): FAILS})
    status = world.drive()

    assert status.result.phase is WorkflowPhase.ROLLED_BACK
    assert world.standing[StepKey(1, BACK)].work == undo


def test_a_rollback_that_cannot_be_right_is_found_before_the_first_step():
    undo = Undo(action="scale_deployment", parameters={})

    status = world_of(run_of(step(1, rollback=undo))).drive()

    assert status.reason == "InvalidWorkflow"
    assert status.message.startswith("step 1: rollback: ")


@pytest.mark.parametrize(
    ("kind", "retry", "reason", "message"),
    [
        (PinWorkflow, False, "InvalidConditions", "busy"),
        (ReviewAccess, True, "AccessDenied", "busy"),
        (AddFinalizer, True, "DeadlineExceeded", "not over within 0.5 h; trying again: busy"),
    ],
)
def test_what_never_answers_ends_the_workflow_and_is_named(kind, retry, reason, message):
    world = world_of(run_of(step(1), deadline_s=1800.0), refuses=refusing(kind, retry=retry))
    status = world.drive()

    assert (status.result.phase, status.reason, status.message) == (WorkflowPhase.FAILED, reason, message)
    assert world.created == []


def test_an_outcome_that_nobody_answers_is_inconclusive():
    status = world_of(run_of(step(1)), refuses=refusing(AskOutcome)).drive()

    assert (status.outcome.outcome, status.outcome.source) == (Outcome.INCONCLUSIVE, OutcomeSource.QUERY)


def test_a_server_that_asks_for_long_waits_is_not_asked_for_ever():
    status = world_of(run_of(step(1)), refuses=refusing(AskOutcome, wait_s=500.0)).drive()

    assert status.outcome.outcome is Outcome.INCONCLUSIVE
    assert (status.outcome.at - status.result.at).total_seconds() < 1000.0


def test_a_persons_word_needs_no_window():
    people = PeopleSeen(outcome=Outcome.EFFECTIVE, admission_policy_present=True)

    status = world_of(run_of(step(1)), people=lambda _: people).drive()

    assert status.outcome.source is OutcomeSource.PERSON
    assert (status.outcome.at - status.result.at).total_seconds() < 60.0


def test_a_cancel_that_cannot_be_told_is_tried_again_and_then_forgotten():
    plans = {StepKey(1): SLOW}

    world = world_of(run_of(step(1)), executions=plans, refuses=refusing(DeleteExecution, until_s=30.0))
    seen = world.drive(until_s=25.0, deleted_at_s=10.0)
    assert list(seen.retries) == ["DeleteExecution of step 1"]
    world.now_s = 30.0
    status = world.drive(deleted_at_s=10.0)

    assert world.deleted == [StepKey(1)]
    assert not status.retries


def test_the_pinned_set_gone_after_a_restart_is_said_and_the_run_goes_on():
    world = world_of(
        run_of(step(1), step(2, 1)),
        executions={StepKey(1): SLOW},
        digest=lambda now_s: "set-1" if now_s < 20.0 else "set-2",
    )
    world.drive(until_s=10.0)
    world.now_s = 30.0
    world.forget()

    status = world.drive()

    assert status.result.phase is WorkflowPhase.COMPLETED
    assert status.pinned.digest == "set-1"


def test_conditions_that_nobody_can_resolve_after_a_restart_end_the_workflow():
    world = world_of(
        run_of(step(1), step(2, 1)), executions={StepKey(1): SLOW}, refuses=refusing(PinWorkflow, "gone", since_s=20.0)
    )
    world.drive(until_s=10.0)
    world.now_s = 30.0
    world.forget()

    status = world.drive()

    assert (status.result.phase, status.reason) == (WorkflowPhase.FAILED, "InvalidConditions")
    assert world.created == [StepKey(1)]
    assert status.over
    assert not world.finalizer


def test_what_was_told_of_conditions_stays_while_they_are_not_known_again():
    run = run_of(step(1), deadline_s=1800.0)
    world = world_of(run, executions={StepKey(1): SLOW}, refuses=refusing(PinWorkflow, since_s=20.0))
    world.drive(until_s=10.0)
    before = world.shown["stepStatuses"][0]["preConditionResults"]
    world.now_s = 30.0
    world.forget()
    world.drive(until_s=40.0)

    assert world.shown["stepStatuses"][0]["preConditionResults"] == before


def test_a_status_that_was_edited_by_hand_is_refused():
    document = to_json(world_of(run_of(step(1))).drive())

    assert from_json(document).result.phase is WorkflowPhase.COMPLETED
    for broken in ({**document, "version": 2}, {**document, "startedAt": 7}, {}):
        with pytest.raises(InputError, match=r"status\.engine cannot be read"):
            from_json(broken)


def test_what_is_not_known_is_not_made_up():
    run = run_of(step(1))
    status = world_of(run).status()

    with pytest.raises(InputError, match="have not been resolved"):
        stage_spec(run, status, StepKey(1), Phase.PRE)
    with pytest.raises(InputError, match="cannot be taken back"):
        work_of(run, status, StepKey(1, BACK))


def test_rows_of_a_step_carry_what_stopped_it_and_the_workflows_pin():
    run = run_of(step(1))
    world = world_of(run, passes_after_s={(StepKey(1), Phase.POST): None})
    status = world.drive()

    (row,) = world.step_rows.values()
    assert row.stopped_by == (str(condition(Phase.POST).id),)
    context = row_context(run, status, StepKey(1), Phase.POST, cluster_uid="cluster", versions={})
    assert (context.target_name, context.incident_id) == ("web-1", status.pinned.incident_id)


@pytest.mark.parametrize("key", [StepKey(3), StepKey(12, BACK)])
def test_an_executions_name_leads_back_to_its_workflow(key):
    assert workflow_uid_of(execution_name("0b1-c", key)) == "0b1-c"
    assert workflow_uid_of("scale-web") is None


def test_forms_leave_out_what_is_empty_and_read_what_they_wrote():
    forms = {"reason": PLAIN, "undo": part(Undo, {"action": PLAIN, "parameters": PLAIN})}
    state = StepState(reason="Running", undo=Undo(action="restart_pod", parameters={"pod": {"name": "a"}}))

    document = write(state, forms)

    assert document == {"reason": "Running", "undo": {"action": "restart_pod", "parameters": {"pod": {"name": "a"}}}}
    assert StepState(**read(document, forms)) == state
    assert write(StepState(), forms) == {}
    assert parts(TEXTS).read(parts(TEXTS).write({"one": ("a", "b")})) == {"one": ("a", "b")}


def test_a_step_withheld_after_an_action_without_effect_is_a_cascade_prevented():
    run = run_of(step(1), step(2, 1), step(3, 2))
    no_effect = world_of(run, passes_after_s={(StepKey(1), Phase.POST): None}).drive()
    never_began = world_of(run, passes_after_s={(StepKey(1), Phase.PRE): None}).drive()

    assert [cascade_prevented(run, no_effect, StepKey(number)) for number in (1, 2, 3)] == [False, True, True]
    assert not cascade_prevented(run, never_began, StepKey(2))
    assert was_validated(no_effect)
    assert not was_validated(world_of(run).status())
