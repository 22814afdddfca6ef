"""Votes and counts of parts put together, so that nobody can tell that there were parts.

No incident is in two parts, so every vote was cast where all rows that it rests on were at hand, by the function that
casts votes of a whole history. What is left to do is to give texts one code, to put votes in their order, and to look
again at the two things that others decide: how days of a target are numbered, and which votes are too young to judge.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from kubernaut_simulator.estimation.votes import Votes, held_back_at, target_days
from kubernaut_simulator.history.reading import ReadReport
from kubernaut_simulator.replay.totals import ReplayTotals

ORDER = ("action", "level", "phase", "type", "candidate", "incident_id")
"""What votes are in the order of: condition and incident, by their texts."""

NEVER_YOUNG = pd.Timestamp.max.tz_localize("UTC")
"""The instant that votes of a part are cast for, whose history's end is not known yet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MergedReplay:
    """What the partitions of a replay came to together.

    Attributes
    ----------
    totals : ReplayTotals
    votes : Votes
    report : ReadReport
        How the rows were read, over all partitions.
    """

    totals: ReplayTotals
    votes: Votes
    report: ReadReport


def merge_votes(parts: list[Votes], *, as_of: pd.Timestamp) -> Votes:
    """Put votes of parts together.

    Parameters
    ----------
    parts : list of Votes
        At least one; no incident is in two. Cast for `NEVER_YOUNG`, with one label age. The list is emptied: votes are
        the largest thing that is kept of a history, and lie in memory once and not twice.
    as_of : Timestamp
        The end of the whole history.

    Returns
    -------
    Votes
        Equal to what `cast_votes` gives for the whole, to the bit.
    """
    label_age_s = parts[0].label_age_s
    counts: Counter[str] = Counter()
    columns: dict[str, list[Any]] = {str(name): [] for name in parts[0].data.columns}
    while parts:
        part = parts.pop(0)
        counts.update(part.counts)
        for name, pieces in columns.items():
            pieces.append(part.data[name].array.copy())
    joined = {name: _joined(columns[name]) for name in ORDER}
    order = np.lexsort([_sortable(joined[name]) for name in reversed(ORDER)])
    in_order = {}
    for name in list(columns):
        pieces = columns.pop(name)
        in_order[name] = (joined.pop(name) if name in joined else _joined(pieces)).take(order)
    data = pd.DataFrame(in_order, copy=False)
    data["target_day"] = target_days(data)
    return held_back_at(Votes(data=data, counts=dict(counts), label_age_s=label_age_s, as_of=NEVER_YOUNG), as_of)


def _sortable(values: Any) -> Any:
    return values.codes if isinstance(values, pd.Categorical) else np.asarray(values)


def _joined(pieces: Sequence[Any]) -> Any:
    """Join one column of the parts; texts get codes in the order of all parts' texts."""
    if not isinstance(pieces[0], pd.Categorical):
        return pd.concat([pd.Series(piece, copy=False) for piece in pieces], ignore_index=True).array
    categories = pieces[0].categories
    if all(piece.categories.equals(categories) for piece in pieces):
        return pd.Categorical.from_codes(np.concatenate([piece.codes for piece in pieces]), categories)
    words = pd.Index(sorted(set().union(*(piece.categories for piece in pieces))), dtype=categories.dtype)
    return pd.Categorical.from_codes(np.concatenate([_recoded(piece, words) for piece in pieces]), words)


def _recoded(piece: Any, words: pd.Index[Any]) -> Any:
    place = np.append(words.get_indexer(piece.categories), -1).astype(np.int32)
    return place[piece.codes]
