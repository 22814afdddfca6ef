"""What exported conditions say that a rollout needs: which may stop runs, and how often each is allowed to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kubernaut_simulator.replay.tasks import Conditions


def promised_limits(conditions: Conditions | None) -> Mapping[str, float]:
    """Give the block budgets of exported conditions by identity; those without evidence are left out."""
    limits: dict[str, float] = {}
    for level, one in (conditions or {}).items():
        for condition in one.texts.settings.condition_ids(level):
            settings = one.texts.settings.effective(condition)
            if settings is not None and settings.evidence is not None and settings.evidence.block_rate is not None:
                limits[str(condition)] = settings.evidence.block_rate.upper
    return limits


def required_conditions(conditions: Conditions) -> list[str]:
    """Give the identities that are required at a percentage above 0, sorted."""
    return sorted(
        str(condition)
        for level, one in conditions.items()
        for condition in one.texts.settings.condition_ids(level)
        for settings in [one.texts.settings.effective(condition)]
        if settings is not None and settings.required and settings.rollout_percent > 0
    )
