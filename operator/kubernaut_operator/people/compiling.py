"""Compiling a policy for a person: in a worker of this process, with OPA's plan kept, since a trace walks it."""

from collections.abc import Mapping
from functools import cache

from kubernaut.facts.registry import known_paths
from kubernaut.policy.compiled import CompiledPolicy
from kubernaut.policy.compiling import compile_policy
from kubernaut.policy.known_facts import KnownFacts, known_facts_from_paths


def compile_known(source: str, *, name: str, libraries: Mapping[str, str]) -> CompiledPolicy:
    """Compile a policy that may read the registered facts; satisfies `Compile`.

    Raises
    ------
    PolicyError
        The text cannot be used; with file and line.
    """
    return compile_policy(source, name=name, libraries=libraries, known_facts=_registered())


@cache
def _registered() -> KnownFacts:
    return known_facts_from_paths(known_paths())
