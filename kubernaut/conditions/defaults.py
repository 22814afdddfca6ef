"""The shipped policies, libraries and settings in the form that ConfigMaps are laid over."""

from functools import cache

from kubernaut import shipped
from kubernaut.conditions.condition_set import PolicyText, Shipped
from kubernaut.conditions.settings_text import load_settings
from kubernaut.conditions.spec import PolicySource
from kubernaut.identity import ConditionId, Level


@cache
def shipped_defaults() -> Shipped:
    """Give what the package itself brings; a policy that ships for a type serves both levels."""
    return Shipped(
        policies={
            ConditionId(policy.action, level, policy.phase, policy.type): PolicyText(
                name=policy.file, source=policy.source, origin=PolicySource.SHIPPED
            )
            for policy in shipped.shipped_policies()
            for level in Level
        },
        libraries=dict(shipped.shipped_libraries()),
        settings={
            level: load_settings(shipped.shipped_settings(level), source=f"shipped {level.value}-settings.yaml")
            for level in Level
        },
    )
