"""What runs in the worker's process: load policies, judge inputs, compile plans, call a builtin; nothing else.

It imports regopy before anything that could bring another C++ runtime (regopy leaks then), and only the few modules of
this project that are standard library themselves. A watchdog thread ends the process when one input takes too long or
too much memory: the evaluator is native code, nothing else can stop it. Before that it hands over what was judged and
names the input, so that a policy that hangs costs one verdict. Memory is what is resident: regopy's allocator reserves
256 GiB of address space at its start, so RLIMIT_AS cannot be used.
"""

import os
import resource
import socket
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Any, NamedTuple

import regopy

from kubernaut._version import __version__
from kubernaut.policy.answering import answer
from kubernaut.policy.corrections import build_for_judging, calls_in
from kubernaut.policy.rego_answers import BuildError
from kubernaut.policy.rego_engine import BuiltPolicy, ask, build, is_builtin, read_plan
from kubernaut.policy.worker.frames import PROTOCOL, Frame, FrameError, receive_frame, send_frame
from kubernaut.verdicts import Judgement

FLUSH_EVERY_S = 0.02
"""Answers are sent at least this often, so that little is judged twice after a crash."""

POLICIES_KEPT = 256
"""Built policies kept; the client sends one again when it was dropped."""

POLICIES_SHARE = 0.65
"""Of the memory limit. Beyond it a policy is built in place of the one that was asked for longest ago, so that the
limit blames what a policy takes and never how many there are."""

EXIT_OVER_LIMIT = 70
"""Exit code after the watchdog's report."""

_WATCH_EVERY_S = 0.02
"""A policy that only allocates takes some tens of MiB in this time."""


class _Loaded(NamedTuple):
    built: BuiltPolicy
    package: str
    has_error_message: bool
    has_fatal: bool


class _Answers:
    """Judgements of a request that have not been sent yet."""

    def __init__(self) -> None:
        self.codes: list[int] = []
        self.index: dict[Judgement, int] = {}

    def add(self, judgement: Judgement) -> None:
        self.codes.append(self.index.setdefault(judgement, len(self.index)))

    def header(self, *, last: bool) -> dict[str, Any]:
        return {
            "kind": "answers",
            "answers": self.codes,
            "dictionary": [[one.code, one.reason, one.message, one.fatal] for one in self.index],
            "last": last,
        }


