"""The operator itself: a StatefulSet of two, of which one leads, and what keeps them running.

The policy worker is a sidecar: policies come from people, so they are judged in a container without token, with a
memory limit of its own, whose only door is a socket. As a sidecar it starts before the operator and ends after it,
so that a drain can still judge. It shares the pod's network, as all containers of a pod do; that policies
cannot use it is up to the list of builtins that they may call.
"""

from kubernaut_operator.condition_sets.evaluator import OPERATOR_LIMITS
from kubernaut_operator.manifests.objects import APP, Manifest, labels, metadata
from kubernaut_operator.manifests.options import OPERATOR, InstallOptions
from kubernaut_operator.settings import HISTORY_PORT, ActionSettings, EndpointSettings, WorkerSettings

_COMPONENT = "operator"
_RECORDS = "records"
_RECORDS_FOLDER = "/var/lib/kubernaut"
_SOCKET_FOLDER = "/run/kubernaut"
_SOCKET = f"{_SOCKET_FOLDER}/worker.sock"
_TOKEN_FOLDER = "/var/run/secrets/kubernetes.io/serviceaccount"  # noqa: S105 - a path
_USER = 65532
_WORKER_LIMIT_MIB = (WorkerSettings().count + 1) * OPERATOR_LIMITS.memory_mib + 64
"""Of the sidecar: the workers that judge, one that compiles, and the listener that starts them."""

GRACE_S = 40
"""The operator drains for 25 s; what is left is the sidecar's and the kubelet's."""

SELECTOR = {"app.kubernetes.io/name": APP, "app.kubernetes.io/component": _COMPONENT}


def workload(options: InstallOptions) -> list[Manifest]:
    """Give the Service, the PodDisruptionBudget and the StatefulSet."""
    return [_service(options), _disruption_budget(options), _stateful_set(options)]


def _service(options: InstallOptions) -> Manifest:
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": metadata(OPERATOR, _COMPONENT, namespace=options.namespace),
        "spec": {
            "clusterIP": "None",
            "selector": SELECTOR,
            "ports": [{"name": "metrics", "port": EndpointSettings().port, "targetPort": "metrics"}],
        },
    }


def _disruption_budget(options: InstallOptions) -> Manifest:
    return {
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": metadata(OPERATOR, _COMPONENT, namespace=options.namespace),
        "spec": {
            "maxUnavailable": 1,
            "unhealthyPodEvictionPolicy": "AlwaysAllow",
            "selector": {"matchLabels": SELECTOR},
        },
    }


def _stateful_set(options: InstallOptions) -> Manifest:
    spec: Manifest = {
        "replicas": options.replicas,
        "serviceName": OPERATOR,
        # Each replica waits for the lead by itself; one that cannot start must not keep the other from it.
        "podManagementPolicy": "Parallel",
        "selector": {"matchLabels": SELECTOR},
        "template": {"metadata": _pod_metadata(), "spec": _pod(options)},
    }
    if options.keep_records:
        claim: Manifest = {
            "accessModes": ["ReadWriteOnce"],
            "resources": {"requests": {"storage": f"{options.records_gib}Gi"}},
        }
        if options.storage_class is not None:
            claim["storageClassName"] = options.storage_class
        spec["volumeClaimTemplates"] = [{"metadata": {"name": _RECORDS}, "spec": claim}]
    return {
        "apiVersion": "apps/v1",
        "kind": "StatefulSet",
        "metadata": metadata(OPERATOR, _COMPONENT, namespace=options.namespace),
        "spec": spec,
    }


def _pod_metadata() -> Manifest:
    return {
        "labels": labels(_COMPONENT),
        "annotations": {
            "kubectl.kubernetes.io/default-container": _COMPONENT,
            "prometheus.io/scrape": "true",
            "prometheus.io/port": str(EndpointSettings().port),
        },
    }


def _pod(options: InstallOptions) -> Manifest:
    return {
        "serviceAccountName": OPERATOR,
        # The token is mounted by hand, into the one container that needs it.
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "terminationGracePeriodSeconds": GRACE_S,
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": _USER,
            "runAsGroup": _USER,
            "fsGroup": _USER,
            "fsGroupChangePolicy": "OnRootMismatch",
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "affinity": {
            "podAntiAffinity": {
                "preferredDuringSchedulingIgnoredDuringExecution": [
                    {
                        "weight": 100,
                        "podAffinityTerm": {
                            "topologyKey": "kubernetes.io/hostname",
                            "labelSelector": {"matchLabels": SELECTOR},
                        },
                    }
                ]
            }
        },
        "initContainers": [_worker(options)],
        "containers": [_operator(options)],
        "volumes": _volumes(options),
    }


