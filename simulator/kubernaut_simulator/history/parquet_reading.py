"""A Parquet file to tables of our schema, one per row group, and what of it cannot be used.

Files of ours are taken as they are. Files of other programs may write texts plainly, times in other units,
and leave out fields that have a default; a column that cannot become what the schema says makes the file
unreadable, a row with a null or an unknown choice where none may be is reported by its number. Which files
there are is not known here.
"""

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from kubernaut.errors import HistoryError
from kubernaut.history.fields import RowField, fields_of
from kubernaut.history.rows import RowKind
from kubernaut_simulator.history.arrow_schema import (
    ArrowTable,
    arrow_type,
    is_json_text,
    kind_in,
    schema_of,
)
from kubernaut_simulator.history.columns import json_column_text
from kubernaut_simulator.history.files import HistoryFile


def open_parquet(file: HistoryFile) -> "ParquetRows":
    """Open a Parquet file of history.

    Raises
    ------
    HistoryError
        Not Parquet, damaged, of an unknown schema version, or its kind is said nowhere.
    """
    try:
        source = pq.ParquetFile(file.path)
    except (pa.ArrowException, OSError) as error:
        raise HistoryError(f"not a readable Parquet file: {error}") from error
    try:
        said = kind_in(source.schema_arrow.metadata)
    except HistoryError:
        source.close()
        raise
    kind = said or file.kind
    if kind is None:
        source.close()
        raise HistoryError(
            "nothing says which kind of rows this is; name the file after it, "
            f"e.g. evaluations.parquet ({', '.join(RowKind)})"
        )
    return ParquetRows(source, kind, ours=said is not None, partition=file.partition)


class ParquetRows:
    """The rows of one Parquet file, row group by row group.

    Attributes
    ----------
    kind : RowKind
    rows : int
        As the file's footer says.
    """

    def __init__(self, source: Any, kind: RowKind, *, ours: bool, partition: Mapping[str, str]) -> None:
        self._source = source
        self._ours = ours
        self._partition = partition
        self.kind = kind
        self.rows: int = source.metadata.num_rows
        self.groups: int = source.num_row_groups

    def close(self) -> None:
        """Let go of the file; reading rows to their end does so too."""
        self._source.close()

    def columns(self, names: Collection[str]) -> Iterator[ArrowTable]:
        """Give some columns of each row group, as our schema has them, whatever else is wrong with the rows.

        Raises
        ------
        HistoryError
            A column is missing or cannot be read; nothing more comes from this file.
        """
        items = [item for item in fields_of(self.kind) if item.name in names]
        known = set(self._source.schema_arrow.names)
        with self._source:
            for group in range(self.groups):
                raw = self._read(group, [item.name for item in items if item.name in known])
                yield pa.table({item.name: _column(self.kind, item, raw, self._partition) for item in items})

    def tables(self, groups: Collection[int] | None = None) -> Iterator[tuple[int, ArrowTable, Mapping[int, str]]]:
        """Give each row group as (number of rows before it, table of our schema, what is wrong by row).

        Parameters
        ----------
        groups : collection of int, or None
            The row groups that are wanted, in order of the file; None means all.

        Raises
        ------
        HistoryError
            A column is missing or cannot be read; nothing more comes from this file.
        """
        known = set(self._source.schema_arrow.names)
        wanted = [item.name for item in fields_of(self.kind) if item.name in known]
        before = 0
        with self._source:
            for group in range(self.groups):
                if groups is None or group in groups:
                    raw = self._read(group, wanted)
                    wrong: dict[int, str] = {}
                    table = conform(self.kind, raw, self._partition, wrong=wrong, trusted=self._ours)
                    yield before, table, wrong
                before += self._source.metadata.row_group(group).num_rows

    def _read(self, group: int, columns: Sequence[str]) -> ArrowTable:
        try:
            return self._source.read_row_group(group, columns=columns)
        except (pa.ArrowException, OSError) as error:
            raise HistoryError(f"row group {group} cannot be read: {error}") from error


