"""Facts of a target that is a Pod: the pod, what it belongs to, who serves beside it, what came in its place."""

from datetime import timedelta

import pytest
from helpers.kube_objects import (
    bare_pod,
    budget,
    container_status,
    deployment,
    hpa,
    pod,
    pod_template,
    replica_set,
    waiting,
)
from helpers.looking import FORBIDDEN, NOW, WEB_POD, look, why
from hypothesis import given
from hypothesis import strategies as st

from kubernaut.facts.baseline import Baseline, PodBaseline
from kubernaut.facts.extract import objects_read, take_baseline
from kubernaut.facts.objects import ObjectSet, Owner, Target
from kubernaut.facts.registry import REGISTRY
from kubernaut.facts.snapshot import UnobservedReason

RS = replica_set()
WORLD = (deployment(), RS, pod("web-a", ready=False), pod("web-b"), pod("web-c"))


def seen(*objects, **more):
    return look(*objects, **{"target": WEB_POD, **more})


def facts(*objects, **more):
    return seen(*objects, **more).facts


def owned(kind, name="web", uid="o-1"):
    return {"apiVersion": "apps/v1", "kind": kind, "metadata": {"name": name, "uid": uid, "labels": {"app": "web"}}}


def before(*objects, target=WEB_POD):
    return take_baseline(ObjectSet.from_objects(objects), target)


def test_a_sick_pod_and_its_deployment():
    sick = pod("web-a", ready=False, statuses=[container_status(state=waiting("CrashLoopBackOff"), restarts=7)])
    sick["metadata"]["creationTimestamp"] = (NOW - timedelta(minutes=5)).isoformat()
    sick["status"]["qosClass"] = "Burstable"
    sick["spec"]["priority"] = 100

    found = facts(deployment(), RS, sick, pod("web-b"))

    assert found["pod_found"] is True
    assert found["pod_name"] == "web-a"
    assert {name: found["target_pod"][name] for name in ("ready", "status", "restarts", "waiting_reason", "node")} == {
        "ready": False,
        "status": "CrashLoopBackOff",
        "restarts": 7,
        "waiting_reason": "CrashLoopBackOff",
        "node": "node-1",
    }
    assert (found["target_pod"]["age_s"], found["target_pod"]["terminating"]) == (300, False)
    assert (found["target_pod"]["qos_class"], found["target_pod"]["priority"]) == ("Burstable", 100)
    assert found["target_pod"]["controller_kind"] == "ReplicaSet"
    assert (found["workload_kind"], found["workload_name"]) == ("Deployment", "web")
    assert (found["deployment_found"], found["current_replicas"], found["rollout_in_progress"]) == (True, 3, False)
    assert [one["name"] for one in found["pods"]] == ["web-a", "web-b"]


def test_a_pod_that_is_not_there_is_a_value_and_its_workload_nobodys_guess():
    snapshot = seen(deployment(), RS, pod("web-b"))

    assert snapshot.facts["pod_found"] is False
    for name in ("target_pod", "pod_will_be_recreated", "disruption_budgets", "disruptions_allowed"):
        assert name in snapshot.facts, name
        assert snapshot.facts[name] is None, name
    for name in ("workload_kind", "ready_peer_pods", "deployment_found", "rollout_in_progress", "pods"):
        assert why(snapshot, name) == (
            UnobservedReason.NOT_PROVIDED,
            "Pod shop/web-a is not there, and nothing tells what it belonged to",
        ), name


def test_another_pod_of_the_same_name_is_not_the_target():
    pinned = Target(kind="Pod", namespace="shop", name="web-a", uid="older")

    assert facts(*WORLD, target=pinned)["pod_found"] is False


def test_facts_of_a_pod_are_not_told_of_a_deployment():
    snapshot = look(*WORLD)

    for name, fact in REGISTRY.items():
        if fact.about == ("Pod",):
            assert why(snapshot, name) == (
                UnobservedReason.NOT_PROVIDED,
                "it is told of a Pod, and the target is a Deployment",
            ), name
    assert why(seen(*WORLD), "deployment_name")[0] is UnobservedReason.NOT_PROVIDED


def test_fields_that_cannot_be_seen_cost_only_themselves():
    snapshot = seen(*WORLD)

    assert why(snapshot, "target_pod.age_s") == (
        UnobservedReason.UNREADABLE,
        "Pod shop/web-a: metadata.creationTimestamp is missing",
    )
    assert why(snapshot, "target_pod.qos_class")[0] is UnobservedReason.NOT_PROVIDED
    assert snapshot.first_unobserved([("target_pod", "ready")]) is None
    assert snapshot.first_unobserved([("target_pod", "age_s")]) is not None


@pytest.mark.parametrize(
    ("kind", "again"),
    [("StatefulSet", True), ("DaemonSet", True), ("ReplicationController", True), ("Node", False)],
)
def test_controllers_that_make_a_pod_anew(kind, again):
    assert facts(pod(owner=owned(kind)))["pod_will_be_recreated"] is again


