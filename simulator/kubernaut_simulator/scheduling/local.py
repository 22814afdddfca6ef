"""Partitions carried out in this process: one after the other, or by threads.

Threads share one interpreter. They help where the work waits for the policy workers, which are processes of their own,
and less where it is Python itself; nothing has to be picklable.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from kubernaut_simulator.scheduling.scheduler import AHEAD_PER_JOB, in_order

P = TypeVar("P")
R = TypeVar("R")


class LocalScheduler:
    """One partition after the other, here."""

    name = "local"

    def map(self, function: Callable[[P], R], partitions: Iterable[P]) -> Iterator[R]:
        """See `Scheduler.map`."""
        return map(function, partitions)


class ThreadScheduler:
    """Several partitions at once, in threads of this process.

    Parameters
    ----------
    jobs : int
        Threads.
    """

    name = "threads"

    def __init__(self, jobs: int) -> None:
        self._jobs = jobs

    def map(self, function: Callable[[P], R], partitions: Iterable[P]) -> Iterator[R]:
        """See `Scheduler.map`."""
        executor = ThreadPoolExecutor(self._jobs, thread_name_prefix="partition")
        try:
            yield from in_order(
                lambda partition: executor.submit(function, partition), partitions, ahead=self._jobs * AHEAD_PER_JOB
            )
        finally:
            executor.shutdown(cancel_futures=True)
