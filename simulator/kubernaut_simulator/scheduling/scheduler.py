"""The seam: a function mapped over partitions, results streamed in the order of the partitions.

Order is part of the contract. Whoever merges sees the same sequence whichever partition was done first, so a merge that
is a fold from the left gives the same answer to the bit on every scheduler.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future
from typing import Protocol, TypeVar

P = TypeVar("P")
R = TypeVar("R")

AHEAD_PER_JOB = 2
"""Partitions handed out per worker before the oldest is waited for: none idles, and results cannot pile up."""


class Scheduler(Protocol):
    """Carries out work on partitions."""

    @property
    def name(self) -> str:
        """What a person wrote to get it."""
        ...

    def map(self, function: Callable[[P], R], partitions: Iterable[P]) -> Iterator[R]:
        """Give the function's result for each partition, in their order, as they become available.

        Parameters
        ----------
        function : callable
            Importable by name and picklable with what it carries, except for schedulers of this process. It may be
            run more than once for one partition, when a worker dies over it.
        partitions : iterable
            Picklable; taken only as fast as results are, so that a long list never lies in memory.

        Raises
        ------
        SchedulerError
            Workers cannot be had, or die over the same work again.
        KubernautError
            Whatever the function raises.
        """
        ...


def in_order(submit: Callable[[P], Future[R]], partitions: Iterable[P], *, ahead: int) -> Iterator[R]:
    """Hand partitions out, `ahead` of them at once, and give the results in order."""
    waiting: deque[Future[R]] = deque()
    for partition in partitions:
        waiting.append(submit(partition))
        if len(waiting) >= ahead:
            yield waiting.popleft().result()
    while waiting:
        yield waiting.popleft().result()


def own_cores() -> int:
    """Give the cores that this process may use."""
    return len(os.sched_getaffinity(0))
