"""The fact registry: every name that a policy may read at the top of `input`.

It is the input schema, the documentation table (`kubernaut.facts.table`) and the check behind "unknown
fact" at once, so a fact that is not here does not exist. Beside the registered facts `input` has four
namespaces (`NAMESPACES`) whose contents belong to the run, the condition's settings or the user.
"""

from collections.abc import Mapping
from types import MappingProxyType

from kubernaut.facts.definitions import FactDefinition
from kubernaut.facts.registered_capacity import CAPACITY_FACTS
from kubernaut.facts.registered_pods import POD_FACTS
from kubernaut.facts.registered_rollback import ROLLBACK_FACTS
from kubernaut.facts.registered_target_pod import TARGET_POD_FACTS
from kubernaut.facts.registered_workload import WORKLOAD_FACTS
from kubernaut.facts.snapshot import ReadPath

REGISTRY_VERSION = 1
"""Recorded with every evaluation; raised when a fact changes its meaning."""

NAMESPACES: Mapping[str, str] = MappingProxyType(
    {
        "parameters": "The action's checked parameters, as the custom resource nests them.",
        "settings": "Numbers of this condition from settings.yaml; defaults are the policy's.",
        "custom": "Facts that the user defined in facts.yaml.",
        "context": "The run: action, step, level, phase, incident; never the rollout arm.",
    }
)
"""The parts of `input` that are not registered fact by fact, and what is in them."""

REGISTRY: Mapping[str, FactDefinition] = MappingProxyType(
    {fact.name: fact for fact in (*WORKLOAD_FACTS, *POD_FACTS, *CAPACITY_FACTS, *TARGET_POD_FACTS, *ROLLBACK_FACTS)}
)
"""Every registered fact by its name below `input`, in the order of the documentation."""


def known_paths() -> tuple[ReadPath, ...]:
    """Give every path that a policy may name, ``*`` for any element, namespaces by their first part."""
    return (
        *(path for fact in REGISTRY.values() for path, _ in fact.paths()),
        *((name,) for name in NAMESPACES),
    )
