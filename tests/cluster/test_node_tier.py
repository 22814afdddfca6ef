"""Pods really run: containers, the service network, rights of a ServiceAccount, the metrics API, simulated nodes."""

import json
import time

import pytest
from helpers.prometheus_server import ask_prometheus

from .boot import start_kwok
from .errors import ClusterError
from .node import BUSYBOX, KUBECTL
from .telemetry import prometheus_url

pytestmark = [pytest.mark.xdist_group("cluster"), pytest.mark.cluster]

RESTRICTED = {
    "allowPrivilegeEscalation": False,
    "capabilities": {"drop": ["ALL"]},
    "runAsNonRoot": True,
    "seccompProfile": {"type": "RuntimeDefault"},
}


def container(name, image, command):
    return {
        "name": name,
        "image": image,
        "command": command,
        "imagePullPolicy": "Never",
        "securityContext": RESTRICTED,
        "resources": {"requests": {"cpu": "10m", "memory": "8Mi"}},
    }


def deployment(command, *, replicas=1):
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "web"},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": {"app": "web"}},
            "template": {
                "metadata": {"labels": {"app": "web"}},
                "spec": {
                    "terminationGracePeriodSeconds": 1,
                    "containers": [container("web", BUSYBOX, command)],
                },
            },
        },
    }


def create(cluster, namespace, *objects):
    items = {"apiVersion": "v1", "kind": "List", "items": list(objects)}
    cluster.kubectl("create", "-n", namespace, "-f", "-", stdin=json.dumps(items))


def test_a_job_with_its_own_account_scales_a_deployment(node, namespace):
    account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "scaler"}}
    role = {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "Role",
        "metadata": {"name": "scaler"},
        "rules": [
            {"apiGroups": ["apps"], "resources": ["deployments"], "verbs": ["get"]},
            {"apiGroups": ["apps"], "resources": ["deployments/scale"], "verbs": ["get", "update", "patch"]},
        ],
    }
    binding = {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "RoleBinding",
        "metadata": {"name": "scaler"},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "scaler"},
        "subjects": [{"kind": "ServiceAccount", "name": "scaler", "namespace": namespace}],
    }
    scale = [
        "/bin/kubectl",
        "scale",
        f"--namespace={namespace}",
        "--replicas=3",
        "--current-replicas=1",
        "deployment/web",
    ]
    job = {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": "scale"},
        "spec": {
            "backoffLimit": 0,
            "template": {
                "spec": {
                    "serviceAccountName": "scaler",
                    "restartPolicy": "Never",
                    "containers": [container("kubectl", KUBECTL, scale)],
                }
            },
        },
    }
    create(node, namespace, account, role, binding, deployment(["sleep", "3600"]))
    node.kubectl("rollout", "status", "-n", namespace, "deployment/web", "--timeout=60s")
    create(node, namespace, job)

    node.kubectl("wait", "-n", namespace, "job/scale", "--for=condition=Complete", "--timeout=60s")
    node.kubectl("wait", "-n", namespace, "deployment/web", "--for=jsonpath={.status.readyReplicas}=3", "--timeout=60s")


def test_a_crash_is_a_real_one(node, namespace):
    create(node, namespace, deployment(["sh", "-c", "echo no configuration; exit 3"]))

    deadline = time.monotonic() + 60
    while True:
        pods = json.loads(node.kubectl("get", "pods", "-n", namespace, "-o", "json"))["items"]
        states = [status for pod in pods for status in pod["status"].get("containerStatuses", [])]
        if any(status["restartCount"] >= 1 for status in states):
            break
        assert time.monotonic() < deadline, states
        time.sleep(0.5)

    assert "no configuration" in node.kubectl("logs", "-n", namespace, "deployment/web")


def test_the_metrics_api_has_figures(node, namespace):
    create(node, namespace, deployment(["sleep", "3600"]))
    deadline = time.monotonic() + 120
    while True:
        try:
            pods = json.loads(node.kubectl("get", "--raw", f"/apis/metrics.k8s.io/v1beta1/namespaces/{namespace}/pods"))
        except ClusterError as error:
            pods, why = {"items": []}, str(error)
        else:
            why = "no figures yet"
        if pods["items"]:
            break
        assert time.monotonic() < deadline, why
        time.sleep(1)

    assert "memory" in pods["items"][0]["containers"][0]["usage"]


def test_prometheus_scrapes_the_api_server_and_the_containers(node, namespace):
    create(node, namespace, deployment(["sleep", "3600"]))
    deadline = time.monotonic() + 60

    def figures(query):
        while not (found := ask_prometheus(prometheus_url(node.layout), query)):
            assert time.monotonic() < deadline, query
            time.sleep(0.5)
        return found

    assert figures('up{job="kube-apiserver"} == 1')
    memory = figures(f'container_memory_working_set_bytes{{namespace="{namespace}", container="web"}}')
    assert float(memory[0]["value"][1]) > 0


def test_a_simulated_node_runs_pods(node, namespace):
    start_kwok(node)
    simulated = {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {
            "name": f"{namespace}-node",
            "annotations": {"kwok.x-k8s.io/node": "fake"},
            "labels": {"type": namespace},
        },
        "status": {
            "allocatable": {"cpu": "32", "memory": "256Gi", "pods": "110"},
            "capacity": {"cpu": "32", "memory": "256Gi", "pods": "110"},
        },
    }
    wanted = deployment(["sleep", "3600"], replicas=20)
    wanted["spec"]["template"]["spec"]["nodeSelector"] = {"type": namespace}
    try:
        node.kubectl("create", "-f", "-", stdin=json.dumps(simulated))
        create(node, namespace, wanted)

        node.kubectl("rollout", "status", "-n", namespace, "deployment/web", "--timeout=90s")
    finally:
        node.kubectl("delete", "node", f"{namespace}-node", "--wait=false")
        node.processes.stop("kwok")