def test_nobody_knows_of_other_controllers_and_nothing_makes_a_bare_pod_anew():
    assert why(seen(pod(owner=owned("Job"))), "pod_will_be_recreated") == (
        UnobservedReason.NOT_PROVIDED,
        "whether a Job makes its pods anew is not known",
    )
    alone = facts(bare_pod("web-a", node="n", namespace="shop"))
    assert alone["pod_will_be_recreated"] is False
    for name in ("workload_kind", "workload_name", "peer_pods", "ready_peer_pods", "pods"):
        assert alone[name] is None, name
    assert alone["deployment_found"] is False


@given(
    wanted=st.integers(0, 4),
    others=st.lists(st.sampled_from(("serving", "terminating", "finished")), max_size=4),
    terminating=st.booleans(),
)
def test_a_replica_set_makes_a_pod_anew_when_it_then_has_too_few(wanted, others, terminating):
    makes = replica_set()
    makes["spec"]["replicas"] = wanted
    if terminating:
        makes["metadata"]["deletionTimestamp"] = "2024-01-01T00:10:00Z"
    rest = [
        pod(f"web-{n}", terminating=state == "terminating", phase="Failed" if state == "finished" else "Running")
        for n, state in enumerate(others)
    ]

    left = others.count("serving")
    assert facts(makes, pod("web-a"), *rest)["pod_will_be_recreated"] is (not terminating and left < wanted)


def test_a_replica_set_that_is_gone_makes_nothing_and_one_not_read_is_not_known():
    assert facts(pod())["pod_will_be_recreated"] is False
    assert seen(pod(), unavailable=["ReplicaSet"]).unobserved["pod_will_be_recreated"] == FORBIDDEN


def test_the_way_up_without_replica_sets_goes_by_their_naming():
    hidden = {"unavailable": ["ReplicaSet"]}

    found = facts(deployment(), pod(), pod("web-b"), **hidden)
    assert (found["workload_kind"], found["workload_name"], found["ready_peer_pods"]) == ("Deployment", "web", 1)
    assert why(seen(pod(labels={}), **hidden), "workload_kind") == (
        UnobservedReason.NOT_PROVIDED,
        "ReplicaSet shop/web-7d9c, which made web-a, was not read",
    )


def test_the_workload_may_be_something_else_than_a_deployment():
    alone = replica_set()
    del alone["metadata"]["ownerReferences"]
    sets = owned("StatefulSet")

    assert facts(alone, pod())["workload_kind"] == "ReplicaSet"
    found = facts(pod(owner=sets), pod("web-1", owner=sets), pod("db-0", owner=owned("StatefulSet", "db", "o-2")))
    assert (found["workload_kind"], found["workload_name"], found["peer_pods"]) == ("StatefulSet", "web", 1)
    assert found["deployment_found"] is False
    assert found["running_pods"] is None
    assert found["rollout_in_progress"] is None


def test_the_autoscaler_of_the_workload():
    assert facts(*WORLD, hpa())["hpa_max_replicas"] == 9
    assert facts(bare_pod("web-a", node="n", namespace="shop"), hpa())["hpa_found"] is False


@given(
    st.lists(
        st.tuples(st.booleans(), st.booleans(), st.sampled_from(("Running", "Pending", "Failed")), st.booleans()),
        max_size=5,
    )
)
def test_peers_are_the_others_that_count_and_serve(rest):
    old = replica_set(template_hash="0ld", uid="rs-0", template=pod_template(hostname="old"))
    others = [
        pod(f"web-{n}", ready=ready, terminating=terminating, phase=phase, owner=old if of_old else RS)
        for n, (ready, terminating, phase, of_old) in enumerate(rest)
    ]

    found = facts(deployment(), RS, old, pod("web-a"), *others)

    counting = [(ready, phase) for ready, terminating, phase, _ in rest if not terminating and phase != "Failed"]
    assert found["peer_pods"] == len(counting)
    assert found["ready_peer_pods"] == sum(ready for ready, _ in counting)


def test_budgets_that_select_the_pod():
    found = facts(
        *WORLD,
        budget(name="all", selector={}, allowed=2),
        budget(name="mine", allowed=0, healthy=2, desired=2),
        budget(name="other", selector={"matchLabels": {"app": "db"}}, allowed=0),
    )

    assert found["disruption_budgets"] == [
        {"name": "all", "disruptions_allowed": 2, "current_healthy": 3, "desired_healthy": 2},
        {"name": "mine", "disruptions_allowed": 0, "current_healthy": 2, "desired_healthy": 2},
    ]
    assert found["disruptions_allowed"] == 0


