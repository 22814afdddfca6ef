"""The resource metrics API, from a metrics-server that runs beside the cluster."""

from base64 import b64encode

import yaml

from .certificates import Authority
from .layout import Layout
from .processes import Processes
from .programs import program

RESOLUTION = "15s"
"""How often metrics-server asks the kubelet; first figures come after about twice that."""


def start_metrics_server(layout: Layout, processes: Processes, authority: Authority) -> str:
    """Start it and give the objects, as YAML, that make the API server ask it."""
    host = "metrics-server.kube-system.svc"
    serving = authority.issue("metrics-server-serving", user="metrics-server", hosts=[host, layout.node_address])
    processes.start(
        "metrics-server",
        [
            program("metrics-server"),
            f"--kubeconfig={layout.kubeconfig}",
            f"--authentication-kubeconfig={layout.kubeconfig}",
            f"--authorization-kubeconfig={layout.kubeconfig}",
            f"--secure-port={layout.ports['metrics-server']}",
            f"--tls-cert-file={serving.certificate}",
            f"--tls-private-key-file={serving.key}",
            f"--kubelet-certificate-authority={authority.certificate}",
            "--kubelet-use-node-status-port",
            "--kubelet-preferred-address-types=InternalIP",
            f"--metric-resolution={RESOLUTION}",
        ],
    )
    name = {"name": "metrics-server", "namespace": "kube-system"}
    port = layout.ports["metrics-server"]
    service = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": name,
        "spec": {"ports": [{"name": "https", "port": 443, "targetPort": port}]},
    }
    endpoints = {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {**name, "labels": {"kubernetes.io/service-name": "metrics-server"}},
        "addressType": "IPv4",
        "ports": [{"name": "https", "port": port, "protocol": "TCP"}],
        "endpoints": [{"addresses": [layout.node_address], "conditions": {"ready": True}}],
    }
    api = {
        "apiVersion": "apiregistration.k8s.io/v1",
        "kind": "APIService",
        "metadata": {"name": "v1beta1.metrics.k8s.io"},
        "spec": {
            "group": "metrics.k8s.io",
            "version": "v1beta1",
            "groupPriorityMinimum": 100,
            "versionPriority": 100,
            "caBundle": b64encode(authority.certificate.read_bytes()).decode(),
            "service": name,
        },
    }
    return yaml.safe_dump_all([service, endpoints, api])
