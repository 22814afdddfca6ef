"""The node tier: a bridge, containerd, a kubelet, kube-proxy and metrics-server on this very machine. Needs root.

Everything lives in the cluster's own folder and sockets, so that it meets no containerd or kubelet that the machine has.
"""

import json
import os
import subprocess
from collections.abc import Sequence
from pathlib import Path

import psutil
import yaml
from helpers.prometheus_server import prometheus_missing

from .certificates import Authority
from .control_plane import listens
from .errors import ClusterError, TierUnavailableError
from .images import write_image
from .layout import NODE_NAME, Layout
from .processes import Processes, kill
from .programs import program, system_program

BUSYBOX = "localhost/kubernaut/busybox:1"
KUBECTL = "localhost/kubernaut/kubectl:1"
PAUSE = "localhost/kubernaut/pause:1"

_CNI = Path("/usr/lib/cni")
_NEEDED = ("containerd", "ctr", "runc", "iptables", "conntrack", "ip", "busybox")
_DEBIAN = (
    "apt-get install containerd runc containernetworking-plugins iptables conntrack iproute2 busybox-static prometheus"
)


def require_node() -> None:
    """Check that this machine can be a node.

    Raises
    ------
    TierUnavailableError
        Not root, or a program of the machine is missing; says which and how to get it.
    """
    if os.geteuid() != 0:
        raise TierUnavailableError("the node tier needs root")
    missing = [name for name in _NEEDED if system_program(name) is None]
    if not (_CNI / "bridge").exists():
        missing.append(f"{_CNI}/bridge")
    missing += prometheus_missing()
    if missing:
        raise TierUnavailableError(f"the node tier needs {', '.join(missing)}: {_DEBIAN}")


def start_node(layout: Layout, processes: Processes, authority: Authority) -> None:
    """Start everything that runs pods; returns when the kubelet answers.

    Raises
    ------
    ClusterError
        One of them ended or did not get ready; the text holds its log. Or another node runs on this machine.
    """
    _refuse_a_second_node()
    _make_bridge(layout)
    _start_containerd(layout, processes)
    import_image(layout, _busybox(layout, PAUSE, ["/bin/sleep", "2147483647"]))
    _start_kubelet(layout, processes, authority)
    _start_proxy(layout, processes, authority)
    import_image(layout, _busybox(layout, BUSYBOX, ["/bin/sh"]))
    kubectl = write_image(
        layout.folder / "kubectl.tar", name=KUBECTL, files={"bin/kubectl": program("kubectl")}, command=["/bin/kubectl"]
    )
    import_image(layout, kubectl)


def import_image(layout: Layout, archive: Path) -> None:
    """Give the node an image from an OCI archive."""
    ctr = system_program("ctr") or "ctr"
    _run([ctr, f"--address={_socket(layout)}", "-n=k8s.io", "images", "import", archive])


def stop_node(layout: Layout, processes: Processes) -> None:
    """End all pods and what runs them, and remove mounts, links and rules."""
    processes.kill_all(["prometheus", "metrics-server", "kwok", "kubelet", "kube-proxy"])
    shims = _shims(layout)
    kill([child for shim in shims for child in shim.children(recursive=True)])
    kill(shims)
    processes.kill_all(["containerd"])
    for mount in sorted(_mounts(layout), key=len, reverse=True):
        subprocess.run(["umount", "--lazy", mount], check=False, capture_output=True)
    _remove_network(layout)


def _refuse_a_second_node() -> None:
    """Two kube-proxies would write each other's rules away, and pods of one cluster would reach the API of the other."""
    for process in psutil.process_iter(["name", "cmdline"]):
        if process.info["name"] == "kube-proxy":
            command = " ".join(process.info["cmdline"] or ())
            raise ClusterError(
                f"a node runs on this machine already, and there can be one (pid {process.pid}: {command}); "
                "stop it, or take KUBERNAUT_CLUSTER_TIER=api"
            )


def _make_bridge(layout: Layout) -> None:
    if not Path("/sys/class/net", layout.bridge).exists():
        _run(["ip", "link", "add", layout.bridge, "type", "bridge"])
    _run(["ip", "address", "replace", f"{layout.node_address}/24", "dev", layout.bridge])
    _run(["ip", "link", "set", layout.bridge, "up"])
    # Pods reach services and this machine through the bridge only where packets may be forwarded.
    Path("/proc/sys/net/ipv4/ip_forward").write_text("1")


