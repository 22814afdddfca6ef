"""Every object of the real dumps goes through extraction."""

from functools import lru_cache

import pytest
from helpers.real_objects import load_objects, real_data, real_object_files

from kubernaut.facts.dumps import latest_time, missing_kinds, targets_in
from kubernaut.facts.extract import extract, objects_read, take_baseline
from kubernaut.facts.objects import ObjectSet, Target
from kubernaut.facts.pod_status import shown
from kubernaut.facts.registry import REGISTRY
from kubernaut.facts.snapshot import UnobservedReason

pytestmark = pytest.mark.realdata
ROOT = real_data()
FILES = real_object_files(ROOT) if ROOT else []

if ROOT is None:
    pytest.skip("KUBERNAUT_REAL_DATA is not set", allow_module_level=True)


@lru_cache
def load(name):
    return ObjectSet.from_objects(load_objects(ROOT / "k8s-objects" / name))


def snapshots(objects):
    now = latest_time(objects) or latest_time(load("k9s/render__testdata__po.json"))
    for target in targets_in(objects):
        parameters = {"deployment": {"name": target.name, "namespace": target.namespace, "replicas": 3}}
        unavailable = missing_kinds(objects, target)
        baseline = take_baseline(objects, target, unavailable=unavailable)
        yield target, extract(objects, target, parameters, now=now, baseline=baseline, unavailable=unavailable)


@pytest.mark.parametrize("name", FILES)
def test_every_object_is_recognised_and_extracted(name):
    objects = load(name)

    assert objects.unrecognised == ()
    assert objects.unreadable == {}
    for target, snapshot in snapshots(objects):
        assert all((fact in snapshot.facts) != (fact in snapshot.unobserved) for fact in REGISTRY), target
        objects_read(objects, target)


def test_what_is_text_of_describe_gives_no_objects():
    without = {name for name in FILES if not load(name).by_kind}

    assert without
    assert all("describe" in name or "12_job_crashing" in name for name in without)


def test_the_only_unreadable_facts_are_of_fixtures_without_generation():
    unreadable = {
        (name, path)
        for name in FILES
        for _, snapshot in snapshots(load(name))
        for path, why in snapshot.unobserved.items()
        if why.reason is UnobservedReason.UNREADABLE
    }

    assert unreadable == {
        ("popeye/apps__dp__1.yaml", path)
        for path in ("observed_generation_current", "rollout_in_progress", "updated_pods")
    }


STATUS = {
    "troubleshoot/files__pods__message-container-creating-failed-mount.json": "ContainerCreating",
    "troubleshoot/files__pods__message-oomkill-pod.json": "OOMKilled",
    "troubleshoot/files__pods__message-pending-pod-resources.json": "Pending",
    "troubleshoot/files__pods__message-pod-init-crashloop-backoff.json": "Init:RunContainerError",
    "gitops-engine-health/testdata__pod-crashloop.yaml": "CrashLoopBackOff",
    "gitops-engine-health/testdata__pod-error.yaml": "Error",
    "gitops-engine-health/testdata__pod-imagepullbackoff.yaml": "ImagePullBackOff",
    "gitops-engine-health/testdata__pod-running-not-ready.yaml": "Running",
    "gitops-engine-health/testdata__pod-succeeded.yaml": "Completed",
    "insights-operator/pod__di-288312__vsystem-867f4b77cc-pqcns.json": "Init:CrashLoopBackOff",
    "insights-operator/pod__openshift-ingress__router-default-7bbdcfcf9b-7xdln.json": "Pending",
    "k9s/render__testdata__po_sidecar.json": "Running",
}


@pytest.mark.parametrize("name", sorted(STATUS))
def test_status_of_real_pods(name):
    (pod,) = load(name).of("Pod")

    assert shown(pod).status == STATUS[name]


def test_a_stuck_rollout():
    (found,) = snapshots(
        load(
            "holmesgpt/test_investigate__10_KubeDeploymentReplicasMismatch__kubectl_get_yaml_deployment_user-profile-resources_default.txt"
        )
    )
    facts = found[1].facts

    assert facts["progress_deadline_exceeded"] is True
    assert facts["conditions"] == {"Available": False, "Progressing": False, "ReplicaFailure": False}
    assert (facts["required_cpu_per_pod"], facts["required_memory_per_pod"]) == ("3000m", "5120Mi")


def test_a_pod_that_fits_nowhere():
    (found,) = snapshots(load("troubleshoot/files__pods__message-pending-pod-resources.json"))

    assert found[0] == Target(namespace="message-pending-pod-resources", name="pending-pod-resources")
    assert found[1].facts["unschedulable_pods"] == 1
    assert found[1].facts["ready_pods"] == 0


def test_deployments_of_a_whole_cluster_by_their_pods():
    objects = load("nri-kubernetes/data__1_35__pods.yaml")

    assert {str(target): snapshot.facts["ready_pods"] for target, snapshot in snapshots(objects)} == {
        "Deployment kube-system/coredns": 1,
        "Deployment kube-system/metrics-server": 1,
        "Deployment scraper/e2e-deployment": 2,
        "Deployment scraper/e2e-hpa": 1,
        "Deployment scraper/e2e-kube-state-metrics": 1,
        "Deployment scraper/e2e-scraper": 1,
    }


def test_real_nodes_report_ki_and_are_read():
    objects = load("nri-kubernetes/data__1_31__nodes.yaml")

    snapshot = extract(objects, Target(namespace="x", name="y"), {}, now=latest_time(objects))

    assert snapshot.facts["ready_nodes"] == 1
    assert snapshot.facts["available_memory"].endswith("Mi")
    assert int(snapshot.facts["available_memory"].removesuffix("Mi")) > 1000
