"""Properties of the whole: order never matters, nothing raises, nothing gets lost."""

import copy

from helpers.kube_objects import (
    bare_pod,
    budget,
    container,
    container_status,
    deployment,
    event,
    hpa,
    node,
    pod,
    pod_metrics,
    pod_template,
    quota,
    replica_set,
    terminated,
    waiting,
)
from helpers.looking import NOW, WEB, WEB_POD, look
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kubernaut.facts.baseline import Baseline
from kubernaut.facts.definitions import RIGHTS
from kubernaut.facts.dumps import latest_time, missing_kinds, targets_in
from kubernaut.facts.extract import extract, objects_read, take_baseline
from kubernaut.facts.objects import ObjectSet
from kubernaut.facts.registry import REGISTRY

ASKS = [container(requests={"cpu": "500m", "memory": "1Gi"}, limits={"memory": "2Gi"}, ports=[{"containerPort": 80}])]
SPEC = {
    "containers": ASKS,
    "initContainers": [{**container("mesh", requests={"cpu": "100m"}), "restartPolicy": "Always"}, container("setup")],
    "imagePullSecrets": [{"name": "registry"}],
    "tolerations": [{"key": "spot", "operator": "Exists"}],
    "nodeSelector": {"zone": "a"},
    "overhead": {"cpu": "10m"},
    "affinity": {
        "nodeAffinity": {
            "requiredDuringSchedulingIgnoredDuringExecution": {
                "nodeSelectorTerms": [{"matchExpressions": [{"key": "zone", "operator": "In", "values": ["a"]}]}]
            }
        },
        "podAntiAffinity": {
            "requiredDuringSchedulingIgnoredDuringExecution": [
                {"topologyKey": "kubernetes.io/hostname", "labelSelector": {"matchLabels": {"app": "web"}}}
            ]
        },
    },
}
TARGET = deployment(template=pod_template(**SPEC))
SET = replica_set(owner=TARGET)
CRASHING = pod(
    "web-b",
    owner=SET,
    node="node-2",
    spec=SPEC,
    ready=False,
    statuses=[container_status(state=waiting("CrashLoopBackOff"), last=terminated("OOMKilled", code=137), restarts=3)],
    init_statuses=[
        container_status("mesh", started=True),
        container_status("setup", state=terminated("Completed", code=0)),
    ],
)
WORLD = [
    TARGET,
    SET,
    pod("web-a", owner=SET, spec=SPEC),
    CRASHING,
    pod("web-c", owner=SET, spec=SPEC, node=None, phase="Pending", statuses=[]),
    bare_pod("agent", node="node-1", requests={"cpu": "1"}),
    node("node-1", labels={"zone": "a"}),
    node("node-2", labels={"zone": "a"}, taints=[{"key": "spot", "effect": "NoSchedule"}]),
    node("node-3", labels={"zone": "a"}, unschedulable=True),
    node("node-4", labels={"zone": "a"}),
    event("Failed", about=CRASHING, message="401 Unauthorized"),
    pod_metrics("web-a"),
    pod_metrics("web-b"),
    hpa(),
    quota({"pods": "9", "requests.cpu": "8"}, {"pods": "3", "requests.cpu": "2"}),
    budget(),
    replica_set(owner=TARGET, template_hash="0ld", uid="rs-0", template=pod_template(), revision="1"),
]
TARGETS = st.sampled_from((WEB, WEB_POD))


def every_fact_is_somewhere(snapshot):
    return all((name in snapshot.facts) != (name in snapshot.unobserved) for name in REGISTRY)


def test_a_whole_world():
    snapshot = look(*WORLD)

    assert {
        name: snapshot.facts[name]
        for name in (
            "schedulable_replicas",
            "quota_replicas",
            "matching_nodes",
            "ready_nodes",
            "available_cpu",
            "running_pods",
            "hpa_found",
        )
    } == {
        # One of the four nodes is cordoned, two hold a pod of the target, and one of its pods waits for the fourth.
        "schedulable_replicas": 0,
        "quota_replicas": 6,
        "matching_nodes": 3,
        "ready_nodes": 4,
        "available_cpu": "9780m",
        "running_pods": 2,
        "hpa_found": True,
    }
    assert every_fact_is_somewhere(snapshot)


