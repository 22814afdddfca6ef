"""Replay a history: recorded looks, judged and settled by the engine, as a table of evaluations.

The rows that come out have the columns of evaluations, with verdict, reason, message and times replaced by what the
engine says now, and beside them what was recorded and whether the record could answer. A row that could not be
replayed stays, as `Censored` with its reason, so that it is counted and never taken for a pass or a failure.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from kubernaut.errors import HistoryError
from kubernaut.identity import ConditionId
from kubernaut.policy.batch import Evaluator
from kubernaut.verdicts import Reason, Verdict
from kubernaut.verification.settle import Settled
from kubernaut_simulator.estimation.columns import NO_INSTANT, Columns, look_up
from kubernaut_simulator.history.arrow_schema import FOLDED, ArrowTable
from kubernaut_simulator.progress import Progress, silent
from kubernaut_simulator.replay.folding import FoldingJudge
from kubernaut_simulator.replay.settling import NO_LOOK, Looks, RecordedRuns, settle_all
from kubernaut_simulator.replay.tasks import Conditions, Task, recorded_tasks, rows_by_condition, tasks_by

_MICROSECONDS = 1e6


class Source(StrEnum):
    """Where a row's verdict comes from."""

    REPLAYED = "replayed"
    AS_RECORDED = "as recorded"
    NOT_REPLAYABLE = "not replayable"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayedEvaluations:
    """What a replay came to.

    Attributes
    ----------
    table : Table
        Columns of evaluations and `source`, `why_not`, `certain`, `recorded_verdict`, `recorded_digest`.
    looks : int
        Looks replayed.
    judged : int
        Inputs that went through an evaluator; the rest were equal to one of them on what the policy reads.
    left_out : tuple of ConditionId
        Recorded conditions that the given set does not name.
    """

    table: ArrowTable
    looks: int
    judged: int
    left_out: tuple[ConditionId, ...]


def replay_evaluations(
    *,
    evaluations: ArrowTable,
    attempts: ArrowTable,
    policies: ArrowTable,
    evaluator: Evaluator,
    conditions: Conditions | None = None,
    fold: bool = True,
    progress: Progress = silent,
) -> ReplayedEvaluations:
    """Replay evaluations.

    Parameters
    ----------
    evaluations, attempts, policies : Table
        Of one history.
    evaluator : Evaluator
    conditions : mapping of Level to CompiledSet, or None
        None replays each by its own recorded policy on the recorded terms.
    fold : bool
        False judges every look, also where its input was judged before.

    Raises
    ------
    HistoryError
        None of the conditions given was ever recorded.
    EvaluatorError
        The evaluator itself is not there.
    """
    tasks = list(recorded_tasks(evaluations, policies) if conditions is None else tasks_by(evaluations, conditions))
    if conditions is not None and not tasks:
        wanted = sorted(str(one) for level in conditions.values() for one in level.policies)
        raise HistoryError(f"none of the conditions to replay was ever recorded: {', '.join(wanted) or 'none given'}")
    owner = look_up(_texts(attempts, "evaluation_id"), _texts(evaluations, "record_id"))
    slot = np.asarray(attempts.column("slot"), np.int64)
    order = np.lexsort((slot, owner))
    bounds = np.searchsorted(owner[order], np.arange(len(evaluations) + 1))
    parts, looks, judged = [], 0, 0
    for done, task in enumerate(tasks):
        progress("replay", done, len(tasks))
        part, part_looks, part_judged = _replay(task, evaluations, attempts, order, bounds, evaluator, fold=fold)
        parts.append(part)
        looks += part_looks
        judged += part_judged
    progress("replay", len(tasks), len(tasks))
    seen = {task.condition for task in tasks}
    every = {condition for condition, _ in rows_by_condition(Columns(evaluations, name="evaluation", needed=()))}
    table = pa.concat_tables(parts, promote_options="permissive") if parts else _empty(evaluations)
    return ReplayedEvaluations(
        table=table.unify_dictionaries(), looks=looks, judged=judged, left_out=tuple(sorted(every - seen))
    )


def not_replayable(table: ArrowTable) -> dict[str, Counter[str]]:
    """Count, by condition, why rows could not be replayed."""
    rows = table.filter(pc.equal(pc.cast(table.column("source"), pa.string()), Source.NOT_REPLAYABLE.value))
    counted: dict[str, Counter[str]] = {}
    for row in rows.select(["action", "level", "phase", "type", "why_not"]).to_pylist():
        name = str(ConditionId(row["action"], row["level"], row["phase"], row["type"]))
        counted.setdefault(name, Counter())[row["why_not"]] += 1
    return counted


