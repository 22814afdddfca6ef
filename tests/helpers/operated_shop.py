"""Fixtures of tests that run the operator as a process: what is installed, the process, a shop to act on.

A module of fixtures: the conftest of each package that wants them names them.
"""

import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from cluster.boot import Cluster
from kubernaut_operator.kernel.api import Api, connect
from kubernaut_operator.settings import ACTIONS_NAMESPACE

from helpers.executions import WEB, create, deployment, scaling, wait_for
from helpers.installation import Installation, install
from helpers.operator_process import OperatorProcess
from helpers.played_kubelet import PlayedKubelet


@pytest.fixture(scope="session")
def cluster(control_plane: Cluster) -> Cluster:
    """A cluster without a node: its kubelet is played, and no other operator works in it."""
    return control_plane


@pytest.fixture(scope="session")
def api(cluster: Cluster) -> Api:
    """The administrator's way to the API server."""
    return connect(str(cluster.layout.kubeconfig))


@pytest.fixture(scope="session")
def installed(cluster: Cluster) -> Installation:
    """Everything but the operator's pods."""
    return install(cluster)


@pytest.fixture(scope="session")
def make_operator(
    installed: Installation, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[..., OperatorProcess]]:
    """Make an operator's process, with the rights that the installed one has."""
    made: list[OperatorProcess] = []

    def make(*flags: str, **settings: Any) -> OperatorProcess:
        folder = tmp_path_factory.mktemp("operator")
        process = OperatorProcess(
            installed.operator_kubeconfig(folder),
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


@pytest.fixture(scope="session")
def shared_operator(make_operator: Callable[..., OperatorProcess]) -> OperatorProcess:
    """The one of `operator`."""
    return make_operator("--sweep-interval=1")


@pytest.fixture
def operator(shared_operator: OperatorProcess) -> OperatorProcess:
    """One operator for all tests that bring none of their own; started anew where a test ended it."""
    if not shared_operator.runs:
        # One that strives for no lead must be alone, and another folder's may have been left to the end of the run.
        OperatorProcess.kill_all()
        shared_operator.start()
    return shared_operator


@pytest.fixture
def no_operator() -> None:
    """Nobody works on executions but whom the test starts; another folder's operator may have been left running."""
    OperatorProcess.kill_all()


class Shop:
    """A namespace with a Deployment, and what of it tests ask for."""

    def __init__(self, cluster: Cluster, api: Api, namespace: str, kubelet: PlayedKubelet) -> None:
        self.cluster = cluster
        self.api = api
        self.namespace = namespace
        self.kubelet = kubelet

    def scale(self, name: str = "scale-web", **spec: Any) -> None:
        """Ask for the Deployment to be scaled."""
        create(self.cluster, scaling(self.namespace, name, **spec))

    def wait(self, name: str = "scale-web", **how: Any) -> dict[str, Any]:
        """Wait for an execution's result, or for `until`, and give the execution."""
        return wait_for(self.api, self.namespace, name, **how)

    def until(self, holds: Callable[[], object], *, limit_s: float = 30.0) -> None:
        """Wait until something holds."""
        deadline = time.monotonic() + limit_s
        while not holds():
            assert time.monotonic() < deadline, "not in time"
            time.sleep(0.2)

    def replicas(self) -> int:
        """Give how many replicas the Deployment is to have."""
        return int(self._listed("deployment", WEB)["spec"]["replicas"])

    def jobs(self) -> list[dict[str, Any]]:
        """Give the Jobs of the namespace's executions."""
        return [
            job
            for job in self._listed("jobs", f"--namespace={ACTIONS_NAMESPACE}")["items"]
            if job["metadata"]["annotations"].get("kubernaut.io/execution", "").startswith(f"{self.namespace}/")
        ]

    def locks(self) -> list[dict[str, Any]]:
        """Give the locks on targets of the namespace."""
        leases = self._listed("leases", f"--namespace={ACTIONS_NAMESPACE}")["items"]
        return [one for one in leases if f" {self.namespace}/" in one["metadata"]["annotations"]["kubernaut.io/target"]]

    def events(self, name: str = "scale-web") -> set[str]:
        """Give the reasons of the Events about an execution."""
        about = self._listed("events.events.k8s.io")["items"]
        return {one["reason"] for one in about if one["regarding"].get("name") == name}

    def _listed(self, *what: str) -> dict[str, Any]:
        text = self.cluster.kubectl("get", f"--namespace={self.namespace}", *what, "--output=json")
        found: dict[str, Any] = json.loads(text)
        return found


@pytest.fixture
def shop(cluster: Cluster, api: Api, installed: Installation, namespace: str) -> Iterator[Shop]:
    """A namespace that opted in, with a Deployment of two ready pods."""
    installed.opt_in(namespace)
    create(cluster, deployment(namespace))
    with PlayedKubelet(cluster, ACTIONS_NAMESPACE, ready=[namespace]) as kubelet:
        cluster.kubectl("wait", "--for=condition=Available", f"deployment/{WEB}", f"--namespace={namespace}")
        yield Shop(cluster, api, namespace, kubelet)
