"""A row as a JSON object and back, strictly: what cannot be trusted is refused with the name of the field.

Every object carries `kind` and `schema_version` beside the row's own fields, which keep the names of the
dataclass. Choices are their texts; instants are RFC 3339 in UTC with microseconds and ``Z``. Fields that this
version does not know are left alone, because a newer writer may add some; a field without default that is
missing, a wrong type, an unknown choice or another schema version is an error.

The decoders are plain functions picked once per field: a million lines is an everyday size, and a validation
library would have to be taught the recursive JSON type and our messages. Files and lines are counted by
whoever reads them.
"""

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from enum import StrEnum
from functools import cache
from typing import Any

from kubernaut.errors import HistoryError
from kubernaut.history.fields import Form, RowField, fields_of
from kubernaut.history.rows import ROW_TYPES, SCHEMA_VERSION, ObjectVersion, Row, RowKind

Decoder = Callable[[Any], Any]

_OBJECT_FIELDS = tuple(ObjectVersion.__dataclass_fields__)
_KIND_OF_TYPE = {row_type: kind for kind, row_type in ROW_TYPES.items()}


def kind_of(row: Row) -> RowKind:
    """Give the kind of a row."""
    return _KIND_OF_TYPE[type(row)]


# --- out ------------------------------------------------------------------------------------------


def format_instant(instant: datetime) -> str:
    """Write an instant as ``2026-01-31T12:00:00.000000Z``.

    Raises
    ------
    HistoryError
        It has no time zone.
    """
    if instant.tzinfo is None:
        raise HistoryError(f"{instant.isoformat()} has no time zone; history keeps aware datetimes")
    return instant.astimezone(UTC).isoformat(timespec="microseconds").removesuffix("+00:00") + "Z"


def encode_row(row: Row) -> dict[str, Any]:
    """Give a row as a JSON-ready object, every field written out.

    Raises
    ------
    HistoryError
        An instant without time zone.
    """
    kind = kind_of(row)
    encoded: dict[str, Any] = {"kind": kind.value, "schema_version": SCHEMA_VERSION}
    for item in fields_of(kind):
        value = getattr(row, item.name)
        encoded[item.name] = None if value is None else _encode(item.form, value)
    return encoded


def _encode(form: Form, value: Any) -> Any:
    if form is Form.INSTANT:
        return format_instant(value)
    if form is Form.CHOICE:
        return value.value
    if form is Form.TEXTS:
        return list(value)
    if form is Form.OBJECTS:
        return [{name: getattr(item, name) for name in _OBJECT_FIELDS} for item in value]
    if form in (Form.TEXT_MAP, Form.JSON):
        return dict(value)
    return value


def row_to_line(row: Row) -> str:
    """Give a row as one line of JSON, without the newline; equal rows give equal lines.

    Raises
    ------
    HistoryError
        It holds what JSON cannot say: NaN, an infinity, an instant without zone, or half a surrogate pair.
    """
    encoded = encode_row(row)
    try:
        line = json.dumps(encoded, ensure_ascii=False, allow_nan=False, separators=(",", ":"), default=_as_dict)
        line.encode()
    except (TypeError, ValueError) as error:
        raise HistoryError(f"{encoded['kind']} row {row.record_id} cannot be written as JSON: {error}") from error
    return line


def json_text(value: Mapping[str, Any]) -> str:
    """Give a JSON object as compact text with sorted keys: equal trees give equal texts."""
    return json.dumps(
        value, ensure_ascii=False, allow_nan=False, separators=(",", ":"), sort_keys=True, default=_as_dict
    )


def _as_dict(value: Any) -> dict[str, Any]:
    """For `json`, which knows no mapping but dict."""
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"{type(value).__name__} is not JSON")


# --- in ------------------------------------------------------------------------------------------