def _socket(layout: Layout) -> Path:
    return layout.folder / "containerd.sock"


def _start_containerd(layout: Layout, processes: Processes) -> None:
    cni = layout.folder / "cni"
    cni.mkdir(exist_ok=True)
    plugins = [
        {
            "type": "bridge",
            "bridge": layout.bridge,
            "isGateway": True,
            "ipMasq": True,
            "ipam": {
                "type": "host-local",
                "ranges": [[{"subnet": f"{layout.subnet}.0/24"}]],
                "routes": [{"dst": "0.0.0.0/0"}],
                "dataDir": str(cni / "addresses"),
            },
        }
    ]
    conflist = {"cniVersion": "0.4.0", "name": layout.bridge, "plugins": plugins}
    (cni / "10-bridge.conflist").write_text(json.dumps(conflist))
    config = layout.folder / "containerd.toml"
    config.write_text(f"""\
version = 2
root = "{layout.folder}/containerd"
state = "{layout.folder}/containerd-state"
[grpc]
  address = "{_socket(layout)}"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "{PAUSE}"
  disable_apparmor = true
  # Without CAP_SYS_RESOURCE runc dies of a lower score than its parent's.
  restrict_oom_score_adj = true
  [plugins."io.containerd.grpc.v1.cri".containerd]
    snapshotter = "overlayfs"
    default_runtime_name = "runc"
    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
      runtime_type = "io.containerd.runc.v2"
      [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
        SystemdCgroup = false
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "{_CNI}"
    conf_dir = "{cni}"
""")
    processes.start("containerd", [system_program("containerd") or "containerd", f"--config={config}"])
    processes.wait_until(
        lambda: (
            subprocess.run(
                [system_program("ctr") or "ctr", f"--address={_socket(layout)}", "version"],
                check=False,
                capture_output=True,
            ).returncode
            == 0
        ),
        what="containerd's socket",
        program="containerd",
    )


def _start_kubelet(layout: Layout, processes: Processes, authority: Authority) -> None:
    serving = authority.issue("kubelet-serving", user=f"system:node:{NODE_NAME}", groups="system:nodes", hosts=[layout.node_address, NODE_NAME])  # fmt: skip
    kubeconfig = authority.kubeconfig(
        layout.folder / "kubelet.kubeconfig",
        server=layout.server,
        user=f"system:node:{NODE_NAME}",
        groups="system:nodes",
    )
    config = layout.folder / "kubelet.yaml"
    settings = {
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "port": layout.ports["kubelet"],
        "healthzPort": layout.ports["kubelet-health"],
        "tlsCertFile": str(serving.certificate),
        "tlsPrivateKeyFile": str(serving.key),
        "authentication": {"x509": {"clientCAFile": str(authority.certificate)}, "webhook": {"enabled": True}},
        "authorization": {"mode": "Webhook"},
        "containerRuntimeEndpoint": f"unix://{_socket(layout)}",
        "cgroupDriver": "cgroupfs",
        "failCgroupV1": False,
        "failSwapOn": False,
        "maxPods": 110,
        # A full disk of the machine must not evict the pods of a test.
        "evictionHard": {"memory.available": "50Mi", "nodefs.available": "0%", "imagefs.available": "0%"},
        "imageGCHighThresholdPercent": 100,
        "nodeStatusUpdateFrequency": "5s",
        # kube-proxy makes what services need; chains of the kubelet would outlive it.
        "makeIPTablesUtilChains": False,
    }
    config.write_text(yaml.safe_dump(settings))
    processes.start(
        "kubelet",
        [
            program("kubelet"),
            f"--config={config}",
            f"--kubeconfig={kubeconfig}",
            f"--hostname-override={NODE_NAME}",
            f"--node-ip={layout.node_address}",
            f"--root-dir={layout.folder / 'kubelet'}",
            f"--cert-dir={layout.folder / 'kubelet-certificates'}",
            # cAdvisor looks for containerd by itself; without it no figure says whose container it is of.
            f"--containerd={_socket(layout)}",
            "--housekeeping-interval=5s",
        ],
    )
    processes.wait_until(
        lambda: listens(layout.ports["kubelet-health"]), what="the kubelet's health port", program="kubelet"
    )


