"""One rollout, day by day and incident by incident, in a world whose truth is known.

Written as the operator and the person beside it go about it, in plain loops: the engine's hash deals each incident, the
engine's block budget counts what is stopped, and every midnight somebody looks at the stage's holdout with the engine's
test. Nothing of `rollout.simulating` is used: it is what this is held against.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from math import log

import numpy as np

from kubernaut.enforcement.budget import BudgetState, count_incident
from kubernaut.enforcement.martingale import log_evidence_above, log_evidence_below
from kubernaut.enforcement.rollout import bucket_of, is_enrolled
from kubernaut_simulator.calibration.recorded_votes import MadeIncidents
from kubernaut_simulator.rollout.terms import DAY_S, RolloutTerms

NOW = datetime(2026, 1, 5, tzinfo=UTC)
"""The engine notes when a budget is spent; nothing depends on it."""

_below = lru_cache(maxsize=None)(log_evidence_below)
_above = lru_cache(maxsize=None)(log_evidence_above)


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownCondition:
    """What is true of a condition.

    Attributes
    ----------
    name : str
    false_stops, right_stops : float
        Chance that it stops a run that would do good, and another.
    """

    name: str
    false_stops: float
    right_stops: float


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownWorld:
    """What is true of a stream of incidents.

    Attributes
    ----------
    conditions : sequence of KnownCondition
    bunches_per_day : float
        Times a day that something happens; each time one target has one incident, or several.
    several : float
        Chance of several.
    size : int
        How many they then are.
    alike : float
        Chance that an incident of a bunch shares the luck of its bunch, instead of its own.
    good : float
        Share of runs that do good when they are let through.
    targets : int
    """

    conditions: Sequence[KnownCondition]
    bunches_per_day: float = 9.0
    several: float = 0.1
    size: int = 4
    alike: float = 0.5
    good: float = 0.75
    targets: int = 60

    @property
    def incidents_per_day(self) -> float:
        """Mean number of incidents a day."""
        return self.bunches_per_day * (1 + self.several * (self.size - 1))


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownIncident:
    """One incident.

    Attributes
    ----------
    day : float
        From the stream's begin.
    good : bool
        It would do good.
    stops : tuple of bool
        Whether each condition fails.
    """

    day: float
    target: int
    good: bool
    stops: tuple[bool, ...]


@dataclass(slots=True, kw_only=True)
class PlayedRollout:
    """What became of a rollout.

    Attributes
    ----------
    days : list of float
        How long each stage lasted that was entered.
    set_back_in : list of int or None
        Stage in which each condition was set back to warn.
    went : bool
        The last stage was entered.
    incidents : int
    """

    days: list[float] = field(default_factory=list)
    set_back_in: list[int | None]
    went: bool = False
    incidents: int = 0

    def enforced_at_last(self, condition: int, stages: int) -> bool:
        """Whether a condition was enforced when the last stage began."""
        back = self.set_back_in[condition]
        return self.went and (back is None or back == stages - 1)


def day_of(world: KnownWorld, day: int, rng: np.random.Generator) -> list[KnownIncident]:
    """Draw one day's incidents, in order of time."""
    found = []
    for _ in range(int(rng.poisson(world.bunches_per_day))):
        at, target = day + float(rng.random()), int(rng.integers(world.targets))
        size = world.size if rng.random() < world.several else 1
        # Everything that an incident may share with its bunch: whether it is good, and each condition's luck.
        shared = rng.random(1 + len(world.conditions))
        for number in range(size):
            own = rng.random(1 + len(world.conditions))
            luck = np.where(rng.random(1 + len(world.conditions)) < world.alike, shared, own)
            good = bool(luck[0] < world.good)
            stops = tuple(
                bool(luck[1 + c] < (one.false_stops if good else one.right_stops))
                for c, one in enumerate(world.conditions)
            )
            found.append(KnownIncident(day=at + number * 1e-4, target=target, good=good, stops=stops))
    return sorted(found, key=lambda one: one.day)


