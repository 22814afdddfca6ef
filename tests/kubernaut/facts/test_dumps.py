from datetime import UTC, datetime

from helpers.kube_objects import bare_pod, deployment, event, hpa, node, pod, pod_metrics, replica_set
from helpers.looking import WEB

from kubernaut.facts.definitions import ALL_PODS, RIGHTS
from kubernaut.facts.dumps import latest_time, missing_kinds, targets_in
from kubernaut.facts.objects import ObjectSet
from kubernaut.facts.snapshot import UnobservedReason


def missing(*objects, **more):
    return set(missing_kinds(ObjectSet.from_objects(objects), WEB, **more))


def test_an_empty_dump_tells_nothing():
    assert missing() == set(RIGHTS)


def test_the_users_word_counts():
    assert missing(complete=RIGHTS) == set()
    assert missing(complete=["Node"]) == set(RIGHTS) - {"Node"}


def test_what_is_there_is_told():
    everything = [
        deployment(),
        replica_set(),
        pod(),
        bare_pod("x", node="n"),
        node(),
        hpa(),
        pod_metrics(),
        event("Failed", about=pod()),
    ]

    assert missing(*everything) == {"ResourceQuota", "PodDisruptionBudget"}


def test_an_empty_typed_list_is_an_answer():
    empty = [{"kind": f"{kind}List", "items": []} for kind in ("Pod", "Node", "Deployment", "Event", "PodMetrics")]

    assert missing(*empty) == {
        "ReplicaSet",
        ALL_PODS,
        "HorizontalPodAutoscaler",
        "ResourceQuota",
        "PodDisruptionBudget",
    }


def test_another_workloads_replica_sets_are_no_answer():
    stranger = replica_set(owner=deployment(name="db", uid="d-2"))

    assert "ReplicaSet" in missing(deployment(), stranger)


def test_one_namespace_is_not_all():
    assert ALL_PODS in missing(pod())
    assert ALL_PODS not in missing(pod(), bare_pod("x", node="n"))
    assert {"Deployment", "Pod"} <= missing(bare_pod("x", node="n"), deployment(namespace="other"))


def test_why():
    found = missing_kinds(ObjectSet.from_objects([]), WEB)

    assert found["Node"].reason is UnobservedReason.NOT_PROVIDED
    assert found["Node"].detail == "the dump has no Nodes"
    assert found["PodMetrics"].detail == "the dump has no PodMetrics of namespace shop"
    assert found["Pod"].detail == "the dump has no Pods of namespace shop"
    assert found[ALL_PODS].detail == "the dump has no pods of other namespaces"


def test_targets():
    def targets(*objects):
        return [(target.namespace, target.name) for target in targets_in(ObjectSet.from_objects(objects))]

    assert targets(deployment(), pod(), bare_pod("x", node="n")) == [("shop", "web")]
    assert targets(pod()) == [("shop", "web")]
    assert targets(pod(labels={})) == []
    assert targets(pod(labels={"pod-template-hash": "else"})) == []


def test_the_latest_instant():
    def latest(*objects):
        return latest_time(ObjectSet.from_objects(objects))

    assert latest() is None
    assert latest(node()) is None
    assert latest(pod(), replica_set()) == datetime(2024, 1, 1, tzinfo=UTC)
    assert latest(pod(), pod_metrics()) == datetime(2024, 1, 1, 0, 59, 30, tzinfo=UTC)
    broken = {**pod_metrics(), "timestamp": "lately"}
    assert latest(broken) is None
