"""Pods as Kubernetes would give them, put together from what kube-state-metrics showed at an instant.

Only fields that a series tells are there. Which facts may be taken from such a pod is said by the fact registry
(`kubernaut.facts.rebuilding`); no fact is computed here.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from kubernaut_simulator.telemetry.scrapes import Sample, Scrape

Key = tuple[str, str]
"""Namespace and name."""

_RESOURCES = ("cpu", "memory")
_CONTAINERS, _INIT = "kube_pod_container", "kube_pod_init_container"


def quantity(value: float) -> str:
    """Give a number as a quantity that means exactly this number."""
    return str(int(value)) if value.is_integer() else format(Decimal(repr(value)), "f")


def moment(value: float) -> str:
    """Give seconds since 1970 as Kubernetes writes an instant."""
    return datetime.fromtimestamp(value, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def owner_references(sample: Sample) -> list[dict[str, Any]]:
    """Give the owner that a `kube_*_owner` sample names; none where its kind is empty or `<none>`."""
    kind, name = sample.labels.get("owner_kind", ""), sample.labels.get("owner_name", "")
    if kind in ("", "<none>"):
        return []
    return [{"kind": kind, "name": name, "controller": sample.labels.get("owner_is_controller") == "true"}]


class PodsOf:
    """The pods of a scrape.

    Parameters
    ----------
    scrape : Scrape
    """

    def __init__(self, scrape: Scrape) -> None:
        self._scrape = scrape

    def all(self) -> Iterator[dict[str, Any]]:
        """Give each pod that `kube_pod_info` names."""
        for sample in self._scrape.of("kube_pod_info"):
            yield self._pod((sample.labels.get("namespace", ""), sample.labels.get("pod", "")), sample)

    def _of(self, metric: str, key: Key) -> list[Sample]:
        return self._scrape.by(metric, "namespace", "pod").get(key, [])

    def _marked(self, metric: str, key: Key, label: str, **labels: str) -> str | None:
        """Give the label's value of the sample that is marked with 1."""
        for sample in self._of(metric, key):
            if sample.value == 1 and all(sample.labels.get(name) == value for name, value in labels.items()):
                return sample.labels.get(label, "")
        return None

    def _pod(self, key: Key, info: Sample) -> dict[str, Any]:
        metadata: dict[str, Any] = {"namespace": key[0], "name": key[1], "uid": info.labels.get("uid", "")}
        metadata["ownerReferences"] = [
            one for owner in self._of("kube_pod_owner", key) for one in owner_references(owner)
        ]
        for field, metric in (
            ("creationTimestamp", "kube_pod_created"),
            ("deletionTimestamp", "kube_pod_deletion_timestamp"),
        ):
            for sample in self._of(metric, key):
                metadata[field] = moment(sample.value)
        status: dict[str, Any] = {"conditions": list(self._conditions(key))}
        for field, metric, label in (
            ("phase", "kube_pod_status_phase", "phase"),
            ("reason", "kube_pod_status_reason", "reason"),
            ("qosClass", "kube_pod_status_qos_class", "qos_class"),
        ):
            marked = self._marked(metric, key, label)
            if marked is not None:
                status[field] = marked
        containers, statuses = self._containers(_CONTAINERS, key)
        before, statuses_before = self._containers(_INIT, key)
        _tell_sidecars(before, statuses_before, statuses)
        spec: dict[str, Any] = {"containers": containers, "initContainers": before}
        spec["tolerations"] = [_toleration(sample) for sample in self._of("kube_pod_tolerations", key)]
        spec["overhead"] = {
            resource: quantity(sample.value)
            for resource, metric in (
                ("cpu", "kube_pod_overhead_cpu_cores"),
                ("memory", "kube_pod_overhead_memory_bytes"),
            )
            for sample in self._of(metric, key)
        }
        if info.labels.get("node"):
            spec["nodeName"] = info.labels["node"]
        status |= {"containerStatuses": statuses, "initContainerStatuses": statuses_before}
        return {"kind": "Pod", "metadata": metadata, "spec": spec, "status": status}

    def _conditions(self, key: Key) -> Iterator[dict[str, str]]:
        ready = self._marked("kube_pod_status_ready", key, "condition")
        if ready is not None:
            yield {"type": "Ready", "status": ready.capitalize()}
        if any(sample.value == 1 for sample in self._of("kube_pod_status_unschedulable", key)):
            yield {"type": "PodScheduled", "status": "False", "reason": "Unschedulable"}

    def _containers(self, prefix: str, key: Key) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
        infos = {sample.labels.get("container", ""): sample for sample in self._of(f"{prefix}_info", key)}
        resources: dict[str, dict[str, dict[str, str]]] = {name: {} for name in infos}
        for part in ("requests", "limits"):
            for sample in self._of(f"{prefix}_resource_{part}", key):
                if sample.labels.get("resource") in _RESOURCES:
                    told = resources.setdefault(sample.labels.get("container", ""), {}).setdefault(part, {})
                    told[sample.labels["resource"]] = quantity(sample.value)
        specs = [{"name": name, "resources": resources[name]} for name in sorted(resources)]
        return specs, [self._container_status(prefix, key, name) for name in sorted(infos)]

    def _container_status(self, prefix: str, key: Key, name: str) -> dict[str, Any]:
        def value(metric: str) -> float:
            return next((one.value for one in self._of(metric, key) if one.labels.get("container") == name), 0.0)

        def reason(metric: str) -> str | None:
            return self._marked(f"{prefix}_status_{metric}", key, "reason", container=name)

        restarts = int(value(f"{prefix}_status_restarts_total"))
        state: dict[str, Any] = {}
        if value(f"{prefix}_status_waiting"):
            why = reason("waiting_reason")
            state["waiting"] = {"reason": why} if why else {}
        elif value(f"{prefix}_status_terminated"):
            state["terminated"] = _ended(reason("terminated_reason"), restarts)
        elif value(f"{prefix}_status_running"):
            state["running"] = {}
        status = {
            "name": name,
            "ready": value(f"{prefix}_status_ready") == 1,
            "restartCount": restarts,
            "state": state,
        }
        last = reason("last_terminated_reason")
        if last is not None:
            status["lastState"] = {"terminated": _ended(last, restarts - 1)}
        return status


