"""Generated worlds for the proofs: shipped scenarios at small sizes, each made once in a process.

Several proofs ask the same worlds, and playing one takes seconds. What is true of them is `worlds.truth`. Other terms
can be laid over a scenario here, as its own settings would, with the same seed and therefore the same incidents.
"""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, TypeAlias

from kubernaut.identity import ConditionId
from kubernaut_simulator.worlds.generate import GeneratedWorld, generate
from kubernaut_simulator.worlds.scenario import Scenario, load_scenario

Terms: TypeAlias = tuple[tuple[str, str, Any], ...]
"""Condition, key of settings.yaml, value."""

KEPT = 12
"""Worlds of a few hundred incidents are tens of megabytes each."""


@lru_cache(maxsize=KEPT)
def generated(
    name: str, *, seed: int, incidents: int, terms: Terms = (), changes_after_days: float | None = None
) -> GeneratedWorld:
    """Give a world of a shipped scenario.

    Parameters
    ----------
    terms : Terms
        Other settings.
    changes_after_days : float or None
        When everything changes that does; None leaves the scenario's own days.
    """
    scenario = load_scenario(name)
    if changes_after_days is not None:
        sooner = [one.model_copy(update={"after_days": changes_after_days}) for one in scenario.changes]
        scenario = scenario.model_copy(update={"changes": sooner})
    # One process: proofs run side by side already.
    return generate(with_terms(scenario, terms), incidents=incidents, seed=seed, jobs=1)


def enforced(conditions: Sequence[str]) -> Terms:
    """Give the terms on which conditions are enforced on every run."""
    return tuple(
        (one, key, value) for one in conditions for key, value in (("required", True), ("rolloutPercent", 100))
    )


def with_terms(scenario: Scenario, terms: Terms) -> Scenario:
    """Give a scenario with some settings of its conditions changed and nothing else."""
    levels: dict[str, Any] = {level: _copied(tree) for level, tree in scenario.settings.items()}
    for text, key, value in terms:
        one = ConditionId.parse(text)
        at = levels
        for name in (one.level.value, "actions", one.action, one.phase.value, one.type):
            at = at.setdefault(name, {})
        at[key] = value
    return scenario.model_copy(update={"settings": levels})


def _copied(tree: Any) -> Any:
    return {key: _copied(value) for key, value in tree.items()} if isinstance(tree, Mapping) else tree
