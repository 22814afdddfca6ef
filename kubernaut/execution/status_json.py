"""An execution's status as JSON: `status.engine` of the custom resource, from which a restarted operator goes on.

Moments are RFC 3339, empty values are left out, and so is what is held in memory only. The reader refuses what it
cannot understand: going on from a guess could run an action twice.
"""

from collections.abc import Callable, Mapping
from dataclasses import MISSING, dataclass, fields
from datetime import datetime
from enum import StrEnum
from typing import Any

from kubernaut.errors import InputError
from kubernaut.execution.status import ExecutionStatus, JobStatus, Pin, Result, Retry, Rollback, Step, Target
from kubernaut.execution.types import Effect
from kubernaut.facts.baseline import Baseline
from kubernaut.json_types import JsonObject, JsonValue
from kubernaut.resources.execution import ExecutionPhase
from kubernaut.verification import status_json as stage_json
from kubernaut.verification.status_json import moment_of, rfc3339

VERSION = 1
"""Raised when a field changes its meaning."""


@dataclass(frozen=True, slots=True)
class _Form:
    """How one kind of value is written and read back."""

    write: Callable[[Any], JsonValue]
    read: Callable[[Any], Any]


_PLAIN = _Form(lambda value: value, lambda value: value)
_MOMENT = _Form(rfc3339, moment_of)
_TEXTS = _Form(list, tuple)
_STAGE = _Form(stage_json.to_json, stage_json.from_json)


def _word(kind: type[StrEnum]) -> _Form:
    return _Form(lambda value: value.value, kind)


def _part(kind: type[Any], forms: Mapping[str, _Form]) -> _Form:
    return _Form(lambda value: _write(value, forms), lambda document: kind(**_read(document, forms)))


def _parts(form: _Form) -> _Form:
    return _Form(
        lambda values: {key: form.write(value) for key, value in values.items()},
        lambda document: {key: form.read(value) for key, value in document.items()},
    )


_TARGET = {"uid": _PLAIN, "resource_version": _PLAIN, "generation": _PLAIN, "replicas": _PLAIN}
_PIN = {
    "digest": _PLAIN,
    "incident_id": _PLAIN,
    "bucket": _PLAIN,
    "environment": _PLAIN,
    "budget_spent": _TEXTS,
    "note": _PLAIN,
}
_RETRY = {"since": _MOMENT, "until": _MOMENT, "tries": _PLAIN, "why": _PLAIN}
_JOB = {
    "name": _PLAIN,
    "asked_at": _MOMENT,
    "deadline": _MOMENT,
    "target_resource_version": _PLAIN,
    "uid": _PLAIN,
    "absent": _PLAIN,
    "created_at": _MOMENT,
    "finished_at": _MOMENT,
    "effect": _word(Effect),
    "reason": _PLAIN,
    "message": _PLAIN,
}
_STATUS: Mapping[str, _Form] = {
    "started_at": _MOMENT,
    "seen_at": _MOMENT,
    "step": _word(Step),
    "then": _word(Step),
    "phase": _word(ExecutionPhase),
    "reason": _PLAIN,
    "message": _PLAIN,
    "target": _part(Target, _TARGET),
    "pinned": _part(Pin, _PIN),
    "checked_at": _MOMENT,
    "safety_digest": _PLAIN,
    "denials": _TEXTS,
    "lock_asked": _PLAIN,
    "locked": _PLAIN,
    "waiting_since": _MOMENT,
    "waiting_until": _MOMENT,
    "waiting_for": _PLAIN,
    "enforcement": _PLAIN,
    "override_fingerprint": _PLAIN,
    "override_seen_at": _MOMENT,
    "pre": _STAGE,
    "post": _STAGE,
    "rounds": _PLAIN,
    "dry_run_accepted": _PLAIN,
    "would_change": _PLAIN,
    "generation": _PLAIN,
    "rollback": _part(Rollback, {"captured_at": _MOMENT, "info": _PLAIN}),
    "baseline": _Form(Baseline.to_json, Baseline.from_json),
    "job": _part(JobStatus, _JOB),
    "retries": _parts(_part(Retry, _RETRY)),
    "result": _part(Result, {"phase": _word(ExecutionPhase), "at": _MOMENT, "row_result": _PLAIN, "cut_short": _PLAIN}),
    "over": _PLAIN,
}


def to_json(status: ExecutionStatus) -> JsonObject:
    """Give a status as a JSON object; what is in `memory` is left out."""
    return {"version": VERSION, **_write(status, _STATUS)}


def from_json(document: JsonObject) -> ExecutionStatus:
    """Read a status back; unknown keys are left for newer versions.

    Raises
    ------
    InputError
        The document is not a status that `to_json` wrote.
    """
    try:
        if document["version"] != VERSION:
            raise ValueError(f"version {document['version']!r} is not {VERSION}")  # noqa: TRY301 - told with the others
        return ExecutionStatus(**_read(document, _STATUS))
    except (KeyError, TypeError, ValueError, AttributeError, InputError) as error:
        raise InputError(
            f"status.engine cannot be read ({type(error).__name__}: {error}); "
            "it was edited by hand or written by an incompatible version"
        ) from error


def _write(value: Any, forms: Mapping[str, _Form]) -> dict[str, JsonValue]:
    document: dict[str, JsonValue] = {}
    for field in fields(value):
        found = getattr(value, field.name)
        if field.name not in forms or found is None or found == {}:
            continue
        if field.default is MISSING or found != field.default:
            document[_camel(field.name)] = forms[field.name].write(found)
    return document


def _read(document: Mapping[str, Any], forms: Mapping[str, _Form]) -> dict[str, Any]:
    return {name: form.read(document[key]) for name, form in forms.items() if (key := _camel(name)) in document}


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)


def moment_or_none(moment: datetime | None) -> str | None:
    """Write a moment; None stays None."""
    return None if moment is None else rfc3339(moment)
