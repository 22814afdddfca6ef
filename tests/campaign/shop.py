"""One incident's place: a namespace of its own that lets the action in, with a Deployment behind a Service.

What a container does is read at its start from the ConfigMap `doing`, so that pods that run go on while new ones do
otherwise. Pods are busybox's httpd: a few hundred kilobytes each. Nothing here knows a fault.
"""

import time
from collections.abc import Callable
from typing import Any

from kubernaut_operator.execution.kinds import NAMESPACES, WORKFLOW_EXECUTIONS
from kubernaut_operator.kernel.api import Api, Manifest
from kubernaut_operator.kernel.resources import Resource
from kubernaut_operator.manifests.action_accounts import opt_in
from kubernaut_operator.manifests.options import InstallOptions

from kubernaut.errors import ApiError, ConflictError, NotFoundError

WEB = "web"
PORT = 8080

DEPLOYMENTS = Resource(group="apps", version="v1", plural="deployments", kind="Deployment")
CONFIG_MAPS = Resource(group="", version="v1", plural="configmaps", kind="ConfigMap")
SERVICES = Resource(group="", version="v1", plural="services", kind="Service")
QUOTAS = Resource(group="", version="v1", plural="resourcequotas", kind="ResourceQuota")
AUTOSCALERS = Resource(
    group="autoscaling", version="v2", plural="horizontalpodautoscalers", kind="HorizontalPodAutoscaler"
)
ROLE_BINDINGS = Resource(group="rbac.authorization.k8s.io", version="v1", plural="rolebindings", kind="RoleBinding")

_PAGE = "mkdir -p /tmp/www && hostname > /tmp/www/index.html"
SERVE = f"{_PAGE} && exec httpd -f -p {PORT} -h /tmp/www"

_POLL_S = 0.5
_TRIES = 8


class NotInTimeError(Exception):
    """The cluster did not do in time what an incident needs to begin; nothing is concluded from that incident."""


class Shop:
    """A namespace, and what an incident does in it.

    Parameters
    ----------
    api : Api
        With the rights of an administrator.
    image : str
        Has `sh`, `httpd`, `hostname` and `tail`: busybox.
    """

    def __init__(self, api: Api, namespace: str, *, image: str) -> None:
        self.api = api
        self.namespace = namespace
        self.image = image

    def open(self) -> None:
        """Make the namespace, let the action in, and put the Service there."""
        labels = {"app.kubernetes.io/part-of": "kubernaut-campaign"}
        self.make(NAMESPACES, {"metadata": {"name": self.namespace, "labels": labels}})
        for binding in opt_in(self.namespace, ["scale_deployment"], InstallOptions()):
            self.make(ROLE_BINDINGS, binding)
        spec = {"selector": {"app": WEB}, "ports": [{"name": "http", "port": PORT, "targetPort": PORT}]}
        self.make(SERVICES, {"metadata": {"name": WEB}, "spec": spec})

    def close(self) -> None:
        """Delete the namespace without waiting."""
        insist(lambda: self.api.delete(NAMESPACES, self.namespace), missing_is_fine=True)

    def make(self, resource: Resource, manifest: Manifest) -> Manifest:
        """Create an object of the incident; one that a try before made is taken as it is."""
        whole = {"apiVersion": resource.api_version, "kind": resource.kind, **manifest}
        name = str(whole["metadata"]["name"])

        def create() -> Manifest:
            try:
                return self.api.create(resource, whole, self.namespace)
            except ConflictError:
                return self.api.get(resource, name, self.namespace)

        return insist(create)

    def remove(self, resource: Resource, name: str) -> None:
        """Delete an object of the incident."""
        insist(lambda: self.api.delete(resource, name, self.namespace), missing_is_fine=True)

    def do(self, command: str) -> None:
        """Say what containers do that start from now on."""
        self.make(CONFIG_MAPS, {"metadata": {"name": "doing"}, "data": {"command": command}})
        insist(lambda: self.api.patch(CONFIG_MAPS, "doing", self.namespace, {"data": {"command": command}}))

    def deploy(self, replicas: int, *, container: Manifest, pod: Manifest, serves: bool) -> None:
        """Make the Deployment, and wait until it serves, or until its controller has made what pods it can."""
        spec = {
            "replicas": replicas,
            "selector": {"matchLabels": {"app": WEB}},
            "template": {
                "metadata": {"labels": {"app": WEB}},
                "spec": {"terminationGracePeriodSeconds": 0, "containers": [self._container() | container], **pod},
            },
        }
        self.make(DEPLOYMENTS, {"metadata": {"name": WEB}, "spec": spec})
        if serves:
            self.wait_for(lambda: self._status().get("readyReplicas", 0) >= replicas, what="the Deployment to serve")
        else:
            self.wait_for(lambda: self._status().get("unavailableReplicas", 0) >= replicas, what="pods to be made")

    def scale(self, replicas: int) -> None:
        """Change the replicas as a person does."""
        insist(lambda: self.api.patch(DEPLOYMENTS, WEB, self.namespace, {"spec": {"replicas": replicas}}))

    def restart_pods(self) -> None:
        """Roll the Deployment out anew, as a person does who mended what it reads at its start."""
        template = {"metadata": {"annotations": {"kubectl.kubernetes.io/restartedAt": "mended"}}}
        insist(lambda: self.api.patch(DEPLOYMENTS, WEB, self.namespace, {"spec": {"template": template}}))

    def workflow(self, name: str) -> Manifest:
        """Read a workflow."""
        return insist(lambda: self.api.get(WORKFLOW_EXECUTIONS, name, self.namespace))

    def wait_for(self, holds: Callable[[], Any], *, what: str, limit_s: float = 60.0) -> None:
        """Wait until something holds.

        Raises
        ------
        NotInTimeError
            It did not.
        """
        deadline = time.monotonic() + limit_s
        while not holds():
            if time.monotonic() > deadline:
                raise NotInTimeError(f"{self.namespace}: waited {limit_s:g} s for {what}")
            time.sleep(_POLL_S)

    def _status(self) -> Manifest:
        found: Manifest = insist(lambda: self.api.get(DEPLOYMENTS, WEB, self.namespace)).get("status") or {}
        return found

    def _container(self) -> Manifest:
        return {
            "name": "app",
            "image": self.image,
            "imagePullPolicy": "IfNotPresent",
            "command": ["/bin/sh", "-c", 'eval "$DOING"'],
            "env": [{"name": "DOING", "valueFrom": {"configMapKeyRef": {"name": "doing", "key": "command"}}}],
            "ports": [{"containerPort": PORT}],
            "resources": {"requests": {"cpu": "2m", "memory": "4Mi"}, "limits": {"memory": "24Mi"}},
            "readinessProbe": {"tcpSocket": {"port": PORT}, "periodSeconds": 1},
        }


def insist(call: Callable[[], Any], *, missing_is_fine: bool = False) -> Any:
    """Make a request again while the API server cannot answer it: some campaigns slow it down on purpose.

    Raises
    ------
    ApiError
        It says no, or does not answer after several tries.
    """
    for left in reversed(range(_TRIES)):
        try:
            return call()
        except NotFoundError:
            if missing_is_fine:
                return None
            raise
        except ConflictError:
            raise
        except ApiError:
            if not left:
                raise
            time.sleep(1.0)
    return None
