import re
from collections.abc import Mapping, Sequence

import pytest
from helpers.generated_docs import ROOT
from helpers.kube_objects import budget, deployment, node, pod, pod_metrics, pod_template, replica_set
from helpers.looking import WEB, WEB_POD, look
from hypothesis import given
from hypothesis import strategies as st

from kubernaut.facts.baseline import Baseline, RevisionsBaseline
from kubernaut.facts.definitions import ALL_PODS, RIGHTS, FactSource, FactType
from kubernaut.facts.extract import COMPUTATIONS
from kubernaut.facts.reading import is_about, kinds_to_read, rests_on
from kubernaut.facts.registry import NAMESPACES, REGISTRY, known_paths
from kubernaut.facts.snapshot import format_path, parse_path
from kubernaut.facts.table import markdown, rows
from kubernaut.policy.known_facts import first_unknown, known_facts_from_paths

PROMISED = [
    "deployment_found",
    "deployment_name",
    "namespace",
    "current_replicas",
    "target_replicas",
    "expected_baseline",
    "additional_replicas",
    "available_cpu",
    "available_memory",
    "required_cpu_per_pod",
    "required_memory_per_pod",
    "schedulable_replicas",
    "quota_replicas",
    "running_pods",
    "ready_pods",
    "updated_pods",
    "total_pods",
    "terminating_pods",
    "unschedulable_pods",
    "observed_generation_current",
    "rollout_in_progress",
    "conditions.Available",
    "conditions.Progressing",
    "conditions.ReplicaFailure",
    "progress_deadline_exceeded",
    "pods[*].name",
    "pods[*].status",
    "pods[*].phase",
    "pods[*].ready",
    "pods[*].restarts",
    "pods[*].restarts_since_baseline",
    "pods[*].oom_killed",
    "pods[*].throttled",
    "pods[*].waiting_reason",
    "pods[*].unschedulable",
    "pods[*].node",
    "pods[*].cpu_usage",
    "pods[*].memory_usage",
    "pods[*].memory_limit",
    "image_pull_secrets_exist",
    "image_pull_secrets_valid",
    "matching_nodes",
    "ready_nodes",
    "hpa_found",
    "hpa_min_replicas",
    "hpa_max_replicas",
    "cpu_throttling_ratio",
    "pod_found",
    "target_pod.ready",
    "target_pod.waiting_reason",
    "target_pod.terminating",
    "pod_will_be_recreated",
    "workload_kind",
    "ready_peer_pods",
    "disruptions_allowed",
    "replacement_pods[*].ready",
    "revisions[*].images",
    "current_revision",
    "wanted_revision",
    "wanted_revision_exists",
    "wanted_revision_is_current",
    "rollout_before_incident_s",
]

SHAPES = {
    FactType.BOOLEAN: lambda v: isinstance(v, bool),
    FactType.INTEGER: lambda v: isinstance(v, int) and not isinstance(v, bool),
    FactType.NUMBER: lambda v: isinstance(v, int | float) and not isinstance(v, bool),
    FactType.STRING: lambda v: isinstance(v, str),
    FactType.CPU: lambda v: isinstance(v, str) and re.fullmatch(r"\d+m", v),
    FactType.MEMORY: lambda v: isinstance(v, str) and re.fullmatch(r"\d+Mi", v),
    FactType.LIST: lambda v: isinstance(v, Sequence) and not isinstance(v, str),
    FactType.OBJECT: lambda v: isinstance(v, Mapping),
}


def assert_conforms(value, fact, path):
    if value is None:
        assert fact.nullable, path
        return
    assert SHAPES[fact.type](value), (path, value)
    if fact.type is FactType.LIST:
        for element in value:
            assert_fields(element, fact.fields, path)
    elif fact.type is FactType.OBJECT:
        assert_fields(value, fact.fields, path)


