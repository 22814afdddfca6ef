"""WorkflowExecutions as a person writes them, put into a cluster, and waited for."""

import json
import time
from collections.abc import Callable
from typing import Any

from cluster.boot import Cluster
from kubernaut_operator.execution.kinds import WORKFLOW_EXECUTIONS
from kubernaut_operator.kernel.api import Api

Manifest = dict[str, Any]


def scale_step(number: int, namespace: str, target: str, *, to: int = 3, **step: Any) -> Manifest:
    """Give a step that scales a Deployment."""
    return {
        "stepNumber": number,
        "action": "scale_deployment",
        "parameters": {"deployment": {"name": target, "namespace": namespace, "replicas": to}},
        **step,
    }


def workflow(
    namespace: str, name: str, *steps: Manifest, annotations: dict[str, str] | None = None, **spec: Any
) -> Manifest:
    """Give a workflow of some steps; `spec` adds to its spec."""
    return {
        "apiVersion": WORKFLOW_EXECUTIONS.api_version,
        "kind": WORKFLOW_EXECUTIONS.kind,
        "metadata": {"name": name, "namespace": namespace, "annotations": annotations or {}},
        "spec": {"workflowDefinition": {"steps": list(steps)}, **spec},
    }


def create_workflow(cluster: Cluster, manifest: Manifest) -> None:
    """Put it into the cluster, as its administrator."""
    cluster.kubectl("create", "-f", "-", stdin=json.dumps(manifest))


def wait_for_workflow(
    api: Api,
    namespace: str,
    name: str,
    *,
    until: Callable[[Manifest], Any] = lambda found: found.get("status", {}).get("result"),
    limit_s: float = 90.0,
) -> Manifest:
    """Wait until something holds of a workflow, its result without other word, and give it."""
    deadline = time.monotonic() + limit_s
    while True:
        found = api.get(WORKFLOW_EXECUTIONS, name, namespace)
        if until(found):
            return found
        if time.monotonic() > deadline:
            status = {key: value for key, value in (found.get("status") or {}).items() if key != "engine"}
            raise AssertionError(f"not after {limit_s:g} s: {json.dumps(status, indent=1)}")
        time.sleep(0.2)
