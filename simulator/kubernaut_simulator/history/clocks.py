"""Rows that a backwards clock has spoiled, found column-wise.

Compared are only times of one clock: a look cannot end before it began. Times of two clocks, as the
operator's and that of a Job, an alert or the person who gave an outcome, are not compared, save where a
duration is made of them. A row that fails is set aside: its durations would enter estimates as if they were
measured.
"""

from collections.abc import Mapping

import numpy as np
import pyarrow.compute as pc
from numpy.typing import NDArray

from kubernaut.history.rows import RowKind
from kubernaut_simulator.history.arrow_schema import ArrowTable

_ORDERED: Mapping[RowKind, tuple[tuple[str, str], ...]] = {
    RowKind.ATTEMPTS: (("read_started_at", "read_at"),),
    RowKind.EVALUATIONS: (
        ("started_at", "read_at"),
        ("started_at", "deadline"),
        ("started_at", "held_since"),
        ("started_at", "observed_until"),
        ("time_to_pass_lower_s", "time_to_pass_s"),
    ),
    RowKind.EXECUTIONS: (
        ("action_started_at", "action_ended_at"),
        ("started_at", "finished_at"),
    ),
    RowKind.WORKFLOWS: (("started_at", "finished_at"), ("detected_at", "resolved_at")),
    RowKind.POLICIES: (),
}
_NOT_NEGATIVE: Mapping[RowKind, tuple[str, ...]] = {
    RowKind.EVALUATIONS: ("elapsed_s", "time_to_pass_lower_s", "time_to_pass_s"),
    RowKind.EXECUTIONS: ("blocked_s",),
}


def backwards(kind: RowKind, table: ArrowTable) -> Mapping[str, NDArray[np.bool_]]:
    """Find the rows whose clock went backwards.

    Returns
    -------
    mapping of str to array of bool, shape (n_rows,)
        By what is wrong (``read_at before read_started_at``); only rules that some row breaks.
    """
    found = {}
    for earlier, later in _ORDERED[kind]:
        broken = _mask(pc.less(table[later], table[earlier]))
        if broken.any():
            found[f"{later} before {earlier}"] = broken
    for name in _NOT_NEGATIVE.get(kind, ()):
        broken = _mask(pc.less(table[name], 0.0))
        if broken.any():
            found[f"{name} below 0"] = broken
    return found


def _mask(condition: object) -> NDArray[np.bool_]:
    return np.asarray(pc.fill_null(condition, False), dtype=bool)
