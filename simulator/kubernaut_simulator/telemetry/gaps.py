"""What of a look's series had gaps: an object that an exporter showed, and a metric of it that it did not.

A value must not be made of a field that nobody told. So before facts are taken from rebuilt objects, the objects that
they rest on are held against the metrics that must have a sample of each.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from kubernaut.facts.objects import KubeObject
from kubernaut.facts.rebuilding import SPARSE
from kubernaut.facts.snapshot import Unobserved, UnobservedReason
from kubernaut_simulator.telemetry.rebuilt_pods import Key
from kubernaut_simulator.telemetry.scrapes import Sample, Scrape

_NODES, _NODE_INFO = "kube_node_", "kube_node_info"
_CONTAINERS, _CONTAINER_INFO = "kube_pod_container_", "kube_pod_container_info"
_NAMED: Sequence[tuple[str, str, str]] = (
    ("kube_replicaset_", "replicaset", "kube_replicaset_owner"),
    ("kube_horizontalpodautoscaler_", "horizontalpodautoscaler", "kube_horizontalpodautoscaler_info"),
)
"""Beginning of the metrics, label that names the object, and the metric that every object has."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Gaps:
    """The gaps of one look.

    Attributes
    ----------
    namespace : str
    deployment : KubeObject or None
    pods : tuple of KubeObject
        Those of the target's workload.
    """

    scrape: Scrape
    namespace: str
    deployment: KubeObject | None
    pods: tuple[KubeObject, ...]

    def of(self, series: Iterable[str]) -> Unobserved | None:
        """Give the first gap among the metrics that a fact needs; None when all that must be there are."""
        names = [metric for metric in series if metric not in SPARSE]
        return (
            self._of_deployment(names)
            or self._of_nodes(names)
            or self._of_named(names)
            or next((gap for pod in self.pods if (gap := self.of_pod((pod.namespace, pod.name), names))), None)
        )

    def of_pod(self, key: Key, series: Iterable[str]) -> Unobserved | None:
        """Give the first gap of one pod."""
        containers = {one.labels.get("container", "") for one in self._pod(_CONTAINER_INFO, key)}
        for metric in series:
            if metric in SPARSE or metric == _CONTAINER_INFO or not metric.startswith("kube_pod_"):
                continue
            told = self._pod(metric, key)
            if metric.startswith(_CONTAINERS):
                if containers - {one.labels.get("container", "") for one in told}:
                    return _gap(metric, f"a container of pod {key[1]}")
            elif not told:
                return _gap(metric, f"pod {key[1]}")
        return None

    def has_started(self, key: Key) -> bool:
        """Say whether a pod's containers are known: they have no series before they have a status."""
        return bool(self._pod(_CONTAINER_INFO, key))

    def has_label(self, metric: str, label: str) -> bool:
        """Say whether a metric of the Deployment has a label; true without a Deployment."""
        if self.deployment is None:
            return True
        return any(label in one.labels for one in self._deployment(metric, self.deployment))

    def _of_deployment(self, names: Iterable[str]) -> Unobserved | None:
        here = self.deployment
        if here is None:
            return None
        missing = (one for one in names if one.startswith("kube_deployment_") and not self._deployment(one, here))
        return next((_gap(metric, f"Deployment {here.name}") for metric in missing), None)

    def _of_nodes(self, names: Sequence[str]) -> Unobserved | None:
        wanted = [metric for metric in names if metric.startswith(_NODES)]
        nodes = self.scrape.by(_NODE_INFO, "node").keys()
        if wanted and not nodes:
            return _gap(_NODE_INFO, "any node")
        for metric in wanted:
            for name in sorted(nodes - self.scrape.by(metric, "node").keys()):
                return _gap(metric, f"node {name[0]}")
        return None

    def _of_named(self, names: Iterable[str]) -> Unobserved | None:
        for metric in names:
            for beginning, label, whole in _NAMED:
                if metric.startswith(beginning):
                    there = {key for key in self.scrape.by(whole, "namespace", label) if key[0] == self.namespace}
                    for key in sorted(there - self.scrape.by(metric, "namespace", label).keys()):
                        return _gap(metric, f"{label} {key[1]}")
        return None

    def _pod(self, metric: str, key: Key) -> Sequence[Sample]:
        return self.scrape.by(metric, "namespace", "pod").get(key, ())

    def _deployment(self, metric: str, here: KubeObject) -> Sequence[Sample]:
        return self.scrape.by(metric, "namespace", "deployment").get((here.namespace, here.name), ())


def _gap(metric: str, of_what: str) -> Unobserved:
    return Unobserved(UnobservedReason.NOT_PROVIDED, f"the scrape has no sample of {metric} for {of_what}")
