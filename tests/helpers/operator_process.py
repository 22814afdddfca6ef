"""The operator as a process of its own, as a person starts it against a cluster: its log, its endpoints, its end.

Stopping, killing and suspending are what happens to a process in a cluster; a test that wants one of them wants a real
one. What it logs is kept as the JSON objects that it wrote.
"""

import json
import os
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, ClassVar, Self
from weakref import WeakSet

from helpers.tier_coverage import process_environment

START_LIMIT_S = 60.0
"""Compiling the shipped suites on a busy machine takes most of it."""

END_LIMIT_S = 40.0
"""Above the 30 s in which it drains."""


class OperatorError(AssertionError):
    """It did not do what was waited for; the text ends with its log."""


class OperatorProcess:
    """One running operator.

    Parameters
    ----------
    kubeconfig : Path
    arguments : sequence of str
        Further flags of ``kubernaut operator run``.
    environment : mapping of str to str
        Beside the test's own.

    Attributes
    ----------
    history : Path
        Where it records; for whoever gave it a folder by a flag to note.

    Notes
    -----
    Without other word it strives for no lead, listens on a free port of loopback and logs at level ``debug``.
    """

    _all: ClassVar["WeakSet[OperatorProcess]"] = WeakSet()

    def __init__(
        self, kubeconfig: Path, *arguments: str, environment: Mapping[str, str] | None = None, elect: bool = False
    ) -> None:
        self._command = [
            *(sys.executable, "-m", "kubernaut_operator", "run"),
            f"--kubeconfig={kubeconfig}",
            "--host=127.0.0.1",
            "--port=0",
            "--log-level=debug",
            "--leader-elect" if elect else "--no-leader-elect",
            *arguments,
        ]
        self._environment = {**os.environ, **process_environment(), **(environment or {})}
        self.history = Path()
        self._process: subprocess.Popen[str] | None = None
        self._reader: threading.Thread | None = None
        self._said: list[dict[str, Any]] = []
        self._changed = threading.Condition()
        self._all.add(self)

    @classmethod
    def kill_all(cls) -> None:
        """End every one that this process started: two without election would work on the same executions."""
        for process in list(cls._all):
            process.kill()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.kill()

    def start(self, *, wait: bool = True) -> Self:
        """Start it, and wait until it listens.

        Parameters
        ----------
        wait : bool
            False returns at once.
        """
        with self._changed:
            self._said = []
        self._process = subprocess.Popen(
            self._command, env=self._environment, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True
        )
        self._reader = threading.Thread(target=self._read, args=(self._process,), daemon=True)
        self._reader.start()
        if wait:
            self.wait_for_log("listening", limit_s=START_LIMIT_S)
            self.wait_until(lambda: self.ask("/readyz")[0] == 200, limit_s=START_LIMIT_S)
        return self

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._live().pid

    @property
    def port(self) -> int:
        """Where its endpoints listen."""
        return int(self.wait_for_log("listening")["port"])

    @property
    def runs(self) -> bool:
        """Whether it was started and has not ended."""
        return self._process is not None and self._process.poll() is None

    @property
    def exit_code(self) -> int | None:
        """None while it runs."""
        return None if self._process is None else self._process.poll()

    def log(self) -> Sequence[dict[str, Any]]:
        """Give what it said since its last start, oldest first."""
        with self._changed:
            return tuple(self._said)

    def wait_for_log(self, event: str, *, limit_s: float = 30.0, **fields: Any) -> dict[str, Any]:
        """Wait until it logs an event with these fields, and give the entry."""

        def found() -> dict[str, Any] | None:
            for entry in self._said:
                if entry.get("event") == event and all(entry.get(name) == value for name, value in fields.items()):
                    return entry
            return None

        with self._changed:
            deadline = time.monotonic() + limit_s
            while (entry := found()) is None:
                left_s = deadline - time.monotonic()
                if left_s <= 0 or (self.exit_code is not None and not self._reading()):
                    raise OperatorError(f"it did not log {event!r} {fields or ''}{self._tail()}")
                self._changed.wait(min(left_s, 0.5))
        return entry

    def wait_until(self, holds: Callable[[], object], *, limit_s: float = 30.0) -> None:
        """Wait until something holds, while it runs."""
        deadline = time.monotonic() + limit_s
        while not holds():
            if time.monotonic() > deadline or self.exit_code is not None:
                raise OperatorError(f"not in time (exit code: {self.exit_code}){self._tail()}")
            time.sleep(0.1)

    def ask(self, path: str) -> tuple[int, str]:
        """Ask one of its endpoints; gives HTTP's status (0 without an answer) and the text."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=5) as answer:
                return int(answer.status), answer.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read().decode()
        except OSError as error:
            return 0, str(error)

    def metrics(self) -> dict[str, float]:
        """Give its metrics by series, as they are written: ``name{label="value"}``."""
        lines = (line for line in self.ask("/metrics")[1].splitlines() if line and not line.startswith("#"))
        return {series: float(value) for series, _, value in (line.rpartition(" ") for line in lines)}

    def stop(self, *, limit_s: float = END_LIMIT_S) -> int:
        """Ask it to end, as the kubelet does, and give its exit code."""
        process = self._live()
        process.send_signal(signal.SIGTERM)
        try:
            code = process.wait(limit_s)
        except subprocess.TimeoutExpired as error:
            raise OperatorError(f"it did not end within {limit_s:g} s{self._tail()}") from error
        self._join()
        return code

    def kill(self) -> None:
        """End it at once, as a lost machine does; nothing happens when it has ended."""
        if self._process is None:
            return
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait()
        self._join()

    def suspend(self) -> None:
        """Stop it where it is."""
        self._live().send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Let it go on."""
        self._live().send_signal(signal.SIGCONT)

    def _live(self) -> subprocess.Popen[str]:
        if self._process is None or self._process.poll() is not None:
            raise OperatorError(f"it does not run (exit code: {self.exit_code}){self._tail()}")
        return self._process

    def _reading(self) -> bool:
        return self._reader is not None and self._reader.is_alive()

    def _join(self) -> None:
        if self._reader is not None:
            self._reader.join(5)

    def _read(self, process: subprocess.Popen[str]) -> None:
        if process.stderr is None:
            return
        with process.stderr as stream:
            for line in stream:
                entry = _entry(line)
                with self._changed:
                    self._said.append(entry)
                    self._changed.notify_all()

    def _tail(self) -> str:
        lines = [json.dumps(entry) if "event" in entry else entry["text"] for entry in list(self._said)[-40:]]
        return "\n  " + "\n  ".join(lines)


def _entry(line: str) -> dict[str, Any]:
    try:
        found = json.loads(line)
    except ValueError:
        return {"text": line.rstrip()}
    return found if isinstance(found, dict) else {"text": line.rstrip()}
