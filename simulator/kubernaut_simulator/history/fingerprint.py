"""The name of a history's content, for the evidence that an export carries.

Each row is hashed over all its columns, and the rows' hashes are added up, so that neither order nor format
nor the number of files matters. Distinct values are hashed once. The sum is no defence against a forger; it
says which data a number came from.
"""

import hashlib
from collections.abc import Mapping

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from kubernaut.history.rows import RowKind
from kubernaut_simulator.history.arrow_schema import ArrowTable

Hashes = NDArray[np.uint64]

_MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)
"""Odd, so that multiplying by it loses nothing modulo 2^64 (the golden ratio, as in splitmix64)."""

_NULL = np.uint64(0x6E756C6C)


def fingerprint(tables: Mapping[RowKind, ArrowTable]) -> str:
    """Give 32 hexadecimal digits that are equal exactly when, collisions aside, the rows are equal."""
    whole = hashlib.sha256()
    for kind in RowKind:
        table = tables[kind]
        first = second = np.uint64(0)
        for batch in table.to_batches():
            rows = _row_hashes(batch)
            first += rows.sum(dtype=np.uint64)
            second += (rows * rows).sum(dtype=np.uint64)
        whole.update(f"{kind.value} {table.num_rows} {first} {second}\n".encode())
    return whole.hexdigest()[:32]


def _row_hashes(batch: ArrowTable) -> Hashes:
    hashes = np.zeros(batch.num_rows, np.uint64)
    for column in batch.columns:
        hashes = (hashes ^ (hashes >> np.uint64(29))) * _MULTIPLIER + _column_hashes(column)
    return hashes


def _column_hashes(column: pa.Array) -> Hashes:
    if pa.types.is_dictionary(column.type):
        words = np.append(_text_hashes(column.dictionary), _NULL)
        return np.asarray(words[np.asarray(pc.fill_null(column.indices, -1))], dtype=np.uint64)
    if pa.types.is_list(column.type):
        joined = pa.array(
            [None if value is None else "\x1f".join(["", *value]) for value in column.to_pylist()]
        )
        return _text_hashes(pc.cast(joined, pa.string()))
    if pa.types.is_string(column.type):
        return _text_hashes(column)
    if pa.types.is_floating(column.type):
        bits = np.asarray(pc.fill_null(column, np.nan), dtype=np.float64).view(np.uint64)
    else:
        bits = np.asarray(pc.fill_null(pc.cast(column, pa.int64()), 0)).view(np.uint64)
    found = np.asarray(pd.util.hash_array(bits), dtype=np.uint64)
    found[np.asarray(column.is_null())] = _NULL
    return found


def _text_hashes(column: pa.Array) -> Hashes:
    words = np.asarray(column.to_pylist(), dtype=object)
    if not len(words):
        return np.zeros(0, np.uint64)
    return np.asarray(pd.util.hash_array(words, categorize=False), dtype=np.uint64)
