"""What is in force of the three ConfigMaps, and how their loads went."""

import threading
from collections.abc import Iterable

from prometheus_client import CollectorRegistry
from prometheus_client.core import Metric
from prometheus_client.registry import Collector

from kubernaut_operator.condition_sets.names import Part
from kubernaut_operator.condition_sets.observing import LoadState
from kubernaut_operator.metrics.declared import family, made


class PolicyMetrics(Collector):
    """Listens to loads (`condition_sets.observing.SetsObserver`); shows one series of each kind a part."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._loads = made("policies_loads_total", registry)
        for part in Part:
            for result in ("accepted", "refused"):
                self._loads.labels(part=part.value, result=result)
        self._states: dict[Part, LoadState] = {}
        self._lock = threading.Lock()
        registry.register(self)

    def loaded(self, state: LoadState) -> None:
        """Note how a load went."""
        self._loads.labels(part=state.part.value, result="accepted" if state.accepted else "refused").inc()
        with self._lock:
            self._states[state.part] = state

    def collect(self) -> Iterable[Metric]:
        """Give what is in force now, once somebody scrapes."""
        loaded, info = family("policies_loaded"), family("policies_info")
        with self._lock:
            states = tuple(self._states.values())
        for state in states:
            loaded.add_metric([state.part.value], float(state.accepted))
            info.add_metric([state.part.value, state.digest, state.resource_version], 1.0)
        return [loaded, info]
