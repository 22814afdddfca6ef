"""`business_effect`: the accounts, the effects by arm, the gates and the return, as one result."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import pandas as pd

from kubernaut_simulator.effect.accounts import Accounts, accounts_of
from kubernaut_simulator.effect.effects import HORIZON_S, STAGE, UNITS, Effect, Measure, compared, effects
from kubernaut_simulator.effect.gates import Gate, gates
from kubernaut_simulator.effect.incidents import Experiment, experiment_of
from kubernaut_simulator.effect.returns import Costs, Returns, returns_of
from kubernaut_simulator.results.base import Result
from kubernaut_simulator.results.wording import how_many
from kubernaut_simulator.rollout.seen import seen_rollouts
from kubernaut_simulator.rollout.terms import DAY_S

if TYPE_CHECKING:
    from kubernaut_simulator.replay.replay import Replay


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class BusinessEffect(Result):
    """What the guards change.

    Attributes
    ----------
    accounts : Accounts
        From replay.
    experiment : Experiment
    effects : tuple of Effect
        Over all stages with two arms.
    gates : tuple of Gate
    returns : Returns or None
        None: no cost was stated.
    horizon_s : float
    window : str
    """

    accounts: Accounts
    experiment: Experiment
    effects: tuple[Effect, ...]
    gates: tuple[Gate, ...]
    returns: Returns | None
    horizon_s: float
    window: str

    @cached_property
    def data(self) -> pd.DataFrame:
        """One row per outcome: means of both arms, difference with its interval, n of each arm."""
        return pd.DataFrame([self._row(one) for one in self.effects])

    @cached_property
    def by_stage(self) -> pd.DataFrame:
        """The same for each stage by itself; columns `environment`, `action`, `percent` in front."""
        rows = [
            dict(zip(STAGE, keys, strict=True)) | self._row(one)
            for keys, part in compared(self.experiment.data).groupby(STAGE, sort=True, dropna=False)
            for one in effects(part, horizon_s=self.horizon_s)
        ]
        return pd.DataFrame(rows, columns=[*STAGE, *self.data.columns])

    @cached_property
    def gate_table(self) -> pd.DataFrame:
        """One row per gate."""
        columns = ["stage", "environment", "action", "percent", "gate", "answer", "why"]
        rows = [
            (one.stage.value, one.environment, one.action, one.percent, one.name, one.answer.value, one.why)
            for one in self.gates
        ]
        return pd.DataFrame(rows, columns=columns)

    def _row(self, one: Effect) -> dict[str, Any]:
        found = one.difference
        enough = found.enough
        return {
            "outcome": one.measure.value,
            "unit": UNITS[one.measure],
            "enrolled": found.enrolled if enough else None,
            "not enrolled": found.control if enough else None,
            "difference": found.estimate if enough else None,
            "lower 95 %": found.lower if enough else None,
            "upper 95 %": found.upper if enough else None,
            "reduction": one.reduction.estimate if enough else None,
            "n enrolled": found.n_enrolled,
            "n not enrolled": found.n_control,
            "missing": f"{one.missing_enrolled} / {one.missing_control}",
            "says": _says(one),
            "method": found.method,
        }

    @property
    def title(self) -> str:
        """What this is."""
        return "Business effect: enrolled against not enrolled, as the rollout's hash assigned them"

    @property
    def summary(self) -> Mapping[str, str]:
        """Window, arms, accounts and return."""
        data = self.experiment.data
        both = compared(data)
        enrolled = int(both["enrolled"].sum())
        accounts = self.accounts
        found = {
            "window": self.window,
            "arms": f"{enrolled} enrolled, {len(both) - enrolled} not, in {both.groupby(STAGE, dropna=False).ngroups} "
            f"stages with two arms; {len(data) - len(both)} incidents in warn mode or at 100 %",
            "accounts": f"of a replay with {how_many(len(accounts.conditions), 'condition')} enforced everywhere",
            "harmful runs stopped": f"{accounts.harmful.text()} of those with an ineffective outcome",
            "good runs stopped": accounts.good.text(),
            "cascades": f"{accounts.cascades.text()} of the workflows with several steps",
            "judging a step": _seconds(accounts.judging_s),
            "waiting for postconditions": _seconds(accounts.waiting_s),
            "blocked so far": f"{accounts.blocked_s:.0f} s",
        }
        if self.returns is not None:
            found["return a year"] = _return_text(self.returns)
        return found

    @property
    def notes(self) -> Sequence[str]:
        """The gates, and how to read the figures."""
        shown = [
            f"{one.stage.value} {one.environment or '(no environment)'} {one.percent:g} %: {one.name}: "
            f"{one.answer.value}: {one.why}"
            for one in self.gates
        ]
        left_out = [f"{how_many(count, 'incident')} left out: {why}" for why, count in self.experiment.counts.items()]
        return [
            *shown,
            *left_out,
            "harmful and good runs, cascades and waiting are accounts of a replay, not savings; only the comparison of "
            "the arms says what enforcement changes",
            "the intervals are for one look at the end of a stage: whoever looks every day and stops at the first good "
            "one is wrong more often than 5 %",
        ]

    def as_json(self) -> dict[str, Any]:
        """Give the result as a JSON-ready object, gates and accounts included."""
        gate_rows = [{str(k): v for k, v in row.items()} for row in self.gate_table.to_dict(orient="records")]
        account_rows = [
            {str(k): v for k, v in row.items()} for row in self.accounts.per_condition.to_dict(orient="records")
        ]
        return {**super().as_json(), "gates": gate_rows, "accounts": account_rows}

    def plot(self) -> Any:
        """Give a chart of the differences of the shares with their intervals; right of zero is more."""
        import plotly.graph_objects as go  # noqa: PLC0415 - 0.3 s that only a chart needs

        timed = (Measure.RESOLUTION, Measure.STEP_TIME)
        shown = [one for one in self.effects if one.measure not in timed and one.difference.enough]
        values = [one.difference.estimate or 0.0 for one in shown]
        names = [f"{one.measure.value} (n={one.difference.n_enrolled} and {one.difference.n_control})" for one in shown]
        figure = go.Figure(
            go.Scatter(
                x=values,
                y=names,
                mode="markers",
                error_x={
                    "type": "data",
                    "symmetric": False,
                    "array": [(one.difference.upper or 0.0) - x for one, x in zip(shown, values, strict=True)],
                    "arrayminus": [x - (one.difference.lower or 0.0) for one, x in zip(shown, values, strict=True)],
                },
                name="enrolled minus not enrolled, 95 %",
            )
        )
        figure.add_vline(x=0, line_dash="dash")
        return figure.update_layout(
            title=self.title,
            xaxis={"title": "difference of shares (95 %)", "tickformat": "+.0%"},
            yaxis={"autorange": "reversed"},
        )


def business_effect(
    replay: Replay,
    *,
    conditions: Sequence[str] | None = None,
    costs: Costs | None = None,
    horizon_s: float = HORIZON_S,
) -> BusinessEffect:
    """Say what the guards change.

    Parameters
    ----------
    replay : Replay
        Its verdicts make the accounts; its history, as recorded, makes the comparison of the arms.
    conditions : sequence of str or None
        Of the accounts; None means all that were judged.
    costs : Costs or None
    horizon_s : float, unit s
        Times to resolve count up to here.

    Raises
    ------
    HistoryError
        There is no vote.
    """
    experiment = experiment_of(replay.history)
    found = effects(experiment.data, horizon_s=horizon_s)
    return BusinessEffect(
        accounts=accounts_of(replay, conditions),
        experiment=experiment,
        effects=found,
        gates=gates(experiment, seen_rollouts(replay.history), horizon_s=horizon_s),
        returns=returns_of(found, costs or Costs(), incidents_per_day=_per_day(experiment)),
        horizon_s=horizon_s,
        window=replay.window,
    )


def _per_day(experiment: Experiment) -> float:
    data = experiment.data
    if data.empty:
        return 0.0
    span = float((data["started_at"].max() - data["started_at"].min()).total_seconds()) / DAY_S
    return len(data) / max(1.0, span)


def _says(one: Effect) -> str:
    found = one.difference
    if not found.enough or found.lower is None or found.upper is None:
        return "not enough data"
    if found.lower > 0:
        return "more"
    return "less" if found.upper < 0 else "no difference shown"


def _seconds(spread: tuple[float, float] | None) -> str:
    if spread is None:
        return "not recorded"
    return f"median {spread[0]:.2g} s, 95 % of steps within {spread[1]:.3g} s"


def _return_text(found: Returns) -> str:
    if found.estimate is None or found.lower is None or found.upper is None:
        return found.why
    payback = "" if found.payback_years is None else f", paid back in {found.payback_years:.1f} years"
    return f"{found.estimate:,.0f} ({found.lower:,.0f} to {found.upper:,.0f}){payback}; {found.why}"
