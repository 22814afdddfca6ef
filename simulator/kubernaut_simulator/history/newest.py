"""The newest row of each id wins.

An outcome that arrives days later is its row written again; after a crash the last rows may be written twice.
Both are normal and counted apart. Two *different* rows of one id and one time are not normal: the later one
in file order is kept and the conflict is a problem.
"""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from kubernaut_simulator.history.arrow_schema import ArrowTable
from kubernaut_simulator.history.text_hashes import text_hashes

OF_NEWEST = ("record_id", "recorded_at")
"""Columns that it goes by."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Newest:
    """What is left of a table, and what was replaced.

    Attributes
    ----------
    table : pyarrow.Table
        One row per id, in file order.
    replaced : int
        Rows that a newer one of the same id replaced.
    duplicates : int
        Rows written more than once: same id, same time, same content.
    conflicts : tuple of str
        Ids with different rows of the same, newest time.
    """

    table: ArrowTable
    replaced: int = 0
    duplicates: int = 0
    conflicts: tuple[str, ...] = ()


def newest(table: ArrowTable) -> Newest:
    """Keep the newest `recorded_at` of each `record_id`."""
    if _all_distinct(table["record_id"]):
        return Newest(table=table)
    ids = _codes(table["record_id"])
    at = np.asarray(pc.cast(table["recorded_at"], pa.int64()))
    order = np.lexsort((np.arange(len(ids)), at, ids))
    last = np.ones(len(ids), bool)
    last[:-1] = ids[order][1:] != ids[order][:-1]
    keep = np.zeros(len(ids), bool)
    keep[order[last]] = True
    # The newest time of each row's id, to tell a replaced row from one written twice.
    newest_at = np.empty(ids.max() + 1, dtype=at.dtype)
    newest_at[ids[order[last]]] = at[order[last]]
    twice = ~keep & (at == newest_at[ids])
    kept = table.filter(pa.array(keep))
    conflicts, conflicting = _conflicts(table, ids, keep, twice)
    return Newest(
        table=kept,
        replaced=int((~keep & ~twice).sum()),
        duplicates=int(twice.sum()) - conflicting,
        conflicts=conflicts,
    )


def _all_distinct(column: pa.ChunkedArray) -> bool:
    """Whether no id comes twice; by hashes, which cost less than a set of texts and miss no repetition."""
    hashes = np.sort(np.concatenate([np.zeros(0, np.uint64), *map(text_hashes, column.chunks)]))
    return not bool((hashes[1:] == hashes[:-1]).any())


def _codes(column: object) -> NDArray[np.int64]:
    combined = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    encoded = pc.dictionary_encode(combined)
    if isinstance(encoded, pa.ChunkedArray):
        encoded = encoded.combine_chunks()
    return np.asarray(encoded.indices, dtype=np.int64)


def _conflicts(
    table: ArrowTable, ids: NDArray[np.int64], keep: NDArray[np.bool_], twice: NDArray[np.bool_]
) -> tuple[tuple[str, ...], int]:
    """Ids whose rows written twice differ, and how many rows those are."""
    if not twice.any():
        return (), 0
    concerned = np.zeros(ids.max() + 1, bool)
    concerned[ids[twice]] = True
    winners = {row["record_id"]: row for row in table.filter(pa.array(keep & concerned[ids])).to_pylist()}
    differing = [
        row["record_id"] for row in table.filter(pa.array(twice)).to_pylist() if row != winners[row["record_id"]]
    ]
    return tuple(dict.fromkeys(differing)), len(differing)