def _tell_sidecars(specs: list[dict[str, Any]], statuses: list[dict[str, Any]], beside: list[dict[str, Any]]) -> None:
    """Mark the init containers that still run while a container of the pod has begun: only sidecars do."""
    if not any({"running", "terminated"} & one["state"].keys() or one["restartCount"] for one in beside):
        return
    running = {one["name"] for one in statuses if "running" in one["state"]}
    for one in specs:
        if one["name"] in running:
            one["restartPolicy"] = "Always"
    for one in statuses:
        if one["name"] in running:
            one["started"] = True


def _ended(reason: str | None, restarts: int) -> dict[str, Any]:
    """Tell how a container ended; how often it had been started before names which one of its lives that was."""
    return {
        "reason": reason or "",
        "exitCode": 0 if reason == "Completed" else 1,
        "containerID": f"after {restarts} restarts",
    }


def _toleration(sample: Sample) -> dict[str, str]:
    return {name: sample.labels[name] for name in ("key", "operator", "value", "effect") if sample.labels.get(name)}


def template_of(pods: Iterable[Mapping[str, Any]]) -> dict[str, Any] | None:
    """Give the part of a pod template that its pods tell: what they ask for and what they tolerate.

    Returns
    -------
    dict or None
        None without a pod whose containers are known, or where pods differ: more than one template stands.
    """
    found: dict[str, Any] | None = None
    for pod in pods:
        spec, status = pod["spec"], pod["status"]
        if not status["containerStatuses"]:
            continue
        told = {name: spec[name] for name in ("containers", "initContainers", "overhead", "tolerations")}
        if found is not None and told != found:
            return None
        found = told
    return None if found is None else {"spec": found}
