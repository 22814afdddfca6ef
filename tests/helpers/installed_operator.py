"""The operator as an administrator installs it: its image on the node, the printed manifests applied, volumes for history.

``python -m helpers.installed_operator`` installs it into the cluster of `make cluster`, for a person to try.
"""

import gzip
import json
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from cluster.boot import Cluster, running
from cluster.errors import ClusterError
from cluster.layout import NODE_NAME, Tier
from cluster.node import KUBECTL, import_image
from cluster.telemetry import prometheus_url, scrape_pods
from kubernaut_operator.manifests.options import OPERATOR, InstallOptions
from kubernaut_operator.settings import EndpointSettings

from helpers.operator_image import OperatorImage, operator_image

NAMESPACE = InstallOptions().namespace
PORT = EndpointSettings().port
RECORDS = "/var/lib/kubernaut"
"""Where the operator's container has its volume."""

_READY_LIMIT = "90s"
_POLL_S = 0.2
_PERSONS_CLUSTER = "kubernaut"


@dataclass(frozen=True, slots=True)
class InstalledOperator:
    """An installation that runs.

    Attributes
    ----------
    ready_s : float, unit s
        From `kubectl apply` until every replica was ready; the image was on the node already.
    """

    cluster: Cluster
    image: OperatorImage
    ready_s: float

    def pods(self) -> list[dict[str, Any]]:
        """Give its pods, by name."""
        selector = "app.kubernetes.io/component=operator"
        text = self.cluster.kubectl(
            "get", "pods", f"--namespace={NAMESPACE}", f"--selector={selector}", "--output=json"
        )
        found: list[dict[str, Any]] = json.loads(text)["items"]
        return sorted(found, key=lambda pod: str(pod["metadata"]["name"]))

    def leader(self) -> str:
        """Give the name of the pod that leads.

        Raises
        ------
        ClusterError
            No pod of it has the lead.
        """
        lease = InstallOptions().lease
        text = self.cluster.kubectl("get", "lease", lease, f"--namespace={NAMESPACE}", "--output=json")
        holder = str(json.loads(text)["spec"].get("holderIdentity") or "")
        for pod in self.pods():
            name = str(pod["metadata"]["name"])
            if holder.startswith(name):
                return name
        raise ClusterError(f"no pod leads; the Lease says {holder!r}")

    def metrics(self, pod: str | None = None) -> dict[str, float]:
        """Give a pod's metrics (None: the leader's) by series as they are written: ``name{label="value"}``."""
        path = f"/api/v1/namespaces/{NAMESPACE}/pods/{pod or self.leader()}:{PORT}/proxy/metrics"
        lines = (line for line in self.cluster.kubectl("get", "--raw", path).splitlines() if not line.startswith("#"))
        return {series: float(value) for series, _, value in (line.rpartition(" ") for line in lines if line)}

    def log(self, pod: str | None = None) -> list[dict[str, Any]]:
        """Give what a pod (None: the leader) has logged."""
        lines = self.cluster.kubectl("logs", f"--namespace={NAMESPACE}", pod or self.leader()).splitlines()
        return [json.loads(line) for line in lines if line.startswith("{")]

    def records(self) -> Iterator[Path]:
        """Give the folders on this machine in which the replicas keep history."""
        yield from (folder / "history" for folder in record_folders(self.cluster))

    def rows(self) -> list[dict[str, Any]]:
        """Give every row of history that is on a volume now, as it was written."""
        files = sorted(path for folder in self.records() for path in folder.glob("*.jsonl.gz"))
        return [json.loads(line) for path in files for line in _complete_lines(path)]

    def config_map(self, name: str, data: Mapping[str, str]) -> str:
        """Replace what one of the operator's ConfigMaps holds and give its new resourceVersion."""
        manifest = {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": name, "namespace": NAMESPACE},
            "data": dict(data),
        }
        replaced = self.cluster.kubectl("replace", "--filename=-", "--output=json", stdin=json.dumps(manifest))
        return str(json.loads(replaced)["metadata"]["resourceVersion"])

    def wait_for_conditions(self, version: str, *, limit_s: float = 20.0) -> float:
        """Wait until a version of a ConfigMap is in force and give the seconds that it took.

        Raises
        ------
        ClusterError
            It was not in time.
        """
        began = time.monotonic()
        while not any(
            f'resource_version="{version}"' in series for series in self.metrics() if "policies_info" in series
        ):
            if time.monotonic() - began > limit_s:
                raise ClusterError(f"resourceVersion {version} is not in force after {limit_s:g} s")
            time.sleep(_POLL_S)
        return time.monotonic() - began

    def scrape(self) -> None:
        """Let the cluster's Prometheus scrape the pods that run now."""
        addresses = {str(pod["metadata"]["name"]): str(pod["status"]["podIP"]) for pod in self.pods()}
        scrape_pods(self.cluster.layout, namespace=NAMESPACE, addresses=addresses, port=PORT)

    def story(self, *, lines: int = 60) -> str:
        """Give what explains a failure: pods, what happened to them, and the end of each container's log."""
        parts = [
            self._try("get", "pods", "--all-namespaces", "--output=wide"),
            self._try("get", "events", f"--namespace={NAMESPACE}", "--sort-by=.lastTimestamp"),
        ]
        for pod in self.pods():
            name = str(pod["metadata"]["name"])
            parts += [
                f"--- {name}, {which}\n"
                + self._try("logs", f"--namespace={NAMESPACE}", name, f"--tail={lines}", option)
                for which, option in (("now", "--all-containers"), ("before", "--previous"))
                if which == "now" or _restarted(pod)
            ]
        return "\n".join(parts)

    def _try(self, *arguments: str) -> str:
        try:
            return str(self.cluster.kubectl(*arguments))
        except ClusterError as error:
            return str(error)


