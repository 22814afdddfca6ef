"""KubernetesExecutions as a person writes them, put into a cluster, and waited for."""

import json
import time
from collections.abc import Callable
from typing import Any

from cluster.boot import Cluster
from kubernaut_operator.execution.kinds import KUBERNETES_EXECUTIONS
from kubernaut_operator.kernel.api import Api

Manifest = dict[str, Any]

WEB = "web"
"""The Deployment that most tests act on."""


def deployment(namespace: str, *, name: str = WEB, replicas: int = 2) -> Manifest:
    """Give a small Deployment."""
    labels = {"app": name}
    container = {"name": "app", "image": "app:1", "resources": {"requests": {"cpu": "10m", "memory": "16Mi"}}}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": {"containers": [container]}},
        },
    }


def scaling(namespace: str, name: str = "scale-web", *, to: int = 3, target: str = WEB, **spec: Any) -> Manifest:
    """Give an execution that scales a Deployment; `spec` adds to its spec."""
    named = {"name": target, "namespace": namespace}
    return execution(
        namespace,
        name,
        action="scale_deployment",
        targetResource={"apiVersion": "apps/v1", "kind": "Deployment", **named},
        parameters={"deployment": {**named, "replicas": to}},
        **spec,
    )


def execution(namespace: str, name: str, **spec: Any) -> Manifest:
    """Give an execution with this spec."""
    return {
        "apiVersion": KUBERNETES_EXECUTIONS.api_version,
        "kind": KUBERNETES_EXECUTIONS.kind,
        "metadata": {"name": name, "namespace": namespace},
        "spec": spec,
    }


def create(cluster: Cluster, *manifests: Manifest) -> None:
    """Put objects into the cluster, as its administrator."""
    cluster.kubectl("create", "-f", "-", stdin=json.dumps({"apiVersion": "v1", "kind": "List", "items": manifests}))


def read(api: Api, namespace: str, name: str = "scale-web") -> Manifest:
    """Read an execution."""
    return api.get(KUBERNETES_EXECUTIONS, name, namespace)


def wait_for(
    api: Api,
    namespace: str,
    name: str = "scale-web",
    *,
    until: Callable[[Manifest], Any] = lambda found: found.get("status", {}).get("result"),
    limit_s: float = 60.0,
) -> Manifest:
    """Wait until something holds of an execution, its result without other word, and give it."""
    deadline = time.monotonic() + limit_s
    while True:
        found = read(api, namespace, name)
        if until(found):
            return found
        if time.monotonic() > deadline:
            status = {key: value for key, value in (found.get("status") or {}).items() if key != "engine"}
            raise AssertionError(f"not after {limit_s:g} s: {json.dumps(status, indent=1)}")
        time.sleep(0.2)


def phase_is(*phases: str) -> Callable[[Manifest], bool]:
    """Give what holds once an execution is in one of some phases."""
    return lambda found: (found.get("status") or {}).get("phase") in phases
