"""Figures of the kernel, under controller-runtime's names, so that the dashboards people have show them.

Labels are the controllers' names, a handful of results, and kinds that this program names: bounded.
"""

from collections.abc import Iterable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from kubernaut_operator.kernel.resources import Key, resource_of_path
from kubernaut_operator.kernel.work_queue import WorkQueue

_SECONDS = (0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 10.0, 60.0)


class KernelMetrics:
    """Counters, histograms and gauges of one process, in one registry."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.registry = registry
        self._reconciles = Counter(
            "controller_runtime_reconcile_total", "Reconciles by result", ["controller", "result"], registry=registry
        )
        self._errors = Counter(
            "controller_runtime_reconcile_errors_total", "Reconciles that failed", ["controller"], registry=registry
        )
        self._seconds = Histogram(
            "controller_runtime_reconcile_time_seconds",
            "Time of one reconcile",
            ["controller"],
            buckets=_SECONDS,
            registry=registry,
        )
        self._workers = Gauge(
            "controller_runtime_max_concurrent_reconciles", "Workers", ["controller"], registry=registry
        )
        self._waited = Histogram(
            "workqueue_queue_duration_seconds",
            "Time a key waited for a worker",
            ["name"],
            buckets=_SECONDS,
            registry=registry,
        )
        self._worked = Histogram(
            "workqueue_work_duration_seconds", "Time a worker had a key", ["name"], buckets=_SECONDS, registry=registry
        )
        self._requests = Counter(
            "kubernaut_api_requests_total",
            "Requests to the API server by kind, watches at their beginning",
            ["method", "resource"],
            registry=registry,
        )
        self._queues = _Queues()
        registry.register(self._queues)

    def watch_queue(self, name: str, queue: WorkQueue[Key], *, workers: int) -> None:
        """Show a queue's figures at each scrape."""
        self._queues.queues[name] = queue
        self._workers.labels(name).set(workers)

    def requested(self, method: str, path: str) -> None:
        """Count one request to the API server."""
        self._requests.labels(method, resource_of_path(path)).inc()

    def reconciled(self, name: str, result: str, seconds: float) -> None:
        """Count one reconcile."""
        self._reconciles.labels(name, result).inc()
        if result == "error":
            self._errors.labels(name).inc()
        self._seconds.labels(name).observe(seconds)

    def waited(self, name: str, seconds: float) -> None:
        """Note how long a key waited."""
        self._waited.labels(name).observe(seconds)

    def worked(self, name: str, seconds: float) -> None:
        """Note how long a worker had a key."""
        self._worked.labels(name).observe(seconds)


class _Queues(Collector):
    """Reads the queues when somebody scrapes, so that no thread has to keep gauges true."""

    def __init__(self) -> None:
        self.queues: dict[str, WorkQueue[Key]] = {}

    def collect(self) -> Iterable[Metric]:
        depth = GaugeMetricFamily("workqueue_depth", "Keys that wait", labels=["name"])
        adds = CounterMetricFamily("workqueue_adds", "Keys added", labels=["name"])
        retries = CounterMetricFamily("workqueue_retries", "Keys added after a failure", labels=["name"])
        unfinished = GaugeMetricFamily(
            "workqueue_unfinished_work_seconds", "Time spent on keys that workers have now", labels=["name"]
        )
        longest = GaugeMetricFamily(
            "workqueue_longest_running_processor_seconds", "The longest of them", labels=["name"]
        )
        for name, queue in self.queues.items():
            figures = queue.figures()
            depth.add_metric([name], figures.depth)
            adds.add_metric([name], figures.adds)
            retries.add_metric([name], figures.retries)
            unfinished.add_metric([name], figures.unfinished_s)
            longest.add_metric([name], figures.longest_s)
        return [depth, adds, retries, unfinished, longest]
