"""Replayed rows: evaluations with what the engine says now, and beside it what was recorded.

A row that could not be replayed stays, as `Censored` with its reason, so that it is counted and never taken for a pass
or a failure. How a verdict is reached is not known here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from enum import StrEnum
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from kubernaut.identity import Phase
from kubernaut.verdicts import Reason, Verdict
from kubernaut.verification.settle import Settled
from kubernaut_simulator.estimation.columns import NO_INSTANT, Columns
from kubernaut_simulator.history.arrow_schema import ArrowTable
from kubernaut_simulator.replay.settling import NO_LOOK
from kubernaut_simulator.replay.tasks import Task

_MICROSECONDS = 1e6

NO_LOOK_ON_DEADLINE = "the record has no look on the new deadline"
"""Why a failure that a run on the new terms might not have met is no answer."""


class Source(StrEnum):
    """Where a row's verdict comes from."""

    REPLAYED = "replayed"
    AS_RECORDED = "as recorded"
    NOT_REPLAYABLE = "not replayable"


def replaced(task: Task, own: ArrowTable, started_us: NDArray[np.int64], settled: Sequence[Settled]) -> ArrowTable:
    """Give a task's rows with what the engine says now; skipped ones, and ones without looks, stay as recorded.

    Parameters
    ----------
    own : Table, n rows
        Its evaluations as recorded.
    started_us : array of int64, shape (n,)
    settled : sequence of Settled, n of them
        A failure that is not certain is not taken for one: a run on these terms would have looked once more, on the
        deadline, and the record cannot say what it would have seen.
    """
    settled = [one if one.certain else _unanswered(one) for one in settled]
    # A skipped evaluation was never a look, whatever the policy; a row without looks can only be what it was.
    skipped = np.asarray(pc.equal(own.column("verdict").cast(pa.string()), Verdict.SKIPPED.value), bool)
    without = np.array([one.why_not == NO_LOOK for one in settled], bool)
    keep = skipped | (without & (task.terms is None))
    replayable = np.array([one.replayable for one in settled], bool)
    source = np.where(
        keep, Source.AS_RECORDED.value, np.where(replayable, Source.REPLAYED.value, Source.NOT_REPLAYABLE.value)
    )
    why_not = np.where(keep & ~without, "", np.array([one.why_not for one in settled], object))
    table = _with_source(own, source, why_not, np.array([one.certain for one in settled], bool))
    held_s = np.array([np.nan if one.held_since_s is None else one.held_since_s for one in settled], np.float64)
    held_us = np.rint(started_us + np.nan_to_num(held_s) * _MICROSECONDS).astype(np.int64)
    now: dict[str, Any] = {
        "verdict": [one.verdict.value for one in settled],
        "reason": [one.reason.value for one in settled],
        "message": [one.message for one in settled],
        "time_to_pass_s": [one.time_to_pass_s for one in settled],
        "time_to_pass_lower_s": [one.time_to_pass_lower_s for one in settled],
        "held_since": pa.array(held_us, mask=np.isnan(held_s)),
    }
    if task.condition.phase is Phase.POST:
        # A precondition's first look is the vote; those of a run that waited were taken all the same.
        now["attempts"] = [one.attempts for one in settled]
        now["observed_until"] = _observed_until(own, started_us, settled)
    if task.policy is not None:
        now["policy_digest"] = [task.policy.digest] * len(settled)
    if task.terms is not None:
        now["timeout_s"] = [task.terms.timeout_s] * len(settled)
        now["hold_for_s"] = [task.terms.hold_for_s] * len(settled)
    for name, values in now.items():
        table = _swapped(table, name, values, keep)
    at = table.schema.get_field_index("candidate")
    return table.set_column(at, "candidate", pa.array(np.full(len(own), task.candidate)))


def _observed_until(own: ArrowTable, started_us: NDArray[np.int64], settled: Sequence[Settled]) -> Any:
    """Say until when it is known that a condition had not passed: never beyond the deadline that it failed at.

    None where the record cannot answer, so that such a row says nothing of time.
    """
    recorded_us = Columns(own, name="evaluation", needed=("started_at",)).instant("observed_until")
    due_us = started_us + np.rint(np.array([one.deadline_s for one in settled]) * _MICROSECONDS).astype(np.int64)
    failed = np.array([one.verdict is Verdict.FAILED for one in settled], bool)
    until_us = np.where(failed, np.minimum(recorded_us, due_us), recorded_us)
    unknown = (recorded_us == NO_INSTANT) | ~np.array([one.replayable for one in settled], bool)
    return pa.array(until_us, mask=unknown)


def _unanswered(uncertain: Settled) -> Settled:
    return replace(
        uncertain,
        verdict=Verdict.CENSORED,
        reason=Reason.OBSERVATION_ENDED,
        message=NO_LOOK_ON_DEADLINE,
        replayable=False,
        why_not=NO_LOOK_ON_DEADLINE,
    )


def as_recorded(own: ArrowTable, why_not: str) -> ArrowTable:
    """Give rows that no policy could judge again, with the reason."""
    rows = len(own)
    return _with_source(
        own, np.full(rows, Source.AS_RECORDED.value), np.full(rows, why_not, object), np.ones(rows, bool)
    )


def _swapped(table: ArrowTable, name: str, values: Any, keep: NDArray[np.bool_]) -> ArrowTable:
    at = table.schema.get_field_index(name)
    wanted = table.schema.field(name).type
    plain = pa.string() if pa.types.is_dictionary(wanted) else wanted
    new = values.cast(plain) if isinstance(values, pa.Array) else pa.array(values, plain)
    if keep.any():
        new = pc.if_else(pa.array(keep), table.column(name).combine_chunks().cast(plain), new)
    return table.set_column(at, name, new.dictionary_encode() if pa.types.is_dictionary(wanted) else new)


def _with_source(
    own: ArrowTable, source: NDArray[Any], why_not: NDArray[Any], certain: NDArray[np.bool_]
) -> ArrowTable:
    return (
        own.append_column("source", pa.array(source.tolist(), pa.string()).dictionary_encode())
        .append_column("why_not", pa.array(why_not.tolist(), pa.string()).dictionary_encode())
        .append_column("certain", pa.array(certain))
        .append_column("recorded_verdict", own.column("verdict"))
        .append_column("recorded_digest", own.column("policy_digest"))
    )
