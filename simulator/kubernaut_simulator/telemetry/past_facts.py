"""Facts at a past instant: objects put together from a scrape, and the engine's own extraction.

No fact has a second rule here. What is decided is only whether the series behind a fact were there: a fact whose series
have a gap for this target is unobserved, with the series named; one that no series can tell is not in the look at all.
"""

from collections.abc import Collection, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from kubernaut.errors import FactsError
from kubernaut.facts.baseline import Baseline
from kubernaut.facts.extract import Extraction, take_baseline
from kubernaut.facts.look import Look
from kubernaut.facts.objects import KubeObject, ObjectSet, Target
from kubernaut.facts.rebuilding import rebuilding_of
from kubernaut.facts.registry import REGISTRY
from kubernaut.facts.snapshot import ANY, ReadPath, Snapshot, Unobserved, UnobservedReason
from kubernaut.facts.workloads import DEPLOYMENT, POD
from kubernaut.json_types import JsonObject, JsonValue
from kubernaut_simulator.telemetry.exposure import Exposure, series_for
from kubernaut_simulator.telemetry.gaps import Gaps
from kubernaut_simulator.telemetry.rebuilt_objects import objects_of
from kubernaut_simulator.telemetry.rebuilt_pods import template_of
from kubernaut_simulator.telemetry.scrapes import Scrape

ROOM = frozenset({"available_cpu", "available_memory"})
"""Facts that rest on the pods of all namespaces."""

