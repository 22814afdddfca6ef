"""The operator behind a proxy that keeps every write and makes the faults a test asks for; the API server is a real one."""

import json
import re
from dataclasses import dataclass, field

import pytest
import yaml
from helpers.executions import create, deployment, phase_is, scaling, wait_for
from helpers.faulty_api import FaultyApi
from helpers.held_requests import Whose
from helpers.installation import install
from helpers.operator_process import OperatorProcess
from helpers.played_kubelet import PlayedKubelet
from helpers.workflow_stories import Stories, enforced
from helpers.workflow_write_invariants import check_workflow_writes
from helpers.write_invariants import check_writes
from kubernaut_operator.kernel.api import connect
from kubernaut_operator.settings import ACTIONS_NAMESPACE, OPERATOR_NAMESPACE
from kubernaut_simulator.history.history import History

ACTION_CONDITIONS = "kubernaut-action-conditions"
STEP_CONDITIONS = "kubernaut-workflow-conditions"


@pytest.fixture(scope="session")
def cluster(control_plane):
    """A cluster without a node: its kubelet is played, and no other operator works in it."""
    return control_plane


@pytest.fixture(scope="module")
def api(cluster):
    """The administrator's way to the API server, past the proxy."""
    return connect(str(cluster.layout.kubeconfig))


@pytest.fixture(scope="module")
def installed(cluster):
    return install(cluster)


@pytest.fixture(scope="module")
def authority(cluster):
    return cluster.layout.folder / "certificates" / "ca.crt"


@pytest.fixture(scope="module")
def shared_proxy(cluster, authority):
    with FaultyApi(cluster.layout.server, authority) as running:
        yield running


@pytest.fixture
def proxy(shared_proxy):
    """The proxy, without faults until the test asks for them; what held of all writes is checked after it."""
    yield shared_proxy
    shared_proxy.fault_of = shared_proxy.answered = None
    shared_proxy.resume()
    check_writes(shared_proxy.changes)
    check_workflow_writes(shared_proxy.changes)


class Conditions:
    """The ConfigMap of conditions at one level."""

    def __init__(self, cluster, name=ACTION_CONDITIONS):
        self._cluster = cluster
        self._name = name
        self.settings = self._read()["data"]["settings.yaml"]

    def _read(self):
        found = self._cluster.kubectl(
            "get", "configmap", self._name, f"--namespace={OPERATOR_NAMESPACE}", "--output=json"
        )
        return json.loads(found)

    def put(self, settings, **policies):
        """Put other settings and policies (`__` for dots in their keys) in place of what is there; gives its version."""
        data = {"settings.yaml": settings} | {name.replace("__", "."): text for name, text in policies.items()}
        gone = {name: None for name in self._read()["data"] if name not in data}
        self._cluster.kubectl(
            *("patch", "configmap", self._name, f"--namespace={OPERATOR_NAMESPACE}", "--type=merge"),
            f"--patch={json.dumps({'data': gone | data})}",
        )
        return self._read()["metadata"]["resourceVersion"]

    def quick(self):
        """Give the shipped settings with postconditions that are over in seconds."""
        return re.sub(r"timeout: \dm(, holdFor: 20s)?", "timeout: 3s", self.settings)


@pytest.fixture(scope="module")
def conditions(cluster, installed):
    """The conditions in force: postconditions are looked at for seconds; put back as they were after the module."""
    conditions = Conditions(cluster)
    conditions.put(conditions.quick())
    yield conditions
    conditions.put(conditions.settings)


@pytest.fixture(scope="module")
def step_conditions(cluster, installed):
    """The conditions of workflows' steps in force, as stories need them; put back as they were after the module."""
    conditions = Conditions(cluster, STEP_CONDITIONS)
    conditions.put(enforced(conditions.settings))
    yield conditions
    conditions.put(conditions.settings)


