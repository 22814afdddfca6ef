"""What a policy found at every path that it reads: the value, null, or why there is none.

For people who ask why one look came out as it did; judging is elsewhere.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from kubernaut.facts.snapshot import ANY, ReadPath, format_path, overlap, parse_path
from kubernaut.history.rows import AttemptRow
from kubernaut.json_types import JsonObject, JsonValue
from kubernaut.policy.compiled import CompiledPolicy


@dataclass(frozen=True, slots=True, kw_only=True)
class FactRead:
    """What a policy found at one path that it reads.

    Attributes
    ----------
    path : str
        Text form; ``pods[*].status`` stands for the elements in order.
    value : JSON
        None when it is null, and when it is not there: `state` tells.
    state : str
        ``value``, ``null``, ``not there``, ``not recorded``, or why it could not be observed.
    """

    path: str
    value: JsonValue
    state: str


def facts_read(policy: CompiledPolicy, attempt: AttemptRow, facts: JsonObject) -> tuple[FactRead, ...]:
    """Give what a policy finds at every path that it reads, then what could not be observed among them."""
    kept = None if attempt.recorded_paths is None else [parse_path(path) for path in attempt.recorded_paths]
    paths: Sequence[ReadPath] = [(name,) for name in sorted(facts)] if policy.reads_everything else policy.reads
    read = []
    for path in paths:
        unrecorded = (
            kept is not None
            and path[:1] != ("settings",)
            and not any(len(one) <= len(path) and overlap(one, path) for one in kept)
        )
        if unrecorded:
            read.append(FactRead(path=format_path(path), value=None, state="not recorded"))
        else:
            there, value = _at(facts, path)
            state = ("null" if value is None else "value") if there else "not there"
            read.append(FactRead(path=format_path(path), value=value, state=state))
    missing = {
        text: why
        for text, why in attempt.unobserved.items()
        if any(overlap(path, parse_path(text)) for path in policy.reads)
    }
    return (
        *(one for one in read if one.path not in missing),
        *(FactRead(path=text, value=None, state=why) for text, why in sorted(missing.items())),
    )


def _at(value: JsonValue, path: ReadPath) -> tuple[bool, JsonValue]:
    """Give (is it there, value) at a path; `*` gives the list of what its elements have."""
    for depth, part in enumerate(path):
        if part == ANY:
            if isinstance(value, Mapping):
                elements = list(value.values())
            elif isinstance(value, Sequence) and not isinstance(value, str):
                elements = list(value)
            else:
                return False, None
            below = [_at(element, path[depth + 1 :]) for element in elements]
            return True, [found for _, found in below]
        if isinstance(value, Mapping):
            if part not in value:
                return False, None
            value = value[part]
        elif isinstance(value, Sequence) and not isinstance(value, str) and part.isdigit() and int(part) < len(value):
            value = value[int(part)]
        else:
            return False, None
    return True, value
