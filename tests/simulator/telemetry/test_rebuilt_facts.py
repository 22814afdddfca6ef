"""Objects to kube-state-metrics' series to objects: the facts taken at both ends are the same, or said to be unobserved."""

from collections import Counter
from copy import deepcopy
from datetime import UTC, datetime, timedelta

import pytest
from helpers.exported_series import as_series, exposed
from helpers.kube_objects import (
    bare_pod,
    container,
    container_status,
    deployment,
    hpa,
    node,
    pod,
    pod_template,
    quota,
    replica_set,
    terminated,
    waiting,
)
from helpers.looking import WEB, WEB_POD
from helpers.worlds import life_of, quiet_scenario
from kubernaut_simulator.telemetry.exposure import Exposure
from kubernaut_simulator.telemetry.past_facts import PastLook, RunSoFar, baseline_of, facts_of, nothing_seen
from kubernaut_simulator.telemetry.scrapes import Scrape, Scrapes
from kubernaut_simulator.worlds.causes import Cause
from kubernaut_simulator.worlds.generate import START
from kubernaut_simulator.worlds.objects import WorldObjects

from kubernaut.facts.extract import extract, take_baseline
from kubernaut.facts.objects import ObjectSet, Target
from kubernaut.facts.rebuilding import REBUILDING, SPARSE, all_series, rebuilding_of
from kubernaut.facts.registry import REGISTRY
from kubernaut.facts.snapshot import Unobserved, UnobservedReason, format_path

AT = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
ALL = Exposure(names=frozenset(all_series()))
PARAMETERS = {"deployment": {"name": "web", "namespace": "shop", "replicas": 5}}
FROM_ELSEWHERE = {"cpu_throttling_ratio"}
COUNTED_ELSEWHERE = {"updated_pods"}
"""By the Deployment's controller, which in a generated world may be behind its pods; live it is counted from pods."""

ROOMY = {"requests": {"cpu": "100m", "memory": "64Mi"}, "limits": {"cpu": "200m", "memory": "128Mi"}}


def scrape_of(*objects, at=AT, **more):
    found = Scrapes(as_series([(at, list(exposed(objects, **more)))])).at(at, namespace="shop")
    assert isinstance(found, Scrape)
    return found


def rebuilt(*objects, target=WEB, exposure=ALL, parameters=PARAMETERS, run=None, now=AT, **more):
    look = PastLook(scrape=scrape_of(*objects, **more), target=target, parameters=parameters, everywhere=True)
    return facts_of(look, exposure, now=now, run=run)


def shop(**more):
    """Give a Deployment of two pods and two nodes; its template asks for what its pods show."""
    template = pod_template(labels={"app": "web"}, containers=[container(**ROOMY)])
    owner = deployment(template=template, **{"replicas": 2, **more})
    owned = replica_set(owner=owner, template=template)
    pods = [
        pod(name, owner=owned, spec={"containers": [container(**deepcopy(ROOMY))]}, statuses=[container_status()])
        for name in ("web-a", "web-b")
    ]
    for one in pods:
        one["metadata"]["creationTimestamp"] = "2026-03-01T11:00:00Z"
    return [
        owner,
        owned,
        *pods,
        node("node-1"),
        node("node-2"),
        bare_pod("other", node="node-2", requests={"cpu": "1"}),
    ]


def held(value, like):
    """Give what of a recorded value a rebuilt one can hold: fields that no series tells are left aside."""
    if isinstance(value, list) and isinstance(like, list):
        return [held(one, other) for one, other in zip(value, like, strict=True)]
    if isinstance(value, dict) and isinstance(like, dict):
        return {name: one for name, one in value.items() if name in like}
    return value


def test_every_path_of_the_registry_says_how_it_is_rebuilt_or_why_not():
    paths = {format_path(path) for fact in REGISTRY.values() for path, _ in fact.paths()}

    assert set(REBUILDING) <= paths
    for fact in REGISTRY.values():
        for path, _ in fact.paths():
            entry = rebuilding_of(path)
            assert bool(entry.why_not) != entry.possible
            assert not (entry.why_not and (entry.series or entry.loss))
    assert set(all_series()) >= SPARSE - {"kube_pod_init_container_status_last_terminated_reason"}


