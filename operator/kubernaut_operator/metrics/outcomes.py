"""What workflows did for their incidents in the last 24 hours, asked for when somebody scrapes."""

import threading
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from prometheus_client import CollectorRegistry
from prometheus_client.core import Metric
from prometheus_client.registry import Collector

from kubernaut.history.rows import Outcome
from kubernaut_operator.metrics.declared import family

WINDOW = timedelta(hours=24)
OUTCOMES_LIMIT = 10_000
"""Workflows remembered; beyond it the oldest are forgotten first."""


def validation_word(*, validated: bool) -> str:
    """Give the value of the label `validation`."""
    return "with_validation" if validated else "without_validation"


class Effectiveness(Collector):
    """Remembers each workflow's last outcome, and shows the share that helped."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._known: dict[str, tuple[datetime, str, bool]] = {}
        self._lock = threading.Lock()
        registry.register(self)

    def learned(self, workflow_uid: str, outcome: Outcome, *, at: datetime, validation: str) -> None:
        """Note an outcome; a later word about the same workflow takes its place."""
        with self._lock:
            self._known.pop(workflow_uid, None)
            if outcome is not Outcome.INCONCLUSIVE:
                self._known[workflow_uid] = (at, validation, outcome is Outcome.EFFECTIVE)
            if len(self._known) > OUTCOMES_LIMIT:
                del self._known[next(iter(self._known))]

    def collect(self) -> Iterable[Metric]:
        """Give the share by `validation`; nothing where nobody knows of an outcome."""
        since = datetime.now(UTC) - WINDOW
        score = family("remediation_effectiveness_score")
        with self._lock:
            self._known = {uid: entry for uid, entry in self._known.items() if entry[0] >= since}
            entries = list(self._known.values())
        for word in sorted({validation for _, validation, _ in entries}):
            helped = [effective for _, validation, effective in entries if validation == word]
            score.add_metric([word], sum(helped) / len(helped))
        return [score]
