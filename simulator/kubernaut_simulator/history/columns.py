"""Rows to columns and columns to rows.

Both directions work in batches, column by column; which Arrow type a field has is said by `arrow_schema`.
What a file or a line is, is not known here.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import pyarrow as pa

from kubernaut.errors import HistoryError
from kubernaut.history.codec import json_text, kind_of
from kubernaut.history.fields import Form, RowField, fields_of
from kubernaut.history.rows import ROW_TYPES, ObjectVersion, Row, RowKind
from kubernaut_simulator.history.arrow_schema import (
    ArrowTable,
    arrow_type,
    empty_table,
    is_json_text,
    schema_of,
)

BATCH_ROWS = 50_000
"""Rows turned into columns at once: big enough for Arrow, small enough to hold as Python objects."""


def table_of(kind: RowKind, rows: Sequence[Row]) -> ArrowTable:
    """Make a table of rows of one kind.

    Raises
    ------
    HistoryError
        A value that Arrow cannot hold: half a surrogate pair, a whole number beyond 32 bits; names row and
        field.
    """
    schema = schema_of(kind)
    columns = [_column(item, rows) for item in fields_of(kind)]
    return pa.Table.from_arrays(columns, schema=schema)


def _column(item: RowField, rows: Sequence[Row]) -> Any:
    values = [getattr(row, item.name) for row in rows]
    stored = _stored(item)
    try:
        if stored is not None:
            values = [None if value is None else stored(value) for value in values]
        return pa.array(values, arrow_type(item))
    except (pa.ArrowException, ValueError, TypeError, OverflowError) as error:
        for row, value in zip(rows, values, strict=True):
            try:
                pa.array([value], arrow_type(item))
            except (pa.ArrowException, ValueError, TypeError, OverflowError) as reason:
                raise HistoryError(f"{row.record_id}: field {item.name!r} cannot be kept: {reason}") from reason
        raise HistoryError(f"field {item.name!r} cannot be kept: {error}") from error


def _stored(item: RowField) -> Callable[[Any], Any] | None:
    """How a value of the row is stored in its column; None as it is."""
    if item.form is Form.OBJECTS:
        return _objects_text
    if item.form is Form.TEXTS and is_json_text(item):
        return _list_text
    if is_json_text(item):
        return json_text
    return None


def json_column_text(item: RowField, value: Any) -> str:
    """Give a value as the text that its column holds; only for columns of JSON texts."""
    stored = _stored(item)
    return str(value) if stored is None else str(stored(value))


def _objects_text(objects: Sequence[ObjectVersion]) -> str:
    names = ObjectVersion.__dataclass_fields__
    return json.dumps(
        [{name: getattr(item, name) for name in names} for item in objects],
        ensure_ascii=False,
        separators=(",", ":"),
    )


def _list_text(texts: Sequence[str]) -> str:
    return json.dumps(list(texts), ensure_ascii=False, separators=(",", ":"))


def tables_of(rows: Iterable[Row]) -> dict[RowKind, ArrowTable]:
    """Make one table per kind, of rows in any order; every kind is there, possibly empty.

    For a program's own rows, which are as it made them; `reading` is for rows from outside.
    """
    pending: dict[RowKind, list[Row]] = {kind: [] for kind in RowKind}
    done: dict[RowKind, list[ArrowTable]] = {kind: [] for kind in RowKind}
    for row in rows:
        kind = kind_of(row)
        pending[kind].append(row)
        if len(pending[kind]) >= BATCH_ROWS:
            done[kind].append(table_of(kind, pending[kind]))
            pending[kind] = []
    for kind, rest in pending.items():
        if rest:
            done[kind].append(table_of(kind, rest))
    return {kind: joined(kind, parts) for kind, parts in done.items()}


def joined(kind: RowKind, parts: Sequence[ArrowTable]) -> ArrowTable:
    """Make one table of several of the same kind; repeating texts share one dictionary, facts do not.

    Notes
    -----
    Facts may be mostly distinct; one dictionary over all of them would hash and copy the largest
    column of history, and could outgrow the 2 GiB of one dictionary.
    """
    if not parts:
        return empty_table(kind)
    table = pa.concat_tables(parts)
    if len(parts) == 1:
        return table
    columns = [
        column.unify_dictionaries() if pa.types.is_dictionary(column.type) and name != "facts" else column
        for name, column in zip(table.column_names, table.columns, strict=True)
    ]
    return pa.Table.from_arrays(columns, schema=table.schema)


def rows_in(kind: RowKind, table: ArrowTable) -> Iterator[Row]:
    """Give the rows of a table, as the types of the engine."""
    items = fields_of(kind)
    row_type = ROW_TYPES[kind]
    for batch in table.to_batches(max_chunksize=BATCH_ROWS):
        columns = [_values(item, batch.column(item.name)) for item in items]
        for values in zip(*columns, strict=True):
            yield row_type(**dict(zip((item.name for item in items), values, strict=True)))


def _values(item: RowField, column: Any) -> list[Any]:
    loaded = _loaded(item)
    if pa.types.is_dictionary(column.type) and loaded is not None:
        # Each distinct value is made once; rows are frozen values, so they may share it.
        words = [loaded(word) for word in column.dictionary.to_pylist()]
        return [None if code is None else words[code] for code in column.indices.to_pylist()]
    values: list[Any] = column.to_pylist()
    return values if loaded is None else [None if value is None else loaded(value) for value in values]


def _loaded(item: RowField) -> Callable[[Any], Any] | None:
    if item.choices is not None:
        return item.choices
    if item.form is Form.OBJECTS:
        return lambda text: tuple(ObjectVersion(**fields) for fields in json.loads(text))
    if item.form is Form.TEXTS:
        return (lambda text: tuple(json.loads(text))) if is_json_text(item) else tuple
    if is_json_text(item):
        return json.loads
    return None
