"""What the operator sees and concludes is what `kubernaut check` says of a dump of the same objects."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest
from helpers.command_line import kubernaut
from helpers.simulated_workloads import NODE, deploy, simulated_pod_spec, wait_for
from kubernaut_operator.live_facts.kinds import resource_of
from kubernaut_operator.live_facts.question import Question
from kubernaut_simulator.cli.complete_kinds import option_word
from kubernaut_simulator.cli.loading import compile_with_facts, shipped_conditions

from kubernaut.actions.catalogue import checked_parameters
from kubernaut.conditions.custom_facts import CustomFact
from kubernaut.conditions.custom_values import values_of_dump
from kubernaut.facts.baseline import Baseline
from kubernaut.facts.definitions import ALL_PODS, RIGHTS
from kubernaut.facts.dumps import missing_kinds
from kubernaut.facts.extract import extract, take_baseline
from kubernaut.facts.objects import ObjectSet, Target
from kubernaut.facts.snapshot import Snapshot, UnobservedReason
from kubernaut.policy.worker.client import WorkerEvaluator
from kubernaut.shipped import shipped_policies
from kubernaut.suite import check_suite
from kubernaut.verdicts import Reason
from kubernaut.verification.kept_facts import kept_facts

pytestmark = [pytest.mark.xdist_group("cluster"), pytest.mark.cluster, pytest.mark.slow]

RAW = {
    "scale_deployment": lambda target: {"deployment": named(target) | {"replicas": 4}},
    "rollback_deployment": lambda target: {"deployment": named(target)},
    "restart_pod": lambda target: {"pod": named(target)},
}
SHIPPED = {policy.action for policy in shipped_policies()}
KINDS = [kind for kind in RIGHTS if kind != ALL_PODS]
DUMPED = (
    "nodes,deployments,replicasets,pods,events,horizontalpodautoscalers,resourcequotas,poddisruptionbudgets,"
    "pods.metrics.k8s.io"
)


@pytest.fixture(scope="module")
def evaluator():
    with WorkerEvaluator() as evaluator:
        yield evaluator


@pytest.fixture(scope="module")
def conditions():
    return shipped_conditions()


def named(target):
    return {"name": target.name, "namespace": target.namespace}


# --- worlds: each leaves the target in a state that is worth judging, and gives it ---


def healthy(cluster, namespace, metrics):
    target = deploy(cluster, namespace)
    write_samples(cluster, namespace, metrics)
    return target


def crashing(cluster, namespace, metrics):
    target = deploy(cluster, namespace)
    first, second = pods(cluster, namespace)
    waiting = {"waiting": {"reason": "CrashLoopBackOff", "message": "back-off 10s restarting failed container"}}
    killed = {
        "terminated": {"reason": "OOMKilled", "exitCode": 137, "containerID": "containerd://a", "finishedAt": now()}
    }
    set_status(cluster, namespace, first, state=waiting, lastState=killed, restartCount=3, ready=False)
    set_status(cluster, namespace, second, state={"running": {}}, restartCount=1, ready=True)
    write_samples(cluster, namespace, metrics)
    return target


def steered_and_limited(cluster, namespace, metrics):
    target = deploy(cluster, namespace)
    for command in (
        ("create", "quota", "tight", "--hard=requests.cpu=300m,pods=3"),
        ("autoscale", "deployment", target.name, "--min=1", "--max=3", "--cpu-percent=80"),
        ("create", "poddisruptionbudget", "web", "--selector=app=web", "--min-available=1"),
    ):
        cluster.kubectl(*command, "-n", namespace)
    # Its controller pauses up to a minute whenever a kind is added, as the metrics API was.
    status = {"hard": {"requests.cpu": "300m", "pods": "3"}, "used": {"requests.cpu": "200m", "pods": "2"}}
    cluster.kubectl(
        *("patch", "resourcequota", "tight", "-n", namespace, "--subresource=status", "--type=merge"),
        *("-p", json.dumps({"status": status})),
    )
    wait_for(lambda: of(cluster, namespace, "poddisruptionbudget", "web")["status"].get("currentHealthy") == 2)
    return target


def too_large(cluster, namespace, metrics):
    """Its pods ask for more than the node has left, and name a secret that nobody has used."""
    target = deploy(cluster, namespace, imagePullSecrets=[{"name": "registry"}])
    cluster.kubectl("set", "resources", "-n", namespace, "deployment/web", "--requests=cpu=3", "--limits=memory=1Gi")
    wait_for(lambda: "Unschedulable" in cluster.kubectl("get", "pods", "-n", namespace, "-o", "json"))
    return target


def rolled_out_twice(cluster, namespace, metrics):
    target = deploy(cluster, namespace)
    for image in ("registry.invalid/none:2", "registry.invalid/none:3"):
        cluster.kubectl("set", "image", "-n", namespace, "deployment/web", f"main={image}")
        cluster.kubectl("rollout", "status", "-n", namespace, "deployment/web", "--timeout=60s")
    return target


def gone(cluster, namespace, metrics):
    return Target(namespace=namespace, name="ghost")


def cordoned(cluster, namespace, metrics):
    target = deploy(cluster, namespace)
    cluster.kubectl("cordon", NODE)
    return target


def pod_of_three(cluster, namespace, metrics):
    """One pod of a Deployment that stands under a budget."""
    deploy(cluster, namespace, replicas=3)
    cluster.kubectl("create", "poddisruptionbudget", "web", "--selector=app=web", "--min-available=2", "-n", namespace)
    wait_for(lambda: of(cluster, namespace, "poddisruptionbudget", "web")["status"].get("currentHealthy") == 3)
    write_samples(cluster, namespace, metrics)
    return pod_target(cluster, namespace, pods(cluster, namespace)[0])


def crashing_pod(cluster, namespace, metrics):
    crashing(cluster, namespace, metrics)
    return pod_target(cluster, namespace, pods(cluster, namespace)[0])


def bare_pod(cluster, namespace, metrics):
    """A pod that nothing controls."""
    manifest = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "alone", "namespace": namespace},
        "spec": simulated_pod_spec(),
    }
    cluster.kubectl("create", "-f", "-", stdin=json.dumps(manifest))
    cluster.kubectl("wait", "-n", namespace, "pod/alone", "--for=condition=Ready", "--timeout=60s")
    write_samples(cluster, namespace, metrics)
    return pod_target(cluster, namespace, "alone")


def no_pod(cluster, namespace, metrics):
    return Target(kind="Pod", namespace=namespace, name="ghost")


WORLDS = (
    healthy,
    crashing,
    steered_and_limited,
    too_large,
    rolled_out_twice,
    gone,
    cordoned,
    pod_of_three,
    crashing_pod,
    bare_pod,
    no_pod,
)


# --- reading the same objects twice ---


def dump_of(cluster, namespace):
    """Give everything that facts rest on, as a person saves it; of other namespaces their pods alone."""
    items = json.loads(cluster.kubectl("get", DUMPED, "-A", "-o", "json"))["items"]
    own = [one for one in items if one["metadata"].get("namespace") == namespace or one["kind"] in ("Node", "Pod")]
    return {"apiVersion": "v1", "kind": "List", "items": own}


def versions(objects, namespace):
    return sorted(
        (one["kind"], one["metadata"]["name"], one["metadata"].get("uid"), one["metadata"].get("resourceVersion"))
        for one in objects
        if one["metadata"].get("namespace") == namespace or one["kind"] in ("Node", "Pod")
    )


def seen_twice(cluster, api, read, namespace):
    """Give what was read, and a dump of the same resourceVersions."""
    for _ in range(20):
        dump = dump_of(cluster, namespace)
        found = read()
        now = [one for kind in KINDS for one in api.list_all(resource_of(kind))[0]]
        if versions(dump["items"], namespace) == versions(now, namespace):
            return found, dump
    raise AssertionError("the objects never stood still")


@pytest.mark.parametrize("world", WORLDS, ids=lambda world: world.__name__)
def test_live_facts_and_verdicts_equal_those_of_the_dump(  # noqa: PLR0917 - fixtures
    world, cluster, namespace, simulated_node, metrics_api, api, make_reader, evaluator, conditions, tmp_path
):
    target = world(cluster, namespace, metrics_api)
    try:
        for action, raw in RAW.items():
            parameters = checked_parameters(action, raw(target))
            if parameters.target.kind != target.kind:
                continue
            question = Question(target=target, parameters=parameters.as_input)
            policies = [one.policy for one in judged(Snapshot(facts={}), action, question, conditions, evaluator)]
            assert policies or action not in SHIPPED
            readings, dump = seen_twice(
                cluster, api, partial(read_wide_and_narrow, make_reader, api, question, policies), namespace
            )
            reading, *narrow = readings
            offline = offline_snapshot(dump, question, reading.began_at)
            assert_same(reading.snapshot, offline)
            live = judged(reading.snapshot, action, question, conditions, evaluator)
            assert_same_verdicts(live, judged(offline, action, question, conditions, evaluator))
            if live:
                assert_said(live, by_command(dump, action, question, reading.began_at, tmp_path))
            for policy, one in zip(policies, narrow, strict=True):
                assert kept(one.snapshot, policy) == kept(reading.snapshot, policy)
    finally:
        cluster.kubectl("uncordon", NODE)


def test_custom_facts_of_the_dump_are_those_of_the_cluster(cluster, namespace, api, make_reader):
    target = Target(namespace=namespace, name="web")
    for name, least in (("web", "50%"), ("other", 2)):
        spec = {"minAvailable": least, "selector": {"matchLabels": {"app": name}}}
        budget = {"kind": "PodDisruptionBudget", "apiVersion": "policy/v1", "metadata": {"name": name}, "spec": spec}
        cluster.kubectl("create", "-n", namespace, "-f", "-", stdin=json.dumps(budget))
    place = {"kind": "PodDisruptionBudget", "apiVersion": "policy/v1"}
    facts = {
        "percent": CustomFact(type="string", jsonPath="{.spec.minAvailable}", **place),
        "wrong": CustomFact(type="number", jsonPath="{.spec.minAvailable}", **place),
        "labels": CustomFact(type="array", jsonPath="{.spec.selector.matchLabels[*]}", **place),
        "other": CustomFact(type="number", jsonPath="{.spec.minAvailable}", name="other", **place),
        "missing": CustomFact(type="number", jsonPath="{.spec.minAvailable}", name="ghost", **place),
        "nowhere": CustomFact(type="number", jsonPath="{.spec.deeper[3].still}", **place),
    }
    reads = tuple(("custom", name) for name in (*facts, "undefined"))
    question = Question(target=target, parameters={}, reads=reads, custom=facts)

    live = make_reader(api).read(question).custom
    items = json.loads(cluster.kubectl("get", "poddisruptionbudgets", "-n", namespace, "-o", "json"))
    offline = values_of_dump(facts, {*facts, "undefined"}, ObjectSet.from_objects([items]), target)

    assert live == offline
    assert live.values == {"percent": "50%", "labels": ["web"], "other": 2, "missing": None, "nowhere": None}
    assert set(live.unobserved) == {"wrong", "undefined"}


@pytest.mark.parametrize("world", [healthy, crashing, pod_of_three, bare_pod], ids=lambda world: world.__name__)
def test_after_the_action_they_are_equal_too(  # noqa: PLR0917 - fixtures
    world, cluster, namespace, simulated_node, metrics_api, api, make_reader
):
    target = world(cluster, namespace, metrics_api)
    baseline, dump = seen_twice(cluster, api, lambda: make_reader(api).take_baseline(target), namespace)
    objects = ObjectSet.from_objects([dump])
    assert baseline == take_baseline(objects, target)
    assert baseline == Baseline.from_json(baseline.to_json())
    change(cluster, namespace, target)
    ended = datetime.now(UTC)
    question = Question(target=target, parameters={}, baseline=baseline, action_ended_at=ended)

    stale, dump = seen_twice(cluster, api, lambda: make_reader(api).read(question), namespace)
    assert_same(stale.snapshot, offline_snapshot(dump, question, stale.began_at))
    write_samples(cluster, namespace, metrics_api, at=ended + timedelta(seconds=15))
    fresh, dump = seen_twice(cluster, api, lambda: make_reader(api).read(question), namespace)
    assert_same(fresh.snapshot, offline_snapshot(dump, question, fresh.began_at))

    reasons = {why.reason for path, why in stale.snapshot.unobserved.items() if path.endswith("usage")}
    assert reasons <= {UnobservedReason.STALE, UnobservedReason.NOT_PROVIDED}
    assert target.kind == "Pod" or reasons
    assert metrics_api is None or not [path for path in fresh.snapshot.unobserved if path.startswith("pods[")]


def read_wide_and_narrow(make_reader, api, question, policies):
    """Read everything, then for each policy what it reads; with a new reader, for an older one may know of old nodes."""
    at = datetime.now(UTC)
    reader = make_reader(api, clock=lambda: at)
    return [reader.read(question), *(reader.read(replace(question, reads=policy.reads)) for policy in policies)]


def change(cluster, namespace, target):
    """Do what an action would do."""
    if target.kind == "Pod":
        cluster.kubectl("delete", "pod", target.name, "-n", namespace)
    else:
        cluster.kubectl("scale", "deployment", target.name, "-n", namespace, "--replicas=3")
        wait_for(lambda: of(cluster, namespace, "deployment", target.name)["status"].get("replicas") == 3)


def assert_same(live, offline):
    assert live.facts == offline.facts
    assert set(live.unobserved) == set(offline.unobserved)


def judged(snapshot, action, question, conditions, evaluator):
    return check_suite(
        snapshot,
        action=action,
        parameters=question.parameters,
        conditions=conditions,
        namespace=question.target.namespace,
        evaluator=evaluator,
        compile_=compile_with_facts,
    )


def assert_same_verdicts(live, offline):
    for ours, theirs in zip(live, offline, strict=True):
        assert ours.condition == theirs.condition
        if ours.judgement.reason is Reason.FACT_UNOBSERVED:
            assert theirs.judgement.reason is Reason.FACT_UNOBSERVED
        else:
            assert ours.judgement == theirs.judgement


def assert_said(live, said):
    for ours, theirs in zip(live, said, strict=True):
        assert str(ours.condition.id) == theirs["condition"]
        assert (ours.attempt.value, ours.judgement.reason.value) == (theirs["verdict"], theirs["reason"])
        if ours.judgement.reason is not Reason.FACT_UNOBSERVED:
            assert ours.judgement.message == theirs["message"]


def kept(snapshot, policy):
    """Give what a record of a policy's look holds."""
    record = kept_facts(snapshot, policy, record_facts="read")
    return record.facts, set(record.unobserved)


