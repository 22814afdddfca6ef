"""What kube-state-metrics exposes of Kubernetes objects, as far as facts are rebuilt from it; and scrapes kept as text.

Written after kube-state-metrics' own documentation and held against scrapes of the real one by tests on real material.
A timeline of such scrapes becomes OpenMetrics text that `promtool tsdb create-blocks-from openmetrics` fills in.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

from kubernaut_simulator.telemetry.server import Series

from kubernaut.facts.fields import Fields
from kubernaut.quantities import parse_resource

_LINE = re.compile(r"(\w+)(?:\{(.*)\})?\s+(\S+)(?:\s+\S+)?$")
_LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')
_STATES = ("true", "false", "unknown")
_PHASES = ("Pending", "Succeeded", "Failed", "Unknown", "Running")
_REASONS = ("Evicted", "NodeAffinity", "NodeLost", "SchedulingGated", "Shutdown", "UnexpectedAdmissionError")
_QOS = ("BestEffort", "Burstable", "Guaranteed")
_UNITS = {"cpu": "core", "memory": "byte", "pods": "integer"}


class Exposed(NamedTuple):
    """One line of an exporter."""

    metric: str
    labels: Mapping[str, str]
    value: float


def exposed(objects: Iterable[Mapping[str, Any]], *, reasons: bool = True) -> Iterator[Exposed]:
    """Give what kube-state-metrics exposes of objects.

    Parameters
    ----------
    reasons : bool
        Conditions of Deployments carry the label `reason`, as in newer kube-state-metrics.
    """
    for item in objects:
        match item["kind"]:
            case "Deployment":
                yield from _deployment(item, reasons=reasons)
            case "ReplicaSet":
                yield from _replica_set(item)
            case "Pod":
                yield from _pod(item)
            case "Node":
                yield from _node(item)
            case "HorizontalPodAutoscaler":
                yield from _autoscaler(item)
            case "ResourceQuota":
                names = _names(item, "resourcequota")
                for name, value in item.get("status", {}).get("hard", {}).items():
                    labels = {**names, "resource": name, "type": "hard"}
                    yield Exposed("kube_resourcequota", labels, float(parse_resource(value)))


def _names(item: Mapping[str, Any], key: str) -> dict[str, str]:
    return {"namespace": item["metadata"].get("namespace", "default"), key: item["metadata"]["name"]}


def _seconds(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


def _marked(
    metric: str, labels: Mapping[str, str], label: str, chosen: str, choices: Iterable[str]
) -> Iterator[Exposed]:
    for choice in choices:
        yield Exposed(metric, {**labels, label: choice}, float(choice == chosen))


def _owner(metric: str, item: Mapping[str, Any], labels: Mapping[str, str]) -> Iterator[Exposed]:
    owners = item["metadata"].get("ownerReferences") or [{}]
    for owner in owners:
        controls = str(owner["controller"]).lower() if "controller" in owner else "false" if owner else ""
        told = {"owner_kind": owner.get("kind", ""), "owner_name": owner.get("name", "")}
        yield Exposed(metric, {**labels, **told, "owner_is_controller": controls}, 1.0)


def _deployment(item: Mapping[str, Any], *, reasons: bool) -> Iterator[Exposed]:
    names = _names(item, "deployment")
    spec, status = item.get("spec", {}), item.get("status", {})
    created = item["metadata"].get("creationTimestamp", "2026-01-01T00:00:00Z")
    yield Exposed("kube_deployment_created", names, _seconds(created))
    yield Exposed("kube_deployment_metadata_generation", names, item["metadata"].get("generation", 1))
    yield Exposed("kube_deployment_spec_replicas", names, spec.get("replicas", 1))
    yield Exposed("kube_deployment_spec_paused", names, float(bool(spec.get("paused"))))
    for metric, field in (
        ("observed_generation", "observedGeneration"),
        ("replicas", "replicas"),
        ("replicas_available", "availableReplicas"),
        ("replicas_updated", "updatedReplicas"),
    ):
        yield Exposed(f"kube_deployment_status_{metric}", names, status.get(field, 0))
    for condition in status.get("conditions", ()):
        told = {"condition": condition["type"]}
        if reasons:
            told["reason"] = condition.get("reason", "")
        metric = "kube_deployment_status_condition"
        yield from _marked(metric, {**names, **told}, "status", condition["status"].lower(), _STATES)


def _replica_set(item: Mapping[str, Any]) -> Iterator[Exposed]:
    names = _names(item, "replicaset")
    created = item["metadata"].get("creationTimestamp", "2026-01-01T00:00:00Z")
    yield Exposed("kube_replicaset_created", names, _seconds(created))
    yield Exposed("kube_replicaset_spec_replicas", names, item.get("spec", {}).get("replicas", 1))
    yield from _owner("kube_replicaset_owner", item, names)


def _pod(item: Mapping[str, Any]) -> Iterator[Exposed]:
    metadata, spec, status = item["metadata"], item.get("spec", {}), item.get("status", {})
    names = {**_names(item, "pod"), "uid": metadata.get("uid", "")}
    yield Exposed("kube_pod_info", {**names, "node": spec.get("nodeName", ""), "host_network": "false"}, 1.0)
    yield Exposed("kube_pod_created", names, _seconds(metadata.get("creationTimestamp", "2026-01-01T00:00:00Z")))
    if metadata.get("deletionTimestamp"):
        yield Exposed("kube_pod_deletion_timestamp", names, _seconds(metadata["deletionTimestamp"]))
    yield from _owner("kube_pod_owner", item, names)
    yield from _marked("kube_pod_status_phase", names, "phase", status.get("phase", ""), _PHASES)
    yield from _marked("kube_pod_status_reason", names, "reason", status.get("reason", ""), _REASONS)
    yield from _marked("kube_pod_status_qos_class", names, "qos_class", status.get("qosClass", ""), _QOS)
    for condition in status.get("conditions", ()):
        if condition["type"] == "Ready":
            yield from _marked("kube_pod_status_ready", names, "condition", condition["status"].lower(), _STATES)
        if condition["type"] == "PodScheduled" and condition.get("reason") == "Unschedulable":
            yield Exposed("kube_pod_status_unschedulable", names, 1.0)
    for taint in spec.get("tolerations", ()):
        told = {name: str(taint.get(name, "")) for name in ("key", "operator", "value", "effect")}
        yield Exposed("kube_pod_tolerations", {**names, **told}, 1.0)
    for kind, containers, statuses in (
        ("kube_pod_container", "containers", "containerStatuses"),
        ("kube_pod_init_container", "initContainers", "initContainerStatuses"),
    ):
        for one in spec.get(containers, ()):
            yield from _resources(kind, one, {**names, "container": one["name"]}, spec.get("nodeName", ""))
        for one in status.get(statuses, ()):
            yield from _container(kind, one, {**names, "container": one["name"]})


def _resources(kind: str, one: Mapping[str, Any], names: Mapping[str, str], node: str) -> Iterator[Exposed]:
    for part in ("requests", "limits"):
        for name, value in one.get("resources", {}).get(part, {}).items():
            labels = {**names, "node": node, "resource": name, "unit": _UNITS.get(name, "integer")}
            yield Exposed(f"{kind}_resource_{part}", labels, float(parse_resource(value)))


def _container(kind: str, one: Mapping[str, Any], names: Mapping[str, str]) -> Iterator[Exposed]:
    state, last = one.get("state", {}), one.get("lastState", {})
    yield Exposed(f"{kind}_info", {**names, "image": one.get("image", ""), "image_id": one.get("imageID", "")}, 1.0)
    yield Exposed(f"{kind}_status_ready", names, float(bool(one.get("ready"))))
    yield Exposed(f"{kind}_status_restarts_total", names, one.get("restartCount", 0))
    for name in ("running", "waiting", "terminated"):
        yield Exposed(f"{kind}_status_{name}", names, float(name in state))
    if state.get("waiting", {}).get("reason"):
        yield Exposed(f"{kind}_status_waiting_reason", {**names, "reason": state["waiting"]["reason"]}, 1.0)
    if "terminated" in state:
        told = {"reason": state["terminated"].get("reason", "")}
        yield Exposed(f"{kind}_status_terminated_reason", {**names, **told}, 1.0)
    if "terminated" in last:
        told = {"reason": last["terminated"].get("reason", "")}
        yield Exposed(f"{kind}_status_last_terminated_reason", {**names, **told}, 1.0)


def _node(item: Mapping[str, Any]) -> Iterator[Exposed]:
    names = {"node": item["metadata"]["name"]}
    spec, status = item.get("spec", {}), item.get("status", {})
    yield Exposed("kube_node_info", {**names, "kubelet_version": "v1.35.0"}, 1.0)
    yield Exposed("kube_node_spec_unschedulable", names, float(bool(spec.get("unschedulable"))))
    for taint in spec.get("taints", ()):
        told = {name: str(taint.get(name, "")) for name in ("key", "value", "effect")}
        yield Exposed("kube_node_spec_taint", {**names, **told}, 1.0)
    for name, value in status.get("allocatable", {}).items():
        labels = {**names, "resource": name.replace("-", "_"), "unit": _UNITS.get(name, "byte")}
        yield Exposed("kube_node_status_allocatable", labels, float(parse_resource(value)))
    for condition in status.get("conditions", ()):
        told = {**names, "condition": condition["type"]}
        yield from _marked("kube_node_status_condition", told, "status", condition["status"].lower(), _STATES)


def _autoscaler(item: Mapping[str, Any]) -> Iterator[Exposed]:
    names = _names(item, "horizontalpodautoscaler")
    spec = Fields(item["spec"], "spec")
    reference = spec.at("scaleTargetRef")
    told = {"scaletargetref_kind": reference.text("kind"), "scaletargetref_name": reference.text("name")}
    yield Exposed("kube_horizontalpodautoscaler_info", {**names, **told}, 1.0)
    yield Exposed("kube_horizontalpodautoscaler_spec_min_replicas", names, spec.count("minReplicas", 1))
    yield Exposed("kube_horizontalpodautoscaler_spec_max_replicas", names, spec.count("maxReplicas"))


def read_scrape(text: str) -> list[Exposed]:
    """Read what an exporter answered, in Prometheus' text format."""
    found = []
    for line in text.splitlines():
        match = _LINE.match(line)
        if match and not line.startswith("#"):
            labels = {name: value.replace('\\"', '"') for name, value in _LABEL.findall(match[2] or "")}
            found.append(Exposed(match[1], labels, float(match[3])))
    return found


