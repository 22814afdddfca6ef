"""A workflow's machine in a world of scripted executions: order, failure, rollback, people."""

from itertools import repeat

import pytest
from helpers.workflow_world import BACK, ExecutionPlan, Plans, WorkflowWorld, run_of, step
from hypothesis import given
from hypothesis import strategies as st

from kubernaut.history.rows import Outcome, OutcomeSource, Purpose
from kubernaut.identity import Phase
from kubernaut.resources.workflow import RollbackStrategy, StepPhase, WorkflowPhase
from kubernaut.workflow import dag
from kubernaut.workflow.keys import StepKey
from kubernaut.workflow.run import StepRun
from kubernaut.workflow.types import PeopleSeen

NO_FAULTS = repeat(None)
NEVER_BEGINS = ExecutionPlan(begins_s=None, over_s=2.0, succeeds=False, changes=False)
FAILS = ExecutionPlan(succeeds=False)


def driven(run, *, plans=None, faults=NO_FAULTS, **driving):
    world = WorkflowWorld(run=run, plans=plans or Plans(), faults=iter(faults))
    status = world.drive(**driving)
    return world, status


def phases(status):
    return {key.number: state.phase for key, state in status.steps.items() if key.purpose is Purpose.FORWARD}


def test_steps_follow_one_another_and_the_outcome_comes_after_the_window():
    world, status = driven(run_of(step(1), step(2, 1), step(3, 2)))

    assert status.result.phase is WorkflowPhase.COMPLETED
    assert [key.number for key in world.created] == [1, 2, 3]
    assert (status.outcome.outcome, status.outcome.source) == (Outcome.EFFECTIVE, OutcomeSource.QUERY)
    assert (status.outcome.at - status.result.at).total_seconds() == 300.0
    assert not world.finalizer
    assert [recorded.outcome is not None for recorded in world.recorded] == [False, True]


def test_every_step_leaves_one_row_with_what_came_of_it():
    plans = Plans(executions={StepKey(2): FAILS})

    world, _ = driven(
        run_of(step(1), step(2, 1), step(3, 2), rollback_strategy=RollbackStrategy.AUTOMATIC), plans=plans
    )

    rows = {row.execution_uid: (row.result, row.rolled_back) for row in world.step_rows.values()}
    assert rows == {
        "wf-1/1": ("succeeded", True),
        "wf-1/2": ("failed", True),
        "wf-1/3": ("skipped", False),
        "wf-1/1/rollback": ("succeeded", False),
        "wf-1/2/rollback": ("succeeded", False),
    }


def test_the_status_shows_every_step_as_the_guide_names_it():
    world, _ = driven(run_of(step(1), step(2, 1)))

    shown = world.shown
    assert (shown["phase"], shown["result"], shown["outcome"]) == ("completed", "completed", "effective")
    assert [one["phase"] for one in shown["stepStatuses"]] == ["completed", "completed"]
    (before,) = shown["stepStatuses"][0]["preConditionResults"]
    assert (before["conditionType"], before["evaluated"], before["passed"], before["level"]) == (
        "ready",
        True,
        True,
        "step",
    )
    assert shown["stepStatuses"][0]["execution"]["name"] == "wf-wf-1-step-1"
    assert {one["type"]: one["status"] for one in shown["conditions"]} == {
        "Succeeded": "True",
        "Reconciling": "False",
        "Stalled": "False",
    }


def test_independent_steps_run_beside_one_another_up_to_the_limit():
    world, status = driven(run_of(*(step(number) for number in range(1, 7)), max_parallel=2))

    assert status.result.phase is WorkflowPhase.COMPLETED
    most = max(sum(state.open for state in seen.steps.values()) for _, seen in world.created_open)
    assert most == 2


def test_two_steps_never_act_on_one_target_at_once():
    world, status = driven(run_of(step(1, target="web"), step(2, target="web")))

    assert status.result.phase is WorkflowPhase.COMPLETED
    (_, second) = world.created_open[1]
    assert second.state(StepKey(1)).phase is StepPhase.COMPLETED


def test_a_step_accepted_without_effect_lets_no_dependent_begin():
    plans = Plans(passes_after_s={(StepKey(1), Phase.POST): None})

    world, status = driven(run_of(step(1), step(2, 1)), plans=plans)

    assert status.result.phase is WorkflowPhase.FAILED
    assert world.created == [StepKey(1)]
    assert phases(status) == {1: StepPhase.FAILED, 2: StepPhase.SKIPPED}
    assert "step 1 failed: ready: not so" in status.message
    assert "left as it is (rollbackStrategy manual): step 1 (Deployment shop/web-1)" in status.message


