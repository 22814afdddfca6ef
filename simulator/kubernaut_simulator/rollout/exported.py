"""What exported conditions say that a rollout needs: which may stop runs, and how often each is allowed to."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kubernaut.conditions.compiled_set import CompiledSet
    from kubernaut.conditions.settings import PreSettings
    from kubernaut.identity import ConditionId
    from kubernaut_simulator.replay.tasks import Conditions


def exported(conditions: Conditions) -> Iterator[tuple[ConditionId, PreSettings, CompiledSet]]:
    """Give each exported condition with its settings and the set that it stands in, level by level."""
    for level, one in conditions.items():
        for condition in one.texts.settings.condition_ids(level):
            settings = one.texts.settings.effective(condition)
            if settings is not None:
                yield condition, settings, one


def promised_limits(conditions: Conditions | None) -> Mapping[str, float]:
    """Give the block budgets of exported conditions by identity; those without evidence are left out."""
    return {
        str(condition): settings.evidence.block_rate.upper
        for condition, settings, _ in exported(conditions or {})
        if settings.evidence is not None and settings.evidence.block_rate is not None
    }


def required_conditions(conditions: Conditions) -> list[str]:
    """Give the identities that are required at a percentage above 0, sorted."""
    return sorted(
        str(condition)
        for condition, settings, _ in exported(conditions)
        if settings.required and settings.rollout_percent > 0
    )
