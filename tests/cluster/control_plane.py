"""etcd, API server, controller-manager and scheduler: the API tier, which any user can run."""

import socket
import ssl
import urllib.error
import urllib.request
from pathlib import Path

from .certificates import Authority, KeyPair
from .layout import API_SERVICE, SERVICE_RANGE, Layout, Tier
from .processes import Processes
from .programs import program

_READY_LIMIT_S = 90.0


def start_control_plane(layout: Layout, processes: Processes, authority: Authority, signing: KeyPair) -> None:
    """Start all four and wait for the API server.

    Raises
    ------
    ClusterError
        One of them ended or did not get ready; the text holds its log.
    """
    _start_etcd(layout, processes)
    _start_api_server(layout, processes, authority, signing)
    processes.wait_until(
        lambda: api_ready(layout, authority.certificate),
        what="the API server's /readyz",
        program="kube-apiserver",
        limit_s=_READY_LIMIT_S,
    )
    _start_controllers(layout, processes, authority, signing)


def api_ready(layout: Layout, authority: Path) -> bool:
    """Say whether the API server calls itself ready; its health needs no credentials."""
    context = ssl.create_default_context(cafile=str(authority))
    try:
        with urllib.request.urlopen(f"{layout.server}/readyz", timeout=2, context=context) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def _start_etcd(layout: Layout, processes: Processes) -> None:
    client = f"http://127.0.0.1:{layout.ports['etcd']}"
    peer = f"http://127.0.0.1:{layout.ports['etcd-peer']}"
    processes.start(
        "etcd",
        [
            program("etcd"),
            f"--name={layout.name}",
            f"--data-dir={layout.folder / 'etcd'}",
            f"--listen-client-urls={client}",
            f"--advertise-client-urls={client}",
            f"--listen-peer-urls={peer}",
            f"--initial-advertise-peer-urls={peer}",
            f"--initial-cluster={layout.name}={peer}",
            "--unsafe-no-fsync",
            "--log-level=warn",
        ],
    )
    processes.wait_until(lambda: listens(layout.ports["etcd"]), what="etcd's port", program="etcd")


def _start_api_server(layout: Layout, processes: Processes, authority: Authority, signing: KeyPair) -> None:
    serving = authority.issue(
        "api-server",
        user="kube-apiserver",
        hosts=["127.0.0.1", "localhost", API_SERVICE, layout.node_address, "kubernetes", "kubernetes.default",
               "kubernetes.default.svc", "kubernetes.default.svc.cluster.local"],
    )  # fmt: skip
    kubelet_client = authority.issue("kubelet-client", user="kube-apiserver-kubelet-client", groups="system:masters")
    front = authority.issue("front-proxy", user="front-proxy-client")
    argv: list[str | Path] = [
        program("kube-apiserver"),
        f"--etcd-servers=http://127.0.0.1:{layout.ports['etcd']}",
        f"--secure-port={layout.ports['api']}",
        f"--tls-cert-file={serving.certificate}",
        f"--tls-private-key-file={serving.key}",
        f"--client-ca-file={authority.certificate}",
        f"--service-account-key-file={signing.certificate}",
        f"--service-account-signing-key-file={signing.key}",
        "--service-account-issuer=https://kubernetes.default.svc.cluster.local",
        f"--service-cluster-ip-range={SERVICE_RANGE}",
        "--authorization-mode=Node,RBAC",
        "--enable-admission-plugins=NodeRestriction",
        f"--kubelet-client-certificate={kubelet_client.certificate}",
        f"--kubelet-client-key={kubelet_client.key}",
        "--kubelet-preferred-address-types=InternalIP",
        f"--requestheader-client-ca-file={authority.certificate}",
        "--requestheader-allowed-names=front-proxy-client",
        "--requestheader-extra-headers-prefix=X-Remote-Extra-",
        "--requestheader-group-headers=X-Remote-Group",
        "--requestheader-username-headers=X-Remote-User",
        f"--proxy-client-cert-file={front.certificate}",
        f"--proxy-client-key-file={front.key}",
        "--enable-aggregator-routing=true",
        "--allow-privileged=true",
        f"--cert-dir={layout.folder / 'api-server'}",
    ]
    if layout.tier is Tier.NODE:
        argv += ["--bind-address=0.0.0.0", f"--advertise-address={layout.node_address}"]
    else:
        # Nobody inside could use the endpoint of a loopback address, and the API server refuses to publish one.
        argv += ["--bind-address=127.0.0.1", "--endpoint-reconciler-type=none"]
    processes.start("kube-apiserver", argv)


def _start_controllers(layout: Layout, processes: Processes, authority: Authority, signing: KeyPair) -> None:
    for name, user in (
        ("controller-manager", "system:kube-controller-manager"),
        ("scheduler", "system:kube-scheduler"),
    ):
        config = authority.kubeconfig(layout.folder / f"{name}.kubeconfig", server=layout.server, user=user)
        argv: list[str | Path] = [
            program(f"kube-{name}"),
            f"--kubeconfig={config}",
            f"--authentication-kubeconfig={config}",
            f"--authorization-kubeconfig={config}",
            "--leader-elect=false",
            "--bind-address=127.0.0.1",
            f"--secure-port={layout.ports[name]}",
            # The defaults (20 to 50 a second) would set the pace of a thousand Jobs.
            "--kube-api-qps=300",
            "--kube-api-burst=600",
        ]
        if name == "controller-manager":
            argv += [
                "--use-service-account-credentials=true",
                f"--service-account-private-key-file={signing.key}",
                f"--root-ca-file={authority.certificate}",
                f"--cluster-signing-cert-file={authority.certificate}",
                f"--cluster-signing-key-file={authority.key}",
                f"--cert-dir={layout.folder / name}",
                # On a busy machine a simulated node's heartbeat comes late; then its pods count as not ready, and kwok
                # does not set that back.
                "--node-monitor-grace-period=10m",
            ]
        processes.start(f"kube-{name}", argv)


def listens(port: int) -> bool:
    """Say whether somebody accepts connections at a port of this machine."""
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0
