"""Facts about PodDisruptionBudgets that hold for the target pod.

A budget promises that so many pods stay healthy. Kubernetes keeps it for evictions only; deleting a pod asks nobody. So
whoever deletes a pod has to look at the budget himself.

References
----------
kubernetes/pkg/registry/core/pod/storage/eviction.go.
"""

from collections.abc import Mapping
from functools import partial

from kubernaut.errors import FactsError
from kubernaut.facts.collecting import Answer, CannotSee, Partial, collect
from kubernaut.facts.deployment import Computation
from kubernaut.facts.look import Look
from kubernaut.facts.objects import KubeObject
from kubernaut.facts.selectors import selector_matches
from kubernaut.facts.snapshot import Unobserved, UnobservedReason
from kubernaut.facts.target_pod import of_pod
from kubernaut.json_types import JsonValue

BUDGET = "PodDisruptionBudget"


def budgets(look: Look, pod: KubeObject) -> tuple[KubeObject, ...]:
    """Give the budgets of its namespace that select a pod; an empty selector selects all, a missing one none."""
    look.require(BUDGET)
    return tuple(
        item
        for item in look.objects.of(BUDGET, pod.namespace)
        if "selector" in item.spec and selector_matches(item.spec.at("selector"), pod.labels)
    )


def _number(budget: KubeObject, name: str) -> int:
    status = budget.status
    if status.count("observedGeneration") < (budget.fields.at("metadata").number("generation") or 0):
        raise CannotSee(
            Unobserved(
                UnobservedReason.STALE,
                f"{BUDGET} {budget.namespace}/{budget.name}: its controller has not seen its latest spec",
            )
        )
    if name not in status:
        raise FactsError(f"{status.path(name)} is missing")
    return status.count(name)


@of_pod
def _allowed(look: Look, pod: KubeObject) -> Answer:
    return min((_number(item, "disruptionsAllowed") for item in budgets(look, pod)), default=None)


_FIELDS = {
    "disruptions_allowed": "disruptionsAllowed",
    "current_healthy": "currentHealthy",
    "desired_healthy": "desiredHealthy",
}


@of_pod
def _budgets(look: Look, pod: KubeObject) -> Answer:
    elements: list[JsonValue] = []
    missing: dict[str, Unobserved] = {}
    for index, item in enumerate(budgets(look, pod)):
        values, unobserved = collect((name, partial(_number, item, key)) for name, key in _FIELDS.items())
        elements.append({"name": item.name, **values})
        missing.update({f"[{index}].{name}": why for name, why in unobserved.items()})
    return Partial(elements, missing)


DISRUPTION_COMPUTATIONS: Mapping[str, Computation] = {
    "disruption_budgets": _budgets,
    "disruptions_allowed": _allowed,
}
