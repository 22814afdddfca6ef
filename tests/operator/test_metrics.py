"""What is counted, by which labels, and that it is counted once a run."""

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import yaml
from helpers.rows import START, attempt, evaluation, execution, run_key, workflow
from kubernaut_operator.condition_sets.names import Part
from kubernaut_operator.condition_sets.observing import LoadState, SetsObserver
from kubernaut_operator.kernel.metrics import KernelMetrics
from kubernaut_operator.metrics import ExecutionMetrics, PolicyMetrics, watch_budgets, watch_history
from kubernaut_operator.metrics.bounded import OTHER, Bounded, Remembered
from kubernaut_operator.metrics.declared import METRICS, Kind
from kubernaut_operator.metrics.executions import REMEMBERED_WORKFLOWS, TYPES_LIMIT
from kubernaut_operator.metrics.page import QUERIES, markdown
from kubernaut_operator.recording.figures import RecorderFigures
from prometheus_client import CollectorRegistry, generate_latest

from kubernaut.enforcement.budget import BudgetState
from kubernaut.history.rows import Outcome
from kubernaut.identity import ConditionId, Level, Phase
from kubernaut.safety import Denial
from kubernaut.verdicts import Attempt, Code, Judgement, Reason, Verdict

EXISTS = {"condition_type": "deployment_exists", "service": "workflowexecution", "action": "scale_deployment"}
READY = ConditionId("scale_deployment", Level.ACTION, Phase.POST, "no_crashloop_pods")
CRASH = {"condition_type": "no_crashloop_pods", "service": "kubernetesexecution", "action": "scale_deployment"}

PAGES = Path(__file__).parents[2] / "docs" / "operator"

WORDS = {"condition_type"}
"""What a query holds that looks like a metric and is a label."""

OF_THE_GUIDE = {
    **{
        f"{service}_condition_{name}": ("condition_type", "phase", "required")
        for service in ("workflowexecution", "kubernetesexecution")
        for name in ("evaluations_total", "passed_total", "failed_total", "duration_seconds")
    },
    **{
        f"condition_{name}_total": ("condition_type", "service", "action", "required")
        for name in ("evaluations", "passed", "failed")
    },
    "condition_evaluation_duration_seconds": ("condition_type", "service"),
    "condition_timeout_total": ("condition_type", "service"),
    "executions_blocked_by_precondition_total": ("action", "condition_type"),
    "executions_failed_by_postcondition_total": ("action", "condition_type"),
    "cascade_failures_prevented_total": ("action",),
    "remediation_effectiveness_score": ("validation",),
    "mttr_seconds": ("validation",),
}


@pytest.fixture
def registry():
    return CollectorRegistry()


@pytest.fixture
def metrics(registry):
    return ExecutionMetrics(registry)


@pytest.fixture
def value(registry):
    """Give a sample's value; 0 where there is none."""
    return lambda name, **labels: registry.get_sample_value(name, labels) or 0.0


def post(n=0, **changes):
    """Give the n-th run's postcondition of the action level, settled."""
    return evaluation(
        n,
        **(
            {
                "record_id": run_key(n).evaluation_id(READY.level, READY.phase, READY.type),
                "level": READY.level,
                "phase": READY.phase,
                "type": READY.type,
                "timeout_s": 120.0,
                "elapsed_s": 25.0,
                "time_to_pass_s": 4.0,
                "time_to_pass_lower_s": 2.0,
            }
            | changes
        ),
    )


@pytest.mark.parametrize("name", OF_THE_GUIDE)
def test_the_guides_metrics_are_there_with_the_guides_labels(name):
    assert METRICS[name].labels == OF_THE_GUIDE[name]
    assert METRICS[name].section in ("3.4.3", "10.3")


