"""Past runs judged on a real Prometheus: by conditions of today, of which none existed then."""

import json
from dataclasses import replace
from datetime import timedelta

import pytest
from kubernaut_simulator.cli.loading import compile_with_facts, shipped_conditions
from kubernaut_simulator.history.history import History
from kubernaut_simulator.history.problems import Problems
from kubernaut_simulator.telemetry.agreement import compare
from kubernaut_simulator.telemetry.agreement_result import TelemetryAgreement
from kubernaut_simulator.telemetry.check_result import TelemetryCheck
from kubernaut_simulator.telemetry.checking import Ability, check
from kubernaut_simulator.telemetry.figures import read_figures
from kubernaut_simulator.telemetry.figures_result import TelemetryFigures
from kubernaut_simulator.telemetry.past_runs import read_runs, runs_of
from kubernaut_simulator.telemetry.remembering import Watching, remember

from kubernaut.conditions.compiled_set import compile_set
from kubernaut.conditions.configmaps import load_condition_sets
from kubernaut.conditions.defaults import shipped_defaults
from kubernaut.errors import InputError
from kubernaut.identity import Level
from kubernaut.verdicts import Verdict

pytestmark = pytest.mark.xdist_group("prometheus")

NEW = """
apiVersion: v1
kind: ConfigMap
metadata: {name: kubernaut-action-conditions}
data:
  settings.yaml: |
    version: 1
    recordFacts: all
    actions:
      scale_deployment:
        pre:
          nobody_else_scales: {required: true, rolloutPercent: 0, timeout: 10s}
        post:
          no_waiting_pods: {required: true, rolloutPercent: 0, timeout: 2m, holdFor: 30s}
  scale_deployment.pre.nobody_else_scales.rego: |
    package precondition.nobody_else_scales
    import rego.v1
    default allow := false
    allow if not input.hpa_found
    error_message := "an autoscaler steers it" if not allow
  scale_deployment.post.no_waiting_pods.rego: |
    package postcondition.no_waiting_pods
    import rego.v1
    default allow := false
    allow if {
      input.ready_pods == input.target_replicas
      not crashing
    }
    crashing if {
      some pod in input.pods
      pod.waiting_reason == "CrashLoopBackOff"
    }
"""


@pytest.fixture(scope="module")
def new_conditions():
    sets = load_condition_sets(NEW, source="new.yaml", shipped=shipped_defaults())
    return {level: compile_set(one, compile_with_facts) for level, one in sets.items()}


@pytest.fixture
def runs(incidents):
    return read_runs(incidents, problems=Problems())


def verdicts(history, type_):
    rows = sorted(history.rows("evaluations"), key=lambda row: row.started_at)
    return [row for row in rows if row.type == type_]


def test_a_new_condition_is_judged_on_runs_of_before_it_existed(past, runs, new_conditions):
    found = remember(past.server, runs, new_conditions, watching=Watching(nothing_filtered=True))

    before = verdicts(found.history, "nobody_else_scales")
    after = verdicts(found.history, "no_waiting_pods")
    assert [row.verdict for row in before] == [Verdict.FAILED, Verdict.FAILED, Verdict.ERROR]
    assert [row.verdict for row in after[:2]] == [Verdict.PASSED, Verdict.FAILED]
    # Ready 40 s after the action's end at :10, seen by the scrape at 12:06:00; the one before it had not passed.
    assert (after[0].time_to_pass_lower_s, after[0].time_to_pass_s) == (35.0, 50.0)
    assert all(row.labels["source"] == "telemetry" for row in before + after)
    assert "no scrape in the time before 2026-03-01T12:30" in before[2].message


def test_telemetry_history_is_replayed_as_any_other(past, runs, new_conditions, tmp_path):
    found = remember(past.server, runs, new_conditions, watching=Watching(nothing_filtered=True))
    found.history.to_parquet(tmp_path)
    history = History.load(tmp_path)

    replayed = history.replay(new_conditions, judge_all=True)

    assert not history.problems
    assert int(replayed.data["changed"].sum()) == 0
    rates = {str(one.condition): one.rates for one in replayed.false_stops().conditions}
    stops = rates["scale_deployment/action/pre/nobody_else_scales"].stop_given_good
    assert (stops.k, stops.n) == (2, 2)


def test_looks_of_before_the_actions_end_say_nothing_of_after_it(past, runs, new_conditions):
    found = remember(past.server, runs, new_conditions, watching=Watching(nothing_filtered=True))

    ended = {run.execution.execution_uid: run.execution.action_ended_at for run in runs}
    looks = [row for row in found.history.rows("attempts") if row.type == "no_waiting_pods"]
    assert len(looks) > 10
    assert all(row.read_at >= ended[row.execution_uid] for row in looks)


def test_conditions_that_no_series_can_judge_are_named_with_the_fact(past, runs):
    found = remember(
        past.server, runs, shipped_conditions("scale_deployment"), watching=Watching(nothing_filtered=True)
    )

    assert found.not_judged["scale_deployment/action/pre/image_pull_secrets_valid"]
    assert any("schedulable_replicas" in note for note in found.notes)
    judged = {row.type for row in found.history.rows("evaluations")}
    assert {"deployment_exists", "desired_replicas_running", "deployment_health_check"} <= judged


