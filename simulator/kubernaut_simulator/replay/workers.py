"""Who judges in a replay: the caller's evaluator, or workers of its own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from kubernaut.policy.batch import Evaluator
from kubernaut.policy.worker.pool import WorkerPool
from kubernaut_simulator.scheduling.scheduler import own_cores


@contextmanager
def workers_or(given: Evaluator | None) -> Iterator[Evaluator]:
    """Give the caller's evaluator, or without one a worker for each core, which end with the block."""
    if given is not None:
        yield given
        return
    with WorkerPool(own_cores()) as own:
        yield own
