"""A replay cut into partitions: what one of them is asked, and how the answers become one.

A partition holds whole incidents: every row of an incident, from wherever it lies, is in one of them. So each can be
replayed and can vote by itself, with the same functions as a whole history, and merging has no rule of its own
(`merging`). What travels is the partition (a place in files, or small tables), the policies, and back come counts and
votes. Each partition has a policy worker of its own, which ends with it, and judges its distinct inputs anew: memory
follows the partition, and the answer does not depend on who did which partition before.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TypeVar

import pandas as pd

from kubernaut.errors import InputError
from kubernaut.policy.worker.client import WorkerEvaluator
from kubernaut_simulator.estimation.votes import Votes, cast_votes
from kubernaut_simulator.history.history import History
from kubernaut_simulator.history.partition import PARTITION_EVALUATIONS, Partition, held_partitions
from kubernaut_simulator.history.reading import ReadReport
from kubernaut_simulator.history.stored import StoredHistory, merged_reports
from kubernaut_simulator.progress import Progress, silent
from kubernaut_simulator.replay.merging import NEVER_YOUNG, MergedReplay, merge_votes
from kubernaut_simulator.replay.replaying import Part, Replaying
from kubernaut_simulator.replay.tasks import Conditions, nothing_replayed
from kubernaut_simulator.replay.totals import ReplayTotals, summed, totals_of
from kubernaut_simulator.scheduling.local import LocalScheduler
from kubernaut_simulator.scheduling.parsing import parse_scheduler
from kubernaut_simulator.scheduling.scheduler import Scheduler

R = TypeVar("R")


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """How work on a history is cut and who does it.

    Attributes
    ----------
    scheduler : Scheduler
    partition_evaluations : int
        Evaluations of a partition, about: an incident is never cut.
    """

    scheduler: Scheduler = field(default_factory=LocalScheduler)
    partition_evaluations: int = PARTITION_EVALUATIONS


def work_for(
    scheduler: Scheduler | str | None, *, jobs: int | None = None, partition_evaluations: int | None = None
) -> Work | None:
    """Say how work is cut and done, from what a person wrote; None where nothing was said.

    Raises
    ------
    InputError
        No such scheduler, or numbers that do not go with it.
    """
    if scheduler is None and jobs is None and partition_evaluations is None:
        return None
    if scheduler is None:
        raise InputError("jobs and partition size are of work in partitions: name a scheduler too")
    if partition_evaluations is not None and partition_evaluations < 1:
        raise InputError(f"a partition of {partition_evaluations} evaluations: at least 1")
    by = parse_scheduler(scheduler, jobs=jobs) if isinstance(scheduler, str) else scheduler
    return Work(scheduler=by, partition_evaluations=partition_evaluations or PARTITION_EVALUATIONS)


@dataclass(frozen=True, slots=True, kw_only=True)
class PartAnswer:
    """What one partition came to.

    Attributes
    ----------
    totals, votes : ReplayTotals, Votes or None
        None when nothing of it was to be replayed.
    newest : Timestamp
        When its newest row was recorded.
    report : ReadReport
        How its rows were read.
    """

    totals: ReplayTotals | None
    votes: Votes | None
    newest: pd.Timestamp
    report: ReadReport


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayPart:
    """The function that replays one partition."""

    conditions: Conditions | None
    fold: bool
    judge_all: bool
    label_age_s: float

    def __call__(self, partition: Partition) -> PartAnswer:
        """Replay it, count and vote."""
        history = partition.history()
        newest = history.as_of
        part = Part(evaluations=history.evaluations, attempts=history.attempts, policies=history.policies)
        with (
            WorkerEvaluator() as evaluator,
            Replaying(evaluator, self.conditions, fold=self.fold, judge_all=self.judge_all) as replaying,
        ):
            tables = list(replaying.replay([part]))
            if not tables:
                return PartAnswer(totals=None, votes=None, newest=newest, report=history.report)
            replayed = replaying.joined(tables)
        votes = cast_votes(
            replayed.table, history.executions, history.workflows, as_of=NEVER_YOUNG, label_age_s=self.label_age_s
        )
        return PartAnswer(totals=totals_of(replayed), votes=votes, newest=newest, report=history.report)


def replay_partitions(
    history: History | StoredHistory,
    work: Work,
    *,
    conditions: Conditions | None,
    fold: bool,
    judge_all: bool,
    label_age_s: float,
    progress: Progress = silent,
) -> MergedReplay:
    """Replay a history partition by partition.

    Raises
    ------
    HistoryError
        There is nothing to replay.
    SchedulerError
        The scheduler cannot be used.
    """
    totals, newest, reports = [], [], []
    votes: list[Votes] = []
    ask = ReplayPart(conditions=conditions, fold=fold, judge_all=judge_all, label_age_s=label_age_s)
    for answer in mapped(ask, history, work, progress=progress):
        newest.append(answer.newest)
        reports.append(answer.report)
        if answer.totals is not None and answer.votes is not None:
            totals.append(answer.totals)
            votes.append(answer.votes)
    if not totals:
        raise nothing_replayed(conditions)
    return MergedReplay(
        totals=summed(totals),
        votes=merge_votes(votes, as_of=max(newest)),
        report=merged_reports([history.report, *reports] if isinstance(history, StoredHistory) else [history.report]),
    )


def mapped(
    function: Callable[[Partition], R], history: History | StoredHistory, work: Work, *, progress: Progress = silent
) -> Iterator[R]:
    """Map a function over a history's partitions, in their order."""
    size = work.partition_evaluations
    partitions: Iterator[Partition]
    if isinstance(history, StoredHistory):
        stored = history.partitions(evaluations=size, progress=progress)
        count, partitions = len(stored), iter(stored)
    else:
        count, partitions = held_partitions(history, evaluations=size)
    progress("partitions", 0, count)
    for done, answer in enumerate(work.scheduler.map(function, partitions), start=1):
        progress("partitions", done, count)
        yield answer