def test_facts_of_a_healthy_deployment_are_those_of_its_objects():
    objects = shop()
    live = extract(ObjectSet.from_objects(objects), WEB, PARAMETERS, now=AT)

    found = rebuilt(*objects)

    told = set(found.facts) - FROM_ELSEWHERE - {"parameters"}
    assert len(told) > 25
    for name in told:
        assert found.facts[name] == held(live.facts[name], found.facts[name]), name
    assert {"available_cpu", "required_cpu_per_pod", "quota_replicas", "updated_pods"} <= told


@pytest.mark.parametrize("cause", list(Cause))
def test_facts_of_generated_incidents_are_those_of_their_objects(cause):
    agreed = Counter()
    for number in range(3):
        life = life_of(cause, number=number, made=quiet_scenario())
        here = life.deployment
        target = Target(namespace=here.namespace, name=here.name)
        parameters = {"deployment": {"name": here.name, "namespace": here.namespace, "replicas": life.wanted}}
        world = WorldObjects(life, START)
        onset_s = life.incident.onset_s
        before = None
        for at_s in (onset_s - 10, onset_s + 200, onset_s + 330, onset_s + 500):
            objects = world.at(at_s, version=1)
            raw = [
                {"kind": kind, **one.fields.whole}
                for kind, members in objects.by_kind.items()
                for one in members
                if kind != "PodMetrics"
            ]
            at = START + timedelta(seconds=at_s)
            bare = ObjectSet.from_objects(raw)
            scrape = Scrapes(as_series([(at, list(exposed(raw)))])).at(at, namespace=here.namespace)
            look = PastLook(scrape=scrape, target=target, parameters=parameters, everywhere=True)
            before = before or (take_baseline(bare, target), baseline_of(look))
            live = extract(bare, target, parameters, now=at, baseline=before[0])
            found = facts_of(look, ALL, now=at, run=RunSoFar(baseline=before[1]))
            for name in set(found.facts) - FROM_ELSEWHERE - COUNTED_ELSEWHERE:
                assert found.facts[name] == held(live.facts[name], found.facts[name]), (name, at_s - onset_s)
                agreed[name] += 1

    assert agreed["pods"] >= 10
    assert agreed["rollout_in_progress"] >= 10


def facts_with_series():
    for name in ALL.facts("Deployment"):
        for metric in rebuilding_of((name,)).series:
            if metric not in SPARSE and metric.startswith("kube_"):
                yield name, metric


@pytest.mark.parametrize(("name", "metric"), list(facts_with_series()))
def test_a_fact_is_unobserved_without_any_series_it_is_said_to_need(name, metric):
    objects = [*shop(), hpa()]
    lines = [one for one in exposed(objects) if one.metric != metric]
    scrape = Scrapes(as_series([(AT, lines)])).at(AT, namespace="shop")
    look = PastLook(scrape=scrape, target=WEB, parameters=PARAMETERS, everywhere=True)
    without = Exposure(names=ALL.names - {metric})

    assert name in rebuilt(*objects).facts
    # Not exposed at all: the fact is not in the look. A gap for this target: unobserved, unless nothing is there at all.
    assert name not in facts_of(look, without, now=AT).facts
    if not metric.endswith(("_created", "_info", "_owner")):
        assert metric in facts_of(look, ALL, now=AT).unobserved[name].detail


@pytest.mark.parametrize("name", [name for name in ALL.facts("Deployment") if name not in FROM_ELSEWHERE])
def test_a_fact_needs_no_series_that_it_is_not_said_to_need(name):
    objects = [*shop(), hpa()]
    needed = {metric for path, _ in REGISTRY[name].paths() for metric in rebuilding_of(path).series}
    lines = [one for one in exposed(objects) if one.metric in needed | {"kube_node_info"}]
    scrape = Scrapes(as_series([(AT, lines)])).at(AT, namespace="shop")
    look = PastLook(scrape=scrape, target=WEB, parameters=PARAMETERS, everywhere=True)

    found = facts_of(look, Exposure(names=frozenset(needed)), now=AT)

    assert found.facts[name] == rebuilt(*objects).facts[name]


def test_what_no_series_tells_is_not_recorded_and_never_a_value():
    found = rebuilt(*shop())

    for name in ("schedulable_replicas", "matching_nodes", "image_pull_secrets_valid", "revisions"):
        assert name not in found.facts
        assert name not in found.unobserved
        assert found.first_not_recorded([(name,)]) == (name,)


