"""`History`: five tables of rows, where they came from, and what was wrong with them.

Arrow inside, DataFrames at the surface. A history never changes: `filter` gives another one. What may be
concluded from it (replay, estimates) is said elsewhere; here is only what it holds.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd
import pyarrow.compute as pc

from kubernaut.errors import HistoryError
from kubernaut.history.rows import Row, RowKind
from kubernaut_simulator.history.arrow_schema import ArrowTable, empty_table
from kubernaut_simulator.history.columns import rows_in
from kubernaut_simulator.history.description import HistoryDescription, describe
from kubernaut_simulator.history.fingerprint import fingerprint
from kubernaut_simulator.history.from_cluster import FOLDER, pull_history
from kubernaut_simulator.history.problems import Problem, ProblemKind, Problems
from kubernaut_simulator.history.reading import ReadReport, read_history, tables_from_rows
from kubernaut_simulator.history.selection import Selection, select
from kubernaut_simulator.history.writing import write_jsonl, write_parquet
from kubernaut_simulator.progress import Progress, silent

if TYPE_CHECKING:
    from kubernaut.policy.batch import Evaluator
    from kubernaut_simulator.replay.replay import Replay
    from kubernaut_simulator.replay.tasks import Conditions
    from kubernaut_simulator.scheduling.scheduler import Scheduler
    from kubernaut_simulator.tuning.result import Tuning
    from kubernaut_simulator.tuning.tune import TuningTerms


@dataclass(frozen=True, eq=False, repr=False)
class History:
    """What happened: recorded attempts, evaluations, executions, workflows and policies.

    Parameters
    ----------
    tables : mapping of RowKind to pyarrow.Table
        By `arrow_schema.schema_of`; a kind that is left out has no rows.
    report : ReadReport
        How they were read; what was set aside and why.

    Examples
    --------
    >>> history = History.load("history/")  # doctest: +SKIP
    >>> print(history.describe().text())  # doctest: +SKIP
    """

    tables: Mapping[RowKind, ArrowTable]
    report: ReadReport = field(default_factory=ReadReport)

    @classmethod
    def load(
        cls,
        paths: Path | str | Iterable[Path | str],
        *,
        strict: bool = False,
        progress: Progress | None = None,
    ) -> "History":
        """Read a history from files and folders (JSON Lines, gzip, Parquet).

        Parameters
        ----------
        paths : path or several
        strict : bool
            The first bad line is fatal; otherwise it is reported, counted and set aside.
        progress : Progress or None

        Raises
        ------
        HistoryError
            No such file, no row that can be used, or any problem when `strict`.
        """
        tables, report = read_history(paths, strict=strict, progress=progress)
        return cls(tables, report)

    @classmethod
    def from_rows(cls, rows: Iterable[Row], *, problems: Problems | None = None, source: str = "") -> "History":
        """Make a history of rows in any order, by the rules of reading: newest of each id, clocks checked.

        Parameters
        ----------
        rows : iterable of Row
        problems : Problems or None
            What was wrong already where the rows come from.
        source : str
            Names that place in the report.

        Raises
        ------
        HistoryError
            There are no rows.
        """
        tables, report = tables_from_rows(rows, problems=problems or Problems(), source=source)
        return cls(tables, report)

    @classmethod
    def from_cluster(
        cls,
        folder: Path | str = FOLDER,
        *,
        since: datetime | None = None,
        kubeconfig: Path | str | None = None,
        context: str | None = None,
        namespace: str | None = None,
        port: int | None = None,
        progress: Progress = silent,
    ) -> "History":
        """Fetch what the operator of a cluster recorded, with your own rights there, and read it.

        Parameters
        ----------
        folder : path
            Where the operator's files go; only what is new is fetched when it is called again.
        since : datetime or None
            Aware. Only runs that started from then on.
        kubeconfig, context : path, str or None
            As kubectl takes them.
        namespace : str or None
            Of the operator; None means ``kubernaut-system``.
        port : int or None
            The operator's ``--history-port``; None means 8081.

        Returns
        -------
        History
            Of all replicas. One whose records could not be fetched is among `problems`.

        Raises
        ------
        MissingExtraError
            The cluster client is not installed.
        InputError
            There is no operator, it serves no history, or you may not read it.
        HistoryError
            It recorded nothing.
        """
        pulled = pull_history(
            folder,
            since=since,
            kubeconfig=kubeconfig,
            context=context,
            namespace=namespace,
            port=port,
            progress=progress,
        )
        tables, report = read_history(pulled.folder, progress=progress)
        missing = tuple(
            Problem(kind=ProblemKind.NOT_FETCHED, file="", message=f"not fetched: {one}", rows=0)
            for one in pulled.left_out
        )
        if missing:
            counts = (*report.counts, (ProblemKind.NOT_FETCHED, len(missing)))
            report = replace(report, problems=(*missing, *report.problems), counts=counts)
        history = cls(tables, report)
        return history if since is None else history.filter(since=since)

    def table(self, kind: RowKind | str) -> ArrowTable:
        """Give the rows of one kind, all columns, newest row of each id.

        Raises
        ------
        HistoryError
            There is no such kind.
        """
        try:
            kind = RowKind(kind)
        except ValueError:
            raise HistoryError(f"no rows of kind {str(kind)!r}; there are {', '.join(RowKind)}") from None
        return self.tables.get(kind) if kind in self.tables else empty_table(kind)

    @property
    def attempts(self) -> ArrowTable:
        """One row per look at a condition; `facts` is JSON text, one dictionary per chunk."""
        return self.table(RowKind.ATTEMPTS)

    @property
    def evaluations(self) -> ArrowTable:
        """One row per condition of a run."""
        return self.table(RowKind.EVALUATIONS)

    @property
    def executions(self) -> ArrowTable:
        """One row per run of a step."""
        return self.table(RowKind.EXECUTIONS)

    @property
    def workflows(self) -> ArrowTable:
        """One row per workflow, with its outcome."""
        return self.table(RowKind.WORKFLOWS)

    @property
    def policies(self) -> ArrowTable:
        """One row per policy source."""
        return self.table(RowKind.POLICIES)

    @property
    def problems(self) -> Sequence[Problem]:
        """What was wrong, each with its place; at most the first thousand, see ``report.counts``."""
        return self.report.problems

    @cached_property
    def as_of(self) -> pd.Timestamp:
        """The history's end: the newest instant at which anything was recorded.

        Raises
        ------
        HistoryError
            It has no row.
        """
        found = [pc.max(self.table(kind)["recorded_at"]).as_py() for kind in RowKind if len(self.table(kind))]
        if not found:
            raise HistoryError("the history has no rows, so it has no end")
        return pd.Timestamp(max(found))

    @cached_property
    def digest(self) -> str:
        """Name of the content: equal rows give an equal digest, whatever the format, order or files."""
        return fingerprint({kind: self.table(kind) for kind in RowKind})

    def frame(self, kind: RowKind | str) -> pd.DataFrame:
        """Give the rows of one kind as a DataFrame; repeating texts are categories, facts are JSON texts."""
        frame: pd.DataFrame = self.table(kind).to_pandas()
        return frame

    def rows(self, kind: RowKind | str) -> Iterator[Row]:
        """Give the rows of one kind as the engine's types; for a few of them, not for a million."""
        return rows_in(RowKind(kind), self.table(kind))

    def describe(self) -> HistoryDescription:
        """Say what the history holds: window, counts, conditions and verdicts, outcomes, problems."""
        return describe({kind: self.table(kind) for kind in RowKind}, self.report, digest=self.digest)

    def filter(
        self,
        *,
        since: datetime | None = None,
        until: datetime | None = None,
        action: str | None = None,
        namespace: str | None = None,
        environment: str | None = None,
    ) -> "History":
        """Give the part of the history that concerns some runs; rows of a run stay together.

        Parameters
        ----------
        since, until : datetime or None
            Aware. A run belongs to the window when it started at or after `since` and before `until`.
        action, namespace, environment : str or None

        Raises
        ------
        HistoryError
            An instant without time zone.
        """
        wanted = Selection(since=since, until=until, action=action, namespace=namespace, environment=environment)
        return History(select({kind: self.table(kind) for kind in RowKind}, wanted), self.report)

    def replay(
        self,
        conditions: "Conditions | None" = None,
        *,
        evaluator: "Evaluator | None" = None,
        fold: bool = True,
        judge_all: bool = False,
        progress: Progress = silent,
        scheduler: "Scheduler | str | None" = None,
        partition_evaluations: int | None = None,
    ) -> "Replay":
        """Judge it again, by its own policies or by other conditions; see `replay.replay.replay`.

        Parameters
        ----------
        conditions : mapping of Level to CompiledSet, or None
            From `load_conditions`; None replays each evaluation by its own recorded policy and terms.
        evaluator : Evaluator or None
            None starts worker processes for this replay.
        fold : bool
            Judge equal inputs once.
        judge_all : bool
            Judge also by policies that `conditions` leave as recorded, instead of taking their recorded attempts.
        progress : Progress
        scheduler : Scheduler, str or None
            ``local``, ``threads``, ``processes`` or ``dask://HOST:PORT``: cut into partitions and have them replayed
            there; counts and votes are kept, single evaluations are not. None replays it whole.
        partition_evaluations : int or None
            Evaluations of a partition, about; None means the default.

        Raises
        ------
        HistoryError
            There is nothing to replay.
        EvaluatorError
            The evaluator cannot be started.
        InputError
            No such scheduler, or it cannot be used.
        """
        from kubernaut_simulator.replay.partitioned import work_for  # noqa: PLC0415 - it knows this class
        from kubernaut_simulator.replay.replay import replay  # noqa: PLC0415 - it knows this class

        work = work_for(scheduler, partition_evaluations=partition_evaluations)
        return replay(
            self,
            conditions,
            evaluator=evaluator,
            fold=fold,
            judge_all=judge_all,
            progress=progress,
            work=work,
        )

    def tune(
        self,
        target: float = 0.15,
        *,
        conditions: "Conditions | None" = None,
        terms: "TuningTerms | None" = None,
        evaluator: "Evaluator | None" = None,
        progress: Progress = silent,
        scheduler: "Scheduler | str | None" = None,
        partition_evaluations: int | None = None,
    ) -> "Tuning":
        """Say which conditions may be required, with which timeout, and why; see `tuning.tune.tune`.

        Parameters
        ----------
        target : float
            Share of good runs that may be stopped.
        conditions : mapping of Level to CompiledSet, or None
            What is tuned; None tunes what was recorded last.
        terms : TuningTerms or None
            What else is asked for; its own target gives way to `target`.
        evaluator : Evaluator or None
            None starts worker processes.
        progress : Progress
        scheduler, partition_evaluations
            See `replay`.

        Raises
        ------
        HistoryError
            No incident has a vote, or a recorded policy's source is missing.
        EvaluatorError
            The evaluator cannot be started.
        """
        from kubernaut_simulator.replay.partitioned import work_for  # noqa: PLC0415 - it knows this class
        from kubernaut_simulator.tuning.tune import TuningTerms, tune  # noqa: PLC0415 - it knows this class

        wanted = replace(terms or TuningTerms(), target=target)
        work = work_for(scheduler, partition_evaluations=partition_evaluations)
        return tune(self, conditions, terms=wanted, evaluator=evaluator, progress=progress, work=work)

    def to_parquet(self, folder: Path | str, *, partitioned: bool = False) -> list[Path]:
        """Write ``<kind>.parquet`` files into a folder; OutputError when it cannot be written."""
        return write_parquet(self.tables, folder, partitioned=partitioned)

    def to_jsonl(self, folder: Path | str, *, compress: bool = False) -> list[Path]:
        """Write ``<kind>.jsonl`` (or ``.jsonl.gz``) files into a folder; OutputError when it cannot be."""
        return write_jsonl(self.tables, folder, compress=compress)

    def __repr__(self) -> str:
        counts = ", ".join(f"{self.table(kind).num_rows} {kind.value}" for kind in RowKind)
        return f"<History: {counts}>"