_OF_TEMPLATE = ROOM | {"required_cpu_per_pod", "required_memory_per_pod"}
_WITHOUT_REPLICA_SETS = frozenset({"updated_pods"})
_PARTLY_KNOWN: JsonObject = {"spec": {}}
_KINDS = ("Deployment", "ReplicaSet", "Pod", "Node", "HorizontalPodAutoscaler", "ResourceQuota", "PodDisruptionBudget")
_LISTS_OF_PODS = frozenset({"pods", "replacement_pods"})
_TOLD_BY_ABSENCE = {
    "quota_replicas": "kube_resourcequota",
    "disruption_budgets": "kube_poddisruptionbudget_status_pod_disruptions_allowed",
    "disruptions_allowed": "kube_poddisruptionbudget_status_pod_disruptions_allowed",
}
"""Facts that are told only where there is no object of a kind; of the objects themselves too little is in series."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PastLook:
    """What is looked at, and who looks.

    Attributes
    ----------
    scrape : Scrape
    target : Target
    parameters : JsonObject
        Checked parameters of the action, in nested form.
    samples : tuple of mapping
        PodMetrics made of cAdvisor's series.
    provided : mapping of str to JsonValue or Unobserved
        Facts whose source is Prometheus.
    everywhere : bool
        The scrape holds the pods of all namespaces.
    """

    scrape: Scrape
    target: Target
    parameters: JsonObject
    samples: tuple[Mapping[str, Any], ...] = ()
    provided: "Mapping[str, JsonValue | Unobserved]" = field(default_factory=dict)
    everywhere: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class RunSoFar:
    """What a look may know of the run.

    Attributes
    ----------
    baseline : Baseline or None
        The look before the action.
    action_ended_at, incident_detected_at : datetime or None
        As for `kubernaut.facts.extract.extract`.
    """

    baseline: Baseline | None = None
    action_ended_at: datetime | None = None
    incident_detected_at: datetime | None = None


def facts_of(look: PastLook, exposure: Exposure, *, now: datetime, run: RunSoFar | None = None) -> Snapshot:
    """Give the facts that a scrape tells, as a live look at that instant would have.

    Parameters
    ----------
    now : datetime
        The instant that is meant; only ages depend on it.
    run : RunSoFar or None
        None before anything happened.

    Returns
    -------
    Snapshot
        Facts that the exporters cannot tell are not recorded in it; those with gaps are unobserved.
    """
    so_far = run or RunSoFar()
    kind = look.target.kind
    wanted = frozenset(_told(exposure, kind, everywhere=look.everywhere))
    rebuilt = _Rebuilt(look)
    why = {**rebuilt.why_not(wanted), **_of_baseline(look, so_far.baseline)}
    facts: dict[str, JsonValue] = {}
    unobserved = {name: one for name, one in why.items() if name in wanted}
    for names, hidden in rebuilt.passes(wanted - why.keys()):
        seen = Look(
            objects=rebuilt.objects,
            target=look.target,
            parameters=look.parameters,
            now=now,
            baseline=so_far.baseline,
            action_ended_at=so_far.action_ended_at,
            incident_detected_at=so_far.incident_detected_at,
            unavailable=hidden,
        )
        provided = {name: value for name, value in look.provided.items() if name in names}
        found = Extraction(seen).snapshot(provided=provided, wanted=names)
        facts |= {name: value for name, value in found.facts.items() if name in names}
        unobserved |= found.unobserved
    _cut_fields(facts, unobserved, exposure, rebuilt.gaps)
    return Snapshot(
        facts={**facts, "parameters": look.parameters},
        unobserved=unobserved,
        recorded=_recorded(exposure, kind, everywhere=look.everywhere),
    )


def nothing_seen(
    why: Unobserved, exposure: Exposure, *, target: Target, parameters: JsonObject, everywhere: bool = False
) -> Snapshot:
    """Give the look of an instant at which nothing was scraped."""
    return Snapshot(
        facts={"parameters": parameters},
        unobserved=dict.fromkeys(_told(exposure, target.kind, everywhere=everywhere), why),
        recorded=_recorded(exposure, target.kind, everywhere=everywhere),
    )


def baseline_of(look: PastLook | Unobserved) -> Baseline:
    """Give what the target looked like before the action."""
    if isinstance(look, Unobserved):
        return Baseline(unobserved=look)
    return take_baseline(ObjectSet.from_objects(objects_of(look.scrape)), look.target)


def _told(exposure: Exposure, target_kind: str, *, everywhere: bool) -> Iterator[str]:
    return (name for name in exposure.facts(target_kind) if everywhere or name not in ROOM)


def _recorded(exposure: Exposure, target_kind: str, *, everywhere: bool) -> tuple[ReadPath, ...]:
    paths = exposure.recorded(target_kind)
    return (*(path for path in paths if everywhere or path[0] not in ROOM), ("parameters",))


def _of_baseline(look: PastLook, baseline: Baseline | None) -> dict[str, Unobserved]:
    if baseline is None or baseline.unobserved is None or "expectedReplicas" in look.parameters:
        return {}
    return {"expected_baseline": baseline.unobserved}


class _Rebuilt:
    """The objects of a look."""

    def __init__(self, look: PastLook) -> None:
        self._look = look
        items = [*objects_of(look.scrape), *look.samples]
        deployment, pods = _target_of(ObjectSet.from_objects(items, listed=_KINDS), look.target)
        standing = {(pod.namespace, pod.name) for pod in pods if not pod.terminating}
        self._template = template_of(one for one in items if one["kind"] == POD and _name(one) in standing)
        self._deployment = deployment
        self.gaps = Gaps(scrape=look.scrape, namespace=look.target.namespace, deployment=deployment, pods=pods)
        self.objects = ObjectSet.from_objects(map(self._with_template, items), listed=_KINDS)

    def passes(self, wanted: frozenset[str]) -> Iterator[tuple[frozenset[str], dict[str, Unobserved]]]:
        """Give which facts are taken together, and which kinds are kept from them.

        Pod templates are not known, so that two of them must not be compared: they would be equal.
        """
        yield wanted - _WITHOUT_REPLICA_SETS, {}
        apart = wanted & _WITHOUT_REPLICA_SETS
        if apart:
            yield apart, {"ReplicaSet": Unobserved(UnobservedReason.NOT_PROVIDED, "pod templates are in no series")}

    def why_not(self, wanted: Collection[str]) -> dict[str, Unobserved]:
        """Give the facts that cannot be told of this target at this instant."""
        found: dict[str, Unobserved] = {}
        for name in wanted:
            entry = rebuilding_of((name,))
            gap = self.gaps.of(series_for(entry, self._look.target.kind))
            if gap is not None:
                found[name] = gap
            elif entry.label is not None and not self.gaps.has_label(*entry.label):
                metric, label = entry.label
                found[name] = _not_told(f"{metric} has no label {label}: an older kube-state-metrics")
        for name, metric in _TOLD_BY_ABSENCE.items():
            if self._look.scrape.of(metric, namespace=self._look.target.namespace):
                found[name] = _not_told(f"told {rebuilding_of((name,)).loss}")
        if self._template is None and self._deployment is not None:
            untold = _not_told("no pod of the Deployment tells what one asks for, or its pods differ")
            found |= dict.fromkeys(_OF_TEMPLATE, untold)
        return found

    def _with_template(self, item: Mapping[str, Any]) -> Mapping[str, Any]:
        here = self._deployment
        if here is None or item["kind"] != DEPLOYMENT or _name(item) != (here.namespace, here.name):
            return item
        return {**item, "spec": {**item["spec"], "template": self._template or _PARTLY_KNOWN}}


def _target_of(objects: ObjectSet, target: Target) -> tuple[KubeObject | None, tuple[KubeObject, ...]]:
    seen = Look(objects=objects, target=target, unavailable={})
    deployment: KubeObject | None = None
    pods: tuple[KubeObject, ...] = ()
    # A pod that is not there tells of nothing that it belonged to.
    with suppress(FactsError):
        deployment = seen.deployment
        pods = seen.family
    if target.kind == POD and seen.pod is not None and seen.pod not in pods:
        pods = (*pods, seen.pod)
    return deployment, pods


def _name(item: Mapping[str, Any]) -> tuple[str, str]:
    metadata = item["metadata"]
    return metadata.get("namespace", ""), metadata["name"]


def _not_told(detail: str) -> Unobserved:
    return Unobserved(UnobservedReason.NOT_PROVIDED, detail)


def _cut_fields(facts: dict[str, JsonValue], unobserved: dict[str, Unobserved], exposure: Exposure, gaps: Gaps) -> None:
    """Take fields of pods away that no series told, and say of single pods what had gaps."""
    for name in (*_LISTS_OF_PODS, "target_pod"):
        value = facts.get(name)
        several = name in _LISTS_OF_PODS
        elements = value if isinstance(value, list) else [] if value is None else [value]
        for place, element in enumerate(elements):
            if not isinstance(element, dict):
                continue
            pod = (gaps.namespace, str(element.get("name", "")))
            for below in REGISTRY[name].fields:
                path = (name, ANY, below.name) if several else (name, below.name)
                here = f"{name}[{place}].{below.name}" if several else f"{name}.{below.name}"
                if exposure.why_not(path):
                    element.pop(below.name, None)
                    unobserved.pop(here, None)
                    continue
                gap = gaps.of_pod(pod, rebuilding_of(path).series)
                if gap is None and below.name == "memory_limit" and not gaps.has_started(pod):
                    gap = _not_told("its containers are in no series before they have a status")
                if gap is not None:
                    element.pop(below.name, None)
                    unobserved[here] = gap
