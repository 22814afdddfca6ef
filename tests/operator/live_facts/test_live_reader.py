"""Facts of real objects in a real API server, and what cannot be seen of them."""

import json
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from helpers.simulated_workloads import deploy, wait_for
from kubernaut_operator.live_facts.kinds import resource_of
from kubernaut_operator.live_facts.question import Question

from kubernaut.errors import UnreachableError
from kubernaut.facts.objects import Target
from kubernaut.facts.registry import REGISTRY
from kubernaut.facts.snapshot import UnobservedReason

pytestmark = [pytest.mark.xdist_group("cluster"), pytest.mark.cluster]


def ask(target, *reads, replicas=3, **more):
    parameters = {"deployment": {"name": target.name, "namespace": target.namespace, "replicas": replicas}}
    return Question(
        target=target, parameters=parameters, reads=tuple(tuple(r.split(".")) for r in reads) if reads else None, **more
    )


def why(reading, path):
    missing = reading.snapshot.unobserved[path]
    return missing.reason, missing.detail


def test_a_running_deployment_is_seen_whole(reader, web):
    reading = reader.read(ask(web))

    facts = reading.snapshot.facts
    assert facts["deployment_found"]
    assert facts["current_replicas"] == facts["running_pods"] == facts["ready_pods"] == facts["updated_pods"] == 2
    assert {pod["status"] for pod in facts["pods"]} == {"Running"}
    assert {pod["node"] for pod in facts["pods"]} == {"facts-node"}
    assert facts["conditions"] == {"Available": True, "Progressing": True, "ReplicaFailure": False}
    assert facts["schedulable_replicas"] == 1
    assert facts["matching_nodes"] == 1
    assert facts["quota_replicas"] is None
    assert facts["hpa_found"] is False
    assert facts["image_pull_secrets_valid"] is True
    assert facts["parameters"]["deployment"]["replicas"] == 3
    kinds = [version.kind for version in reading.objects]
    assert kinds.count("Deployment") == kinds.count("ReplicaSet") == 1
    assert kinds.count("Pod") == 2
    assert web.uid in {version.uid for version in reading.objects}
    assert all(version.resource_version for version in reading.objects)
    assert reading.began_at <= reading.read_at


def test_only_what_is_read_is_fetched(web, connect_as, make_reader):
    reader = make_reader(connect_as(("apps", "deployments")))

    reading = reader.read(ask(web, "deployment_found", "conditions.Available"))

    assert reading.snapshot.facts["deployment_found"] is True
    assert reading.snapshot.facts["conditions"]["Available"] is True
    assert reading.snapshot.unobserved == {}
    assert ("deployment_found",) in reading.snapshot.recorded
    assert [version.kind for version in reading.objects] == ["Deployment"]


def test_a_fact_read_alone_is_what_it_is_among_all(make_reader, api, cluster, web):
    at = datetime.now(UTC)
    reader = make_reader(api, clock=lambda: at)
    pod = json.loads(cluster.kubectl("get", "pods", "-n", web.namespace, "-o", "json"))["items"][0]["metadata"]
    for target in (web, Target(kind="Pod", namespace=web.namespace, name=pod["name"], uid=pod["uid"])):
        whole = reader.read(ask(target)).snapshot.facts
        for name in REGISTRY:
            alone = reader.read(ask(target, name))
            assert alone.snapshot.facts.get(name) == whole.get(name), name
            assert (name in alone.snapshot.facts) == (name in whole), name


def test_a_pods_deployment_is_found_by_its_name_where_replica_sets_may_not_be_read(
    cluster, web, connect_as, make_reader
):
    pod = json.loads(cluster.kubectl("get", "pods", "-n", web.namespace, "-o", "json"))["items"][0]["metadata"]
    target = Target(kind="Pod", namespace=web.namespace, name=pod["name"], uid=pod["uid"])
    reader = make_reader(connect_as(("", "pods"), ("apps", "deployments")))

    reading = reader.read(ask(target, "current_replicas", "workload_name", "pod_found"))

    assert reading.snapshot.facts["current_replicas"] == 2
    assert reading.snapshot.facts["workload_name"] == "web"
    gone = reader.read(ask(replace(target, name="ghost", uid=""), "current_replicas", "pod_found"))
    assert gone.snapshot.facts["pod_found"] is False
    assert why(gone, "current_replicas")[0] is UnobservedReason.NOT_PROVIDED