def test_nothing_that_can_be_judged_is_said_with_the_reason(past, runs, new_conditions):

    elsewhere = replace(past.server, matchers={"job": "elsewhere"})

    with pytest.raises(
        InputError, match=r"no condition can be judged with this Prometheus: \S+ needs \w+, no sample of"
    ):
        remember(elsewhere, runs, new_conditions, watching=Watching(nothing_filtered=True))


def test_the_check_says_what_can_be_rebuilt_for_which_window_and_why_not(past, new_conditions):
    checked = check(
        past.server, past.began, past.ended, namespace="shop", conditions=new_conditions, nothing_filtered=True
    )

    facts = {one.path: one for one in checked.facts}
    assert facts["current_replicas"].ability is Ability.REBUILT
    assert facts["current_replicas"].since == past.began
    assert facts["current_replicas"].longest_gap == timedelta(minutes=4)
    assert facts["current_replicas"].covered == pytest.approx(38 / 41)
    assert facts["schedulable_replicas"].ability is Ability.IMPOSSIBLE
    assert "pod templates" in facts["schedulable_replicas"].why
    assert facts["quota_replicas"].ability is Ability.MISSING
    own = {one.type: missing for one, missing in checked.judged.items() if one.level is Level.ACTION}
    assert own == {"nobody_else_scales": {}, "no_waiting_pods": {}}
    result = TelemetryCheck(checked=checked, url=past.url)
    assert "scale_deployment/action/post/no_waiting_pods" in result.notes[0]
    assert "can be judged on what happened then" in result.text()
    assert "<table" in result._repr_html_()
    assert result.plot().data


def test_a_sparse_metric_without_samples_needs_the_users_word(past):
    silent = check(past.server, past.began, past.ended, namespace="shop")

    (pods,) = (one for one in silent.facts if one.path == "ready_pods")
    assert pods.ability is Ability.MISSING
    assert "--nothing-filtered" in pods.why


def test_rates_and_times_come_from_counters_with_a_reset(past):
    found = read_figures(past.server, past.began, past.ended, conditions=shipped_conditions("scale_deployment"))

    (one,) = found.conditions
    assert found.resets == 1
    assert one.evaluations == 30
    assert (one.failed.k, one.failed.n) == (6, 30)
    assert (one.false_stops.k, one.false_stops.n) == (0, 24)
    assert one.curve.n == 30
    assert one.curve.censored == 6
    assert one.curve.quantile(0.5) == (20.0, 60.0)
    assert one.curve.quantile(0.95) is None
    result = TelemetryFigures(figures_read=found)
    assert "20 to 60 s" in result.text()
    assert result.plot().data


def test_a_window_without_an_operator_says_so(past):
    with pytest.raises(InputError, match="no figures of an operator"):
        read_figures(past.server, past.began - timedelta(days=9), past.began - timedelta(days=8))


def test_rebuilt_facts_agree_with_the_recorded_ones(past, runs, new_conditions):
    recorded = remember(past.server, runs, new_conditions, watching=Watching(nothing_filtered=True)).history

    found = compare(past.server, recorded, nothing_filtered=True)

    assert found.by_fact["ready_pods"].agree > 10
    assert not any(one.differ for one in found.by_fact.values())
    assert "ready_pods" in TelemetryAgreement(agreements=found).text()
    assert len(runs_of(recorded)) == 3


def test_a_recorded_fact_that_telemetry_tells_otherwise_is_shown(past, runs, new_conditions):
    recorded = remember(past.server, runs, new_conditions, watching=Watching(nothing_filtered=True)).history
    rows = [*recorded.rows("executions"), *recorded.rows("workflows"), *recorded.rows("evaluations")]
    wrong = [replace(row, facts={**row.facts, "ready_pods": 99}) for row in recorded.rows("attempts")]

    found = compare(past.server, History.from_rows([*rows, *wrong]), nothing_filtered=True)

    assert found.by_fact["ready_pods"].agree == 0
    assert found.by_fact["ready_pods"].differ > 10
    result = TelemetryAgreement(agreements=found)
    assert any("99, rebuilt" in note for note in result.notes)
    assert len(result.plot().data) == 3


def test_a_restarted_pod_is_judged_by_its_own_suite(past, tmp_path):
    path = tmp_path / "restarts.jsonl"
    started = past.began + timedelta(minutes=12)
    line = {
        "action": "restart_pod",
        "target": "shop/web-7d9c-0",
        "started_at": started.isoformat(),
        "finished_at": (started + timedelta(seconds=5)).isoformat(),
        "outcome": "effective",
    }
    path.write_text(json.dumps(line) + "\n")
    runs = read_runs(path, problems=Problems())

    found = remember(past.server, runs, shipped_conditions("restart_pod"), watching=Watching(nothing_filtered=True))

    judged = {row.type: row.verdict for row in found.history.rows("evaluations")}
    assert judged["pod_exists"] is Verdict.PASSED
    assert judged["pod_will_be_recreated"] is Verdict.PASSED
    assert judged["others_serve_meanwhile"] is Verdict.PASSED
    # Nobody made another pod: the one that was to be replaced stands as before.
    assert judged["replacement_pod_ready"] is Verdict.FAILED
