"""Which kinds of objects a look must read so that given paths can be judged: what a live reader asks before it reads.

A fact names the kinds that it rests on for a Deployment. Where the target is a Pod, a fact about its Deployment rests
on the pod as well, which leads there, and on ReplicaSets, without which the way up is guessed by their naming.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from kubernaut.facts.definitions import FactDefinition
from kubernaut.facts.registry import REGISTRY
from kubernaut.facts.snapshot import ReadPath, overlap
from kubernaut.facts.workloads import POD, REPLICA_SET

_OF_A_WORKLOAD = frozenset({"Deployment", "HorizontalPodAutoscaler"})


@dataclass(frozen=True, slots=True, kw_only=True)
class KindsToRead:
    """Keys of `kubernaut.facts.definitions.RIGHTS`.

    Attributes
    ----------
    required : frozenset of str
        Without one of them a path is unobserved.
    improving : frozenset of str
        They make a fact surer, or single fields of it known; not among the required ones.
    """

    required: frozenset[str]
    improving: frozenset[str]


def kinds_to_read(reads: Iterable[ReadPath], target_kind: str) -> KindsToRead:
    """Give the kinds that paths rest on.

    Parameters
    ----------
    reads : iterable of ReadPath
        As policies read them (`CompiledPolicy.reads`); the empty path reads everything, others than registered facts
        rest on nothing here.
    target_kind : str
        ``Deployment`` or ``Pod``.
    """
    wanted = tuple(reads)
    required: set[str] = set()
    improving: set[str] = set()
    for fact in REGISTRY.values():
        for path, definition in fact.paths():
            if is_about(fact, target_kind) and any(overlap(read, path) for read in wanted):
                needed, improved_by = rests_on(definition, target_kind)
                required |= needed
                improving |= improved_by
    return KindsToRead(required=frozenset(required), improving=frozenset(improving - required))


def is_about(fact: FactDefinition, target_kind: str) -> bool:
    """Say whether a fact is told of this kind of target at all."""
    return not fact.about or target_kind in fact.about


def rests_on(definition: FactDefinition, target_kind: str) -> tuple[set[str], set[str]]:
    """Give the kinds that a fact cannot do without, and those that make it surer, for one kind of target."""
    needed, improved_by = set(definition.needs), set(definition.improved_by)
    if target_kind == POD:
        if needed & _OF_A_WORKLOAD:
            needed.add(POD)
        if (needed | improved_by) & _OF_A_WORKLOAD:
            improved_by |= {POD, REPLICA_SET}
    return needed, improved_by - needed
