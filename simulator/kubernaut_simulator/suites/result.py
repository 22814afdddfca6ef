"""What a search of suites came to: the front, the chosen suite with the gate's word, and each condition's worth."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import pandas as pd

from kubernaut.identity import Phase
from kubernaut_simulator.estimation.columns import Flags
from kubernaut_simulator.estimation.rates import Rate, rate
from kubernaut_simulator.estimation.sequential import GateDecision, GateResult
from kubernaut_simulator.results.base import Result
from kubernaut_simulator.results.wording import how_many
from kubernaut_simulator.suites.fails import Fails
from kubernaut_simulator.suites.front import Front, Suite
from kubernaut_simulator.suites.incidents import Incidents
from kubernaut_simulator.suites.marginal import Marginal, Standing, marginals


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ProposedSuite:
    """One suite that went to the gate.

    Attributes
    ----------
    gate : GateDecision
        Of the workflow: it alone makes the suite required.
    on_gate : Fails
        Its choices on all incidents; those before the cut did not judge.
    """

    suite: Suite
    gate: GateDecision
    on_gate: Fails


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class SuiteSearch(Result):
    """Suites of one action.

    Attributes
    ----------
    fails : Fails
        What every choice does to the search incidents.
    front : Front
    incidents : Incidents
    proposed : tuple of ProposedSuite
        The chosen one first; empty when no suite stays under the ceiling.
    gate : GateResult
        With the log of every incident that entered.
    target, alpha : float
    history_digest : str
    """

    fails: Fails
    front: Front
    incidents: Incidents
    proposed: tuple[ProposedSuite, ...]
    gate: GateResult
    target: float
    alpha: float
    history_digest: str

    @property
    def chosen(self) -> ProposedSuite | None:
        """The suite that stops most harmful incidents under the ceiling; None when there is none."""
        return self.proposed[0] if self.proposed else None

    @property
    def required(self) -> ProposedSuite | None:
        """The first proposed suite that passed the gate; None: none may be required."""
        return next((one for one in self.proposed if one.gate.passed), None)

    @cached_property
    def marginals(self) -> tuple[Marginal, ...]:
        """What each condition is worth to the chosen suite; empty without one."""
        if self.chosen is None:
            return ()
        good, bad = self._searched
        return marginals(self.fails, self.front, self.chosen.suite, good=good, bad=bad)

    @property
    def redundant(self) -> tuple[str, ...]:
        """Conditions that stop no harmful incident beyond the chosen suite, never fired ones among them."""
        named = (Standing.REDUNDANT, Standing.NEVER_FIRED)
        return tuple(str(one.condition) for one in self.marginals if one.standing in named)

    @cached_property
    def data(self) -> pd.DataFrame:
        """The Pareto front, one row per suite, on the search incidents.

        Returns
        -------
        DataFrame
            `suite`, `conditions`, `good stopped` (k/n), `upper 95 %`, `harmful stopped` (k/n), `before the change`
            (harmful ones that a precondition stops), `not known` (good ones that count as stopped because the record
            cannot answer), `waiting s`, `chosen`.
        """
        rows = [self._row(one) for one in self.front.suites]
        return pd.DataFrame(
            rows, columns=list(self._row(Suite(columns=(), good_stopped=0, harmful_stopped=0, waiting_s=0.0)))
        )

    @cached_property
    def conditions(self) -> pd.DataFrame:
        """One row per condition: its choice, standing, and what the chosen suite loses without or gains with it."""
        return pd.DataFrame(
            [
                {
                    "condition": str(one.condition),
                    "choice": one.choice.name,
                    "standing": one.standing.value,
                    "harmful stopped": one.harmful_stopped,
                    "good stopped": one.good_stopped,
                    "waiting s": one.waiting_s,
                }
                for one in self.marginals
            ],
            columns=["condition", "choice", "standing", "harmful stopped", "good stopped", "waiting s"],
        )

    def false_stops(self, suite: Suite) -> Rate:
        """Give the share of good search incidents that a suite stops."""
        good, _ = self._searched
        return rate(suite.good_stopped, int(good.sum()))

    @property
    def _searched(self) -> tuple[Flags, Flags]:
        incidents = self.incidents
        return incidents.good & incidents.search, incidents.bad & incidents.search

    def _row(self, suite: Suite) -> dict[str, Any]:
        good, bad = self._searched
        columns = list(suite.columns)
        before = [one for one in columns if self.fails.choices[one].condition.phase is Phase.PRE]
        stops = self.false_stops(suite)
        return {
            "suite": " + ".join(self.fails.choices[one].name for one in columns) or "none required",
            "conditions": len(columns),
            "good stopped": f"{stops.k}/{stops.n}",
            "upper 95 %": stops.upper,
            "harmful stopped": f"{suite.harmful_stopped}/{int(bad.sum())}",
            "before the change": int((self.fails.stopped_by(before) & bad).sum()),
            "not known": int(
                (self.fails.unknown[:, columns].any(axis=1) & self.fails.stopped_by(columns) & good).sum()
            ),
            "waiting s": suite.waiting_s,
            "chosen": self.chosen is not None and suite is self.chosen.suite,
        }

    @property
    def shares(self) -> Collection[str]:
        """The bound."""
        return ["upper 95 %"]

    @property
    def title(self) -> str:
        """What may be done."""
        if self.chosen is None:
            return "Suites: none stays under the ceiling"
        required = self.required
        if required is None:
            return "Suites: the gate has not been met, none may be required yet"
        return f"Suites: may be required together: {self._row(required.suite)['suite']}"

    @property
    def summary(self) -> Mapping[str, str]:
        """How it was searched and what the gate says."""
        good, bad = self._searched
        allowed = self.front.allowed
        ceiling = (
            f"{allowed} of {how_many(int(good.sum()), 'good incident')} (upper limit at most {self.target:.0%})"
            if allowed >= 0
            else f"{how_many(int(good.sum()), 'good incident')}: too few to show a share below {self.target:.0%}"
        )
        found = {
            "split": self.incidents.split.text().replace("0 candidates", f"{self.front.compared:,} suites"),
            "searched on": f"{int(good.sum())} good and {how_many(int(bad.sum()), 'harmful incident')} before the cut",
            "ceiling of the workflow": ceiling,
        }
        for at, one in enumerate(self.proposed):
            name = "gate" if at == 0 else f"gate, proposal {at + 1}"
            found[name] = ("passed: " if one.gate.passed else "not met: ") + one.gate.why
            if len(self.proposed) > 1:
                found[name] += f" [{self._row(one.suite)['suite']}]"
        return found

    @property
    def notes(self) -> Sequence[str]:
        """What each condition is worth, and what was left out."""
        notes = [
            "good stopped, harmful stopped: on the incidents that were searched, so they look better than they are; "
            "only the gate, on other incidents, makes a suite required",
            "where a record cannot answer, a good incident counts as stopped and a harmful one as let through",
        ]
        for one in self.marginals:
            name = str(one.condition)
            if one.standing is Standing.CHOSEN:
                notes.append(
                    f"{name}: without it {how_many(one.harmful_stopped, 'harmful incident')} would go on, "
                    f"{how_many(one.good_stopped, 'good one')} fewer would be stopped, "
                    f"{one.waiting_s:.1f} s less waiting"
                )
            elif one.standing in (Standing.OVER_CEILING, Standing.WOULD_ADD):
                notes.append(
                    f"{name}: {one.standing.value} (it would stop "
                    f"{how_many(one.harmful_stopped, 'more harmful incident')} and "
                    f"{how_many(one.good_stopped, 'more good one')})"
                )
            else:
                notes.append(f"{name}: {one.standing.value}")
        frame = self.incidents.frame
        unused = int((frame["label"].notna() & ~frame["searched"] & self.incidents.search).sum())
        if unused:
            notes.append(
                f"not searched on: {how_many(unused, 'incident')} with an outcome, enrolled in enforcement or with a "
                "label that rests on the conditions' own facts"
            )
        if self.incidents.incomplete:
            left_out = how_many(self.incidents.incomplete, "incident")
            notes.append(f"left out: {left_out}, not judged by every condition")
        return notes

    def plot(self) -> Any:
        """Give the front: good against harmful incidents stopped, the ceiling, waiting as colour."""
        import plotly.graph_objects as go  # noqa: PLC0415 - 0.3 s that only a chart needs

        good, bad = self._searched
        suites = self.front.suites
        chosen = [self.chosen is not None and one is self.chosen.suite for one in suites]
        figure = go.Figure(
            go.Scatter(
                x=[one.good_stopped / max(1, int(good.sum())) for one in suites],
                y=[one.harmful_stopped / max(1, int(bad.sum())) for one in suites],
                mode="markers",
                text=[self._row(one)["suite"] for one in suites],
                marker={
                    "color": [one.waiting_s for one in suites],
                    "colorbar": {"title": "waiting s"},
                    "size": [14 if one else 8 for one in chosen],
                    "symbol": ["star" if one else "circle" for one in chosen],
                },
                name="suites that nothing beats",
            )
        )
        if self.front.allowed >= 0:
            figure.add_vline(
                x=self.front.allowed / max(1, int(good.sum())),
                line_dash="dash",
                annotation_text=f"upper 95 % at {self.target:.0%}",
            )
        return figure.update_layout(
            title="What a suite stops, on the search incidents",
            xaxis={"title": f"share of good incidents stopped (n = {int(good.sum())})", "tickformat": ".0%"},
            yaxis={"title": f"share of harmful incidents stopped (n = {int(bad.sum())})", "tickformat": ".0%"},
        )