def test_the_guides_buckets_are_kept():
    assert METRICS["condition_evaluation_duration_seconds"].buckets == (0.1, 0.5, 1, 2, 5, 10)
    assert METRICS["kubernetesexecution_condition_duration_seconds"].buckets == (0.1, 0.5, 1, 2, 5, 10)
    assert METRICS["condition_time_to_pass_seconds"].buckets[0] == 1
    assert METRICS["condition_time_to_pass_seconds"].buckets[-1] == 600


def test_a_result_counts_once_however_often_it_is_told(metrics, value):
    for _ in range(3):
        metrics.settled(evaluation(0, required=True))
    metrics.settled(evaluation(1, required=True))

    assert value("condition_evaluations_total", **EXISTS, required="true") == 2
    assert value("condition_passed_total", **EXISTS, required="true") == 2
    guides = {"condition_type": "deployment_exists", "phase": "pre", "required": "true"}
    assert value("workflowexecution_condition_evaluations_total", **guides) == 2
    assert value("workflowexecution_condition_passed_total", **guides) == 2
    assert value("workflowexecution_condition_duration_seconds_count", **guides) == 2
    assert value("condition_failed_total", **EXISTS, required="true") == 0


def test_looks_are_no_results(metrics, value):
    for slot, result in enumerate((Attempt.NOT_YET, Attempt.NOT_YET, Attempt.PASSED)):
        metrics.attempted(attempt(slot=slot, result=result))

    assert value("condition_attempts_total", **EXISTS, phase="pre", result="NotYet") == 2
    assert value("condition_attempts_total", **EXISTS, phase="pre", result="Passed") == 1
    assert value("condition_evaluations_total", **EXISTS, required="false") == 0


def test_what_could_not_be_judged_is_an_error_with_its_reason_and_no_failure(metrics, value):
    metrics.settled(evaluation(verdict=Verdict.ERROR, reason="FactUnobserved"))

    assert value("condition_errors_total", **EXISTS, reason="FactUnobserved") == 1
    assert value("condition_evaluations_total", **EXISTS, required="false") == 1
    assert value("condition_failed_total", **EXISTS, required="false") == 0


def test_skipped_results_and_challengers_are_left_out(metrics, registry):
    metrics.settled(evaluation(0, verdict=Verdict.SKIPPED, reason="ValidationOff"))
    metrics.settled(evaluation(1, candidate=True))
    metrics.attempted(attempt(candidate=True))

    assert not [one for family in registry.collect() for one in family.samples]


@pytest.mark.parametrize(
    ("row", "timeouts"),
    [
        (post(verdict=Verdict.FAILED, reason="DeadlineExceeded"), 1),
        (post(verdict=Verdict.FAILED, reason="Fatal"), 0),
        (post(verdict=Verdict.PASSED, reason="Allowed"), 0),
        (post(phase=Phase.PRE, verdict=Verdict.ERROR, reason="LimitExceeded", elapsed_s=31.0, timeout_s=30.0), 1),
        (post(phase=Phase.PRE, verdict=Verdict.ERROR, reason="LimitExceeded", elapsed_s=1.0, timeout_s=30.0), 0),
    ],
)
def test_time_that_ran_out_is_counted(metrics, value, row, timeouts):
    metrics.settled(row)

    service = {"condition_type": "no_crashloop_pods", "service": "kubernetesexecution"}
    assert value("condition_timeout_total", **service) == timeouts


def test_time_to_pass_is_that_of_postconditions_which_passed(metrics, value):
    metrics.settled(post(0))
    metrics.settled(post(1, verdict=Verdict.FAILED, time_to_pass_s=None, time_to_pass_lower_s=None))

    assert value("condition_time_to_pass_seconds_count", **CRASH) == 1
    assert value("condition_time_to_pass_seconds_bucket", **CRASH, le="5.0") == 1
    assert value("condition_time_to_pass_seconds_bucket", **CRASH, le="2.0") == 0


