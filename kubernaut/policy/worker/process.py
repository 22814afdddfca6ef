"""One worker as the client sees it: start or connect, say hello, exchange frames, end and leave nothing behind."""

import os
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import kubernaut
from kubernaut.errors import EvaluatorError
from kubernaut.policy.worker.frames import PROTOCOL, Frame, FrameError, receive_frame, send_frame

_KEPT_ENVIRONMENT = ("PATH", "LANG", "LC_ALL", "LD_LIBRARY_PATH", "VIRTUAL_ENV", "HOME", "TMPDIR", "SYSTEMROOT")
"""What the worker inherits: how to find Python and its libraries. No tokens, no proxies."""

_RETRY_S = 0.05


class WorkerProcess:
    """A live connection to a worker.

    Parameters
    ----------
    memory_mib : int
    start_time_s : float
        To the hello.
    connect_time_s : float
        To reach a listener.
    socket_path : str or None
        Connect to a listener there; None starts a process of our own.

    Raises
    ------
    EvaluatorError
        It cannot be started or reached, or speaks another protocol.
    """

    def __init__(
        self, *, memory_mib: int, start_time_s: float, connect_time_s: float, socket_path: str | None = None
    ) -> None:
        self.loaded: set[str] = set()
        self._child: subprocess.Popen[bytes] | None = None
        if socket_path is None:
            self._connection = self._start(memory_mib)
        else:
            self._connection = _connect(socket_path, connect_time_s)
        try:
            self._connection.settimeout(start_time_s)
            reply = self.ask({"kind": "hello", "protocol": PROTOCOL})
        except (OSError, FrameError) as error:
            self.close()
            raise EvaluatorError(f"the policy worker does not answer: {error}") from error
        if reply is None:
            code = self.close()
            raise EvaluatorError(
                f"the policy worker ended at once (exit code {code}); "
                f"try `{sys.executable} -m kubernaut.policy.worker --help`, or a higher memory "
                f"limit than {memory_mib} MiB"
            )
        if reply.header.get("protocol") != PROTOCOL:
            self.close()
            raise EvaluatorError(
                f"the policy worker speaks protocol {reply.header.get('protocol')}, this engine {PROTOCOL}; "
                "run both from the same version"
            )
        self.versions: dict[str, Any] = reply.header

    @property
    def pid(self) -> int | None:
        """Process id of a worker of our own; None for one behind a path."""
        return self._child.pid if self._child is not None else None

    def ask(self, header: dict[str, Any], texts: list[str] | None = None) -> Frame | None:
        """Send a request and give the first frame of the answer; None when the worker is gone."""
        send_frame(self._connection, header, texts or [])
        return receive_frame(self._connection)

    def receive(self) -> Frame | None:
        """Give the next frame of an answer; None when the worker is gone."""
        return receive_frame(self._connection)

    def limit_silence(self, silence_s: float) -> None:
        """Set how long the worker may say nothing."""
        self._connection.settimeout(silence_s)

    def close(self) -> int | None:
        """End the worker and reap it; give its exit code when it is our own child. May be called again."""
        self._connection.close()
        if self._child is None:
            return None
        self._child.kill()
        return self._child.wait()

    def forget(self) -> None:
        """Let go of it without ending it: after a fork, parent and child would share one conversation."""
        self._connection.close()
        self._child = None

    def _start(self, memory_mib: int) -> socket.socket:
        if not sys.executable:
            raise EvaluatorError("the policy worker cannot be started: this Python does not know its own program file")
        ours, theirs = socket.socketpair()
        with theirs:
            command = [
                sys.executable,
                "-m",
                "kubernaut.policy.worker",
                f"--fd={theirs.fileno()}",
                f"--memory-mib={memory_mib}",
            ]
            try:
                self._child = subprocess.Popen(  # noqa: S603 - our own program, arguments are numbers
                    command,
                    pass_fds=(theirs.fileno(),),
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                    env=_environment(),
                    cwd="/",
                    # Ctrl-C in a notebook or terminal is for the caller, who then closes the worker.
                    start_new_session=True,
                )
            except OSError as error:
                ours.close()
                raise EvaluatorError(f"the policy worker cannot be started: {error}") from error
        return ours


def _environment() -> dict[str, str]:
    kept = {name: os.environ[name] for name in _KEPT_ENVIRONMENT if name in os.environ}
    # The caller may have found this package by its working directory or by a path set at run time.
    package = str(Path(kubernaut.__file__).resolve().parents[1])
    paths = [package, *(entry for entry in sys.path if entry and Path(entry).is_absolute())]
    kept["PYTHONPATH"] = os.pathsep.join(dict.fromkeys(paths))
    kept["PYTHONUTF8"] = "1"
    # One arena: glibc reserves 64 MiB of address space for each, which the limit would count.
    kept["MALLOC_ARENA_MAX"] = "1"
    return kept


def _connect(path: str, connect_time_s: float) -> socket.socket:
    give_up_at = time.monotonic() + connect_time_s
    while True:
        connection = socket.socket(socket.AF_UNIX)
        try:
            connection.connect(path)
        except OSError as error:
            connection.close()
            if time.monotonic() >= give_up_at:
                raise EvaluatorError(f"no policy worker listens at {path}: {error}") from error
            time.sleep(_RETRY_S)
        else:
            return connection
