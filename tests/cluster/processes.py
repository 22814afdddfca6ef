"""Long-running programs of a cluster: started with a log each, awaited, and ended for certain, also by another process.

What runs is written to `processes.json` with pid and creation time, so that whoever stops the cluster later ends these
processes and never a stranger that got one of their pids.
"""

import json
import os
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import psutil

from .errors import ClusterError

_LOG_LINES = 25
_POLL_S = 0.1
_END_LIMIT_S = 10.0


class Processes:
    """The programs of one cluster, in the order in which they were started."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / "processes.json"
        self.logs = folder / "logs"
        self.logs.mkdir(parents=True, exist_ok=True)

    def start(self, name: str, argv: Sequence[str | Path], *, environment: Mapping[str, str] | None = None) -> None:
        """Start a program in a session of its own; what it prints goes to its log."""
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND
        # Not subprocess: these programs outlive the object, and whoever stops them may be another process.
        pid = os.posix_spawn(
            str(argv[0]),
            [str(part) for part in argv],
            {**os.environ, **(environment or {})},
            file_actions=[
                (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
                (os.POSIX_SPAWN_OPEN, 1, str(self.log(name)), flags, 0o644),
                (os.POSIX_SPAWN_DUP2, 1, 2),
            ],
            setsid=True,
        )
        known = [one for one in self._known() if one["name"] != name]
        created = psutil.Process(pid).create_time()
        known.append({"name": name, "pid": pid, "created": created, "argv": [str(part) for part in argv]})
        self._file.write_text(json.dumps(known, indent=1))

    def log(self, name: str) -> Path:
        """Give the path of a program's log."""
        return self.logs / f"{name}.log"

    def find(self, name: str) -> psutil.Process | None:
        """Give a program's process, or None when it does not run."""
        for one in self._known():
            if one["name"] == name:
                return _living(one)
        return None

    def argv(self, name: str) -> list[str]:
        """Give what a program was started with, to start it again."""
        for one in self._known():
            if one["name"] == name:
                return list(one["argv"])
        raise ClusterError(f"{name} was never started in {self._file.parent}")

    def wait_until(self, ready: Callable[[], bool], *, what: str, program: str, limit_s: float = 60.0) -> None:
        """Wait until something holds that a program has to bring about.

        Raises
        ------
        ClusterError
            The program ended, or it took too long; the text holds the end of its log.
        """
        deadline = time.monotonic() + limit_s
        while not ready():
            if self.find(program) is None:
                raise ClusterError(f"{program} ended while waiting for {what}:\n{self.tail(program)}")
            if time.monotonic() > deadline:
                raise ClusterError(
                    f"{what}: not within {limit_s:g} s; the end of {program}'s log:\n{self.tail(program)}"
                )
            time.sleep(_POLL_S)

    def tail(self, name: str) -> str:
        """Give the end of a program's log."""
        path = self.log(name)
        if not path.exists():
            return "(no log)"
        return "\n".join(path.read_text(errors="replace").splitlines()[-_LOG_LINES:])

    def stop(self, name: str) -> None:
        """End one program and wait for it; nothing happens when it does not run."""
        process = self.find(name)
        if process is not None:
            end([process])

    def kill_all(self, names: Sequence[str] | None = None) -> None:
        """Kill the named programs, or all, and wait: for the end of a cluster, of which nothing is kept."""
        wanted = [name for name in self.names() if names is None or name in names]
        kill([process for name in wanted if (process := self.find(name)) is not None])

    def names(self) -> list[str]:
        """Name what was started, in order."""
        return [one["name"] for one in self._known()]

    def _known(self) -> list[dict[str, Any]]:
        if not self._file.exists():
            return []
        known: list[dict[str, Any]] = json.loads(self._file.read_text())
        return known


def end(processes: Sequence[psutil.Process]) -> None:
    """Ask processes to end, also stopped ones, and kill those that do not within ten seconds."""
    for process in processes:
        for signal_it in (process.resume, process.terminate):
            try:
                signal_it()
            except psutil.NoSuchProcess:
                continue
    _, left = psutil.wait_procs(processes, timeout=_END_LIMIT_S)
    kill(left)


def kill(processes: Sequence[psutil.Process]) -> None:
    """Kill processes and wait until they are gone."""
    for process in processes:
        try:
            process.kill()
        except psutil.NoSuchProcess:
            continue
    psutil.wait_procs(processes, timeout=_END_LIMIT_S)


def _living(one: Mapping[str, Any]) -> psutil.Process | None:
    try:
        process = psutil.Process(one["pid"])
        if abs(process.create_time() - one["created"]) >= 1:
            return None
        if process.status() == psutil.STATUS_ZOMBIE:
            # A child of ours that ended stays in the list of processes until somebody asks for its end.
            process.wait(timeout=_END_LIMIT_S)
            return None
    except (psutil.NoSuchProcess, psutil.TimeoutExpired):
        return None
    return process
