"""Which series of kube-state-metrics and cAdvisor a fact needs to be rebuilt at a past instant, and what is lost.

Part of the fact registry: each of its paths has an entry, and a fact is rebuilt by putting objects together from these
series and taking the fact from them by its own rule. What no series tells is said with the reason. Whether a given
Prometheus has the series, and how it is asked, is not known here.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

from kubernaut.facts.snapshot import ReadPath, format_path


@dataclass(frozen=True, slots=True, kw_only=True)
class Rebuilding:
    """How a fact is rebuilt from series.

    Attributes
    ----------
    series : tuple of str
        Names of the metrics that must be there; empty for what parameters tell.
    label : tuple of (str, str), or None
        A metric and a label of it that older exporters leave out, and that the fact rests on.
    loss : str
        Where it may differ from a live look; empty when it does not, the age of the scrape aside.
    why_not : str
        Why it cannot be rebuilt; empty when it can.
    """

    series: tuple[str, ...] = ()
    label: tuple[str, str] | None = None
    loss: str = ""
    why_not: str = ""

    @property
    def possible(self) -> bool:
        """Whether any series could tell it."""
        return not self.why_not


SPARSE = frozenset(
    {
        "kube_node_spec_taint",
        "kube_pod_container_resource_limits",
        "kube_pod_container_resource_requests",
        "kube_pod_container_status_last_terminated_reason",
        "kube_pod_container_status_terminated_reason",
        "kube_pod_container_status_waiting_reason",
        "kube_pod_deletion_timestamp",
        "kube_pod_init_container_info",
        "kube_pod_init_container_resource_limits",
        "kube_pod_init_container_resource_requests",
        "kube_pod_init_container_status_last_terminated_reason",
        "kube_pod_init_container_status_ready",
        "kube_pod_init_container_status_restarts_total",
        "kube_pod_init_container_status_running",
        "kube_pod_init_container_status_terminated",
        "kube_pod_init_container_status_terminated_reason",
        "kube_pod_init_container_status_waiting",
        "kube_pod_init_container_status_waiting_reason",
        "kube_pod_overhead_cpu_cores",
        "kube_pod_overhead_memory_bytes",
        "kube_pod_status_ready",
        "kube_pod_status_unschedulable",
        "kube_pod_tolerations",
        "kube_poddisruptionbudget_status_pod_disruptions_allowed",
        "kube_resourcequota",
    }
)
"""Metrics that have no sample of an object where there is nothing to tell; of the others a missing sample is a gap."""

_FOUND = ("kube_deployment_created",)
_REPLICAS = (*_FOUND, "kube_deployment_spec_replicas")
_OBSERVED = (*_FOUND, "kube_deployment_metadata_generation", "kube_deployment_status_observed_generation")
_CONDITIONS = (*_FOUND, "kube_deployment_status_condition")
_HPA = ("kube_horizontalpodautoscaler_info",)
_POD = ("kube_pod_info", "kube_pod_owner", "kube_pod_status_phase", "kube_pod_deletion_timestamp")
_OWNED = (*_FOUND, *_POD, "kube_replicaset_owner")
_UP = ("kube_pod_owner", "kube_replicaset_owner")
_NODES = ("kube_node_info", "kube_node_status_condition")
_READY = ("kube_pod_status_ready",)
_UNSCHEDULABLE = ("kube_pod_status_unschedulable",)

_STATES = (
    "kube_pod_container_info",
    "kube_pod_container_status_ready",
    "kube_pod_container_status_restarts_total",
    "kube_pod_container_status_running",
    "kube_pod_container_status_terminated",
    "kube_pod_container_status_terminated_reason",
    "kube_pod_container_status_waiting",
    "kube_pod_container_status_waiting_reason",
    "kube_pod_init_container_info",
    "kube_pod_init_container_status_ready",
    "kube_pod_init_container_status_restarts_total",
    "kube_pod_init_container_status_running",
    "kube_pod_init_container_status_terminated",
    "kube_pod_init_container_status_terminated_reason",
    "kube_pod_init_container_status_waiting",
    "kube_pod_init_container_status_waiting_reason",
)
_RESTARTS = (
    "kube_pod_container_info",
    "kube_pod_container_status_restarts_total",
    "kube_pod_init_container_info",
    "kube_pod_init_container_status_restarts_total",
)
_KILLS = (
    *_RESTARTS,
    "kube_pod_container_status_last_terminated_reason",
    "kube_pod_container_status_terminated_reason",
)
_WAITING = tuple(name for name in _STATES if name.endswith(("_info", "_waiting", "_waiting_reason")))
_REQUESTS = (
    "kube_pod_container_info",
    "kube_pod_container_resource_requests",
    "kube_pod_container_resource_limits",
    "kube_pod_init_container_info",
    "kube_pod_init_container_resource_requests",
    "kube_pod_init_container_resource_limits",
    "kube_pod_overhead_cpu_cores",
    "kube_pod_overhead_memory_bytes",
)
_LIMITS = ("kube_pod_container_info", "kube_pod_container_resource_limits", "kube_pod_init_container_info")
_ROOM = (
    *_NODES,
    "kube_node_spec_unschedulable",
    "kube_node_spec_taint",
    "kube_node_status_allocatable",
    *_OWNED,
    *_REQUESTS,
    "kube_pod_tolerations",
)
_THROTTLING = ("container_cpu_cfs_throttled_periods_total", "container_cpu_cfs_periods_total")

_TEMPLATE = "pod templates are in no series"
_PLACES = f"{_TEMPLATE}: node selector, affinity and host ports are not known"
_PULLS = "image pull secrets and the kubelet's Events are in no series"
_REVISIONS = f"{_TEMPLATE}, nor are the revisions' numbers by default"
_SIDECARS = "a sidecar is known for one while it runs beside a container that has begun"
_FROM_PODS = "from the Deployment's pods, which must all agree; a LimitRange's defaults are in it"
_ONLY_NONE = "only where there is none in the namespace: "


def _by(series: Iterable[str], loss: str = "", *, label: tuple[str, str] | None = None) -> Rebuilding:
    return Rebuilding(series=tuple(dict.fromkeys(series)), loss=loss, label=label)


def _not(why_not: str) -> Rebuilding:
    return Rebuilding(why_not=why_not)


_ELEMENT: Mapping[str, Rebuilding] = {
    "name": _by(()),
    "status": _by(
        ("kube_pod_status_reason", *_STATES),
        "of several containers in trouble the first by name is shown; exit codes without a reason are not told",
    ),
    "phase": _by(()),
    "ready": _by(_READY),
    "restarts": _by((*_STATES, "kube_pod_status_reason"), _SIDECARS),
    "restarts_since_baseline": _by(_RESTARTS),
    "oom_killed": _by(_KILLS),
    "throttled": _not("it is not told of single pods; a policy reads cpu_throttling_ratio"),
    "waiting_reason": _by(_WAITING),
    "unschedulable": _by(_UNSCHEDULABLE),
    "node": _by(()),
    "cpu_usage": _by(("container_cpu_usage_seconds_total",), "a rate over the newest two samples"),
    "memory_usage": _by(("container_memory_working_set_bytes",)),
    "memory_limit": _by(_LIMITS, _SIDECARS),
}
_OF_TARGET_POD: Mapping[str, Rebuilding] = {
    **{name: entry for name, entry in _ELEMENT.items() if name != "throttled"},
    "terminating": _by(()),
    "age_s": _by(("kube_pod_created",)),
    "controller_kind": _by(()),
    "qos_class": _by(("kube_pod_status_qos_class",)),
    "priority": _not("series tell the priority's class, not its number"),
}


def _elements(name: str, base: Iterable[str], fields: Mapping[str, Rebuilding]) -> Iterator[tuple[str, Rebuilding]]:
    own = tuple(base)
    for field, entry in fields.items():
        yield f"{name}{field}", replace(entry, series=_by((*own, *entry.series)).series) if entry.possible else entry


_BY_PATH: Mapping[str, Rebuilding] = {
    "deployment_found": _by(_FOUND),
    "deployment_name": _by(()),
    "namespace": _by(()),
    "current_replicas": _by(_REPLICAS),
    "target_replicas": _by(()),
    "expected_baseline": _by(_REPLICAS),
    "additional_replicas": _by(_REPLICAS),
    "conditions": _by(_CONDITIONS),
    "conditions.Available": _by(_CONDITIONS),
    "conditions.Progressing": _by(_CONDITIONS),
    "conditions.ReplicaFailure": _by(_CONDITIONS),
    "progress_deadline_exceeded": _by(_CONDITIONS, label=("kube_deployment_status_condition", "reason")),
    "observed_generation_current": _by(_OBSERVED),
    "rollout_in_progress": _by(
        (
            *_OBSERVED,
            "kube_deployment_spec_replicas",
            "kube_deployment_status_replicas",
            "kube_deployment_status_replicas_available",
            "kube_deployment_status_replicas_updated",
        )
    ),
    "hpa_found": _by(_HPA),
    "hpa_min_replicas": _by((*_HPA, "kube_horizontalpodautoscaler_spec_min_replicas")),
    "hpa_max_replicas": _by((*_HPA, "kube_horizontalpodautoscaler_spec_max_replicas")),
    "total_pods": _by(_OWNED),
    "running_pods": _by(_OWNED),
    "ready_pods": _by((*_OWNED, *_READY)),
    "updated_pods": _by((*_OBSERVED, "kube_deployment_status_replicas_updated"), "the Deployment's own count"),
    "terminating_pods": _by(_OWNED),
    "unschedulable_pods": _by((*_OWNED, *_UNSCHEDULABLE)),
    "pods": _by(_OWNED),
    **dict(_elements("pods[*].", _OWNED, _ELEMENT)),
    "cpu_throttling_ratio": _by(_THROTTLING),
    "available_cpu": _by(_ROOM, _SIDECARS),
    "available_memory": _by(_ROOM, _SIDECARS),
    "required_cpu_per_pod": _by((*_OWNED, *_REQUESTS), _FROM_PODS),
    "required_memory_per_pod": _by((*_OWNED, *_REQUESTS), _FROM_PODS),
    "schedulable_replicas": _not(_PLACES),
    "quota_replicas": _by((*_FOUND, "kube_resourcequota"), f"{_ONLY_NONE}a quota's scopes are in no series"),
    "matching_nodes": _not(_PLACES),
    "ready_nodes": _by(_NODES),
    "image_pull_secrets_exist": _not(_PULLS),
    "image_pull_secrets_valid": _not(_PULLS),
    "pod_found": _by(_POD),
    "pod_name": _by(()),
    "target_pod": _by(_POD),
    **dict(_elements("target_pod.", _POD, _OF_TARGET_POD)),
    "pod_will_be_recreated": _by(
        (*_POD, "kube_replicaset_created", "kube_replicaset_owner", "kube_replicaset_spec_replicas"),
        "a ReplicaSet that is being deleted still counts as one that stands",
    ),
    "workload_kind": _by((*_POD, *_UP)),
    "workload_name": _by((*_POD, *_UP)),
    "peer_pods": _by((*_POD, *_UP)),
    "ready_peer_pods": _by((*_POD, *_UP, *_READY)),
    "disruption_budgets": _by(
        (*_POD, "kube_poddisruptionbudget_status_pod_disruptions_allowed"),
        f"{_ONLY_NONE}a budget's selector is in no series",
    ),
    "disruption_budgets[*].name": _not("a budget's selector is in no series"),
    "disruption_budgets[*].disruptions_allowed": _not("a budget's selector is in no series"),
    "disruption_budgets[*].current_healthy": _not("a budget's selector is in no series"),
    "disruption_budgets[*].desired_healthy": _not("a budget's selector is in no series"),
    "disruptions_allowed": _by(
        (*_POD, "kube_poddisruptionbudget_status_pod_disruptions_allowed"),
        f"{_ONLY_NONE}a budget's selector is in no series",
    ),
    "replacement_pods": _by(_POD),
    **dict(
        _elements("replacement_pods[*].", _POD, {name: one for name, one in _ELEMENT.items() if name != "throttled"})
    ),
    "deployment_paused": _by((*_FOUND, "kube_deployment_spec_paused")),
    "available_replicas": _by((*_FOUND, "kube_deployment_status_replicas_available")),
}

REVISION_FACTS = (
    "revisions",
    "current_revision",
    "revision_advanced",
    "wanted_revision",
    "wanted_revision_exists",
    "wanted_revision_is_current",
    "wanted_revision_images_differ",
    "wanted_revision_available_replicas",
    "wanted_revision_served_s",
    "rollout_before_incident_s",
)
"""Facts that compare pod templates or read the annotation of the revision."""

REBUILDING: Mapping[str, Rebuilding] = MappingProxyType(
    {**_BY_PATH, **{name: _not(_REVISIONS) for name in REVISION_FACTS}}
)
"""By path in text form; a field of a revision is told by the entry of `revisions`."""


def rebuilding_of(path: ReadPath) -> Rebuilding:
    """Give how the fact at a path of the registry is rebuilt.

    Parameters
    ----------
    path : ReadPath
        With ``*`` for elements; a path below one that has an entry is told by that one.
    """
    for length in range(len(path), 0, -1):
        found = REBUILDING.get(format_path(path[:length]))
        if found is not None:
            return found
    return _not("no fact of the registry")


def all_series() -> tuple[str, ...]:
    """Give the name of every metric that any fact needs, sorted."""
    return tuple(sorted({name for entry in REBUILDING.values() for name in entry.series}))
