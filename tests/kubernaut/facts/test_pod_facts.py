from datetime import timedelta

import pytest
from helpers.kube_objects import (
    container,
    container_status,
    deployment,
    pod,
    pod_metrics,
    pod_template,
    replica_set,
    terminated,
    waiting,
)
from helpers.looking import FORBIDDEN, NOW, WEB, look, why

from kubernaut.errors import FactsError
from kubernaut.facts.baseline import Baseline
from kubernaut.facts.extract import extract, objects_read, take_baseline
from kubernaut.facts.objects import ObjectSet
from kubernaut.facts.snapshot import Unobserved, UnobservedReason

RS = replica_set()


def names(snapshot):
    return [element["name"] for element in snapshot.facts["pods"]]


def test_pods_by_owner_reference_not_by_labels():
    stranger_set = replica_set(owner=deployment(name="canary", uid="d-2"), uid="rs-2")
    stranger = pod("canary-a", owner=stranger_set, labels=dict(RS["metadata"]["labels"]))

    assert names(look(deployment(), RS, stranger_set, pod("web-b"), pod("web-a"), stranger)) == [
        "web-a",
        "web-b",
    ]


def test_uid_decides_over_name():
    former = replica_set(owner=deployment(uid="deleted"), uid="rs-old", template_hash="aaaa")
    leftover = pod("web-old", owner=former)

    assert names(look(deployment(), former, RS, pod(), leftover)) == ["web-a"]


def test_names_stand_for_uids_that_a_dump_lacks():
    web, rs, one = deployment(), replica_set(), pod()
    for item in (web, rs, one):
        del item["metadata"]["uid"]
        for reference in item["metadata"].get("ownerReferences", []):
            del reference["uid"]

    assert names(look(web, rs, one)) == ["web-a"]


def test_without_replica_sets_the_controllers_naming_decides():
    other = pod("web-x", owner={**RS, "metadata": {**RS["metadata"], "name": "web-admin-7d9c"}})
    unlabelled = pod("web-y", labels={})
    unowned = pod("web-z")
    del unowned["metadata"]["ownerReferences"]

    snapshot = look(deployment(), pod(), other, unlabelled, unowned, unavailable=["ReplicaSet"])

    assert names(snapshot) == ["web-a"]


def test_without_replica_sets_the_selector_must_match_too():
    foreign = pod(labels={"app": "else", "pod-template-hash": "7d9c"})

    assert names(look(deployment(), foreign, unavailable=["ReplicaSet"])) == []


def test_without_the_deployment_its_pods_still_name_it():
    snapshot = look(pod(), unavailable=["ReplicaSet", "Deployment"])

    assert names(snapshot) == ["web-a"]
    assert snapshot.facts["running_pods"] == 1
    assert "deployment_found" in snapshot.unobserved


def test_without_deployment_and_pods_nobody_knows():
    snapshot = look(unavailable=["Deployment"])

    assert why(snapshot, "pods") == (
        UnobservedReason.NOT_PROVIDED,
        "no pod names Deployment shop/web by its owner, and the Deployment itself was not read",
    )


def test_replica_sets_of_others_are_not_ours():
    unowned = replica_set(uid="rs-9", template_hash="9999")
    del unowned["metadata"]["ownerReferences"]

    assert names(look(deployment(), RS, unowned, pod(), pod("x", owner=unowned))) == ["web-a"]


def test_no_pods_is_an_empty_list_and_an_unreadable_list_is_none():
    assert look(deployment(), RS).facts["pods"] == []
    assert look(deployment(), RS).facts["total_pods"] == 0

    snapshot = look(deployment(), RS, pod(), unavailable=["Pod"])

    for name in (
        "pods",
        "total_pods",
        "running_pods",
        "ready_pods",
        "terminating_pods",
        "unschedulable_pods",
    ):
        assert snapshot.unobserved[name] == FORBIDDEN, name


def test_a_pod_without_identity_spoils_the_list():
    snapshot = look(deployment(), RS, pod(), {"kind": "Pod", "metadata": {"labels": {}}})

    assert why(snapshot, "pods") == (UnobservedReason.UNREADABLE, "Pod without a name")
    assert why(snapshot, "available_cpu") == (UnobservedReason.UNREADABLE, "Pod without a name")


