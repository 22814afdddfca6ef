"""Answers of a few seconds, so that many looks at once do not list all nodes and pods once each.

Whoever asks says how old an answer may be; age counts from before the request was sent. A request that is under way
serves too. What failed is asked anew, and nothing is kept beyond `KEPT_S`, for all pods of a large cluster weigh more
than the operator itself.
"""

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass

from kubernaut.facts.snapshot import Unobserved
from kubernaut_operator.live_facts.fetching import Seen
from kubernaut_operator.live_facts.kinds import Request

KEPT_S = 5.0


@dataclass(frozen=True, slots=True)
class _Entry:
    began: float
    answer: "Future[Seen]"


class ShortCache:
    """Answers by request; safe to share between threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._entries: dict[Request, _Entry] = {}
        self._timer: threading.Timer | None = None

    def ask(self, request: Request, start: "Callable[[], Future[Seen]]", *, max_age_s: float) -> "Future[Seen]":
        """Give an answer that began at most `max_age_s` ago, or start the request.

        Parameters
        ----------
        start : callable
            Sends the request; called at most once.
        """
        now = time.monotonic()
        with self._lock:
            entry = self._entries.get(request)
            if entry is not None and now - entry.began <= min(max_age_s, KEPT_S) and not _failed(entry.answer):
                return entry.answer
            started = _Entry(now, start())
            self._entries[request] = started
            if self._timer is None:
                self._wait_to_forget()
            return started.answer

    def close(self) -> None:
        """Forget everything."""
        with self._lock:
            self._entries.clear()
            if self._timer is not None:
                self._timer.cancel()

    def _wait_to_forget(self) -> None:
        self._timer = threading.Timer(KEPT_S, self._forget)
        self._timer.daemon = True
        self._timer.start()

    def _forget(self) -> None:
        with self._lock:
            now = time.monotonic()
            self._entries = {key: one for key, one in self._entries.items() if now - one.began <= KEPT_S}
            self._timer = None
            if self._entries:
                self._wait_to_forget()


def _failed(answer: "Future[Seen]") -> bool:
    return answer.done() and (answer.cancelled() or isinstance(answer.result(), Unobserved))
