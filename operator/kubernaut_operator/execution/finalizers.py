"""Our finalizer on a custom resource: while it is there, something is left to clean up after the run."""

from kubernaut.errors import NotFoundError
from kubernaut_operator.execution.kinds import KUBERNETES_EXECUTIONS
from kubernaut_operator.kernel.api import Api, Manifest
from kubernaut_operator.kernel.resources import Resource

EXECUTION_FINALIZER = "kubernaut.io/cleanup"


class Finalizers:
    """Puts the finalizer on and takes it off, only on the version that was read.

    Parameters
    ----------
    resource : Resource
        Kind of the custom resources.
    """

    def __init__(self, api: Api, resource: Resource = KUBERNETES_EXECUTIONS) -> None:
        self._api = api
        self._resource = resource

    def add(self, manifest: Manifest) -> Manifest:
        """Put it on, and give the resource as it is then.

        Raises
        ------
        ConflictError
            Somebody else wrote first.
        """
        present = manifest["metadata"].get("finalizers") or []
        return manifest if EXECUTION_FINALIZER in present else self._set(manifest, [*present, EXECUTION_FINALIZER])

    def remove(self, manifest: Manifest) -> Manifest:
        """Take it off; a resource that is gone has none."""
        present = manifest["metadata"].get("finalizers") or []
        if EXECUTION_FINALIZER not in present:
            return manifest
        try:
            return self._set(manifest, [one for one in present if one != EXECUTION_FINALIZER])
        except NotFoundError:
            return {**manifest, "metadata": {**manifest["metadata"], "finalizers": []}}

    def _set(self, manifest: Manifest, finalizers: list[str]) -> Manifest:
        metadata = manifest["metadata"]
        change = {"metadata": {"finalizers": finalizers, "resourceVersion": metadata["resourceVersion"]}}
        return self._api.patch(self._resource, metadata["name"], metadata["namespace"], change)
