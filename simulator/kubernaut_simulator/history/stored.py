"""A history that stays in its files: only ids are read before the work begins, and rows a partition at a time.

For Parquet, whose row groups can be read one by one. Lines of JSON have no such groups; a history in them is converted
first, or held. What of it lies in memory: hashes of incident, workflow and run ids while it is cut, then the list of
incidents, the policies, and of the rows what the partitions hold that are being worked on.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path

import numpy as np

from kubernaut.errors import HistoryError
from kubernaut.history.rows import RowKind
from kubernaut_simulator.history.arrow_schema import ArrowTable
from kubernaut_simulator.history.files import FileFormat, HistoryFile, discover
from kubernaut_simulator.history.history import History
from kubernaut_simulator.history.parquet_reading import open_parquet
from kubernaut_simulator.history.partition import (
    CUT_KINDS,
    IDS,
    PARTITION_EVALUATIONS,
    IncidentCut,
    IncidentScan,
    incident_hashes,
)
from kubernaut_simulator.history.problems import MAX_KEPT, Problem, ProblemKind, Problems
from kubernaut_simulator.history.reading import ReadReport, SomeRows, read_history, read_some, unreadable
from kubernaut_simulator.history.selection import Selection, select
from kubernaut_simulator.history.text_hashes import Hashes
from kubernaut_simulator.progress import Progress, silent

LONGEST_RUN = timedelta(days=7)
"""Rows of one run lie no farther apart: a workflow is given a day, and late looks some hours more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredPartition:
    """Whole incidents of a history in files, as a place: small to send, read where the work is done.

    Attributes
    ----------
    rows : tuple of SomeRows
        Row groups that hold some of them.
    incidents : array of uint64, ascending
        Hashes of their ids.
    policies : Table
        All of the history.
    selection : Selection or None
    strict : bool
    number, count : int
        One-based; of how many.
    """

    rows: tuple[SomeRows, ...]
    incidents: Hashes
    policies: ArrowTable
    selection: Selection | None
    strict: bool
    number: int
    count: int

    def history(self) -> History:
        """See `Partition.history`.

        Raises
        ------
        HistoryError
            A file has gone since the history was opened, or any problem when `strict`.
        """
        tables, report = read_some(
            self.rows, keep=lambda rows: np.isin(incident_hashes(rows), self.incidents), strict=self.strict
        )
        tables[RowKind.POLICIES] = self.policies
        return History(tables if self.selection is None else select(tables, self.selection), report)

    def __str__(self) -> str:
        return f"partition {self.number} of {self.count}"


