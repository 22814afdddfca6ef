"""The operator behind a proxy that keeps every write and makes the faults a test asks for; the API server is a real one."""

import json
from dataclasses import dataclass, field

import pytest
import yaml
from helpers.executions import create, deployment, scaling, wait_for
from helpers.faulty_api import FaultyApi
from helpers.installation import install
from helpers.operator_process import OperatorProcess
from helpers.played_kubelet import PlayedKubelet
from kubernaut_operator.kernel.api import connect
from kubernaut_operator.settings import ACTIONS_NAMESPACE

from kubernaut_simulator.history.history import History


@pytest.fixture(scope="module")
def api(cluster):
    """The administrator's way to the API server, past the proxy."""
    return connect(str(cluster.layout.kubeconfig))


@pytest.fixture(scope="module")
def installed(cluster):
    return install(cluster)


@pytest.fixture
def proxy(cluster):
    with FaultyApi(cluster.layout.server, cluster.layout.folder / "certificates" / "ca.crt") as running:
        yield running


@pytest.fixture
def make_operator(installed, proxy, tmp_path):
    """Make operators' processes behind the proxy, with the rights of the installed one and one folder for history each."""
    config = yaml.safe_load(installed.operator_kubeconfig(tmp_path).read_text(encoding="utf-8"))
    token = config["users"][0]["user"]["token"]
    made = []

    def make(*flags, **settings):
        folder = tmp_path / f"history-{len(made)}"
        process = OperatorProcess(
            proxy.kubeconfig(tmp_path / "proxied.kubeconfig", token=token),
            f"--action-image={installed.action_image}",
            f"--history-folder={folder}",
            *flags,
            **settings,
        )
        process.history = folder
        made.append(process)
        return process

    yield make
    for process in made:
        process.kill()


@dataclass
class Shop:
    """A namespace that opted in, and Deployments in it with the executions on them."""

    cluster: object
    api: object
    namespace: str
    kubelet: PlayedKubelet
    executions: list[str] = field(default_factory=list)

    def deploy(self, *names):
        """Make Deployments of two ready pods each."""
        create(self.cluster, *(deployment(self.namespace, name=name) for name in names))
        for name in names:
            self.cluster.kubectl(
                "wait", "--for=condition=Available", f"deployment/{name}", f"--namespace={self.namespace}"
            )

    def scale(self, target, name="", **spec):
        """Ask for a Deployment to be scaled to three."""
        name = name or f"scale-{target}"
        create(self.cluster, scaling(self.namespace, name, target=target, **spec))
        self.executions.append(name)
        return name

    def wait(self, name, **how):
        """Wait for an execution's result, or for `until`."""
        return wait_for(self.api, self.namespace, name, **how)

    def cleaned(self, name, **how):
        """Wait until an execution is over and cleaned up."""
        return self.wait(
            name,
            until=lambda found: found.get("status", {}).get("result") and not found["metadata"].get("finalizers"),
            **how,
        )

    def replicas(self, target):
        """Give how many replicas a Deployment is to have."""
        return self.listed("deployment", target)["spec"]["replicas"]

    def jobs(self, name=""):
        """Give the Jobs of the namespace's executions, or of one."""
        about = f"{self.namespace}/{name}"
        return [
            job
            for job in self.listed("jobs", f"--namespace={ACTIONS_NAMESPACE}")["items"]
            if job["metadata"]["annotations"].get("kubernaut.io/execution", "").startswith(about)
        ]

    def locks(self):
        """Give the locks on targets of the namespace."""
        leases = self.listed("leases", f"--namespace={ACTIONS_NAMESPACE}")["items"]
        return [one for one in leases if f" {self.namespace}/" in one["metadata"]["annotations"]["kubernaut.io/target"]]

    def listed(self, *what):
        """Give what kubectl gets."""
        return json.loads(self.cluster.kubectl("get", f"--namespace={self.namespace}", *what, "--output=json"))


@pytest.fixture
def shop(cluster, api, installed, namespace):
    installed.opt_in(namespace)
    with PlayedKubelet(cluster, ACTIONS_NAMESPACE, ready=[namespace]) as kubelet:
        yield Shop(cluster, api, namespace, kubelet)


@pytest.fixture
def history():
    """Read what an operator recorded, with the simulator's own reader."""
    return lambda process: History.load(process.history)