def test_counts():
    unschedulable = [{"type": "PodScheduled", "status": "False", "reason": "Unschedulable"}]
    snapshot = look(
        deployment(),
        RS,
        pod("a"),
        pod("b", ready=False),
        pod("c", phase="Pending", ready=False, node=None, conditions=unschedulable, statuses=[]),
        pod("d", terminating=True),
        pod("e", phase="Failed", ready=False, status={"reason": "Evicted"}),
    )

    assert {
        name: snapshot.facts[name]
        for name in ("total_pods", "running_pods", "ready_pods", "terminating_pods", "unschedulable_pods")
    } == {
        "total_pods": 3,
        "running_pods": 2,
        "ready_pods": 1,
        "terminating_pods": 1,
        "unschedulable_pods": 1,
    }
    assert names(snapshot) == ["a", "b", "c", "e"]
    assert snapshot.facts["pods"][3]["status"] == "Evicted"


def test_updated_pods_are_those_of_the_current_template():
    web = deployment()
    old = replica_set(
        owner=web, template_hash="0000", uid="rs-0", template=pod_template(terminationGracePeriodSeconds=1)
    )

    snapshot = look(web, old, RS, pod("new"), pod("old-1", owner=old), pod("old-2", owner=old))

    assert snapshot.facts["updated_pods"] == 1
    assert snapshot.facts["total_pods"] == 3


def test_a_template_without_replica_set_has_no_pods_yet():
    web = deployment(template=pod_template(hostname="new"))

    assert look(web, replica_set(), pod()).facts["updated_pods"] == 0


def test_the_revision_decides_where_a_dump_altered_templates():
    web = deployment(template=pod_template(hostname="redacted"))
    web["metadata"]["annotations"] = {"deployment.kubernetes.io/revision": "4"}
    current = replica_set(owner=deployment(), revision="4")

    assert look(web, current, pod(owner=current)).facts["updated_pods"] == 1
    web["status"]["observedGeneration"] = 1
    assert look(web, current, pod(owner=current)).facts["updated_pods"] == 0


def test_updated_pods_without_replica_sets_are_what_the_deployment_says():
    web = deployment()
    web["status"]["updatedReplicas"] = 2
    assert look(web, pod(), unavailable=["ReplicaSet"]).facts["updated_pods"] == 2

    web["status"]["observedGeneration"] = 1
    snapshot = look(web, pod(), unavailable=["ReplicaSet"])
    assert why(snapshot, "updated_pods")[0] is UnobservedReason.NOT_PROVIDED


def test_one_pod():
    spec = {"containers": [container(limits={"memory": "300M"}), container("b", limits={"memory": "1Mi"})]}
    statuses = [container_status(restarts=2, state=waiting("CrashLoopBackOff")), container_status("b")]

    snapshot = look(
        deployment(),
        RS,
        pod(spec=spec, ready=False, statuses=statuses),
        pod_metrics(cpu="1500001n", memory="1025Ki"),
    )

    assert snapshot.facts["pods"] == [
        {
            "name": "web-a",
            "status": "CrashLoopBackOff",
            "phase": "Running",
            "ready": False,
            "restarts": 2,
            "restarts_since_baseline": 2,
            "oom_killed": False,
            "waiting_reason": "CrashLoopBackOff",
            "unschedulable": False,
            "node": "node-1",
            "cpu_usage": "2m",
            "memory_usage": "2Mi",
            "memory_limit": "287Mi",
        }
    ]


@pytest.mark.parametrize(
    ("spec", "limit"),
    [
        ({}, None),
        ({"containers": [container(limits={"memory": "1Gi"}), container("b")]}, None),
        ({"containers": [container(limits={"memory": "1Gi"})], "initContainers": [container("i")]}, "1024Mi"),
        (
            {
                "containers": [container(limits={"memory": "1Gi"})],
                "initContainers": [{**container("s", limits={"memory": "1Gi"}), "restartPolicy": "Always"}],
            },
            "2048Mi",
        ),
        ({"containers": [container()], "resources": {"limits": {"memory": "3Gi"}}}, "3072Mi"),
    ],
)
def test_memory_limit(spec, limit):
    assert look(deployment(), RS, pod(spec=spec)).facts["pods"][0]["memory_limit"] == limit


