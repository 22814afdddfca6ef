"""Custom resources as kubectl dumps them, as history: the rows of a recorder, but for what no status holds."""

import json
from dataclasses import fields
from itertools import repeat

import pytest
from helpers.command_line import kubernaut
from helpers.execution_world import FAILED, PASSED, World, a_run, drive, post, pre
from helpers.workflow_world import Plans, WorkflowWorld, run_of, step
from kubernaut_simulator.history.history import History
from kubernaut_simulator.history.resource_import import convert_resources

from kubernaut.errors import HistoryError
from kubernaut.execution.rows import execution_row, row_context
from kubernaut.execution.stages import stage_of, stage_spec
from kubernaut.history.rows import EvaluationRow, ExecutionRow, RowKind
from kubernaut.identity import ConditionId, Level, Phase
from kubernaut.policy.compiling import compile_policy
from kubernaut.resources.workflow import RollbackStrategy
from kubernaut.shipped import shipped_libraries, shipped_policy
from kubernaut.verdicts import Verdict
from kubernaut.verification.rows import evaluation_row
from kubernaut.workflow.keys import StepKey

CLUSTER = {"kind": "Namespace", "metadata": {"name": "kube-system", "uid": "cluster"}}
NOT_TOLD = {"recorded_at", "labels", "hold_for_s", "poll_interval_s", "timeout_s", "percent", "p_ran", "versions"}


def execution_of(run, view):
    (kind, named), *_ = run.parameters.items()
    return {
        "apiVersion": "execution.kubernaut.io/v1alpha1",
        "kind": "KubernetesExecution",
        "metadata": {"name": run.name, "namespace": run.namespace, "uid": run.uid, "generation": 1},
        "spec": {
            "action": run.action,
            "targetResource": {
                "apiVersion": "apps/v1",
                "kind": kind.capitalize(),
                "namespace": named["namespace"],
                "name": named["name"],
            },
            "parameters": run.parameters,
        },
        "status": view,
    }


def workflow_of(run, view):
    steps = [
        {
            "stepNumber": one.number,
            "name": f"step {one.number}",
            "action": one.action,
            "parameters": one.parameters,
            "dependsOn": list(one.depends_on),
        }
        for one in run.steps
    ]
    return {
        "apiVersion": "workflow.kubernaut.io/v1alpha1",
        "kind": "WorkflowExecution",
        "metadata": {"name": run.name, "namespace": run.namespace, "uid": run.uid, "generation": 1},
        "spec": {
            "workflowDefinition": {"steps": steps},
            "executionStrategy": {"rollbackStrategy": run.rollback_strategy.value},
        },
        "status": view,
    }


def dump(tmp_path, *objects, name="dump.json"):
    path = tmp_path / name
    path.write_text(json.dumps({"kind": "List", "items": list(objects)}), encoding="utf-8")
    return path


def compared(row, *, without=()):
    return {one.name: getattr(row, one.name) for one in fields(row) if one.name not in without}


def rows_of(history, kind):
    return {row.record_id: row for row in history.rows(kind)}


def held_then_broken(_phase, key, at_s):
    return FAILED if key == "running" and at_s < 7 else PASSED


@pytest.mark.parametrize(
    "verdicts",
    [
        lambda *_: PASSED,
        lambda phase, *_: FAILED if phase is Phase.PRE else PASSED,
        held_then_broken,
        lambda *_: FAILED,
    ],
)
@pytest.mark.parametrize("percent", [100.0, 0.0])
def test_an_execution_tells_what_its_records_would(tmp_path, verdicts, percent):
    conditions = (pre(rollout_percent=percent), post(rollout_percent=percent), post("calm", required=False))
    (driver,) = drive(World(conditions=conditions, verdicts=verdicts, blocked_deadline_s=60.0), a_run())
    run, status = driver.resource.run, driver.status

    made = convert_resources([dump(tmp_path, CLUSTER, execution_of(run, driver.resource.view))], strict=True)

    expected = {}
    for phase in Phase:
        stage = stage_of(status, phase)
        context = row_context(run, status, phase, cluster_uid="cluster", versions={})
        for key in () if stage is None else (*stage.preconditions, *stage.postconditions):
            row = evaluation_row(context, stage_spec(run, status, phase), stage, key, recorded_at=status.seen_at)
            expected[row.record_id] = row
    found = rows_of(made.history, RowKind.EVALUATIONS)
    assert found.keys() == expected.keys()
    for record_id, row in found.items():
        assert isinstance(row, EvaluationRow)
        assert compared(row, without=NOT_TOLD) == compared(expected[record_id], without=NOT_TOLD)
        assert row.labels == {"source": "resources"}
        if row.phase is Phase.POST:
            assert row.timeout_s == expected[record_id].timeout_s
    (own,) = rows_of(made.history, RowKind.EXECUTIONS).values()
    assert isinstance(own, ExecutionRow)
    told = execution_row(run, status, cluster_uid="cluster", recorded_at=status.seen_at)
    assert compared(own, without={"recorded_at", "labels"}) == compared(told, without={"recorded_at", "labels"})


