"""Values as JSON for a custom resource's status, and back: a form for each field, empty values left out.

For state that a restarted operator goes on from, where the reader must refuse what it cannot understand. Rows of
history have their own codec, made for millions of lines.
"""

from collections.abc import Callable, Mapping
from dataclasses import MISSING, dataclass, fields
from enum import StrEnum
from typing import Any, TypeVar

from kubernaut.errors import InputError
from kubernaut.json_types import JsonValue
from kubernaut.verification.status_json import moment_of, rfc3339

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Form:
    """How one kind of value is written and read back."""

    write: Callable[[Any], JsonValue]
    read: Callable[[Any], Any]


PLAIN = Form(lambda value: value, lambda value: value)
MOMENT = Form(rfc3339, moment_of)
TEXTS = Form(list, tuple)


def word(kind: type[StrEnum]) -> Form:
    """Give the form of a member of an enumeration: its value."""
    return Form(lambda value: value.value, kind)


def part(kind: type[Any], forms: Mapping[str, Form]) -> Form:
    """Give the form of a dataclass, by the forms of its fields; others are not written."""
    return Form(lambda value: write(value, forms), lambda document: kind(**read(document, forms)))


def parts(form: Form) -> Form:
    """Give the form of a mapping of texts to values of one form."""
    return Form(
        lambda values: {key: form.write(value) for key, value in values.items()},
        lambda document: {key: form.read(value) for key, value in document.items()},
    )


def write(value: Any, forms: Mapping[str, Form]) -> dict[str, JsonValue]:
    """Write the fields that have a form, under camelCase keys; None, defaults and empty mappings are left out."""
    document: dict[str, JsonValue] = {}
    for field in fields(value):
        found = getattr(value, field.name)
        if field.name not in forms or found is None or found == {}:
            continue
        if field.default is MISSING or found != field.default:
            document[camel(field.name)] = forms[field.name].write(found)
    return document


def read(document: Mapping[str, Any], forms: Mapping[str, Form]) -> dict[str, Any]:
    """Read the fields that a document has; unknown keys are left for newer versions."""
    return {name: form.read(document[key]) for name, form in forms.items() if (key := camel(name)) in document}


def read_state(kind: type[T], document: Mapping[str, Any], forms: Mapping[str, Form], *, version: int) -> T:
    """Read a resumable state back from `status.engine`.

    Raises
    ------
    InputError
        It is of another version, or nothing that the same forms wrote.
    """
    try:
        if document["version"] != version:
            raise ValueError(f"version {document['version']!r} is not {version}")  # noqa: TRY301 - told with the others
        return kind(**read(document, forms))
    except (KeyError, TypeError, ValueError, AttributeError, InputError) as error:
        raise InputError(
            f"status.engine cannot be read ({type(error).__name__}: {error}); "
            "it was edited by hand or written by an incompatible version"
        ) from error


def camel(name: str) -> str:
    """Turn ``started_at`` into ``startedAt``."""
    first, *rest = name.split("_")
    return first + "".join(word_.capitalize() for word_ in rest)
