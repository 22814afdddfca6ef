"""Rego's values in Python, for the tracer: JSON values, plus sets and objects with any key.

Python says that `True == 1` and cannot put a list into a set; Rego disagrees with both. `freeze` gives a hashable twin
that is equal exactly when Rego says so; objects are dicts and sets are `RegoSet`s keyed by those twins. A string is
its own twin, so an input document is an object as it stands.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any


class Undefined:
    """What a reference to nothing gives."""

    def __repr__(self) -> str:
        return "undefined"


UNDEFINED = Undefined()


class RegoSet:
    """A set of Rego values."""

    __slots__ = ("_members",)

    def __init__(self, members: Sequence[Any] = ()) -> None:
        self._members: dict[Any, Any] = {freeze(member): member for member in members}

    def add(self, value: Any) -> None:
        """Put a value in, once."""
        self._members.setdefault(freeze(value), value)

    def __contains__(self, value: object) -> bool:
        return freeze(value) in self._members

    def __iter__(self) -> Iterator[Any]:
        return iter(self._members.values())

    def __len__(self) -> int:
        return len(self._members)


def freeze(value: Any) -> Any:
    """Give the hashable twin of a value."""
    if isinstance(value, bool):
        return ("bool", value)
    if value is None or isinstance(value, str | int | float):
        return value
    if isinstance(value, Mapping):
        return ("object", frozenset((key, freeze(inner)) for key, inner in value.items()))
    if isinstance(value, RegoSet):
        return ("set", frozenset(freeze(member) for member in value))
    return ("array", tuple(freeze(member) for member in value))


def thaw_key(frozen: Any) -> Any:
    """Give back a key of an object from its twin; lists and objects as keys come back as lists and dicts."""
    if not isinstance(frozen, tuple):
        return frozen
    kind, content = frozen
    if kind == "bool":
        return content
    if kind == "array":
        return [thaw_key(member) for member in content]
    if kind == "set":
        return RegoSet([thaw_key(member) for member in content])
    return {key: thaw_key(inner) for key, inner in content}


def same(left: Any, right: Any) -> bool:
    """Say whether Rego calls two values equal."""
    return bool(freeze(left) == freeze(right))


def look_up(source: Any, key: Any) -> Any:
    """Follow one reference; `UNDEFINED` when it leads nowhere."""
    if isinstance(source, Mapping):
        return source.get(freeze(key), UNDEFINED)
    if isinstance(source, RegoSet):
        return key if key in source else UNDEFINED
    if isinstance(source, Sequence) and not isinstance(source, str):
        if isinstance(key, bool) or not isinstance(key, int | float) or key != int(key):
            return UNDEFINED
        return source[int(key)] if 0 <= key < len(source) else UNDEFINED
    return UNDEFINED


def is_collection(value: Any) -> bool:
    """Say whether a value has elements, or could have some."""
    return isinstance(value, Mapping | RegoSet | list | tuple)


def entries(source: Any) -> list[tuple[Any, Any]]:
    """Give keys and values of a collection, in Rego's terms; nothing for a scalar."""
    if isinstance(source, Mapping):
        return [(thaw_key(key), value) for key, value in source.items()]
    if isinstance(source, RegoSet):
        return [(member, member) for member in source]
    if isinstance(source, Sequence) and not isinstance(source, str):
        return list(enumerate(source))
    return []


def plain(value: Any) -> Any:
    """Give JSON for showing: sets become lists, keys become strings."""
    if isinstance(value, Mapping):
        return {key if isinstance(key, str) else term(thaw_key(key)): plain(inner) for key, inner in value.items()}
    if isinstance(value, RegoSet) or (isinstance(value, Sequence) and not isinstance(value, str)):
        return [plain(member) for member in value]
    return value


def term(value: Any) -> str:
    """Write a value as a Rego term, sets included."""
    if isinstance(value, Mapping):
        return "{" + ",".join(f"{term(thaw_key(key))}:{term(inner)}" for key, inner in value.items()) + "}"
    if isinstance(value, RegoSet):
        return "{" + ",".join(term(member) for member in value) + "}" if len(value) else "set()"
    if isinstance(value, Sequence) and not isinstance(value, str):
        return "[" + ",".join(term(member) for member in value) + "]"
    return json.dumps(value, ensure_ascii=False)
