"""The operator's evaluator: a few policy workers, and an Error verdict where none answers.

One worker serves while nothing hangs; a policy that takes its two seconds keeps only its own worker busy, because
another is started then and ended again when it has had nothing to do. A worker that cannot be started or reached -
its container restarts - gives Errors at once: an enforced one blocks or is polled again, and no thread waits for a
socket that is not there.
"""

import threading
from time import monotonic

import structlog

from kubernaut.errors import EvaluatorError
from kubernaut.policy.batch import InputBatch, VerdictBatch
from kubernaut.policy.compiled import CompiledPolicy
from kubernaut.policy.worker.client import WorkerEvaluator
from kubernaut.policy.worker.limits import Limits
from kubernaut.verdicts import Code, Judgement, Reason
from kubernaut_operator.condition_sets.later import Later

WORKERS = 3
"""Judging at once. A judgement takes a tenth of a millisecond; the others are for when one hangs."""

PATIENCE_S = 1.0
"""How long a worker may be at one policy before another is started: most take a thousandth of it."""

IDLE_S = 60.0
"""Workers beyond the first are ended when they had nothing to do for so long."""

AGAIN_S = 1.0
"""After a worker could not be reached, the next try comes so much later."""

OPERATOR_LIMITS = Limits(
    wall_time_s=2.0, batch_time_s=10.0, memory_mib=128, failures=2, start_time_s=10.0, connect_time_s=0.25
)
"""A suite is a dozen inputs, not a history of a million; nobody waits for a container that restarts."""

_ENDING = "the operator is ending"

_log = structlog.get_logger(__name__)


class EvaluatorPool:
    """Satisfies `Evaluator` for any number of threads; call `close` at the end.

    Parameters
    ----------
    size : int
        Workers at the most.
    limits : Limits
        Of each.
    socket_path : str or None
        Where the worker container listens; None starts processes of our own.
    """

    def __init__(
        self,
        *,
        size: int = WORKERS,
        limits: Limits = OPERATOR_LIMITS,
        socket_path: str | None = None,
        patience_s: float = PATIENCE_S,
        idle_s: float = IDLE_S,
    ) -> None:
        self._size = size
        self._limits = limits
        self._socket_path = socket_path
        self._patience_s = patience_s
        self._idle_s = idle_s
        self._changed = threading.Condition()
        self._free: list[tuple[WorkerEvaluator, float]] = []
        self._made: set[WorkerEvaluator] = set()
        # Since when each worker is at what it was given; those that are still starting are not there.
        self._busy_since: dict[WorkerEvaluator, float] = {}
        self._ended_restarts = 0
        self._away_until_s = 0.0
        self._why_away = ""
        self._closed = False
        self._reaper = Later(self._reap, name="policy workers' end")

    def evaluate(self, policy: CompiledPolicy, batch: InputBatch) -> VerdictBatch:
        """Judge every input of the batch; whatever fails gives `Code.ERROR`, never an exception."""
        why = self._away()
        if why:
            return _unavailable(why, len(batch))
        worker = self._take()
        if worker is None:
            return _unavailable(_ENDING, len(batch))
        try:
            self._start(worker)
            found = worker.evaluate(policy, batch)
        except EvaluatorError as error:
            self._note_away(str(error))
            return _unavailable(str(error), len(batch))
        finally:
            self._give_back(worker)
        self._note_there()
        return found

    @property
    def restarts(self) -> int:
        """Workers that ended by a limit, a crash or somebody's hand, and were replaced."""
        with self._changed:
            return self._ended_restarts + sum(worker.restarts for worker in self._made)

    @property
    def workers(self) -> int:
        """Workers there are now."""
        with self._changed:
            return len(self._made)

    def available(self) -> str:
        """Give why no worker answers, or nothing: for `/readyz`. Asks again where none did."""
        with self._changed:
            why = self._why_away
        if not why or self._away():
            return why
        worker = self._take()
        if worker is None:
            return _ENDING
        try:
            self._start(worker)
        except EvaluatorError as error:
            self._note_away(str(error))
            return str(error)
        finally:
            self._give_back(worker)
        self._note_there()
        return ""

    def close(self) -> None:
        """End all workers."""
        with self._changed:
            self._closed = True
            made, self._made, self._free = self._made, set(), []
            self._changed.notify_all()
        self._reaper.cancel()
        for worker in made:
            worker.close()

    def _take(self) -> WorkerEvaluator | None:
        """Wait for a worker, and give another one only where all are long at their work; None at the end."""
        with self._changed:
            while not self._closed:
                # The last one given back first: so the others become idle.
                if self._free:
                    return self._free.pop()[0]
                left_s = self._patience_left_s()
                if left_s <= 0:
                    worker = WorkerEvaluator(self._limits, socket_path=self._socket_path)
                    self._made.add(worker)
                    return worker
                self._changed.wait(left_s)
        return None

    def _patience_left_s(self) -> float:
        """Give how long to wait for one of the workers there are. The caller holds the lock."""
        if not self._made:
            return 0.0
        if len(self._made) >= self._size or len(self._busy_since) < len(self._made):
            return self._patience_s
        return max(self._busy_since.values()) + self._patience_s - monotonic()

    def _start(self, worker: WorkerEvaluator) -> None:
        worker.start()
        with self._changed:
            self._busy_since[worker] = monotonic()

    def _give_back(self, worker: WorkerEvaluator) -> None:
        with self._changed:
            self._busy_since.pop(worker, None)
            if self._closed:
                return
            self._free.append((worker, monotonic()))
            self._changed.notify()
            several = len(self._made) > 1
        if several:
            self._reaper.run_in(self._idle_s)

    def _reap(self) -> None:
        now_s = monotonic()
        with self._changed:
            idle = [one for one, used_s in self._free if now_s - used_s >= self._idle_s]
            idle = idle[: len(self._made) - 1]
            self._free = [(one, used_s) for one, used_s in self._free if one not in idle]
            self._made.difference_update(idle)
            self._ended_restarts += sum(one.restarts for one in idle)
            again = len(self._made) > 1 and not self._closed
        for one in idle:
            one.close()
        if again:
            self._reaper.run_in(self._idle_s)

    def _away(self) -> str:
        with self._changed:
            if self._closed:
                return _ENDING
            return self._why_away if monotonic() < self._away_until_s else ""

    def _note_away(self, why: str) -> None:
        with self._changed:
            known = self._why_away == why
            self._why_away = why
            self._away_until_s = monotonic() + AGAIN_S
        if not known:
            _log.error("the policy worker is away: conditions are Errors meanwhile", reason=why)

    def _note_there(self) -> None:
        with self._changed:
            was_away, self._why_away = bool(self._why_away), ""
        if was_away:
            _log.info("the policy worker answers again")


def _unavailable(why: str, count: int) -> VerdictBatch:
    judgement = Judgement(Code.ERROR, Reason.EVALUATOR_UNAVAILABLE, f"it could not be judged: {why}")
    return VerdictBatch(answers=(0,) * count, dictionary=(judgement,))
