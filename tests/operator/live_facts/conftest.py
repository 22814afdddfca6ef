"""A cluster in which pods come up on a simulated node, and readers that look at it."""

import json

import pytest
from cluster.boot import start_kwok
from cluster.control_plane import api_ready
from helpers.simulated_workloads import NODE, deploy, simulated_node_manifest, wait_for
from kubernaut_operator.kernel.api import connect
from kubernaut_operator.live_facts.reader import FactReader


@pytest.fixture
def api(cluster):
    return connect(str(cluster.layout.kubeconfig))


@pytest.fixture
def make_reader():
    """Make readers that end with the test."""
    made = []

    def make(api, **settings):
        made.append(FactReader(api, **settings))
        return made[-1]

    yield make
    for reader in made:
        reader.close()


@pytest.fixture
def reader(api, make_reader):
    return make_reader(api)


@pytest.fixture(scope="session")
def simulated_node(cluster):
    """A node that kwok plays; only pods that name it go there."""
    started = cluster.processes.find("kwok") is None
    if started:
        start_kwok(cluster)
    cluster.kubectl("apply", "-f", "-", stdin=json.dumps(simulated_node_manifest()))
    cluster.kubectl("wait", "--for=condition=Ready", f"node/{NODE}", "--timeout=60s")
    yield NODE
    cluster.kubectl("delete", "node", NODE, "--wait=false")
    if started:
        cluster.processes.stop("kwok")


@pytest.fixture
def web(cluster, namespace, simulated_node):
    """A Deployment of two pods that are Ready."""
    return deploy(cluster, namespace)


@pytest.fixture
def connect_as(cluster, namespace, tmp_path):
    """Connect as an account of the test's namespace that has certain rules there, and no others anywhere."""

    def connect_with(*rules, name="watcher"):
        cluster.kubectl("create", "serviceaccount", name, "-n", namespace)
        role = {
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": "Role",
            "metadata": {"name": name, "namespace": namespace},
            "rules": [
                {"apiGroups": [group], "resources": [resource], "verbs": ["get", "list"]} for group, resource in rules
            ],
        }
        cluster.kubectl("apply", "-f", "-", stdin=json.dumps(role))
        cluster.kubectl(
            *("create", "rolebinding", name, "-n", namespace),
            *(f"--role={name}", f"--serviceaccount={namespace}:{name}"),
        )
        config = tmp_path / f"{name}.kubeconfig"
        config.write_text(cluster.layout.kubeconfig.read_text())
        config.chmod(0o600)
        token = cluster.kubectl("create", "token", name, "-n", namespace).strip()
        cluster.kubectl("config", "set-credentials", name, f"--token={token}", f"--kubeconfig={config}")
        cluster.kubectl(
            *("config", "set-context", name, "--cluster=kubernaut-test", f"--user={name}", f"--kubeconfig={config}")
        )
        return connect(str(config), context=name)

    return connect_with


@pytest.fixture
def stopped_server(cluster):
    """Stop the API server as a hung one is stopped, and let it go on after the test."""
    process = cluster.processes.find("kube-apiserver")
    yield process.suspend
    process.resume()
    authority = cluster.layout.folder / "certificates" / "ca.crt"
    wait_for(lambda: api_ready(cluster.layout, authority), limit_s=60)


@pytest.fixture(scope="module")
def metrics_api(cluster):
    """Write samples of a metrics API: the API server keeps them, as it keeps any object.

    None where the cluster has a metrics API of its own: that has no samples of simulated pods, and takes none.
    """
    if "metrics.k8s.io" in cluster.kubectl("api-versions"):
        yield None
        return
    definition = {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {
            "name": "pods.metrics.k8s.io",
            "annotations": {"api-approved.kubernetes.io": "unapproved, for tests"},
        },
        "spec": {
            "group": "metrics.k8s.io",
            "names": {"kind": "PodMetrics", "plural": "pods"},
            "scope": "Namespaced",
            "versions": [
                {
                    "name": "v1beta1",
                    "served": True,
                    "storage": True,
                    "schema": {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}},
                }
            ],
        },
    }
    cluster.kubectl("create", "-f", "-", stdin=json.dumps(definition))
    cluster.kubectl("wait", "--for=condition=Established", "crd/pods.metrics.k8s.io", "--timeout=20s")

    def write(namespace, pod, *, at, window="15s", cpu="120m", memory="70Mi"):
        sample = {
            "apiVersion": "metrics.k8s.io/v1beta1",
            "kind": "PodMetrics",
            "metadata": {"name": pod, "namespace": namespace},
            "timestamp": at.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "window": window,
            "containers": [{"name": "main", "usage": {"cpu": cpu, "memory": memory}}],
        }
        cluster.kubectl("apply", "-f", "-", stdin=json.dumps(sample))

    yield write
    cluster.kubectl("delete", "crd", "pods.metrics.k8s.io")
