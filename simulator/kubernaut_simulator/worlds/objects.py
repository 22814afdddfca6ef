"""Kubernetes objects of a target's life at a moment, as `kubectl get -o json` would give them.

What the fact extraction reads is in them and little else. An object is made once for each state it takes, because most
looks find most objects as they were. Status lags behind the spec as in a cluster: `observedGeneration` follows when the
controller has seen the change.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any

from kubernaut.facts.objects import KubeObject, ObjectSet, read_object
from kubernaut_simulator.worlds.causes import Cause
from kubernaut_simulator.worlds.nodes import Node
from kubernaut_simulator.worlds.pod_life import PodLife, PodState
from kubernaut_simulator.worlds.streams import digest_uid
from kubernaut_simulator.worlds.target_life import PROGRESS_DEADLINE_S, TargetLife, template_hash

LISTED = (
    "Deployment",
    "ReplicaSet",
    "Pod",
    "Node",
    "Event",
    "PodMetrics",
    "HorizontalPodAutoscaler",
    "ResourceQuota",
)
"""The kinds that a look asks for."""

OTHERS_NAMESPACE = "other-workloads"
POOL_LABEL = "pool"
CONTAINER = "app"
EVENT_REPEATED_S = 300.0
"""An event recorder lets an Event that comes again and again through in about five minutes."""

_NO_IMAGE = ("ErrImagePull", "ImagePullBackOff")

MISSING_LABEL = {"disk": "nvme-gen5"}
"""What the template asks for and no node has, under `node_selector`."""


class WorldObjects:
    """The objects of one incident's target.

    Parameters
    ----------
    life : TargetLife
    start : datetime
        Moment of virtual second 0.
    """

    def __init__(self, life: TargetLife, start: datetime) -> None:
        self._life = life
        self._start = start
        self._pods: dict[tuple[str, PodState], KubeObject] = {}
        self._nodes: dict[tuple[str, bool, bool], tuple[KubeObject, KubeObject]] = {}

    def at(self, at_s: float, *, version: int) -> ObjectSet:
        """Give everything that a look at `at_s` sees.

        Parameters
        ----------
        version : int
            Becomes the Deployment's resourceVersion.
        """
        life = self._life
        found: list[KubeObject] = []
        for node in life.nodes:
            if node.there(at_s):
                found += self._node(node, ready=node.ready(at_s), moved=node.has_moved(at_s))
        if life.there:
            living = life.living(at_s)
            found += [self._pod(pod, state) for pod, state in living]
            if life.secret_missing:
                found += [_read(self._secret_event(pod, at_s)) for pod, state in living if state.waiting in _NO_IMAGE]
            found.append(_read(self.deployment(at_s, version=version)))
            found += self._standing
            if life.deployment.quota or life.incident.cause is Cause.QUOTA:
                found.append(_read(self._quota()))
        return _object_set(found)

    def deployment(self, at_s: float, *, version: int) -> dict[str, Any]:
        """Give the Deployment at a moment."""
        life, deployment = self._life, self._life.deployment
        asked = [entry for entry in life.asked if entry.at_s <= at_s]
        observed = [entry for entry in life.asked if entry.observed_s <= at_s]
        living = [(pod, state) for pod, state in life.living(at_s) if not state.terminating]
        newest = 1 if life.rollout_s is None else 2
        replicas = asked[-1].replicas
        ready = sum(1 for _, state in living if state.ready)
        return {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": {
                **self._metadata(deployment.name, deployment.uid),
                "generation": len(asked),
                "resourceVersion": str(version),
            },
            "spec": {
                "replicas": replicas,
                "selector": {"matchLabels": self._selector},
                "strategy": {"type": "RollingUpdate"},
                "progressDeadlineSeconds": int(PROGRESS_DEADLINE_S),
                "template": self._template,
            },
            "status": {
                "observedGeneration": len(observed),
                "replicas": len(living),
                "updatedReplicas": sum(1 for pod, _ in living if pod.revision == newest),
                "readyReplicas": ready,
                "availableReplicas": ready,
                "unavailableReplicas": max(0, replicas - ready),
                "conditions": self._conditions(at_s, replicas=observed[-1].replicas, ready=ready),
            },
        }

    def _conditions(self, at_s: float, *, replicas: int, ready: int) -> list[dict[str, str]]:
        life = self._life
        available = ready >= replicas - replicas // 4
        conditions = [
            {
                "type": "Available",
                "status": "True" if available else "False",
                "reason": "MinimumReplicasAvailable" if available else "MinimumReplicasUnavailable",
            }
        ]
        if life.rollout_s is None:
            conditions.append({"type": "Progressing", "status": "True", "reason": "NewReplicaSetAvailable"})
        elif at_s < life.rollout_s + PROGRESS_DEADLINE_S:
            conditions.append({"type": "Progressing", "status": "True", "reason": "ReplicaSetUpdated"})
        else:
            conditions.append({"type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded"})
        if at_s >= life.refused_s:
            conditions.append({"type": "ReplicaFailure", "status": "True", "reason": "FailedCreate"})
        return conditions

    def _metadata(self, name: str, uid: str) -> dict[str, Any]:
        return {
            "name": name,
            "namespace": self._life.deployment.namespace,
            "uid": uid,
            "labels": self._selector,
            "resourceVersion": "1",
        }

    @cached_property
    def _selector(self) -> dict[str, str]:
        return {"app": self._life.deployment.name}

    @cached_property
    def _pod_spec(self) -> dict[str, Any]:
        deployment = self._life.deployment
        requests = {"cpu": f"{deployment.cpu_m}m", "memory": f"{deployment.memory_mi}Mi"}
        spec: dict[str, Any] = {
            "containers": [
                {
                    "name": CONTAINER,
                    "image": f"registry.example/{deployment.namespace}/{deployment.name}:1",
                    "resources": {"requests": requests, "limits": {"memory": requests["memory"]}},
                }
            ]
        }
        if deployment.pull_secret:
            spec["imagePullSecrets"] = [{"name": deployment.pull_secret}]
        if deployment.pool.tainted:
            spec["nodeSelector"] = {POOL_LABEL: deployment.pool.name}
            spec["tolerations"] = [{"key": POOL_LABEL, "operator": "Equal", "value": deployment.pool.name}]
        return spec

    @cached_property
    def _template(self) -> dict[str, Any]:
        spec = dict(self._pod_spec)
        if self._life.incident.cause is Cause.NODE_SELECTOR:
            spec["nodeSelector"] = {**spec.get("nodeSelector", {}), **MISSING_LABEL}
        return {"metadata": {"labels": self._selector}, "spec": spec}

    def _replica_set_uid(self, revision: int) -> str:
        return digest_uid(revision, "replicaset", self._life.deployment.uid)

    @cached_property
    def _standing(self) -> list[KubeObject]:
        """What does not change in the course of an incident: ReplicaSets and the autoscaler."""
        life, deployment = self._life, self._life.deployment
        found: list[dict[str, Any]] = []
        for revision in (1,) if life.rollout_s is None else (1, 2):
            hash_ = template_hash(deployment, revision)
            metadata = self._metadata(f"{deployment.name}-{hash_}", self._replica_set_uid(revision))
            metadata["labels"] = {**self._selector, "pod-template-hash": hash_}
            metadata["annotations"] = {"deployment.kubernetes.io/revision": str(revision)}
            metadata["ownerReferences"] = [_owned_by("Deployment", deployment.name, deployment.uid)]
            template = {**self._template, "metadata": {"labels": metadata["labels"]}}
            found.append(
                {
                    "apiVersion": "apps/v1",
                    "kind": "ReplicaSet",
                    "metadata": metadata,
                    "spec": {"selector": {"matchLabels": metadata["labels"]}, "template": template},
                }
            )
        if deployment.autoscaled:
            uid = digest_uid(0, "hpa", deployment.uid)
            found.append(
                {
                    "apiVersion": "autoscaling/v2",
                    "kind": "HorizontalPodAutoscaler",
                    "metadata": self._metadata(deployment.name, uid),
                    "spec": {
                        "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": deployment.name},
                        "minReplicas": deployment.replicas,
                        "maxReplicas": deployment.replicas * 3,
                    },
                }
            )
        return [_read(item) for item in found]

    def _quota(self) -> dict[str, Any]:
        life, deployment = self._life, self._life.deployment
        used_m = deployment.cpu_m * (deployment.replicas + 40)
        # What is left is less than one pod more than the quota admits.
        hard_m = used_m + deployment.cpu_m * (life.quota_pods or 0) + deployment.cpu_m // 2
        return {
            "apiVersion": "v1",
            "kind": "ResourceQuota",
            "metadata": self._metadata("compute", digest_uid(0, "quota", deployment.namespace)),
            "spec": {"hard": {"requests.cpu": f"{hard_m}m"}},
            "status": {"hard": {"requests.cpu": f"{hard_m}m"}, "used": {"requests.cpu": f"{used_m}m"}},
        }

    def _secret_event(self, pod: PodLife, at_s: float) -> dict[str, Any]:
        """Give the kubelet's Event that a pull secret is missing; it comes again every five minutes at most."""
        last_s = at_s - (at_s - pod.created_s) % EVENT_REPEATED_S
        uid = digest_uid(0, "secret-event", pod.uid)
        return {
            "apiVersion": "v1",
            "kind": "Event",
            "metadata": self._metadata(f"{pod.name}.{uid[:13]}", uid),
            "involvedObject": {
                "kind": "Pod",
                "namespace": self._life.deployment.namespace,
                "name": pod.name,
                "uid": pod.uid,
            },
            "type": "Warning",
            "reason": "FailedToRetrieveImagePullSecret",
            "message": f"Unable to retrieve some image pull secrets ({self._life.deployment.pull_secret})",
            "lastTimestamp": self._instant(last_s),
        }

    def _node(self, node: Node, *, ready: bool, moved: bool) -> tuple[KubeObject, KubeObject]:
        """Give the node and the one pod that stands for everybody else's on it."""
        key = (node.name, ready, moved)
        known = self._nodes.get(key)
        if known is None:
            known = self._nodes[key] = (
                _read(_node_object(node, ready=ready)),
                _read(_others(node, moved=moved)),
            )
        return known

    def _pod(self, pod: PodLife, state: PodState) -> KubeObject:
        key = (pod.uid, state)
        known = self._pods.get(key)
        if known is None:
            known = self._pods[key] = _read(self._pod_object(pod, state))
        return known

    def _pod_object(self, pod: PodLife, state: PodState) -> dict[str, Any]:
        hash_ = template_hash(self._life.deployment, pod.revision)
        metadata = self._metadata(pod.name, pod.uid)
        metadata["labels"] = {**self._selector, "pod-template-hash": hash_}
        metadata["creationTimestamp"] = self._instant(pod.created_s)
        owner = f"{self._life.deployment.name}-{hash_}"
        metadata["ownerReferences"] = [_owned_by("ReplicaSet", owner, self._replica_set_uid(pod.revision))]
        if state.terminating:
            metadata["deletionTimestamp"] = self._instant(pod.created_s)
        spec = dict(self._pod_spec)
        if state.node is not None:
            spec["nodeName"] = state.node
        status: dict[str, Any] = {
            "phase": "Running" if state.running else "Pending",
            "conditions": _pod_conditions(state),
        }
        if state.node is not None:
            status["containerStatuses"] = [self._container(pod, state)]
        if state.lost:
            status["reason"] = "NodeLost"
        return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec, "status": status}

    def _container(self, pod: PodLife, state: PodState) -> dict[str, Any]:
        status: dict[str, Any] = {
            "name": CONTAINER,
            "ready": state.ready,
            "restartCount": state.restarts,
            "image": self._pod_spec["containers"][0]["image"],
            "imageID": f"sha256:{digest_uid(0, 'image', self._life.deployment.uid)}" if state.running else "",
        }
        if state.waiting:
            waiting = {"reason": state.waiting}
            if state.message:
                waiting["message"] = state.message
            status["state"] = {"waiting": waiting}
        else:
            status["state"] = {"running": {"startedAt": self._instant(max(pod.created_s, state.ended_s))}}
        if state.last_exit:
            status["lastState"] = {
                "terminated": {
                    "reason": state.last_exit,
                    "exitCode": 137 if state.last_exit == "OOMKilled" else 1,
                    "finishedAt": self._instant(state.ended_s),
                    "containerID": f"containerd://{digest_uid(int(state.ended_s * 1000), pod.uid)}",
                }
            }
        return status

    def _instant(self, at_s: float) -> str:
        return (self._start + timedelta(seconds=int(at_s))).strftime("%Y-%m-%dT%H:%M:%SZ")


