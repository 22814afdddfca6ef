"""Facts that users define, read from real objects: what is found, what is not there, and what is never read."""

import json

import pytest
from helpers.simulated_workloads import wait_for
from kubernaut_operator.live_facts.discovery import Discovery
from kubernaut_operator.live_facts.question import Question
from kubernaut_operator.manifests.rights import CUSTOM_FACT_RESOURCES

from kubernaut.conditions.custom_facts import CustomFact, load_custom_facts
from kubernaut.conditions.inputs import RunContext, policy_input
from kubernaut.facts.objects import Target
from kubernaut.facts.snapshot import UnobservedReason
from kubernaut.identity import ConditionId, Level, Phase

pytestmark = [pytest.mark.xdist_group("cluster"), pytest.mark.cluster]

BUDGET = "kind: PodDisruptionBudget, apiVersion: policy/v1"


@pytest.fixture
def web(cluster, namespace):
    """A target's name, and objects about it; no pod is needed here."""
    budget = {
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": {"name": "web", "namespace": namespace, "annotations": {"kubernaut.io/long": "ü" * 2100}},
        "spec": {"minAvailable": "50%", "selector": {"matchLabels": {"app": "web", "tier": "front"}}},
    }
    cluster.kubectl("create", "-f", "-", stdin=json.dumps(budget))
    return Target(namespace=namespace, name="web")


def defined(*lines, **settings):
    return load_custom_facts("facts:\n" + "".join(f"  {line}\n" for line in lines), **settings).facts


def custom_of(reader, target, facts, *names, **more):
    reads = tuple(("custom", name) for name in names or facts)
    return reader.read(Question(target=target, parameters={}, reads=reads, custom=facts, **more)).custom


def only(reader, target, facts):
    """Read facts of which none can be observed and give why."""
    custom = custom_of(reader, target, facts)
    assert custom.values == {}
    return custom.unobserved


def test_values_of_objects_and_what_is_not_there(reader, web):
    facts = defined(
        f"least: {{type: string, {BUDGET}, jsonPath: '{{.spec.minAvailable}}'}}",
        f"labels: {{type: object, {BUDGET}, jsonPath: '{{.spec.selector.matchLabels}}'}}",
        f"tiers: {{type: array, {BUDGET}, jsonPath: '{{.spec.selector.matchLabels[*]}}'}}",
        f"most: {{type: string, {BUDGET}, jsonPath: '{{.spec.maxUnavailable}}'}}",
        f"other: {{type: string, {BUDGET}, name: other, jsonPath: '{{.spec.minAvailable}}'}}",
        "generation: {type: number, kind: PodDisruptionBudget, apiVersion: policy/v1, jsonPath: .metadata.generation}",
    )

    custom = custom_of(reader, web, facts)

    assert custom.unobserved == {}
    assert custom.values == {
        "least": "50%",
        "labels": {"app": "web", "tier": "front"},
        "tiers": ["web", "front"],
        "most": None,
        "other": None,
        "generation": 1,
    }


def test_only_what_is_read_is_fetched_and_what_nobody_defined_is_unobserved(reader, web):
    facts = defined(
        f"least: {{type: string, {BUDGET}, jsonPath: '{{.spec.minAvailable}}'}}",
        f"wrong: {{type: number, {BUDGET}, jsonPath: '{{.spec.minAvailable}}'}}",
    )

    custom = custom_of(reader, web, facts, "least", "queue_depth")

    assert custom.values == {"least": "50%"}
    assert list(custom.unobserved) == ["queue_depth"]
    assert custom.unobserved["queue_depth"].reason is UnobservedReason.NOT_PROVIDED
    assert "no facts.yaml defines the custom fact queue_depth" in custom.unobserved["queue_depth"].detail
    whole = reader.read(Question(target=web, parameters={}, reads=(("custom",),), custom=facts)).custom
    assert (list(whole.values), list(whole.unobserved)) == (["least"], ["wrong"])


