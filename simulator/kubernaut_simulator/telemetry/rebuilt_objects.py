"""Deployments, ReplicaSets, nodes and autoscalers put together from what kube-state-metrics showed at an instant.

As for pods (`rebuilt_pods`): only what a series tells, and no fact is computed here.
"""

from collections.abc import Iterator
from typing import Any

from kubernaut_simulator.telemetry.rebuilt_pods import Key, PodsOf, moment, owner_references, quantity
from kubernaut_simulator.telemetry.scrapes import Sample, Scrape

_STATUS = {
    "observedGeneration": "kube_deployment_status_observed_generation",
    "replicas": "kube_deployment_status_replicas",
    "updatedReplicas": "kube_deployment_status_replicas_updated",
    "availableReplicas": "kube_deployment_status_replicas_available",
}
_WHOLE = ("cpu", "memory", "pods")


def objects_of(scrape: Scrape) -> list[dict[str, Any]]:
    """Give every object that the series of a scrape tell of."""
    return [
        *_deployments(scrape),
        *_replica_sets(scrape),
        *PodsOf(scrape).all(),
        *_nodes(scrape),
        *_autoscalers(scrape),
    ]


def _key(sample: Sample, kind: str) -> Key:
    return sample.labels.get("namespace", ""), sample.labels.get(kind, "")


def _numbers(scrape: Scrape, metric: str, kind: str) -> dict[Key, float]:
    return {_key(sample, kind): sample.value for sample in scrape.of(metric)}


def _deployments(scrape: Scrape) -> Iterator[dict[str, Any]]:
    kind = "deployment"
    generations = _numbers(scrape, "kube_deployment_metadata_generation", kind)
    replicas = _numbers(scrape, "kube_deployment_spec_replicas", kind)
    paused = _numbers(scrape, "kube_deployment_spec_paused", kind)
    numbers = {field: _numbers(scrape, metric, kind) for field, metric in _STATUS.items()}
    conditions: dict[Key, list[dict[str, str]]] = {}
    for sample in scrape.by_metric.get("kube_deployment_status_condition", ()):
        if sample.value != 1:
            continue
        told = {
            "type": sample.labels.get("condition", ""),
            "status": sample.labels.get("status", "").capitalize(),
            "reason": sample.labels.get("reason", ""),
        }
        conditions.setdefault(_key(sample, kind), []).append(told)
    for sample in scrape.of("kube_deployment_created"):
        key = _key(sample, kind)
        metadata: dict[str, Any] = {
            "namespace": key[0],
            "name": key[1],
            "creationTimestamp": moment(sample.value),
        }
        spec: dict[str, Any] = {}
        if key in generations:
            metadata["generation"] = int(generations[key])
        if key in replicas:
            spec["replicas"] = int(replicas[key])
        if key in paused:
            spec["paused"] = paused[key] == 1
        status: dict[str, Any] = {field: int(found[key]) for field, found in numbers.items() if key in found}
        status["conditions"] = conditions.get(key, [])
        yield {"kind": "Deployment", "metadata": metadata, "spec": spec, "status": status}


def _replica_sets(scrape: Scrape) -> Iterator[dict[str, Any]]:
    kind = "replicaset"
    created = _numbers(scrape, "kube_replicaset_created", kind)
    replicas = _numbers(scrape, "kube_replicaset_spec_replicas", kind)
    for sample in scrape.of("kube_replicaset_owner"):
        key = _key(sample, kind)
        metadata: dict[str, Any] = {
            "namespace": key[0],
            "name": key[1],
            "ownerReferences": owner_references(sample),
        }
        if key in created:
            metadata["creationTimestamp"] = moment(created[key])
        spec = {"replicas": int(replicas[key])} if key in replicas else {}
        yield {"kind": "ReplicaSet", "metadata": metadata, "spec": spec}


def _nodes(scrape: Scrape) -> Iterator[dict[str, Any]]:
    for sample in scrape.of("kube_node_info"):
        name = sample.labels.get("node", "")
        conditions, taints, allocatable, cordoned = (
            scrape.of(f"kube_node_{metric}", node=name)
            for metric in ("status_condition", "spec_taint", "status_allocatable", "spec_unschedulable")
        )
        spec = {
            "unschedulable": any(one.value == 1 for one in cordoned),
            "taints": [
                {field: one.labels[field] for field in ("key", "value", "effect") if one.labels.get(field)}
                for one in taints
            ],
        }
        status: dict[str, Any] = {
            "conditions": [
                {"type": one.labels.get("condition", ""), "status": one.labels.get("status", "").capitalize()}
                for one in conditions
                if one.value == 1
            ]
        }
        gives = {
            one.labels["resource"]: quantity(one.value) for one in allocatable if one.labels.get("resource") in _WHOLE
        }
        if gives:
            status["allocatable"] = gives
        yield {"kind": "Node", "metadata": {"name": name}, "spec": spec, "status": status}


def _autoscalers(scrape: Scrape) -> Iterator[dict[str, Any]]:
    kind = "horizontalpodautoscaler"
    least = _numbers(scrape, "kube_horizontalpodautoscaler_spec_min_replicas", kind)
    most = _numbers(scrape, "kube_horizontalpodautoscaler_spec_max_replicas", kind)
    for sample in scrape.of("kube_horizontalpodautoscaler_info"):
        key = _key(sample, kind)
        spec: dict[str, Any] = {
            "scaleTargetRef": {
                "kind": sample.labels.get("scaletargetref_kind", ""),
                "name": sample.labels.get("scaletargetref_name", ""),
            }
        }
        if key in least:
            spec["minReplicas"] = int(least[key])
        if key in most:
            spec["maxReplicas"] = int(most[key])
        yield {"kind": "HorizontalPodAutoscaler", "metadata": {"namespace": key[0], "name": key[1]}, "spec": spec}
