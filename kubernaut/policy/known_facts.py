"""Which facts a policy may read: the shape of `input`, as far as somebody registered it.

The registry of facts offers it; the policy loader checks a policy's read paths against it and suggests the nearest
name for a typo. It knows nothing of how a fact is computed.

A shape is a mapping of names to shapes, or None: "registered, and what is below it is not checked". `*` stands for
any element of a list or any key of an object.
"""

from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from typing import TypeAlias

from kubernaut.facts.snapshot import ANY, ReadPath, format_path

KnownFacts: TypeAlias = Mapping[str, "KnownFacts | None"]
"""Name -> what is known below it; None when nothing is checked there."""

ALWAYS_KNOWN = ("parameters", "settings", "custom", "context")
"""Parts of `input` that are no registered facts: parameters, the policy's settings, user facts, run context."""


def known_facts_from_paths(paths: Iterable[ReadPath]) -> KnownFacts:
    """Build the tree of registered names from their paths, e.g. ``("pods", "*", "status")``.

    Parameters
    ----------
    paths : iterable of ReadPath
        Every registered path; a path that is a prefix of another adds nothing.
    """
    root: dict[str, KnownFacts | None] = {}
    for path in paths:
        _add(root, path)
    return root


def _add(tree: dict[str, "KnownFacts | None"], path: ReadPath) -> None:
    if not path:
        return
    head, rest = path[0], path[1:]
    below = tree.get(head)
    if not rest:
        tree.setdefault(head, None)
        return
    branch = dict(below) if below is not None else {}
    _add(branch, rest)
    tree[head] = branch


def first_unknown(known: KnownFacts, path: ReadPath) -> str | None:
    """Say what is wrong with reading `path`, with the nearest registered name, or None when it is known."""
    if not path or path[0] in ALWAYS_KNOWN:
        return None
    shape: KnownFacts | None = known
    for depth, part in enumerate(path):
        if shape is None:
            return None
        if part in shape:
            shape = shape[part]
        elif part == ANY:
            # Any key of an object with registered fields: every field is known.
            return None
        elif ANY in shape:
            shape = shape[ANY]
        else:
            wrong = format_path(path[: depth + 1])
            names = [*shape, *ALWAYS_KNOWN] if depth == 0 else list(shape)
            close = get_close_matches(part, names, n=1, cutoff=0.6)
            if close:
                return f"unknown fact `{wrong}`; did you mean `{format_path((*path[:depth], close[0]))}`?"
            some = ", ".join(sorted(names)[:8])
            return f"unknown fact `{wrong}`; known here: {some}{', ...' if len(names) > 8 else ''}"
    return None
