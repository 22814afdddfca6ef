"""The smallest parts of a CSV map: how one cell becomes a text, a time or a fact.

They are models of what a person writes; reading a line by them is `csv_values`.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Any

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, model_validator


class MapPart(BaseModel):
    """A part of the map: no unknown keys, never changed."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Cell(MapPart):
    """One value of a line.

    Attributes
    ----------
    column : str or None
        Name in the CSV's header. None with `columns` or `constant`.
    columns : tuple of str
        Several names, where only together they say it; their words are joined by ``/``, and one empty cell
        leaves the whole without a value.
    constant : str or None
        The same text on every line; a plain text in the YAML means this.
    values : mapping of str to str
        Word in the file -> word meant; empty takes the file's words as they are. An empty word means "no
        value".
    otherwise : str or None
        For words that `values` does not name; None makes such a line bad.
    missing : str or None
        For an empty cell; None leaves it without a value.
    """

    column: str | None = None
    columns: tuple[str, ...] = ()
    constant: str | None = None
    values: Mapping[str, str] = Field(default_factory=dict)
    otherwise: str | None = None
    missing: str | None = None

    @model_validator(mode="before")
    @classmethod
    def _plain_text_is_constant(cls, value: Any) -> Any:
        return {"constant": value} if isinstance(value, str) else value

    @model_validator(mode="after")
    def _one_source(self) -> "Cell":
        if [self.column is not None, bool(self.columns), self.constant is not None].count(True) != 1:
            raise ValueError("name a `column`, or several `columns`, or write the constant text itself")
        return self

    @property
    def named(self) -> str:
        """The column or columns, for messages."""
        return ", ".join(repr(name) for name in self.columns) or repr(self.column)

    def word(self, line: Mapping[str, str]) -> str:
        """Give what the file writes, untranslated; empty when a cell is."""
        words = [line[name].strip() for name in self.columns or ((self.column,) if self.column else ())]
        return "/".join(words) if all(words) else ""


class Clock(StrEnum):
    """How a column writes times."""

    RFC3339 = "rfc3339"
    UNIX = "unix"
    SECONDS = "seconds"


class Time(MapPart):
    """A column of times.

    Attributes
    ----------
    column : str
    clock : Clock
        ``rfc3339``: 2026-01-31T12:00:00Z. ``unix``: seconds since 1970. ``seconds``: seconds since `origin`.
    zone : str or None
        ``UTC`` or ``+02:00``, of times that are written without; None makes such a line bad.
    origin : datetime or None
        For ``seconds``.
    missing : datetime or None
        Taken for an empty cell; the conversion says how often. None leaves it without a time.
    """

    column: str
    clock: Clock = Clock.RFC3339
    zone: Annotated[str, Field(pattern=r"^(UTC|[+-]\d\d:\d\d)$")] | None = None
    origin: AwareDatetime | None = None
    missing: AwareDatetime | None = None

    @model_validator(mode="after")
    def _origin_for_seconds(self) -> "Time":
        if (self.clock is Clock.SECONDS) != (self.origin is not None):
            raise ValueError("`origin` is needed with `clock: seconds`, and only there")
        return self


class FactType(StrEnum):
    """What a column's texts are."""

    TEXT = "text"
    NUMBER = "number"
    INTEGER = "integer"
    FLAG = "flag"