def install_operator(
    cluster: Cluster, *, more: Sequence[str] = (), environment: Mapping[str, str] | None = None
) -> InstalledOperator:
    """Build the image, give it to the node, apply the printed manifests and wait until every replica is ready.

    Parameters
    ----------
    more : sequence of str
        Further flags of `kubernaut operator manifests`.
    environment : mapping of str to str
        Variables of the operator's container, to watch it from inside; none are needed to run it.

    Raises
    ------
    TierUnavailableError
        The image cannot be built here.
    ClusterError
        It does not build, or does not get ready; the text says why.
    """
    image = operator_image()
    import_image(cluster.layout, image.archive)
    _make_volumes(cluster)
    text = printed_by_operator(
        "manifests",
        f"--image={image.name}",
        "--image-pull-policy=Never",
        f"--action-image={KUBECTL}",
        f"--prometheus-url={prometheus_url(cluster.layout)}",
        f"--api-port={cluster.layout.ports['api']}",
        "--api-port=443",
        *more,
    )
    if environment:
        text = _with_environment(text, environment)
    began = time.monotonic()
    # Server-side, as others may have applied parts of it before; what the manifests say wins.
    cluster.kubectl("apply", "--server-side", "--force-conflicts", "--filename=-", stdin=text)
    installed = InstalledOperator(cluster, image, 0.0)
    try:
        cluster.kubectl(
            "rollout", "status", f"statefulset/{OPERATOR}", f"--namespace={NAMESPACE}", f"--timeout={_READY_LIMIT}"
        )
    except ClusterError as error:
        raise ClusterError(f"{error}\n{installed.story()}") from error
    return InstalledOperator(cluster, image, time.monotonic() - began)


def remove_operator(cluster: Cluster) -> None:
    """End the operator's pods in an orderly way and wait until they are gone; rights and resources stay."""
    cluster.kubectl("delete", "statefulset", OPERATOR, f"--namespace={NAMESPACE}", "--ignore-not-found")
    selector = "app.kubernetes.io/component=operator"
    cluster.kubectl(
        "wait", "pods", f"--namespace={NAMESPACE}", f"--selector={selector}", "--for=delete", "--timeout=60s"
    )


def printed_by_operator(*arguments: str) -> str:
    """Give what a command of the operator prints.

    Raises
    ------
    ClusterError
        It failed; the text is what it said.
    """
    done = subprocess.run(
        [sys.executable, "-m", "kubernaut_operator", *arguments], check=False, capture_output=True, text=True
    )
    if done.returncode != 0:
        raise ClusterError(f"kubernaut operator {' '.join(arguments)}: {done.stderr.strip()}")
    return done.stdout


def _with_environment(text: str, environment: Mapping[str, str]) -> str:
    manifests = list(yaml.safe_load_all(text))
    for manifest in manifests:
        if manifest["kind"] == "StatefulSet":
            (container,) = manifest["spec"]["template"]["spec"]["containers"]
            container["env"] += [{"name": name, "value": value} for name, value in environment.items()]
    return yaml.safe_dump_all(manifests)


def _make_volumes(cluster: Cluster) -> None:
    """Make a volume of this machine's disk for each replica: there is nothing in the cluster that provides them."""
    selector = [{"matchExpressions": [{"key": "kubernetes.io/hostname", "operator": "In", "values": [NODE_NAME]}]}]
    volumes = []
    for folder in record_folders(cluster):
        folder.mkdir(parents=True, exist_ok=True)
        spec = {
            "capacity": {"storage": "8Gi"},
            "accessModes": ["ReadWriteOnce"],
            "persistentVolumeReclaimPolicy": "Retain",
            "local": {"path": str(folder)},
            "claimRef": {"namespace": NAMESPACE, "name": f"records-{folder.name}"},
            "nodeAffinity": {"required": {"nodeSelectorTerms": selector}},
        }
        volumes.append(
            {"apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": folder.name}, "spec": spec}
        )
    cluster.kubectl("apply", "--server-side", "--filename=-", stdin=yaml.safe_dump_all(volumes))


def record_folders(cluster: Cluster) -> list[Path]:
    """Give the folder on this machine of each replica's volume."""
    replicas = range(InstallOptions().replicas)
    return [cluster.layout.folder / "volumes" / f"{OPERATOR}-{number}" for number in replicas]


def _complete_lines(path: Path) -> list[str]:
    """Give the lines of a file that is being written: what comes after the last complete member is not there yet."""
    lines: list[str] = []
    try:
        with gzip.open(path, "rt", encoding="utf-8") as file:
            lines.extend(file)
    except EOFError:
        pass
    return [line for line in lines if line.endswith("\n")]


def _restarted(pod: Mapping[str, Any]) -> bool:
    return any(status["restartCount"] for status in pod["status"].get("containerStatuses", ()))


def _main() -> int:
    cluster = running(_PERSONS_CLUSTER)
    if cluster is None or cluster.layout.tier is not Tier.NODE:
        sys.stderr.write("No cluster with a node runs here; `make cluster` as root boots one.\n")
        return 1
    try:
        installed = install_operator(cluster)
    except ClusterError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    installed.scrape()
    sys.stdout.write(
        f"The operator runs, ready after {installed.ready_s:.0f} s, in namespace {NAMESPACE}:\n\n"
        f"  export KUBECONFIG={cluster.layout.kubeconfig}\n"
        f"  kubectl get pods -n {NAMESPACE}\n"
        f"  kubernaut operator opt-in default | kubectl apply -f -\n"
    )
    return 0


if __name__ == "__main__":
    sys.exit(_main())