def test_no_budget_is_a_value_and_one_without_a_selector_selects_nothing():
    none = budget()
    del none["spec"]["selector"]

    for objects in ((), (none,)):
        found = facts(*WORLD, *objects)
        assert (found["disruption_budgets"], found["disruptions_allowed"]) == ([], None)


def test_a_budget_whose_controller_is_behind_is_stale():
    snapshot = seen(*WORLD, budget(generation=3, observed=2))

    assert why(snapshot, "disruptions_allowed") == (
        UnobservedReason.STALE,
        "PodDisruptionBudget shop/web: its controller has not seen its latest spec",
    )
    assert snapshot.facts["disruption_budgets"] == [{"name": "web"}]
    assert why(snapshot, "disruption_budgets[0].disruptions_allowed")[0] is UnobservedReason.STALE


def test_a_budget_that_cannot_be_read_costs_only_what_rests_on_it():
    odd = budget(selector={"matchExpressions": [{"key": "app", "operator": "Like", "values": []}]})

    assert why(seen(*WORLD, odd), "disruptions_allowed")[0] is UnobservedReason.UNREADABLE
    assert why(seen(*WORLD, budget(allowed=None)), "disruptions_allowed")[1].endswith("disruptionsAllowed is missing")
    assert seen(*WORLD, unavailable=["PodDisruptionBudget"]).unobserved["disruptions_allowed"] == FORBIDDEN


def test_a_replacement_is_new_and_of_the_same_controller():
    looked = before(*WORLD)
    other = replica_set(template_hash="new", uid="rs-2", template=pod_template(hostname="new"))
    after = (deployment(), RS, other, pod("web-b"), pod("web-c"), pod("web-d"), pod("web-x", owner=other))

    found = facts(*after, pod("web-e", terminating=True), baseline=looked)

    assert found["pod_found"] is False
    assert [one["name"] for one in found["replacement_pods"]] == ["web-d"]
    assert found["replacement_pods"][0]["ready"] is True
    assert found["ready_peer_pods"] == 4
    assert found["workload_name"] == "web"


def test_a_stateful_sets_replacement_has_the_same_name_and_another_uid():
    sets = owned("StatefulSet")
    looked = before(pod(owner=sets), pod("web-1", owner=sets))
    again = pod(owner=sets)
    again["metadata"]["uid"] = "uid-again"

    during = facts(pod(owner=sets, terminating=True), pod("web-1", owner=sets), baseline=looked)
    after = facts(again, pod("web-1", owner=sets), baseline=looked)

    assert (during["pod_found"], during["target_pod"]["terminating"], during["replacement_pods"]) == (True, True, [])
    assert (after["pod_found"], after["target_pod"], after["ready_peer_pods"]) == (False, None, 2)
    assert [one["name"] for one in after["replacement_pods"]] == ["web-a"]


def test_without_the_look_before_nobody_knows_what_is_new():
    assert why(seen(*WORLD), "replacement_pods")[0] is UnobservedReason.NOT_PROVIDED
    assert seen(*WORLD, baseline=Baseline(unobserved=FORBIDDEN)).unobserved["replacement_pods"] == FORBIDDEN
    alone = bare_pod("web-a", node="n", namespace="shop")
    assert facts(alone, baseline=before(alone))["replacement_pods"] is None


def test_the_look_before_survives_the_runs_status():
    looked = before(*WORLD)

    assert looked.pod == PodBaseline(
        uid="uid-web-a",
        controller=Owner(kind="ReplicaSet", name="web-7d9c", uid="rs-1"),
        workload=Target(kind="Deployment", namespace="shop", name="web", uid="d-1"),
    )
    assert set(looked.containers) == {"uid-web-a", "uid-web-b", "uid-web-c"}
    assert looked.replicas == 3
    assert Baseline.from_json(looked.to_json()) == looked
    alone = before(bare_pod("web-a", node="n", namespace="shop"))
    assert alone.pod == PodBaseline(uid="uid-web-a")
    assert set(alone.containers) == {"uid-web-a"}
    assert Baseline.from_json(alone.to_json()) == alone


def test_a_look_before_that_saw_no_pod():
    assert before(deployment(), RS).pod is None
    blind = take_baseline(ObjectSet.from_objects(WORLD), WEB_POD, unavailable={"Pod": FORBIDDEN})
    assert (blind.pod, blind.unobserved) == (None, FORBIDDEN)


def test_what_the_facts_rest_on():
    objects = ObjectSet.from_objects([*WORLD, budget(), budget(name="db", selector={"matchLabels": {"app": "db"}})])

    read = [(one.kind, one.name) for one in objects_read(objects, WEB_POD)]

    assert read == [
        ("Pod", "web-a"),
        ("Deployment", "web"),
        ("ReplicaSet", "web-7d9c"),
        ("Pod", "web-b"),
        ("Pod", "web-c"),
        ("PodDisruptionBudget", "web"),
    ]
