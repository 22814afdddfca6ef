"""Block budgets as a scrape shows them: what stands in their ConfigMap, as far as it was read."""

from datetime import UTC, datetime

import pytest
from kubernaut_operator.execution.budgets import BlockBudgets
from kubernaut_operator.kernel.api import connect
from kubernaut_operator.metrics import watch_budgets
from prometheus_client import CollectorRegistry

from kubernaut.conditions.spec import PolicySource, ResolvedCondition
from kubernaut.identity import ConditionId, Level, Phase

pytestmark = [pytest.mark.xdist_group("cluster"), pytest.mark.cluster]

NOW = datetime(2026, 3, 1, tzinfo=UTC)
CONDITION = ResolvedCondition(
    id=ConditionId("scale_deployment", Level.ACTION, Phase.PRE, "deployment_exists"),
    description="",
    policy_digest="d",
    policy_source=PolicySource.SHIPPED,
    required=True,
    rollout_percent=50.0,
    timeout_s=10.0,
)
LABELS = {
    "condition_type": "deployment_exists",
    "service": "kubernetesexecution",
    "action": "scale_deployment",
    "phase": "pre",
}


def test_what_was_counted_is_shown_until_it_is_spent_and_after(cluster, namespace):
    api = connect(str(cluster.layout.kubeconfig))
    budgets, registry = BlockBudgets(api, namespace=namespace), CollectorRegistry()
    watch_budgets(registry, budgets.kept)

    assert registry.get_sample_value("condition_budget_incidents", LABELS) is None

    spent = None
    counted = 0
    while spent is None:
        spent = budgets.count(CONDITION, limit=0.05, incident_id=f"incident-{counted}", blocked=True, now=NOW)
        counted += 1

    assert registry.get_sample_value("condition_budget_incidents", LABELS) == counted
    assert registry.get_sample_value("condition_budget_blocks", LABELS) == counted
    assert registry.get_sample_value("condition_budget_limit_ratio", LABELS) == 0.05
    assert registry.get_sample_value("condition_set_back", LABELS) == 1
    api.close()


def test_what_somebody_else_wrote_is_no_budget(cluster, namespace):
    api = connect(str(cluster.layout.kubeconfig))
    budgets = BlockBudgets(api, namespace=namespace)
    budgets.count(CONDITION, limit=0.05, incident_id="incident-1", blocked=False, now=NOW)
    cluster.kubectl(
        "patch", "configmap", "kubernaut-block-budgets", "-n", namespace, "--type=merge",
        "-p", '{"data": {"note": "hands off", "a.step.pre.b": "{}"}}',
    )  # fmt: skip
    again = BlockBudgets(api, namespace=namespace)

    assert not again.spent(CONDITION, limit=0.05)
    assert list(again.kept()) == [CONDITION.id]
    api.close()