def described_in(text: str) -> frozenset[str]:
    """Give the metrics that an exporter described, with or without samples."""
    return frozenset(re.findall(r"^# TYPE (\w+)", text, re.MULTILINE))


def as_series(
    timeline: Iterable[tuple[datetime, Iterable[Exposed]]], *, instance: str = "ksm:8080", **labels: str
) -> list[Series]:
    """Give a timeline of scrapes as a Prometheus would give its raw samples; empty labels are dropped."""
    found: dict[tuple[str, tuple[tuple[str, str], ...]], Series] = {}
    for at, lines in timeline:
        for one in lines:
            kept = {name: value for name, value in {**one.labels, **labels}.items() if value}
            kept |= {"job": "kube-state-metrics", "instance": instance}
            key = (one.metric, tuple(sorted(kept.items())))
            series = found.setdefault(key, Series(one.metric, kept, [], []))
            series.times_s.append(at.timestamp())
            series.values.append(float(one.value))
    return list(found.values())


def openmetrics(series: Iterable[Series]) -> str:
    """Give samples as OpenMetrics text with their times, ready to be filled in."""
    by_metric: dict[str, list[Series]] = {}
    for one in series:
        by_metric.setdefault(one.metric, []).append(one)
    lines = []
    for metric, members in sorted(by_metric.items()):
        lines.append(f"# TYPE {metric} unknown")
        for one in members:
            text = ",".join(f'{name}="{_escaped(value)}"' for name, value in sorted(one.labels.items()))
            lines += [
                f"{metric}{{{text}}} {value!r} {at_s:.3f}" for at_s, value in zip(one.times_s, one.values, strict=True)
            ]
    return "\n".join([*lines, "# EOF", ""])


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def fill_in(text: str, folder: Path) -> None:
    """Make blocks of OpenMetrics text in a Prometheus' folder, before it is started."""
    source = folder.parent / f"{folder.name}.openmetrics"
    source.write_text(text, encoding="utf-8")
    folder.mkdir(parents=True, exist_ok=True)
    argv = ["promtool", "tsdb", "create-blocks-from", "openmetrics", str(source), str(folder)]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"promtool could not fill in samples: {done.stderr[-2000:]}")