def test_a_failure_of_a_critical_step_is_rolled_back_in_reverse_order_and_verified():
    plans = Plans(executions={StepKey(3): FAILS})

    world, status = driven(
        run_of(step(1), step(2, 1), step(3, 2), rollback_strategy=RollbackStrategy.AUTOMATIC), plans=plans
    )

    assert status.result.phase is WorkflowPhase.ROLLED_BACK
    assert world.created[3:] == [StepKey(3, BACK), StepKey(2, BACK), StepKey(1, BACK)]
    assert phases(status) == dict.fromkeys((1, 2, 3), StepPhase.ROLLED_BACK)
    assert (Phase.POST, StepKey(1, BACK)) in {(phase, key) for _, key, phase in world.looks}
    assert not any(phase is Phase.PRE and key.purpose is BACK for _, key, phase in world.looks)


def test_a_rollback_that_is_not_verified_is_told_loudly():
    plans = Plans(executions={StepKey(2): FAILS}, passes_after_s={(StepKey(2, BACK), Phase.POST): None})

    world, status = driven(run_of(step(1), step(2, 1), rollback_strategy=RollbackStrategy.AUTOMATIC), plans=plans)

    assert status.result.phase is WorkflowPhase.ROLLBACK_FAILED
    assert "rollback of step 2 failed" in status.message
    assert "needs a person" in status.message
    assert [(event.type, event.reason) for event in world.events if event.reason == "RollbackFailed"] == [
        ("Warning", "RollbackFailed")
    ]


def test_what_never_began_is_not_rolled_back():
    plans = Plans(executions={StepKey(2): NEVER_BEGINS})

    world, _ = driven(run_of(step(1), step(2, 1), rollback_strategy=RollbackStrategy.AUTOMATIC), plans=plans)

    assert world.created == [StepKey(1), StepKey(2), StepKey(1, BACK)]


def test_what_cannot_be_undone_is_said():
    plans = Plans(executions={StepKey(1): ExecutionPlan(reversible=False), StepKey(2): FAILS})

    world, status = driven(run_of(step(1), step(2, 1), rollback_strategy=RollbackStrategy.AUTOMATIC), plans=plans)

    assert status.result.phase is WorkflowPhase.ROLLED_BACK
    assert "step 1 (scale_deployment) cannot be undone" in status.message
    assert StepKey(1, BACK) not in world.created


def test_a_step_that_is_not_critical_withholds_only_what_needs_it():
    plans = Plans(executions={StepKey(1): FAILS})

    _, status = driven(run_of(step(1, critical=False), step(2, 1), step(3)), plans=plans)

    assert status.result.phase is WorkflowPhase.COMPLETED
    assert phases(status) == {1: StepPhase.FAILED, 2: StepPhase.SKIPPED, 3: StepPhase.COMPLETED}
    assert "step 1 failed" in status.message


def test_blocked_only_when_no_step_can_move_and_goes_on_when_facts_recover():
    plans = Plans(
        executions={StepKey(2): ExecutionPlan(begins_s=20.0, ends_s=21.0, over_s=22.0)},
        passes_after_s={(StepKey(1), Phase.PRE): 95.0},
    )
    world = WorkflowWorld(run=run_of(step(1), step(2)), plans=plans, faults=iter(NO_FAULTS))

    assert world.drive(until_s=10.0).phase is WorkflowPhase.EXECUTING
    assert world.drive(until_s=60.0).phase is WorkflowPhase.BLOCKED
    status = world.drive()

    assert status.result.phase is WorkflowPhase.COMPLETED
    assert status.state(StepKey(1)).pre.blocked_s == pytest.approx(120.0, abs=30.0)


def test_blocked_ends_at_its_deadline():
    plans = Plans(passes_after_s={(StepKey(1), Phase.PRE): None})

    world, status = driven(run_of(step(1)), plans=plans)

    assert status.result.phase is WorkflowPhase.FAILED
    assert world.created == []
    assert (status.result.at - status.started_at).total_seconds() == pytest.approx(3600.0, abs=1.0)