def _operator(options: InstallOptions) -> Manifest:
    return {
        **_container(options, _COMPONENT, cpu="50m", memory="96Mi", memory_limit="256Mi"),
        "args": ["run", *_flags(options)],
        "env": [
            {"name": f"POD_{field.upper()}", "valueFrom": {"fieldRef": {"fieldPath": f"metadata.{field}"}}}
            for field in ("name", "namespace", "uid")
        ],
        "ports": [{"name": "metrics", "containerPort": EndpointSettings().port}],
        "startupProbe": _probe("/healthz", period_s=2, failures=30),
        "livenessProbe": _probe("/healthz", period_s=10, failures=3),
        "readinessProbe": _probe("/readyz", period_s=5, failures=2),
        "volumeMounts": [
            {"name": "token", "mountPath": _TOKEN_FOLDER, "readOnly": True},
            {"name": "socket", "mountPath": _SOCKET_FOLDER},
            {"name": _RECORDS, "mountPath": _RECORDS_FOLDER},
            {"name": "tmp", "mountPath": "/tmp"},  # noqa: S108 - the container's own
        ],
    }


def _worker(options: InstallOptions) -> Manifest:
    return {
        **_container(options, "policy-worker", cpu="20m", memory="48Mi", memory_limit=f"{_WORKER_LIMIT_MIB}Mi"),
        "restartPolicy": "Always",
        "command": ["python", "-m", "kubernaut.policy.worker"],
        "args": [f"--socket={_SOCKET}", f"--memory-mib={OPERATOR_LIMITS.memory_mib}"],
        "volumeMounts": [
            {"name": "socket", "mountPath": _SOCKET_FOLDER},
            # The compiler hands its plan over in a file.
            {"name": "worker-tmp", "mountPath": "/tmp"},  # noqa: S108 - the container's own
        ],
    }


def _container(options: InstallOptions, name: str, *, cpu: str, memory: str, memory_limit: str) -> Manifest:
    return {
        "name": name,
        "image": options.image,
        "imagePullPolicy": options.image_pull_policy,
        "resources": {
            "requests": {"cpu": cpu, "memory": memory},
            "limits": {"cpu": "1", "memory": memory_limit},
        },
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        },
    }


def _flags(options: InstallOptions) -> list[str]:
    """Give the operator's flags: those that tie it to its installation, then those that were chosen."""
    flags = [
        f"--conditions-namespace={options.namespace}",
        f"--lease-namespace={options.namespace}",
        f"--actions-namespace={options.actions_namespace}",
        f"--action-image={options.action_image}",
        f"--worker-socket={_SOCKET}",
        f"--history-folder={_RECORDS_FOLDER}/history",
        f"--history-mib={options.records_mib}",
        f"--history-port={HISTORY_PORT}",
    ]
    if options.image_pull_policy != ActionSettings().image_pull_policy:
        flags.append(f"--image-pull-policy={options.image_pull_policy}")
    if options.prometheus_url is not None:
        flags.append(f"--prometheus-url={options.prometheus_url}")
    return flags + [f"--custom-kind={kind}" for kind in options.custom_kinds]


def _probe(path: str, *, period_s: int, failures: int) -> Manifest:
    return {
        "httpGet": {"path": path, "port": "metrics"},
        "periodSeconds": period_s,
        "timeoutSeconds": 2,
        "failureThreshold": failures,
    }


def _volumes(options: InstallOptions) -> list[Manifest]:
    token = [
        {"serviceAccountToken": {"path": "token", "expirationSeconds": 3607}},
        {"configMap": {"name": "kube-root-ca.crt", "items": [{"key": "ca.crt", "path": "ca.crt"}]}},
        {"downwardAPI": {"items": [{"path": "namespace", "fieldRef": {"fieldPath": "metadata.namespace"}}]}},
    ]
    volumes: list[Manifest] = [
        {"name": "token", "projected": {"sources": token}},
        {"name": "socket", "emptyDir": {"sizeLimit": "1Mi"}},
        {"name": "tmp", "emptyDir": {"sizeLimit": "16Mi"}},
        {"name": "worker-tmp", "emptyDir": {"sizeLimit": "16Mi"}},
    ]
    if not options.keep_records:
        volumes.append({"name": _RECORDS, "emptyDir": {"sizeLimit": f"{options.records_gib}Gi"}})
    return volumes
