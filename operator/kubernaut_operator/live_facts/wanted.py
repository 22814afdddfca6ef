"""What one look has to fetch, worked out from the paths that policies read."""

from collections.abc import Iterable
from dataclasses import dataclass

from kubernaut.conditions.custom_values import custom_names
from kubernaut.facts.definitions import FactSource
from kubernaut.facts.reading import is_about, kinds_to_read
from kubernaut.facts.registry import REGISTRY
from kubernaut.facts.snapshot import ReadPath

_EVERYTHING: tuple[ReadPath, ...] = ((),)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What is to be fetched.

    Attributes
    ----------
    facts : frozenset of str or None
        Registered facts by name; None means all.
    kinds : frozenset of str
        Kinds of objects (keys of `kubernaut.facts.definitions.RIGHTS`).
    queries : frozenset of str
        Those of the facts that Prometheus provides.
    custom : frozenset of str or None
        Custom facts by name; None means all that are defined.
    """

    facts: frozenset[str] | None
    kinds: frozenset[str]
    queries: frozenset[str]
    custom: frozenset[str] | None


def wanted_by(reads: Iterable[ReadPath] | None, target_kind: str) -> Wanted:
    """Give what must be fetched so that paths can be judged.

    Parameters
    ----------
    reads : iterable of ReadPath, or None
        As policies read them; None, or the empty path among them, means everything.
    target_kind : str
        ``Deployment`` or ``Pod``.
    """
    paths = _EVERYTHING if reads is None else tuple(reads)
    everything = () in paths
    names = set(REGISTRY) if everything else {path[0] for path in paths} & set(REGISTRY)
    kinds = kinds_to_read(paths, target_kind)
    return Wanted(
        facts=None if everything else frozenset(names),
        kinds=kinds.required | kinds.improving,
        queries=frozenset(
            name
            for name in names
            if REGISTRY[name].source is FactSource.PROMETHEUS and is_about(REGISTRY[name], target_kind)
        ),
        custom=custom_names(paths),
    )
