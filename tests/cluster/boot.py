"""A cluster from nothing to ready, and back to nothing."""

import os
import shutil
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from helpers.go_programs import GoProgramUnavailableError

from .certificates import Authority, write_signing_key
from .control_plane import start_control_plane
from .errors import ClusterError, TierUnavailableError
from .layout import NODE_NAME, Layout, Tier, clusters_folder, new_layout, read_layout
from .metrics import start_metrics_server
from .node import require_node, start_node, stop_node
from .processes import Processes
from .programs import API_TIER, NODE_TIER, module_folder, program
from .telemetry import start_prometheus, wait_for_prometheus

_POLL_S = 0.2


@dataclass(frozen=True, slots=True)
class Cluster:
    """A running cluster: where it lies and what runs in it."""

    layout: Layout
    processes: Processes

    def kubectl(self, *arguments: str, stdin: str | None = None) -> str:
        """Run kubectl as the administrator and give what it prints.

        Raises
        ------
        ClusterError
            It failed; the text is its own.
        """
        done = subprocess.run(
            [str(program("kubectl")), *arguments],
            env={**os.environ, "KUBECONFIG": str(self.layout.kubeconfig)},
            input=stdin,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            raise ClusterError(f"kubectl {' '.join(arguments)}: {done.stderr.strip()}")
        return done.stdout


def best_tier() -> Tier:
    """Give the fullest tier that this machine can run.

    ``KUBERNAUT_CLUSTER_TIER`` names one that must be had: then what is missing is an error, not a smaller cluster.

    Raises
    ------
    TierUnavailableError
        Not even the API tier, or not the one that must be had.
    """
    wanted = os.environ.get("KUBERNAUT_CLUSTER_TIER")
    try:
        if wanted != Tier.API:
            require_node()
            return Tier.NODE
    except TierUnavailableError:
        if wanted == Tier.NODE:
            raise
    return Tier.API


def require_programs(tier: Tier) -> None:
    """Build what a tier is made of, where that was not done before.

    Raises
    ------
    TierUnavailableError
        A program cannot be built here.
    """
    try:
        for needed in NODE_TIER if tier is Tier.NODE else API_TIER:
            program(needed)
    except GoProgramUnavailableError as error:
        raise TierUnavailableError(str(error)) from error


def boot(name: str, tier: Tier) -> Cluster:
    """Start a cluster; whatever a former one of the name left is removed first.

    Raises
    ------
    TierUnavailableError
        A program cannot be built here.
    ClusterError
        A program ended or did not get ready; the text holds the end of its log.
    """
    require_programs(tier)
    stop(name)
    layout = new_layout(name, tier)
    processes = Processes(layout.folder)
    cluster = Cluster(layout, processes)
    authority = Authority(layout.folder / "certificates")
    signing = write_signing_key(layout.folder / "certificates")
    authority.kubeconfig(layout.kubeconfig, server=layout.server, user="admin", groups="system:masters")
    start_control_plane(layout, processes, authority, signing)
    if tier is Tier.NODE:
        start_node(layout, processes, authority)
        for objects in (
            start_metrics_server(layout, processes, authority),
            start_prometheus(layout, processes, authority),
        ):
            cluster.kubectl("apply", "-f", "-", stdin=objects)
        wait_for_prometheus(layout, processes)
        _wait_for(cluster, "the node", "kubelet", "wait", "--for=condition=Ready", f"node/{NODE_NAME}", "--timeout=1s")
    _wait_for(
        cluster,
        "the default ServiceAccount",
        "kube-controller-manager",
        "get",
        "serviceaccount",
        "default",
        "-n=default",
    )
    return cluster


def running(name: str) -> Cluster | None:
    """Give a cluster that runs, or None."""
    layout = read_layout(name)
    if layout is None:
        return None
    processes = Processes(layout.folder)
    return Cluster(layout, processes) if processes.find("kube-apiserver") else None


def stop(name: str) -> None:
    """End a cluster and remove its folder, its mounts and its network; nothing happens when there is none.

    Raises
    ------
    ClusterError
        Its folder could not be removed.
    """
    layout = read_layout(name)
    if layout is None:
        shutil.rmtree(clusters_folder() / name, ignore_errors=True)
        return
    processes = Processes(layout.folder)
    if layout.tier is Tier.NODE:
        stop_node(layout, processes)
    processes.kill_all()
    _remove(layout.folder)


def _remove(folder: Path, *, tries: int = 5) -> None:
    """Remove a folder in which the last of containerd's shims may still be removing files of their own."""
    for left in reversed(range(tries)):
        try:
            shutil.rmtree(folder)
        except OSError as error:
            if not folder.exists():
                return
            if not left:
                raise ClusterError(f"{folder}: what is left of the cluster cannot be removed: {error}") from error
            time.sleep(_POLL_S)
        else:
            return


def start_kwok(cluster: Cluster) -> None:
    """Simulate the nodes that carry the annotation ``kwok.x-k8s.io/node: fake``, and the pods on them."""
    stages = program("kwok").parent / "stages"
    if not stages.exists():
        _copy_stages(stages)
    cluster.processes.start(
        "kwok",
        [
            program("kwok"),
            f"--kubeconfig={cluster.layout.kubeconfig}",
            "--manage-all-nodes=false",
            "--manage-nodes-with-annotation-selector=kwok.x-k8s.io/node=fake",
            *(f"--config={path}" for path in sorted(stages.iterdir())),
        ],
    )


def _copy_stages(folder: Path) -> None:
    source = module_folder("kwok", "sigs.k8s.io/kwok") / "kustomize" / "stage"
    folder.mkdir(parents=True)
    for part in ("pod/fast", "node/fast", "node/heartbeat-with-lease"):
        for path in sorted((source / part).glob("*.yaml")):
            if path.name != "kustomization.yaml":
                shutil.copyfile(path, folder / f"{part.replace('/', '-')}-{path.name}")


def _wait_for(cluster: Cluster, what: str, of: str, *arguments: str, limit_s: float = 60.0) -> None:
    deadline = time.monotonic() + limit_s
    while True:
        try:
            cluster.kubectl(*arguments)
        except ClusterError as error:
            if time.monotonic() > deadline or cluster.processes.find(of) is None:
                tail = cluster.processes.tail(of)
                raise ClusterError(f"{what} did not get ready: {error}; the end of {of}'s log:\n{tail}") from error
            time.sleep(_POLL_S)
        else:
            return
