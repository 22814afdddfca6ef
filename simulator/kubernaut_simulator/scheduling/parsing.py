"""From what a person writes to a scheduler: ``local``, ``threads``, ``processes``, ``dask://HOST:PORT``."""

from __future__ import annotations

import re

from kubernaut.errors import InputError
from kubernaut_simulator.scheduling.dask_cluster import DaskScheduler
from kubernaut_simulator.scheduling.local import LocalScheduler, ThreadScheduler
from kubernaut_simulator.scheduling.processes import ProcessScheduler
from kubernaut_simulator.scheduling.scheduler import Scheduler, own_cores

FORMS = "local, threads, processes or dask://HOST:PORT"

_ADDRESS = re.compile(r"dask://(?P<host>\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+):(?P<port>\d{1,5})/?")
_MOST_PORT = 65_535


def parse_scheduler(text: str, *, jobs: int | None = None) -> Scheduler:
    """Make the scheduler that a text names; nothing is started or connected before work is handed out.

    Parameters
    ----------
    text : str
    jobs : int or None
        Partitions at once, for threads and processes; None means one a core that this process may use.

    Raises
    ------
    InputError
        The text names none, or `jobs` does not go with it.
    """
    if jobs is not None and jobs < 1:
        raise InputError(f"--jobs {jobs}: at least 1")
    if text.startswith("dask:"):
        address = _ADDRESS.fullmatch(text)
        if address is None or not 0 < int(address["port"]) <= _MOST_PORT:
            raise InputError(f"--scheduler {text!r}: write dask://HOST:PORT, e.g. dask://127.0.0.1:8786")
        if jobs is not None:
            raise InputError("--jobs does not go with dask://: a cluster has as many as its workers have threads")
        return DaskScheduler(f"{address['host']}:{address['port']}")
    if text == "local":
        if jobs not in (None, 1):
            raise InputError("--jobs does not go with local, which does one partition at a time; use processes")
        return LocalScheduler()
    if text == "threads":
        return ThreadScheduler(jobs or own_cores())
    if text == "processes":
        return ProcessScheduler(jobs or own_cores())
    raise InputError(f"--scheduler {text!r}: known are {FORMS}")
