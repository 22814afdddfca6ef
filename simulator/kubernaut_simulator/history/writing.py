"""Tables to files: Parquet (one file a kind, or partitioned by day and action), JSON Lines plain or gzip.

Every file takes its place whole (see `output_files`). Same tables, same bytes: gzip carries no time, Parquet
no clock. What is in the tables is not looked at.
"""

import gzip
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO, cast
from urllib.parse import quote

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from kubernaut.history.codec import row_to_line
from kubernaut.history.rows import RowKind
from kubernaut_simulator.history.arrow_schema import ArrowTable, schema_of
from kubernaut_simulator.history.columns import rows_in
from kubernaut_simulator.output_files import replacing

ROW_GROUP_ROWS = 131_072
"""Rows per row group: what a reader must hold at once."""

GZIP_LEVEL = 6

_TIME_OF: Mapping[RowKind, str] = {
    RowKind.ATTEMPTS: "read_at",
    RowKind.EVALUATIONS: "started_at",
    RowKind.EXECUTIONS: "started_at",
    RowKind.WORKFLOWS: "started_at",
    RowKind.POLICIES: "recorded_at",
}


def write_parquet(tables: Mapping[RowKind, ArrowTable], folder: Path | str, *, partitioned: bool = False) -> list[Path]:
    """Write one Parquet file per kind that has rows; gives their paths.

    Parameters
    ----------
    partitioned : bool
        ``<kind>/day=YYYY-MM-DD/action=<action>/part-0.parquet`` instead of ``<kind>.parquet``. Workflows and
        policies have no action or no day of their own and stay one file.

    Raises
    ------
    OutputError
        A file cannot be written; those before it stand whole.
    """
    written = []
    for kind, table in tables.items():
        if table.num_rows == 0:
            continue
        if partitioned and kind not in (RowKind.WORKFLOWS, RowKind.POLICIES):
            for part, rows in _parts(kind, table):
                written.append(_write_one(kind, rows, Path(folder) / kind.value / part / "part-0.parquet"))
        else:
            written.append(_write_one(kind, table, Path(folder) / f"{kind.value}.parquet"))
    return written


def _write_one(kind: RowKind, table: ArrowTable, path: Path) -> Path:
    with replacing(path) as stream, parquet_writer(kind, stream) as writer:
        for start in range(0, table.num_rows, ROW_GROUP_ROWS):
            write_group(writer, kind, table.slice(start, ROW_GROUP_ROWS))
    return path


def parquet_writer(kind: RowKind, stream: BinaryIO) -> Any:
    """Give a `pyarrow.parquet.ParquetWriter` of one kind of rows onto an open file; it is a context."""
    schema = schema_of(kind)
    folded = [item.name for item in schema if pa.types.is_dictionary(item.type)]
    return pq.ParquetWriter(stream, schema, compression="zstd", use_dictionary=folded)


def write_group(writer: Any, kind: RowKind, part: ArrowTable) -> None:
    """Write rows as one row group."""
    writer.write_table(own_words(part, schema_of(kind)))


def own_words(part: ArrowTable, schema: pa.Schema) -> ArrowTable:
    """Give a row group whose dictionaries hold its own words only; Arrow would write all words to each."""
    columns = [
        part[item.name].cast(pa.string()).combine_chunks().dictionary_encode().cast(item.type)
        if pa.types.is_dictionary(item.type)
        else part[item.name]
        for item in schema
    ]
    return pa.Table.from_arrays(columns, schema=schema)


def _parts(kind: RowKind, table: ArrowTable) -> Iterator[tuple[Path, ArrowTable]]:
    day = pc.strftime(pc.cast(table[_TIME_OF[kind]], pa.timestamp("s", tz="UTC"), safe=False), "%Y-%m-%d")
    action = pc.cast(table["action"], pa.string())
    key = pc.binary_join_element_wise(day, action, "/")
    for value in sorted(pc.unique(key).to_pylist()):
        day_text, _, action_text = value.partition("/")
        rows = table.filter(pc.equal(key, value))
        yield Path(f"day={day_text}") / f"action={quote(action_text, safe='')}", rows


def write_jsonl(tables: Mapping[RowKind, ArrowTable], folder: Path | str, *, compress: bool = False) -> list[Path]:
    """Write one file of JSON Lines per kind that has rows; gives their paths.

    Parameters
    ----------
    compress : bool
        ``<kind>.jsonl.gz`` instead of ``<kind>.jsonl``.

    Raises
    ------
    OutputError
        A file cannot be written; those before it stand whole.
    """
    written = []
    for kind, table in tables.items():
        if table.num_rows == 0:
            continue
        path = Path(folder) / f"{kind.value}.jsonl{'.gz' if compress else ''}"
        with replacing(path) as stream:
            if compress:
                with gzip.GzipFile("", "wb", GZIP_LEVEL, stream, mtime=0) as packed:
                    _write_lines(kind, table, cast("BinaryIO", packed))
            else:
                _write_lines(kind, table, stream)
        written.append(path)
    return written


def _write_lines(kind: RowKind, table: ArrowTable, stream: BinaryIO) -> None:
    stream.writelines(row_to_line(row).encode() + b"\n" for row in rows_in(kind, table))
