"""Cut a document down to the paths that a policy reads: less to hand over, and equal inputs become visibly equal.

What is cut away cannot change the verdict, because `reads` names every path whose value decides something and every
collection whose elements are counted. Containers on the way stay, even when nothing in them is read; a scalar where a
path would go deeper stays as it is.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import TypeAlias

from kubernaut.facts.snapshot import ANY, ReadPath
from kubernaut.json_types import JsonObject, JsonValue

_Tree: TypeAlias = "dict[str, _Tree | None]"

_Cut: TypeAlias = Callable[[JsonValue], JsonValue]

_EXACT_INTEGERS = 2.0**53


class Projection:
    """Keeps the given paths of a document.

    Parameters
    ----------
    reads : sequence of ReadPath
        The empty path keeps everything.
    """

    __slots__ = ("_cut",)

    def __init__(self, reads: Sequence[ReadPath]) -> None:
        root: _Tree = {}
        self._cut: _Cut | None = None
        for path in sorted(reads, key=len, reverse=True):
            if not path:
                return
            branch = root
            for part in path[:-1]:
                below = branch.get(part)
                if below is None:
                    below = branch[part] = {}
                branch = below
            # Longer paths came first: what is kept whole replaces what is kept in part.
            branch[path[-1]] = None
        self._cut = _cutter(root)

    def __call__(self, document: JsonObject) -> JsonObject:
        """Give the part of `document` that is kept; what is kept whole is shared, not copied."""
        if self._cut is None:
            return document
        kept: JsonObject = self._cut(document)  # type: ignore[assignment] # a mapping stays one
        return kept


@lru_cache(maxsize=1024)
def projection(reads: tuple[ReadPath, ...]) -> Projection:
    """Give the projection of a policy's reads, made once."""
    return Projection(reads)


def _cutter(tree: "_Tree | None") -> _Cut:
    """Make the function that keeps a part: the tree is walked once here and not again for every document."""
    if tree is None:
        return _whole
    if ANY in tree:
        return _cutter_of_any(tree)
    branches = tuple((key, None if below is None else _cutter(below)) for key, below in tree.items())

    def cut(value: JsonValue) -> JsonValue:
        if type(value) is dict or isinstance(value, Mapping):
            kept: dict[str, JsonValue] = {}
            for key, below in branches:
                if key in value:
                    inner = value[key]
                    if below is not None:
                        kept[key] = below(inner)
                    else:
                        kept[key] = whole_number(inner) if type(inner) is float else inner
            return kept
        # Only that there is a list can matter, not what is in it.
        return [] if _is_list(value) else value

    return cut


def _cutter_of_any(tree: _Tree) -> _Cut:
    every = tree[ANY]
    element = _cutter(every)
    named: dict[str, _Cut] = {}

    def of_key(key: str) -> _Cut:
        if key not in tree:
            return element
        if key not in named:
            own = tree[key]
            named[key] = _cutter(None if every is None or own is None else {**every, **own})
        return named[key]

    def cut(value: JsonValue) -> JsonValue:
        if isinstance(value, Mapping):
            return {key: of_key(key)(inner) for key, inner in value.items()}
        if isinstance(value, Sequence) and not isinstance(value, str):
            return [element(one) for one in value]
        return value

    return cut


def _whole(value: JsonValue) -> JsonValue:
    return whole_number(value) if isinstance(value, float) else value


def _is_list(value: JsonValue) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, str)


def whole_number(value: float) -> JsonValue:
    """Give a number as it stands in an input: without a fraction where it has none."""
    # JSON has one kind of number, and settings are floats here: 3.0 and 3 are the same input.
    return int(value) if value.is_integer() and abs(value) < _EXACT_INTEGERS else value