def test_a_pod_in_trouble_shows_the_same_status():
    owner = deployment()
    owned = replica_set(owner=owner)
    statuses = [container_status(state=waiting("CrashLoopBackOff"), last=terminated("OOMKilled", code=137), restarts=4)]
    objects = [owner, owned, pod("web-a", owner=owned, ready=False, statuses=statuses), node("node-1")]

    (found,) = rebuilt(*objects).facts["pods"]

    assert found["status"] == "CrashLoopBackOff"
    assert found["waiting_reason"] == "CrashLoopBackOff"
    assert found["restarts"] == 4
    assert found["oom_killed"]


def test_an_oom_kill_of_before_the_action_is_told_from_a_new_one():
    owner = deployment()
    owned = replica_set(owner=owner)

    def killed(restarts):
        last = terminated("OOMKilled", code=137)
        statuses = [container_status(state={"running": {}}, last=last, restarts=restarts)]
        return [owner, owned, pod("web-a", owner=owned, statuses=statuses), node("node-1")]

    look = PastLook(scrape=scrape_of(*killed(1)), target=WEB, parameters=PARAMETERS)
    run = RunSoFar(baseline=baseline_of(look))

    (same,) = rebuilt(*killed(1), run=run).facts["pods"]
    (again,) = rebuilt(*killed(2), run=run).facts["pods"]

    assert (same["oom_killed"], same["restarts_since_baseline"]) == (False, 0)
    assert (again["oom_killed"], again["restarts_since_baseline"]) == (True, 1)


def test_an_older_exporter_without_reasons_leaves_the_progress_deadline_unobserved():
    found = rebuilt(*shop(), reasons=False)

    assert "progress_deadline_exceeded" in rebuilt(*shop()).facts
    assert "has no label reason" in found.unobserved["progress_deadline_exceeded"].detail
    assert found.facts["conditions"] == {"Available": True, "Progressing": True, "ReplicaFailure": False}


def test_quota_is_told_only_by_its_absence():
    assert rebuilt(*shop()).facts["quota_replicas"] is None
    assert "scopes" in rebuilt(*shop(), quota({"pods": "3"})).unobserved["quota_replicas"].detail


def test_pods_that_ask_for_different_amounts_tell_no_template():
    other = shop()
    other[3]["spec"]["containers"][0]["resources"]["requests"]["cpu"] = "900m"

    found = rebuilt(*other)

    assert "differ" in found.unobserved["required_cpu_per_pod"].detail
    assert "differ" in found.unobserved["available_cpu"].detail


def test_a_missing_deployment_is_looked_for_and_not_there():
    found = rebuilt(node("node-1"))

    assert found.facts["deployment_found"] is False
    assert found.facts["current_replicas"] is None
    assert found.facts["pods"] is None


def test_a_sidecar_is_known_while_it_runs_beside_a_container():
    owner = deployment()
    owned = replica_set(owner=owner)
    limits = {"limits": {"memory": "10Mi"}}
    spec = {
        "containers": [container(**limits)],
        "initContainers": [container("proxy", restartPolicy="Always", **limits)],
    }
    running = [container_status("proxy", state={"running": {}}, started=True)]
    objects = [owner, owned, pod("web-a", owner=owned, spec=spec, init_statuses=running), node("node-1")]
    live = extract(ObjectSet.from_objects(objects), WEB, PARAMETERS, now=AT)

    (found,) = rebuilt(*objects).facts["pods"]

    assert found["memory_limit"] == live.facts["pods"][0]["memory_limit"] == "20Mi"
    assert found["status"] == live.facts["pods"][0]["status"]


def test_facts_of_a_target_pod():
    parameters = {"pod": {"name": "web-a", "namespace": "shop"}}
    objects = shop()
    live = extract(ObjectSet.from_objects(objects), WEB_POD, parameters, now=AT)

    found = rebuilt(*objects, target=WEB_POD, parameters=parameters)

    for name in (
        "pod_found",
        "workload_kind",
        "workload_name",
        "peer_pods",
        "ready_peer_pods",
        "pod_will_be_recreated",
    ):
        assert found.facts[name] == live.facts[name], name
    assert "priority" not in found.facts["target_pod"]
    assert found.facts["target_pod"] == held(live.facts["target_pod"], found.facts["target_pod"])


def test_nothing_scraped_leaves_every_fact_unobserved_with_the_reason():
    why = Unobserved(UnobservedReason.STALE, "no scrape")

    found = nothing_seen(why, ALL, target=WEB, parameters=PARAMETERS)

    assert set(found.unobserved) > {"deployment_found", "pods"}
    assert set(found.unobserved.values()) == {why}
    assert found.facts == {"parameters": PARAMETERS}
