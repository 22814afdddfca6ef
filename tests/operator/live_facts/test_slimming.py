"""Nothing that a fact asks for is thrown away."""

import copy
from datetime import UTC, datetime

from helpers.kube_objects import container, deployment, node, pod, replica_set
from kubernaut_operator.live_facts.slimming import slim

from kubernaut.facts.definitions import ALL_PODS
from kubernaut.facts.extract import extract
from kubernaut.facts.objects import ObjectSet, Target

WEB = Target(namespace="shop", name="web")
HEAVY = {
    "env": [{"name": "A", "value": "x" * 2000}],
    "volumeMounts": [{"name": "data", "mountPath": "/data"}],
    "livenessProbe": {"httpGet": {"path": "/", "port": 80}},
    "command": ["sleep"],
    "ports": [{"containerPort": 80, "hostPort": 8080}],
}


def stranger(number):
    made = pod(f"other-{number}", namespace="other")
    made["metadata"]["uid"] = f"o-{number}"
    made["metadata"]["managedFields"] = [{"manager": "kubelet"}]
    made["metadata"]["annotations"] = {"a": "b" * 500}
    made["spec"] |= {
        "nodeName": "n1",
        "volumes": [{"name": "data"}],
        "containers": [container(requests={"cpu": "500m", "memory": "1Gi"}, **copy.deepcopy(HEAVY))],
        "initContainers": [container("first", requests={"cpu": "1"}, **copy.deepcopy(HEAVY))],
        "overhead": {"cpu": "10m"},
    }
    made["status"]["containerStatuses"] = [
        {"name": "main", "imageID": "sha256:1", "state": {"running": {}}, "allocatedResources": {"cpu": "700m"}}
    ]
    return made


def test_room_is_the_same_of_slim_pods_and_much_lighter():
    family = [deployment(replicas=2), replica_set(), pod("web-0"), pod("web-1")]
    big = node("n1")
    big["status"]["images"] = [{"names": ["x"]}]
    strangers = [stranger(number) for number in range(3)]
    parameters = {"deployment": {"name": "web", "namespace": "shop", "replicas": 9}}

    def facts(objects):
        return extract(ObjectSet.from_objects(objects), WEB, parameters, now=datetime(2024, 1, 1, tzinfo=UTC))

    slimmed = [slim(copy.deepcopy(one), ALL_PODS) for one in strangers]
    whole = facts([*family, big, *strangers])

    assert facts([*(slim(copy.deepcopy(one), one["kind"]) for one in (*family, big)), *slimmed]) == whole
    assert whole.facts["available_cpu"] != facts([*family, big]).facts["available_cpu"]
    assert len(str(slimmed[0])) < len(str(strangers[0])) / 4
    assert "images" not in slim(big, "Node")["status"]


def test_what_is_not_there_or_of_another_form_is_no_trouble():
    for odd in ({}, {"metadata": None}, {"spec": []}, {"spec": {"containers": {"a": 1}}}, {"status": {"images": None}}):
        slim(odd, ALL_PODS)
        slim(odd, "Node")
