"""Prometheus beside the cluster: it scrapes the API server, the kubelet's figures of containers, and pods it is told of.

Debian's build knows no discovery in Kubernetes, so `scrape_pods` names the pods in a file that Prometheus watches; each
series carries the labels `namespace` and `pod`. Prometheus listens at the node's address, so pods reach it as an
operator's Prometheus would be reached.
"""

import json
from collections.abc import Mapping
from pathlib import Path

import yaml
from helpers.prometheus_server import prometheus_argv, prometheus_ready

from .certificates import Authority, KeyPair
from .layout import NODE_NAME, Layout
from .processes import Processes

USER = "prometheus"
SCRAPE_INTERVAL_S = 2
"""Short, so that a test sees a figure while it looks; rates over 10 s have samples enough."""


def prometheus_url(layout: Layout) -> str:
    """Give where the cluster's Prometheus answers, for this machine and for pods alike."""
    return f"http://{layout.node_address}:{layout.ports['prometheus']}"


def start_prometheus(layout: Layout, processes: Processes, authority: Authority) -> str:
    """Start it and give the objects, as YAML, that let it read what it scrapes.

    Raises
    ------
    PrometheusUnavailableError
        It is not installed.
    """
    folder = layout.folder / "prometheus"
    _pods_folder(layout).mkdir(parents=True, exist_ok=True)
    config = folder / "prometheus.yml"
    config.write_text(yaml.safe_dump(_config(layout, authority, authority.issue(USER, user=USER))))
    argv = prometheus_argv(
        config=config, data=folder / "data", host=layout.node_address, port=layout.ports["prometheus"]
    )
    processes.start("prometheus", argv)
    return _rights()


def wait_for_prometheus(layout: Layout, processes: Processes) -> None:
    """Wait until it answers.

    Raises
    ------
    ClusterError
        It ended or took too long; the text holds its log.
    """
    url = prometheus_url(layout)
    processes.wait_until(lambda: prometheus_ready(url), what="Prometheus's /-/ready", program="prometheus")


def scrape_pods(layout: Layout, *, namespace: str, addresses: Mapping[str, str], port: int) -> None:
    """Tell Prometheus which pods of a namespace to scrape from now on.

    Parameters
    ----------
    addresses : mapping of str to str
        Name of the pod -> its address.
    port : int
        Of its `/metrics`.
    """
    targets = [
        {"targets": [f"{address}:{port}"], "labels": {"namespace": namespace, "pod": pod}}
        for pod, address in sorted(addresses.items())
    ]
    path = _pods_folder(layout) / f"{namespace}.json"
    unfinished = path.with_suffix(".unfinished")
    unfinished.write_text(json.dumps(targets))
    unfinished.replace(path)


def _pods_folder(layout: Layout) -> Path:
    return layout.folder / "prometheus" / "pods"


def _config(layout: Layout, authority: Authority, pair: KeyPair) -> dict[str, object]:
    tls = {"ca_file": str(authority.certificate), "cert_file": str(pair.certificate), "key_file": str(pair.key)}
    kubelet = [f"{layout.node_address}:{layout.ports['kubelet']}"]
    return {
        "global": {"scrape_interval": f"{SCRAPE_INTERVAL_S}s", "scrape_timeout": f"{SCRAPE_INTERVAL_S}s"},
        "scrape_configs": [
            {
                "job_name": "kube-apiserver",
                "scheme": "https",
                # Tens of thousands of series: more often would cost a core.
                "scrape_interval": "15s",
                "scrape_timeout": "10s",
                "tls_config": tls,
                "static_configs": [{"targets": [layout.server.removeprefix("https://")]}],
            },
            {
                "job_name": "cadvisor",
                "scheme": "https",
                "metrics_path": "/metrics/cadvisor",
                "tls_config": tls,
                "static_configs": [{"targets": kubelet, "labels": {"node": NODE_NAME}}],
            },
            {
                "job_name": "pods",
                "file_sd_configs": [{"files": [str(_pods_folder(layout) / "*.json")]}],
            },
        ],
    }


def _rights() -> str:
    name = {"name": "prometheus-of-the-tests"}
    role = {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRole",
        "metadata": name,
        "rules": [
            {"nonResourceURLs": ["/metrics"], "verbs": ["get"]},
            {"apiGroups": [""], "resources": ["nodes/metrics"], "verbs": ["get"]},
        ],
    }
    binding = {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRoleBinding",
        "metadata": name,
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", **name},
        "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": USER}],
    }
    return yaml.safe_dump_all([role, binding])