@pytest.mark.parametrize(
    ("row", "blocked", "failed"),
    [
        (evaluation(enforced=True, verdict=Verdict.FAILED), 1, 0),
        (evaluation(enforced=True, verdict=Verdict.ERROR), 1, 0),
        (evaluation(enforced=False, verdict=Verdict.FAILED), 0, 0),
        (evaluation(enforced=True, verdict=Verdict.FAILED, overridden=True, override_by="ann"), 0, 0),
        (evaluation(enforced=True, verdict=Verdict.PASSED), 0, 0),
        (evaluation(enforced=True, verdict=Verdict.FAILED, phase=Phase.POST), 0, 1),
        (evaluation(enforced=True, verdict=Verdict.CENSORED, phase=Phase.POST), 0, 0),
    ],
)
def test_only_enforced_results_stop_runs(metrics, value, row, blocked, failed):
    metrics.settled(row)

    labels = {"action": "scale_deployment", "condition_type": "deployment_exists"}
    assert value("executions_blocked_by_precondition_total", **labels) == blocked
    assert value("executions_failed_by_postcondition_total", **labels) == failed


def test_a_look_counts_for_every_condition_that_was_judged_on_it(metrics, value):
    metrics.looked("scale_deployment", Phase.POST, conditions=[READY], took_s=0.3)

    assert value("execution_look_duration_seconds_count", action="scale_deployment", phase="post") == 1
    of_one = {"condition_type": "no_crashloop_pods", "service": "kubernetesexecution"}
    assert value("condition_evaluation_duration_seconds_bucket", **of_one, le="0.5") == 1
    assert value("condition_evaluation_duration_seconds_bucket", **of_one, le="0.1") == 0


def test_denials_overrides_and_spent_budgets_are_counted(metrics, value):
    denial = Denial(key="protected_namespaces", policy_digest="d", judgement=Judgement(Code.FAILED, Reason.NOT_ALLOWED))
    metrics.denied("scale_deployment", denial)
    metrics.overridden(READY, by="ann@example.org")
    metrics.budget_spent(READY)

    assert value("safety_denials_total", action="scale_deployment", policy="protected_namespaces") == 1
    assert value("condition_overrides_total", **CRASH) == 1
    assert value("condition_budget_spent_total", **CRASH) == 1


def test_a_run_ends_once_and_says_what_validation_added(metrics, value):
    row = execution(
        started_at=START,
        action_started_at=START + timedelta(seconds=40),
        action_ended_at=START + timedelta(seconds=43),
        finished_at=START + timedelta(seconds=73),
        blocked_s=39.0,
    )
    metrics.ended(row, phase="succeeded", reason="Succeeded")
    metrics.ended(row, phase="succeeded", reason="Succeeded")

    labels = {"action": "scale_deployment"}
    assert value("executions_finished_total", **labels, phase="succeeded", reason="Succeeded") == 1
    assert value("execution_validation_overhead_seconds_sum", **labels, phase="pre") == pytest.approx(1.0)
    assert value("execution_validation_overhead_seconds_sum", **labels, phase="post") == pytest.approx(30.0)
    assert value("execution_action_duration_seconds_sum", **labels) == pytest.approx(3.0)


def test_a_run_whose_action_never_ran_adds_no_times(metrics, value):
    metrics.ended(
        execution(action_started_at=None, action_ended_at=None, result="denied"), phase="denied", reason="SafetyDenied"
    )

    assert value("executions_finished_total", action="scale_deployment", phase="denied", reason="SafetyDenied") == 1
    assert value("execution_validation_overhead_seconds_count", action="scale_deployment", phase="pre") == 0


def test_a_run_whose_action_never_ended_tells_of_the_time_before(metrics, value):
    metrics.ended(execution(action_ended_at=None), phase="unknown", reason="EffectUnknown")

    assert value("execution_validation_overhead_seconds_count", action="scale_deployment", phase="pre") == 1
    assert value("execution_validation_overhead_seconds_count", action="scale_deployment", phase="post") == 0


