"""What the recorder wrote and lost, asked for when somebody scrapes."""

from collections.abc import Callable, Iterable, Mapping

from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from kubernaut.history.rows import RowKind
from kubernaut_operator.metrics.declared import METRICS, Kind
from kubernaut_operator.recording.figures import Dropped, RecorderFigures


def watch_history(registry: CollectorRegistry, figures: Callable[[], RecorderFigures]) -> None:
    """Show a recorder's figures at each scrape."""
    registry.register(_History(figures))


class _History(Collector):
    def __init__(self, figures: Callable[[], RecorderFigures]) -> None:
        self._figures = figures

    def collect(self) -> Iterable[Metric]:
        now = self._figures()
        written = {kind.value: now.written.get(kind.value, 0) for kind in RowKind}
        dropped = {reason.value: now.dropped.get(reason.value, 0) for reason in Dropped}
        return [
            _family("history_rows_written_total", written),
            _family("history_rows_dropped_total", dropped),
            _family("history_written_bytes_total", {"": now.bytes_written}),
            _family("history_disk_bytes", {"": now.bytes_on_disk}),
            _family("history_files", {"": now.files}),
            _family("history_files_deleted_total", {"": now.deleted}),
            _family("history_trouble", {"": 1 if now.trouble else 0}),
        ]


def _family(name: str, values: Mapping[str, int]) -> Metric:
    metric = METRICS[name]
    made = CounterMetricFamily if metric.kind is Kind.COUNTER else GaugeMetricFamily
    family = made(name, metric.meaning, labels=metric.labels)
    for label, value in values.items():
        family.add_metric([label] if metric.labels else [], value)
    return family