def test_what_the_account_may_not_read_is_unobserved_and_says_so(web, connect_as, make_reader):
    reader = make_reader(connect_as(("apps", "deployments"), ("apps", "replicasets")))

    reading = reader.read(ask(web, "deployment_found", "pods", "ready_nodes", "available_cpu"))

    assert reading.snapshot.facts["deployment_found"] is True
    assert why(reading, "pods") == (
        UnobservedReason.FORBIDDEN,
        f"the operator's account may not list pods in namespace {web.namespace}",
    )
    assert why(reading, "ready_nodes") == (
        UnobservedReason.FORBIDDEN,
        "the operator's account may not list nodes of the whole cluster",
    )
    assert why(reading, "available_cpu")[0] is UnobservedReason.FORBIDDEN


def test_a_token_that_is_no_longer_taken_is_told_from_a_missing_right(cluster, web, connect_as, make_reader):
    api = connect_as(("apps", "deployments"))
    cluster.kubectl("delete", "serviceaccount", "watcher", "-n", web.namespace)
    reader = make_reader(api)

    detail = wait_for(lambda: reader.read(ask(web, "deployment_found")).snapshot.unobserved.get("deployment_found"))

    assert detail.reason is UnobservedReason.FORBIDDEN
    assert "does not take the token" in detail.detail


def test_a_target_that_is_not_there_is_a_value(reader, namespace):
    reading = reader.read(
        ask(Target(namespace=namespace, name="ghost"), "deployment_found", "pods", "current_replicas")
    )

    assert reading.snapshot.facts["deployment_found"] is False
    assert reading.snapshot.facts["pods"] is None
    assert reading.snapshot.facts["current_replicas"] is None


def test_another_deployment_of_the_name_is_not_the_target(cluster, reader, web):
    cluster.kubectl("delete", "deployment", web.name, "-n", web.namespace, "--cascade=foreground")
    again = deploy(cluster, web.namespace)
    assert again.uid != web.uid

    assert reader.read(ask(web, "deployment_found", "pods")).snapshot.facts["deployment_found"] is False
    assert reader.read(ask(again, "deployment_found")).snapshot.facts["deployment_found"] is True
    seen = reader.read_target(web)
    assert (seen.found, seen.replaced, seen.uid, seen.manifest) == (False, True, "", None)


def test_what_pods_use_is_unobserved_where_nobody_measures_it(cluster, reader, web):
    measured = "metrics.k8s.io" in cluster.kubectl("api-versions")

    reading = reader.read(ask(web, "pods.*.memory_usage", "pods.*.status"))

    reason, detail = why(reading, "pods[0].memory_usage")
    if measured:
        # Nobody measures a simulated pod.
        assert reason is UnobservedReason.NOT_PROVIDED
    else:
        assert reason is UnobservedReason.API_MISSING
        assert detail == f"list pods.metrics.k8s.io in namespace {web.namespace}: the API server has no such API"
    assert reading.snapshot.facts["pods"][0]["status"] == "Running"


def test_a_hung_api_server_costs_no_more_than_the_limit(reader, web, stopped_server):
    stopped_server()
    began = time.monotonic()

    reading = reader.read(ask(web, "deployment_found", "ready_nodes", limit_s=1.0))

    assert time.monotonic() - began < 5
    assert why(reading, "deployment_found")[0] is UnobservedReason.TIMED_OUT
    assert "no answer within 1 s" in why(reading, "ready_nodes")[1]
    assert reading.objects == ()


def test_an_api_server_that_is_not_there_is_a_reason_too(cluster, web, tmp_path, make_reader):
    from kubernaut_operator.kernel.api import connect

    config = tmp_path / "nowhere"
    config.write_text(cluster.layout.kubeconfig.read_text().replace(f":{cluster.layout.ports['api']}", ":1"))
    config.chmod(0o600)
    reader = make_reader(connect(str(config)))

    reading = reader.read(ask(web, "deployment_found", limit_s=3.0))

    assert why(reading, "deployment_found")[0] is UnobservedReason.TIMED_OUT
    with pytest.raises(UnreachableError):
        reader.read_target(web)


