"""Finding a record that somebody wants explained: by the start of its id, or among the newest of a kind."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from kubernaut.errors import HistoryError
from kubernaut.history.rows import EvaluationRow, RowKind
from kubernaut.verdicts import Verdict
from kubernaut_simulator.history.arrow_schema import ArrowTable
from kubernaut_simulator.history.columns import rows_in
from kubernaut_simulator.history.history import History

IDS_SHOWN = 5
"""Of records that a prefix fits, in the message that says it fits several."""


def find_record(history: History, prefix: str) -> tuple[RowKind, str]:
    """Find the evaluation or attempt whose id starts with `prefix`.

    Raises
    ------
    HistoryError
        None, or more than one.
    """
    found = [
        (kind, record_id)
        for kind in (RowKind.EVALUATIONS, RowKind.ATTEMPTS)
        for record_id in _starting_with(history.table(kind).column("record_id"), prefix)
    ]
    exact = [one for one in found if one[1] == prefix]
    if not found:
        raise HistoryError(
            f"no evaluation and no attempt has an id that starts with {prefix!r}; kubernaut explain --list names them"
        )
    if len(found) > 1 and len(exact) != 1:
        shown = ", ".join(record_id for _, record_id in found[:IDS_SHOWN])
        raise HistoryError(
            f"{len(found)} records have an id that starts with {prefix!r}: {shown}"
            + (", ..." if len(found) > IDS_SHOWN else "")
            + "; write more of it"
        )
    return (exact or found)[0]


def evaluations_like(
    history: History, *, verdict: Verdict | None = None, condition: str = "", limit: int
) -> tuple[list[EvaluationRow], int]:
    """Give the newest evaluations of a kind, so that somebody finds one to ask about.

    Parameters
    ----------
    verdict : Verdict or None
        None means any.
    condition : str
        Part of the condition's text form; empty means any.
    limit : int
        Rows given.

    Returns
    -------
    list of EvaluationRow, int
        The newest first, and how many there are in all.
    """
    table = history.evaluations
    if verdict is not None:
        table = rows_with(table, "verdict", verdict.value)
    if condition:
        parts = [pc.cast(table.column(name), pa.string()) for name in ("action", "level", "phase", "type")]
        table = table.filter(pc.match_substring(pc.binary_join_element_wise(*parts, "/"), condition))
    newest = table.sort_by([("started_at", "descending"), ("record_id", "ascending")]).slice(0, limit)
    rows = [row for row in rows_in(RowKind.EVALUATIONS, newest) if isinstance(row, EvaluationRow)]
    return rows, len(table)


def rows_with(table: ArrowTable, column: str, value: str) -> ArrowTable:
    """Give the rows that have a value in a column."""
    return table.filter(pc.equal(pc.cast(table.column(column), pa.string()), value))


def _starting_with(ids: Any, prefix: str) -> list[str]:
    found: list[str] = ids.filter(pc.starts_with(ids, prefix)).to_pylist()
    return found
