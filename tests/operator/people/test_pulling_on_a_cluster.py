"""What the API server says to somebody who would pull history: no right, no pod, a pod that nobody answers for."""

import json

import pytest
import yaml
from kubernaut_operator.kernel.api import connect
from kubernaut_operator.kernel.port_forward import PortForward
from kubernaut_operator.manifests.install import manifests_text
from kubernaut_operator.manifests.options import InstallOptions
from kubernaut_operator.manifests.people import people
from kubernaut_operator.manifests.workload import SELECTOR
from kubernaut_operator.people.pulling import pull
from kubernaut_operator.settings import HISTORY_READER

from kubernaut.errors import ForbiddenError, InputError, NotFoundError, UnreachableError

pytestmark = [pytest.mark.xdist_group("control-plane"), pytest.mark.cluster]

POD = {
    "apiVersion": "v1",
    "kind": "Pod",
    "metadata": {"name": "kubernaut-operator-0", "labels": SELECTOR},
    "spec": {
        # Nobody places it.
        "schedulerName": "none",
        "containers": [{"name": "operator", "image": "none"}],
    },
}


@pytest.fixture
def kubeconfig(cluster, namespace, tmp_path):
    """Of an account without any right."""
    token = cluster.kubectl("create", "token", "default", f"--namespace={namespace}").strip()
    config = yaml.safe_load(cluster.layout.kubeconfig.read_text(encoding="utf-8"))
    for user in config["users"]:
        user["user"] = {"token": token}
    path = tmp_path / "kubeconfig"
    path.write_text(yaml.safe_dump(config), encoding="utf-8")
    return path


def running(cluster, namespace):
    """Put a pod there that says it runs, and whose node nobody knows."""
    cluster.kubectl("create", "--filename=-", f"--namespace={namespace}", stdin=json.dumps(POD))
    cluster.kubectl(
        *("patch", "pod", POD["metadata"]["name"], f"--namespace={namespace}", "--subresource=status"),
        *("--type=merge", '--patch={"status": {"phase": "Running"}}'),
    )


def test_who_may_not_is_told_which_role_lets_them(cluster, namespace, kubeconfig, tmp_path):
    running(cluster, namespace)
    (role,) = (one for one in people(InstallOptions(namespace=namespace)) if one["metadata"]["name"] == HISTORY_READER)
    cluster.kubectl("apply", "--filename=-", stdin=manifests_text([role]))
    (listing, _) = role["rules"]
    role["rules"] = [listing]

    with pytest.raises(InputError, match='cannot list resource "pods"') as nothing:
        pull(tmp_path / "here", kubeconfig=str(kubeconfig), namespace=namespace)
    cluster.kubectl(
        *("create", "rolebinding", "reads", f"--role={HISTORY_READER}", f"--serviceaccount={namespace}:default"),
        f"--namespace={namespace}",
    )
    cluster.kubectl("apply", "--filename=-", stdin=manifests_text([role]))
    with pytest.raises(InputError, match='resource "pods/portforward"') as half:
        pull(tmp_path / "here", kubeconfig=str(kubeconfig), namespace=namespace)

    for refused in (nothing, half):
        assert f"--role={HISTORY_READER}" in str(refused.value)
    assert not (tmp_path / "here").exists()


def test_pods_that_nobody_answers_for_are_named(cluster, namespace, tmp_path):
    with pytest.raises(InputError, match=f"no pod of the operator in namespace {namespace}"):
        pull(tmp_path / "here", kubeconfig=str(cluster.layout.kubeconfig), namespace=namespace)
    running(cluster, namespace)

    with pytest.raises(InputError, match="no pod of the operator serves its history") as told:
        pull(tmp_path / "here", kubeconfig=str(cluster.layout.kubeconfig), namespace=namespace)

    assert POD["metadata"]["name"] in str(told.value)


def test_each_refusal_of_a_port_forward_is_an_error_of_ours(cluster, namespace, kubeconfig):
    running(cluster, namespace)
    where = {"namespace": namespace, "port": 8081, "limit_s": 5.0}
    admin = connect(str(cluster.layout.kubeconfig))

    with pytest.raises(ForbiddenError):
        PortForward(connect(str(kubeconfig)), pod=POD["metadata"]["name"], **where)
    with pytest.raises(NotFoundError):
        PortForward(admin, pod="no-such-pod", **where)
    with pytest.raises(UnreachableError):
        PortForward(admin, pod=POD["metadata"]["name"], **where)
    config = yaml.safe_load(kubeconfig.read_text(encoding="utf-8"))
    config["clusters"][0]["cluster"]["server"] = "https://127.0.0.1:1"
    kubeconfig.write_text(yaml.safe_dump(config), encoding="utf-8")
    with pytest.raises(UnreachableError, match="no answer"):
        PortForward(connect(str(kubeconfig)), pod=POD["metadata"]["name"], **where)
