"""Facts about the Deployment's pods, one by one and counted."""

from collections.abc import Callable, Iterable, Mapping
from functools import partial

from kubernaut.facts.baseline import oom_killed_since, restarts_since
from kubernaut.facts.collecting import Answer, CannotSee, Partial, collect, not_provided
from kubernaut.facts.deployment import Computation, is_observed
from kubernaut.facts.look import Look
from kubernaut.facts.metrics import sample_of, usage
from kubernaut.facts.nodes import is_finished
from kubernaut.facts.objects import KubeObject
from kubernaut.facts.ownership import current_replica_set
from kubernaut.facts.pod_status import condition_is_true, is_unschedulable, shown, waiting_reason
from kubernaut.facts.requests import CPU, MEMORY, memory_limit
from kubernaut.facts.snapshot import Unobserved
from kubernaut.json_types import JsonValue
from kubernaut.quantities import format_cpu_m, format_memory_mi


def _count(holds: Callable[[KubeObject], bool]) -> Computation:
    """Count the pods that count as replicas and for which something holds."""

    def fact(look: Look) -> Answer:
        if look.is_absent:
            return None
        return sum(pod.once(holds) for pod in look.pods if not is_finished(pod))

    return fact


def _terminating(look: Look) -> Answer:
    return None if look.is_absent else sum(pod.terminating for pod in look.all_pods)


def _updated(look: Look) -> Answer:
    deployment = look.deployment
    if deployment is None:
        return None
    if not (look.readable("ReplicaSet") and look.readable("Pod")):
        if not is_observed(deployment):
            raise not_provided("pods' templates are not known, and the Deployment's status is of an older spec")
        return deployment.status.count("updatedReplicas")
    current = current_replica_set(deployment, look.replica_sets)
    if current is None:
        return 0
    return sum(
        pod.owner is not None and (pod.owner.uid or current.uid) == current.uid and pod.owner.name == current.name
        for pod in look.pods
        if not is_finished(pod)
    )


def _pods(look: Look) -> Answer:
    return None if look.is_absent else elements_of(look, look.pods)


def elements_of(look: Look, pods: Iterable[KubeObject]) -> Partial:
    """Give pods as elements of a list, each field that could not be seen apart."""
    elements: list[JsonValue] = []
    missing: dict[str, Unobserved] = {}
    for index, pod in enumerate(pods):
        values, unobserved = element_of(look, pod)
        elements.append(values)
        missing.update({f"[{index}].{name}": why for name, why in unobserved.items()})
    return Partial(elements, missing)


def element_of(look: Look, pod: KubeObject) -> tuple[dict[str, JsonValue], dict[str, Unobserved]]:
    """Give the fields of a pod, and what could not be seen of it by field."""
    return pod.once_for(
        partial(_element, look),
        _element,
        look.baseline,
        look.action_ended_at,
        look.why_not("PodMetrics"),
        sample_of(look, pod),
    )


def _element(look: Look, pod: KubeObject) -> tuple[dict[str, JsonValue], dict[str, Unobserved]]:
    """Give a pod's element of `pods`; of the look it depends on the baseline and the pod's sample alone."""
    return collect((name, partial(compute, look, pod)) for name, compute in _POD_FIELDS.items())


def _restarts_since_baseline(look: Look, pod: KubeObject) -> Answer:
    _require_baseline(look)
    return restarts_since(pod, look.baseline)


def _oom_killed(look: Look, pod: KubeObject) -> Answer:
    _require_baseline(look)
    return oom_killed_since(pod, look.baseline)


def _require_baseline(look: Look) -> None:
    if look.baseline is not None and look.baseline.unobserved is not None:
        raise CannotSee(look.baseline.unobserved)


def _memory_limit(pod: KubeObject) -> str | None:
    limit = memory_limit(pod.spec)
    return None if limit is None else format_memory_mi(limit, up=False)


def is_ready(pod: KubeObject) -> bool:
    """Say whether a pod serves."""
    return condition_is_true(pod.status, "Ready")


_POD_FIELDS: Mapping[str, Callable[[Look, KubeObject], Answer]] = {
    "name": lambda _, pod: pod.name,
    "status": lambda _, pod: pod.once(shown).status,
    "phase": lambda _, pod: pod.status.text("phase"),
    "ready": lambda _, pod: pod.once(is_ready),
    "restarts": lambda _, pod: pod.once(shown).restarts,
    "restarts_since_baseline": _restarts_since_baseline,
    "oom_killed": _oom_killed,
    "waiting_reason": lambda _, pod: pod.once(waiting_reason),
    "unschedulable": lambda _, pod: pod.once(is_unschedulable),
    "node": lambda _, pod: pod.spec.text("nodeName") or None,
    "cpu_usage": lambda look, pod: format_cpu_m(usage(look, pod, CPU), up=True),
    "memory_usage": lambda look, pod: format_memory_mi(usage(look, pod, MEMORY), up=True),
    "memory_limit": lambda _, pod: pod.once(_memory_limit),
}

POD_COMPUTATIONS: Mapping[str, Computation] = {
    "total_pods": _count(lambda _: True),
    "running_pods": _count(lambda pod: pod.status.text("phase") == "Running"),
    "ready_pods": _count(is_ready),
    "updated_pods": _updated,
    "terminating_pods": _terminating,
    "unschedulable_pods": _count(is_unschedulable),
    "pods": _pods,
}