def test_a_policy_that_reads_an_undefined_fact_is_not_run(reader, web):
    reading = reader.read(Question(target=web, parameters={}, reads=(("custom", "queue_depth"),)))
    condition = ConditionId(action="scale_deployment", level=Level.ACTION, phase=Phase.PRE, type="queue_is_short")

    seen = policy_input(
        reading.snapshot,
        condition=condition,
        context=RunContext(step=0, incident="i"),
        parameters={},
        settings={},
        custom=reading.custom,
    )

    path, missing = seen.first_unobserved([("custom", "queue_depth", "now")])
    assert (path, missing.reason) == ("custom.queue_depth", UnobservedReason.NOT_PROVIDED)


def test_a_value_of_another_type_or_too_large_is_unobserved(reader, web):
    why = only(
        reader,
        web,
        defined(
            f"least: {{type: number, {BUDGET}, jsonPath: '{{.spec.minAvailable}}'}}",
            f"generation: {{type: boolean, {BUDGET}, jsonPath: '{{.metadata.generation}}'}}",
            f"labels: {{type: array, {BUDGET}, jsonPath: '{{.spec.selector.matchLabels}}'}}",
            f"long: {{type: string, {BUDGET}, jsonPath: \"{{.metadata.annotations['kubernaut.io/long']}}\"}}",
        ),
    )

    assert {one.reason for one in why.values()} == {UnobservedReason.UNREADABLE}
    assert why["least"].detail == "a string was found where facts.yaml says number"
    assert why["generation"].detail == "a number was found where facts.yaml says boolean"
    assert why["labels"].detail == "an object was found where facts.yaml says array"
    assert why["long"].detail == "the value has 4202 bytes; at most 4096 are taken"


@pytest.mark.parametrize("kind", ["Secret", "ConfigMap"])
def test_secrets_and_configmaps_are_never_read_whatever_the_list_says(cluster, make_reader, api, web, kind):
    """Not even when somebody put the kind on the operator's list, and a fact past the check of facts.yaml."""
    reader = make_reader(api, custom_kinds=["Secret", "ConfigMap", "Pod"])
    fact = CustomFact.model_construct(
        type="object", kind=kind, api_version="v1", name="kube-root-ca.crt", json_path="{.data}", promql=None
    )

    why = only(reader, web, {"stolen": fact})["stolen"]

    assert why.reason is UnobservedReason.FORBIDDEN
    assert why.detail == f"{kind}s are never read as facts"


def test_a_kind_that_is_not_on_the_list_is_not_read(make_reader, api, web):
    reader = make_reader(api, custom_kinds=["Pod"])
    why = only(reader, web, defined(f"least: {{type: string, {BUDGET}, jsonPath: '{{.spec.minAvailable}}'}}"))["least"]

    assert (why.reason, why.detail) == (
        UnobservedReason.FORBIDDEN,
        "PodDisruptionBudgets are not on the operator's list of kinds",
    )


def test_what_belongs_to_the_whole_cluster_is_not_read(make_reader, api, web):
    kinds = ["Node", "Namespace"]
    reader = make_reader(api, custom_kinds=kinds)
    facts = defined(
        "labels: {type: object, kind: Namespace, apiVersion: v1, name: default, jsonPath: '{.metadata.labels}'}",
        allowed_kinds=kinds,
    )

    why = only(reader, web, facts)["labels"]

    assert (why.reason, why.detail) == (
        UnobservedReason.FORBIDDEN,
        "Namespaces are of the whole cluster, not of the target's namespace",
    )


def test_a_kind_that_the_server_does_not_serve_is_a_missing_api(reader, web):
    why = only(
        reader,
        web,
        defined(
            "group: {type: number, kind: Job, apiVersion: batch.example.com/v1, jsonPath: '{.spec.x}'}",
            "version: {type: number, kind: Job, apiVersion: batch/v9, jsonPath: '{.spec.x}'}",
            "kind: {type: number, kind: Job, apiVersion: apps/v1, jsonPath: '{.spec.x}'}",
            "path: {type: number, kind: Job, apiVersion: ../../api/v1/secrets, jsonPath: '{.spec.x}'}",
            "nothing: {type: number, kind: Job, apiVersion: '', jsonPath: '{.spec.x}'}",
        ),
    )

    assert {one.reason for one in why.values()} == {UnobservedReason.API_MISSING}
    assert why["kind"].detail == f"get Job {web.namespace}/web: the API server has no such API"


