"""Replay a history: recorded looks, judged and settled by the engine, as a table of evaluations.

The rows that come out have the columns of evaluations, with verdict, reason, message and times replaced by what the
engine says now, and beside them what was recorded and whether the record could answer (`replayed_table`). A history
may come in parts; memory follows the part and not the whole.
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Self

import numpy as np
import pyarrow as pa

from kubernaut.identity import ConditionId
from kubernaut.policy.batch import Evaluator
from kubernaut.policy.compiled import CompiledPolicy
from kubernaut_simulator.estimation.columns import Columns
from kubernaut_simulator.history.arrow_schema import ArrowTable
from kubernaut_simulator.progress import Progress, silent
from kubernaut_simulator.replay.folding import FoldingJudge
from kubernaut_simulator.replay.inputs import LookInputs
from kubernaut_simulator.replay.looks import LookTimes, Owners
from kubernaut_simulator.replay.recorded_answers import RecordedAnswers, ask_or_recall
from kubernaut_simulator.replay.task_steps import AskedTask, SettlingTask, finished, settled
from kubernaut_simulator.replay.tasks import (
    Conditions,
    Task,
    nothing_replayed,
    recorded_tasks,
    rows_by_condition,
    tasks_by,
)

TASKS_AHEAD = 8
"""Tasks handed to the evaluator before the oldest is waited for."""


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
    recorded, seen : frozenset of ConditionId
        Conditions with an evaluation, and those of them that were replayed.
    """

    table: ArrowTable
    looks: int
    judged: int
    recorded: frozenset[ConditionId]
    seen: frozenset[ConditionId]


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
    with Replaying(evaluator, conditions, fold=fold) as replaying:
        part = Part(evaluations=evaluations, attempts=attempts, policies=policies)
        return replaying.joined(list(replaying.replay([part], progress=progress)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A part of a history that can be replayed alone: every evaluation with its attempts and its policy."""

    evaluations: ArrowTable
    attempts: ArrowTable
    policies: ArrowTable


class Replaying:
    """Replays parts of a history one after the other; what was judged in one is known in the next.

    Parameters
    ----------
    evaluator : Evaluator
    conditions : mapping of Level to CompiledSet, or None
        None replays each evaluation by its own recorded policy on the recorded terms.
    fold : bool
    judge_all : bool
        False: where `conditions` leave a policy and its numbers as recorded, its attempts are the answers.

    Notes
    -----
    While the evaluator judges one task, the next is read here; it is spoken to from one thread.
    """

    def __init__(
        self, evaluator: Evaluator, conditions: Conditions | None, *, fold: bool = True, judge_all: bool = False
    ) -> None:
        self._evaluator = evaluator
        self._conditions = conditions
        self._fold = fold
        # By the recorded policies alone, a replay is a check of the record, which cannot be its own witness.
        self._recall = conditions is not None and not judge_all
        self._judges: dict[tuple[str, str | None], FoldingJudge] = {}
        self._executor = ThreadPoolExecutor(1, thread_name_prefix="replay")
        self._seen: set[ConditionId] = set()
        self._recorded: set[ConditionId] = set()
        self.looks = 0
        """Looks replayed so far."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._executor.shutdown(cancel_futures=True)

    @property
    def judged(self) -> int:
        """Inputs that went through the evaluator so far."""
        return sum(judge.judged for judge in self._judges.values())

    def replay(self, parts: Iterable[Part], *, progress: Progress = silent) -> Iterator[ArrowTable]:
        """Give each part's replayed evaluations, task after task.

        Raises
        ------
        EvaluatorError
            The evaluator itself is not there.
        """
        waiting: deque[AskedTask] = deque()
        settling: deque[SettlingTask | ArrowTable] = deque()
        for part in parts:
            tasks = self._tasks(part)
            times, inputs = LookTimes.of(part.attempts), LookInputs(part.attempts)
            recorded, owners = RecordedAnswers(part.attempts), Owners.of(part.evaluations, part.attempts)
            for done, task in enumerate(tasks):
                progress("replay", done, len(tasks))
                waiting.append(
                    self._ask(task, part.evaluations, owners=owners, times=times, inputs=inputs, recorded=recorded)
                )
                if len(waiting) > TASKS_AHEAD:
                    settling.append(settled(waiting.popleft()))
                if len(settling) > TASKS_AHEAD:
                    yield finished(settling.popleft())
            progress("replay", len(tasks), len(tasks))
        settling.extend(map(settled, waiting))
        yield from map(finished, settling)

    def joined(self, tables: Sequence[ArrowTable]) -> ReplayedEvaluations:
        """Make one result of all parts.

        Raises
        ------
        HistoryError
            None of the conditions given was ever recorded.
        """
        if not tables:
            raise nothing_replayed(self._conditions)
        table = pa.concat_tables(tables, promote_options="permissive").unify_dictionaries()
        return ReplayedEvaluations(
            table=table,
            looks=self.looks,
            judged=self.judged,
            recorded=frozenset(self._recorded),
            seen=frozenset(self._seen),
        )

    def _tasks(self, part: Part) -> list[Task]:
        by_condition = rows_by_condition(Columns(part.evaluations, name="evaluation", needed=()))
        self._recorded |= {condition for condition, _ in by_condition}
        tasks = list(
            recorded_tasks(part.evaluations, part.policies)
            if self._conditions is None
            else tasks_by(part.evaluations, self._conditions)
        )
        self._seen |= {task.condition for task in tasks}
        return tasks

    def _ask(
        self,
        task: Task,
        evaluations: ArrowTable,
        *,
        owners: Owners,
        times: LookTimes,
        inputs: LookInputs,
        recorded: RecordedAnswers,
    ) -> AskedTask:
        own = evaluations.take(pa.array(task.rows))
        first, places = owners.looks_of(task.rows)
        if task.policy is None:
            return AskedTask(
                task=task,
                own=own,
                judge=None,
                inputs=inputs,
                places=places,
                numbers=places[:0],
                by_record=np.zeros(0, bool),
                first=first,
                times=None,
            )
        judge = self._judge(task.policy, task.settings)
        self.looks += len(places)
        if self._recall:
            numbers, by_record = ask_or_recall(
                judge, recorded, inputs, places, policy=task.policy, settings=task.settings
            )
        else:
            numbers, by_record = judge.ask(inputs, places), np.zeros(len(places), bool)
        return AskedTask(
            task=task,
            own=own,
            judge=judge,
            inputs=inputs,
            places=places,
            numbers=numbers,
            by_record=by_record,
            first=first,
            times=times.take(places),
        )

    def _judge(self, policy: CompiledPolicy, settings: Mapping[str, float] | None) -> FoldingJudge:
        key = (policy.digest, None if settings is None else json.dumps(settings, sort_keys=True))
        if key not in self._judges:
            self._judges[key] = FoldingJudge(
                self._evaluator, policy, settings=settings, fold=self._fold, executor=self._executor
            )
        return self._judges[key]