@dataclass(frozen=True, eq=False)
class StoredHistory:
    """A history in Parquet files, read a partition at a time.

    Parameters
    ----------
    files : sequence of HistoryFile
        All Parquet; see `StoredHistory.open`.
    selection : Selection or None
        The runs that are wanted.
    strict : bool
        The first bad row is fatal.

    Notes
    -----
    Files must not change while it is in use. A distributed scheduler's workers read them under the same paths.
    """

    files: Sequence[HistoryFile]
    selection: Selection | None = None
    strict: bool = False
    _cuts: dict[int, Sequence[StoredPartition]] = field(default_factory=dict, repr=False)
    _problems: list[Problem] = field(default_factory=list, repr=False)

    @classmethod
    def open(cls, paths: Path | str | Iterable[Path | str], *, strict: bool = False) -> StoredHistory:
        """Find the files of a history; their rows are not read yet.

        Raises
        ------
        HistoryError
            No such file, or one that cannot be read in parts.
        """
        files = discover(paths)
        others = [file for file in files if file.format is not FileFormat.PARQUET]
        if others:
            raise HistoryError(
                f"{others[0].path}: only Parquet can be read in parts; convert it first: "
                "kubernaut history convert HISTORY --to FOLDER"
            )
        return cls([_resolved(file) for file in files], strict=strict)

    def filter(
        self,
        *,
        since: datetime | None = None,
        until: datetime | None = None,
        action: str | None = None,
        namespace: str | None = None,
        environment: str | None = None,
    ) -> StoredHistory:
        """Give the part of the history that concerns some runs; see `History.filter`.

        Files in folders of other actions, and of days more than `LONGEST_RUN` away, are not opened.
        """
        wanted = Selection(since=since, until=until, action=action, namespace=namespace, environment=environment)
        return StoredHistory(self.files, wanted, self.strict)

    def partitions(
        self, *, evaluations: int = PARTITION_EVALUATIONS, progress: Progress = silent
    ) -> Sequence[StoredPartition]:
        """Cut it into partitions of about so many evaluations; ids are read once.

        Raises
        ------
        HistoryError
            A file cannot be read, or no row is in them.
        """
        if evaluations not in self._cuts:
            self._cuts[evaluations] = self._cut(evaluations, progress)
        return self._cuts[evaluations]

    @cached_property
    def policies(self) -> ArrowTable:
        """Every policy, newest row of each id."""
        return self._policies_and_report[0]

    @property
    def report(self) -> ReadReport:
        """How ids and policies were read; of the other rows the partitions say it."""
        problems = ReadReport(
            counts=tuple(Counter(problem.kind for problem in self._problems).items()), problems=tuple(self._problems)
        )
        return merged_reports([problems, self._policies_and_report[1]])

    @cached_property
    def _policies_and_report(self) -> tuple[ArrowTable, ReadReport]:
        own = [file.path for file, kind in self._kinds if kind is RowKind.POLICIES]
        if not own:
            return History({}).policies, ReadReport()
        tables, report = read_history(own, strict=self.strict)
        return tables[RowKind.POLICIES], report

    @cached_property
    def _kinds(self) -> Sequence[tuple[HistoryFile, RowKind]]:
        found = []
        for file in self.files:
            if not _may_hold(file, self.selection):
                continue
            try:
                rows = open_parquet(file)
            except HistoryError as error:
                self._lost(file, error)
                continue
            rows.close()
            found.append((file, rows.kind))
        return found

    def _lost(self, file: HistoryFile, error: HistoryError) -> None:
        problem = unreadable(str(file.path), error)
        Problems(strict=self.strict).add(problem)
        self._problems.append(problem)

    def _cut(self, evaluations: int, progress: Progress) -> Sequence[StoredPartition]:
        scan = IncidentScan()
        groups: list[tuple[HistoryFile, int, Hashes]] = []
        for done, (file, kind) in enumerate(self._kinds):
            progress("reading ids", done, len(self._kinds))
            if kind not in CUT_KINDS:
                continue
            wanted = {*IDS, *(("started_at",) if kind is RowKind.EVALUATIONS else ())}
            try:
                for group, rows in enumerate(open_parquet(file).columns(wanted)):
                    if len(rows):
                        groups.append((file, group, scan.add(kind, rows, place=len(groups))))
            except HistoryError as error:
                self._lost(file, error)
        progress("reading ids", len(self._kinds), len(self._kinds))
        cut = scan.cut(evaluations=evaluations)
        if not cut.count:
            raise HistoryError(f"the history is empty: no rows in {', '.join(str(one.path) for one in self.files[:3])}")
        return self._partitions(cut, groups)

    def _partitions(
        self, cut: IncidentCut, groups: Sequence[tuple[HistoryFile, int, Hashes]]
    ) -> Sequence[StoredPartition]:
        # A group is read by every partition with an incident in it; the first of them speaks of its rows.
        read: list[dict[Path, tuple[HistoryFile, list[int], set[int]]]] = [{} for _ in range(cut.count)]
        for file, group, incidents in groups:
            for place, part in enumerate(np.unique(cut.of(incidents)).tolist()):
                _, own, told = read[part].setdefault(file.path, (file, [], set()))
                own.append(group)
                if place == 0:
                    told.add(group)
        return [
            StoredPartition(
                rows=tuple(
                    SomeRows(file=file, groups=tuple(own), told=frozenset(told)) for file, own, told in files.values()
                ),
                incidents=cut.members(part),
                policies=self.policies,
                selection=self.selection,
                strict=self.strict,
                number=part + 1,
                count=cut.count,
            )
            for part, files in enumerate(read)
        ]

    def __str__(self) -> str:
        return f"a history in {len(self.files)} files"


def _may_hold(file: HistoryFile, wanted: Selection | None) -> bool:
    """Say by the names of its folders whether a file may hold rows of the runs that are wanted."""
    if wanted is None:
        return True
    if wanted.action is not None and file.partition.get("action", wanted.action) != wanted.action:
        return False
    try:
        day = datetime.fromisoformat(file.partition["day"]).replace(tzinfo=UTC)
    except (KeyError, ValueError):
        return True
    after = wanted.since is None or day >= wanted.since - LONGEST_RUN
    before = wanted.until is None or day <= wanted.until + LONGEST_RUN
    return after and before


def _resolved(file: HistoryFile) -> HistoryFile:
    """Give the file by its whole path: a worker may have another working folder."""
    return HistoryFile(path=file.path.resolve(), format=file.format, kind=file.kind, partition=file.partition)


def merged_reports(reports: Iterable[ReadReport]) -> ReadReport:
    """Add up how parts of a history were read."""
    parts = list(reports)
    counts: dict[ProblemKind, int] = {}
    for kind, count in (item for part in parts for item in part.counts):
        counts[kind] = counts.get(kind, 0) + count
    problems: tuple[Problem, ...] = tuple(problem for part in parts for problem in part.problems)
    numbers: Mapping[str, int] = {
        name: sum(getattr(part, name) for part in parts)
        for name in ("rows_read", "rows_kept", "replaced", "duplicates", "set_aside")
    }
    return ReadReport(
        files=tuple(sorted({name for part in parts for name in part.files})),
        counts=tuple(counts.items()),
        problems=problems[:MAX_KEPT],
        **numbers,
    )
