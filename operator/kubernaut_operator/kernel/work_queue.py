"""Keys that wait to be looked at, with client-go's semantics: each is worked on by one worker at a time and waits once.

A key that is added while a worker has it is handed out again after `done`, so no change is lost and none is worked on
twice at once. `add_after` keeps the earliest of the asked moments. `add_failed` backs off per key and holds an
overall rate. The clock is an argument; the queue itself never sleeps but in `get`.

References
----------
client-go, `util/workqueue`: queue.go, delaying_queue.go, default_rate_limiters.go.
"""

import heapq
import threading
from collections import deque
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from time import monotonic
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)

BASE_DELAY_S = 0.005
LONGEST_DELAY_S = 1000.0
RATE_PER_S = 10.0
BURST = 100
"""client-go's defaults for controllers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueFigures:
    """What metrics tell of a queue.

    Attributes
    ----------
    depth : int
        Keys that wait now.
    adds, retries : int
        Since the start.
    unfinished_s, longest_s : float, unit s
        Time that the workers have spent on the keys that they have now, in all and the longest.
    """

    depth: int
    adds: int
    retries: int
    unfinished_s: float
    longest_s: float


class WorkQueue(Generic[K]):
    """A queue of keys for several workers.

    Parameters
    ----------
    clock : callable
        Monotonic seconds.
    on_waited, on_worked : callable or None
        Told how long a key waited before it was handed out, and how long it was worked on, unit s.
    """

    def __init__(
        self,
        *,
        clock: Callable[[], float] = monotonic,
        on_waited: Callable[[float], None] | None = None,
        on_worked: Callable[[float], None] | None = None,
    ) -> None:
        self._clock = clock
        self._on_waited = on_waited or _ignore
        self._on_worked = on_worked or _ignore
        self._changed = threading.Condition()
        self._ready: deque[K] = deque()
        self._waiting: dict[K, float] = {}
        self._working: dict[K, float] = {}
        self._again: set[K] = set()
        self._later: list[tuple[float, int, K]] = []
        self._due: dict[K, float] = {}
        self._order = 0
        self._failures: dict[K, int] = {}
        self._bucket = _Bucket(rate_per_s=RATE_PER_S, burst=BURST, now=clock())
        self._adds = 0
        self._retries = 0
        self._ending = False

    def add(self, key: K) -> None:
        """Have a key looked at as soon as a worker is free."""
        with self._changed:
            self._add(key)

    def add_after(self, key: K, delay_s: float) -> None:
        """Have a key looked at after a time; the earliest of several moments counts."""
        with self._changed:
            self._add_at(key, self._clock() + delay_s)

    def add_failed(self, key: K, *, at_least_s: float = 0.0) -> float:
        """Have a key looked at again after its back-off, and give that delay, unit s.

        Parameters
        ----------
        at_least_s : float, unit s
            What the API server asked to wait.
        """
        with self._changed:
            failures = self._failures.get(key, 0)
            self._failures[key] = failures + 1
            self._retries += 1
            now = self._clock()
            backoff_s = min(BASE_DELAY_S * 2.0 ** min(failures, 64), LONGEST_DELAY_S)
            delay_s = max(backoff_s, self._bucket.wait_s(now), at_least_s)
            self._add_at(key, now + delay_s)
            return delay_s

    def forget(self, key: K) -> None:
        """Let a key's back-off begin anew: it went well."""
        with self._changed:
            self._failures.pop(key, None)

    def get(self, *, limit_s: float | None = None) -> K | None:
        """Wait for a key and take it; `done` must follow.

        Parameters
        ----------
        limit_s : float or None, unit s
            Longest wait; None waits for ever.

        Returns
        -------
        key or None
            None when the queue ended, or the wait did.
        """
        until = None if limit_s is None else self._clock() + limit_s
        with self._changed:
            while True:
                now = self._clock()
                self._wake_due(now)
                if self._ready and not self._ending:
                    return self._hand_out(now)
                if self._ending or (until is not None and now >= until):
                    return None
                moments = [
                    moment for moment in (until, self._later[0][0] if self._later else None) if moment is not None
                ]
                self._changed.wait(None if not moments else max(min(moments) - now, 0.0))

    def done(self, key: K) -> None:
        """Give a key back."""
        with self._changed:
            self._on_worked(self._clock() - self._working.pop(key))
            if key in self._again:
                self._again.discard(key)
                self._ready.append(key)
                self._waiting[key] = self._clock()
            self._changed.notify_all()

    def end(self) -> None:
        """Hand out nothing any more; `get` gives None from now on."""
        with self._changed:
            self._ending = True
            self._changed.notify_all()

    def drained(self, *, limit_s: float) -> bool:
        """Wait until no worker has a key; says whether that came within the limit."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._working, timeout=limit_s)

    def figures(self) -> QueueFigures:
        """Give what metrics tell."""
        with self._changed:
            now = self._clock()
            ages = [now - since for since in self._working.values()]
            return QueueFigures(
                depth=len(self._ready),
                adds=self._adds,
                retries=self._retries,
                unfinished_s=sum(ages),
                longest_s=max(ages, default=0.0),
            )

    def _add(self, key: K) -> None:
        if self._ending:
            return
        if key in self._working:
            if key not in self._again:
                self._again.add(key)
                self._adds += 1
            return
        if key not in self._waiting:
            self._adds += 1
            self._waiting[key] = self._clock()
            self._ready.append(key)
            self._changed.notify_all()

    def _add_at(self, key: K, moment: float) -> None:
        now = self._clock()
        # What is due already must not swallow a later moment that is asked for now.
        self._wake_due(now)
        if moment <= now:
            self._add(key)
        elif moment < self._due.get(key, float("inf")):
            self._due[key] = moment
            self._order += 1
            heapq.heappush(self._later, (moment, self._order, key))
            self._changed.notify_all()

    def _wake_due(self, now: float) -> None:
        while self._later and self._later[0][0] <= now:
            moment, _, key = heapq.heappop(self._later)
            # An entry whose key got an earlier moment later on is stale.
            if self._due.get(key) == moment:
                del self._due[key]
                self._add(key)

    def _hand_out(self, now: float) -> K:
        key = self._ready.popleft()
        self._on_waited(now - self._waiting.pop(key))
        self._working[key] = now
        return key


@dataclass(slots=True, kw_only=True)
class _Bucket:
    """A token bucket that may go into debt: each request is told when its token will be there."""

    rate_per_s: float
    burst: int
    now: float
    used: float = 0.0

    def wait_s(self, now: float) -> float:
        self.used = max(self.used - (now - self.now) * self.rate_per_s, 0.0) + 1
        self.now = now
        return max(self.used - self.burst, 0.0) / self.rate_per_s


def _ignore(_: float) -> None:
    return
