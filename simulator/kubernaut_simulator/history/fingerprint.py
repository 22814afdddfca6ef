"""The name of a history's content, for the evidence that an export carries.

Each row is hashed over all its columns, and the rows' hashes are added up, so that neither order nor format
nor the number of files matters. Distinct values are hashed once. The sum is no defence against a forger; it
says which data a number came from.
"""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Self

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from kubernaut.history.rows import RowKind
from kubernaut_simulator.history.arrow_schema import ArrowTable
from kubernaut_simulator.history.text_hashes import MULTIPLIER, Hashes, text_hashes

_RANGE = 2**64

_NULL = np.uint64(0x6E756C6C)


@dataclass(frozen=True, slots=True, kw_only=True)
class FingerprintSums:
    """Rows of one kind, and the sums of their hashes and of the squares of those; parts of a history add up."""

    rows: int
    first: int
    second: int

    @classmethod
    def added(cls, parts: Iterable[Self]) -> Self:
        """Add up the sums of parts that have no row in common."""
        every = list(parts)
        return cls(
            rows=sum(part.rows for part in every),
            first=sum(part.first for part in every) % _RANGE,
            second=sum(part.second for part in every) % _RANGE,
        )


def fingerprint(tables: Mapping[RowKind, ArrowTable]) -> str:
    """Give 32 hexadecimal digits that are equal exactly when, collisions aside, the rows are equal."""
    return fingerprint_of_sums({kind: fingerprint_sums(tables[kind]) for kind in RowKind})


def fingerprint_sums(table: ArrowTable) -> FingerprintSums:
    """Sum up the rows of one kind."""
    first = second = 0
    for batch in table.to_batches():
        rows = _row_hashes(batch)
        first += int(rows.sum(dtype=np.uint64))
        second += int((rows * rows).sum(dtype=np.uint64))
    return FingerprintSums(rows=table.num_rows, first=first % _RANGE, second=second % _RANGE)


def fingerprint_of_sums(sums: Mapping[RowKind, FingerprintSums]) -> str:
    """Give the name of a history whose rows of every kind have these sums."""
    whole = hashlib.sha256()
    for kind in RowKind:
        own = sums[kind]
        whole.update(f"{kind.value} {own.rows} {own.first} {own.second}\n".encode())
    return whole.hexdigest()[:32]


def _row_hashes(batch: ArrowTable) -> Hashes:
    hashes = np.zeros(batch.num_rows, np.uint64)
    for column in batch.columns:
        hashes = (hashes ^ (hashes >> np.uint64(29))) * MULTIPLIER + _column_hashes(column)
    return hashes


def _column_hashes(column: pa.Array) -> Hashes:
    if pa.types.is_dictionary(column.type):
        words = np.append(text_hashes(column.dictionary), _NULL)
        return np.asarray(words[np.asarray(pc.fill_null(column.indices, -1))], dtype=np.uint64)
    if pa.types.is_list(column.type):
        joined = pa.array([None if value is None else "\x1f".join(["", *value]) for value in column.to_pylist()])
        return text_hashes(pc.cast(joined, pa.string()))
    if pa.types.is_string(column.type):
        return text_hashes(column)
    if pa.types.is_floating(column.type):
        bits = np.asarray(pc.fill_null(column, np.nan), dtype=np.float64).view(np.uint64)
    else:
        bits = np.asarray(pc.fill_null(pc.cast(column, pa.int64()), 0)).view(np.uint64)
    found = np.asarray(pd.util.hash_array(bits), dtype=np.uint64)
    found[np.asarray(column.is_null())] = _NULL
    return found
