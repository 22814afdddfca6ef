"""Other holds and poll intervals as a result: what they would have made of the runs that passed."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import pandas as pd

from kubernaut.durations import format_duration
from kubernaut.errors import InputError
from kubernaut.identity import ConditionId, Phase
from kubernaut.policy.batch import Evaluator
from kubernaut_simulator.estimation.labels import Label
from kubernaut_simulator.estimation.rates import Rate, wilson
from kubernaut_simulator.replay.replay import Replay
from kubernaut_simulator.replay.workers import workers_or
from kubernaut_simulator.results.base import COLOURS, CONDITION, Result, counts_of
from kubernaut_simulator.results.wording import grouped, short_names
from kubernaut_simulator.whatif.holding import HOLDS_S, Effect, NotScored, Setting, hold_effects
from kubernaut_simulator.whatif.polling import POLLS_S, poll_effects
from kubernaut_simulator.whatif.whatif import WhatIf

OUTCOME_WORDS = {Label.GOOD: "good", Label.BAD: "not good"}
"""Of the workflow, as the table writes it."""


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class HoldingResult(Result):
    """What other holds and poll intervals would have made of the passed runs of a replay.

    Attributes
    ----------
    effects : tuple of Effect
    without_outcome : mapping of str to int
        Condition to number of votes whose outcome is not known.
    window : str
    """

    effects: tuple[Effect, ...]
    without_outcome: Mapping[str, int]
    window: str

    @cached_property
    def data(self) -> pd.DataFrame:
        """One row per condition, setting, value and outcome."""
        rows = [self._row(one) for one in self.effects]
        return pd.DataFrame(rows)

    @staticmethod
    def _row(one: Effect) -> dict[str, Any]:
        return {
            CONDITION: one.condition,
            "setting": one.setting.value,
            "value s": one.value_s,
            "now": "now" if one.present else "",
            "outcome": OUTCOME_WORDS[one.outcome],
            **counts_of("later or not at all", one.changed),
            **counts_of("later", one.later),
            **counts_of("not at all", one.not_at_all),
            "added s": one.added.median_s,
            "added lower s": one.added.lower_s,
            "added upper s": one.added.upper_s,
            **_counts_if_asked("stopped, would pass", one.would_pass),
            "passed, not scored": sum(one.not_scored.values()),
        }

    @property
    def columns(self) -> Sequence[str]:
        """What changes for how many, and what it costs."""
        rates = ["later or not at all", "added s", "passed, not scored"]
        return [CONDITION, "setting", "value s", "now", "outcome", *rates]

    @property
    def counted(self) -> Collection[str]:
        """The rates."""
        return ["later or not at all", "later", "not at all", "stopped, would pass"]

    @property
    def title(self) -> str:
        """What this is."""
        return "Holding and polling: would the runs that passed have passed on another holdFor or pollInterval?"

    @property
    def summary(self) -> Mapping[str, str]:
        """Window, what was counted and how."""
        return {
            "window": self.window,
            "counted": "one vote per incident, its first run; of those that passed, apart by what the run did",
            "holdFor": "passed runs that were watched on to the deadline, unweighted: they are drawn by a hash of the "
            "run; failed runs are always known and would count too often, so they stand apart (stopped, would pass)",
            "pollInterval": "the engine's poll times laid over [last look that had not passed, first that had]; "
            "added s is at the later end, its limits reach from the earlier to the later",
            "limits": "Clopper-Pearson, one-sided 95 %; of the median added: order statistics, two-sided 95 %",
        }

    @cached_property
    def _pairs(self) -> Mapping[tuple[str, Setting, float], Sequence[Effect]]:
        found: dict[tuple[str, Setting, float], list[Effect]] = {}
        for one in self.effects:
            found.setdefault((one.condition, one.setting, one.value_s), []).append(one)
        return found

    @property
    def notes(self) -> Sequence[str]:
        """What says nothing, and why."""
        if not self.effects:
            return ["no postcondition has a vote with a known outcome: there is nothing to hold"]
        return grouped(self._said(), conditions=list(dict.fromkeys(one.condition for one in self.effects)))

    def _said(self) -> Iterator[tuple[str, str]]:
        said: dict[tuple[str, Setting, NotScored, str], list[float]] = {}
        for (condition, setting, value_s), own in self._pairs.items():
            for why in NotScored:
                numbers = [(one.not_scored.get(why, 0), OUTCOME_WORDS[one.outcome]) for one in own]
                counted = " and ".join(f"{number:,} {word}" for number, word in numbers if number)
                if counted:
                    said.setdefault((condition, setting, why, counted), []).append(value_s)
        for (condition, setting, why, counted), values in said.items():
            at = ", ".join(map(format_duration, values))
            yield condition, f"{setting} {at}: {counted} runs that passed are not scored: {why}"
        for condition, number in self.without_outcome.items():
            if number:
                yield condition, f"{number:,} votes without a known outcome are in no row"

    def plot(self, setting: Setting | str = Setting.HOLD_FOR) -> Any:
        """Give a chart of what another setting changes for passed good runs, by its value.

        Parameters
        ----------
        setting : Setting or str
            ``holdFor``: share that would pass later or not at all. ``pollInterval``: seconds added at the median.

        Raises
        ------
        InputError
            Neither of them.
        """
        import plotly.graph_objects as go  # noqa: PLC0415 - 0.3 s that only a chart needs

        if setting not in list(Setting):
            raise InputError(f"setting {str(setting)!r}: one of {', '.join(Setting)}")
        good = [one for one in self.effects if one.setting == setting and one.outcome is Label.GOOD and one.changed.n]
        held = setting == Setting.HOLD_FOR
        shown = [one for one in good if held or one.added.median_s is not None]
        figure = go.Figure()
        for place, (condition, name) in enumerate(short_names(one.condition for one in shown).items()):
            own = [one for one in shown if one.condition == condition]
            values = [_share(one) if held else _seconds(one) for one in own]
            sizes = sorted({one.changed.n for one in own})
            counted = f"n={sizes[0]}" if len(sizes) == 1 else f"n={sizes[0]} to {sizes[-1]}"
            figure.add_scatter(
                x=[one.value_s for one in own],
                y=[value for value, _, _ in values],
                mode="lines+markers",
                line={"color": COLOURS[place % len(COLOURS)]},
                error_y={
                    "type": "data",
                    "symmetric": False,
                    "array": [upper - value for value, _, upper in values],
                    "arrayminus": [value - lower for value, lower, _ in values],
                },
                name=f"{name} ({counted})",
            )
        highest = max((upper for one in shown for _, _, upper in [_share(one)]), default=0.0)
        share = {
            "title": "share later or not at all (Wilson 95 %)",
            "tickformat": ".0%",
            # Rare changes fill the picture; none at all does not look like a hundredth.
            "range": [0, min(1.02, max(0.2, highest + 0.02))],
        }
        seconds = {"title": "seconds added at the median (95 %)", "rangemode": "tozero"}
        return figure.update_layout(
            title=f"Good runs that passed: what another {Setting(setting)} changes",
            xaxis={"title": f"{Setting(setting)}, seconds", "rangemode": "tozero"},
            yaxis=share if held else seconds,
            height=420,
        )


def _share(one: Effect) -> tuple[float, float, float]:
    limits = wilson(one.changed.k, one.changed.n)
    return one.changed.k / one.changed.n, limits.lower, limits.upper


def _seconds(one: Effect) -> tuple[float, float, float]:
    """Give the median added and its limits; without enough runs for limits, none are drawn."""
    value = 0.0 if one.added.median_s is None else one.added.median_s
    lower, upper = one.added.lower_s, one.added.upper_s
    return value, value if lower is None else lower, value if upper is None else upper


def holding_of(
    replayed: Replay,
    *,
    holds_s: Sequence[float] | None = None,
    polls_s: Sequence[float] | None = None,
    evaluator: Evaluator | None = None,
) -> HoldingResult:
    """Ask the passed runs of a replay about other holds and poll intervals; see `Replay.holding`.

    Raises
    ------
    InputError
        A hold below zero, or an interval that is not above it.
    HistoryError
        The history stayed in its files.
    """
    holds = tuple(HOLDS_S if holds_s is None else holds_s)
    polls = tuple(POLLS_S if polls_s is None else polls_s)
    if any(not value >= 0.0 for value in holds):
        raise InputError(f"holdFor {min(holds):g}s: 0s or more")
    if any(not value > 0.0 for value in polls):
        raise InputError(f"pollInterval {min(polls):g}s: more than 0s")
    what_if = WhatIf(replayed.history)
    if replayed.conditions is not None:
        with workers_or(evaluator) as by:
            what_if = what_if.with_conditions(replayed.conditions, evaluator=by)
    votes = replayed.votes.data
    votes = votes[~votes["candidate"]]
    effects: list[Effect] = []
    without: dict[str, int] = {}
    for text, own in votes.groupby("condition", observed=True, sort=True):
        condition = ConditionId.parse(str(text))
        if condition.phase is not Phase.POST or condition not in what_if.stored.conditions:
            continue
        known = own[own["label"].notna()]
        without[str(text)] = len(own) - len(known)
        if len(known):
            effects += hold_effects(what_if, condition, known, holds)
            effects += poll_effects(what_if, condition, known, polls)
    return HoldingResult(effects=tuple(effects), without_outcome=without, window=replayed.window)


def _counts_if_asked(name: str, found: Rate | None) -> dict[str, Any]:
    return dict.fromkeys([name, f"{name} k", f"{name} n"]) if found is None else counts_of(name, found)