def history_of(world: KnownWorld, rng: np.random.Generator, *, days: int) -> MadeIncidents:
    """Draw a history in warn mode."""
    found = [one for day in range(days) for one in day_of(world, day, rng)]
    return MadeIncidents(
        days=np.array([one.day for one in found]),
        targets=[f"target-{one.target}" for one in found],
        good=np.array([one.good for one in found], dtype=bool),
        failed={
            condition.name: np.array([one.stops[c] for one in found], dtype=bool)
            for c, condition in enumerate(world.conditions)
        },
    )


def play_rollout(
    world: KnownWorld, rng: np.random.Generator, *, terms: RolloutTerms, limits: Sequence[float], name: str
) -> PlayedRollout:
    """Roll the world's conditions out, from the first stage on.

    Parameters
    ----------
    limits : sequence of float
        Block budget of each condition.
    name : str
        Of this rollout; its incidents are named after it, so that the hash deals every rollout anew.
    """
    played = PlayedRollout(set_back_in=[None] * len(world.conditions))
    budgets = [BudgetState(hypothesis=c.name, limit=limit) for c, limit in zip(world.conditions, limits, strict=True)]
    day = 0
    for stage, percent in enumerate(terms.stages):
        began, holdout = day, [_Holdout() for _ in world.conditions]
        played.went = terms.is_last(stage)
        left = [c for c, back in enumerate(played.set_back_in) if back is None]
        while True:
            for incident in day_of(world, day, rng):
                played.incidents += 1
                enrolled = is_enrolled(bucket_of("default", f"{name}-{played.incidents}"), percent)
                for c in left:
                    if enrolled:
                        budgets[c] = count_incident(
                            budgets[c],
                            incident_id=f"{name}-{played.incidents}",
                            blocked=incident.stops[c],
                            now=NOW,
                        )
                    elif incident.good:
                        holdout[c].waiting.append((incident.day, incident.stops[c]))
            day += 1
            for c in left:
                holdout[c].look(day, terms, stage, len(world.conditions))
                if budgets[c].is_spent or holdout[c].above:
                    played.set_back_in[c] = stage
            left = [c for c in left if played.set_back_in[c] is None]
            shown = all(holdout[c].below for c in left)
            if not left or day - began >= terms.longest_days or (shown and day - began >= terms.minimum_days):
                break
        played.days.append(float(day - began))
        if not left or not shown:
            break
    return played


@dataclass(slots=True)
class _Holdout:
    """A stage's holdout of one condition: incidents that wait for their label's age, counts, and what they showed."""

    waiting: list[tuple[float, bool]] = field(default_factory=list)
    stops: int = 0
    seen: int = 0
    below: bool = False
    above: bool = False

    def look(self, day: int, terms: RolloutTerms, stage: int, conditions: int) -> None:
        """Count every incident whose label has come of age by midnight, and test after each."""
        age, enough, target = terms.label_age_s / DAY_S, log(conditions / terms.alpha), terms.target_of(stage)
        while self.waiting and self.waiting[0][0] + age <= day:
            self.stops += self.waiting.pop(0)[1]
            self.seen += 1
            if self.seen < terms.minimum:
                continue
            self.above |= _above(self.stops, self.seen, target) >= enough
            # The last stage goes nowhere: there it is enough that it can be measured.
            self.below |= terms.is_last(stage) or _below(self.stops, self.seen, target) >= enough


def goes_by_calendar(world: KnownWorld, rng: np.random.Generator, *, terms: RolloutTerms, name: str) -> bool:
    """Say whether a rollout by calendar reaches the last stage: a week a stage, on if the rate seen in it is not above.

    Parameters
    ----------
    world : KnownWorld
        Of one condition.
    """
    day, number = 0, 0
    for stage, percent in enumerate(terms.stages[:-1]):
        stops = seen = 0
        for _ in range(int(terms.minimum_days)):
            for incident in day_of(world, day, rng):
                number += 1
                if incident.good and not is_enrolled(bucket_of("default", f"{name}-{number}"), percent):
                    stops, seen = stops + incident.stops[0], seen + 1
            day += 1
        if seen == 0 or stops > terms.target_of(stage) * seen:
            return False
    return True
