"""The compiler that everybody uses who names no other: one worker process, started when the first policy is compiled.

regopy ends its process on some sources (a function called with too few arguments is one), and a source comes from a
custom resource's author; so nothing is compiled in the process that decides.
"""

import atexit
import threading
from collections.abc import Mapping
from typing import Any

from kubernaut.policy.rego_answers import Answer
from kubernaut.policy.worker.client import WorkerEvaluator

_lock = threading.Lock()
_shared: list[WorkerEvaluator] = []


def build_plan(package: str, modules: Mapping[str, str]) -> Mapping[str, Any]:
    """Compile modules in the shared worker.

    Parameters
    ----------
    package : str
        Dotted.
    modules : mapping of str to str
        File name -> source.

    Returns
    -------
    mapping
        `plan.json`.

    Raises
    ------
    BuildError
        The modules do not compile, or compiling them ended the worker.
    EvaluatorError
        The worker cannot be started.
    """
    return _worker().build_plan(package, modules)


def call(source: str, *, package: str, arguments: str) -> Answer:
    """Ask a small module's `allow` in the shared worker; see `WorkerEvaluator.call`."""
    return _worker().call(source, package=package, arguments=arguments)


def _worker() -> WorkerEvaluator:
    with _lock:
        if not _shared:
            _shared.append(WorkerEvaluator())
            atexit.register(stop)
        return _shared[0]


def stop() -> None:
    """End the shared worker; the next compilation starts another."""
    with _lock:
        while _shared:
            _shared.pop().close()
        atexit.unregister(stop)