def _replay(
    task: Task,
    evaluations: ArrowTable,
    attempts: ArrowTable,
    order: NDArray[np.int64],
    bounds: NDArray[np.int64],
    evaluator: Evaluator,
    *,
    fold: bool,
) -> tuple[ArrowTable, int, int]:
    own = evaluations.take(pa.array(task.rows))
    counts = bounds[task.rows + 1] - bounds[task.rows]
    if task.policy is None:
        return _as_recorded(own, task.why_not), 0, 0
    first = np.concatenate([[0], np.cumsum(counts)])
    places = order[np.repeat(bounds[task.rows] - first[:-1], counts) + np.arange(first[-1])]
    taken = attempts.select(["facts", "unobserved", "recorded_paths", "slot", "read_started_at", "read_at"]).take(
        pa.array(places)
    )
    judge = FoldingJudge(evaluator, task.policy, settings=task.settings, fold=fold)
    answers = judge.answers(taken)
    times = Columns(taken, name="attempt", needed=())
    looks = Looks(
        first=first,
        slot=np.asarray(taken.column("slot"), np.int64),
        began_us=times.instant("read_started_at"),
        read_us=times.instant("read_at"),
        answer=answers,
        dictionary=judge.dictionary,
    )
    runs = _recorded_runs(own)
    settled = settle_all(
        task.condition.phase,
        runs,
        looks,
        timeout_s=task.terms.timeout_s if task.terms else None,
        hold_for_s=task.terms.hold_for_s if task.terms else None,
    )
    return _replaced(task, own, runs, settled), len(answers), judge.judged


def _recorded_runs(own: ArrowTable) -> RecordedRuns:
    columns = Columns(own, name="evaluation", needed=("started_at", "read_at", "verdict"))
    started = columns.instant("started_at")

    def offset_s(name: str) -> NDArray[np.float64]:
        instants = columns.instant(name)
        return np.where(instants == NO_INSTANT, np.nan, (instants - started) / _MICROSECONDS)

    return RecordedRuns(
        started_us=started,
        settled_s=offset_s("read_at"),
        observed_s=offset_s("observed_until"),
        deadline_s=offset_s("deadline"),
        timeout_s=columns.number("timeout_s"),
        hold_for_s=columns.number("hold_for_s", 0.0),
        poll_interval_s=columns.number("poll_interval_s"),
        passed=columns.equals("verdict", (Verdict.PASSED.value,)),
        stopped=columns.equals("verdict", (Verdict.FAILED.value, Verdict.ERROR.value)),
        fatal=columns.equals("reason", (Reason.FATAL.value,)),
    )


def _replaced(task: Task, own: ArrowTable, runs: RecordedRuns, settled: Sequence[Settled]) -> ArrowTable:
    """Give the rows with what the engine says now; skipped ones, and ones without looks, stay as recorded."""
    verdicts = np.asarray(own.column("verdict").to_pylist(), object)
    # A skipped evaluation was never a look, whatever the policy; a row without looks can only be what it was.
    without = np.array([one.why_not == NO_LOOK for one in settled], bool)
    keep = (verdicts == Verdict.SKIPPED.value) | (without & (task.settings is None))
    source = np.where(
        keep,
        Source.AS_RECORDED.value,
        np.where([one.replayable for one in settled], Source.REPLAYED.value, Source.NOT_REPLAYABLE.value),
    )
    why_not = np.where(keep & ~without, "", np.array([one.why_not for one in settled], object))
    table = _with_source(own, source, why_not, np.array([one.certain for one in settled], bool))

    def swap(name: str, values: Sequence[Any], type_: Any) -> None:
        nonlocal table
        at = table.schema.get_field_index(name)
        recorded = table.column(name).combine_chunks().cast(_plain(type_))
        new = pa.array(values, _plain(type_))
        mixed = pc.if_else(pa.array(keep), recorded, new)
        table = table.set_column(
            at,
            name,
            pc.cast(mixed, type_) if not pa.types.is_dictionary(type_) else mixed.dictionary_encode(),
        )

    swap("verdict", [one.verdict.value for one in settled], FOLDED)
    swap("reason", [one.reason.value for one in settled], FOLDED)
    swap("message", [one.message for one in settled], FOLDED)
    swap("time_to_pass_s", [one.time_to_pass_s for one in settled], pa.float64())
    swap("time_to_pass_lower_s", [one.time_to_pass_lower_s for one in settled], pa.float64())
    swap("attempts", [one.attempts for one in settled], pa.int32())
    stamps = pa.timestamp("us", tz="UTC")
    held = [
        None if one.held_since_s is None else int(start + one.held_since_s * _MICROSECONDS)
        for one, start in zip(settled, runs.started_us, strict=True)
    ]
    swap("held_since", held, stamps)
    if task.policy is not None:
        swap("policy_digest", [task.policy.digest] * len(settled), FOLDED)
    if task.terms is not None:
        swap("timeout_s", [task.terms.timeout_s] * len(settled), pa.float64())
        swap("hold_for_s", [task.terms.hold_for_s] * len(settled), pa.float64())
    at = table.schema.get_field_index("candidate")
    return table.set_column(at, "candidate", pa.array([task.candidate] * len(settled)))


def _as_recorded(own: ArrowTable, why_not: str) -> ArrowTable:
    rows = len(own)
    return _with_source(
        own, np.full(rows, Source.AS_RECORDED.value), np.full(rows, why_not, object), np.ones(rows, bool)
    )


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


def _empty(evaluations: ArrowTable) -> ArrowTable:
    none = evaluations.slice(0, 0)
    return _with_source(none, np.zeros(0, object), np.zeros(0, object), np.zeros(0, bool))


def _texts(table: ArrowTable, name: str) -> Any:
    return table.column(name).combine_chunks().cast(pa.string())


def _plain(type_: Any) -> Any:
    return pa.string() if pa.types.is_dictionary(type_) else type_
