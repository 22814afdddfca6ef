"""A stage's status as JSON, the form in which a custom resource holds it.

Moments of a condition are seconds from the stage's start in memory and RFC 3339 with microseconds here: a
person can read them, and since clocks are read to the microsecond, a round trip loses nothing. Empty values
are left out.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from kubernaut.errors import InputError
from kubernaut.json_types import JsonObject, JsonValue
from kubernaut.verdicts import Code, Reason, Verdict
from kubernaut.verification.postcondition import PostconditionState
from kubernaut.verification.precondition import PreconditionState
from kubernaut.verification.stage_step import at
from kubernaut.verification.status import StageStatus
from kubernaut.verification.types import EndCause, Override, StagePhase

_PRE_MOMENTS = {"began_s": "readStartedAt", "read_s": "readAt", "observed_s": "observedUntil"}
_PRE_ENUMS: Mapping[str, tuple[str, type[StrEnum]]] = {
    "verdict": ("verdict", Verdict),
    "reason": ("reason", Reason),
    "now_verdict": ("latestVerdict", Verdict),
}
_PRE_PLAIN = {"message": "message", "now_message": "latestMessage", "last_slot": "lastSlot"}

_POST_MOMENTS = {
    "began_s": "lastReadStartedAt",
    "read_s": "lastReadAt",
    "held_since_s": "heldSince",
    "confirmed_s": "holdConfirmedAt",
    "not_passed_s": "notPassedAt",
    "hold_lower_s": "holdNotBefore",
    "settled_s": "settledAt",
    "observed_s": "observedUntil",
    "kept_s": "lookKeptAt",
}
_POST_ENUMS: Mapping[str, tuple[str, type[StrEnum]]] = {
    "verdict": ("verdict", Verdict),
    "reason": ("reason", Reason),
    "last_code": ("lastCode", Code),
    "last_reason": ("lastReason", Reason),
}
_POST_PLAIN = {
    "message": "message",
    "last_message": "lastMessage",
    "real_message": "lastRealReason",
    "last_slot": "lastSlot",
    "settled_slot": "settledSlot",
}

_STATUS_MOMENTS = {"blocked_at": "blockedAt", "blocked_until": "blockedUntil", "decided_at": "decidedAt"}


def rfc3339(moment: datetime) -> str:
    """Write a moment in UTC with microseconds, e.g. ``2026-01-02T03:04:05.000006Z``."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def moment_of(text: JsonValue) -> datetime:
    """Read a moment.

    Raises
    ------
    InputError
        Not RFC 3339, or without a zone.
    """
    try:
        moment = datetime.fromisoformat(text) if isinstance(text, str) else None
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise InputError(f"{text!r} is not a moment in RFC 3339 with a zone, e.g. 2026-01-02T03:04:05Z")
    return moment.astimezone(UTC)


def to_json(status: StageStatus) -> JsonObject:
    """Give a status as a JSON object."""
    document: dict[str, JsonValue] = {
        "phase": status.phase.value,
        "startedAt": rfc3339(status.started_at),
        "seenAt": rfc3339(status.seen_at),
        "enforcement": status.enforcement,
        "over": status.over,
    }
    for name, key in _STATUS_MOMENTS.items():
        moment: datetime | None = getattr(status, name)
        if moment is not None:
            document[key] = rfc3339(moment)
    if status.stopped_by:
        document["stoppedBy"] = list(status.stopped_by)
    if status.message:
        document["message"] = status.message
    if status.ended is not None:
        document["ended"] = status.ended.value
    for key, overrides in (("overrides", status.overrides), ("overridden", status.overridden)):
        if overrides:
            document[key] = {
                name: {"by": override.by, "reason": override.reason} for name, override in overrides.items()
            }
    start = status.started_at
    if status.preconditions:
        document["preconditions"] = {
            key: _state(state, start, _PRE_MOMENTS, _PRE_ENUMS, _PRE_PLAIN)
            for key, state in status.preconditions.items()
        }
    if status.postconditions:
        document["postconditions"] = {
            key: {
                **_state(state, start, _POST_MOMENTS, _POST_ENUMS, _POST_PLAIN),
                "deadlines": [rfc3339(at(start, deadline_s)) for deadline_s in state.deadlines_s],
            }
            for key, state in status.postconditions.items()
        }
    return document


def from_json(document: JsonObject) -> StageStatus:
    """Read a status back; unknown keys are left for newer versions.

    Raises
    ------
    InputError
        The document is not a status that `to_json` wrote.
    """
    try:
        return _read(document)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise InputError(
            f"the stored verification status cannot be read ({type(error).__name__}: {error}); "
            "it was edited by hand or written by an incompatible version"
        ) from error


def _read(document: Mapping[str, Any]) -> StageStatus:
    start = moment_of(document["startedAt"])
    moments = {
        name: None if document.get(key) is None else moment_of(document[key]) for name, key in _STATUS_MOMENTS.items()
    }
    ended = document.get("ended")
    return StageStatus(
        phase=StagePhase(document["phase"]),
        started_at=start,
        seen_at=moment_of(document["seenAt"]),
        enforcement=document["enforcement"],
        over=document["over"],
        blocked_at=moments["blocked_at"],
        blocked_until=moments["blocked_until"],
        decided_at=moments["decided_at"],
        stopped_by=tuple(document.get("stoppedBy", ())),
        message=document.get("message", ""),
        ended=None if ended is None else EndCause(ended),
        overrides=_overrides(document.get("overrides", {})),
        overridden=_overrides(document.get("overridden", {})),
        preconditions={
            key: PreconditionState(**_fields(state, start, _PRE_MOMENTS, _PRE_ENUMS, _PRE_PLAIN))
            for key, state in document.get("preconditions", {}).items()
        },
        postconditions={
            key: PostconditionState(
                deadlines_s=tuple(_offset_s(text, start) for text in state["deadlines"]),
                **_fields(state, start, _POST_MOMENTS, _POST_ENUMS, _POST_PLAIN),
            )
            for key, state in document.get("postconditions", {}).items()
        },
    )


def _overrides(document: Mapping[str, Mapping[str, str]]) -> dict[str, Override]:
    return {key: Override(by=entry["by"], reason=entry["reason"]) for key, entry in document.items()}


def _offset_s(text: JsonValue, start: datetime) -> float:
    return (moment_of(text) - start).total_seconds()


def _state(
    state: PreconditionState | PostconditionState,
    start: datetime,
    moments: Mapping[str, str],
    enums: Mapping[str, tuple[str, type[StrEnum]]],
    plain: Mapping[str, str],
) -> dict[str, JsonValue]:
    document: dict[str, JsonValue] = {}
    for name, (key, _) in enums.items():
        word: StrEnum | None = getattr(state, name)
        if word is not None:
            document[key] = word.value
    for name, key in plain.items():
        value: str | int = getattr(state, name)
        if value not in ("", -1):
            document[key] = value
    for name, key in moments.items():
        offset_s: float | None = getattr(state, name)
        if offset_s is not None:
            document[key] = rfc3339(at(start, offset_s))
    return document


def _fields(
    document: Mapping[str, Any],
    start: datetime,
    moments: Mapping[str, str],
    enums: Mapping[str, tuple[str, type[StrEnum]]],
    plain: Mapping[str, str],
) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    for name, (key, words) in enums.items():
        if key in document:
            fields[name] = words(document[key])
    for name, key in plain.items():
        if key in document:
            fields[name] = document[key]
    for name, key in moments.items():
        if key in document:
            fields[name] = _offset_s(document[key], start)
    return fields