def test_an_unreadable_field_of_one_pod_is_one_path():
    broken = pod("b", statuses=[container_status(restarts=-1)])

    snapshot = look(deployment(), RS, pod("a"), broken, pod_metrics("a"), pod_metrics("b"))

    unobserved = {path for path in snapshot.unobserved if path.startswith("pods")}
    assert unobserved == {f"pods[1].{name}" for name in ("status", "restarts", "restarts_since_baseline", "oom_killed")}
    assert snapshot.facts["running_pods"] == 2
    assert snapshot.first_unobserved([("pods", "*", "status")])[0] == "pods[1].status"
    assert snapshot.first_unobserved([("pods", "*", "phase")]) is None


OOM = terminated("OOMKilled", code=137)
LATER_OOM = terminated("OOMKilled", code=137, at="2024-01-01T00:50:00Z")


def after(baseline_pods, *pods_now):
    before = ObjectSet.from_objects([deployment(replicas=2), RS, *baseline_pods])
    return look(deployment(), RS, *pods_now, baseline=take_baseline(before, WEB)).facts["pods"]


def test_restarts_count_from_the_baseline():
    before = pod(statuses=[container_status(restarts=40)])

    assert after([before], before)[0]["restarts_since_baseline"] == 0
    assert after([before], pod(statuses=[container_status(restarts=42)]))[0]["restarts_since_baseline"] == 2
    # A container made anew starts from 0: never negative.
    assert after([before], pod(statuses=[container_status(restarts=1)]))[0]["restarts_since_baseline"] == 0
    assert after([before], pod("new", statuses=[container_status(restarts=3)]))[0]["restarts_since_baseline"] == 3
    assert (
        after([before], pod(statuses=[container_status(restarts=40), container_status("b", restarts=5)]))[0][
            "restarts_since_baseline"
        ]
        == 5
    )


@pytest.mark.parametrize(
    ("before", "now", "killed"),
    [
        ({}, {}, False),
        ({}, {"last": OOM}, True),
        ({}, {"state": OOM}, True),
        ({"last": OOM}, {"last": OOM}, False),
        ({"state": OOM}, {"last": OOM}, False),
        ({"last": OOM}, {"last": LATER_OOM}, True),
        ({"last": OOM}, {"last": OOM, "state": LATER_OOM}, True),
        ({"last": OOM}, {"last": terminated("Error")}, False),
    ],
)
def test_oom_kills_count_from_the_baseline(before, now, killed):
    assert (
        after([pod(statuses=[container_status(**before)])], pod(statuses=[container_status(**now)]))[0]["oom_killed"]
        is killed
    )


def test_without_a_baseline_everything_counts():
    snapshot = look(deployment(), RS, pod(statuses=[container_status(restarts=40, last=OOM)]))

    assert snapshot.facts["pods"][0]["restarts_since_baseline"] == 40
    assert snapshot.facts["pods"][0]["oom_killed"] is True


def test_the_baseline_survives_the_runs_status():
    objects = ObjectSet.from_objects(
        [deployment(replicas=2), RS, pod(statuses=[container_status(restarts=4, last=OOM)])]
    )
    baseline = take_baseline(objects, WEB)

    assert baseline.replicas == 2
    assert Baseline.from_json(baseline.to_json()) == baseline

    blind = take_baseline(objects, WEB, unavailable={"Pod": FORBIDDEN, "Deployment": FORBIDDEN})

    assert blind == Baseline(replicas=None, unobserved=FORBIDDEN)
    assert Baseline.from_json(blind.to_json()) == blind


def test_a_blind_baseline_makes_what_rests_on_it_unobserved():
    snapshot = look(deployment(), RS, pod(), pod_metrics(), baseline=Baseline(unobserved=FORBIDDEN))

    assert snapshot.unobserved["pods[0].restarts_since_baseline"] == FORBIDDEN
    assert snapshot.unobserved["pods[0].oom_killed"] == FORBIDDEN
    assert snapshot.facts["pods"][0]["restarts"] == 0


