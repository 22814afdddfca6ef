"""Where a condition is enforced, and how it ceases to be: in the suite itself and in every environment.

A namespace's environment may make a condition required although the suite does not. Setting a flag back means all of
these, or the export would say "warn" and some namespaces would go on blocking.
"""

from __future__ import annotations

from kubernaut.conditions.settings import Settings
from kubernaut.identity import ConditionId


def enforced_where(settings: Settings, condition: ConditionId) -> tuple[str, ...]:
    """Say where a condition blocks runs now: ``50 %``, ``100 % in staging``; empty in warn mode."""
    found = []
    usual = settings.effective(condition)
    if usual is not None and usual.required and usual.rollout_percent > 0:
        found.append(f"{usual.rollout_percent:g} %")
    for environment in sorted(settings.environments):
        here = settings.effective(condition, environment=environment)
        if here is not None and here.required and here.rollout_percent > 0:
            text = f"{here.rollout_percent:g} % in {environment}"
            if usual is None or (here.required, here.rollout_percent) != (usual.required, usual.rollout_percent):
                found.append(text)
    return tuple(found) if settings.enforcement else ()


def required_nowhere(settings: Settings, condition: ConditionId) -> Settings:
    """Give the same settings in which no environment makes the condition required by itself."""
    environments = dict(settings.environments)
    for name, environment in settings.environments.items():
        overrides = environment.actions.get(condition.action)
        own = overrides.phase(condition.phase).get(condition.type) if overrides else None
        if overrides is None or own is None or not own.required:
            continue
        phase = condition.phase.value
        changed = {**overrides.phase(condition.phase), condition.type: own.model_copy(update={"required": None})}
        actions = {**environment.actions, condition.action: overrides.model_copy(update={phase: changed})}
        environments[name] = environment.model_copy(update={"actions": actions})
    return settings.model_copy(update={"environments": environments})