def test_nodes_come_from_the_cache_before_the_action_and_anew_after_it(api, reader, web):
    def matching(**more):
        return reader.read(ask(web, "matching_nodes", **more)).snapshot.facts["matching_nodes"]

    before = matching()
    # Not by kubectl: what is cached is so for five seconds, and a busy machine takes as long to start a program.
    api.patch(resource_of("Node"), "facts-node", "", {"spec": {"unschedulable": True}})
    try:
        cached = matching()
        fresh = matching(action_ended_at=datetime.now(UTC))
        api.patch(resource_of("Node"), "facts-node", "", {"spec": {"unschedulable": None}})
        old = matching(action_ended_at=datetime.now(UTC), max_age_s=4.0)
    finally:
        api.patch(resource_of("Node"), "facts-node", "", {"spec": {"unschedulable": None}})

    assert (before, cached, fresh, old) == (1, 1, 0, 0)


def test_the_targets_own_pods_never_come_from_the_cache(cluster, reader, web):
    assert len(reader.read(ask(web, "pods", "available_cpu")).snapshot.facts["pods"]) == 2
    cluster.kubectl("scale", "deployment", web.name, "-n", web.namespace, "--replicas=1")
    pods = ("get", "pods", "-n", web.namespace, "-o", "name")
    wait_for(lambda: len(cluster.kubectl(*pods).split()) == 1)

    again = reader.read(ask(web, "pods", "available_cpu", max_age_s=5.0))

    assert len(again.snapshot.facts["pods"]) == 1


def test_a_baseline_makes_restarts_count_from_before_the_action(reader, web):
    baseline = reader.take_baseline(web)

    assert baseline.replicas == 2
    assert len(baseline.containers) == 2
    assert baseline.unobserved is None
    pods = reader.read(ask(web, "pods", baseline=baseline)).snapshot.facts["pods"]
    assert [pod["restarts_since_baseline"] for pod in pods] == [0, 0]


def test_the_target_is_read_with_what_the_action_needs_beside_it(reader, web):
    seen = reader.read_target(web, related=["ReplicaSet"])

    assert seen.found
    assert seen.uid == web.uid
    assert seen.generation == 1
    assert seen.resource_version == seen.manifest["metadata"]["resourceVersion"]
    assert seen.objects.find(web).uid == web.uid
    assert [item.owner.uid for item in seen.objects.of("ReplicaSet")] == [web.uid]


def test_events_of_pods_are_evidence(cluster, api, reader, namespace, simulated_node):
    target = deploy(cluster, namespace, name="secretive", replicas=1, imagePullSecrets=[{"name": "missing"}])
    pod = json.loads(cluster.kubectl("get", "pods", "-n", namespace, "-o", "json"))["items"][0]
    now = datetime.now(UTC)
    for reason, kind in (("FailedToRetrieveImagePullSecret", "Warning"), ("Pulled", "Normal")):
        event = {
            "apiVersion": "v1",
            "kind": "Event",
            "metadata": {"name": f"it-{reason.lower()}", "namespace": namespace},
            "involvedObject": {
                "kind": "Pod",
                "name": pod["metadata"]["name"],
                "namespace": namespace,
                "uid": pod["metadata"]["uid"],
            },
            "reason": reason,
            "type": kind,
            "message": "Unable to retrieve some image pull secrets (missing)",
            "lastTimestamp": (now - timedelta(seconds=5)).strftime("%Y-%m-%dT%H:%M:%SZ"),
        }
        cluster.kubectl("create", "-f", "-", stdin=json.dumps(event))

    facts = reader.read(ask(target, "image_pull_secrets_exist", "image_pull_secrets_valid")).snapshot.facts

    assert facts["image_pull_secrets_exist"] is False
    assert facts["image_pull_secrets_valid"] is False
