"""Kubernaut's resources, rights and policies in a test's cluster, and a kubeconfig of the operator's own account.

Everything but the operator's pods: a test starts the operator as a process, with no more rights than it has as a pod.
What is there already is left alone, so that tests which install the whole operator keep their options.
"""

import json
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from cluster.boot import Cluster
from cluster.errors import ClusterError
from kubernaut_operator.manifests.install import installation, manifests_text
from kubernaut_operator.manifests.options import OPERATOR, InstallOptions

_PODS = "operator"
_TOKEN_LIFE = "6h"
_IN_FORCE_LIMIT_S = 30.0


@dataclass(frozen=True, slots=True)
class Installation:
    """What is installed.

    Attributes
    ----------
    action_image : str
        What the admission policy lets actions run; to be given to the operator as ``--action-image``.
    """

    cluster: Cluster
    options: InstallOptions
    action_image: str

    def opt_in(self, namespace: str, *actions: str) -> None:
        """Let actions (all, when none is named) run in a namespace."""
        from kubernaut_operator.manifests.action_accounts import opt_in

        self.apply(*opt_in(namespace, actions, self.options))

    def apply(self, *manifests: dict[str, Any]) -> str:
        """Apply manifests as the administrator."""
        return self.cluster.kubectl("apply", "--server-side", "-f", "-", stdin=manifests_text(manifests))

    def operator_kubeconfig(self, folder: Path) -> Path:
        """Write a kubeconfig with a token of the operator's account into a folder, and give its path."""
        config = yaml.safe_load(self.cluster.layout.kubeconfig.read_text(encoding="utf-8"))
        token = self.cluster.kubectl(
            "create", "token", OPERATOR, f"--namespace={self.options.namespace}", f"--duration={_TOKEN_LIFE}"
        )
        config["users"] = [{"name": OPERATOR, "user": {"token": token.strip()}}]
        for context in config["contexts"]:
            context["context"]["user"] = OPERATOR
        path = folder / "operator.kubeconfig"
        path.write_text(yaml.safe_dump(config), encoding="utf-8")
        path.chmod(0o600)
        return path


def install(cluster: Cluster, options: InstallOptions | None = None) -> Installation:
    """Install everything but the operator's pods, unless it is there already.

    Parameters
    ----------
    options : InstallOptions or None
        None means the default ones.
    """
    chosen = options or InstallOptions()
    found = _pinned_image(cluster)
    if found is None:
        parts = {concern: part for concern, part in installation(chosen).items() if concern != _PODS}
        for part in parts.values():
            cluster.kubectl("apply", "--server-side", "-f", "-", stdin=manifests_text(part))
        for definition in parts["crds"]:
            name = definition["metadata"]["name"]
            cluster.kubectl("wait", "--for=condition=Established", f"crd/{name}", "--timeout=30s")
        found = _pinned_image(cluster) or chosen.action_image
        _wait_until_in_force(cluster, chosen)
    return Installation(cluster, chosen, found)


def _wait_until_in_force(cluster: Cluster, options: InstallOptions) -> None:
    """Wait until the API server asks the policies: it learns of them by a watch, a moment after they are stored."""
    deadline = time.monotonic() + _IN_FORCE_LIMIT_S
    while time.monotonic() < deadline:
        try:
            cluster.kubectl(
                *("create", "job", "probe", "--image=probe", f"--namespace={options.actions_namespace}"),
                *("--dry-run=server", "--as=nobody", "--as-group=system:masters"),
            )
        except ClusterError as error:
            if "ValidatingAdmissionPolicy" in str(error):
                return
        time.sleep(0.2)
    raise AssertionError(f"the admission policies are not in force after {_IN_FORCE_LIMIT_S:g} s")


def _pinned_image(cluster: Cluster) -> str | None:
    """Give the image that the policy in force pins; None without a policy."""
    text = cluster.kubectl(
        "get", "validatingadmissionpolicy", "kubernaut-actions", "--ignore-not-found", "--output=json"
    )
    if not text:
        return None
    variables = json.loads(text)["spec"]["variables"]
    (image,) = (one["expression"] for one in variables if one["name"] == "image")
    return str(image).strip("'")