def test_nothing_begins_before_approval_and_one_that_nobody_checked_does_not_count():
    def people(now_s):
        return PeopleSeen(approved_by="alice" if now_s >= 100 else "", admission_policy_present=now_s >= 200)

    world = WorkflowWorld(
        run=run_of(step(1), approval_required=True), plans=Plans(people=people), faults=iter(NO_FAULTS)
    )
    status = world.drive(until_s=50.0)
    assert (status.phase, status.reason) == (WorkflowPhase.PAUSED, "AwaitingApproval")
    assert world.created == []
    world.now_s = 150.0
    status = world.drive(until_s=160.0)
    assert "the admission policy" in status.message
    assert world.created == []

    world.now_s = 250.0
    status = world.drive()

    assert status.approved_by == "alice"
    assert status.result.phase is WorkflowPhase.COMPLETED


def test_without_approval_it_ends_at_its_deadline():
    _, status = driven(run_of(step(1), approval_required=True, deadline_s=600.0))

    assert (status.result.phase, status.reason) == (WorkflowPhase.FAILED, "NotApproved")


def test_paused_lets_running_steps_end_and_begins_none():
    plans = Plans(people=lambda now_s: PeopleSeen(paused=1.5 <= now_s < 500.0, admission_policy_present=True))
    world = WorkflowWorld(run=run_of(step(1), step(2, 1)), plans=plans, faults=iter(NO_FAULTS))

    status = world.drive(until_s=100.0)
    assert status.phase is WorkflowPhase.PAUSED
    assert phases(status)[1] is StepPhase.COMPLETED
    world.now_s = 500.0
    status = world.drive()

    assert status.result.phase is WorkflowPhase.COMPLETED
    assert status.manual_intervention


def test_deletion_cancels_what_runs_and_rolls_back_where_asked():
    slow = ExecutionPlan(begins_s=50.0, ends_s=51.0, over_s=52.0)

    world, status = driven(
        run_of(step(1), step(2, 1), step(3, 2), rollback_strategy=RollbackStrategy.AUTOMATIC),
        plans=Plans(executions={StepKey(2): slow}),
        deleted_at_s=20.0,
    )

    assert status.result.phase is WorkflowPhase.ROLLED_BACK
    assert world.deleted == [StepKey(2)]
    assert world.created == [StepKey(1), StepKey(2), StepKey(1, BACK)]
    assert not world.finalizer


@pytest.mark.parametrize(
    ("steps", "message"),
    [
        ((step(1, 2), step(2, 1)), "the steps wait for one another"),
        ((step(1, 7),), "step 1 depends on step 7, and there is none"),
        ((StepRun(number=1, action="scale_up", parameters={}),), "no action 'scale_up'"),
        ((StepRun(number=1, action="scale_deployment", parameters={"deployment": {"name": "x"}}),), "step 1: "),
    ],
)
def test_what_cannot_be_right_does_not_begin(steps, message):
    world, status = driven(run_of(*steps))

    assert (status.result.phase, status.reason) == (WorkflowPhase.FAILED, "InvalidWorkflow")
    assert message in status.message
    assert world.created == []


def test_missing_access_of_any_step_lets_none_begin():
    world, status = driven(run_of(step(1), step(2)), plans=Plans(missing=("step 2: patch deployments/scale",)))

    assert (status.result.phase, status.reason) == (WorkflowPhase.FAILED, "AccessDenied")
    assert world.created == []


def test_a_persons_word_on_the_outcome_wins_whenever_it_comes():
    def people(now_s):
        return PeopleSeen(outcome=Outcome.INEFFECTIVE if now_s >= 1000 else None, admission_policy_present=True)

    world = WorkflowWorld(run=run_of(step(1)), plans=Plans(people=people), faults=iter(NO_FAULTS))
    assert world.drive().outcome.source is OutcomeSource.QUERY
    world.now_s = 1000.0
    status = world.drive()

    assert (status.outcome.outcome, status.outcome.source) == (Outcome.INEFFECTIVE, OutcomeSource.PERSON)
    assert len(world.recorded) == 3


@given(st.dictionaries(st.integers(1, 8), st.sets(st.integers(1, 9), max_size=3), max_size=8))
def test_an_order_is_found_exactly_where_there_is_one(graph):
    known = all(set(needed) <= set(graph) for needed in graph.values())
    done, left = set(), dict(graph)
    while True:
        ready = [number for number in left if set(left[number]) <= done]
        if not ready:
            break
        done |= {number for number in ready if left.pop(number) is not None}

    assert (dag.problems(graph) == ()) == (known and not left)
