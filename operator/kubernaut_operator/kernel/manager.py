"""One process: endpoints first, then the lead, then watches and workers; and an orderly end.

SIGTERM and SIGINT drain: workers finish the key that they have, then the lead is given back. A lost lead ends the
process at once with exit code 1: whatever it believes may be out of date, and a fresh start finds the truth.
"""

import os
import signal
import threading
from collections.abc import Sequence
from time import monotonic

import structlog
from prometheus_client import CollectorRegistry

from kubernaut_operator.kernel.controller import Controller
from kubernaut_operator.kernel.leadership import Leadership
from kubernaut_operator.kernel.serving import Check, Endpoints
from kubernaut_operator.kernel.watching import Watcher

DRAIN_LIMIT_S = 25.0
"""Below the 30 s that Kubernetes gives a pod to end."""

STUCK_S = 300.0
"""A worker that has had one key for so long is stuck: no reconcile waits, and every call has a limit far below."""

_log = structlog.get_logger(__name__)


class Manager:
    """Runs controllers until the process is asked to end.

    Parameters
    ----------
    leadership : Leadership or None
        None for a single process that needs no lead.
    healthy, ready : mapping of str to Check
        Further conditions of `/healthz` and `/readyz`.
    """

    def __init__(
        self,
        *,
        registry: CollectorRegistry,
        controllers: Sequence[Controller],
        watchers: Sequence[Watcher],
        leadership: Leadership | None,
        host: str,
        port: int,
        healthy: dict[str, Check] | None = None,
        ready: dict[str, Check] | None = None,
        stuck_s: float = STUCK_S,
    ) -> None:
        self._controllers = controllers
        self._watchers = watchers
        self._leadership = leadership
        self._stuck_s = stuck_s
        self._ending = threading.Event()
        self._striving = False
        self._leading = False
        self.endpoints = Endpoints(
            registry,
            host=host,
            port=port,
            healthy={"workers": self._stuck, "threads": self._dead, **(healthy or {})},
            ready={"watches": self._unsynced, **(ready or {})},
        )

    def run(self) -> int:
        """Run until a signal asks for the end, and give the exit code.

        Must be called from the main thread, which receives signals.
        """
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: self._ending.set())
        self.endpoints.start()
        _log.info("listening", port=self.endpoints.port)
        if self._leadership is not None:
            self._leadership.start()
            self._striving = True
            while not self._ending.is_set() and not self._leadership.wait(0.2):
                pass
        if not self._ending.is_set():
            for controller in self._controllers:
                controller.start()
            for watcher in self._watchers:
                watcher.start()
            # Only now: a worker that has not begun yet must not count as one that ended.
            self._leading = True
            self._ending.wait()
        return self._drain()

    def end(self) -> None:
        """Ask for the end, as a signal does."""
        self._ending.set()

    def _drain(self) -> int:
        until = monotonic() + DRAIN_LIMIT_S
        _log.info("draining")
        for watcher in self._watchers:
            watcher.end()
        drained = [controller.end(limit_s=max(until - monotonic(), 0.0)) for controller in self._controllers]
        # With a worker still at it the lead ends by itself: nobody may follow while its last write is on the way.
        if self._leadership is not None and all(drained):
            self._leadership.end()
        self.endpoints.end()
        _log.info("ended", drained=all(drained))
        return 0 if all(drained) else 1

    def _stuck(self) -> str:
        stuck = [
            f"{controller.name} has had a key for {longest_s:.0f} s"
            for controller in self._controllers
            if (longest_s := controller.queue.figures().longest_s) > self._stuck_s
        ]
        return "; ".join(stuck)

    def _dead(self) -> str:
        if self._ending.is_set():
            return ""
        if self._striving and self._leadership is not None and not self._leadership.alive:
            return "the thread that keeps the lead ended"
        if not self._leading:
            return ""
        dead = [f"a worker of {controller.name} ended" for controller in self._controllers if not controller.alive]
        dead += [f"the watch of {watcher.resource} ended" for watcher in self._watchers if not watcher.alive]
        return "; ".join(dead)

    def _unsynced(self) -> str:
        # A replica that waits for the lead is as ready as it can be.
        if not self._leading:
            return ""
        return "; ".join(f"{watcher.resource} not listed yet" for watcher in self._watchers if not watcher.synced)


def leave_at_once() -> None:
    """End the process now, without draining: what `Leadership` calls when the lead is lost."""
    os._exit(1)
