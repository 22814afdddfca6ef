"""Compute facts one by one, so that what cannot be seen of one does not cost the others.

A fact's function gives a value, or raises `CannotSee` (could not look) or a `FactsError` (looked at
something that cannot be read). Either becomes an unobserved path of the snapshot; a fact of a list gives a
`Partial` that says so for single fields of its elements.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from kubernaut.errors import FactsError, InputError
from kubernaut.facts.snapshot import Unobserved, UnobservedReason
from kubernaut.json_types import JsonValue


class CannotSee(FactsError):  # noqa: N818 - it is a state of a fact; it never leaves extraction
    """A fact cannot be looked at."""

    def __init__(self, why: Unobserved) -> None:
        super().__init__(why.detail)
        self.why = why


@dataclass(frozen=True, slots=True)
class Partial:
    """A value with unobserved parts.

    Attributes
    ----------
    value : JsonValue
        The value, without the unobserved parts.
    missing : mapping of str to Unobserved
        By path below the value, e.g. ``[0].cpu_usage``.
    """

    value: JsonValue
    missing: Mapping[str, Unobserved] = field(default_factory=dict)


Answer: TypeAlias = "JsonValue | Partial"


def not_provided(detail: str) -> CannotSee:
    """Make the error for something that was not there to look at."""
    return CannotSee(Unobserved(UnobservedReason.NOT_PROVIDED, detail))


def observe(compute: Callable[[], Answer]) -> "Answer | Unobserved":
    """Compute one fact; what goes wrong with its input becomes its reason."""
    try:
        return compute()
    except CannotSee as error:
        return error.why
    except InputError as error:
        return Unobserved(UnobservedReason.UNREADABLE, str(error))


def collect(
    items: Iterable[tuple[str, Callable[[], Answer]]],
) -> tuple[dict[str, JsonValue], dict[str, Unobserved]]:
    """Compute several facts.

    Returns
    -------
    dict, dict
        The values by name, and what is unobserved by path.
    """
    return sort_out((name, observe(compute)) for name, compute in items)


def sort_out(
    answers: "Iterable[tuple[str, Answer | Unobserved]]",
) -> tuple[dict[str, JsonValue], dict[str, Unobserved]]:
    """Give the values by name, and what is unobserved by path."""
    values: dict[str, JsonValue] = {}
    unobserved: dict[str, Unobserved] = {}
    for name, answer in answers:
        if isinstance(answer, Unobserved):
            unobserved[name] = answer
        elif isinstance(answer, Partial):
            values[name] = answer.value
            unobserved.update({f"{name}{path}": why for path, why in answer.missing.items()})
        else:
            values[name] = answer
    return values, unobserved
