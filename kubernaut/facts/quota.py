"""How many more pods the namespace's ResourceQuotas admit.

Quota is enforced when a pod is created, so a scale-up beyond it succeeds as a change and then never comes up:
``ReplicaFailure`` minutes later instead of a refusal now.
"""

from collections.abc import Mapping
from fractions import Fraction

from kubernaut.errors import FactsError
from kubernaut.facts.collecting import Answer, not_provided
from kubernaut.facts.deployment import Computation, of_deployment, pod_spec
from kubernaut.facts.fields import Fields
from kubernaut.facts.look import Look
from kubernaut.facts.objects import KubeObject
from kubernaut.facts.requests import ZERO, is_best_effort, limits_of, template_requests

_QUOTA = "ResourceQuota"
_ONE_A_POD = frozenset({"pods", "count/pods"})
_REQUESTS, _LIMITS = "requests.", "limits."
_SHORT = frozenset({"cpu", "memory", "ephemeral-storage"})
_OF_CLAIMS = frozenset({"requests.storage"})


@of_deployment
def _quota_replicas(look: Look, deployment: KubeObject) -> Answer:
    look.require(_QUOTA)
    spec = pod_spec(deployment)
    counts = [
        count
        for quota in look.objects.of(_QUOTA, look.target.namespace)
        if _applies(quota.spec, spec)
        for count in _admitted(quota, spec)
    ]
    return min(counts, default=None)


def _admitted(quota: KubeObject, spec: Fields) -> list[int]:
    """Give how many pods each limited resource still admits."""
    status = quota.status
    if "hard" not in status:
        raise FactsError(f"{status.path('hard')} is missing")
    hard, used = status.resources("hard"), status.resources("used")
    counts = []
    for name, limit in hard.items():
        amount = _per_pod(name, spec, quota)
        if amount > 0:
            counts.append(int(max(ZERO, limit - used.get(name, ZERO)) // amount))
    return counts


def _per_pod(name: str, spec: Fields, quota: KubeObject) -> Fraction:
    """Give what one pod takes of a limited resource; 0 for what pods do not take."""
    if name in _ONE_A_POD:
        return Fraction(1)
    if name in _OF_CLAIMS:
        return ZERO
    if name in _SHORT or name.startswith(_REQUESTS):
        amounts, resource = template_requests(spec), name.removeprefix(_REQUESTS)
    elif name.startswith(_LIMITS):
        amounts, resource = limits_of(spec), name.removeprefix(_LIMITS)
    else:
        return ZERO
    if resource not in amounts and resource in _SHORT - {"ephemeral-storage"}:
        raise not_provided(
            f"ResourceQuota {quota.namespace}/{quota.name} limits {name}, which the pod template does "
            "not state; whether a LimitRange fills it in is not looked at"
        )
    return amounts.get(resource, ZERO)


def _applies(quota: Fields, spec: Fields) -> bool:
    """Say whether a quota's scopes match the pods of a Deployment."""
    plain = all(_scope_matches(scope, spec) for scope in quota.texts("scopes"))
    return plain and all(
        _expression_matches(expression, spec) for expression in quota.at("scopeSelector").each("matchExpressions")
    )


def _expression_matches(expression: Fields, spec: Fields) -> bool:
    scope, operator = expression.text("scopeName"), expression.text("operator")
    if scope != "PriorityClass" or operator == "Exists":
        matches = _scope_matches(scope, spec)
        return not matches if operator == "DoesNotExist" else matches
    name = spec.text("priorityClassName")
    match operator:
        case "In":
            return name in expression.texts("values")
        case "NotIn":
            return name not in expression.texts("values")
        case "DoesNotExist":
            return not name
        case _:
            raise FactsError(f"{expression.path('operator')}: {operator!r} is no operator of a scope")


def _scope_matches(scope: str, spec: Fields) -> bool:
    match scope:
        case "Terminating":
            return "activeDeadlineSeconds" in spec
        case "NotTerminating":
            return "activeDeadlineSeconds" not in spec
        case "BestEffort":
            return is_best_effort(spec)
        case "NotBestEffort":
            return not is_best_effort(spec)
        case "PriorityClass":
            return bool(spec.text("priorityClassName"))
        case "CrossNamespacePodAffinity":
            return _reaches_other_namespaces(spec)
        case _:
            # A scope of something else than pods (VolumeAttributesClass) leaves pods alone.
            return False


def _reaches_other_namespaces(spec: Fields) -> bool:
    affinity = spec.at("affinity")
    for kind in ("podAffinity", "podAntiAffinity"):
        required = affinity.at(kind).each("requiredDuringSchedulingIgnoredDuringExecution")
        preferred = affinity.at(kind).each("preferredDuringSchedulingIgnoredDuringExecution")
        for term in (*required, *(item.at("podAffinityTerm") for item in preferred)):
            if term.texts("namespaces") or "namespaceSelector" in term:
                return True
    return False


QUOTA_COMPUTATIONS: Mapping[str, Computation] = {"quota_replicas": _quota_replicas}
