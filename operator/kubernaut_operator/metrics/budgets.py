"""What is left of the block budgets, asked for when somebody scrapes."""

from collections.abc import Callable, Iterable, Mapping

from prometheus_client import CollectorRegistry
from prometheus_client.core import Metric
from prometheus_client.registry import Collector

from kubernaut.enforcement.budget import BudgetState
from kubernaut.identity import ConditionId
from kubernaut_operator.metrics.declared import SERVICES, family

BUDGETS_LIMIT = 200
"""Conditions shown; those beyond are left out, since adding budgets up says nothing."""


def watch_budgets(registry: CollectorRegistry, kept: Callable[[], Mapping[ConditionId, BudgetState]]) -> None:
    """Show all block budgets at each scrape."""
    registry.register(_Budgets(kept))


class _Budgets(Collector):
    def __init__(self, kept: Callable[[], Mapping[ConditionId, BudgetState]]) -> None:
        self._kept = kept

    def collect(self) -> Iterable[Metric]:
        limits, incidents = family("condition_budget_limit_ratio"), family("condition_budget_incidents")
        blocks, set_back = family("condition_budget_blocks"), family("condition_set_back")
        for condition, state in sorted(self._kept().items())[:BUDGETS_LIMIT]:
            labels = (condition.type, SERVICES[condition.level], condition.action, condition.phase.value)
            limits.add_metric(labels, state.limit)
            incidents.add_metric(labels, state.incidents)
            blocks.add_metric(labels, state.blocks)
            set_back.add_metric(labels, int(state.is_spent))
        return [limits, incidents, blocks, set_back]