def test_what_the_account_may_not_read_is_unobserved(connect_as, make_reader, web):
    reader = make_reader(connect_as(("apps", "deployments")))

    why = only(reader, web, defined(f"least: {{type: string, {BUDGET}, jsonPath: '{{.spec.minAvailable}}'}}"))["least"]

    assert (why.reason, why.detail) == (
        UnobservedReason.FORBIDDEN,
        f"the operator's account may not get PodDisruptionBudget {web.namespace}/web",
    )


def test_the_rights_on_the_usual_kinds_name_them_as_the_api_server_does(api):
    versions = {
        "": "v1",
        "apps": "apps/v1",
        "autoscaling": "autoscaling/v2",
        "batch": "batch/v1",
        "policy": "policy/v1",
    }
    discovery = Discovery(api)

    for kind, (group, plural) in CUSTOM_FACT_RESOURCES.items():
        resource = discovery.resource(versions[group], kind)
        assert (resource.group, resource.plural, resource.namespaced) == (group, plural, True)


def test_kinds_come_and_go_with_their_definitions(cluster, make_reader, api, web):
    reader = make_reader(api, custom_kinds=["Freeze"])
    facts = defined(
        "until: {type: string, kind: Freeze, apiVersion: facts.kubernaut.test/v1, jsonPath: '{.spec.until}'}",
        allowed_kinds=["Freeze"],
    )
    assert only(reader, web, facts)["until"].reason is UnobservedReason.API_MISSING
    definition = {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": "freezes.facts.kubernaut.test"},
        "spec": {
            "group": "facts.kubernaut.test",
            "names": {"kind": "Freeze", "plural": "freezes", "singular": "freeze"},
            "scope": "Namespaced",
            "versions": [
                {
                    "name": "v1",
                    "served": True,
                    "storage": True,
                    "schema": {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}},
                }
            ],
        },
    }
    cluster.kubectl("create", "-f", "-", stdin=json.dumps(definition))
    cluster.kubectl("wait", "--for=condition=Established", "crd/freezes.facts.kubernaut.test", "--timeout=20s")
    freeze = {
        "apiVersion": "facts.kubernaut.test/v1",
        "kind": "Freeze",
        "metadata": {"name": "web", "namespace": web.namespace},
        "spec": {"until": "2030-01-01T00:00:00Z"},
    }

    wait_for(lambda: custom_of(reader, web, facts).values == {"until": None})
    cluster.kubectl("create", "-f", "-", stdin=json.dumps(freeze))
    assert custom_of(reader, web, facts).values == {"until": "2030-01-01T00:00:00Z"}

    cluster.kubectl("delete", "crd", "freezes.facts.kubernaut.test")
    missing = wait_for(lambda: custom_of(reader, web, facts).unobserved)
    assert missing["until"].reason is UnobservedReason.API_MISSING


def test_a_query_without_a_prometheus_is_not_provided_and_costs_the_others_nothing(reader, web):
    facts = defined(
        f"least: {{type: string, {BUDGET}, jsonPath: '{{.spec.minAvailable}}'}}",
        "depth: {type: number, promql: 'sum(queue_depth{namespace=\"$namespace\"})'}",
    )

    custom = custom_of(reader, web, facts)

    assert custom.values == {"least": "50%"}
    assert custom.unobserved["depth"].reason is UnobservedReason.NOT_PROVIDED


def test_a_hung_api_server_is_told_by_fact(reader, web, stopped_server):
    facts = defined(f"least: {{type: string, {BUDGET}, jsonPath: '{{.spec.minAvailable}}'}}")
    stopped_server()

    custom = custom_of(reader, web, facts, limit_s=0.5)

    assert custom.unobserved["least"].reason is UnobservedReason.TIMED_OUT
    assert custom.unobserved["least"].detail == "the custom fact least: no answer within 0.5 s"