def test_a_baseline_of_nothing():
    assert take_baseline(ObjectSet.from_objects([]), WEB) == Baseline()


def test_a_baseline_of_unreadable_pods_says_so():
    objects = ObjectSet.from_objects([deployment(), RS, pod(statuses=[container_status(restarts=-1)])])

    unobserved = take_baseline(objects, WEB).unobserved

    assert unobserved is not None
    assert unobserved.reason is UnobservedReason.UNREADABLE


@pytest.mark.parametrize(
    "value",
    [{"replicas": "3"}, {"containers": {"u": {"c": {"restarts": -1}}}}, {"unobserved": {"reason": "Whim"}}],
)
def test_a_baseline_that_is_none(value):
    with pytest.raises(FactsError, match="baseline"):
        Baseline.from_json(value)


def test_no_sample_is_unobserved_for_that_pod():
    snapshot = look(deployment(), RS, pod("a"), pod("b"), pod_metrics("a"))

    assert why(snapshot, "pods[1].cpu_usage") == (
        UnobservedReason.NOT_PROVIDED,
        "the metrics API has no sample of pod shop/b",
    )
    assert snapshot.facts["pods"][0]["cpu_usage"] == "250m"


@pytest.mark.parametrize(
    ("seconds", "fresh"),
    [(0, True), (5, True), (5.5, False), (60, False)],
)
def test_a_sample_must_begin_after_the_action(seconds, fresh):
    began = NOW - timedelta(seconds=45)  # the sample's timestamp minus its window
    snapshot = look(deployment(), RS, pod(), pod_metrics(), action_ended_at=began + timedelta(seconds=seconds))

    assert ("cpu_usage" in snapshot.facts["pods"][0]) is fresh
    if not fresh:
        assert why(snapshot, "pods[0].memory_usage")[0] is UnobservedReason.STALE


@pytest.mark.parametrize(
    "change",
    [
        {"timestamp": None},
        {"window": None},
        {"window": "soon"},
        {"timestamp": "soon"},
        {"timestamp": "0001-01-01T00:00:00Z", "window": "9000h"},
    ],
)
def test_a_sample_of_unknown_age_is_unreadable_after_an_action(change):
    sample = {**pod_metrics(), **change}

    assert "cpu_usage" in look(deployment(), RS, pod(), sample).facts["pods"][0]
    snapshot = look(deployment(), RS, pod(), sample, action_ended_at=NOW)
    assert why(snapshot, "pods[0].cpu_usage")[0] is UnobservedReason.UNREADABLE


@pytest.mark.parametrize("containers", [[], [{"name": "main"}], [{"usage": {"cpu": "1"}}], "none"])
def test_a_sample_without_usage_is_unreadable(containers):
    snapshot = look(deployment(), RS, pod(), {**pod_metrics(), "containers": containers})

    assert why(snapshot, "pods[0].memory_usage")[0] is UnobservedReason.UNREADABLE


def test_facts_of_prometheus_come_from_outside():
    objects = ObjectSet.from_objects([deployment()])
    stale = Unobserved(UnobservedReason.STALE, "no sample")

    def provided(value):
        return extract(objects, WEB, {}, now=NOW, provided=value)

    assert provided({"cpu_throttling_ratio": 0.25}).facts["cpu_throttling_ratio"] == 0.25
    assert provided({"cpu_throttling_ratio": stale}).unobserved["cpu_throttling_ratio"] == stale
    with pytest.raises(FactsError, match="running_pods: not a fact that Prometheus provides"):
        provided({"running_pods": 3})


def test_objects_read():
    objects = ObjectSet.from_objects([deployment(), RS, pod(), pod("d", terminating=True), pod_metrics()])

    read = objects_read(objects, WEB)

    assert [(item.kind, item.name, item.uid, item.resource_version) for item in read] == [
        ("Deployment", "web", "d-1", "9"),
        ("ReplicaSet", "web-7d9c", "rs-1", ""),
        ("Pod", "d", "uid-d", "5"),
        ("Pod", "web-a", "uid-web-a", "5"),
    ]
    assert objects_read(objects, WEB, unavailable={"Deployment": FORBIDDEN, "Pod": FORBIDDEN})[0].kind == "ReplicaSet"