def _start_proxy(layout: Layout, processes: Processes, authority: Authority) -> None:
    kubeconfig = authority.kubeconfig(
        layout.folder / "kube-proxy.kubeconfig", server=layout.server, user="system:kube-proxy"
    )
    config = layout.folder / "kube-proxy.yaml"
    settings = {
        "apiVersion": "kubeproxy.config.k8s.io/v1alpha1",
        "kind": "KubeProxyConfiguration",
        "mode": "iptables",
        "hostnameOverride": NODE_NAME,
        "clientConnection": {"kubeconfig": str(kubeconfig)},
        "clusterCIDR": f"{layout.subnet}.0/24",
        "healthzBindAddress": f"127.0.0.1:{layout.ports['proxy-health']}",
        "metricsBindAddress": f"127.0.0.1:{layout.ports['proxy-metrics']}",
        # Zero leaves the machine's own limits alone.
        "conntrack": {"maxPerCore": 0, "tcpEstablishedTimeout": "0s", "tcpCloseWaitTimeout": "0s"},
    }
    config.write_text(yaml.safe_dump(settings))
    processes.start("kube-proxy", [program("kube-proxy"), f"--config={config}"])


def _busybox(layout: Layout, name: str, command: Sequence[str]) -> Path:
    busybox = system_program("busybox") or Path("busybox")
    listed = subprocess.run([busybox, "--list"], check=True, capture_output=True, text=True).stdout.split()
    return write_image(
        layout.folder / f"{Path(name.partition(':')[0]).name}.tar",
        name=name,
        files={"bin/busybox": busybox},
        links={f"bin/{applet}": "busybox" for applet in listed if applet != "busybox"},
        command=command,
    )


def _shims(layout: Layout) -> list[psutil.Process]:
    return [
        process
        for process in psutil.process_iter(["name", "cmdline"])
        if "shim" in (process.info["name"] or "") and str(_socket(layout)) in " ".join(process.info["cmdline"] or ())
    ]


def _mounts(layout: Layout) -> list[str]:
    lines = Path("/proc/self/mounts").read_text().splitlines()
    return [mount for mount in (line.split()[1] for line in lines) if mount.startswith(f"{layout.folder}/")]


def _remove_network(layout: Layout) -> None:
    proxy = program("kube-proxy")
    subprocess.run([proxy, "--cleanup", f"--hostname-override={NODE_NAME}"], check=False, capture_output=True)
    for link in Path("/sys/class/net").glob("veth*"):
        if (link / "master").exists() and (link / "master").resolve().name == layout.bridge:
            subprocess.run(["ip", "link", "delete", link.name], check=False, capture_output=True)
    subprocess.run(["ip", "link", "delete", layout.bridge], check=False, capture_output=True)
    _remove_masquerading(layout)
    _remove_firewall()


def _remove_firewall() -> None:
    """Remove the one chain that kube-proxy's own cleanup leaves, unless another node on this machine uses it."""
    if any(process.info["name"] in ("kubelet", "kube-proxy") for process in psutil.process_iter(["name"])):
        return
    iptables = str(system_program("iptables") or "iptables")
    for change in (["-D", "INPUT", "-j"], ["-D", "OUTPUT", "-j"], ["-F"], ["-X"]):
        subprocess.run([iptables, *change, "KUBE-FIREWALL"], check=False, capture_output=True)


def _remove_masquerading(layout: Layout) -> None:
    """Remove the chains that the bridge plugin made for pods that ended without it."""
    iptables = str(system_program("iptables") or "iptables")
    rules = subprocess.run([iptables, "-t", "nat", "-S"], check=False, capture_output=True, text=True).stdout
    for line in rules.splitlines():
        words = line.split()
        if words[:2] == ["-A", "POSTROUTING"] and f'name: "{layout.bridge}"' in line.replace("\\", ""):
            chain = words[words.index("-j") + 1]
            subprocess.run(
                [iptables, "-t", "nat", "-D", "POSTROUTING", "-s", words[words.index("-s") + 1], "-m", "comment",
                 "--comment", line.split('--comment "')[1].rsplit('" -j')[0].replace("\\", ""), "-j", chain],
                check=False,
                capture_output=True,
            )  # fmt: skip
            subprocess.run([iptables, "-t", "nat", "-F", chain], check=False, capture_output=True)
            subprocess.run([iptables, "-t", "nat", "-X", chain], check=False, capture_output=True)


def _run(argv: Sequence[str | Path]) -> None:
    done = subprocess.run([str(part) for part in argv], check=False, capture_output=True, text=True)
    if done.returncode != 0:
        raise ClusterError(f"{' '.join(str(part) for part in argv)}: {done.stderr.strip() or done.stdout.strip()}")