def assert_fields(value, fields, path):
    known = {field.name: field for field in fields}
    assert set(value) <= set(known), path
    for name, below in value.items():
        assert_conforms(below, known[name], f"{path}.{name}")


def test_names_that_policies_rely_on():
    paths = {format_path(path) for path in known_paths()}

    assert set(PROMISED) <= paths
    assert set(NAMESPACES) <= paths


def test_every_path_survives_its_text_form():
    for path in known_paths():
        assert parse_path(format_path(path)) == path


def test_every_fact_has_a_computation_or_comes_from_prometheus():
    from_prometheus = {name for name, fact in REGISTRY.items() if fact.source is FactSource.PROMETHEUS}

    assert set(COMPUTATIONS) | from_prometheus == set(REGISTRY)
    assert not set(COMPUTATIONS) & from_prometheus


def test_every_fact_is_documented():
    for row in rows():
        assert row.meaning.endswith((".", "...")), row.path
        assert row.type, row.path
    for fact in REGISTRY.values():
        assert fact.needs or fact.source is not FactSource.OBJECTS, fact.name


def test_extracted_values_have_the_registered_types():
    for target in (WEB, WEB_POD):
        facts = look(*complete(), target=target, baseline=BEFORE_ACTION).facts

        for name, value in facts.items():
            if name not in NAMESPACES:
                assert_conforms(value, REGISTRY[name], name)


def test_without_a_deployment_only_nullable_facts_are_null():
    for name, value in look(node()).facts.items():
        if name not in NAMESPACES:
            assert_conforms(value, REGISTRY[name], name)


def complete():
    web = deployment(
        replicas=1,
        template={
            "metadata": {"labels": {"app": "web"}},
            "spec": {"containers": [{"name": "c"}], "imagePullSecrets": [{"name": "s"}]},
        },
    )
    rs = replica_set(owner=web, revision="2")
    old = replica_set(owner=web, revision="1", template_hash="0ld", uid="rs-0", template=pod_template(hostname="old"))
    mine = pod(owner=rs, spec={"imagePullSecrets": [{"name": "s"}]}, status={"qosClass": "Burstable"})
    mine["metadata"]["creationTimestamp"] = "2024-01-01T00:30:00Z"
    return [web, rs, old, mine, node(), pod_metrics(), budget()]


BEFORE_ACTION = Baseline(
    revisions=RevisionsBaseline(current=2, previous=1, replica_sets={1: "web-0ld", 2: "web-7d9c"}),
)
SINCE_THE_ACTION = {"replacement_pods", "revision_advanced"}


@pytest.mark.parametrize("target", [WEB, WEB_POD], ids=lambda target: target.kind)
@pytest.mark.parametrize("kind", sorted(RIGHTS))
def test_needs_are_what_a_fact_cannot_do_without(kind, target):
    everything, without = look(*complete(), target=target), look(*complete(), target=target, unavailable=[kind])
    after = look(*complete(), target=target, baseline=BEFORE_ACTION)
    after_without = look(*complete(), target=target, baseline=BEFORE_ACTION, unavailable=[kind])

    def need(kind):
        told = {*everything.facts, *(SINCE_THE_ACTION & set(after.facts))}
        facts = [fact for fact in REGISTRY.values() if is_about(fact, target.kind) and fact.name in told]
        return {fact.name for fact in facts if kind in rests_on(fact, target.kind)[0]}

    gone = set(everything.facts) - set(without.facts)
    gone |= SINCE_THE_ACTION & (set(after.facts) - set(after_without.facts))
    # The look at all namespaces includes the target's.
    assert gone == need(kind) | (need(ALL_PODS) if kind == "Pod" else set())
    assert set(without.unobserved) >= gone - SINCE_THE_ACTION


