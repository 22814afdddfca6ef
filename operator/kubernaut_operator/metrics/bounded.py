"""Labels whose values people choose: the first so many are shown, the rest together.

A ConfigMap may hold a thousand conditions and a custom resource any number of its own, each with a name. Prometheus
keeps a series for every value that it has ever seen, so nobody may make as many as he likes.
"""

import threading

OTHER = "other"
"""What stands for all values beyond the limit."""


class Bounded:
    """Lets so many values through, first come first served.

    Parameters
    ----------
    limit : int
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._known: set[str] = set()
        self._lock = threading.Lock()

    def __call__(self, value: str) -> str:
        """Give the value, or `OTHER` when it is one too many."""
        with self._lock:
            if value in self._known:
                return value
            if len(self._known) >= self._limit:
                return OTHER
            self._known.add(value)
            return value


class Remembered:
    """Remembers the last so many ids, to count nothing twice."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._known: dict[str, None] = {}
        self._lock = threading.Lock()

    def is_new(self, name: str) -> bool:
        """Say whether an id comes for the first time, as far as is remembered."""
        with self._lock:
            if name in self._known:
                return False
            self._known[name] = None
            if len(self._known) > self._limit:
                del self._known[next(iter(self._known))]
            return True
