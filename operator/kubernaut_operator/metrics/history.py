"""What the recorder wrote and lost, asked for when somebody scrapes."""

from collections.abc import Callable, Iterable, Mapping

from prometheus_client import CollectorRegistry
from prometheus_client.core import Metric
from prometheus_client.registry import Collector

from kubernaut.history.rows import RowKind
from kubernaut_operator.metrics.declared import family
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
            _filled("history_rows_written_total", written),
            _filled("history_rows_dropped_total", dropped),
            _filled("history_written_bytes_total", now.bytes_written),
            _filled("history_disk_bytes", now.bytes_on_disk),
            _filled("history_files", now.files),
            _filled("history_files_deleted_total", now.deleted),
            _filled("history_trouble", int(bool(now.trouble))),
        ]


def _filled(name: str, values: Mapping[str, int] | int) -> Metric:
    filled = family(name)
    for labels, value in [((), values)] if isinstance(values, int) else [((key,), n) for key, n in values.items()]:
        filled.add_metric(labels, value)
    return filled
