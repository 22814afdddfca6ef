"""The condition sets of a world: what ships, with the scenario's policies and settings laid over it.

The scenario's changes go through the two ConfigMaps and the engine's own loader, as a platform team's would.
"""

from collections.abc import Mapping
from functools import partial
from typing import Any

import yaml

from kubernaut.conditions.compiled_set import compile_set
from kubernaut.conditions.condition_set import ConditionSet, shipped_set
from kubernaut.conditions.configmaps import DEFAULT_NAMES, condition_set
from kubernaut.conditions.defaults import shipped_defaults
from kubernaut.conditions.pinning import PinnedSets
from kubernaut.facts.registry import known_paths
from kubernaut.identity import ConditionId, Level
from kubernaut.policy.compiling import compile_policy
from kubernaut.policy.known_facts import known_facts_from_paths
from kubernaut.shipped import shipped_settings
from kubernaut_simulator.worlds.run_records import ACTION
from kubernaut_simulator.worlds.scenario import Scenario


def world_sets(scenario: Scenario) -> dict[Level, ConditionSet]:
    """Give each level's conditions in a scenario.

    Raises
    ------
    InputError
        The scenario's policies or settings cannot be used.
    """
    sets: dict[Level, ConditionSet] = {}
    for level in Level:
        data: dict[str, str] = {}
        for text, rego in scenario.policies.items():
            condition = ConditionId.parse(text)
            if condition.level is level:
                data[f"{condition.action}.{condition.phase.value}.{condition.type}.rego"] = rego
        laid_over = scenario.settings.get(level.value)
        if laid_over:
            settings = _merged(yaml.safe_load(shipped_settings(level)), laid_over)
            data["settings.yaml"] = yaml.safe_dump(settings, sort_keys=True)
        if not data:
            sets[level] = shipped_set(level, shipped_defaults())
            continue
        configmap = {"kind": "ConfigMap", "metadata": {"name": DEFAULT_NAMES[level]}, "data": data}
        sets[level] = condition_set(configmap, level=level, shipped=shipped_defaults())
    return sets


def pinned(sets: Mapping[Level, ConditionSet]) -> PinnedSets:
    """Compile what both levels' sets say of the action that worlds play."""
    known = known_facts_from_paths(known_paths())
    compile_ = partial(compile_policy, known_facts=known)
    step, action = (compile_set(sets[level], compile_, action=ACTION) for level in (Level.STEP, Level.ACTION))
    return PinnedSets(step=step, action=action)


def _merged(below: Any, above: Any) -> Any:
    if isinstance(below, dict) and isinstance(above, Mapping):
        return {**below, **{key: _merged(below.get(key), value) for key, value in above.items()}}
    return above
