"""What a pod asks of a node: requests by the scheduler's rule.

Containers and sidecars (init containers with ``restartPolicy: Always``) add up; init containers run one
after the other before them, each beside the sidecars that started earlier; the larger of both counts,
resource by resource. Pod-level resources replace the sum, overhead comes on top. A limit without a request
is its own request, as the API server fills it in for pods (but not in a template).

References
----------
k8s.io/component-helpers/resource/helpers.go, `PodRequests`; KEP-753 (sidecars); KEP-1287 (in-place resize).
"""

from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import TypeAlias

from kubernaut.facts.fields import Fields
from kubernaut.facts.objects import KubeObject

Amounts: TypeAlias = Mapping[str, Fraction]
"""Cores, bytes or counts by the name of the resource."""

CPU, MEMORY = "cpu", "memory"
ZERO = Fraction(0)
_POD_LEVEL = (CPU, MEMORY)
_HUGEPAGES = "hugepages-"
_Pick: TypeAlias = Callable[[Fields], Amounts]


def template_requests(pod_spec: Fields) -> dict[str, Fraction]:
    """Give the requests of a pod made from this spec.

    Raises
    ------
    FactsError
        An amount cannot be read.
    """
    return _with_pod_level(pod_spec, _aggregate(pod_spec, container_requests))


def pod_requests(pod: KubeObject) -> dict[str, Fraction]:
    """Give what a pod on a node takes from it: the largest of asked for, allocated and in force.

    Raises
    ------
    FactsError
        An amount cannot be read.

    Notes
    -----
    They differ while a pod is resized in place: until the kubelet has let go of the old amount it is still
    taken.
    """
    spec = pod.spec
    statuses = {
        status.text("name"): status
        for key in ("initContainerStatuses", "containerStatuses")
        for status in pod.status.each(key)
    }
    infeasible = any(
        c.text("type") == "PodResizePending" and c.text("reason") == "Infeasible" for c in pod.status.each("conditions")
    )

    def asked(container: Fields) -> Amounts:
        return {} if infeasible else container_requests(container)

    def allocated(container: Fields) -> Amounts:
        status = statuses.get(container.text("name"))
        if status is not None and "allocatedResources" in status:
            return status.resources("allocatedResources")
        return asked(container)

    def in_force(container: Fields) -> Amounts:
        status = statuses.get(container.text("name"))
        if status is not None and "requests" in status.at("resources"):
            return status.at("resources").resources("requests")
        return allocated(container)

    reported = any("allocatedResources" in status or "resources" in status for status in statuses.values())
    picks = (asked, allocated, in_force) if reported else (asked,)
    return _with_pod_level(spec, _largest([_aggregate(spec, pick) for pick in picks]))


def container_requests(container: Fields) -> dict[str, Fraction]:
    """Give one container's requests, a limit standing for a missing one."""
    resources = container.at("resources")
    return {**resources.resources("limits"), **resources.resources("requests")}


def limits_of(pod_spec: Fields) -> dict[str, Fraction]:
    """Give what a pod's containers may use at most together, by the same rule as its requests.

    Raises
    ------
    FactsError
        A limit cannot be read.
    """
    total = _aggregate(pod_spec, lambda container: container.at("resources").resources("limits"))
    pod_level = pod_spec.at("resources").resources("limits")
    total = {**total, **{n: a for n, a in pod_level.items() if n in _POD_LEVEL or n.startswith(_HUGEPAGES)}}
    overhead = pod_spec.resources("overhead")
    add(total, {name: amount for name, amount in overhead.items() if total.get(name)})
    return total


def memory_limit(pod_spec: Fields) -> Fraction | None:
    """Give the bytes that a pod's containers may use together; None when one has no limit.

    Raises
    ------
    FactsError
        A limit cannot be read.
    """
    pod_level = pod_spec.at("resources").resources("limits")
    if MEMORY in pod_level:
        return pod_level[MEMORY]
    lasting = [*pod_spec.each("containers"), *(c for c in pod_spec.each("initContainers") if is_sidecar(c))]
    limits = [container.at("resources").resources("limits").get(MEMORY) for container in lasting]
    known = [limit for limit in limits if limit is not None]
    return sum(known, ZERO) if lasting and len(known) == len(limits) else None


def is_sidecar(init_container: Fields) -> bool:
    """Say whether an init container keeps running beside the others."""
    return init_container.text("restartPolicy") == "Always"


def is_best_effort(pod_spec: Fields) -> bool:
    """Say whether no container asks for or is limited in CPU or memory."""
    containers = [*pod_spec.each("containers"), *pod_spec.each("initContainers"), pod_spec]
    return not any(container_requests(container).get(name) for container in containers for name in _POD_LEVEL)


def add(total: dict[str, Fraction], more: Amounts) -> None:
    """Add amounts to a total."""
    for name, amount in more.items():
        total[name] = total.get(name, ZERO) + amount


def _aggregate(pod_spec: Fields, pick: _Pick) -> dict[str, Fraction]:
    total: dict[str, Fraction] = {}
    for container in pod_spec.each("containers"):
        add(total, pick(container))
    sidecars: dict[str, Fraction] = {}
    peaks: list[Amounts] = []
    for container in pod_spec.each("initContainers"):
        amounts = pick(container)
        if is_sidecar(container):
            add(total, amounts)
            add(sidecars, amounts)
            peaks.append(dict(sidecars))
        else:
            peak = dict(sidecars)
            add(peak, amounts)
            peaks.append(peak)
    return _largest([total, *peaks])


def _largest(several: list[Amounts] | list[dict[str, Fraction]]) -> dict[str, Fraction]:
    names = {name for amounts in several for name in amounts}
    return {name: max(amounts.get(name, ZERO) for amounts in several) for name in sorted(names)}


def _with_pod_level(pod_spec: Fields, total: dict[str, Fraction]) -> dict[str, Fraction]:
    resources = pod_spec.at("resources")
    asked = {
        **{name: amount for name, amount in resources.resources("limits").items() if name not in total},
        **resources.resources("requests"),
    }
    total = {**total, **{n: a for n, a in asked.items() if n in _POD_LEVEL or n.startswith(_HUGEPAGES)}}
    add(total, pod_spec.resources("overhead"))
    return total
