"""A generated world: reproducible, consistent with its truth, and driven by the engine."""

from collections import Counter, defaultdict
from datetime import timedelta

import pytest
from kubernaut_simulator.worlds.causes import HELPED_BY_REPLICAS, Cause
from kubernaut_simulator.worlds.generate import GeneratedWorld, generate
from kubernaut_simulator.worlds.scenario import Scenario, load_scenario, shipped_scenarios

from kubernaut.facts.snapshot import Snapshot, Unobserved, UnobservedReason, parse_path
from kubernaut.history.codec import kind_of
from kubernaut.history.rows import (
    AttemptRow,
    EvaluationRow,
    ExecutionRow,
    Outcome,
    PolicyRow,
    RowKind,
    WorkflowRow,
)
from kubernaut.identity import Phase
from kubernaut.judging import judge
from kubernaut.policy.compiling import compile_policy
from kubernaut.policy.worker.client import WorkerEvaluator
from kubernaut.verdicts import Code, Judgement, Reason, Verdict
from kubernaut.verification.settle import Recorded, settle
from kubernaut.verification.timeline import Look

LOOKS_EACH = 40


def of_type(world, row_type):
    return [row for row in world.rows if isinstance(row, row_type)]


def test_the_same_seed_gives_the_same_bytes(tmp_path):
    for folder in ("a", "b"):
        generate(load_scenario("steady"), incidents=6, seed=5).write(tmp_path / folder)
    files = sorted(path.name for path in (tmp_path / "a").iterdir())

    assert files == [
        "_truth.parquet",
        "attempts.parquet",
        "evaluations.parquet",
        "executions.parquet",
        "policies.parquet",
        "workflows.parquet",
    ]
    assert all((tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes() for name in files)


def test_another_seed_gives_another_world(small_steady):
    other = generate(load_scenario("steady"), incidents=3, seed=4)

    assert {row.incident_id for row in other.truth}.isdisjoint(row.incident_id for row in small_steady.truth)


def test_a_smaller_world_is_the_beginning_of_a_larger_one(small_steady: GeneratedWorld):
    smaller = generate(load_scenario("steady"), incidents=7, seed=3)

    assert list(smaller.rows) == list(small_steady.rows[: len(smaller.rows)])
    assert list(smaller.truth) == list(small_steady.truth[: len(smaller.truth)])


def test_every_id_is_written_once(small_steady):
    ids = [(kind_of(row), row.record_id) for row in small_steady.rows]

    assert len(ids) == len(set(ids))


def test_rows_fit_together(small_steady):
    evaluations = {row.record_id: row for row in of_type(small_steady, EvaluationRow)}
    attempts = of_type(small_steady, AttemptRow)
    workflows = {row.workflow_uid: row for row in of_type(small_steady, WorkflowRow)}
    executions = of_type(small_steady, ExecutionRow)
    digests = {row.digest for row in of_type(small_steady, PolicyRow)}

    assert {row.evaluation_id for row in attempts} <= set(evaluations)
    assert {row.policy_digest for row in attempts} <= digests
    assert {row.workflow_uid for row in executions} == set(workflows)
    assert {row.workflow_uid for row in small_steady.truth} == set(workflows)
    assert all(len([e for e in evaluations.values() if e.workflow_uid == uid]) == 12 for uid in workflows)


def test_history_reads_it_without_a_problem(small_steady):
    history = small_steady.history()

    assert list(history.problems) == []
    assert history.table(RowKind.WORKFLOWS).num_rows == len(small_steady.truth)


def test_the_action_lies_between_pre_and_postconditions(small_steady):
    runs = {row.execution_uid: row for row in of_type(small_steady, ExecutionRow)}
    for row in of_type(small_steady, EvaluationRow):
        run = runs[row.execution_uid]
        if row.verdict is Verdict.SKIPPED:
            assert run.action_ended_at is None
        elif row.phase is Phase.PRE:
            assert run.action_started_at is None or row.read_at <= run.action_started_at
        else:
            assert row.started_at == run.action_ended_at


def test_nothing_is_stopped_in_warn_mode(small_steady):
    assert not any(row.enforced for row in of_type(small_steady, EvaluationRow))
    assert {row.result for row in of_type(small_steady, ExecutionRow)} <= {"succeeded", "failed"}
    assert all(row.p_ran == 1.0 for row in of_type(small_steady, EvaluationRow))


def test_recorded_facts_judged_again_give_the_recorded_answer(small_steady):
    policies = {
        row.digest: compile_policy(row.source, name=row.type, libraries=row.libraries)
        for row in of_type(small_steady, PolicyRow)
    }
    chosen = defaultdict(list)
    for row in of_type(small_steady, AttemptRow):
        if len(chosen[row.condition]) < LOOKS_EACH:
            chosen[row.condition].append(row)
    with WorkerEvaluator() as evaluator:
        for rows in chosen.values():
            answers = judge(evaluator, policies[rows[0].policy_digest], [_snapshot(row) for row in rows])
            for row, answer in zip(rows, [answers[index] for index in range(len(rows))], strict=True):
                wanted = {"NotYet": "Failed"}.get(row.result.value, row.result.value)

                assert (answer.code.value, answer.message) == (wanted, row.message)


def _snapshot(row):
    missing = {}
    for path, text in row.unobserved.items():
        reason, _, detail = text.partition(": ")
        missing[path] = Unobserved(UnobservedReason(reason), detail)
    recorded = None if row.recorded_paths is None else tuple(parse_path(path) for path in row.recorded_paths)
    return Snapshot(facts=row.facts, unobserved=missing, recorded=recorded)


def test_recorded_looks_settle_to_the_recorded_verdict(small_steady):
    looks = defaultdict(list)
    evaluations = {row.record_id: row for row in of_type(small_steady, EvaluationRow)}
    for row in of_type(small_steady, AttemptRow):
        looks[row.evaluation_id].append(row)
    posts = [row for row in evaluations.values() if row.phase is Phase.POST and row.verdict is not Verdict.SKIPPED]
    for evaluation in posts:
        recorded = Recorded.of(evaluation)
        rows = sorted(looks[evaluation.record_id], key=lambda row: row.slot)
        settled = settle([_look(row, evaluation) for row in rows], recorded.terms, recorded=recorded)

        assert (settled.verdict, settled.time_to_pass_s) == (evaluation.verdict, evaluation.time_to_pass_s)


def _look(row, evaluation):
    code = {"NotYet": Code.FAILED}.get(row.result.value) or Code(row.result.value)
    judgement = Judgement(code, Reason(row.reason), row.message, row.fatal)
    start = evaluation.started_at
    return Look(
        row.slot, (row.read_started_at - start).total_seconds(), (row.read_at - start).total_seconds(), judgement
    )


def test_the_truth_is_consistent(small_steady):
    for row in small_steady.truth:
        if row.helped:
            assert row.cause in HELPED_BY_REPLICAS
            assert row.good
            assert row.ran
            assert row.ready_after_s is not None
            assert row.ready_after_s <= load_scenario("steady").stabilization


def test_labels_say_the_truth_unless_they_are_wrong(small_steady):
    truth = {row.workflow_uid: row for row in small_steady.truth}
    for workflow in of_type(small_steady, WorkflowRow):
        true = truth[workflow.workflow_uid]
        if workflow.outcome in (Outcome.EFFECTIVE, Outcome.INEFFECTIVE):
            assert ((workflow.outcome is Outcome.EFFECTIVE) is true.good) is not true.label_wrong
            assert workflow.outcome_at >= workflow.finished_at + timedelta(seconds=300)
        else:
            assert not true.label_wrong


def test_the_cause_is_in_no_row(small_steady):
    text = " ".join(str(row) for row in small_steady.rows if not isinstance(row, PolicyRow))

    # Facts and conditions have these two words in their names.
    telling = [cause.value for cause in Cause if cause not in (Cause.QUOTA, Cause.NODE_SELECTOR)]

    assert not [cause for cause in telling if cause in text]


def test_an_incident_is_tried_again_only_if_it_goes_on(small_steady):
    last = {}
    for row in small_steady.truth:
        before = last.get(row.incident_id)
        assert row.run == 1 if before is None else (row.run == before.run + 1 and not before.good)
        last[row.incident_id] = row


def test_teams_differ_in_how_often_they_try_again():
    keen, calm = (
        {"name": name, "weight": 1, "deployments": 2, "retries": retries}
        for name, retries in (("keen", 9), ("calm", 0))
    )
    scenario = Scenario.model_validate(
        {
            "name": "own",
            "summary": "Nothing that is done helps.",
            "teams": [keen, calm],
            "causes": {"not_capacity": 1},
            "recovers_alone": 0,
            "traffic": {"retries": {"probability": 0.5, "at_most": 1}, "outages": {"per_week": 0}},
        }
    )
    world = generate(scenario, incidents=8, seed=1)
    runs = Counter(row.labels["team"] for row in of_type(world, WorkflowRow))
    begun = Counter(
        row.labels["team"] for row in {row.incident_id: row for row in of_type(world, WorkflowRow)}.values()
    )

    assert set(begun) == {"keen", "calm"}
    assert runs == {"keen": 2 * begun["keen"], "calm": begun["calm"]}


@pytest.mark.parametrize("name", shipped_scenarios())
def test_every_shipped_scenario_can_be_played(name):
    world = generate(load_scenario(name), incidents=4, seed=1)

    assert len({row.incident_id for row in world.truth}) == 4


def test_enforced_conditions_stop_runs():
    settings = {
        "step": {"environments": {env: {"rolloutPercent": 100} for env in ("production", "staging")}},
        "action": {"environments": {env: {"rolloutPercent": 100} for env in ("production", "staging")}},
    }
    scenario = load_scenario("capacity-crunch").model_copy(update={"settings": settings})
    world = generate(Scenario.model_validate(scenario.model_dump()), incidents=25, seed=2)
    runs = of_type(world, ExecutionRow)
    stopped = [row for row in runs if row.result == "blocked"]
    released = [row for row in runs if row.result != "blocked" and row.blocked_s > 0]
    failed = [row for row in runs if row.result == "failed" and row.stopped_by]

    assert stopped
    assert all(row.action_started_at is None and row.stopped_by for row in stopped)
    assert all(row.blocked_s >= 3600 for row in stopped)
    assert failed
    assert all(row.action_ended_at is not None for row in failed)
    assert len(stopped) + len(released) + len(failed) <= len(runs)
    never = {row.workflow_uid for row in stopped}
    posts = [r for r in of_type(world, EvaluationRow) if r.workflow_uid in never and r.phase is Phase.POST]
    assert {row.verdict for row in posts} == {Verdict.SKIPPED}


def test_the_wrong_policy_fails_good_runs():
    world = generate(load_scenario("bad-policy"), incidents=25, seed=2)
    good = {row.workflow_uid for row in world.truth if row.good}
    verdicts = [
        row.verdict
        for row in of_type(world, EvaluationRow)
        if row.type == "no_crashloop_pods" and row.workflow_uid in good
    ]

    assert verdicts.count(Verdict.FAILED) > len(verdicts) / 4


def test_away_metrics_are_errors_not_failures():
    world = generate(load_scenario("metrics-away"), incidents=12, seed=2)
    rows = [row for row in of_type(world, EvaluationRow) if row.type == "cpu_throttling_acceptable"]

    assert [row for row in rows if row.verdict is Verdict.ERROR and row.reason == "FactUnobserved"]