def offline_snapshot(dump, question, at):
    objects = ObjectSet.from_objects([dump])
    return extract(
        objects,
        question.target,
        question.parameters,
        now=at,
        baseline=question.baseline,
        action_ended_at=question.action_ended_at,
        unavailable=missing_kinds(objects, question.target, complete=RIGHTS),
    )


def by_command(dump, action, question, at, tmp_path):
    """Give what `kubernaut check` says of the dump; a person says which kinds it holds in full."""
    file, values = tmp_path / "dump.json", tmp_path / "parameters.json"
    file.write_text(json.dumps(dump))
    values.write_text(json.dumps(question.parameters))
    ran = kubernaut(
        *("check", "--objects", file, "--target", f"{question.target.namespace}/{question.target.name}"),
        *("--action", action, "--parameters", values, "--at", at.isoformat(), "-o", "json"),
        *(part for kind in RIGHTS for part in ("--complete", option_word(kind))),
    )
    return json.loads(ran.out)["conditions"]


def pods(cluster, namespace):
    return cluster.kubectl("get", "pods", "-n", namespace, "-o", "jsonpath={.items[*].metadata.name}").split()


def of(cluster, namespace, kind, name):
    return json.loads(cluster.kubectl("get", kind, name, "-n", namespace, "-o", "json"))


def now():
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def set_status(cluster, namespace, pod, **status):
    container = {"name": "main", "image": "registry.invalid/none:1", "imageID": "", **status}
    cluster.kubectl(
        *("patch", "pod", pod, "-n", namespace, "--subresource=status", "--type=merge"),
        *("-p", json.dumps({"status": {"containerStatuses": [container]}})),
    )


def write_samples(cluster, namespace, metrics, *, at=None):
    if metrics is None:
        return
    for pod in pods(cluster, namespace):
        metrics(namespace, pod, at=at or datetime.now(UTC) - timedelta(minutes=1))


def pod_target(cluster, namespace, name):
    return Target(
        kind="Pod", namespace=namespace, name=name, uid=of(cluster, namespace, "pod", name)["metadata"]["uid"]
    )
