"""From source to `CompiledPolicy`, once per digest.

The query is derived from the package that the module declares; each policy is compiled alone with the libraries that it
reaches, so two conditions that share a package never meet.
"""

import threading
from collections import OrderedDict
from collections.abc import Mapping
from types import MappingProxyType

from kubernaut.policy.checking import PlanBuilder, examine
from kubernaut.policy.compiled import CompiledPolicy
from kubernaut.policy.known_facts import KnownFacts
from kubernaut.policy.worker.compiler import build_plan

COMPILED_KEPT = 1024
"""Policies kept compiled. One is some tens of kilobytes; a history of years has hundreds of digests."""

NO_LIBRARIES: Mapping[str, str] = MappingProxyType({})

_cache: OrderedDict[tuple[object, ...], tuple[CompiledPolicy, KnownFacts | None]] = OrderedDict()
_lock = threading.Lock()


def compile_policy(
    source: str,
    *,
    name: str,
    libraries: Mapping[str, str] = NO_LIBRARIES,
    known_facts: KnownFacts | None = None,
    plan_builder: PlanBuilder = build_plan,
) -> CompiledPolicy:
    """Check and compile a policy.

    Parameters
    ----------
    source : str
        One Rego module.
    name : str
        What the user calls it, e.g. ``deployment_exists.rego``; stands in messages.
    libraries : mapping of str to str
        File name -> source of every library there is; only those that the policy reaches are compiled and digested.
    known_facts : KnownFacts or None
        What may be read of `input`; None checks no names.
    plan_builder : PlanBuilder
        Where the compiler runs: a worker shared by all of this process, or another one (`WorkerEvaluator.build_plan`).

    Raises
    ------
    PolicyError
        With file, line, column and what to do; the first problem in reading order of the checks.
    """
    key = (source, name, tuple(sorted(libraries.items())), id(known_facts))
    with _lock:
        cached = _cache.get(key)
        # The registry is kept beside the policy, so that its id cannot be given to another one.
        if cached is not None:
            _cache.move_to_end(key)
            return cached[0]
    found = examine(source, name=name, libraries=libraries, known_facts=known_facts, plan_builder=plan_builder)
    if found.policy is None:
        raise found.problems[0]
    with _lock:
        _cache[key] = (found.policy, known_facts)
        while len(_cache) > COMPILED_KEPT:
            _cache.popitem(last=False)
    return found.policy
