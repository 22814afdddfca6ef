"""What tuning asks of a history beside its votes: what was recorded last, which versions were tried, its name.

Each of these looks at a handful of rows: the newest of a condition in an environment, the first of a version. Those
rows, taken from every partition, are a history as far as these questions go: whoever looks for the newest finds it
among the newest of the parts. So the functions that ask a whole history ask the outline, and there is no second rule.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from kubernaut.history.rows import RowKind
from kubernaut.identity import ConditionId
from kubernaut_simulator.history.columns import joined
from kubernaut_simulator.history.fingerprint import FingerprintSums, fingerprint_of_sums, fingerprint_sums
from kubernaut_simulator.history.history import History
from kubernaut_simulator.history.partition import CUT_KINDS, Partition
from kubernaut_simulator.history.stored import StoredHistory
from kubernaut_simulator.progress import Progress, silent
from kubernaut_simulator.replay.partitioned import Work, mapped
from kubernaut_simulator.replay.recorded_set import RunsOf, first_enforced, newest_rows
from kubernaut_simulator.tuning.hypotheses import first_rows_of_versions

_KINDS = (RowKind.EVALUATIONS, RowKind.ATTEMPTS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outline:
    """A history as far as tuning asks for its rows.

    Attributes
    ----------
    history : History
        All rows that matter, and maybe others.
    runs : mapping of (ConditionId, challenger, environment) to int, or None
        Evaluations of the whole history; None when `history` is whole.
    digest : str
        Name of the whole history's content.
    """

    history: History
    runs: RunsOf | None
    digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OutlinePart:
    """What a partition adds to an outline."""

    history: History
    runs: RunsOf
    sums: Mapping[RowKind, FingerprintSums]


def outline(history: History | StoredHistory, work: Work | None, *, progress: Progress = silent) -> Outline:
    """Give the outline of a history; one that is held is its own.

    Raises
    ------
    HistoryError
        A file cannot be read.
    SchedulerError
        The scheduler cannot be used.
    """
    if isinstance(history, History):
        return Outline(history=history, runs=None, digest=history.digest)
    parts = list(mapped(outline_part, history, work or Work(), progress=progress))
    runs: Counter[tuple[ConditionId, bool, str]] = Counter()
    for part in parts:
        runs.update(part.runs)
    tables = {kind: joined(kind, [part.history.table(kind) for part in parts]) for kind in _KINDS}
    tables[RowKind.POLICIES] = history.policies
    sums = {kind: FingerprintSums.added(part.sums[kind] for part in parts) for kind in CUT_KINDS}
    sums[RowKind.POLICIES] = fingerprint_sums(history.policies)
    return Outline(history=History(tables), runs=runs, digest=fingerprint_of_sums(sums))


def outline_part(partition: Partition) -> OutlinePart:
    """Take the rows of a partition that tuning may ask for."""
    history = partition.history()
    evaluations = history.evaluations
    runs: dict[tuple[ConditionId, bool, str], int] = {}
    wanted = {*first_rows_of_versions(evaluations)["record_id"], *first_enforced(evaluations)["record_id"].to_pylist()}
    for condition, challenger, rows in newest_rows(evaluations):
        for row, count in rows:
            wanted.add(row["record_id"])
            runs[condition, challenger, row["environment"]] = count
    ids = pa.array(sorted(wanted), pa.string())
    kept = {
        RowKind.EVALUATIONS: evaluations.filter(pc.is_in(evaluations["record_id"], value_set=ids)),
        RowKind.ATTEMPTS: history.attempts.filter(pc.is_in(history.attempts["evaluation_id"], value_set=ids)),
    }
    return OutlinePart(
        history=History(kept),
        runs=runs,
        sums={kind: fingerprint_sums(history.table(kind)) for kind in CUT_KINDS},
    )