@pytest.fixture(scope="module")
def make_operator(conditions, installed, shared_proxy, tmp_path_factory):
    """Make operators' processes behind the proxy, with the rights of the installed one and one folder for history each."""
    OperatorProcess.kill_all()
    made = []

    def make(*flags, proxy=shared_proxy, **settings):
        folder = tmp_path_factory.mktemp("operator")
        config = yaml.safe_load(installed.operator_kubeconfig(folder).read_text(encoding="utf-8"))
        process = OperatorProcess(
            proxy.kubeconfig(folder / "proxied.kubeconfig", token=config["users"][0]["user"]["token"]),
            f"--action-image={installed.action_image}",
            f"--history-folder={folder / 'history'}",
            *flags,
            **settings,
        )
        process.history = folder / "history"
        made.append(process)
        return process

    yield make
    for process in made:
        process.kill()


@pytest.fixture(scope="module")
def shared_operator(make_operator):
    return make_operator("--workers=12", "--sweep-interval=2")


@pytest.fixture
def operator(shared_operator, proxy):
    """One operator for all tests of a module; started anew where a test ended it."""
    if not shared_operator.runs:
        shared_operator.start()
    return shared_operator


@dataclass
class Shop:
    """A namespace that opted in, Deployments in it, and the executions on them."""

    cluster: object
    api: object
    namespace: str
    kubelet: PlayedKubelet
    whose: Whose = field(default_factory=Whose)

    def deploy(self, *names):
        """Make Deployments of two ready pods each."""
        create(self.cluster, *(deployment(self.namespace, name=name) for name in names))
        self.cluster.kubectl(
            *("wait", "--for=condition=Available", f"--namespace={self.namespace}", "--timeout=120s"),
            *(f"deployment/{name}" for name in names),
        )
        for name in names:
            self.whose.know(name, (f"scale-{name}", self.listed("deployment", name)["metadata"]["uid"]))

    def scale(self, *targets, **spec):
        """Ask for Deployments to be scaled, to three without other word, by executions of their names."""
        create(self.cluster, *(scaling(self.namespace, f"scale-{target}", target=target, **spec) for target in targets))
        for target in targets:
            self.whose.know(target, (self.read(target)["metadata"]["uid"],))

    def read(self, target):
        """Read a target's execution."""
        return self.wait(target, until=lambda _: True)

    def wait(self, target, **how):
        """Wait for the result of a target's execution, or for `until`."""
        return wait_for(self.api, self.namespace, f"scale-{target}", **{"limit_s": 90.0} | how)

    def wait_phase(self, target, *phases, **how):
        """Wait until a target's execution is in a phase."""
        return self.wait(target, until=phase_is(*phases), **how)

    def cleaned(self, target, **how):
        """Wait until a target's execution has its result and is cleaned up."""
        return self.wait(
            target,
            until=lambda found: found.get("status", {}).get("result") and not found["metadata"].get("finalizers"),
            **how,
        )

    def over(self, target, **how):
        """Wait until nobody looks at what a target's execution did any longer."""
        return self.wait(target, until=lambda found: found.get("status", {}).get("engine", {}).get("over"), **how)

    def delete(self, kind, name, *flags):
        """Delete an object without waiting for it to be gone."""
        self.cluster.kubectl("delete", kind, name, f"--namespace={self.namespace}", "--wait=false", *flags)

    def replicas(self, target):
        """Give how many replicas a Deployment is to have."""
        return self.listed("deployment", target)["spec"]["replicas"]

    def jobs(self, target=""):
        """Give the Jobs of the namespace's executions, or of a target's one."""
        about = f"{self.namespace}/scale-{target}"
        said = [
            (job["metadata"]["annotations"].get("kubernaut.io/execution", ""), job)
            for job in self.listed("jobs", f"--namespace={ACTIONS_NAMESPACE}")["items"]
        ]
        return [job for name, job in said if (name == about if target else name.startswith(f"{self.namespace}/"))]

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
def stories(shop, step_conditions):
    """Workflows in the shop, of two kinds."""
    return Stories(shop.cluster, shop.api, shop.namespace, shop.whose)


@pytest.fixture
def history():
    """Read what operators recorded, with the simulator's own reader."""
    return lambda *processes: History.load([process.history for process in processes])


@pytest.fixture
def mine(shop):
    """Give a table's rows about the test's own namespace: an operator also ends what earlier tests left behind."""

    def rows(table):
        frame = table.to_pandas()
        return frame[frame["namespace"].astype(str) == shop.namespace].astype({"execution_uid": str})

    return rows
