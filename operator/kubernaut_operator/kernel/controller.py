"""Workers that take keys from a queue and reconcile them.

`reconcile(key)` reads the object and does what is next; it returns when it wants to be called again at the latest.
What it raises decides what follows: a conflict means somebody else wrote first, so the key is looked at again at once
with fresh eyes; a busy or unreachable API server means back-off; anything else is a mistake of ours, logged with its
trace and backed off.
"""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from time import monotonic

import structlog

from kubernaut.errors import BusyError, ConflictError, KubernautError, LeadershipLostError
from kubernaut_operator.kernel.metrics import KernelMetrics
from kubernaut_operator.kernel.resources import Key
from kubernaut_operator.kernel.work_queue import WorkQueue

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What a reconcile wants.

    Attributes
    ----------
    again_after_s : float or None, unit s
        Call again at the latest after this; None waits for a change.
    """

    again_after_s: float | None = None


class Controller:
    """One kind's workers.

    Parameters
    ----------
    name : str
        As metrics and logs call it.
    reconcile : callable
        Brings one object a step nearer to what is wanted.
    workers : int
        How many keys at once.
    """

    def __init__(self, name: str, reconcile: Callable[[Key], Result], *, workers: int, metrics: KernelMetrics) -> None:
        self.name = name
        self._reconcile = reconcile
        self._metrics = metrics
        self.queue: WorkQueue[Key] = WorkQueue(
            on_waited=lambda waited_s: metrics.waited(name, waited_s),
            on_worked=lambda worked_s: metrics.worked(name, worked_s),
        )
        metrics.watch_queue(name, self.queue, workers=workers)
        self._threads = [
            threading.Thread(target=self._work, name=f"{name} worker {number}", daemon=True)
            for number in range(workers)
        ]

    def start(self) -> None:
        """Start the workers."""
        for thread in self._threads:
            thread.start()

    def end(self, *, limit_s: float) -> bool:
        """Take no new key and wait for the workers; says whether all ended in time."""
        self.queue.end()
        return self.queue.drained(limit_s=limit_s)

    @property
    def alive(self) -> bool:
        """Every worker runs."""
        return all(thread.is_alive() for thread in self._threads)

    def _work(self) -> None:
        while (key := self.queue.get()) is not None:
            began = monotonic()
            outcome = "error"
            try:
                outcome = self._handle(key)
            finally:
                self._metrics.reconciled(self.name, outcome, monotonic() - began)
                self.queue.done(key)

    def _handle(self, key: Key) -> str:
        """Reconcile one key and give controller-runtime's word for how it went."""
        try:
            result = self._reconcile(key)
        except ConflictError as error:
            delay_s = self.queue.add_failed(key)
            _log.debug(
                "somebody else wrote first", controller=self.name, key=str(key), error=str(error), again_in_s=delay_s
            )
            return "requeue"
        except LeadershipLostError:
            # Mostly the process ends now. Where a slow renewal came through after all, nobody else brings the key back.
            self.queue.add_failed(key)
            return "error"
        except KubernautError as error:
            told_s = error.retry_after_s if isinstance(error, BusyError) else None
            delay_s = self.queue.add_failed(key, at_least_s=told_s or 0.0)
            _log.warning("reconcile failed", controller=self.name, key=str(key), error=str(error), again_in_s=delay_s)
            return "error"
        except Exception:  # noqa: BLE001 - logged with its trace, counted and backed off
            # One object that trips over a mistake of ours must not take the others' worker with it.
            delay_s = self.queue.add_failed(key)
            _log.exception("reconcile raised", controller=self.name, key=str(key), again_in_s=delay_s)
            return "error"
        self.queue.forget(key)
        if result.again_after_s is None:
            return "success"
        self.queue.add_after(key, result.again_after_s)
        return "requeue_after"
