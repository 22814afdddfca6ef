"""Who the pods may talk to. Where the cluster's network enforces no policies, these say what is needed all the same."""

from urllib.parse import urlsplit

from kubernaut.errors import InputError
from kubernaut_operator.manifests.objects import Manifest, metadata
from kubernaut_operator.manifests.options import OPERATOR, InstallOptions
from kubernaut_operator.manifests.workload import SELECTOR

_DNS_PORT = 53


def network_policies(options: InstallOptions) -> list[Manifest]:
    """Give one policy for the operator and one for all actions."""
    api = [_tcp(port) for port in options.api_ports]
    dns = [{"protocol": protocol, "port": _DNS_PORT} for protocol in ("UDP", "TCP")]
    to_prometheus = [_tcp(_port(options.prometheus_url))] if options.prometheus_url else []
    operator = _policy(OPERATOR, "operator", options.namespace, selector={"matchLabels": SELECTOR})
    # The kubelet's probes and Prometheus come from addresses that are not known here.
    operator["spec"]["ingress"] = [{"ports": [{"protocol": "TCP", "port": "metrics"}]}]
    operator["spec"]["egress"] = [{"ports": [*dns, *api, *(port for port in to_prometheus if port not in api)]}]
    actions = _policy("kubernaut-actions", "actions", options.actions_namespace, selector={})
    actions["spec"]["egress"] = [{"ports": [*dns, *api]}]
    return [operator, actions]


def _policy(name: str, component: str, namespace: str, *, selector: Manifest) -> Manifest:
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": metadata(name, component, namespace=namespace),
        "spec": {"podSelector": selector, "policyTypes": ["Ingress", "Egress"]},
    }


def _tcp(port: int) -> Manifest:
    return {"protocol": "TCP", "port": port}


def _port(url: str) -> int:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise InputError(f"--prometheus-url {url!r}: {error}") from error
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise InputError(f"--prometheus-url {url!r} is no address; write it like http://prometheus.monitoring:9090")
    return port or (443 if parts.scheme == "https" else 80)
