"""A large history out of a small one: copies that differ where other runs would differ.

Every copy has its own ids and its own time. Facts differ as they would in life: pods have the names of their own
rollout, free capacity is never twice the same to the millicore; replicas, ratios and flags repeat, because they do.
Written in parts, each of which can be replayed alone, so that nobody has to hold the whole.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from kubernaut_simulator.history.history import History

from kubernaut.history.rows import RowKind

COPY_DAYS = 7
"""By how much one copy starts later than the one before."""

_PREFIX = 8
_IDS = ("record_id", "evaluation_id")
_UIDS = ("incident_id", "workflow_uid", "execution_uid")
_POD_NAME = re.compile(r'-([0-9a-f]{8})-([0-9a-f]{5})"')
_CAPACITY = re.compile(r'("available_(?:cpu|memory)":")(\d+)')


def write_copies(history: History, folder: Path, *, copies: int, per_part: int) -> list[Path]:
    """Write copies of a history; gives the parts' folders."""
    folders = []
    for part, first in enumerate(range(0, copies, per_part)):
        own = [_copy(history, number) for number in range(first, min(first + per_part, copies))]
        tables = {kind: pa.concat_tables([tables[kind] for tables in own]) for kind in own[0]}
        tables[RowKind.POLICIES] = history.policies
        target = folder / f"part-{part:04}"
        History(tables).to_parquet(target)
        folders.append(target)
    return folders


def _copy(history: History, number: int) -> dict[RowKind, Any]:
    return {
        kind: _shifted(history.table(kind), number)
        for kind in (RowKind.ATTEMPTS, RowKind.EVALUATIONS, RowKind.EXECUTIONS, RowKind.WORKFLOWS)
    }


def _shifted(table: Any, number: int) -> Any:
    later = pa.scalar(number * COPY_DAYS * 86_400_000_000, pa.duration("us"))
    columns = []
    for name, column in zip(table.column_names, table.columns, strict=True):
        if pa.types.is_timestamp(column.type):
            columns.append(pc.add(column, later).cast(column.type))
        elif name in _IDS and pa.types.is_string(column.type):
            columns.append(pc.utf8_replace_slice(column, 0, _PREFIX, f"{number:0{_PREFIX}x}"))
        elif name in _UIDS:
            columns.append(_words(column, lambda word: f"{number:0{_PREFIX}x}{word[_PREFIX:]}"))
        elif name == "facts":
            columns.append(_words(column, lambda word: _other_facts(word, number)))
        else:
            columns.append(column)
    return pa.Table.from_arrays(columns, schema=table.schema)


def _words(column: Any, change: Any) -> Any:
    encoded = column.unify_dictionaries().combine_chunks()
    words = pa.array([change(word) for word in encoded.dictionary.to_pylist()], pa.string())
    return pa.DictionaryArray.from_arrays(encoded.indices, words)


def _other_facts(text: str, number: int) -> str:
    if number == 0:
        return text

    def pod(match: re.Match[str]) -> str:
        name = hashlib.blake2b(f"{number}{match[1]}{match[2]}".encode(), digest_size=7).hexdigest()
        return f'-{name[:8]}-{name[8:13]}"'

    def capacity(match: re.Match[str]) -> str:
        return f"{match[1]}{int(match[2]) + _noise(f'{number}{text}', 200)}"

    return _CAPACITY.sub(capacity, _POD_NAME.sub(pod, text))


def _noise(seed: str, most: int) -> int:
    return int(np.frombuffer(hashlib.blake2b(seed.encode(), digest_size=4).digest(), np.uint32)[0] % most)


def each(folders: list[Path]) -> Iterator[History]:
    """Load one part after the other."""
    for folder in folders:
        yield History.load(folder)
