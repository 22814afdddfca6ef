"""Files to tables, strictly.

Every row is kept, replaced by a newer one of its id, or set aside with its place and reason. The order is:
find files, read each into tables of one schema, set aside rows whose clock went backwards, join, keep the
newest row of each id. A history of which nothing is left is an error, never an empty result.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from kubernaut.errors import HistoryError
from kubernaut.history.codec import kind_of
from kubernaut.history.rows import Row, RowKind
from kubernaut_simulator.history.arrow_schema import ArrowTable
from kubernaut_simulator.history.clocks import backwards
from kubernaut_simulator.history.columns import BATCH_ROWS, joined, table_of
from kubernaut_simulator.history.files import FileFormat, HistoryFile, discover
from kubernaut_simulator.history.jsonl_reading import lines_of
from kubernaut_simulator.history.newest import OF_NEWEST, newest
from kubernaut_simulator.history.parquet_reading import open_parquet
from kubernaut_simulator.history.problems import Problem, ProblemKind, Problems
from kubernaut_simulator.progress import Progress, silent

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadReport:
    """What reading a history came to.

    Attributes
    ----------
    files : tuple of str
        In the order read.
    rows_read : int
        Rows found, good or not.
    rows_kept : int
    replaced : int
        Older rows of an id that came again.
    duplicates : int
        Rows written more than once with the same content.
    set_aside : int
        Rows that could not be used.
    counts : tuple of (ProblemKind, int)
        Problems by kind.
    problems : tuple of Problem
        The first thousand, in the order found.
    """

    files: tuple[str, ...] = ()
    rows_read: int = 0
    rows_kept: int = 0
    replaced: int = 0
    duplicates: int = 0
    set_aside: int = 0
    counts: tuple[tuple[ProblemKind, int], ...] = ()
    problems: tuple[Problem, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SomeRows:
    """Row groups of a Parquet file.

    Attributes
    ----------
    file : HistoryFile
    groups : tuple of int
        Ascending.
    told : frozenset of int
        Those of them whose rows are counted and whose problems are reported here; others read the same group.
    """

    file: HistoryFile
    groups: tuple[int, ...]
    told: frozenset[int]


def read_history(
    paths: Path | str | Iterable[Path | str],
    *,
    strict: bool = False,
    progress: Progress | None = None,
    columns: Mapping[RowKind, Collection[str]] | None = None,
) -> tuple[dict[RowKind, ArrowTable], ReadReport]:
    """Read files and folders into one table per kind.

    Parameters
    ----------
    paths : path or several
        See `files.discover`.
    strict : bool
        The first problem is fatal.
    progress : Progress or None
        Told how many bytes are behind us.
    columns : mapping of RowKind to collection of str, or None
        Kinds of which only these columns are kept, for those who would hold millions of rows; every row is judged by
        all of them first. Ids that come again and again are then kept as codes and words.

    Raises
    ------
    HistoryError
        No such file, nothing readable in it, or any problem when `strict`.
    """
    files = discover(paths)
    tell = progress or silent
    total = sum(file.path.stat().st_size for file in files)
    reader = _Reader(Problems(strict=strict), columns)
    behind = 0
    for file in files:
        reader.read(file, at=_from(behind, total, tell))
        behind += file.path.stat().st_size
        tell("reading history", behind, total)
    return reader.finish(tuple(str(file.path) for file in files))


def read_some(
    files: Sequence[SomeRows], *, keep: Callable[[ArrowTable], NDArray[np.bool_]], strict: bool = False
) -> tuple[dict[RowKind, ArrowTable], ReadReport]:
    """Read some rows of Parquet files, by the same rules; there may be none.

    Parameters
    ----------
    files : sequence of SomeRows
        In the order in which the whole history would be read.
    keep : callable
        Says which rows of a table are wanted; rows of one id are wanted together.

    Raises
    ------
    HistoryError
        Any problem when `strict`.
    """
    reader = _Reader(Problems(strict=strict))
    for some in files:
        reader.read_some(some, keep)
    return reader.finish(tuple(str(some.file.path) for some in files), may_be_empty=True)


def tables_from_rows(
    rows: Iterable[Row], *, problems: Problems, source: str = ""
) -> tuple[dict[RowKind, ArrowTable], ReadReport]:
    """Make tables of rows that never were in a file of history, by the same rules.

    Parameters
    ----------
    rows : iterable of Row
    problems : Problems
        May hold some already, found where the rows come from.
    source : str
        Names where the rows come from; empty for rows made by a program.

    Raises
    ------
    HistoryError
        There are no rows.
    """
    reader = _Reader(problems)
    for number, row in enumerate(rows, start=1):
        reader.take("", number, row)
    reader.flush("")
    return reader.finish((source,) if source else ())


def _from(behind: int, total: int, tell: Progress) -> Callable[[int], None]:
    def at(position: int) -> None:
        tell("reading history", behind + position, total)

    return at


class _Reader:
    """Tables growing file by file."""

    def __init__(self, problems: Problems, columns: Mapping[RowKind, Collection[str]] | None = None) -> None:
        self._problems = problems
        self._columns = columns or {}
        self._parts: dict[RowKind, list[ArrowTable]] = {kind: [] for kind in RowKind}
        self._pending: dict[RowKind, list[tuple[int, Row]]] = {kind: [] for kind in RowKind}
        self._rows_read = 0

    def read(self, file: HistoryFile, *, at: Callable[[int], None]) -> None:
        if file.format is FileFormat.PARQUET:
            self._read_parquet(file, at=at)
        else:
            self._read_jsonl(file, at=at)

    def _read_jsonl(self, file: HistoryFile, *, at: Callable[[int], None]) -> None:
        name = str(file.path)
        lines = lines_of(file, at=at)
        while (item := self._next(lines, name)) is not None:
            number, row = item
            if number is None:
                message = f"{row}; what came before is used"
                self._problems.add(Problem(kind=ProblemKind.TRUNCATED, file=name, message=message, rows=0))
            elif isinstance(row, HistoryError):
                self._rows_read += 1
                self._problems.add(_bad_row(name, number, str(row)))
            else:
                self.take(name, number, row)
        self.flush(name)

    def _read_parquet(self, file: HistoryFile, *, at: Callable[[int], None]) -> None:
        name = str(file.path)
        try:
            source = open_parquet(file)
        except HistoryError as error:
            self._problems.add(unreadable(name, error))
            return
        groups = source.tables()
        size = file.path.stat().st_size
        behind = 0
        while (item := self._next(groups, name, lost=source.rows - behind)) is not None:
            before, table, wrong = item
            for row, message in sorted(wrong.items()):
                self._problems.add(_bad_row(name, before + row + 1, message, source.kind))
            self._rows_read += len(wrong)
            places = np.setdiff1d(np.arange(table.num_rows + len(wrong)), list(wrong)) + before + 1
            self._accept(source.kind, table, name, places)
            behind = before + table.num_rows + len(wrong)
            at(size * behind // max(source.rows, 1))

    def read_some(self, some: SomeRows, keep: Callable[[ArrowTable], NDArray[np.bool_]]) -> None:
        name = str(some.file.path)
        try:
            source = open_parquet(some.file)
        except HistoryError as error:
            self._problems.add(unreadable(name, error))
            return
        groups = iter(some.groups)
        tables = source.tables(some.groups)
        while (item := self._next(tables, name)) is not None:
            before, table, wrong = item
            told = next(groups) in some.told
            for row, message in sorted(wrong.items()) if told else ():
                self._problems.add(_bad_row(name, before + row + 1, message, source.kind))
            self._rows_read += len(wrong) * told
            places = np.setdiff1d(np.arange(table.num_rows + len(wrong)), list(wrong)) + before + 1
            self._accept(source.kind, table, name, places, told=told, keep=keep)

    def _next(self, items: Iterator[T], name: str, *, lost: int = 0) -> T | None:
        """The next of `items`; None after the last, or when the rest is lost, which is reported."""
        try:
            return next(items, None)
        except HistoryError as error:
            self._rows_read += lost
            self._problems.add(unreadable(name, error, rows=lost))
            return None

    def take(self, file: str, place: int, row: Row) -> None:
        """Take one row; it becomes part of a table with those that follow."""
        kind = kind_of(row)
        self._pending[kind].append((place, row))
        if len(self._pending[kind]) >= BATCH_ROWS:
            self._flush_kind(kind, file)

    def flush(self, file: str) -> None:
        """Make tables of the rows taken so far; places belong to one file."""
        for kind in RowKind:
            self._flush_kind(kind, file)

    def _flush_kind(self, kind: RowKind, file: str) -> None:
        pending, self._pending[kind] = self._pending[kind], []
        if not pending:
            return
        try:
            table = table_of(kind, [row for _, row in pending])
        except HistoryError:
            pending = [item for item in pending if self._fits(kind, item, file)]
            table = table_of(kind, [row for _, row in pending])
        self._accept(kind, table, file, np.array([place for place, _ in pending], dtype=np.int64))

    def _fits(self, kind: RowKind, item: tuple[int, Row], file: str) -> bool:
        place, row = item
        try:
            table_of(kind, [row])
        except HistoryError as error:
            self._rows_read += 1
            self._problems.add(_bad_row(file, place, str(error), kind))
            return False
        return True

    def _accept(
        self,
        kind: RowKind,
        table: ArrowTable,
        file: str,
        places: NDArray[np.int64],
        *,
        told: bool = True,
        keep: Callable[[ArrowTable], NDArray[np.bool_]] | None = None,
    ) -> None:
        self._rows_read += table.num_rows * told
        good = np.ones(table.num_rows, bool)
        for message, broken in backwards(kind, table).items():
            for row in np.flatnonzero(broken & good).tolist() if told else ():
                self._problems.add(
                    Problem(
                        kind=ProblemKind.CLOCK,
                        file=file,
                        place=int(places[row]),
                        row_kind=kind,
                        message=f"{message}: the clock went backwards; {kind.value} row set aside",
                    )
                )
            good &= ~broken
        if keep is not None:
            good &= keep(table)
        part = table if good.all() else table.filter(pa.array(good))
        self._parts[kind].append(_narrowed(part, self._columns[kind]) if kind in self._columns else part)

    def finish(
        self, files: tuple[str, ...], *, may_be_empty: bool = False
    ) -> tuple[dict[RowKind, ArrowTable], ReadReport]:
        """Join the tables and keep the newest row of each id. HistoryError when nothing is left, if that may not be."""
        tables: dict[RowKind, ArrowTable] = {}
        replaced = duplicates = 0
        for kind, parts in self._parts.items():
            result = newest(joined(kind, parts))
            parts.clear()
            tables[kind] = _only(result.table, self._columns[kind]) if kind in self._columns else result.table
            replaced += result.replaced
            duplicates += result.duplicates
            for record_id in result.conflicts:
                message = f"two different {kind.value} rows have the id {record_id} and the same time; the last is used"
                self._problems.add(Problem(kind=ProblemKind.CONFLICT, file="", row_kind=kind, message=message, rows=1))
        kept = sum(table.num_rows for table in tables.values())
        if not kept and not may_be_empty:
            raise HistoryError(self._nothing(files))
        return tables, ReadReport(
            files=files,
            rows_read=self._rows_read,
            rows_kept=kept,
            replaced=replaced,
            duplicates=duplicates,
            set_aside=self._problems.rows_set_aside,
            counts=tuple(self._problems.counts.items()),
            problems=tuple(self._problems.kept),
        )

    def _nothing(self, files: tuple[str, ...]) -> str:
        where = f" in {', '.join(files[:3])}{' ...' if len(files) > 3 else ''}" if files else ""
        if self._problems.counts:
            return f"no usable row{where}:\n{self._problems.first_lines()}"
        return f"the history is empty: no rows{where}"


def _only(table: ArrowTable, names: Collection[str]) -> ArrowTable:
    return table.select([name for name in table.column_names if name in names])


def _narrowed(table: ArrowTable, names: Collection[str]) -> ArrowTable:
    """Keep some columns, and what tells the newest row of an id; texts as codes, but the ids that are all distinct."""
    kept = _only(table, {*names, *OF_NEWEST})
    columns = [
        column.dictionary_encode() if pa.types.is_string(column.type) and name not in OF_NEWEST else column
        for name, column in zip(kept.column_names, kept.columns, strict=True)
    ]
    return pa.table(dict(zip(kept.column_names, columns, strict=True)))


def _bad_row(file: str, place: int, message: str, kind: RowKind | None = None) -> Problem:
    return Problem(kind=ProblemKind.BAD_ROW, file=file, place=place, row_kind=kind, message=message)


def unreadable(file: str, error: HistoryError, *, rows: int = 0) -> Problem:
    """Say that a file, or the rest of it, cannot be read."""
    return Problem(kind=ProblemKind.UNREADABLE, file=file, message=str(error), rows=rows)
