"""Columns of history rows as numpy arrays, from Arrow tables or DataFrames alike.

One place that knows how a column of rows (names of `kubernaut.history.rows`) becomes codes, flags, seconds
or instants, and what stands in when an importer left a column out. It knows nothing of votes.
"""

from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from kubernaut.errors import HistoryError

Table: TypeAlias = "pa.Table | pd.DataFrame"
Codes: TypeAlias = NDArray[np.int64]
Flags: TypeAlias = NDArray[np.bool_]
Floats: TypeAlias = NDArray[np.float64]
Instants: TypeAlias = NDArray[np.int64]
"""Microseconds since 1970 in UTC; `NO_INSTANT` where the column is null."""

NO_INSTANT = np.iinfo(np.int64).min


class Columns:
    """Typed access to a table's columns.

    Parameters
    ----------
    table : pyarrow.Table or DataFrame
        Rows of one kind.
    name : str
        What to call it in messages.
    needed : sequence of str
        Columns without which nothing can be said.

    Raises
    ------
    HistoryError
        A needed column is missing.
    """

    def __init__(self, table: Table, *, name: str, needed: Sequence[str]) -> None:
        self._table = table
        self._names = frozenset(table.columns if isinstance(table, pd.DataFrame) else table.column_names)
        self.rows = len(table)
        missing = [name for name in needed if name not in self._names]
        if missing:
            raise HistoryError(
                f"the {name} rows have no column {', '.join(missing)}; "
                "read them with `kubernaut history convert`, which names what a row must have"
            )

    def has(self, name: str) -> bool:
        """Whether the column is there."""
        return name in self._names

    def arrow(self, name: str) -> Any:
        """The column as one Arrow array; all null when it is missing."""
        if not self.has(name):
            return pa.nulls(self.rows)
        if isinstance(self._table, pd.DataFrame):
            return _one(pa.array(self._table[name], from_pandas=True))
        return _one(self._table.column(name))

    def text(self, name: str, default: str = "") -> Any:
        """The column as an Arrow array of strings, nulls replaced by the default."""
        return pc.fill_null(_one(pc.cast(self.arrow(name), pa.string())), default)

    def codes(self, name: str, default: str = "") -> tuple[Codes, list[str]]:
        """Codes of a text column and the values they stand for."""
        return encode(self.text(name, default))

    def equals(self, name: str, values: Sequence[str], default: str = "") -> Flags:
        """Where a text column holds one of the values."""
        codes, words = self.codes(name, default)
        wanted = np.array([w in values for w in words], dtype=bool)
        return wanted[codes] if len(wanted) else np.zeros(self.rows, bool)

    def flag(self, name: str, *, default: bool = False) -> Flags:
        """A boolean column; null is the default."""
        return np.asarray(pc.fill_null(pc.cast(self.arrow(name), pa.bool_()), default), dtype=bool)

    def number(self, name: str, default: float = np.nan) -> Floats:
        """A number column; null is the default."""
        return np.asarray(pc.fill_null(pc.cast(self.arrow(name), pa.float64()), default), dtype=np.float64)

    def instant(self, name: str) -> Instants:
        """An instant column in microseconds; `NO_INSTANT` where null."""
        column = self.arrow(name)
        if pa.types.is_null(column.type):
            return np.full(self.rows, NO_INSTANT, dtype=np.int64)
        stamps = pc.cast(column, pa.timestamp("us", tz="UTC"), safe=False)
        return np.asarray(pc.fill_null(pc.cast(stamps, pa.int64()), int(NO_INSTANT)), dtype=np.int64)

    def filled(self, name: str) -> Flags:
        """Where a list column holds at least one element."""
        column = self.arrow(name)
        if pa.types.is_null(column.type):
            return np.zeros(self.rows, bool)
        return np.asarray(pc.fill_null(pc.list_value_length(column), 0), dtype=np.int64) > 0


def encode(values: Any) -> tuple[Codes, list[str]]:
    """Codes of an Arrow array of strings, in order of the text, and the sorted texts."""
    encoded = _one(pc.dictionary_encode(values))
    words = np.asarray(encoded.dictionary.to_pylist(), dtype=object)
    order = np.argsort(words, kind="stable")
    place = np.empty(len(order), dtype=np.int64)
    place[order] = np.arange(len(order))
    codes = np.asarray(encoded.indices, dtype=np.int64)
    return (place[codes] if len(order) else codes), [str(w) for w in words[order]]


def categorical(codes: Codes, words: Sequence[str]) -> "pd.Categorical[str]":
    """A text column from codes; a negative code is a missing text."""
    return pd.Categorical.from_codes(codes, pd.Index(list(words), dtype=object))


def look_up(wanted: Any, known: Any) -> Codes:
    """Position of each wanted text among the known ones; -1 where it is not there."""
    return np.asarray(pc.fill_null(pc.index_in(wanted, value_set=known), -1), dtype=np.int64)


def as_timestamps(instants: Instants) -> pd.DatetimeIndex:
    """Instants as UTC timestamps; NaT for `NO_INSTANT`, which numpy reads as such."""
    return pd.DatetimeIndex(instants.astype("datetime64[us]")).tz_localize("UTC")


def as_instant(when: pd.Timestamp) -> int:
    """Microseconds of one instant."""
    stamp = when.tz_localize("UTC") if when.tzinfo is None else when.tz_convert("UTC")
    return int(stamp.value // 1000)  # `value` is in nanoseconds whatever the unit


def _one(column: Any) -> Any:
    return column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
