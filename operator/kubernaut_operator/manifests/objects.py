"""What every manifest is made of: plain values, recommended labels, rules, and who they are bound to."""

from collections.abc import Iterable, Sequence
from typing import Any

from kubernaut._version import __version__

Manifest = dict[str, Any]

APP = "kubernaut"
RBAC = "rbac.authorization.k8s.io"


def labels(component: str) -> dict[str, str]:
    """Give the recommended labels of an object of one concern."""
    return {
        "app.kubernetes.io/name": APP,
        "app.kubernetes.io/part-of": APP,
        "app.kubernetes.io/component": component,
        "app.kubernetes.io/version": __version__,
    }


def metadata(name: str, component: str, *, namespace: str = "") -> Manifest:
    """Give metadata; an empty namespace is for objects of the whole cluster."""
    return {"name": name, **({"namespace": namespace} if namespace else {}), "labels": labels(component)}


def rule(group: str, resources: str, verbs: Iterable[str], *, names: Sequence[str] = ()) -> Manifest:
    """Give one rule of a Role.

    Parameters
    ----------
    resources : str
        Plurals, with spaces between.
    names : sequence of str
        Only these objects; empty means all.
    """
    found: Manifest = {"apiGroups": [group], "resources": resources.split(), "verbs": list(verbs)}
    return found | ({"resourceNames": list(names)} if names else {})


def service_account(name: str, component: str, *, namespace: str) -> Manifest:
    """Give a ServiceAccount whose token no pod gets that does not ask for it."""
    return {
        "apiVersion": "v1",
        "kind": "ServiceAccount",
        "metadata": metadata(name, component, namespace=namespace),
        "automountServiceAccountToken": False,
    }


def role(name: str, component: str, rules: Sequence[Manifest], *, namespace: str = "") -> Manifest:
    """Give a Role, or without namespace a ClusterRole."""
    return {
        "apiVersion": f"{RBAC}/v1",
        "kind": "Role" if namespace else "ClusterRole",
        "metadata": metadata(name, component, namespace=namespace),
        "rules": list(rules),
    }


def binding(name: str, component: str, *, to: Manifest, account: tuple[str, str], namespace: str = "") -> Manifest:
    """Bind a role to one ServiceAccount.

    Parameters
    ----------
    to : dict
        The Role or ClusterRole.
    account : tuple of str
        Namespace and name.
    namespace : str
        Where it holds; empty means the whole cluster.
    """
    account_namespace, account_name = account
    return {
        "apiVersion": f"{RBAC}/v1",
        "kind": "RoleBinding" if namespace else "ClusterRoleBinding",
        "metadata": metadata(name, component, namespace=namespace),
        "roleRef": {"apiGroup": RBAC, "kind": to["kind"], "name": to["metadata"]["name"]},
        "subjects": [{"kind": "ServiceAccount", "namespace": account_namespace, "name": account_name}],
    }
