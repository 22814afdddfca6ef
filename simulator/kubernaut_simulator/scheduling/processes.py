"""Partitions carried out by processes of this machine.

A process may die: somebody ends it, or the machine has no memory left for it. The executor is broken then, all of it;
what was not answered is handed to a fresh one. Dying twice over the same partitions is no accident, and said.
Processes are spawned, never forked: Arrow and the policy evaluator have threads, which a fork would not take along.
"""

from __future__ import annotations

import multiprocessing
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import Generic, TypeVar

from kubernaut.errors import SchedulerError
from kubernaut_simulator.scheduling.scheduler import AHEAD_PER_JOB

P = TypeVar("P")
R = TypeVar("R")

MOST_DEATHS = 2
"""Times that processes may die before the same oldest partition is answered."""


class ProcessScheduler:
    """Several partitions at once, each in a process of its own.

    Parameters
    ----------
    jobs : int
        Processes.
    """

    name = "processes"

    def __init__(self, jobs: int) -> None:
        self._jobs = jobs

    def map(self, function: Callable[[P], R], partitions: Iterable[P]) -> Iterator[R]:
        """See `Scheduler.map`."""
        pool = _Pool(self._jobs, function)
        try:
            for partition in partitions:
                pool.hand_out(partition)
                if pool.waiting >= self._jobs * AHEAD_PER_JOB:
                    yield pool.oldest()
            while pool.waiting:
                yield pool.oldest()
        finally:
            pool.close()


class _Pool(Generic[P, R]):
    """An executor, and what it has not answered yet."""

    def __init__(self, jobs: int, function: Callable[[P], R]) -> None:
        self._jobs = jobs
        self._function = function
        self._executor = self._fresh()
        self._waiting: deque[tuple[P, Future[R]]] = deque()

    @property
    def waiting(self) -> int:
        return len(self._waiting)

    def hand_out(self, partition: P) -> None:
        self._waiting.append((partition, self._submitted(partition)))

    def oldest(self) -> R:
        """Give the oldest partition's result."""
        deaths = 0
        while True:
            try:
                found = self._waiting[0][1].result()
            except BrokenProcessPool as error:
                deaths += 1
                if deaths >= MOST_DEATHS:
                    raise SchedulerError(
                        f"worker processes died {deaths} times over {self._waiting[0][0]}: ended from outside, or out "
                        "of memory; use a smaller --partition-size or fewer --jobs"
                    ) from error
                self._begin_again()
            else:
                self._waiting.popleft()
                return found

    def close(self) -> None:
        self._executor.shutdown(cancel_futures=True)

    def _fresh(self) -> ProcessPoolExecutor:
        return ProcessPoolExecutor(self._jobs, mp_context=multiprocessing.get_context("spawn"))

    def _submitted(self, partition: P) -> Future[R]:
        try:
            return self._executor.submit(self._function, partition)
        except BrokenProcessPool as error:
            broken: Future[R] = Future()
            broken.set_exception(error)
            return broken

    def _begin_again(self) -> None:
        self._executor.shutdown(cancel_futures=True)
        self._executor = self._fresh()
        self._waiting = deque(
            (partition, done if _answered(done) else self._submitted(partition)) for partition, done in self._waiting
        )


def _answered(done: Future[R]) -> bool:
    return done.done() and not done.cancelled() and not isinstance(done.exception(), BrokenProcessPool)
