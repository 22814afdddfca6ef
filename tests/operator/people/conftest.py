"""A cluster with an operator, as for workflows, and the people who look at it by their own kubeconfig."""

import pytest
import yaml
from helpers.operated_shop import api, cluster, installed, make_operator, no_operator, operator, shared_operator, shop
from helpers.people_commands import Desk

__all__ = ["api", "cluster", "installed", "make_operator", "no_operator", "operator", "shared_operator", "shop"]


@pytest.fixture
def admin(cluster, namespace):
    """The administrator at a command line; the kubeconfig's context has the test's namespace."""
    return Desk(cluster.layout.kubeconfig, namespace)


@pytest.fixture
def somebody(cluster, namespace, tmp_path):
    """Make a person with ClusterRoles in the test's namespace, by a token of a ServiceAccount."""

    def make(*roles, name="alice"):
        cluster.kubectl("create", "serviceaccount", name, f"--namespace={namespace}")
        for role in roles:
            cluster.kubectl(
                *("create", "rolebinding", f"{name}-{role}", f"--clusterrole={role}", f"--namespace={namespace}"),
                f"--serviceaccount={namespace}:{name}",
            )
        config = yaml.safe_load(cluster.layout.kubeconfig.read_text(encoding="utf-8"))
        token = cluster.kubectl("create", "token", name, f"--namespace={namespace}").strip()
        config["users"] = [{"name": name, "user": {"token": token}}]
        for context in config["contexts"]:
            context["context"] |= {"user": name, "namespace": namespace}
        path = tmp_path / f"{name}.kubeconfig"
        path.write_text(yaml.safe_dump(config), encoding="utf-8")
        return Desk(path, namespace)

    return make
