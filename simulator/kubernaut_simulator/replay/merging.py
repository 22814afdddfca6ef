"""Votes and counts of parts put together, so that nobody can tell that there were parts.

No incident is in two parts, so every vote was cast where all rows that it rests on were at hand, by the function that
casts votes of a whole history. What is left to do is to give texts one code, to put votes in their order, and to look
again at the two things that others decide: how days of a target are numbered, and which votes are too young to judge.
"""

from __future__ import annotations

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


def merge_votes(parts: Sequence[Votes], *, as_of: pd.Timestamp) -> Votes:
    """Put votes of parts together.

    Parameters
    ----------
    parts : sequence of Votes
        At least one; no incident is in two. Cast for `NEVER_YOUNG`, with one label age.
    as_of : Timestamp
        The end of the whole history.

    Returns
    -------
    Votes
        Equal to what `cast_votes` gives for the whole, to the bit.
    """
    frames = [part.data for part in parts]
    data = pd.DataFrame({name: _joined([frame[name] for frame in frames]) for name in frames[0].columns}, copy=False)
    keys = [data[name].cat.codes if isinstance(data[name].dtype, pd.CategoricalDtype) else data[name] for name in ORDER]
    order = np.lexsort([key.to_numpy() for key in reversed(keys)])
    data = data.take(order).reset_index(drop=True)
    data["target_day"] = target_days(data)
    counts = {name: sum(part.counts[name] for part in parts) for name in parts[0].counts}
    return held_back_at(Votes(data=data, counts=counts, label_age_s=parts[0].label_age_s, as_of=NEVER_YOUNG), as_of)


def _joined(columns: Sequence[pd.Series[Any]]) -> Any:
    """Join one column of the parts; texts get codes in the order of all parts' texts."""
    if not isinstance(columns[0].dtype, pd.CategoricalDtype):
        return pd.concat(columns, ignore_index=True)
    categories = columns[0].cat.categories
    if all(column.cat.categories.equals(categories) for column in columns):
        codes = np.concatenate([column.cat.codes.to_numpy() for column in columns])
        return pd.Categorical.from_codes(codes, categories)
    words = pd.Index(sorted(set().union(*(column.cat.categories for column in columns))), dtype=categories.dtype)
    return pd.Categorical.from_codes(np.concatenate([_recoded(column, words) for column in columns]), words)


def _recoded(column: pd.Series[Any], words: pd.Index[Any]) -> Any:
    place = np.append(words.get_indexer(column.cat.categories), -1).astype(np.int32)
    return place[column.cat.codes.to_numpy()]
