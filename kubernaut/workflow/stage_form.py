"""A step's stage in the workflow's status: as `kubernaut.verification.status_json` writes it, with less said twice.

A workflow keeps two stages for every step, so what one condition takes is multiplied by hundreds, and etcd takes no
object above 1.5 MiB. Messages are cut to what a result shows of them, those that repeat the first one are told by name,
and of a stage that is over only that is kept which a result or a row of history may still be made of.
"""

from collections.abc import Mapping
from typing import Any

from kubernaut.execution.progress import shortened
from kubernaut.json_forms import Form
from kubernaut.json_types import JsonObject
from kubernaut.resources.fields import MAX_ERROR_MESSAGE
from kubernaut.verification import status_json
from kubernaut.verification.status import StageStatus

_KINDS = ("preconditions", "postconditions")
_SAME = "asMessage"
_MESSAGES = ("latestMessage", "lastMessage", "lastRealReason")
_PASSING = frozenset(
    {*_MESSAGES, "latestVerdict", "lastCode", "lastReason", "readStartedAt", "lastReadStartedAt", "settledSlot"}
)
"""What only the next look would be compared with."""


def _write(stage: StageStatus) -> JsonObject:
    document = dict(status_json.to_json(stage))
    for kind in _KINDS:
        entries: Any = document.get(kind)
        if entries:
            document[kind] = {key: _shorter(entry, over=stage.over) for key, entry in entries.items()}
    return document


def _shorter(entry: Mapping[str, Any], *, over: bool) -> JsonObject:
    cut = {name: shortened(entry[name], most=MAX_ERROR_MESSAGE) for name in ("message", *_MESSAGES) if entry.get(name)}
    entry = {**entry, **cut}
    if over:
        return {name: value for name, value in entry.items() if name not in _PASSING}
    said = entry.get("message")
    same = [name for name in _MESSAGES if said and entry.get(name) == said]
    kept = {name: value for name, value in entry.items() if name not in same}
    return {**kept, _SAME: same} if same else kept


def _read(document: Mapping[str, Any]) -> StageStatus:
    longer = dict(document)
    for kind in _KINDS:
        if kind in longer:
            longer[kind] = {
                key: {**entry, **dict.fromkeys(entry.get(_SAME, ()), entry.get("message", ""))}
                for key, entry in longer[kind].items()
            }
    return status_json.from_json(longer)


STAGE = Form(_write, _read)