def test_a_workflow_ends_once_though_it_is_told_again_with_its_outcome(metrics, value):
    for outcome in (None, Outcome.INEFFECTIVE):
        row = workflow(0, result="rollback_failed", outcome=outcome)
        metrics.workflow_ended(row, phase="rollback_failed", reason="RollbackFailed")

    assert value("workflows_finished_total", phase="rollback_failed", reason="RollbackFailed") == 1


def test_an_outcome_labels_the_results_of_its_workflow_once(metrics, value):
    metrics.settled(evaluation(0, verdict=Verdict.FAILED))
    metrics.settled(evaluation(1))
    metrics.outcome_known(workflow(0, outcome=None, outcome_source=None), validated=True)
    for _ in range(2):
        metrics.outcome_known(workflow(0), validated=True)
    metrics.outcome_known(workflow(1, outcome=Outcome.INEFFECTIVE), validated=True)

    labels = EXISTS | {"phase": "pre", "required": "false"}
    assert value("condition_labelled_total", **labels, verdict="Failed", outcome="effective") == 1
    assert value("condition_labelled_total", **labels, verdict="Passed", outcome="ineffective") == 1


def test_a_run_of_its_own_is_labelled_by_its_own_name(metrics, value):
    metrics.settled(evaluation(0, workflow_uid=""))
    metrics.outcome_known(workflow(0, workflow_uid="execution-0"), validated=True)

    labels = EXISTS | {"phase": "pre", "required": "false", "verdict": "Passed"}
    assert value("condition_labelled_total", **labels, outcome="effective") == 1


def test_no_more_workflows_wait_for_their_outcome_than_are_remembered(metrics):
    for n in range(REMEMBERED_WORKFLOWS + 5):
        metrics.settled(evaluation(n))

    assert len(metrics._unlabelled) == REMEMBERED_WORKFLOWS


def test_nobody_can_make_series_without_end(metrics, registry):
    for n in range(TYPES_LIMIT + 300):
        metrics.settled(
            evaluation(n, type=f"type_{n}", action=f"action_{n}", verdict=Verdict.ERROR, reason=f"Reason{n}")
        )
        metrics.attempted(attempt(n, type=f"type_{n}", action=f"action_{n}"))
        metrics.ended(execution(n, action=f"action_{n}"), phase="failed", reason=f"Reason{n}")

    values = {label: set() for metric in METRICS.values() for label in metric.labels}
    for family in registry.collect():
        for sample in family.samples:
            for label, text in sample.labels.items():
                values.setdefault(label, set()).add(text)
    assert values["action"] == {OTHER}
    assert len(values["condition_type"]) == TYPES_LIMIT + 1
    assert len(values["reason"]) <= 201


def test_the_first_values_keep_their_names():
    bounded = Bounded(2)

    assert [bounded(text) for text in ("a", "b", "c", "a", "d")] == ["a", "b", OTHER, "a", OTHER]


def test_what_was_remembered_first_is_forgotten_first():
    remembered = Remembered(2)

    assert [remembered.is_new(name) for name in ("a", "b", "a", "c", "a", "c")] == [
        True,
        True,
        False,
        True,
        True,
        False,
    ]


def test_what_is_in_force_of_a_configmap_is_one_series(registry, value):
    policies: SetsObserver = PolicyMetrics(registry)
    policies.loaded(LoadState(part=Part.ACTION, accepted=True, digest="aa", resource_version="1"))
    policies.loaded(LoadState(part=Part.ACTION, accepted=False, digest="aa", resource_version="2", reason="line 3"))

    assert value("policies_loaded", part="action") == 0
    assert value("policies_info", part="action", digest="aa", resource_version="1") == 0
    assert value("policies_info", part="action", digest="aa", resource_version="2") == 1
    assert value("policies_loads_total", part="action", result="accepted") == 1
    assert value("policies_loads_total", part="action", result="refused") == 1


def test_loads_are_shown_from_the_beginning(registry):
    PolicyMetrics(registry)

    assert registry.get_sample_value("policies_loads_total", {"part": "safety", "result": "refused"}) == 0


