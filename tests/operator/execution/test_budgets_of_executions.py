"""A condition that stops more runs than history promised goes back to warn by itself, and stays there."""

import json

import pytest
from helpers.executions import phase_is
from kubernaut_operator.settings import OPERATOR_NAMESPACE

pytestmark = [pytest.mark.xdist_group("control-plane"), pytest.mark.cluster, pytest.mark.slow]

CONDITIONS = ("configmap", "kubernaut-action-conditions", f"--namespace={OPERATOR_NAMESPACE}")
COUNTS = ("configmap", "kubernaut-block-budgets", f"--namespace={OPERATOR_NAMESPACE}")
NAME = "cluster_capacity_available"
ENFORCED = f"""\
version: 1
actions:
  scale_deployment:
    pre:
      {NAME}:
        required: true
        rolloutPercent: 100
        evidence: {{blockRate: {{predicted: 0.001, upper: 0.002, n: 1000}}}}
"""


@pytest.fixture
def enforced(cluster, operator):
    """Enforce a condition that nothing can pass where there is no node."""
    before = json.loads(cluster.kubectl("get", *CONDITIONS, "-o", "json"))["data"]
    cluster.kubectl("patch", *CONDITIONS, "--type=merge", "-p", json.dumps({"data": {"settings.yaml": ENFORCED}}))
    yield
    cluster.kubectl("patch", *CONDITIONS, "--type=merge", "-p", json.dumps({"data": before}))


def counted(cluster):
    data = json.loads(cluster.kubectl("get", *COUNTS, "-o", "json")).get("data", {})
    return json.loads(data.get(f"scale_deployment.action.pre.{NAME}", "null"))


def result_of(found):
    results = found["status"]["validationResults"]["preConditionResults"]
    return next(one for one in results if one["conditionType"] == NAME)


def test_a_condition_that_stops_too_many_goes_back_to_warn(cluster, enforced, shop):
    shop.scale("first", incident={"id": "incident-0"})
    assert result_of(shop.wait("first", until=phase_is("blocked")))["enforced"]

    # One of one stopped is too many where history promised one in five hundred.
    shop.until(lambda: "BlockBudgetSpent" in shop.events("first"))

    assert (counted(cluster)["incidents"], counted(cluster)["blocks"]) == (1, 1)
    cluster.kubectl("delete", "kex", "first", f"--namespace={shop.namespace}", "--timeout=30s")
    shop.scale("next")
    found = shop.wait("next")
    assert found["status"]["phase"] == "succeeded"
    assert (result_of(found)["verdict"], result_of(found)["enforced"]) == ("Failed", False)
