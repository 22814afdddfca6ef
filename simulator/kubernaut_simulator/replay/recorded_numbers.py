"""The numbers under `input.settings` that recorded looks were judged with: kept in their facts, nowhere else."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from kubernaut_simulator.estimation.columns import look_up
from kubernaut_simulator.history.arrow_schema import ArrowTable


def recorded_numbers(evaluation_ids: Sequence[str], attempts: ArrowTable) -> Mapping[str, Mapping[str, float]]:
    """Give the numbers that some evaluations were judged with.

    Parameters
    ----------
    evaluation_ids : sequence of str
        A few of them: the facts of one look of each are parsed.
    attempts : Table

    Returns
    -------
    mapping of evaluation id to (name to number)
        Empty for a policy that reads none; an evaluation without looks is not in it.
    """
    owner = look_up(attempts.column("evaluation_id").combine_chunks(), pa.array(list(evaluation_ids), pa.string()))
    at = np.flatnonzero(owner >= 0)
    which, first = np.unique(owner[at], return_index=True)
    texts = pc.cast(attempts.column("facts").take(pa.array(at[first])), pa.string()).to_pylist()
    found = {}
    for place, text in zip(which.tolist(), texts, strict=True):
        numbers = json.loads(text).get("settings", {})
        found[evaluation_ids[place]] = {
            name: value
            for name, value in numbers.items()
            if isinstance(value, int | float) and not isinstance(value, bool)
        }
    return found
