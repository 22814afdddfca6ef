"""Cutting a history into partitions of whole incidents.

What belongs together is found by ids: an incident's workflows, their runs, and whatever else names one of them. A vote
rests on all rows of an incident, and an outcome on all runs of a workflow; so neither is ever cut, and a partition can
be judged by itself, wherever its rows lie. Incidents come in the order in which they are first met, a row group at a
time and by start within it, so that partitions follow the files: by time, or by day and action where they are laid out
so. Ids are held as 64-bit hashes: two incidents that share one would only end in the same partition.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from kubernaut.history.rows import RowKind
from kubernaut_simulator.history.arrow_schema import ArrowTable, schema_of
from kubernaut_simulator.history.history import History
from kubernaut_simulator.history.text_hashes import MULTIPLIER, Hashes, text_hashes
from kubernaut_simulator.history.writing import own_words

PARTITION_EVALUATIONS = 50_000
"""Evaluations of a partition where nothing is said: some 300,000 looks, which a few hundred MiB hold."""

LINKS = ("workflow_uid", "execution_uid")
"""Ids that tie rows of an incident, and incidents, together."""

IDS = ("incident_id", *LINKS)

CUT_KINDS = (RowKind.EVALUATIONS, RowKind.EXECUTIONS, RowKind.WORKFLOWS, RowKind.ATTEMPTS)
"""Kinds whose rows lie in one partition each; policies go with every one."""


class Partition(Protocol):
    """Whole incidents of a history; its text names it in messages."""

    def history(self) -> History:
        """Give their rows, with all policies."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldPartition:
    """A partition of a history that is held: its tables travel.

    Attributes
    ----------
    held : History
    number, count : int
        One-based; of how many.
    """

    held: History
    number: int
    count: int

    def history(self) -> History:
        """See `Partition.history`."""
        return self.held

    def __str__(self) -> str:
        return f"partition {self.number} of {self.count}"


@dataclass(frozen=True, slots=True, kw_only=True)
class IncidentCut:
    """Which partition each incident belongs to.

    Attributes
    ----------
    incidents : array of uint64, ascending
        Their hashes.
    part : array of int64
        From 0.
    count : int
        Partitions.
    """

    incidents: Hashes
    part: NDArray[np.int64]
    count: int

    def of(self, incidents: Hashes) -> NDArray[np.int64]:
        """Give the partition of each of some incidents, which must be known."""
        return self.part[np.searchsorted(self.incidents, incidents)]

    def members(self, part: int) -> Hashes:
        """Give a partition's incidents, ascending."""
        members: Hashes = self.incidents[self.part == part]
        return members


