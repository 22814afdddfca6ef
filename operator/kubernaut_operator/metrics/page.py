"""The metrics as a page: `docs/operator/metrics.md` is the text of `markdown()`; a test holds them equal."""

from prometheus_client import CollectorRegistry

from kubernaut_operator.kernel.metrics import KernelMetrics
from kubernaut_operator.metrics.declared import METRICS, Metric

_HEAD = """# Metrics

Every replica serves them at `/metrics`; only the leader counts. Totals count final results once a run, not polls. They
belong to a process and begin at zero after a restart, as Prometheus expects; history keeps what must not be lost.

Labels are bounded. `service` is `workflowexecution` for conditions of steps and `kubernetesexecution` for those of
actions; `phase` is `pre` or `post` (of executions: the last phase); `required` is `true` or `false`; `action` is one of
the [catalogue](actions.md). Condition types are chosen by people: the first 200 are shown, the rest count as `other`.

## Conditions and executions

The section is that of the guide; metrics without one are ours.

| metric | type | labels | section | meaning |
|---|---|---|---|---|"""

QUERIES: tuple[tuple[str, str], ...] = (
    (
        "Which conditions would stop good runs?",
        'sum by (condition_type) (rate(condition_labelled_total{verdict=~"Failed|Error",outcome="effective"}[30d])) '
        '/ sum by (condition_type) (rate(condition_labelled_total{outcome="effective"}[30d]))',
    ),
    (
        "Are preconditions judged within a second?",
        'histogram_quantile(0.99, sum by (le) (rate(execution_look_duration_seconds_bucket{phase="pre"}[1h])))',
    ),
    (
        "How long until a postcondition holds?",
        "histogram_quantile(0.95, sum by (le, condition_type) (rate(condition_time_to_pass_seconds_bucket[7d])))",
    ),
    (
        "What does validation add to a run?",
        "rate(execution_validation_overhead_seconds_sum[1d]) / rate(execution_validation_overhead_seconds_count[1d])",
    ),
    ("Is an edited ConfigMap not in force?", "policies_loaded == 0"),
    ("Is history being lost?", "rate(history_rows_dropped_total[15m]) > 0"),
)
"""Questions, each with the PromQL that answers it."""

_KERNEL = """
[alerts.yaml](alerts.yaml) holds alerts on them.

## The kernel

Under controller-runtime's names, so that the dashboards people have show them; `controller` or `name` says whose.

| metric | type | meaning |
|---|---|---|"""


def markdown() -> str:
    """Give the page."""
    registry = CollectorRegistry()
    KernelMetrics(registry)
    kernel = [
        f"| `{family.name}{'_total' if family.type == 'counter' else ''}` | {family.type} | {family.documentation}. |"
        for family in sorted(registry.collect(), key=lambda one: one.name)
    ]
    queries = [f"{question}\n\n```promql\n{query}\n```\n" for question, query in QUERIES]
    rows = [_row(metric) for metric in METRICS.values()]
    return "\n".join([_HEAD, *rows, "\n## Questions they answer\n", *queries, _KERNEL.lstrip(), *kernel, ""])


def _row(metric: Metric) -> str:
    labels = ", ".join(f"`{label}`" for label in metric.labels)
    buckets = f" Buckets: {', '.join(f'{bound:g}' for bound in metric.buckets)} s." if metric.buckets else ""
    return f"| `{metric.name}` | {metric.kind} | {labels} | {metric.section} | {metric.meaning}{buckets} |"
