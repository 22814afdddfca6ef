"""Cut a document down to the paths that a policy reads: less to hand over, and equal inputs become visibly equal.

What is cut away cannot change the verdict, because `reads` names every path whose value decides something and every
collection whose elements are counted. Containers on the way stay, even when nothing in them is read; a scalar where a
path would go deeper stays as it is.
"""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import TypeAlias

from kubernaut.facts.snapshot import ANY, ReadPath
from kubernaut.json_types import JsonObject, JsonValue

_Tree: TypeAlias = "dict[str, _Tree | None]"

_EXACT_INTEGERS = 2.0**53


class Projection:
    """Keeps the given paths of a document.

    Parameters
    ----------
    reads : sequence of ReadPath
        The empty path keeps everything.
    """

    __slots__ = ("_tree",)

    def __init__(self, reads: Sequence[ReadPath]) -> None:
        root: _Tree = {}
        self._tree: _Tree | None = root
        for path in sorted(reads, key=len, reverse=True):
            if not path:
                self._tree = None
                return
            branch = root
            for part in path[:-1]:
                below = branch.get(part)
                if below is None:
                    below = branch[part] = {}
                branch = below
            # Longer paths came first: what is kept whole replaces what is kept in part.
            branch[path[-1]] = None

    def __call__(self, document: JsonObject) -> JsonObject:
        """Give the part of `document` that is kept; what is kept whole is shared, not copied."""
        if self._tree is None:
            return document
        kept: JsonObject = _cut(document, self._tree)  # type: ignore[assignment] # a mapping stays one
        return kept


@lru_cache(maxsize=1024)
def projection(reads: tuple[ReadPath, ...]) -> Projection:
    """Give the projection of a policy's reads, made once."""
    return Projection(reads)


def _cut(value: JsonValue, tree: "_Tree | None") -> JsonValue:
    if tree is None:
        return whole_number(value) if isinstance(value, float) else value
    if isinstance(value, Mapping):
        return _cut_mapping(value, tree)
    if isinstance(value, Sequence) and not isinstance(value, str):
        if ANY not in tree:
            # Only that there is a list can matter, not what is in it.
            return []
        below = tree[ANY]
        return [_cut(element, below) for element in value]
    return value


def _cut_mapping(value: JsonObject, tree: _Tree) -> JsonValue:
    if ANY not in tree:
        return {key: _cut(value[key], below) for key, below in tree.items() if key in value}
    kept: dict[str, JsonValue] = {}
    for key, inner in value.items():
        every, named = tree[ANY], tree.get(key, {})
        below = None if every is None or named is None else {**every, **named}
        kept[key] = _cut(inner, below)
    return kept


def whole_number(value: float) -> JsonValue:
    """Give a number as it stands in an input: without a fraction where it has none."""
    # JSON has one kind of number, and settings are floats here: 3.0 and 3 are the same input.
    return int(value) if value.is_integer() and abs(value) < _EXACT_INTEGERS else value
