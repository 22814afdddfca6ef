"""A typed view of one object's fields that says where a wrong one is.

JSON from a cluster or from a file may lack anything and hold anything. Kubernetes leaves empty fields out,
so a missing or null field is empty here too; a field of the wrong type is a `FactsError` that names it
(``Pod shop/web-1: status.phase is a list, not text``). Whoever computes a fact reads through this view and
lets the error rise: `kubernaut.facts.collecting` turns it into an unobserved fact.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from fractions import Fraction
from typing import Any

from kubernaut.errors import FactsError, QuantityError
from kubernaut.quantities import parse_resource

_NAMES = {dict: "an object", list: "a list", str: "text", bool: "a flag", int: "a number", float: "a number"}

_LARGEST = 2**63 - 1


class Fields:
    """One JSON object and where it came from."""

    __slots__ = ("_above", "_place", "_value")

    def __init__(self, value: Any, where: str, *, above: "Fields | None" = None) -> None:
        """Take an object; with `above`, `where` is the name of the field of `above` that it was found in."""
        self._above = above
        self._place = where
        if value is None:
            value = {}
        # A look reads thousands of fields, nearly all of them plain objects.
        if type(value) is not dict and not isinstance(value, Mapping):
            raise FactsError(f"{self.where} is {_kind(value)}, not an object")
        self._value: Mapping[str, Any] = value

    @property
    def where(self) -> str:
        """Where it is, for a message."""
        return self._place if self._above is None else self._above.path(self._place)

    def __contains__(self, key: str) -> bool:
        return self._value.get(key) is not None

    def __bool__(self) -> bool:
        return bool(self._value)

    @property
    def whole(self) -> Mapping[str, Any]:
        """The object as it is."""
        return self._value

    def keys(self) -> list[str]:
        """Give the names of the fields, text only, sorted."""
        return sorted(key for key in self._value if isinstance(key, str))

    def raw(self, key: str) -> Any:
        """Give a field as it is."""
        return self._value.get(key)

    def at(self, *keys: str) -> "Fields":
        """Go down through objects; a missing one is empty."""
        here = self
        for key in keys:
            here = Fields(here._value.get(key), key, above=here)
        return here

    def each(self, key: str) -> list["Fields"]:
        """Give the objects of a list."""
        return [Fields(item, f"{key}[{i}]", above=self) for i, item in enumerate(self._list(key))]

    def texts(self, key: str) -> list[str]:
        """Give the texts of a list."""
        items = self._list(key)
        for i, item in enumerate(items):
            if not isinstance(item, str):
                raise FactsError(f"{self.path(key)}[{i}] is {_kind(item)}, not text")
        return items

    def text(self, key: str) -> str:
        """Give a text; empty when missing."""
        value = self._value.get(key)
        if value is None:
            return ""
        if not isinstance(value, str):
            raise FactsError(f"{self.path(key)} is {_kind(value)}, not text")
        return value

    def number(self, key: str) -> int | None:
        """Give a whole number; None when missing."""
        value = self._value.get(key)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int):
            raise FactsError(f"{self.path(key)} is {_kind(value)}, not a whole number")
        if abs(value) > _LARGEST:
            raise FactsError(f"{self.path(key)} is out of range: no number of 64 bits")
        return value

    def count(self, key: str, default: int = 0) -> int:
        """Give a whole number that cannot be negative."""
        value = self.number(key)
        if value is None:
            return default
        if value < 0:
            raise FactsError(f"{self.path(key)} is {value}; it cannot be negative")
        return value

    def flag(self, key: str) -> bool:
        """Give a flag; false when missing."""
        value = self._value.get(key)
        if value is None:
            return False
        if not isinstance(value, bool):
            raise FactsError(f"{self.path(key)} is {_kind(value)}, not true or false")
        return value

    def moment(self, key: str) -> datetime | None:
        """Give an instant in UTC; None when missing."""
        value = self.text(key)
        if not value:
            return None
        try:
            moment = datetime.fromisoformat(value)
            return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
        except (ValueError, OverflowError) as error:
            raise FactsError(f"{self.path(key)} is {value!r}, not an instant of RFC 3339") from error

    def labels(self, key: str) -> dict[str, str]:
        """Give a mapping of text to text."""
        below = self.at(key)
        return {name: below.text(name) for name in below.keys()}  # noqa: SIM118 - not a mapping

    def resources(self, key: str) -> dict[str, Fraction]:
        """Give amounts of resources by name: cores, bytes, counts.

        Raises
        ------
        FactsError
            One is no quantity, or negative.
        """
        below = self.at(key)
        amounts: dict[str, Fraction] = {}
        for name in below.keys():  # noqa: SIM118 - not a mapping
            try:
                amounts[name] = parse_resource(below.raw(name))
            except QuantityError as error:
                raise FactsError(f"{below.path(name)}: {error}") from error
        return amounts

    def _list(self, key: str) -> list[Any]:
        value = self._value.get(key)
        if value is None:
            return []
        if not isinstance(value, list):
            raise FactsError(f"{self.path(key)} is {_kind(value)}, not a list")
        return value

    def path(self, key: str) -> str:
        """Say where a field is, for a message."""
        where = self.where
        return f"{where}{_dot(where)}{key}"


def _dot(where: str) -> str:
    # "Pod shop/web-1: " takes its first field without a dot.
    return "" if where.endswith(" ") else "."


def _kind(value: Any) -> str:
    return _NAMES.get(type(value), type(value).__name__) if value is not None else "null"
