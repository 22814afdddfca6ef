"""Return on investment, only from costs that the user states and effects that the rollout has shown.

Nothing is assumed: a cost that is not stated is not in the sum, and an effect without enough data gives no line.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from kubernaut_simulator.effect.effects import Effect, Measure

DAYS_PER_YEAR = 365.25


@dataclass(frozen=True, slots=True, kw_only=True)
class Costs:
    """What the user says things cost, in any one currency; None is not stated.

    Attributes
    ----------
    per_incident_hour : float or None
        An hour of an unresolved incident.
    per_manual_intervention : float or None
    investment : float or None
        Once.
    per_year : float or None
        Running costs of the guards.
    """

    per_incident_hour: float | None = None
    per_manual_intervention: float | None = None
    investment: float | None = None
    per_year: float | None = None

    @property
    def stated(self) -> bool:
        """Whether there is a cost that an effect can save."""
        return self.per_incident_hour is not None or self.per_manual_intervention is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class Returns:
    """Yearly return if every incident were enrolled.

    Attributes
    ----------
    estimate, lower, upper : float or None
        In the user's currency a year, running costs taken off; None where an effect has not enough data. The limits add
        up the limits of the parts (Bonferroni over the parts), which is wider than need be.
    incidents_per_year : float
    payback_years : float or None
        Investment by the estimate; None without both, or without a gain.
    why : str
    """

    estimate: float | None
    lower: float | None
    upper: float | None
    incidents_per_year: float
    payback_years: float | None
    why: str


def returns_of(effects: Sequence[Effect], costs: Costs, *, incidents_per_day: float) -> Returns | None:
    """Give the return; None when no cost is stated.

    Parameters
    ----------
    effects : sequence of Effect
        With intervals at 95 %: two parts together hold at 90 %.
    incidents_per_day : float
    """
    if not costs.stated:
        return None
    per_year = incidents_per_day * DAYS_PER_YEAR
    prices = {
        Measure.RESOLUTION: None if costs.per_incident_hour is None else costs.per_incident_hour / 3600,
        Measure.MANUAL: costs.per_manual_intervention,
    }
    estimate = lower = upper = -(costs.per_year or 0.0)
    parts = []
    for effect in effects:
        price = prices.get(effect.measure)
        if price is None:
            continue
        found = effect.difference
        if not found.enough or found.estimate is None or found.lower is None or found.upper is None:
            return Returns(
                estimate=None,
                lower=None,
                upper=None,
                incidents_per_year=per_year,
                payback_years=None,
                why=f"not enough data on {effect.measure.value}: {found.n_enrolled} enrolled, {found.n_control} not",
            )
        estimate -= price * per_year * found.estimate
        lower -= price * per_year * found.upper
        upper -= price * per_year * found.lower
        parts.append(effect.measure.value)
    payback = None if costs.investment is None or estimate <= 0 else costs.investment / estimate
    return Returns(
        estimate=estimate,
        lower=lower,
        upper=upper,
        incidents_per_year=per_year,
        payback_years=payback,
        why=f"from {' and '.join(parts)} at the stated costs, {per_year:.0f} incidents a year, all enrolled",
    )
