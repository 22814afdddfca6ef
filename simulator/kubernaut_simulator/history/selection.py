"""The part of a history that concerns some runs.

Runs are chosen by their `ExecutionRow`; evaluations without one are chosen by themselves, so that a history
that lacks executions can be narrowed too. Attempts follow their evaluation, workflows their runs, policies
stay: a digest costs nothing and may be asked for.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from kubernaut.errors import HistoryError
from kubernaut.history.rows import RowKind
from kubernaut_simulator.history.arrow_schema import ArrowTable


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """Which runs are wanted; None means all.

    Attributes
    ----------
    since, until : datetime or None
        Aware; the run's start lies in ``[since, until)``.
    action, namespace, environment : str or None
    """

    since: datetime | None = None
    until: datetime | None = None
    action: str | None = None
    namespace: str | None = None
    environment: str | None = None

    def __post_init__(self) -> None:
        for name in ("since", "until"):
            instant = getattr(self, name)
            if instant is not None and instant.tzinfo is None:
                raise HistoryError(f"{name} {instant.isoformat()} has no time zone; give an aware datetime")


def select(tables: Mapping[RowKind, ArrowTable], wanted: Selection) -> dict[RowKind, ArrowTable]:
    """Keep the rows of the wanted runs."""
    executions, evaluations = tables[RowKind.EXECUTIONS], tables[RowKind.EVALUATIONS]
    runs = executions.filter(_matches(executions, wanted))
    known = _isin(evaluations["execution_uid"], executions["execution_uid"])
    of_run = _isin(evaluations["execution_uid"], runs["execution_uid"])
    kept = evaluations.filter(pc.if_else(known, of_run, _matches(evaluations, wanted)))
    attempts, workflows = tables[RowKind.ATTEMPTS], tables[RowKind.WORKFLOWS]
    of_flow = pc.or_(
        _isin(workflows["workflow_uid"], runs["workflow_uid"]),
        _isin(workflows["workflow_uid"], kept["workflow_uid"]),
    )
    # Looks follow their evaluation; those that never had one follow their run.
    orphan = pc.invert(_isin(attempts["evaluation_id"], evaluations["record_id"]))
    of_attempt = pc.or_(
        _isin(attempts["evaluation_id"], kept["record_id"]),
        pc.and_(orphan, _isin(attempts["execution_uid"], runs["execution_uid"])),
    )
    return {
        RowKind.ATTEMPTS: attempts.filter(of_attempt),
        RowKind.EVALUATIONS: kept,
        RowKind.EXECUTIONS: runs,
        RowKind.WORKFLOWS: workflows.filter(of_flow),
        RowKind.POLICIES: tables[RowKind.POLICIES],
    }


def _matches(table: ArrowTable, wanted: Selection) -> Any:
    mask: Any = pa.chunked_array([pa.array([True] * table.num_rows, pa.bool_())])
    for name in ("action", "namespace", "environment"):
        value = getattr(wanted, name)
        if value is not None:
            mask = pc.and_(mask, _isin(table[name], pa.chunked_array([[value]], pa.string())))
    stamp = pa.timestamp("us", tz="UTC")
    if wanted.since is not None:
        mask = pc.and_(mask, pc.greater_equal(table["started_at"], pa.scalar(wanted.since, stamp)))
    if wanted.until is not None:
        mask = pc.and_(mask, pc.less(table["started_at"], pa.scalar(wanted.until, stamp)))
    return mask


def _isin(column: Any, values: Any) -> Any:
    if pa.types.is_dictionary(values.type):
        values = values.cast(pa.string())
    if pa.types.is_dictionary(column.type):
        column = column.cast(pa.string())
    return pc.is_in(column, value_set=pc.unique(values))