def conform(
    kind: RowKind, raw: ArrowTable, partition: Mapping[str, str], *, wrong: dict[int, str], trusted: bool
) -> ArrowTable:
    """Make a table of our schema out of one that may be another program's.

    Parameters
    ----------
    wrong : dict
        Takes what is wrong, by row; such rows are not in the table.
    trusted : bool
        Our own writer wrote it: JSON texts are not parsed again.

    Raises
    ------
    HistoryError
        A column without default is missing, or one cannot be converted.
    """
    columns = {}
    good = np.ones(raw.num_rows, bool)
    for item in fields_of(kind):
        column = _column(kind, item, raw, partition)
        for reason, bad in _bad_values(item, column, trusted=trusted):
            for row in np.flatnonzero(bad & good).tolist():
                wrong[row] = f"field {item.name!r} {reason}"
            good &= ~bad
        columns[item.name] = column
    schema = schema_of(kind)
    if not good.all():
        keep = pa.array(good)
        columns = {name: _kept(column, keep) for name, column in columns.items()}
    return pa.Table.from_arrays([columns[name] for name in schema.names], schema=schema)


def _kept(column: Any, keep: Any) -> Any:
    """Give the good rows; a dictionary must not go on naming words that only bad rows had."""
    found = column.filter(keep)
    if pa.types.is_dictionary(found.type):
        return found.cast(pa.string()).dictionary_encode().cast(found.type)
    return found


def _column(kind: RowKind, item: RowField, raw: ArrowTable, partition: Mapping[str, str]) -> Any:
    wanted = arrow_type(item)
    if item.name in raw.column_names:
        column = raw[item.name]
    elif item.name in partition:
        column = pa.chunked_array([pa.array([partition[item.name]] * raw.num_rows, pa.string())])
    elif item.default is not None:
        column = pa.chunked_array([pa.array([_default_text(item)] * raw.num_rows, _value_type(wanted))])
    else:
        raise HistoryError(f"column {item.name!r} is missing; every row of {kind.value} has it")
    if column.type == wanted:
        return column
    try:
        return _convert(column, wanted)
    except pa.ArrowException as error:
        raise HistoryError(f"column {item.name!r} cannot be read as {wanted}: {error}") from error


def _value_type(wanted: Any) -> Any:
    return wanted.value_type if pa.types.is_dictionary(wanted) else wanted


def _convert(column: Any, wanted: Any) -> Any:
    if pa.types.is_dictionary(wanted):
        if pa.types.is_dictionary(column.type):
            column = column.cast(column.type.value_type)
        return column.cast(wanted.value_type).dictionary_encode().cast(wanted)
    return column.cast(wanted)


def _default_text(item: RowField) -> Any:
    value = item.default() if item.default is not None else None
    return json_column_text(item, value) if is_json_text(item) and value is not None else value


def _bad_values(item: RowField, column: Any, *, trusted: bool) -> Iterator[tuple[str, NDArray[np.bool_]]]:
    if not item.nullable and column.null_count:
        yield "is missing", np.asarray(column.is_null())
    if item.choices is not None:
        choices = [member.value for member in item.choices]
        yield from _bad_words(column, lambda word: word in choices, f"is none of {', '.join(choices)}")
    elif is_json_text(item) and not trusted:
        yield from _bad_words(column, lambda word: _is_json(item, word), "is not the JSON text it should be")


def _bad_words(column: Any, is_good: Any, reason: str) -> Iterator[tuple[str, NDArray[np.bool_]]]:
    bad = np.zeros(len(column), bool)
    start = 0
    for chunk in column.chunks:
        words = chunk.dictionary.to_pylist()
        unfit = np.array([word is None or not is_good(word) for word in words], dtype=bool)
        if unfit.any():
            codes = np.asarray(pc.fill_null(chunk.indices, -1), dtype=np.int64)
            bad[start : start + len(chunk)] = np.append(unfit, False)[codes]
        start += len(chunk)
    if bad.any():
        yield reason, bad


def _is_json(item: RowField, text: str) -> bool:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return False
    blank = item.default() if item.default is not None else {}
    return isinstance(value, list if isinstance(blank, tuple) or blank is None else dict)
