"""What the target looked like before the action: the zero point for restarts, OOM kills, new pods and revisions.

A crash from last week says nothing of a scale-up a minute ago, a pod that is gone cannot be asked what it belonged to,
and after a rollback another revision is "the previous one". The baseline is taken once, before the Job, and lives in
the run's status, so that a restart of whoever looks leads to the same verdicts.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from kubernaut.errors import FactsError
from kubernaut.facts.fields import Fields
from kubernaut.facts.objects import KubeObject, Owner, Target
from kubernaut.facts.pod_status import container_statuses
from kubernaut.facts.selectors import whole_number
from kubernaut.facts.snapshot import Unobserved, UnobservedReason
from kubernaut.json_types import JsonObject

_OOM = "OOMKilled"


@dataclass(frozen=True, slots=True, kw_only=True)
class ContainerBaseline:
    """One container before the action.

    Attributes
    ----------
    restarts : int
    oom_kills : frozenset of str
        The OOM kills that Kubernetes still showed, by container id and end.
    """

    restarts: int
    oom_kills: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class PodBaseline:
    """The target pod before the action.

    Attributes
    ----------
    uid : str
        Empty where a dump has no UIDs.
    controller : Owner or None
        What made it, and would make another; None when nothing did.
    workload : Target or None
        What it was a replica of; None when nothing controlled it.
    """

    uid: str
    controller: Owner | None = None
    workload: Target | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RevisionsBaseline:
    """The Deployment's revisions before the action.

    Attributes
    ----------
    current : int or None
        Number of the one whose template the Deployment had; None when the controller had not made it yet.
    previous : int or None
        The one before it; None when there was none.
    replica_sets : mapping of int to str
        Name of the ReplicaSet by number.
    """

    current: int | None = None
    previous: int | None = None
    replica_sets: Mapping[int, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Baseline:
    """The target before the action.

    Attributes
    ----------
    replicas : int or None
        spec.replicas; None when it was not there.
    containers : mapping of str to mapping of str to ContainerBaseline
        By pod UID (its name where a dump has no UIDs), then by container name.
    unobserved : Unobserved or None
        Why the pods could not be looked at; facts relative to the baseline are then unobserved too.
    pod : PodBaseline or None
        None when the target is no Pod, was not there, or could not be looked at.
    revisions : RevisionsBaseline or None
        None when there was no Deployment, or its revisions could not be looked at.
    """

    replicas: int | None = None
    containers: Mapping[str, Mapping[str, ContainerBaseline]] = field(default_factory=dict)
    unobserved: Unobserved | None = None
    pod: PodBaseline | None = None
    revisions: RevisionsBaseline | None = None

    def to_json(self) -> JsonObject:
        """Give a form for the run's status; `from_json` reads it back."""
        return {
            "replicas": self.replicas,
            "containers": {
                pod: {
                    name: {"restarts": item.restarts, "oomKills": sorted(item.oom_kills)}
                    for name, item in sorted(containers.items())
                }
                for pod, containers in sorted(self.containers.items())
            },
            "unobserved": None
            if self.unobserved is None
            else {"reason": self.unobserved.reason.value, "detail": self.unobserved.detail},
            "pod": None if self.pod is None else _pod_to_json(self.pod),
            "revisions": None if self.revisions is None else _revisions_to_json(self.revisions),
        }

    @classmethod
    def from_json(cls, value: JsonObject) -> "Baseline":
        """Read what `to_json` wrote.

        Raises
        ------
        FactsError
            It is something else.
        """
        root = Fields(value, "baseline")
        missing = root.at("unobserved")
        try:
            reason = UnobservedReason(missing.text("reason")) if missing else None
        except ValueError as error:
            raise FactsError(f"baseline.unobserved.reason: {error}") from error
        return cls(
            replicas=root.number("replicas"),
            containers={
                pod: {
                    name: ContainerBaseline(
                        restarts=item.count("restarts"), oom_kills=frozenset(item.texts("oomKills"))
                    )
                    for name in containers.keys()  # noqa: SIM118 - not a mapping
                    for item in (containers.at(name),)
                }
                for pod in root.at("containers").keys()  # noqa: SIM118 - not a mapping
                for containers in (root.at("containers", pod),)
            },
            unobserved=None if reason is None else Unobserved(reason, missing.text("detail")),
            pod=_pod_from_json(root.at("pod")) if "pod" in root else None,
            revisions=_revisions_from_json(root.at("revisions")) if "revisions" in root else None,
        )