@dataclass(slots=True)
class IncidentScan:
    """What is learned of a history's incidents, a few rows at a time."""

    _pairs: list[NDArray[np.uint64]] = field(default_factory=list)
    _met: list[tuple[Hashes, NDArray[np.int64], NDArray[np.int64], int]] = field(default_factory=list)

    def add(self, kind: RowKind, rows: ArrowTable, *, place: int) -> Hashes:
        """Take the ids of some rows.

        Parameters
        ----------
        rows : Table
            With `incident_id`, those of `LINKS` that the kind has, and `started_at` of evaluations.
        place : int
            Where they lie, ascending.

        Returns
        -------
        array of uint64
            The distinct incidents among them.
        """
        incident, incidents = _encoded(rows.column("incident_id"))
        found = np.unique(incident)
        self._pairs.append(np.stack([incidents[found], incidents[found]]))
        for salt, name in enumerate(LINKS, start=1):
            if name not in rows.column_names:
                continue
            own, words = _encoded(rows.column(name))
            joint = np.unique(incident * max(1, len(words)) + own)
            first, second = np.divmod(joint, max(1, len(words)))
            linked = words[second] != _NO_TEXT
            nodes = (words[second] ^ np.uint64(salt)) * MULTIPLIER
            self._pairs.append(np.stack([incidents[first[linked]], nodes[linked]]))
        if kind is RowKind.EVALUATIONS:
            started = np.asarray(pc.cast(rows.column("started_at").combine_chunks(), pa.int64()))
            starts = np.full(len(incidents), np.iinfo(np.int64).max)
            np.minimum.at(starts, incident, started)
            counts = np.bincount(incident, minlength=len(incidents))
            self._met.append((incidents[found], counts[found], starts[found], place))
        return incidents[found]

    def cut(self, *, evaluations: int) -> IncidentCut:
        """Cut the incidents into partitions of about so many evaluations each."""
        if not self._pairs:
            return IncidentCut(incidents=np.zeros(0, np.uint64), part=np.zeros(0, np.int64), count=0)
        ends = np.concatenate(self._pairs, axis=1)
        nodes, at = np.unique(ends, return_inverse=True)
        at = at.reshape(ends.shape)
        ones = np.ones(ends.shape[1], np.int8)
        found, label = connected_components(coo_array((ones, (at[0], at[1])), shape=(len(nodes), len(nodes))))
        incidents, first = np.unique(ends[0], return_index=True)
        group = label[at[0][first]].astype(np.int64)
        size = np.zeros(found, np.int64)
        place = np.full(found, np.iinfo(np.int64).max)
        start = np.full(found, np.iinfo(np.int64).max)
        for met, counts, starts, where in self._met:
            own = group[np.searchsorted(incidents, met)]
            np.add.at(size, own, counts)
            np.minimum.at(start, own, starts)
            np.minimum.at(place, own, where)
        # Groups without evaluations come last; equal starts are told apart by the least hash, not by file order.
        least = np.full(found, np.iinfo(np.uint64).max, np.uint64)
        np.minimum.at(least, group, incidents)
        order = np.lexsort([least, start, place])
        part = np.empty(found, np.int64)
        before = np.concatenate([[0], np.cumsum(size[order])[:-1]])
        part[order] = before // max(1, evaluations)
        kept, part_of = np.unique(part[group], return_inverse=True)
        return IncidentCut(incidents=incidents, part=part_of, count=len(kept))


def held_partitions(
    history: History, *, evaluations: int = PARTITION_EVALUATIONS
) -> tuple[int, Iterator[HeldPartition]]:
    """Cut a history that is held into partitions, in order of time; gives their number and, one by one, themselves."""
    scan = IncidentScan()
    for kind in CUT_KINDS:
        rows = history.table(kind)
        if len(rows):
            scan.add(kind, rows, place=0)
    cut = scan.cut(evaluations=evaluations)
    part_of = {kind: cut.of(incident_hashes(history.table(kind))) for kind in CUT_KINDS if len(history.table(kind))}
    return cut.count, (_held(history, part_of, part, cut.count) for part in range(cut.count))


def _held(history: History, part_of: Mapping[RowKind, NDArray[np.int64]], part: int, count: int) -> HeldPartition:
    tables = {
        kind: own_words(history.table(kind).take(pa.array(np.flatnonzero(parts == part))), schema_of(kind))
        for kind, parts in part_of.items()
    }
    return HeldPartition(held=History({**tables, RowKind.POLICIES: history.policies}), number=part + 1, count=count)


def incident_hashes(rows: ArrowTable) -> Hashes:
    """Give the hash of each row's incident."""
    codes, words = _encoded(rows.column("incident_id"))
    return words[codes]


def _encoded(column: Any) -> tuple[NDArray[np.int64], Hashes]:
    """Give codes of a text column, and the hash of each word."""
    if not pa.types.is_dictionary(column.type):
        column = pc.dictionary_encode(column)
    one = column.unify_dictionaries().combine_chunks()
    return np.asarray(one.indices, np.int64), text_hashes(one.dictionary)


_NO_TEXT = text_hashes(pa.array([""]))[0]
