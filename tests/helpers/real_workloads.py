"""Deployments of busybox that really run, and how they fail: at the start, later, never ready, too large, for new pods alone.

What a container does is read at its start from the ConfigMap `doing` of its namespace, so that pods that run go on
while new ones, or ones that restart, do otherwise.
"""

import json
import time
from collections.abc import Callable
from typing import Any, TypeVar

from cluster.boot import Cluster
from cluster.node import BUSYBOX

from helpers.executions import Manifest, create, execution, scaling

T = TypeVar("T")

SERVE = "exec sleep 3600"
CRASH = "echo no configuration; exit 3"
CRASH_LATER = "sleep 3; echo lost the database; exit 5"

_POLL_S = 0.25


def busybox_deployment(
    name: str = "web", *, replicas: int = 1, cpu: str = "10m", ready: bool = True, **pod: Any
) -> Manifest:
    """Give a Deployment.

    Parameters
    ----------
    cpu : str
        What each pod asks for.
    ready : bool
        False: its readiness probe never succeeds.
    **pod
        Further fields of the pods' spec.
    """
    labels = {"app": name}
    container = {
        "name": "app",
        "image": BUSYBOX,
        "imagePullPolicy": "Never",
        "command": ["/bin/sh", "-c", 'eval "$DOING"'],
        "env": [{"name": "DOING", "valueFrom": {"configMapKeyRef": {"name": "doing", "key": "command"}}}],
        "resources": {"requests": {"cpu": cpu, "memory": "8Mi"}, "limits": {"cpu": "1", "memory": "32Mi"}},
        "readinessProbe": {"exec": {"command": ["/bin/true" if ready else "/bin/false"]}, "periodSeconds": 1},
    }
    if ready:
        del container["readinessProbe"]
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": labels},
            "template": {
                "metadata": {"labels": labels},
                "spec": {"terminationGracePeriodSeconds": 0, "containers": [container], **pod},
            },
        },
    }


class RealShop:
    """A namespace whose pods run, and what tests do in it.

    Parameters
    ----------
    namespace : str
        Exists, and let the actions in.
    """

    def __init__(self, cluster: Cluster, namespace: str) -> None:
        self.cluster = cluster
        self.namespace = namespace
        self.do(SERVE)

    def do(self, command: str) -> None:
        """Say what containers do that start from now on."""
        doing = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "doing"}, "data": {"command": command}}
        self._kubectl("apply", "--filename=-", stdin=json.dumps(doing))

    def in_environment(self, name: str) -> None:
        """Give the namespace the label that picks a section of settings.yaml."""
        self.cluster.kubectl("label", "namespace", self.namespace, f"kubernaut.io/environment={name}", "--overwrite")

    def deploy(self, name: str = "web", *, wait: bool = True, **how: Any) -> None:
        """Make a Deployment and wait until it is available."""
        self._kubectl("create", "--filename=-", stdin=json.dumps(busybox_deployment(name, **how)))
        if wait:
            self._kubectl("rollout", "status", f"deployment/{name}", "--timeout=60s")

    def scale(self, to: int, *, name: str = "scale", target: str = "web", **spec: Any) -> str:
        """Ask for a Deployment to be scaled and give the execution's name."""
        create(self.cluster, scaling(self.namespace, name, to=to, target=target, **spec))
        return name

    def act(self, action: str, kind: str, target: str, *, name: str = "act", **more: Any) -> str:
        """Ask for an action on a Deployment or Pod and give the execution's name.

        Parameters
        ----------
        **more
            Further parameters of the action.
        """
        api_version = "v1" if kind == "Pod" else "apps/v1"
        named = {"name": target, "namespace": self.namespace}
        asked = execution(
            self.namespace,
            name,
            action=action,
            targetResource={"apiVersion": api_version, "kind": kind, **named},
            parameters={kind.lower(): named, **more},
        )
        create(self.cluster, asked)
        return name

    def follow(
        self,
        name: str,
        *,
        until: Callable[[dict[str, Any]], Any] = lambda status: status.get("result"),
        limit_s: float = 60,
    ) -> dict[str, Any]:
        """Wait until something holds of an execution's status, its result without other word, and give the status."""
        status: dict[str, Any] = {}

        def found() -> bool:
            status.clear()
            status.update(self.get("kubernetesexecution", name).get("status") or {})
            return bool(until(status))

        try:
            self.wait(found, limit_s=limit_s)
        except AssertionError as error:
            told = {key: value for key, value in status.items() if key not in ("engine", "conditions")}
            raise AssertionError(f"{name}: not after {limit_s:g} s: {json.dumps(told, indent=1)}") from error
        return status

    def wait(self, what: Callable[[], T], *, limit_s: float = 30) -> T:
        """Wait until something is true, and give it.

        Raises
        ------
        AssertionError
            It was not in time.
        """
        deadline = time.monotonic() + limit_s
        while not (found := what()):
            if time.monotonic() > deadline:
                raise AssertionError(f"not within {limit_s:g} s")
            time.sleep(_POLL_S)
        return found

    def get(self, kind: str, name: str) -> dict[str, Any]:
        """Read one object."""
        found: dict[str, Any] = json.loads(self._kubectl("get", kind, name, "--output=json"))
        return found

    def replicas(self, name: str = "web") -> int:
        """Give how many replicas a Deployment is to have."""
        return int(self.get("deployment", name)["spec"]["replicas"])

    def pods(self, name: str = "web") -> list[dict[str, Any]]:
        """Give a Deployment's pods that are not ending."""
        found = json.loads(self._kubectl("get", "pods", f"--selector=app={name}", "--output=json"))["items"]
        return [pod for pod in found if "deletionTimestamp" not in pod["metadata"]]

    def events(self, name: str) -> list[tuple[str, str]]:
        """Give reason and message of the Events about an execution, oldest first."""
        text = self._kubectl(
            "get", "events", f"--field-selector=involvedObject.name={name},involvedObject.kind=KubernetesExecution",
            "--sort-by=.metadata.creationTimestamp", "--output=json",
        )  # fmt: skip
        return [(event["reason"], event["message"]) for event in json.loads(text)["items"]]

    def job_of(self, status: dict[str, Any]) -> dict[str, Any]:
        """Give the Job that an execution's status names."""
        text = self.cluster.kubectl("get", "job", status["job"]["name"], "-n", "kubernaut-actions", "--output=json")
        found: dict[str, Any] = json.loads(text)
        return found

    def _kubectl(self, *arguments: str, stdin: str | None = None) -> str:
        return str(self.cluster.kubectl(f"--namespace={self.namespace}", *arguments, stdin=stdin))


def results(status: dict[str, Any], phase: str) -> dict[str, dict[str, Any]]:
    """Give the condition results of a phase (``pre`` or ``post``) by type."""
    found = (status.get("validationResults") or {}).get(f"{phase}ConditionResults", ())
    return {one["conditionType"]: one for one in found}
