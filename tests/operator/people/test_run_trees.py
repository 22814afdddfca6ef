"""Runs as trees, from statuses that the engine made, without a cluster."""

from datetime import UTC, datetime
from itertools import repeat

import pytest
from helpers.workflow_world import ExecutionPlan, Plans, WorkflowWorld, run_of, step
from kubernaut_operator.people.causes import Kind, holds_of
from kubernaut_operator.people.drawing import console, drawn
from kubernaut_operator.people.runs import Run
from kubernaut_operator.people.tree import Line, Mark, condition_line, tree_of

from kubernaut.identity import Phase
from kubernaut.workflow.keys import StepKey

NOW = datetime(2026, 3, 1, 12, 5, tzinfo=UTC)


def played(*steps, until_s=100.0, **plans):
    """Play a workflow on the virtual clock and give it as the API server would hold it."""
    run = run_of(*steps, **plans.pop("strategy", {}))
    world = WorkflowWorld(run=run, plans=Plans(**plans), faults=repeat(None))
    world.drive(until_s=until_s)
    spec = [{"stepNumber": one.number, "action": one.action, "dependsOn": list(one.depends_on)} for one in steps]
    return Run(
        manifest={
            "kind": "WorkflowExecution",
            "metadata": {"name": "incident", "namespace": "shop", "uid": run.uid},
            "spec": {"workflowDefinition": {"steps": spec}},
            "status": world.shown,
        },
        executions={},
    )


def text_of(capsys, *lines):
    console().print(drawn(lines))
    return capsys.readouterr().out


def execution(**status):
    return Run(
        manifest={
            "kind": "KubernetesExecution",
            "metadata": {"name": "one", "namespace": "shop", "uid": "uid-1"},
            "spec": {"action": "scale_deployment", "targetResource": {"namespace": "shop"}},
            "status": status,
        },
        executions={},
    )


def test_a_blocked_workflow_shows_what_blocks_it_and_what_waits_behind(capsys):
    run = played(step(1), step(2, 1), step(3, 2), passes_after_s={(StepKey(2), Phase.PRE): None})

    out = text_of(capsys, tree_of(run, now=NOW))

    assert "■ workflow incident  blocked (PreconditionFailed; 5m)  step 2: ready: not so" in out
    assert "✔ step 1 scale_deployment  completed" in out
    assert "✘ pre ready  Failed  not so" in out
    assert "○ step 3 scale_deployment  pending (after 2)" in out
    assert "\x1b" not in out
    (hold,) = holds_of(run)
    assert (hold.kind, hold.entry, hold.ended) == (Kind.PRECONDITION, "2/step/pre/ready", False)
    assert hold.until is not None


def test_in_a_list_only_what_is_not_well_is_told(capsys):
    run = played(step(1), step(2, 1), passes_after_s={(StepKey(2), Phase.PRE): None})

    out = text_of(capsys, tree_of(run, now=NOW, short=True, with_namespace=True))

    assert [line.strip(" │├└─") for line in out.splitlines()] == [
        "■ workflow shop/incident  blocked (PreconditionFailed; 5m)  step 2: ready: not so",
        "✔ step 1 scale_deployment  completed (3s)",
        "■ step 2 scale_deployment  blocked (PreconditionFailed; 4m57s)  ready: not so",
        "✘ pre ready  Failed  not so",
    ]


def test_a_workflow_that_is_over_is_one_line_of_a_list_and_nothing_holds_it():
    run = played(step(1), until_s=1e6)

    assert tree_of(run, now=NOW, short=True).below == ()
    assert tree_of(run, now=NOW).mark is Mark.GOOD
    assert holds_of(run) == ()


def test_a_failed_postcondition_is_the_hold_of_a_failed_workflow():
    run = played(step(1), until_s=1e6, passes_after_s={(StepKey(1), Phase.POST): None})

    (hold,) = holds_of(run)

    assert (hold.kind, hold.entry, hold.ended, hold.until) == (Kind.POSTCONDITION, "1/step/post/ready", True, None)