def test_block_budgets_are_shown_as_they_are(registry, value):
    states = {}
    watch_budgets(registry, lambda: states)
    states[READY] = BudgetState(hypothesis="h", limit=0.1, incidents=30, blocks=9, spent_at=START)

    labels = CRASH | {"phase": "post"}
    assert value("condition_budget_limit_ratio", **labels) == 0.1
    assert value("condition_budget_incidents", **labels) == 30
    assert value("condition_budget_blocks", **labels) == 9
    assert value("condition_set_back", **labels) == 1


def test_the_recorders_figures_are_read_when_somebody_scrapes(registry, value):
    figures = RecorderFigures()
    watch_history(registry, lambda: figures)
    figures = RecorderFigures(
        written={"attempts": 7},
        dropped={"disk_full": 3},
        bytes_written=900,
        files=2,
        bytes_on_disk=800,
        deleted=1,
        trouble="no space left",
    )

    assert value("history_rows_written_total", kind="attempts") == 7
    assert registry.get_sample_value("history_rows_written_total", {"kind": "policies"}) == 0
    assert value("history_rows_dropped_total", reason="disk_full") == 3
    assert registry.get_sample_value("history_rows_dropped_total", {"reason": "too_slow"}) == 0
    assert value("history_written_bytes_total") == 900
    assert value("history_disk_bytes") == 800
    assert value("history_files") == 2
    assert value("history_files_deleted_total") == 1
    assert value("history_trouble") == 1


def test_every_metric_of_the_table_is_in_the_registry_as_the_table_says(registry, metrics):
    PolicyMetrics(registry).loaded(LoadState(part=Part.STEP, accepted=True, digest="d"))
    watch_history(registry, RecorderFigures)
    watch_budgets(registry, lambda: {READY: BudgetState(hypothesis="h", limit=0.1)})
    metrics.attempted(attempt())
    metrics.looked("scale_deployment", Phase.PRE, conditions=[READY], took_s=0.1)
    for n, verdict in enumerate((Verdict.PASSED, Verdict.FAILED, Verdict.ERROR)):
        for level in Level:
            for phase in Phase:
                row = post(n, level=level, phase=phase, verdict=verdict, reason="DeadlineExceeded", enforced=True)
                metrics.settled(post(n, **{"record_id": f"{n}{level}{phase}"} | _parts(row)))
    metrics.ended(execution(), phase="succeeded", reason="Succeeded")
    incident = {"detected_at": START, "resolved_at": START, "outcome_at": datetime.now(UTC)}
    metrics.outcome_known(workflow(0, **incident), validated=True)
    metrics.workflow_ended(workflow(0), phase="completed", reason="Succeeded")
    metrics.cascade_prevented(execution())
    metrics.denied(
        "scale_deployment", Denial(key="k", policy_digest="d", judgement=Judgement(Code.FAILED, Reason.FATAL))
    )
    metrics.overridden(READY, by="ann")
    metrics.budget_spent(READY)

    found = {}
    for family in registry.collect():
        name = f"{family.name}_total" if family.type == "counter" else family.name
        labels = {label for sample in family.samples for label in sample.labels} - {"le"}
        found[name] = (family.type, labels, family.documentation)

    assert found == {name: (metric.kind.value, set(metric.labels), metric.meaning) for name, metric in METRICS.items()}
    generate_latest(registry)


def _parts(row):
    return {name: getattr(row, name) for name in ("level", "phase", "verdict", "reason", "enforced", "type")}


def test_names_follow_prometheus():
    for metric in METRICS.values():
        assert re.fullmatch(r"[a-z][a-z0-9_]+", metric.name)
        assert metric.name.endswith("_total") == (metric.kind is Kind.COUNTER)
        assert bool(metric.buckets) == (metric.kind is Kind.HISTOGRAM)
        assert metric.name.endswith("_seconds") == (metric.kind is Kind.HISTOGRAM)
        assert metric.meaning.endswith(".")


