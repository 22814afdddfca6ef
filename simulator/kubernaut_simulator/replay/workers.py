"""Who judges in a replay: the caller's evaluator, or workers of its own."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

from kubernaut.policy.batch import Evaluator
from kubernaut.policy.worker.pool import WorkerPool


@contextmanager
def workers_or(given: Evaluator | None) -> Iterator[Evaluator]:
    """Give the caller's evaluator, or without one a worker for each core, which end with the block."""
    if given is not None:
        yield given
        return
    with WorkerPool(len(os.sched_getaffinity(0))) as own:
        yield own
