"""What a custom fact's value may be, wherever it was read; and the values that a dump of objects can give.

The operator reads objects and Prometheus, `kubernaut check` a dump: both hand over what they found, and one rule says
whether it is the fact's value. What a dump does not tell of is unobserved, queries among it.
"""

import json
from collections.abc import Collection, Mapping, Sequence

from kubernaut.conditions.custom_facts import MAX_EXPRESSION_BYTES, CustomFact
from kubernaut.conditions.inputs import CustomValues
from kubernaut.conditions.json_path import value_at
from kubernaut.facts.objects import ObjectSet, Target
from kubernaut.facts.snapshot import ANY, ReadPath, Unobserved, UnobservedReason
from kubernaut.json_types import JsonObject, JsonValue

MAX_VALUE_BYTES = MAX_EXPRESSION_BYTES
"""Of a value, as JSON."""

_CUSTOM = "custom"
_TARGETS_NAME = "$name"
_TYPES: Mapping[str, type | tuple[type, ...]] = {
    "number": (int, float),
    "string": str,
    "boolean": bool,
    "array": list,
    "object": dict,
}


def object_name(fact: CustomFact, target: Target) -> str:
    """Give the name of the object that a fact is read from."""
    return target.name if fact.name == _TARGETS_NAME else fact.name


def value_in(found: JsonObject | None, fact: CustomFact) -> "JsonValue | Unobserved":
    """Give a fact's value in its object; null where the object, or the path in it, is not there.

    Parameters
    ----------
    found : JsonObject or None
        The object; None: looked, and not there.
    """
    return checked_value(value_at(fact.json_path or "", found), fact)


def checked_value(value: JsonValue, fact: CustomFact) -> "JsonValue | Unobserved":
    """Let a value through that is null, or of the fact's type and not too large."""
    if value is None:
        return None
    if not isinstance(value, _TYPES[fact.type]) or (isinstance(value, bool) and fact.type != "boolean"):
        return _unreadable(f"{_type_of(value)} was found where facts.yaml says {fact.type}")
    size = len(json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode())
    if size > MAX_VALUE_BYTES:
        return _unreadable(f"the value has {size} bytes; at most {MAX_VALUE_BYTES} are taken")
    return value


def custom_names(reads: Sequence[ReadPath]) -> frozenset[str] | None:
    """Give the custom facts that paths name; None where they read all of them."""
    if () in reads:
        return None
    names = {path[1] if len(path) > 1 else ANY for path in reads if path[0] == _CUSTOM}
    return None if ANY in names else frozenset(names)


def undefined(names: Collection[str] | None, facts: Mapping[str, CustomFact]) -> dict[str, Unobserved]:
    """Give those of the names that no facts.yaml defines, as unobserved; none where all are read (None)."""
    return {
        name: Unobserved(UnobservedReason.NOT_PROVIDED, f"no facts.yaml defines the custom fact {name}")
        for name in sorted(names or ())
        if name not in facts
    }


def values_of_dump(
    facts: Mapping[str, CustomFact], names: Collection[str] | None, objects: ObjectSet, target: Target
) -> CustomValues:
    """Give the custom facts that a dump tells.

    Parameters
    ----------
    facts : mapping of str to CustomFact
        All that are defined.
    names : collection of str, or None
        Those that are read; None means all.
    objects : ObjectSet
        An object that is not among them does not exist where others of its kind are in the target's namespace, or the
        dump lists the kind; otherwise nobody knows.
    """
    values: dict[str, JsonValue] = {}
    unobserved = undefined(names, facts)
    for name in sorted(set(facts) if names is None else set(names) & set(facts)):
        answer = _of_dump(facts[name], objects, target)
        if isinstance(answer, Unobserved):
            unobserved[name] = answer
        else:
            values[name] = answer
    return CustomValues(values=values, unobserved=unobserved)


def _of_dump(fact: CustomFact, objects: ObjectSet, target: Target) -> "JsonValue | Unobserved":
    if fact.kind is None:
        return Unobserved(UnobservedReason.NOT_PROVIDED, "a dump holds no answers of Prometheus")
    here = objects.of(fact.kind, target.namespace)
    name = object_name(fact, target)
    for one in here:
        if one.name == name and one.fields.text("apiVersion") in ("", fact.api_version):
            return value_in(one.fields.whole, fact)
    if here or (fact.kind in objects.listed_kinds and not objects.of(fact.kind)):
        return None
    return Unobserved(UnobservedReason.NOT_PROVIDED, f"the dump has no {fact.kind} of namespace {target.namespace}")


def _unreadable(detail: str) -> Unobserved:
    return Unobserved(UnobservedReason.UNREADABLE, detail)


def _type_of(value: JsonValue) -> str:
    name = next(name for name in ("boolean", *_TYPES) if isinstance(value, _TYPES[name]))
    return f"an {name}" if name in ("array", "object") else f"a {name}"