def test_the_page_is_what_the_table_says():
    assert (PAGES / "metrics.md").read_text(encoding="utf-8") == markdown()


def rules():
    text = (PAGES / "alerts.yaml").read_text(encoding="utf-8")
    return [rule for group in yaml.safe_load(text)["groups"] for rule in group["rules"]]


def series_and_labels(registry):
    """Give the labels of every series that the operator can show, by the series' name."""
    found = {}
    for metric in METRICS.values():
        names = [f"{metric.name}_{end}" for end in ("bucket", "sum", "count")] if metric.buckets else [metric.name]
        found |= {name: {*metric.labels, "le"} for name in names}
    KernelMetrics(registry).reconciled("kubernetesexecution", "error", 0.1)
    for family in registry.collect():
        found |= {sample.name: set(sample.labels) for sample in family.samples}
    return found


RECORDED = re.compile(r"\b\w+:\w+:\w+")
"""Name of a series that a recording rule makes."""


def labels_by(query):
    """Give the labels that a query keeps."""
    return {label.strip() for group in re.findall(r"by \(([^)]*)\)", query) for label in group.split(",")}


@pytest.mark.parametrize("query", [*(query for _, query in QUERIES), *(rule["expr"] for rule in rules())])
def test_queries_and_alerts_name_metrics_and_labels_that_exist(query, registry):
    known = series_and_labels(registry)
    recorded = {rule["record"]: labels_by(rule["expr"]) - {"le"} for rule in rules() if "record" in rule}
    asked = set(RECORDED.findall(query))
    bare = RECORDED.sub("", query)
    names = set(re.findall(r"\b[a-z]+(?:_[a-z]+)+\b(?=[\[{) ]|$)", bare)) - {"histogram_quantile"} - WORDS
    used = set(re.findall(r"(\w+)=~?\"", query)) | labels_by(query)
    of_names = {label for name in names for label in known[name]} | {one for name in asked for one in recorded[name]}

    assert names or asked
    assert used <= of_names


def test_an_alert_says_what_to_do():
    for rule in (one for one in rules() if "alert" in one):
        assert rule["annotations"].keys() == {"summary", "todo"}
        labels = set(re.findall(r"\$labels\.(\w+)", rule["annotations"]["summary"]))
        named = {label for metric in METRICS.values() for label in metric.labels} | {"controller"}
        assert labels <= named


def test_the_share_that_helped_is_that_of_the_last_day_and_of_the_last_word(metrics, value):
    now = datetime.now(UTC)
    for n, outcome in enumerate((Outcome.EFFECTIVE, Outcome.EFFECTIVE, Outcome.INEFFECTIVE, Outcome.INCONCLUSIVE)):
        metrics.outcome_known(workflow(n, outcome=outcome, outcome_at=now), validated=True)
    metrics.outcome_known(workflow(1, outcome=Outcome.INEFFECTIVE, outcome_at=now), validated=True)
    metrics.outcome_known(workflow(7, outcome_at=now - timedelta(hours=25)), validated=True)
    metrics.outcome_known(workflow(8, outcome_at=now), validated=False)

    assert value("remediation_effectiveness_score", validation="with_validation") == pytest.approx(1 / 3)
    assert value("remediation_effectiveness_score", validation="without_validation") == 1


def test_time_to_resolution_is_counted_once_and_only_where_both_ends_are_known(metrics, value):
    times = {"detected_at": START, "resolved_at": START + timedelta(minutes=7)}
    for _ in range(2):
        metrics.outcome_known(workflow(0, **times), validated=True)
    metrics.outcome_known(workflow(1), validated=True)

    assert value("mttr_seconds_count", validation="with_validation") == 1
    assert value("mttr_seconds_sum", validation="with_validation") == 420


def test_a_withheld_step_is_counted_once(metrics, value):
    for _ in range(2):
        metrics.cascade_prevented(execution(0))

    assert value("cascade_failures_prevented_total", action="scale_deployment") == 1