def test_while_a_postcondition_is_open_it_is_what_the_workflow_waits_for():
    run = played(step(1), until_s=20, passes_after_s={(StepKey(1), Phase.POST): None})

    (hold,) = holds_of(run)

    assert (hold.kind, hold.ended) == (Kind.POSTCONDITION, False)
    assert hold.until is not None
    (line,) = tree_of(run, now=NOW).below
    assert line.below[-1].word == "not yet"


def test_a_workflow_that_waits_for_a_person_says_for_what():
    run = played(step(1), strategy={"approval_required": True})

    (hold,) = holds_of(run)

    assert hold.kind is Kind.APPROVAL


def test_a_step_whose_execution_failed_without_a_condition_says_why():
    run = played(step(1), until_s=1e6, executions={StepKey(1): ExecutionPlan(succeeds=False, changes=False)})

    (hold,) = holds_of(run)

    assert (hold.kind, hold.where, hold.ended) == (Kind.OTHER, "step 1", True)
    assert "it failed" in hold.message


def test_a_run_that_nobody_saw_yet_says_so():
    run = execution()

    assert tree_of(run, now=NOW).message == "no operator has looked at it yet"
    assert [hold.kind for hold in holds_of(run)] == [Kind.UNSEEN]


@pytest.mark.parametrize(
    ("reason", "kind"),
    [("SafetyDenied", Kind.SAFETY), ("AccessDenied", Kind.ACCESS), ("TargetLocked", Kind.LOCK), ("GaveUp", Kind.OTHER)],
)
def test_what_helps_follows_from_the_reason(reason, kind):
    (hold,) = holds_of(execution(phase="denied", reason=reason, message="no", result="denied"))

    assert (hold.kind, hold.message) == (kind, "no")


def test_texts_of_a_cluster_steer_no_terminal(capsys):
    nasty = "\x1b[2J[bold red]\u202egone\nnext"
    result = {"conditionType": "mine", "phase": "pre", "verdict": "Failed", "enforced": True, "errorMessage": nasty}
    run = execution(
        phase=nasty,
        reason=nasty,
        message=nasty,
        validationResults={"preConditionResults": [result]},
        job={"name": nasty},
    )

    out = text_of(capsys, tree_of(run, now=NOW))

    assert "\x1b" not in out
    assert "\u202e" not in out
    assert "[2J[bold red] gone next" in out
    assert len(out.splitlines()) == 3


def test_a_condition_is_told_with_who_let_it_pass_and_whether_it_counts():
    failed = {"conditionType": "mine", "phase": "pre", "verdict": "Failed", "errorMessage": "mine: no"}

    assert condition_line(failed) == Line(
        mark=Mark.UNSURE, name="pre mine", word="Failed", notes=("not enforced",), message="no"
    )
    overridden = condition_line(
        failed | {"enforced": True, "overridden": True, "overriddenBy": "alice", "overrideReason": "ticket"}
    )
    assert overridden.notes == ("overridden by alice", "ticket")
    holding = condition_line({"conditionType": "mine", "phase": "post", "heldSince": "2026-03-01T12:00:00Z"})
    assert (holding.mark, holding.word) == (Mark.GOING, "holds since 12:00:00Z")


def test_what_an_execution_did_is_told_in_its_order():
    found = {"safetyPolicyPassed": False, "safetyDenials": ["not in kube-system"], "dryRunSucceeded": False}
    run = execution(phase="denied", validationResults=found, job={"name": "job", "effect": "refused"})

    below = tree_of(run, now=NOW).below

    assert [(line.name, line.word, line.mark) for line in below] == [
        ("safety policies", "Denied", Mark.BAD),
        ("dry run", "refused", Mark.BAD),
        ("job job", "refused", Mark.BAD),
    ]
    assert below[0].message == "not in kube-system"