@pytest.mark.parametrize("target", [WEB, WEB_POD], ids=lambda target: target.kind)
def test_a_complete_look_sees_everything_that_is_told_of_its_target(target):
    snapshot = look(*complete(), target=target, baseline=BEFORE_ACTION)

    unseen = {name for name in REGISTRY if name in snapshot.unobserved}
    told_of_others = {name for name, fact in REGISTRY.items() if not is_about(fact, target.kind)}
    of_a_scaling = {"target_replicas", "additional_replicas", "schedulable_replicas"} if target is WEB_POD else set()
    assert unseen == told_of_others | of_a_scaling | {"cpu_throttling_ratio"}


@pytest.mark.parametrize("target", [WEB, WEB_POD], ids=lambda target: target.kind)
@given(data=st.data())
def test_reading_the_kinds_that_paths_rest_on_is_enough_for_them(target, data):
    paths = [path for fact in REGISTRY.values() if is_about(fact, target.kind) for path, _ in fact.paths()]
    wanted = data.draw(st.sets(st.sampled_from(paths), min_size=1, max_size=3))
    kinds = kinds_to_read(wanted, target.kind)
    seen = {"target": target, "baseline": BEFORE_ACTION}

    everything = look(*complete(), **seen)
    read = kinds.required | kinds.improving
    some = look(*complete(), unavailable=set(RIGHTS) - read - ({"Pod"} if ALL_PODS in read else set()), **seen)

    assert read <= set(RIGHTS)
    for path in wanted:
        assert some.first_unobserved([path]) == everything.first_unobserved([path])
        if path[0] in everything.facts and len(path) == 1 and everything.first_unobserved([path]) is None:
            assert some.facts[path[0]] == everything.facts[path[0]]


def test_kinds_of_single_paths():
    def kinds(text, target="Deployment"):
        read = kinds_to_read([parse_path(text)], target)
        return sorted(read.required), sorted(read.improving)

    assert kinds("pods[*].status") == (["Pod"], ["Deployment", "ReplicaSet"])
    assert kinds("pods[*].cpu_usage") == (["Pod", "PodMetrics"], ["Deployment", "ReplicaSet"])
    assert kinds("pods")[0] == ["Pod", "PodMetrics"]
    assert kinds("rollout_in_progress", "Pod") == (["Deployment", "Pod"], ["ReplicaSet"])
    assert kinds("target_pod.ready", "Pod") == (["Pod"], [])
    assert kinds("target_pod.ready") == ([], [])
    assert kinds("disruptions_allowed", "Pod") == (["Pod", "PodDisruptionBudget"], [])
    assert kinds("custom.anything") == ([], [])
    assert set(kinds("", "Pod")[0]) | set(kinds("", "Pod")[1]) == set(RIGHTS)


def test_fields_of_pods_need_the_metrics_api():
    snapshot = look(*complete(), unavailable=["PodMetrics"])

    assert {path for path in snapshot.unobserved if path.startswith("pods")} == {
        "pods[0].cpu_usage",
        "pods[0].memory_usage",
    }


def test_the_registry_catches_a_typo():
    known = known_facts_from_paths(known_paths())

    assert first_unknown(known, ("pods", "*", "status")) is None
    assert first_unknown(known, ("conditions", "Available")) is None
    assert first_unknown(known, ("parameters", "anything")) is None
    assert "running_pods" in str(first_unknown(known, ("runing_pods",)))


def test_the_page_is_the_registry():
    assert (ROOT / "docs" / "facts.md").read_text(encoding="utf-8") == markdown()


def test_the_page_has_every_path_and_whole_rows():
    text = markdown()

    for path in PROMISED:
        assert f"| `{path}` |" in text
    for line in text.splitlines():
        if line.startswith("|"):
            assert len(re.findall(r"(?<!\\)\|", line)) in (3, 4, 6), line


def test_rights():
    assert str(RIGHTS["Node"]) == "list nodes (cluster)"
    assert str(RIGHTS["PodMetrics"]) == "list pods.metrics.k8s.io"
    assert [str(right) for right in REGISTRY["pods"].rbac] == [
        "get/list pods",
        "get deployments.apps",
        "list replicasets.apps",
    ]
