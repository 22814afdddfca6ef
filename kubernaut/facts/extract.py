"""Take facts from objects: the door to this package.

Pure: the same objects in any order give the same snapshot. Nothing that an object holds makes it raise;
what cannot be read is unobserved, with the field named, and the other facts stand.
"""

from collections.abc import Callable, Collection, Iterable, Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import datetime

from kubernaut.errors import FactsError
from kubernaut.facts.autoscaling import AUTOSCALING_COMPUTATIONS, autoscalers
from kubernaut.facts.baseline import Baseline, PodBaseline, RevisionsBaseline, containers_of, pod_key
from kubernaut.facts.capacity import CAPACITY_COMPUTATIONS
from kubernaut.facts.collecting import Answer, CannotSee, observe, sort_out
from kubernaut.facts.definitions import FactSource
from kubernaut.facts.deployment import DEPLOYMENT_COMPUTATIONS, Computation, spec_replicas
from kubernaut.facts.disruption import DISRUPTION_COMPUTATIONS, budgets
from kubernaut.facts.image_pull import IMAGE_PULL_COMPUTATIONS
from kubernaut.facts.look import Look
from kubernaut.facts.objects import KubeObject, ObjectSet, Target
from kubernaut.facts.parameters import PARAMETER_COMPUTATIONS
from kubernaut.facts.pods import POD_COMPUTATIONS
from kubernaut.facts.quota import QUOTA_COMPUTATIONS
from kubernaut.facts.registry import REGISTRY
from kubernaut.facts.revisions import current_revision, previous, revisions_of
from kubernaut.facts.rollback import ROLLBACK_COMPUTATIONS
from kubernaut.facts.snapshot import Snapshot, Unobserved, UnobservedReason
from kubernaut.facts.target_pod import TARGET_POD_COMPUTATIONS
from kubernaut.facts.workloads import POD
from kubernaut.history.rows import ObjectVersion
from kubernaut.json_types import JsonObject, JsonValue

COMPUTATIONS: Mapping[str, Computation] = {
    **DEPLOYMENT_COMPUTATIONS,
    **PARAMETER_COMPUTATIONS,
    **POD_COMPUTATIONS,
    **CAPACITY_COMPUTATIONS,
    **QUOTA_COMPUTATIONS,
    **IMAGE_PULL_COMPUTATIONS,
    **AUTOSCALING_COMPUTATIONS,
    **TARGET_POD_COMPUTATIONS,
    **DISRUPTION_COMPUTATIONS,
    **ROLLBACK_COMPUTATIONS,
}
"""How each registered fact is computed; those of Prometheus come from outside."""

_OF_PROMETHEUS = tuple(name for name, fact in REGISTRY.items() if fact.source is FactSource.PROMETHEUS)
_NO_PROMETHEUS = Unobserved(UnobservedReason.NOT_PROVIDED, "no Prometheus was asked for it")


def extract(
    objects: ObjectSet,
    target: Target,
    parameters: JsonObject,
    *,
    now: datetime,
    baseline: Baseline | None = None,
    unavailable: Mapping[str, Unobserved] | None = None,
    action_ended_at: datetime | None = None,
    incident_detected_at: datetime | None = None,
    provided: "Mapping[str, JsonValue | Unobserved] | None" = None,
    wanted: Collection[str] | None = None,
) -> Snapshot:
    """Take every registered fact from the objects of one look.

    Parameters
    ----------
    objects : ObjectSet
    target : Target
    parameters : JsonObject
        Checked parameters in nested form; also delivered as `input.parameters`.
    now : datetime
        When the objects were read; aware. Only ages depend on it: of Events, of the target pod, of the last rollout.
    baseline : Baseline or None
        The look before the action; None means that restarts and OOM kills count from ever.
    unavailable : mapping of str to Unobserved
        Kinds that could not be read (keys of `kubernaut.facts.definitions.RIGHTS`). A kind that is not
        named here was looked at: what is not among the objects does not exist.
    action_ended_at : datetime or None
        Samples of the metrics API must lie behind it; None asks nothing of them.
    incident_detected_at : datetime or None
        When somebody saw that something is wrong; None takes `now` for it.
    provided : mapping of str to JsonValue or Unobserved
        Facts whose source is Prometheus, by name; those left out are unobserved.
    wanted : collection of str, or None
        Names at the top of `input` that the policies to be judged read; no other fact is computed. None means
        every fact.

    Returns
    -------
    Snapshot
        Every registered fact, or every wanted one, is in `facts` or in `unobserved`; facts that were not wanted
        are not recorded.

    Raises
    ------
    FactsError
        `provided` names something else than a fact of Prometheus.
    """
    look = Look(
        objects=objects,
        target=target,
        parameters=parameters,
        now=now,
        baseline=baseline,
        action_ended_at=action_ended_at,
        incident_detected_at=incident_detected_at,
        unavailable=unavailable or {},
    )
    return Extraction(look).snapshot(provided=provided, wanted=wanted)