class Worker:
    """One connection's state.

    Parameters
    ----------
    connection : socket
    memory_mib : int
        Resident memory at which the watchdog ends the process.
    end : callable, optional
        How it does that.
    """

    def __init__(self, connection: socket.socket, *, memory_mib: int, end: Callable[[int], Any] = os._exit) -> None:
        self._connection = connection
        self._memory_mib = memory_mib
        self._end = end
        self._policies: OrderedDict[str, _Loaded] = OrderedDict()
        self._callers: OrderedDict[str, BuiltPolicy] = OrderedDict()
        # Guards what the watchdog looks at; held by it while it reports and ends the process.
        self._lock = threading.Lock()
        self._busy = threading.Event()
        self._deadline: float | None = None
        self._answers = _Answers()
        threading.Thread(target=self._watch, name="watchdog", daemon=True).start()

    def serve(self) -> None:
        """Answer requests until the other side closes, or sends what is no frame."""
        try:
            while (frame := receive_frame(self._connection)) is not None:
                self._answer(frame)
        except (FrameError, OSError):
            return

    def _answer(self, frame: Frame) -> None:
        header = frame.header
        match header.get("kind"):
            case "hello":
                self._reply(
                    {"kind": "hello", "protocol": PROTOCOL, "engine": __version__, "regopy": regopy.__version__}
                )
            case "load":
                self._load(header, frame.texts)
            case "judge":
                self._judge(header, frame.texts)
            case "plan":
                self._plan(header, frame.texts)
            case "call":
                self._call(header, frame.texts)
            case other:
                self._reply({"kind": "refused", "message": f"unknown request {other!r}"})

    def _reply(self, header: dict[str, Any]) -> None:
        send_frame(self._connection, header)

    def _load(self, header: dict[str, Any], texts: list[str]) -> None:
        self._make_room()
        self._start_clock(header["wall_time_s"])
        try:
            modules = dict(zip(header["files"], texts, strict=True))
            built = build_for_judging(header["package"], modules, builtins=header["builtins"])
        except BuildError as error:
            self._stop_clock()
            self._reply({"kind": "refused", "message": str(error)})
            return
        self._stop_clock()
        self._policies[header["digest"]] = _Loaded(
            built, header["package"], header["has_error_message"], header["has_fatal"]
        )
        while len(self._policies) > POLICIES_KEPT:
            self._policies.popitem(last=False)
        self._reply({"kind": "loaded"})

    def _make_room(self) -> None:
        # What is let go is not given back to the system, but the next policy is built in it.
        if len(self._policies) > 1 and resident_mib() > POLICIES_SHARE * self._memory_mib:
            self._policies.popitem(last=False)

    def _plan(self, header: dict[str, Any], texts: list[str]) -> None:
        self._start_clock(header["wall_time_s"])
        try:
            plan = read_plan(build(header["package"], dict(zip(header["files"], texts, strict=True))))
        except BuildError as error:
            self._stop_clock()
            self._reply({"kind": "build_error", "text": str(error), "problems": [list(one) for one in error.problems]})
            return
        self._stop_clock()
        missing = sorted({call["func"] for call in calls_in(plan) if not is_builtin(call["func"])})
        self._reply({"kind": "plan", "plan": plan, "missing": missing})

    def _call(self, header: dict[str, Any], texts: list[str]) -> None:
        source, arguments = texts
        self._start_clock(header["wall_time_s"])
        try:
            built = self._callers.get(source)
            if built is None:
                built = self._callers[source] = build_for_judging(header["package"], {"call.rego": source})
            built.interpreter.set_input_term(arguments)
            answered = ask(built, f"{header['package']}/allow")
        except BuildError as error:
            self._stop_clock()
            self._reply({"kind": "build_error", "text": str(error), "problems": [list(one) for one in error.problems]})
            return
        self._stop_clock()
        self._callers.move_to_end(source)
        while len(self._callers) > POLICIES_KEPT:
            self._callers.popitem(last=False)
        self._reply({"kind": "called", "answer": answered.kind, "value": answered.value})

    def _judge(self, header: dict[str, Any], texts: list[str]) -> None:
        loaded = self._policies.get(header["digest"])
        if loaded is None:
            self._reply({"kind": "unknown_policy"})
            return
        self._policies.move_to_end(header["digest"])
        wall_time_s, flush_every_s = header["wall_time_s"], 0.0 if header["careful"] else FLUSH_EVERY_S
        self._answers = _Answers()
        flushed = time.monotonic()
        for text in texts:
            self._start_clock(wall_time_s)
            judgement = _judge_one(loaded, text)
            now = self._stop_clock(judgement)
            if now - flushed >= flush_every_s:
                self._flush(last=False)
                flushed = now
        self._flush(last=True)

    def _flush(self, *, last: bool) -> None:
        with self._lock:
            answers, self._answers = self._answers, _Answers()
        self._reply(answers.header(last=last))

    def _start_clock(self, wall_time_s: float) -> None:
        with self._lock:
            self._deadline = time.monotonic() + wall_time_s
        if not self._busy.is_set():
            self._busy.set()

    def _stop_clock(self, judgement: Judgement | None = None) -> float:
        with self._lock:
            self._deadline = None
            if judgement is not None:
                self._answers.add(judgement)
        return time.monotonic()

    def _watch(self) -> None:
        while True:
            self._busy.wait()
            time.sleep(_WATCH_EVERY_S)
            with self._lock:
                if self._deadline is None:
                    self._busy.clear()
                    continue
                exceeded = self._exceeded(self._deadline)
                if exceeded is not None:
                    try:
                        self._reply(self._answers.header(last=False))
                        self._reply({"kind": "over_limit", "limit": exceeded})
                    finally:
                        self._end(EXIT_OVER_LIMIT)
                    return

    def _exceeded(self, deadline: float) -> str | None:
        if time.monotonic() >= deadline:
            return "time"
        return "memory" if resident_mib() > self._memory_mib else None


def _judge_one(loaded: _Loaded, text: str) -> Judgement:
    return answer(
        loaded.built,
        loaded.package,
        has_error_message=loaded.has_error_message,
        has_fatal=loaded.has_fatal,
        text=text,
    )


def resident_mib() -> float:
    """Give this process's resident memory, MiB. `getrusage` would count that of the process which started it."""
    with open("/proc/self/statm", "rb") as statm:  # noqa: PTH123 - every 20 ms
        return int(statm.read().split()[1]) * _PAGE_MIB


def refuse_core_files() -> None:
    """A crash must not leave a core file of policies and facts behind."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


_PAGE_MIB = resource.getpagesize() / (1 << 20)
