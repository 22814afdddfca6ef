import re
from collections.abc import Mapping, Sequence

import pytest
from helpers.generated_docs import ROOT
from helpers.kube_objects import deployment, node, pod, pod_metrics, replica_set
from helpers.looking import look

from kubernaut.facts.definitions import RIGHTS, FactSource, FactType
from kubernaut.facts.extract import COMPUTATIONS
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
    web, rs = deployment(replicas=1), replica_set()
    facts = look(web, rs, pod(), node(), pod_metrics()).facts

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
    rs = replica_set(owner=web)
    return [web, rs, pod(owner=rs, spec={"imagePullSecrets": [{"name": "s"}]}), node(), pod_metrics()]


@pytest.mark.parametrize("kind", sorted(RIGHTS))
def test_needs_are_what_a_fact_cannot_do_without(kind):
    everything = look(*complete())
    without = look(*complete(), unavailable=[kind])

    needing = {name for name, fact in REGISTRY.items() if kind in fact.needs}
    gone = {name for name in everything.facts if name not in without.facts}
    if kind == "Pod":
        # The look at all namespaces includes the target's.
        needing |= {name for name, fact in REGISTRY.items() if "Pod (all namespaces)" in fact.needs}
    assert gone == needing
    assert set(without.unobserved) >= needing


def test_fields_of_pods_need_the_metrics_api():
    snapshot = look(*complete(), unavailable=["PodMetrics"])

    assert set(snapshot.unobserved) - {"cpu_throttling_ratio"} == {
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
            assert len(re.findall(r"(?<!\\)\|", line)) in (3, 6), line


def test_rights():
    assert str(RIGHTS["Node"]) == "list nodes (cluster)"
    assert str(RIGHTS["PodMetrics"]) == "list pods.metrics.k8s.io"
    assert [str(right) for right in REGISTRY["pods"].rbac] == [
        "list pods",
        "get deployments.apps",
        "list replicasets.apps",
    ]
