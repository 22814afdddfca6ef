"""A rollout plan as a result: how long each stage lasts, how sure that is, and how often it ends wrongly."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from kubernaut_simulator.estimation.clustering import Clustering
from kubernaut_simulator.estimation.rates import Rate, percent
from kubernaut_simulator.results.base import Result
from kubernaut_simulator.results.wording import how_many
from kubernaut_simulator.rollout.simulating import NO_STAGE, SimulatedRollouts
from kubernaut_simulator.rollout.terms import RolloutTerms
from kubernaut_simulator.rollout.truths import Floats

SPREAD = (0.1, 0.5, 0.9)


@dataclass(frozen=True, slots=True, kw_only=True)
class ConditionPlan:
    """What the plan expects of one condition; shares are of simulated rollouts.

    Attributes
    ----------
    condition : str
    false_stops : Rate
        P(stop|G) in the history.
    block_rate : Rate
        Stops, right or wrong, of all incidents in the history.
    limit : float or None
        Block budget.
    true_rate : tuple of float
        5 %, 50 % and 95 % points of what the true P(stop|G) may be.
    wrong : Rate
        The true rate is at or above the target.
    wrong_go, wrong_stop : Rate
        It is wrong and enforced when the last stage begins; it is right and set back to warn in any stage.
    wrong_stop_by_budget : Rate
        The part of `wrong_stop` that the block budget caused.
    went : Rate
        Enforced when the last stage begins, right or wrong.
    wrong_go_at_target : Rate
        Of rollouts of this condition alone with a true rate exactly at the target: enforced when the last stage begins.
    blocks_at_double : int or None
        Stops by which the block budget has set it back in 95 % of rollouts, were its block rate twice the limit; None
        without a budget, or when 1,024 enforced incidents do not suffice.
    """

    condition: str
    false_stops: Rate
    block_rate: Rate
    limit: float | None
    true_rate: tuple[float, ...]
    wrong: Rate
    wrong_go: Rate
    wrong_stop: Rate
    wrong_stop_by_budget: Rate
    went: Rate
    wrong_go_at_target: Rate
    blocks_at_double: int | None


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class RolloutPlan(Result):
    """A planned rollout.

    Attributes
    ----------
    terms : RolloutTerms
    conditions : tuple of ConditionPlan
    simulated : SimulatedRollouts
    per_day, measured_per_day : float
        Incidents a day: planned with, and of the history.
    incidents : int
        Of the history, that the plan is made from.
    left_out_incidents, left_out_conditions : mapping
        Not planned from or not planned: reason to count, condition to reason.
    clustering : Clustering
        Of the condition whose false stops come most in bunches.
    seed : int
    rollout, window : str
    """

    terms: RolloutTerms
    conditions: tuple[ConditionPlan, ...]
    simulated: SimulatedRollouts
    per_day: float
    measured_per_day: float
    incidents: int
    left_out_incidents: Mapping[str, int]
    left_out_conditions: Mapping[str, str]
    clustering: Clustering
    seed: int
    rollout: str
    window: str

    @cached_property
    def data(self) -> pd.DataFrame:
        """One row per stage; durations in days, NaN where a part of that size was undecided or nobody came so far."""
        return pd.DataFrame([self._stage(at) for at in range(len(self.terms.stages))])

    @cached_property
    def condition_table(self) -> pd.DataFrame:
        """One row per condition; see `ConditionPlan` for the columns."""
        return pd.DataFrame(
            [
                {
                    "condition": one.condition,
                    "false stops": one.false_stops.text(),
                    "true rate 5 %": one.true_rate[0],
                    "true rate 95 %": one.true_rate[2],
                    "block budget": one.limit,
                    "P(wrong)": one.wrong.text(),
                    "wrong go": one.wrong_go.text(),
                    "wrong stop": one.wrong_stop.text(),
                    "of these by budget": one.wrong_stop_by_budget.text(),
                    "reaches the last stage": one.went.text(),
                    "stops until set back at twice the budget": one.blocks_at_double,
                    "wrong go at the target": one.wrong_go_at_target.text(),
                }
                for one in self.conditions
            ]
        )

    @cached_property
    def rollouts(self) -> pd.DataFrame:
        """One row per simulated rollout and stage reached: `rollout`, `stage`, `percent`, `days`, what came of it."""
        row, stage = np.nonzero(self.simulated.reached)
        found = self.simulated
        return pd.DataFrame(
            {
                "rollout": row,
                "stage": stage + 1,
                "percent": np.array(self.terms.stages)[stage],
                "days": found.days[row, stage],
                "left_up": found.left_up[row, stage],
                "undecided": found.undecided[row, stage],
                "incidents": found.incidents[row, stage],
                "good_holdout": found.good_holdout[row, stage],
                "good_stopped": found.good_stopped[row, stage],
                "other_stopped": found.other_stopped[row, stage],
            }
        )

    def days_to_last_stage(self) -> tuple[float | None, ...]:
        """Days from the first stage's begin to the last one's: p10, p50, p90; None where too few come there."""
        total = self.simulated.days[:, :-1].sum(axis=1)
        return _quantiles(np.where(self.simulated.reached[:, -1], total, np.inf))

    def stage_days(self, stage: int) -> tuple[float | None, ...]:
        """Days of one stage, from 0, among the rollouts that reach it: p10, p50, p90; None where it is undecided."""
        own = self.simulated.days[:, stage]
        return _quantiles(np.where(self.simulated.undecided[:, stage], np.inf, own)[~np.isnan(own)])

    def _stage(self, at: int) -> dict[str, Any]:
        found, terms = self.simulated, self.terms
        reached = found.reached[:, at]
        count = int(reached.sum())
        low, middle, high = (np.nan if value is None else value for value in self.stage_days(at))
        share = terms.stages[at]
        return {
            "stage": at + 1,
            "percent": share,
            "holdout": f"{100 - share:g} %",
            "shows": self._shows(at),
            "days p10": low,
            "days p50": middle,
            "days p90": high,
            "reached": count / len(found),
            "goes on": int(found.left_up[:, at].sum()) / count if count else np.nan,
            "undecided": int(found.undecided[:, at].sum()) / count if count else np.nan,
            "good holdout p50": float(np.median(found.good_holdout[reached, at])) if count else np.nan,
            "good stopped p50": float(np.median(found.good_stopped[reached, at])) if count else np.nan,
            "good stopped p90": float(np.quantile(found.good_stopped[reached, at], 0.9)) if count else np.nan,
            "others stopped p50": float(np.median(found.other_stopped[reached, at])) if count else np.nan,
            "held by": self._held_by(at),
        }

    def _shows(self, at: int) -> str:
        if self.terms.stages[at] >= 100:
            return "nothing: no longer measurable"
        if self.terms.is_last(at):
            return f"{self.terms.minimum} good holdout incidents"
        return f"false stops below {self.terms.target_of(at):.0%}"

    def _held_by(self, at: int) -> str:
        """Name the condition that most often has the last answer."""
        held = self.simulated.held_by[:, at]
        held = held[held != NO_STAGE]
        return self.conditions[int(np.bincount(held).argmax())].condition if len(held) else ""

    @property
    def title(self) -> str:
        """What is planned."""
        stages = ", ".join(f"{share:g}" for share in self.terms.stages)
        return f"Rollout plan: {len(self.conditions)} conditions to {stages} %"

    @property
    def summary(self) -> Mapping[str, str]:
        """Traffic, terms, duration and how it was simulated."""
        terms = self.terms
        measured = (
            "measured" if self.per_day == self.measured_per_day else f"given; {self.measured_per_day:.3g} measured"
        )
        return {
            "history": f"{self.window + ', ' if self.window else ''}{self.incidents} incidents",
            "traffic": f"{self.per_day:.3g} incidents a day ({measured})",
            "bunches": _bunches(self.clustering),
            "to leave a stage": (
                f"every enforced condition shows false stops below {terms.first_target:.0%} (first stage) or "
                f"{terms.target:.0%}, on that stage's own holdout, alpha {terms.alpha:g} for all conditions together; "
                f"at least {terms.minimum_days:g}, at most {terms.longest_days:g} days"
            ),
            "days to the last stage": _days_text(self.days_to_last_stage()),
            "simulated": f"{len(self.simulated):,} rollouts, seed {self.seed}, rollout key {self.rollout!r}",
        }

    @property
    def notes(self) -> Sequence[str]:
        """Conditions one by one, what was left out, what the figures mean."""
        notes = [
            f"{one.condition}: {one.false_stops.text()}; wrong go {one.wrong_go.text()}, wrong stop "
            f"{one.wrong_stop.text()}; were its true rate {percent(self.terms.target)}: goes in "
            f"{one.wrong_go_at_target.text()}"
            for one in self.conditions
        ]
        notes += [f"{name}: not planned: {why}" for name, why in self.left_out_conditions.items()]
        notes += [
            f"{how_many(count, 'incident')} not planned from: {why}" for why, count in self.left_out_incidents.items()
        ]
        last = self.terms.stages[-1]
        if last < 100:
            notes.append(
                f"at {last:g} % only {100 - last:g} % of the incidents are holdout and can judge: the last stage has "
                f"no gate, its days are until {self.terms.minimum} good holdout incidents"
            )
        else:
            notes.append("at 100 % there is no holdout: false stops are no longer measurable")
        notes.append(
            "wrong go: true rate at or above the target, yet enforced when the last stage begins; wrong stop: below "
            "it, yet set back to warn; both of all simulated rollouts, each in a truth drawn from what history allows"
        )
        return notes

    def as_json(self) -> dict[str, Any]:
        """Give the plan as a JSON-ready object, conditions included."""
        rows = self.condition_table.to_dict(orient="records")
        return {**super().as_json(), "conditions": [{str(k): v for k, v in row.items()} for row in rows]}

    def plot(self) -> Any:
        """Give a chart of each stage's days: p10 to p90 with the median, from the rollout's begin."""
        import plotly.graph_objects as go  # noqa: PLC0415 - 0.3 s that only a chart needs

        names = [f"{share:g} %" for share in self.terms.stages]
        figure = go.Figure()
        for at, name in enumerate(names):
            days = self.simulated.days[:, at]
            days = days[~np.isnan(days)]
            if len(days):
                label = f"{name} (n={len(days)})"
                figure.add_trace(go.Box(x=days, name=label, orientation="h", boxpoints=False, showlegend=False))
        figure.add_vline(x=self.terms.longest_days, line_dash="dash", annotation_text="undecided")
        return figure.update_layout(
            title="Days at each stage; box: the middle half of simulated rollouts",
            xaxis={"title": "days", "rangemode": "tozero"},
            yaxis={"autorange": "reversed"},
        )


def _quantiles(days: Floats) -> tuple[float | None, ...]:
    if not len(days):
        return tuple(None for _ in SPREAD)
    found = np.quantile(days, SPREAD, method="inverted_cdf")
    return tuple(float(value) if np.isfinite(value) else None for value in found)


def _days_text(spread: tuple[float | None, ...]) -> str:
    shown = ["not reached" if value is None else f"{value:.0f}" for value in spread]
    return f"{shown[1]} (p10 {shown[0]}, p90 {shown[2]})"


def _bunches(spread: Clustering) -> str:
    effect = "unknown" if spread.design_effect is None else f"{spread.design_effect:.2f}"
    return f"{spread.clusters} target-days drawn whole; largest design effect of false stops {effect}"
