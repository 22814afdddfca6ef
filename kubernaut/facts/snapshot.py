"""One look at the cluster: a JSON tree of facts, and what is missing from it and why.

Four states stay distinct all the way from the API server to a verdict: a *value*; `null` (looked, not there);
*unobserved* with a reason (could not look: forbidden, timed out, no such API); and *not recorded* (history
kept only the paths that the policies of that day read). The first two are values in the tree; the last two
are not in it, and a policy that reads such a path is never run.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import lru_cache
from typing import TypeAlias

from kubernaut.json_types import JsonObject

ReadPath: TypeAlias = tuple[str, ...]
"""A path that a policy reads below `input`; `*` stands for any element of a list or any key of an object.
The empty path means that the policy reads everything."""

ANY = "*"
_PART = re.compile(r'\["((?:[^"\\]|\\.)*)"\]|\[(\d+|\*)\]|([^.\[\]]+)', re.ASCII)
_PLAIN = re.compile(r"[^.\[\]]+")
_INDEX = re.compile(r"\d+|\*", re.ASCII)


class UnobservedReason(StrEnum):
    """Why a fact could not be looked at."""

    FORBIDDEN = "Forbidden"
    TIMED_OUT = "TimedOut"
    API_MISSING = "ApiMissing"
    STALE = "Stale"
    UNREADABLE = "Unreadable"
    NOT_PROVIDED = "NotProvided"


@dataclass(frozen=True, slots=True)
class Unobserved:
    """A fact that could not be looked at.

    Attributes
    ----------
    reason : UnobservedReason
    detail : str
        One sentence for a person, e.g. ``pods.metrics.k8s.io: no such API``.
    """

    reason: UnobservedReason
    detail: str = ""


@lru_cache(maxsize=8192)
def parse_path(text: str) -> ReadPath:
    """Turn ``pods[3].status`` into ``("pods", "3", "status")``; ``""`` is the empty path."""
    return tuple(_part(match) for match in _PART.finditer(text))


def _part(match: re.Match[str]) -> str:
    quoted, index, name = match.groups()
    return str(json.loads(f'"{quoted}"')) if quoted is not None else index or name


def format_path(path: ReadPath) -> str:
    """Turn ``("pods", "*", "status")`` into ``pods[*].status``.

    A key that holds a dot or a bracket, as labels do, is quoted: ``custom.labels["app.kubernetes.io/name"]``.
    """
    text = ""
    for part in path:
        if _INDEX.fullmatch(part):
            text += f"[{part}]"
        elif _PLAIN.fullmatch(part):
            text += f".{part}" if text else part
        else:
            text += f"[{json.dumps(part, ensure_ascii=False)}]"
    return text


def overlap(read: ReadPath, missing: ReadPath) -> bool:
    """Say whether reading `read` touches `missing`: one is a prefix of the other, `*` matching any part."""
    return all(a == b or ANY in (a, b) for a, b in zip(read, missing, strict=False))


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """Facts of one look.

    Attributes
    ----------
    facts : JsonObject
        The tree that a policy sees as `input`. An unobserved path is absent from it.
    unobserved : mapping of str to Unobserved
        By path in text form (``pods[2].memory_usage``).
    recorded : tuple of ReadPath, or None
        The paths that were kept; None means everything that was looked at.
    """

    facts: JsonObject
    unobserved: Mapping[str, Unobserved] = field(default_factory=dict)
    recorded: tuple[ReadPath, ...] | None = None

    def first_unobserved(self, reads: Sequence[ReadPath]) -> tuple[str, Unobserved] | None:
        """Give the first unobserved path that `reads` touches, in path order, or None."""
        for text in sorted(self.unobserved):
            path = parse_path(text)
            if any(overlap(read, path) for read in reads):
                return text, self.unobserved[text]
        return None

    def first_not_recorded(self, reads: Sequence[ReadPath]) -> ReadPath | None:
        """Give the first path of `reads` that was not kept, or None."""
        if self.recorded is None:
            return None
        for read in reads:
            if not any(len(kept) <= len(read) and overlap(read, kept) for kept in self.recorded):
                return read
        return None