def _pod_to_json(pod: PodBaseline) -> JsonObject:
    made_by, part_of = pod.controller, pod.workload
    return {
        "uid": pod.uid,
        "controller": None if made_by is None else {"kind": made_by.kind, "name": made_by.name, "uid": made_by.uid},
        "workload": None
        if part_of is None
        else {"kind": part_of.kind, "namespace": part_of.namespace, "name": part_of.name, "uid": part_of.uid},
    }


def _pod_from_json(value: Fields) -> PodBaseline:
    made_by, part_of = value.at("controller"), value.at("workload")
    return PodBaseline(
        uid=value.text("uid"),
        controller=Owner(kind=made_by.text("kind"), name=made_by.text("name"), uid=made_by.text("uid"))
        if made_by
        else None,
        workload=Target(
            kind=part_of.text("kind"),
            namespace=part_of.text("namespace"),
            name=part_of.text("name"),
            uid=part_of.text("uid"),
        )
        if part_of
        else None,
    )


def _revisions_to_json(revisions: RevisionsBaseline) -> JsonObject:
    return {
        "current": revisions.current,
        "previous": revisions.previous,
        "replicaSets": {str(number): name for number, name in sorted(revisions.replica_sets.items())},
    }


def _revisions_from_json(value: Fields) -> RevisionsBaseline:
    names = value.labels("replicaSets")
    numbers = {text: whole_number(text) for text in names}
    if None in numbers.values():
        raise FactsError(f"{value.path('replicaSets')}: its keys are revisions' numbers")
    return RevisionsBaseline(
        current=value.number("current"),
        previous=value.number("previous"),
        replica_sets={number: names[text] for text, number in numbers.items() if number is not None},
    )


def containers_of(pod: KubeObject) -> dict[str, ContainerBaseline]:
    """Give restarts and OOM kills of a pod's containers by name.

    Raises
    ------
    FactsError
        A container's status cannot be read.
    """
    return {
        container.text("name"): ContainerBaseline(
            restarts=container.count("restartCount"), oom_kills=_oom_kills(container)
        )
        for container in container_statuses(pod)
    }


def pod_key(pod: KubeObject) -> str:
    """Give what a baseline calls a pod."""
    return pod.uid or pod.name


def restarts_since(pod: KubeObject, baseline: Baseline | None) -> int:
    """Give the restarts of all of a pod's containers since the baseline, or since ever without one."""
    before = _before(pod, baseline)
    return sum(
        max(0, now.restarts - before[name].restarts) if name in before else now.restarts
        for name, now in pod.once(containers_of).items()
    )


def oom_killed_since(pod: KubeObject, baseline: Baseline | None) -> bool:
    """Say whether a container shows an OOM kill that the baseline did not."""
    before = _before(pod, baseline)
    return any(
        now.oom_kills - (before[name].oom_kills if name in before else frozenset())
        for name, now in pod.once(containers_of).items()
    )


def _before(pod: KubeObject, baseline: Baseline | None) -> Mapping[str, ContainerBaseline]:
    return {} if baseline is None else baseline.containers.get(pod_key(pod), {})


def _oom_kills(container: Fields) -> frozenset[str]:
    ends = [container.at(state, "terminated") for state in ("state", "lastState")]
    return frozenset(
        f"{end.text('containerID')}@{end.text('finishedAt')}" for end in ends if end.text("reason") == _OOM
    )
