"""One task on its way: its looks asked for, its evaluations settled, its rows written.

Each step may wait for the evaluator; whoever calls them keeps other tasks between, so that it is never idle. Which
tasks there are, and in which order, is said by `replaying`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kubernaut.verdicts import Reason, Verdict
from kubernaut_simulator.estimation.columns import NO_INSTANT, Columns
from kubernaut_simulator.history.arrow_schema import ArrowTable
from kubernaut_simulator.replay.folding import FoldingJudge
from kubernaut_simulator.replay.inputs import LookInputs
from kubernaut_simulator.replay.looks import LookTimes
from kubernaut_simulator.replay.own_messages import Settling
from kubernaut_simulator.replay.replayed_table import as_recorded, replaced
from kubernaut_simulator.replay.settling import Looks, RecordedRuns
from kubernaut_simulator.replay.tasks import Task

_MICROSECONDS = 1e6


@dataclass(frozen=True, slots=True, kw_only=True)
class AskedTask:
    """A task whose looks were handed to the evaluator."""

    task: Task
    own: ArrowTable
    judge: FoldingJudge | None
    inputs: LookInputs
    places: NDArray[np.int64]
    numbers: NDArray[np.int64]
    by_record: NDArray[np.bool_]
    first: NDArray[np.int64]
    times: LookTimes | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SettlingTask:
    """A task whose evaluations are settled but for their messages."""

    asked: AskedTask
    runs: RecordedRuns
    settling: Settling


def settled(asked: AskedTask) -> SettlingTask | ArrowTable:
    """Settle a task's evaluations and ask for the messages that they show."""
    task, judge = asked.task, asked.judge
    if judge is None or asked.times is None:
        return as_recorded(asked.own, task.why_not)
    answer = judge.answered(asked.numbers)
    runs = _recorded_runs(asked.own)
    settling = Settling(
        judge,
        asked.inputs,
        asked.places,
        phase=task.condition.phase,
        runs=runs,
        looks=Looks(
            first=asked.first,
            times=asked.times,
            answer=answer,
            dictionary=judge.dictionary,
            by_another=judge.by_another(answer) & ~asked.by_record,
        ),
        timeout_s=task.terms.timeout_s if task.terms else None,
        hold_for_s=task.terms.hold_for_s if task.terms else None,
    )
    return SettlingTask(asked=asked, runs=runs, settling=settling)


def finished(found: SettlingTask | ArrowTable) -> ArrowTable:
    """Wait for the messages and give the task's rows with what the engine says now."""
    if not isinstance(found, SettlingTask):
        return found
    return replaced(found.asked.task, found.asked.own, found.runs.started_us, found.settling.finished())


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
