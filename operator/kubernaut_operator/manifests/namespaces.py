"""The two namespaces; both take only pods that meet Pod Security's `restricted`."""

from kubernaut_operator.manifests.objects import Manifest, labels
from kubernaut_operator.manifests.options import InstallOptions


def namespaces(options: InstallOptions) -> list[Manifest]:
    """Give the operator's namespace and that of the actions."""
    return [_namespace(options.namespace, "operator"), _namespace(options.actions_namespace, "actions")]


def _namespace(name: str, component: str) -> Manifest:
    security = {f"pod-security.kubernetes.io/{mode}": "restricted" for mode in ("enforce", "audit", "warn")}
    return {
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": {"name": name, "labels": {**labels(component), **security}},
    }
