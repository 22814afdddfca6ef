"""Where a cluster's files lie, which ports it took and which network: known again by whoever finds its folder."""

import hashlib
import json
import socket
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path

from helpers.go_programs import cache_folder

SERVICE_RANGE = "10.96.0.0/16"
API_SERVICE = "10.96.0.1"
NODE_NAME = "kubernaut-node"


class Tier(StrEnum):
    """How much of a cluster there is."""

    API = "api"
    NODE = "node"


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """One cluster's place on this machine.

    Attributes
    ----------
    ports : mapping of str to int
        By what listens: ``etcd``, ``etcd-peer``, ``api``, ``controller-manager``, ``scheduler``, ``kubelet``,
        ``kubelet-health``, ``proxy-health``, ``proxy-metrics``, ``metrics-server``, ``prometheus``.
    bridge, subnet : str
        The pods' bridge and their first three octets; used by the node tier alone.
    """

    name: str
    tier: Tier
    folder: Path
    ports: dict[str, int]
    bridge: str
    subnet: str

    @property
    def node_address(self) -> str:
        """Address by which pods reach this machine; loopback where there is no node."""
        return f"{self.subnet}.1" if self.tier is Tier.NODE else "127.0.0.1"

    @property
    def server(self) -> str:
        """URL of the API server for whoever is outside the cluster."""
        return f"https://127.0.0.1:{self.ports['api']}"

    @property
    def kubeconfig(self) -> Path:
        """The administrator's kubeconfig."""
        return self.folder / "admin.kubeconfig"

    def write(self) -> None:
        """Keep it in the cluster's folder."""
        record = asdict(self) | {"folder": str(self.folder)}
        (self.folder / "cluster.json").write_text(json.dumps(record, indent=1))


_LISTENERS = (
    "etcd",
    "etcd-peer",
    "api",
    "controller-manager",
    "scheduler",
    "kubelet",
    "kubelet-health",
    "proxy-health",
    "proxy-metrics",
    "metrics-server",
    "prometheus",
)


def clusters_folder() -> Path:
    """Give the folder that holds a folder for each cluster."""
    return cache_folder() / "clusters"


def new_layout(name: str, tier: Tier) -> Layout:
    """Choose free ports and a network for a cluster, and make its folder."""
    folder = clusters_folder() / name
    folder.mkdir(parents=True, exist_ok=True)
    number = int(hashlib.sha256(str(folder).encode()).hexdigest()[:8], 16)
    layout = Layout(
        name=name,
        tier=tier,
        folder=folder,
        ports=_free_ports(),
        bridge=f"kn{number % 0xFFFFFF:06x}",
        subnet=f"10.244.{number % 254 + 1}",
    )
    layout.write()
    return layout


def read_layout(name: str) -> Layout | None:
    """Give the place of a cluster that was booted before, or None."""
    path = clusters_folder() / name / "cluster.json"
    if not path.exists():
        return None
    record = json.loads(path.read_text())
    return Layout(**{**record, "folder": Path(record["folder"]), "tier": Tier(record["tier"])})


def _free_ports() -> dict[str, int]:
    held = []
    try:
        for _ in _LISTENERS:
            listener = socket.socket()
            listener.bind(("0.0.0.0", 0))
            held.append(listener)
        return {name: listener.getsockname()[1] for name, listener in zip(_LISTENERS, held, strict=True)}
    finally:
        for listener in held:
            listener.close()