@settings(max_examples=30, deadline=None)
@given(st.permutations(WORLD), TARGETS)
def test_the_order_of_objects_never_matters(objects, target):
    assert look(*objects, target=target) == look(*WORLD, target=target)


@settings(deadline=None)
@given(st.sets(st.sampled_from(sorted(RIGHTS))), st.sets(st.integers(0, len(WORLD) - 1)), TARGETS)
def test_every_fact_is_a_value_or_unobserved(hidden, kept, target):
    snapshot = look(*(WORLD[index] for index in kept), unavailable=hidden, target=target)

    assert every_fact_is_somewhere(snapshot)


@settings(deadline=None)
@given(st.sets(st.sampled_from(sorted(RIGHTS)), min_size=1), TARGETS)
def test_hiding_kinds_never_invents_a_value(hidden, target):
    everything, less = look(*WORLD, target=target), look(*WORLD, unavailable=hidden, target=target)

    for name in set(less.facts) - {"pods", "target_pod", "parameters"}:
        # With fewer rights a fact may fall back on other evidence; here all evidence agrees, but for tolerations.
        if name not in ("available_cpu", "available_memory", "updated_pods"):
            assert less.facts[name] == everything.facts[name], name


WHATEVER = st.sampled_from(
    [
        None,
        0,
        -1,
        1.5,
        True,
        "",
        "x",
        "10",
        "-1",
        [],
        {},
        [None],
        [1],
        [[]],
        {"a": 1},
        {"name": 1},
        2**70,
        "2024-01-01T00:00:00Z",
    ]
)


def places(value, path=()):
    if isinstance(value, dict):
        for key, below in value.items():
            yield (*path, key)
            yield from places(below, (*path, key))
    elif isinstance(value, list):
        for index, below in enumerate(value):
            yield (*path, index)
            yield from places(below, (*path, index))


PLACES = sorted({(number, *path) for number, item in enumerate(WORLD) for path in places(item)}, key=str)


def mutilate(world, path, value, *, remove):
    here = world
    for part in path[:-1]:
        if (
            not isinstance(here, dict | list)
            or (isinstance(here, list) and not (isinstance(part, int) and part < len(here)))
            or (isinstance(here, dict) and part not in here)
        ):
            return
        here = here[part]
    last = path[-1]
    if (isinstance(here, dict) and last in here) or (
        isinstance(here, list) and isinstance(last, int) and last < len(here)
    ):
        if remove:
            del here[last]
        else:
            here[last] = value


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.lists(st.tuples(st.sampled_from(PLACES), WHATEVER, st.booleans()), min_size=1, max_size=4),
    st.booleans(),
    TARGETS,
)
def test_mutilated_objects_never_raise_and_lose_no_fact(cuts, ended, target):
    world = copy.deepcopy(WORLD)
    for path, value, remove in cuts:
        mutilate(world, path, value, remove=remove)
    objects = ObjectSet.from_objects(world)

    baseline = take_baseline(objects, target)
    snapshot = extract(
        objects,
        target,
        {"deployment": {"replicas": 5}},
        now=NOW,
        baseline=baseline,
        action_ended_at=NOW if ended else None,
    )

    assert every_fact_is_somewhere(snapshot)
    objects_read(objects, target)
    latest_time(objects)
    assert Baseline.from_json(baseline.to_json()) == baseline
    for kind in ("Deployment", "Pod"):
        for one in targets_in(objects, kind):
            missing_kinds(objects, one)


def test_extraction_changes_nothing_of_what_it_reads():
    world = copy.deepcopy(WORLD)
    look(*world)

    assert world == WORLD
