"""A person lets a run pass what blocks it: counted only where the API server checks who may, and told everywhere."""

import json

import pytest
from cluster.errors import ClusterError
from helpers.executions import phase_is
from kubernaut_operator.manifests.admission import ANNOTATIONS

pytestmark = [pytest.mark.xdist_group("control-plane"), pytest.mark.cluster]

BINDING = ("validatingadmissionpolicybinding", ANNOTATIONS)
NEVER = 'package mine\nimport rego.v1\nallow if input.current_replicas == 99\nerror_message := "not now"'
COUNTED = 'condition_overrides_total{action="scale_deployment",condition_type="mine",service="kubernetesexecution"}'


@pytest.fixture
def blocked(operator, shop):
    """An execution that a precondition of its own blocks."""
    shop.scale(preConditions=[{"type": "mine", "rego": NEVER}])
    shop.wait(until=phase_is("blocked"))
    return shop


@pytest.fixture
def without_binding(cluster, installed):
    """The cluster without the binding that makes the API server check annotations; put back after the test."""
    binding = json.loads(cluster.kubectl("get", *BINDING, "-o", "json"))
    cluster.kubectl("delete", *BINDING)
    yield
    binding["metadata"] = {"name": ANNOTATIONS, "labels": binding["metadata"]["labels"]}
    cluster.kubectl("create", "-f", "-", stdin=json.dumps(binding))


def override(shop, *, by="admin"):
    annotations = {"condition": "mine", "reason": "ticket-4711", "by": by}
    said = [f"kubernaut.io/override-{name}={value}" for name, value in annotations.items()]
    shop.cluster.kubectl("annotate", "kex", "scale-web", f"--namespace={shop.namespace}", "--overwrite", *said)


def test_an_override_lets_it_pass_and_says_whose_it_was(operator, blocked):
    before = operator.metrics().get(COUNTED, 0)
    override(blocked)

    found = blocked.wait()

    assert (found["status"]["phase"], blocked.replicas()) == ("succeeded", 3)
    results = found["status"]["validationResults"]["preConditionResults"]
    (mine,) = (one for one in results if one["conditionType"] == "mine")
    assert (mine["passed"], mine["overridden"]) == (False, True)
    assert (mine["overriddenBy"], mine["overrideReason"]) == ("admin", "ticket-4711")
    assert "ConditionOverridden" in blocked.events()
    assert operator.metrics()[COUNTED] == before + 1


def test_nobody_overrides_in_another_name(blocked):
    with pytest.raises(ClusterError, match="names who set it"):
        override(blocked, by="somebody-else")


def test_where_nobody_checks_who_may_override_nobody_does(blocked, without_binding):
    override(blocked)

    blocked.until(lambda: "OverrideIgnored" in blocked.events())

    found = blocked.wait(until=phase_is("blocked"))
    assert (found["status"]["message"], blocked.replicas()) == ("mine: not now", 2)
