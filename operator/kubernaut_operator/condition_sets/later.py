"""Something to do once, later, in a thread of its own: how idle workers are ended."""

import threading
from collections.abc import Callable


class Later:
    """Runs a function some time from now; while that is due, asking again changes nothing.

    Parameters
    ----------
    name : str
        Of the thread.
    """

    def __init__(self, run: Callable[[], None], *, name: str) -> None:
        self._run = run
        self._name = name
        self._lock = threading.Lock()
        self._timer: threading.Timer | None = None

    def run_in(self, wait_s: float) -> None:
        """Run it so much later, unless it is due already."""
        with self._lock:
            if self._timer is None:
                self._timer = threading.Timer(wait_s, self._now)
                self._timer.name = self._name
                self._timer.daemon = True
                self._timer.start()

    def cancel(self) -> None:
        """Do not run what is due."""
        with self._lock:
            if self._timer is not None:
                self._timer.cancel()
                self._timer = None

    def _now(self) -> None:
        with self._lock:
            self._timer = None
        self._run()
