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

from kubernaut.history.rows import RowKind
from kubernaut_simulator.history.arrow_schema import ArrowTable
from kubernaut_simulator.history.text_hashes import MULTIPLIER, Hashes, text_hashes

_RANGE = 2**64

_NULL = np.uint64(0x6E756C6C)


def fingerprint(tables: Mapping[RowKind, ArrowTable]) -> str:
    """Give 32 hexadecimal digits that are equal exactly when, collisions aside, the rows are equal."""
    whole = hashlib.sha256()
    for kind in RowKind:
        table = tables[kind]
        first = second = 0
        for batch in table.to_batches():
            rows = _row_hashes(batch)
            first += int(rows.sum(dtype=np.uint64))
            second += int((rows * rows).sum(dtype=np.uint64))
        whole.update(f"{kind.value} {table.num_rows} {first % _RANGE} {second % _RANGE}\n".encode())
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