def row_from_line(line: str | bytes) -> Row:
    """Read one line of JSON.

    Raises
    ------
    HistoryError
        It is not JSON, or not a row; says which field.
    """
    try:
        value = json.loads(line, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise HistoryError(f"not a line of JSON: {error}") from error
    return decode_row(value)


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


def decode_row(value: Any) -> Row:
    """Read a row from a JSON object.

    Raises
    ------
    HistoryError
        An unknown kind or schema version, a missing field, a wrong type, an unknown choice; names the field.
    """
    if not isinstance(value, Mapping):
        raise HistoryError(f"a row is a JSON object, not {_shown(value)}")
    try:
        kind = RowKind(value["kind"])
    except KeyError:
        raise HistoryError(f"field 'kind' is missing; it is one of {', '.join(RowKind)}") from None
    except ValueError:
        raise HistoryError(f"field 'kind' is {_shown(value['kind'])}; it is one of {', '.join(RowKind)}") from None
    version = value.get("schema_version")
    if version != SCHEMA_VERSION or isinstance(version, bool):
        check_schema_version(version)
    row: Row = ROW_TYPES[kind](**decode_fields(kind, value))
    return row


def check_schema_version(version: Any) -> None:
    """Refuse a schema version that this program does not read.

    Raises
    ------
    HistoryError
        Says whether to write the history again or to update this program.
    """
    if version is None:
        raise HistoryError(f"field 'schema_version' is missing; this program reads version {SCHEMA_VERSION}")
    if isinstance(version, bool) or version != SCHEMA_VERSION:
        newer = isinstance(version, int) and version > SCHEMA_VERSION
        advice = "update kubernaut" if newer else "write the history again with a current version"
        raise HistoryError(
            f"unknown schema version {_shown(version)}; this program reads version {SCHEMA_VERSION}: {advice}"
        )


def decode_fields(kind: RowKind, value: Mapping[str, Any]) -> dict[str, Any]:
    """Read the fields of one row; what `decode_row` does once kind and version are known."""
    decoded: dict[str, Any] = {}
    for name, default, nullable, decoder in _decoders(kind):
        if name in value:
            raw = value[name]
            if raw is None and nullable:
                decoded[name] = None
                continue
            try:
                decoded[name] = decoder(raw)
            except _UnfitError as unfit:
                raise HistoryError(f"field {name!r} is {_shown(unfit.value)}; {unfit.wanted}") from None
        elif default is None:
            raise HistoryError(f"field {name!r} is missing; every row of {kind.value} has it")
        else:
            decoded[name] = default()
    return decoded


class _UnfitError(ValueError):
    """A value that does not fit its field."""

    def __init__(self, value: Any, wanted: str) -> None:
        super().__init__(wanted)
        self.value = value
        self.wanted = wanted


@cache
def _decoders(kind: RowKind) -> tuple[tuple[str, Callable[[], Any] | None, bool, Decoder], ...]:
    return tuple((f.name, f.default, f.nullable, _decoder(f)) for f in fields_of(kind))


def _decoder(item: RowField) -> Decoder:
    if item.choices is not None:
        return _choice_decoder(item.choices)
    return _DECODERS[item.form]


def _choice_decoder(choices: type[StrEnum]) -> Decoder:
    members = {member.value: member for member in choices}

    def decode(value: Any) -> StrEnum:
        if isinstance(value, str) and value in members:
            return members[value]
        raise _UnfitError(value, f"it is one of {', '.join(members)}")

    return decode


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    raise _UnfitError(value, "it is a text")


def _integer(value: Any) -> int:
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    raise _UnfitError(value, "it is a whole number")


def _number(value: Any) -> float:
    if isinstance(value, int | float) and not isinstance(value, bool):
        try:
            return float(value)
        except OverflowError:
            raise _UnfitError(value, "it is a number that fits 64 bits") from None
    raise _UnfitError(value, "it is a number")


def _flag(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    raise _UnfitError(value, "it is true or false")


def parse_instant(value: Any) -> datetime:
    """Read an RFC 3339 instant; ValueError when it is none or has no zone."""
    wanted = "it is an RFC 3339 time with a zone, e.g. 2026-01-31T12:00:00.000000Z"
    if not isinstance(value, str):
        raise _UnfitError(value, wanted)
    try:
        instant = datetime.fromisoformat(value)
        utc = instant.astimezone(UTC)
    except (ValueError, OverflowError):
        raise _UnfitError(value, wanted) from None
    if instant.tzinfo is None:
        raise _UnfitError(value, wanted)
    return utc


def _texts(value: Any) -> tuple[str, ...]:
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return tuple(value)
    raise _UnfitError(value, "it is a list of texts")


def _text_map(value: Any) -> dict[str, str]:
    if isinstance(value, dict) and all(isinstance(item, str) for item in value.values()):
        return value
    raise _UnfitError(value, "it is an object whose values are texts")


def _json(value: Any) -> dict[str, Any]:
    if isinstance(value, dict):
        return value
    raise _UnfitError(value, "it is a JSON object")


def _objects(value: Any) -> tuple[ObjectVersion, ...]:
    wanted = f"it is a list of objects with the texts {', '.join(_OBJECT_FIELDS)}"
    if not isinstance(value, list):
        raise _UnfitError(value, wanted)
    found = []
    for item in value:
        if not isinstance(item, dict) or not all(isinstance(item.get(name), str) for name in _OBJECT_FIELDS):
            raise _UnfitError(item, wanted)
        found.append(ObjectVersion(**{name: item[name] for name in _OBJECT_FIELDS}))
    return tuple(found)


_DECODERS: Mapping[Form, Decoder] = {
    Form.TEXT: _text,
    Form.INTEGER: _integer,
    Form.NUMBER: _number,
    Form.FLAG: _flag,
    Form.INSTANT: parse_instant,
    Form.TEXTS: _texts,
    Form.TEXT_MAP: _text_map,
    Form.JSON: _json,
    Form.OBJECTS: _objects,
}

_MAX_SHOWN_CHARS = 60


def _shown(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=True, default=str)
    return text if len(text) <= _MAX_SHOWN_CHARS else text[: _MAX_SHOWN_CHARS - 1] + "…"