class Extraction:
    """The facts of one look, each computed when it is first asked for.

    For whoever judges several policies, which read different facts, on the same objects; what is asked for makes no
    difference to any value.

    Parameters
    ----------
    look : Look
    """

    def __init__(self, look: Look) -> None:
        self._look = look
        self._answers: dict[str, Answer | Unobserved] = {}

    def snapshot(
        self,
        *,
        provided: "Mapping[str, JsonValue | Unobserved] | None" = None,
        wanted: Collection[str] | None = None,
    ) -> Snapshot:
        """Give what `extract` gives; parameters as there.

        Raises
        ------
        FactsError
            `provided` names something else than a fact of Prometheus.
        """
        facts, unobserved = sort_out((name, self._answer(name)) for name in COMPUTATIONS if _is_in(name, wanted))
        for name, value in _from_prometheus(provided or {}).items():
            if not _is_in(name, wanted):
                continue
            if isinstance(value, Unobserved):
                unobserved[name] = value
            else:
                facts[name] = value
        recorded = None if wanted is None else tuple((name,) for name in sorted({*facts, *unobserved, "parameters"}))
        return Snapshot(facts={**facts, "parameters": self._look.parameters}, unobserved=unobserved, recorded=recorded)

    def _answer(self, name: str) -> "Answer | Unobserved":
        if name not in self._answers:
            self._answers[name] = observe(lambda: COMPUTATIONS[name](self._look))
        return self._answers[name]


def take_baseline(
    objects: ObjectSet, target: Target, *, unavailable: Mapping[str, Unobserved] | None = None
) -> Baseline:
    """Take what the target looks like before the action.

    Parameters
    ----------
    unavailable : mapping of str to Unobserved
        As for `extract`. When the pods cannot be read the baseline says so, and restarts relative to it
        are unobserved.
    """
    look = _look(objects, target, unavailable)
    replicas = observe(lambda: None if look.deployment is None else spec_replicas(look.deployment))
    known = Baseline(replicas=_whole(replicas), pod=_pod_before(look), revisions=_revisions_before(look))
    try:
        return replace(known, containers={pod_key(pod): containers_of(pod) for pod in _pods_before(look)})
    except CannotSee as error:
        return replace(known, unobserved=error.why)
    except FactsError as error:
        return replace(known, unobserved=Unobserved(UnobservedReason.UNREADABLE, str(error)))


def objects_read(
    objects: ObjectSet, target: Target, *, unavailable: Mapping[str, Unobserved] | None = None
) -> tuple[ObjectVersion, ...]:
    """Give the versions of what the facts rest on: the target, what belongs to it, and nodes.

    Notes
    -----
    Other workloads' pods, Events and samples of the metrics API are left out: there are thousands, and
    none of them can be looked up again later.
    """
    look = _look(objects, target, unavailable)
    found: list[KubeObject] = []
    questions: tuple[Callable[[], Iterable[KubeObject | None]], ...] = (
        lambda: (look.pod,) if target.kind == POD else (),
        lambda: (look.deployment,),
        lambda: look.replica_sets,
        lambda: (pod for pod in look.family if target.kind != POD or pod is not look.pod),
        lambda: autoscalers(look),
        lambda: budgets(look, look.pod) if target.kind == POD and look.pod else (),
        lambda: objects.of("ResourceQuota", target.namespace),
        lambda: objects.of("Node"),
    )
    for question in questions:
        # What cannot be read is no part of the facts either.
        with suppress(FactsError):
            found += [item for item in question() if item is not None]
    return tuple(item.version for item in found)


def _pod_before(look: Look) -> PodBaseline | None:
    if look.target.kind != POD:
        return None
    with suppress(FactsError):
        if look.pod is not None:
            return PodBaseline(uid=look.pod.uid, controller=look.controller, workload=look.workload)
    return None


def _pods_before(look: Look) -> tuple[KubeObject, ...]:
    if look.target.kind != POD:
        return () if look.is_absent else look.all_pods
    if look.pod is None:
        return ()
    return look.family or (look.pod,)


def _revisions_before(look: Look) -> RevisionsBaseline | None:
    with suppress(FactsError):
        if look.deployment is not None:
            revisions, current = revisions_of(look.replica_sets), current_revision(look.deployment, look.replica_sets)
            before = previous(revisions, current)
            return RevisionsBaseline(
                current=None if current is None else current.number,
                previous=None if before is None else before.number,
                replica_sets={one.number: one.name for one in revisions},
            )
    return None


def _look(objects: ObjectSet, target: Target, unavailable: Mapping[str, Unobserved] | None) -> Look:
    return Look(objects=objects, target=target, unavailable=unavailable or {})


def _whole(answer: object) -> int | None:
    return answer if isinstance(answer, int) else None


def _is_in(name: str, wanted: Collection[str] | None) -> bool:
    return wanted is None or name in wanted


def _from_prometheus(
    provided: "Mapping[str, JsonValue | Unobserved]",
) -> "dict[str, JsonValue | Unobserved]":
    strangers = sorted(set(provided) - set(_OF_PROMETHEUS))
    if strangers:
        known = ", ".join(_OF_PROMETHEUS)
        raise FactsError(f"{', '.join(strangers)}: not a fact that Prometheus provides; those are {known}")
    return {name: provided.get(name, _NO_PROMETHEUS) for name in _OF_PROMETHEUS}
