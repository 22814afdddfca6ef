"""`python -m kubernaut.policy.worker`: the worker program.

With `--fd` it serves the socket that it was started with. With `--socket` it listens (in the operator's pod: a second
container, the socket in an emptyDir) and starts one worker by exec for each connection; it never sees a policy itself.
"""

import argparse
import signal
import socket
import subprocess
import sys
from pathlib import Path


def main(arguments: list[str] | None = None) -> int:
    """Run the worker, or the listener that starts workers."""
    parser = argparse.ArgumentParser(prog="python -m kubernaut.policy.worker", description=__doc__)
    where = parser.add_mutually_exclusive_group(required=True)
    where.add_argument("--fd", type=int, help="serve this inherited socket")
    where.add_argument("--socket", type=Path, help="listen on this path")
    parser.add_argument("--memory-mib", type=int, default=512, help="of one worker, MiB (default 512)")
    options = parser.parse_args(arguments)
    if options.fd is not None:
        # The listener loads no evaluator: it would be 15 MiB for a process that only waits.
        from kubernaut.policy.worker.program import Worker, refuse_core_files  # noqa: PLC0415 - see above

        refuse_core_files()
        with socket.socket(fileno=options.fd) as connection:
            Worker(connection, memory_mib=options.memory_mib).serve()
        return 0
    # A container's first process would ignore the signal, and hold up the end of its pod for the whole grace period.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    # Workers that end leave nothing behind, even when no connection comes after them.
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    listen(options.socket, memory_mib=options.memory_mib)
    return 0


def listen(path: Path, *, memory_mib: int, connections: int | None = None) -> None:
    """Start one worker for each connection.

    Parameters
    ----------
    path : Path
        A socket left there by an earlier listener is replaced.
    memory_mib : int
        Of each worker.
    connections : int or None
        Stop after so many; None goes on for ever.
    """
    path.unlink(missing_ok=True)
    children: list[subprocess.Popen[bytes]] = []
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        path.chmod(0o600)
        listener.listen()
        served = 0
        while connections is None or served < connections:
            connection, _ = listener.accept()
            with connection:
                children.append(start_worker(connection, memory_mib=memory_mib))
            served += 1
            # Asking for the exit code is what reaps the ones that have ended.
            children = [child for child in children if child.poll() is None]
    for child in children:
        child.wait()


def start_worker(connection: socket.socket, *, memory_mib: int) -> subprocess.Popen[bytes]:
    """Start the worker program on a connected socket, by exec and with nothing else inherited but the environment."""
    fd = connection.fileno()
    command = [sys.executable, "-m", "kubernaut.policy.worker", f"--fd={fd}", f"--memory-mib={memory_mib}"]
    return subprocess.Popen(  # noqa: S603 - our own program, arguments are numbers
        command,
        pass_fds=(fd,),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


if __name__ == "__main__":
    sys.exit(main())
