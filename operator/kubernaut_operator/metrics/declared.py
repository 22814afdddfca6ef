"""Every metric of the operator beside the kernel's, as one table: names, labels, buckets, meaning.

Nothing is counted here. Names and labels of the guide are kept as it has them; a renamed metric breaks dashboards, so
this table changes by addition.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

from kubernaut.identity import Level

WORKFLOW, EXECUTION = "workflowexecution", "kubernetesexecution"
"""Values of the label `service`: conditions of steps, and of actions."""

SERVICES: Mapping[Level, str] = MappingProxyType({Level.STEP: WORKFLOW, Level.ACTION: EXECUTION})

EVALUATION_BUCKETS_S = (0.1, 0.5, 1.0, 2.0, 5.0, 10.0)
TIME_TO_PASS_BUCKETS_S = (1.0, 2.0, 5.0, 10.0, 20.0, 30.0, 60.0, 120.0, 300.0, 600.0)
MTTR_BUCKETS_S = (60.0, 300.0, 600.0, 900.0, 1800.0, 3600.0)
RUN_BUCKETS_S = (0.1, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 600.0)


class Kind(StrEnum):
    """What Prometheus takes it for."""

    COUNTER = "counter"
    GAUGE = "gauge"
    HISTOGRAM = "histogram"


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """One metric.

    Attributes
    ----------
    name : str
        As Prometheus shows it; a counter's ends in ``_total``.
    section : str
        Of the guide; empty for one of ours.
    buckets : tuple of float
        Upper bounds of a histogram.
    scraped : bool
        Its values are asked for when somebody scrapes.
    """

    name: str
    kind: Kind
    labels: tuple[str, ...]
    meaning: str
    section: str = ""
    buckets: tuple[float, ...] = ()
    scraped: bool = False


def _counter(name: str, labels: tuple[str, ...], meaning: str, *, section: str = "", scraped: bool = False) -> Metric:
    return Metric(
        name=name, kind=Kind.COUNTER, labels=labels, meaning=meaning, section=section, scraped=scraped, buckets=()
    )


def _gauge(name: str, labels: tuple[str, ...], meaning: str) -> Metric:
    return Metric(name=name, kind=Kind.GAUGE, labels=labels, meaning=meaning, scraped=True)


def _histogram(
    name: str, labels: tuple[str, ...], buckets: tuple[float, ...], meaning: str, *, section: str = ""
) -> Metric:
    return Metric(name=name, kind=Kind.HISTOGRAM, labels=labels, meaning=meaning, section=section, buckets=buckets)


_GUIDES = ("condition_type", "phase", "required")
_WITH_ACTION = ("condition_type", "service", "action", "required")
_STOPPED = ("action", "condition_type")
_CONDITION = ("condition_type", "service", "action")
_BUDGET = (*_CONDITION, "phase")


def _of_service(service: str) -> Iterator[Metric]:
    whose = "of steps" if service == WORKFLOW else "of actions"
    for name, meaning in (
        ("evaluations", f"Conditions {whose} that came to a result, once a run; skipped ones are left out."),
        ("passed", f"Those {whose} that passed."),
        ("failed", f"Those {whose} that failed; what could not be judged is in condition_errors_total instead."),
    ):
        yield _counter(f"{service}_condition_{name}_total", _GUIDES, meaning, section="3.4.3")
    yield _histogram(
        f"{service}_condition_duration_seconds",
        _GUIDES,
        EVALUATION_BUCKETS_S,
        f"Time to the result of a condition {whose}, once a run: from its look's beginning, or from the action's end.",
        section="3.4.3",
    )


_ALL = (
    *_of_service(WORKFLOW),
    *_of_service(EXECUTION),
    _counter(
        "condition_evaluations_total",
        _WITH_ACTION,
        "Conditions that came to a result, once a run; skipped ones are left out.",
        section="10.3",
    ),
    _counter("condition_passed_total", _WITH_ACTION, "Those that passed.", section="10.3"),
    _counter("condition_failed_total", _WITH_ACTION, "Those that failed.", section="10.3"),
    _histogram(
        "condition_evaluation_duration_seconds",
        ("condition_type", "service"),
        EVALUATION_BUCKETS_S,
        "Time of one evaluation: reading the facts and judging; every look counts.",
        section="10.3",
    ),
    _counter(
        "condition_timeout_total",
        ("condition_type", "service"),
        "Conditions that did not pass because their time was over.",
        section="10.3",
    ),
    _counter(
        "executions_blocked_by_precondition_total",
        _STOPPED,
        "Runs that an enforced precondition kept from starting, those that went on later included.",
        section="10.3",
    ),
    _counter(
        "executions_failed_by_postcondition_total",
        _STOPPED,
        "Runs that an enforced postcondition failed.",
        section="10.3",
    ),
    _counter(
        "condition_attempts_total",
        (*_CONDITION, "phase", "result"),
        "Looks, by what each came to: Passed, NotYet, Failed, Error.",
    ),
    _counter(
        "condition_errors_total",
        (*_CONDITION, "reason"),
        "Conditions that could not be judged in the end, by reason; missing data never counts as failed.",
    ),
    _histogram(
        "condition_time_to_pass_seconds",
        _CONDITION,
        TIME_TO_PASS_BUCKETS_S,
        "Time from the action's end to the moment since which a postcondition has been true.",
    ),
    _counter(
        "condition_labelled_total",
        (*_CONDITION, "phase", "required", "verdict", "outcome"),
        "Results whose run's outcome became known: how often a failure met a run that did good.",
    ),
    _counter(
        "cascade_failures_prevented_total",
        ("action",),
        "Steps withheld because a step they need ran and was not verified, by the action they would have taken.",
        section="10.3",
    ),
    Metric(
        name="remediation_effectiveness_score",
        kind=Kind.GAUGE,
        labels=("validation",),
        meaning="Effective workflows among those effective or ineffective, of the last 24 h; absent where none is.",
        section="10.3",
        scraped=True,
    ),
    _histogram(
        "mttr_seconds",
        ("validation",),
        MTTR_BUCKETS_S,
        "Time from an incident's detection to its resolution.",
        section="10.3",
    ),
    _counter("condition_overrides_total", _CONDITION, "Enforced failures that a person's override let pass."),
    _counter(
        "condition_budget_spent_total",
        _CONDITION,
        "Conditions that went back to warn because they stopped more runs than history had promised.",
    ),
    _gauge("condition_budget_limit_ratio", _BUDGET, "Share of enforced incidents that history promised as the most."),
    _gauge("condition_budget_incidents", _BUDGET, "Incidents in which it was enforced, counted against that."),
    _gauge("condition_budget_blocks", _BUDGET, "Those of them that it stopped."),
    _gauge("condition_set_back", _BUDGET, "1 while the condition is set back to warn because its budget is spent."),
    _counter("safety_denials_total", ("action", "policy"), "Safety policies that did not let an action run."),
    _counter(
        "executions_finished_total",
        ("action", "phase", "reason"),
        "Runs that came to their end, by last phase and reason.",
    ),
    _counter(
        "workflows_finished_total",
        ("phase", "reason"),
        "Workflows that came to their end, by last phase and reason; of phase rollback_failed a person is needed.",
    ),
    _histogram(
        "execution_look_duration_seconds",
        ("action", "phase"),
        EVALUATION_BUCKETS_S,
        "Time of one look: reading the facts once and judging all conditions that were due.",
    ),
    _histogram(
        "execution_action_duration_seconds",
        ("action",),
        RUN_BUCKETS_S,
        "Time of the action itself: from the Job's creation to its end.",
    ),
    _histogram(
        "execution_validation_overhead_seconds",
        ("action", "phase"),
        RUN_BUCKETS_S,
        "What validation adds to a run: time before the action, blocked time left out, and time after it.",
    ),
    _gauge(
        "policies_loaded",
        ("part",),
        "1 where the ConfigMap as it is now is in force, 0 where an older one or none had to stay.",
    ),
    _gauge(
        "policies_info",
        ("part", "digest", "resource_version"),
        "Always 1: the digest in force and the ConfigMap that was looked at last; one series a part.",
    ),
    _counter("policies_loads_total", ("part", "result"), "Loads of the ConfigMaps: accepted or refused."),
    _counter("history_rows_written_total", ("kind",), "Rows of history that were written.", scraped=True),
    _counter(
        "history_rows_dropped_total",
        ("reason",),
        "Rows of history that were lost; the remediation goes on without them.",
        scraped=True,
    ),
    _counter("history_written_bytes_total", (), "Compressed bytes of history that were written.", scraped=True),
    _gauge("history_disk_bytes", (), "Bytes of history on this pod's volume."),
    _gauge("history_files", (), "Files of history on this pod's volume."),
    _counter("history_files_deleted_total", (), "Files of history deleted for size or age.", scraped=True),
    _gauge("history_trouble", (), "1 while rows cannot be written."),
)

METRICS: Mapping[str, Metric] = MappingProxyType({metric.name: metric for metric in _ALL})


def made(name: str, registry: CollectorRegistry) -> Any:
    """Make one metric of the table in a registry: a Counter, Gauge or Histogram of the client."""
    metric = METRICS[name]
    match metric.kind:
        case Kind.COUNTER:
            return Counter(name, metric.meaning, metric.labels, registry=registry)
        case Kind.GAUGE:
            return Gauge(name, metric.meaning, metric.labels, registry=registry)
        case Kind.HISTOGRAM:
            return Histogram(name, metric.meaning, metric.labels, buckets=metric.buckets, registry=registry)


def family(name: str) -> CounterMetricFamily | GaugeMetricFamily:
    """Give an empty family of the table, for values that are asked for when somebody scrapes."""
    metric = METRICS[name]
    kind = CounterMetricFamily if metric.kind is Kind.COUNTER else GaugeMetricFamily
    return kind(name, metric.meaning, labels=metric.labels)
