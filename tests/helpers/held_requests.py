"""Requests of several executions held each at a point of its own until all are there: one fault then strikes them all.

A fault that takes a while - a process that is started anew, a server that is away - is dear. Held at one point each, as
many points of a run as there are executions are tried by a single fault.
"""

import json
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from helpers.faulty_api import Cut, Fault, Request

CREEP_S = 8.0
"""How long a request is held at most for the others: below the 10 s after which the operator gives it up."""

POLL_S = 0.05


@dataclass(slots=True)
class Whose:
    """Tells of which execution a request is, by what stands in its path and body.

    Attributes
    ----------
    words : dict of str to set of str
        By execution, what stands only in requests about it: names, UIDs.
    """

    words: dict[str, set[str]] = field(default_factory=dict)

    def know(self, execution: str, words: Iterable[str]) -> None:
        """Take further words of an execution."""
        self.words.setdefault(execution, set()).update(words)

    def __call__(self, request: Request) -> str | None:
        text = f"{request.path} {json.dumps(request.body)}"
        for execution, words in list(self.words.items()):
            if any(word in text for word in list(words)):
                if request.path.endswith("/status") and isinstance(request.body, dict):
                    # Its own, or that of a step of it: Jobs are called after it.
                    self.know(execution, (str(request.body["metadata"]["uid"]),))
                return execution
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """Where a run is struck.

    Attributes
    ----------
    is_it : callable
        Says of a request, and of how many of its execution's changes came before it, whether it is the one.
    when : Cut
        Held before the server sees it, or when it was carried out and nobody was told.
    """

    is_it: Callable[[Request, int], bool]
    when: Cut = Cut.BEFORE


class Held:
    """Holds each execution's request until `strike`.

    Parameters
    ----------
    points : mapping of str to Point
        By execution.
    cut : bool
        What becomes of a held request afterwards: its connection is cut, or it goes on.
    """

    def __init__(self, whose: Whose, points: Mapping[str, Point], *, cut: bool) -> None:
        self._whose = whose
        self._points = points
        self._cut = cut
        self._changes = dict.fromkeys(points, 0)
        self._lock = threading.Lock()
        self._struck = threading.Event()
        self._after: dict[int, str] = {}
        self.arrived: dict[str, float] = {}

    def fault_of(self, request: Request) -> Fault | None:
        """Hold the request where it is an execution's point; to be the proxy's `fault_of`."""
        execution = self._whose(request)
        if execution is None or execution not in self._points:
            return None
        with self._lock:
            before = self._changes[execution]
            self._changes[execution] += request.may_change
            point = self._points[execution]
            if execution in self.arrived or self._struck.is_set() or not point.is_it(request, before):
                return None
            if point.when is Cut.AFTER:
                self.arrived[execution] = 0.0
                self._after[id(request)] = execution
                return Fault(cut=Cut.AFTER) if self._cut else None
        self._hold(execution)
        return Fault(cut=Cut.BEFORE) if self._cut else None

    def answered(self, request: Request) -> None:
        """Hold the answer where it is an execution's point; to be the proxy's `answered`."""
        execution = self._after.pop(id(request), None)
        if execution is not None:
            self._hold(execution)

    def wait(self, *, limit_s: float = 60.0, creep_s: float = CREEP_S) -> set[str]:
        """Wait until all are held, or the first is for as long as it can be, and name those that are."""
        deadline = time.monotonic() + limit_s
        while time.monotonic() < deadline:
            held = {execution: at for execution, at in self.arrived.items() if at}
            if len(held) == len(self._points):
                break
            if held and time.monotonic() > min(held.values()) + creep_s:
                break
            time.sleep(POLL_S)
        return {execution for execution, at in self.arrived.items() if at}

    def strike(self) -> None:
        """Let go of all that are held, and hold nothing more."""
        self._struck.set()

    def _hold(self, execution: str) -> None:
        self.arrived[execution] = time.monotonic()
        self._struck.wait()