def _node_object(node: Node, *, ready: bool) -> dict[str, Any]:
    spec: dict[str, Any] = {}
    taints = []
    if node.pool.tainted:
        taints.append({"key": POOL_LABEL, "value": node.pool.name, "effect": "NoSchedule"})
    if not ready:
        taints.append({"key": "node.kubernetes.io/unreachable", "effect": "NoSchedule"})
    if taints:
        spec["taints"] = taints
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {
            "name": node.name,
            "uid": node.uid,
            "labels": {POOL_LABEL: node.pool.name, "kubernetes.io/hostname": node.name},
            "resourceVersion": "1",
        },
        "spec": spec,
        "status": {
            # Real kubelets report memory in Ki and CPU without what they keep for themselves.
            "allocatable": {"cpu": f"{node.pool.cpu_m}m", "memory": f"{node.pool.memory_mi * 1024}Ki", "pods": "110"},
            "conditions": [{"type": "Ready", "status": "True" if ready else "Unknown"}],
            "nodeInfo": {"kubeletVersion": "v1.34.1"},
        },
    }


def _others(node: Node, *, moved: bool) -> dict[str, Any]:
    more_m, more_mi = (node.move.cpu_m, node.move.memory_mi) if moved and node.move is not None else (0, 0)
    requests = {"cpu": f"{node.others_cpu_m + more_m}m", "memory": f"{node.others_memory_mi + more_mi}Mi"}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": f"others-on-{node.name}",
            "namespace": OTHERS_NAMESPACE,
            "uid": digest_uid(0, "others", node.uid),
            "resourceVersion": "1",
        },
        "spec": {"nodeName": node.name, "containers": [{"name": CONTAINER, "resources": {"requests": requests}}]},
        "status": {"phase": "Running"},
    }


def _pod_conditions(state: PodState) -> list[dict[str, str]]:
    conditions = [{"type": "Ready", "status": "True" if state.ready else "False"}]
    if state.node is not None:
        conditions.append({"type": "PodScheduled", "status": "True"})
    elif state.unschedulable:
        conditions.append({"type": "PodScheduled", "status": "False", "reason": "Unschedulable"})
    return conditions


def _owned_by(kind: str, name: str, uid: str) -> dict[str, Any]:
    return {"apiVersion": "apps/v1", "kind": kind, "name": name, "uid": uid, "controller": True}


def _read(item: Mapping[str, Any]) -> KubeObject:
    return read_object(item, item["kind"])


def _object_set(found: Iterable[KubeObject]) -> ObjectSet:
    by_kind: dict[str, list[KubeObject]] = {}
    for item in found:
        by_kind.setdefault(item.kind, []).append(item)
    return ObjectSet(
        by_kind={
            kind: tuple(sorted(items, key=lambda item: (item.namespace, item.name, item.uid)))
            for kind, items in by_kind.items()
        },
        listed_kinds=frozenset(LISTED),
        unreadable={},
    )
