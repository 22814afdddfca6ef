"""What each row type is made of, read off the dataclasses once; no format writes the schema a second time.

JSON, Arrow and the documentation all work from these `RowField`s: a new optional field of a row appears in
every format by being written in `rows`. Formats themselves are not known here.
"""

import types
from collections.abc import Callable, Mapping, Sequence
from dataclasses import MISSING, dataclass, fields
from datetime import datetime
from enum import StrEnum
from functools import cache
from typing import Any, Union, get_args, get_origin, get_type_hints

from kubernaut.history import rows
from kubernaut.history.rows import ROW_TYPES, ObjectVersion, RowKind


class Form(StrEnum):
    """How a field's value looks, whatever the format."""

    TEXT = "text"
    CHOICE = "choice"
    INTEGER = "integer"
    NUMBER = "number"
    FLAG = "flag"
    INSTANT = "instant"
    TEXTS = "list of texts"
    TEXT_MAP = "map of texts"
    JSON = "JSON object"
    OBJECTS = "list of objects read"


@dataclass(frozen=True, slots=True, kw_only=True)
class RowField:
    """One field of one kind of rows.

    Attributes
    ----------
    name : str
    form : Form
    nullable : bool
        None is a value of it.
    required : bool
        It has no default: a record without it cannot be read.
    default : Callable or None
        Makes the value of a record that lacks the field; None when it is required.
    choices : type of StrEnum, or None
        For `CHOICE` only.
    """

    name: str
    form: Form
    nullable: bool
    required: bool
    default: Callable[[], Any] | None
    choices: type[StrEnum] | None = None


_FORMS: Mapping[Any, Form] = {
    str: Form.TEXT,
    int: Form.INTEGER,
    float: Form.NUMBER,
    bool: Form.FLAG,
    datetime: Form.INSTANT,
    tuple[str, ...]: Form.TEXTS,
    tuple[ObjectVersion, ...]: Form.OBJECTS,
    Mapping[str, str]: Form.TEXT_MAP,
}


@cache
def fields_of(kind: RowKind) -> tuple[RowField, ...]:
    """Give the fields of one kind of rows, in the order in which the dataclass names them."""
    row_type = ROW_TYPES[kind]
    # `JsonValue` is a forward reference that `rows` itself never spells out.
    hints = get_type_hints(row_type, vars(rows) | {"JsonValue": Any, "Sequence": Sequence})
    found = []
    for item in fields(row_type):
        hint, nullable = _without_none(hints[item.name])
        choices = hint if isinstance(hint, type) and issubclass(hint, StrEnum) else None
        form = Form.CHOICE if choices else _FORMS.get(hint, Form.JSON)
        if item.default_factory is not MISSING:
            default: Callable[[], Any] | None = item.default_factory
        elif item.default is not MISSING:
            default = _constant(item.default)
        else:
            default = None
        found.append(
            RowField(
                name=item.name,
                form=form,
                nullable=nullable,
                required=default is None,
                default=default,
                choices=choices,
            )
        )
    return tuple(found)


def _constant(value: Any) -> Callable[[], Any]:
    return lambda: value


def _without_none(hint: Any) -> tuple[Any, bool]:
    if get_origin(hint) in (Union, types.UnionType):
        rest = [part for part in get_args(hint) if part is not type(None)]
        return rest[0], len(rest) < len(get_args(hint))
    return hint, False
