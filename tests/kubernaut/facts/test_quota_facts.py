import pytest
from helpers.kube_objects import container, deployment, pod_template, quota
from helpers.looking import look, why

from kubernaut.facts.snapshot import UnobservedReason

ASKS = {"containers": [container(requests={"cpu": "500m", "memory": "1Gi"}, limits={"cpu": "1", "memory": "1Gi"})]}


def admitted(*quotas, **spec):
    return look(deployment(template=pod_template(**{**ASKS, **spec})), *quotas).facts["quota_replicas"]


def test_no_quota_is_no_limit():
    assert admitted() is None
    assert admitted(quota({"services": "1", "requests.storage": "1Gi", "count/secrets": "3"})) is None


@pytest.mark.parametrize(
    ("hard", "used", "replicas"),
    [
        ({"pods": "10"}, {"pods": "7"}, 3),
        ({"count/pods": "10"}, {"count/pods": "12"}, 0),
        ({"cpu": "4"}, {"cpu": "1"}, 6),
        ({"requests.cpu": "4"}, {}, 8),
        ({"requests.memory": "3500Mi"}, {"requests.memory": "0"}, 3),
        ({"limits.cpu": "4"}, {"limits.cpu": "500m"}, 3),
        ({"limits.memory": "2Gi"}, {}, 2),
        ({"requests.cpu": "4", "pods": "3"}, {"pods": "1"}, 2),
        ({"requests.nvidia.com/gpu": "4"}, {}, None),
        ({"requests.ephemeral-storage": "4Gi"}, {}, None),
    ],
)
def test_remaining_over_one_pod(hard, used, replicas):
    assert admitted(quota(hard, used)) == replicas


def test_the_tightest_of_several():
    assert admitted(quota({"pods": "9"}, name="a"), quota({"requests.cpu": "1"}, name="b")) == 2


def test_another_namespaces_quota_is_none_of_ours():
    other = quota({"pods": "0"})
    other["metadata"]["namespace"] = "else"

    assert admitted(other) is None


GPU = {"containers": [container(requests={"nvidia.com/gpu": "2"})]}


def test_extended_resources():
    assert admitted(quota({"requests.nvidia.com/gpu": "5"}), **GPU) == 2


@pytest.mark.parametrize("name", ["cpu", "requests.memory", "limits.cpu"])
def test_a_limited_resource_that_the_template_does_not_state(name):
    snapshot = look(deployment(), quota({name: "4"}))

    reason, detail = why(snapshot, "quota_replicas")
    assert reason is UnobservedReason.NOT_PROVIDED
    assert f"ResourceQuota shop/quota limits {name}, which the pod template does not state" in detail


def test_a_quota_not_yet_counted_is_unreadable():
    fresh = quota({"pods": "3"})
    fresh["status"] = {}

    assert why(look(deployment(), fresh), "quota_replicas") == (
        UnobservedReason.UNREADABLE,
        "ResourceQuota shop/quota: status.hard is missing",
    )


def scoped(operator, *values, scope="PriorityClass"):
    return {"scopeSelector": {"matchExpressions": [{"scopeName": scope, "operator": operator, "values": list(values)}]}}


CROSS = {"affinity": {"podAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [{"namespaces": ["x"]}]}}}
CROSS_PREFERRED = {
    "affinity": {
        "podAntiAffinity": {
            "preferredDuringSchedulingIgnoredDuringExecution": [{"podAffinityTerm": {"namespaceSelector": {}}}]
        }
    }
}


@pytest.mark.parametrize(
    ("scope", "spec", "applies"),
    [
        ({"scopes": ["NotTerminating"]}, {}, True),
        ({"scopes": ["Terminating"]}, {}, False),
        ({"scopes": ["Terminating"]}, {"activeDeadlineSeconds": 5}, True),
        ({"scopes": ["BestEffort"]}, {}, False),
        ({"scopes": ["BestEffort"]}, {"containers": [container()]}, True),
        ({"scopes": ["NotBestEffort", "NotTerminating"]}, {}, True),
        ({"scopes": ["PriorityClass"]}, {}, False),
        ({"scopes": ["VolumeAttributesClass"]}, {}, False),
        ({"scopes": ["CrossNamespacePodAffinity"]}, {}, False),
        ({"scopes": ["CrossNamespacePodAffinity"]}, CROSS, True),
        ({"scopes": ["CrossNamespacePodAffinity"]}, CROSS_PREFERRED, True),
        (scoped("In", "high"), {"priorityClassName": "high"}, True),
        (scoped("In", "high"), {"priorityClassName": "low"}, False),
        (scoped("NotIn", "high"), {"priorityClassName": "low"}, True),
        (scoped("Exists"), {"priorityClassName": "low"}, True),
        (scoped("Exists"), {}, False),
        (scoped("DoesNotExist"), {}, True),
        (scoped("Exists", scope="BestEffort"), {}, False),
        (scoped("Exists", scope="NotBestEffort"), {}, True),
        (scoped("DoesNotExist", scope="BestEffort"), {}, True),
    ],
)
def test_scopes(scope, spec, applies):
    assert admitted(quota({"pods": "3"}, **scope), **spec) == (3 if applies else None)


def test_an_unknown_operator_of_a_scope():
    snapshot = look(deployment(), quota({"pods": "3"}, **scoped("Near")))

    assert "operator: 'Near' is no operator of a scope" in why(snapshot, "quota_replicas")[1]


def test_limits_with_pod_level_and_overhead():
    level = {"resources": {"limits": {"cpu": "2"}}, "overhead": {"cpu": "500m"}}

    assert admitted(quota({"limits.cpu": "5"}), **level) == 2
