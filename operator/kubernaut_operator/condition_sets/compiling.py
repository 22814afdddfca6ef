"""Compiling policies in a worker of their own that lives only while there is something to compile.

A policy comes from a ConfigMap or from a custom resource's author and may hang the compiler or end its process;
that must cost neither the operator nor the evaluations that go on meanwhile. So this worker is not the evaluators',
and it is ended when nobody has compiled for a while: between two changes it would be 30 MiB that nobody uses.

Compiled policies are kept without OPA's plan: it is a hundred times the source and only `explain` reads it.
"""

import threading
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from time import monotonic
from typing import Any

from kubernaut.facts.registry import known_paths
from kubernaut.policy.checking import examine
from kubernaut.policy.compiled import CompiledPolicy
from kubernaut.policy.known_facts import KnownFacts, known_facts_from_paths
from kubernaut.policy.worker.client import WorkerEvaluator
from kubernaut.policy.worker.limits import Limits
from kubernaut_operator.condition_sets.later import Later

KEPT = 512
"""Compiled policies kept; both levels' suites are some dozens, inline ones come and go."""

IDLE_S = 20.0
"""The worker is ended when it had nothing to do for so long."""


class PolicyCompiler:
    """Satisfies `Compile`: a policy's text, checked against the registered facts and compiled in a worker.

    Parameters
    ----------
    limits : Limits
        Of the worker.
    socket_path : str or None
        Where the worker container listens; None starts a process of our own.
    """

    def __init__(self, *, limits: Limits, socket_path: str | None = None, idle_s: float = IDLE_S) -> None:
        self._limits = limits
        self._socket_path = socket_path
        self._idle_s = idle_s
        self._lock = threading.Lock()
        self._worker: WorkerEvaluator | None = None
        self._busy = 0
        self._used_s = 0.0
        self._reaper = Later(self._reap, name="policy compiler's end")
        self._kept: OrderedDict[tuple[object, ...], CompiledPolicy] = OrderedDict()

    def __call__(self, source: str, *, name: str, libraries: Mapping[str, str]) -> CompiledPolicy:
        """Compile one policy, or give the one compiled before.

        Raises
        ------
        PolicyError
            The text cannot be used; with file and line.
        EvaluatorError
            The worker cannot be started or reached.
        """
        key = (source, name, tuple(sorted(libraries.items())))
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
                return self._kept[key]
        found = examine(
            source, name=name, libraries=libraries, known_facts=_registered_facts(), plan_builder=self._build_plan
        )
        if found.policy is None:
            raise found.problems[0]
        policy = replace(found.policy, plan={})
        with self._lock:
            self._kept[key] = policy
            while len(self._kept) > KEPT:
                self._kept.popitem(last=False)
        return policy

    def close(self) -> None:
        """End the worker; the next compilation starts another."""
        with self._lock:
            worker, self._worker = self._worker, None
        self._reaper.cancel()
        if worker is not None:
            worker.close()

    def _build_plan(self, package: str, modules: Mapping[str, str]) -> Mapping[str, Any]:
        with self._lock:
            if self._worker is None:
                self._worker = WorkerEvaluator(self._limits, socket_path=self._socket_path)
            worker = self._worker
            self._busy += 1
        try:
            return worker.build_plan(package, modules)
        finally:
            with self._lock:
                self._busy -= 1
                self._used_s = monotonic()
            self._reaper.run_in(self._idle_s)

    def _reap(self) -> None:
        with self._lock:
            left_s = self._idle_s if self._busy else self._used_s + self._idle_s - monotonic()
            if left_s > 0:
                self._reaper.run_in(left_s)
                return
            worker, self._worker = self._worker, None
        if worker is not None:
            worker.close()


@cache
def _registered_facts() -> KnownFacts:
    return known_facts_from_paths(known_paths())
