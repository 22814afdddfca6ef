"""What a replay counts, condition by condition: small, and the sum of what its parts count.

Replayed rows are counted by identity, verdict, recorded verdict, source and reason; every count that a replay shows is
a sum over these. Votes are not counts and not here. Rows are in order of their words, so that neither the order of the
evaluations nor how they were cut into parts matters.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import pyarrow as pa
import pyarrow.compute as pc

from kubernaut.identity import ConditionId, Level, Phase
from kubernaut_simulator.history.arrow_schema import ArrowTable
from kubernaut_simulator.replay.replayed_table import Source
from kubernaut_simulator.replay.replaying import ReplayedEvaluations
from kubernaut_simulator.results.wording import shown_name

COUNTED_BY = ("action", "level", "phase", "type", "candidate", "verdict", "recorded_verdict", "source", "why_not")


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayTotals:
    """Counts of a replay.

    Attributes
    ----------
    counts : Table
        Columns `COUNTED_BY`, and `evaluations`: how many rows have these words.
    started, last_started : datetime or None
        Of the evaluations; None without any.
    looks, judged : int
        Looks replayed, and distinct inputs that an evaluator judged.
    recorded, seen : frozenset of ConditionId
        Conditions with an evaluation, and those of them that were replayed.
    """

    counts: ArrowTable
    started: datetime | None
    last_started: datetime | None
    looks: int
    judged: int
    recorded: frozenset[ConditionId]
    seen: frozenset[ConditionId]

    @property
    def evaluations(self) -> int:
        """Rows replayed."""
        return int(pc.sum(self.counts.column("evaluations")).as_py() or 0)

    @property
    def left_out(self) -> Sequence[ConditionId]:
        """Recorded conditions that the given set does not name."""
        return sorted(self.recorded - self.seen)

    def of_source(self, source: Source) -> int:
        """Rows whose verdict comes from there."""
        own = self.counts.filter(pc.equal(self.counts.column("source"), source.value))
        return int(pc.sum(own.column("evaluations")).as_py() or 0)

    def not_replayable(self) -> dict[str, Counter[str]]:
        """Count, by condition (a challenger apart), why rows could not be replayed."""
        rows = self.counts.filter(pc.equal(self.counts.column("source"), Source.NOT_REPLAYABLE.value))
        counted: dict[str, Counter[str]] = {}
        for row in rows.to_pylist():
            condition = ConditionId(row["action"], Level(row["level"]), Phase(row["phase"]), row["type"])
            name = shown_name(condition, candidate=row["candidate"])
            counted.setdefault(name, Counter())[row["why_not"]] += row["evaluations"]
        return counted


def totals_of(replayed: ReplayedEvaluations) -> ReplayTotals:
    """Count what a replay came to."""
    table = replayed.table
    columns = {
        name: table.column(name) if name == "candidate" else table.column(name).cast(pa.string()) for name in COUNTED_BY
    }
    counts = pa.table(columns).group_by(list(COUNTED_BY)).aggregate([([], "count_all")])
    ends = pc.min_max(table.column("started_at")).as_py()
    return ReplayTotals(
        counts=_sorted(counts.rename_columns([*COUNTED_BY, "evaluations"])),
        started=ends["min"],
        last_started=ends["max"],
        looks=replayed.looks,
        judged=replayed.judged,
        recorded=replayed.recorded,
        seen=replayed.seen,
    )


def summed(parts: Sequence[ReplayTotals]) -> ReplayTotals:
    """Add up the counts of parts, of which there is at least one."""
    counts = pa.concat_tables([part.counts for part in parts]).group_by(list(COUNTED_BY))
    starts = [part.started for part in parts if part.started is not None]
    ends = [part.last_started for part in parts if part.last_started is not None]
    return ReplayTotals(
        counts=_sorted(counts.aggregate([("evaluations", "sum")]).rename_columns([*COUNTED_BY, "evaluations"])),
        started=min(starts, default=None),
        last_started=max(ends, default=None),
        looks=sum(part.looks for part in parts),
        judged=sum(part.judged for part in parts),
        recorded=frozenset[ConditionId]().union(*(part.recorded for part in parts)),
        seen=frozenset[ConditionId]().union(*(part.seen for part in parts)),
    )


def _sorted(counts: ArrowTable) -> ArrowTable:
    return counts.sort_by([(name, "ascending") for name in COUNTED_BY])