@pytest.mark.parametrize("second", ["holds", "never"])
def test_a_workflow_tells_of_its_steps(tmp_path, second):
    run = run_of(step(1), step(2, 1), rollback_strategy=RollbackStrategy.AUTOMATIC)
    passes = {} if second == "holds" else {(StepKey(2), Phase.POST): None}
    world = WorkflowWorld(run=run, plans=Plans(passes_after_s=passes), faults=repeat(None))
    status = world.drive()

    made = convert_resources([dump(tmp_path, CLUSTER, workflow_of(run, world.shown))], strict=True)

    (own,) = rows_of(made.history, RowKind.WORKFLOWS).values()
    assert own.result == status.result.phase.value == ("completed" if second == "holds" else "rolled_back")
    assert own.outcome is status.outcome.outcome
    found = rows_of(made.history, RowKind.EXECUTIONS)
    without = {"recorded_at", "labels"}
    assert {name: compared(row, without=without) for name, row in found.items()} == {
        name: compared(row, without=without) for name, row in world.step_rows.items()
    }
    told = {(row.step, row.phase, row.verdict) for row in rows_of(made.history, RowKind.EVALUATIONS).values()}
    assert {(number, phase) for number, phase, _ in told} == {(number, phase) for number in (1, 2) for phase in Phase}
    last = next(verdict for number, phase, verdict in told if (number, phase) == (2, Phase.POST))
    assert last is (Verdict.PASSED if second == "holds" else Verdict.FAILED)


def shipped(type_, phase):
    condition = ConditionId("scale_deployment", Level.ACTION, phase, type_)
    policy = shipped_policy(condition)
    return condition, compile_policy(policy.source, name=policy.file, libraries=shipped_libraries()).digest


def finished(uid="uid-1"):
    conditions = (
        pre("deployment_exists", policy_digest=shipped("deployment_exists", Phase.PRE)[1]),
        post("no_crashloop_pods", policy_digest=shipped("no_crashloop_pods", Phase.POST)[1]),
    )
    (driver,) = drive(World(conditions=conditions), a_run(uid=uid))
    return execution_of(driver.resource.run, driver.resource.view)


def test_the_text_of_policies_that_ship_is_there(tmp_path):
    condition, digest = shipped("deployment_exists", Phase.PRE)
    world = World(conditions=(pre("deployment_exists", policy_digest=digest), post()))
    (driver,) = drive(world, a_run())

    made = convert_resources([dump(tmp_path, CLUSTER, execution_of(driver.resource.run, driver.resource.view))])

    (policy,) = made.history.rows(RowKind.POLICIES)
    assert (policy.digest, policy.type, policy.source) == (digest, condition.type, shipped_policy(condition).source)
    assert "the text of 1 of 2 policies" in "\n".join(made.missing)


def test_what_is_missing_is_said(tmp_path):
    open_one = finished("uid-2")
    open_one["status"] = None
    bad = finished("uid-3")
    bad["status"]["engine"] = {"version": 99}
    items = (finished(), open_one, bad, {"kind": "Pod", "metadata": {"name": "x"}})

    made = convert_resources([dump(tmp_path, *items)])

    told = "\n".join(made.missing)
    assert made.resources == 3
    for words in (
        "none of the 2 evaluations can be judged again",
        "holdFor",
        "the oldest here began at 2026-03-01T12:00:00+00:00",
        "1 of 3 resources that had not ended",
        "1 objects of other kinds",
        "kubectl get namespace kube-system",
    ):
        assert words in told
    (problem,) = made.history.problems
    assert "KubernetesExecution scale-uid-3: status.engine cannot be read" in str(problem)
    assert str(problem).startswith(f"{tmp_path / 'dump.json'}:3:")
    with pytest.raises(HistoryError, match="cannot be read"):
        convert_resources([dump(tmp_path, *items)], strict=True)


@pytest.mark.parametrize(
    ("text", "why"),
    [("{", "not JSON"), ('{"items": 3}', "neither a list"), ('{"kind": "Pod"}', "no execution and no workflow")],
)
def test_a_file_that_is_no_dump_is_refused(tmp_path, text, why):
    path = tmp_path / "dump.json"
    path.write_text(text, encoding="utf-8")

    with pytest.raises(HistoryError, match=why):
        convert_resources([path])
    with pytest.raises(HistoryError, match="No such file"):
        convert_resources([tmp_path / "none.json"])


def test_the_command_makes_partitioned_parquet_of_two_dumps(tmp_path):
    cluster = tmp_path / "cluster.json"
    cluster.write_text(json.dumps(CLUSTER), encoding="utf-8")
    first, again = dump(tmp_path, finished()), dump(tmp_path, finished(), finished("uid-2"), name="again.json")

    ran = kubernaut(
        *("history", "convert", first, again, cluster, "--from", "resources", "--partitioned"),
        *("--to", tmp_path / "here"),
    )

    assert ran.code == 0, ran.err
    assert "3 resources: 2 runs, 4 evaluations" in ran.err
    assert "missing: looks and facts" in ran.err
    assert "namespace kube-system" not in ran.err
    parts = sorted(str(path.relative_to(tmp_path / "here")) for path in (tmp_path / "here").rglob("*.parquet"))
    assert parts == [
        *(f"{kind}/day=2026-03-01/action=scale_deployment/part-0.parquet" for kind in ("evaluations", "executions")),
        "policies.parquet",
    ]
    history = History.load(tmp_path / "here", strict=True)
    assert (len(history.executions), len(history.evaluations)) == (2, 4)
    assert history.executions["cluster_uid"].to_pylist() == ["cluster"] * 2


@pytest.mark.slow
def test_a_report_says_that_no_look_was_recorded(tmp_path):
    made = convert_resources([dump(tmp_path, *(finished(f"uid-{number}") for number in range(3)))])
    made.history.to_parquet(tmp_path / "here")

    ran = kubernaut("report", tmp_path / "here", "--out", tmp_path / "report.html")

    assert ran.code == 0, ran.err
    assert "no look was recorded" in (tmp_path / "report.html").read_text(encoding="utf-8")
