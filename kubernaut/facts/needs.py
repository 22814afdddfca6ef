"""What has to be looked at for what policies read: from paths below `input` to facts, and to kinds of objects.

Whoever looks at a cluster fetches no more than this; whoever grants rights can ask the same question.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from kubernaut.facts.definitions import FactDefinition, FactSource
from kubernaut.facts.registry import REGISTRY
from kubernaut.facts.snapshot import ANY, ReadPath, overlap

_CUSTOM = "custom"


@dataclass(frozen=True, slots=True, kw_only=True)
class Needs:
    """What one look must see.

    Attributes
    ----------
    facts : frozenset of str or None
        Names at the top of `input`; None means every registered fact.
    kinds : frozenset of str
        Kinds of objects (keys of `kubernaut.facts.definitions.RIGHTS`) that those facts need or are improved by.
    prometheus : frozenset of str
        Facts at the top of `input` that Prometheus provides.
    custom : frozenset of str or None
        Names of custom facts; None means all that are defined.
    """

    facts: frozenset[str] | None
    kinds: frozenset[str]
    prometheus: frozenset[str]
    custom: frozenset[str] | None


def needs_of(reads: Iterable[ReadPath] | None) -> Needs:
    """Work out what must be looked at.

    Parameters
    ----------
    reads : iterable of ReadPath, or None
        Paths that the policies to be judged read; an empty path, or None, means everything.
    """
    paths = None if reads is None else tuple(reads)
    if paths is None or () in paths:
        everything = tuple(_below(REGISTRY.values()))
        return Needs(facts=None, kinds=_kinds(everything), prometheus=_of_prometheus(REGISTRY.values()), custom=None)
    tops = {path[0] for path in paths}
    read = [
        definition
        for top in REGISTRY.values()
        if top.name in tops
        for path, definition in top.paths()
        if any(overlap(one, path) for one in paths)
    ]
    custom = {path[1] if len(path) > 1 else ANY for path in paths if path[0] == _CUSTOM}
    return Needs(
        facts=frozenset(tops & set(REGISTRY)),
        kinds=_kinds(read),
        prometheus=_of_prometheus(REGISTRY[name] for name in tops & set(REGISTRY)),
        custom=None if ANY in custom else frozenset(custom),
    )


def _below(definitions: Iterable[FactDefinition]) -> Iterable[FactDefinition]:
    return (nested for definition in definitions for _, nested in definition.paths())


def _kinds(definitions: Iterable[FactDefinition]) -> frozenset[str]:
    return frozenset(kind for one in definitions for kind in (*one.needs, *one.improved_by))


def _of_prometheus(definitions: Iterable[FactDefinition]) -> frozenset[str]:
    return frozenset(one.name for one in definitions if one.source is FactSource.PROMETHEUS)
