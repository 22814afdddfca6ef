"""Rows to files as they come, for histories that are too large to hold.

`HistoryWriter` takes rows of any kind in any order and keeps one row group of each kind in memory. What it writes is to
the byte what `writing` makes of the same rows held as tables. Nothing is checked and no older row of an id is left out:
it is for a program's own rows, each id once; `reading` is for rows from elsewhere.
"""

import gzip
from collections.abc import Iterable
from contextlib import ExitStack
from enum import StrEnum
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Self, cast

import pyarrow as pa

from kubernaut.history.codec import kind_of, row_to_line
from kubernaut.history.rows import Row, RowKind
from kubernaut_simulator.history.arrow_schema import ArrowTable
from kubernaut_simulator.history.columns import table_of
from kubernaut_simulator.history.writing import GZIP_LEVEL, ROW_GROUP_ROWS, parquet_writer, write_group
from kubernaut_simulator.output_files import replacing

BATCH_ROWS = 4096
"""Rows held as Python objects before they become columns: facts are large as objects and small as columns."""


class HistoryFormat(StrEnum):
    """What is written; its value is the ending of the files' names."""

    PARQUET = "parquet"
    JSONL = "jsonl"
    JSONL_GZ = "jsonl.gz"


class HistoryWriter:
    """Writes one file a kind; a kind without rows has no file.

    Used as a context: every file takes its place whole when the context ends, and none does when it ends by an error.

    Parameters
    ----------
    folder : Path or str
        Made if it is missing.
    file_format : HistoryFormat

    Raises
    ------
    OutputError
        A file cannot be written.
    """

    def __init__(self, folder: Path | str, *, file_format: HistoryFormat = HistoryFormat.PARQUET) -> None:
        self._folder = Path(folder)
        self._format = file_format
        self._open = ExitStack()
        self._files: dict[RowKind, _ParquetFile | _LinesFile] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:
            try:
                for file in self._files.values():
                    file.finish()
            except BaseException as failed:
                self._open.__exit__(type(failed), failed, failed.__traceback__)
                raise
        self._open.__exit__(kind, error, trace)

    def add(self, rows: Iterable[Row]) -> None:
        """Take rows, in the order in which they shall stand in their files."""
        for row in rows:
            kind = kind_of(row)
            file = self._files.get(kind)
            if file is None:
                file = self._files[kind] = self._begin(kind)
            file.add(row)

    @property
    def paths(self) -> list[Path]:
        """The files, in the order of the kinds."""
        return [self._path(kind) for kind in RowKind if kind in self._files]

    def _path(self, kind: RowKind) -> Path:
        return self._folder / f"{kind.value}.{self._format.value}"

    def _begin(self, kind: RowKind) -> "_ParquetFile | _LinesFile":
        stream = self._open.enter_context(replacing(self._path(kind)))
        if self._format is HistoryFormat.PARQUET:
            return _ParquetFile(kind, self._open.enter_context(parquet_writer(kind, stream)))
        if self._format is HistoryFormat.JSONL_GZ:
            packed = self._open.enter_context(gzip.GzipFile("", "wb", GZIP_LEVEL, stream, mtime=0))
            return _LinesFile(cast("BinaryIO", packed))
        return _LinesFile(stream)


class _ParquetFile:
    """One kind's rows on the way into row groups."""

    def __init__(self, kind: RowKind, writer: Any) -> None:
        self._kind = kind
        self._writer = writer
        self._rows: list[Row] = []
        self._parts: list[ArrowTable] = []
        self._waiting = 0

    def add(self, row: Row) -> None:
        self._rows.append(row)
        if len(self._rows) >= BATCH_ROWS:
            self._to_columns()

    def _to_columns(self) -> None:
        self._parts.append(table_of(self._kind, self._rows))
        self._waiting += len(self._rows)
        self._rows = []
        while self._waiting >= ROW_GROUP_ROWS:
            self._write(ROW_GROUP_ROWS)

    def _write(self, rows: int) -> None:
        waiting = pa.concat_tables(self._parts)
        write_group(self._writer, self._kind, waiting.slice(0, rows))
        self._parts = [waiting.slice(rows)]
        self._waiting -= rows

    def finish(self) -> None:
        if self._rows:
            self._to_columns()
        if self._waiting:
            self._write(self._waiting)


class _LinesFile:
    """One kind's rows as lines."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream

    def add(self, row: Row) -> None:
        self._stream.write(row_to_line(row).encode() + b"\n")

    def finish(self) -> None:
        """Do nothing: every line is written when it comes."""
