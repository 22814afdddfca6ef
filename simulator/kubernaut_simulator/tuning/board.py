"""Target, share and flags moved by hand, answered at once: the decision table, the suite among all others, its stops.

Nothing is estimated in another way than `tune` and `suite` do: what a share costs, a replay and a search, is done when
it is first asked for and kept; a target asks the test again; flags only count incidents. The table and the stops are of
the incidents after the cut, the place among all suites is of those before it, as everywhere.

A flag set by hand is a question, not a decision: the export has the flags that the test gives.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import pandas as pd

from kubernaut.errors import InputError
from kubernaut.identity import ConditionId, Phase
from kubernaut_simulator.estimation.labels import Label
from kubernaut_simulator.estimation.rates import Rate, percent, rate
from kubernaut_simulator.history.history import History
from kubernaut_simulator.replay.replay import Replay, replay
from kubernaut_simulator.results.base import CONDITION, Result
from kubernaut_simulator.suites.front import Front, Suite, find_front
from kubernaut_simulator.suites.result import SuiteSearch
from kubernaut_simulator.suites.search import SuiteTerms, search_suites
from kubernaut_simulator.tuning.deciding import Searched, decide
from kubernaut_simulator.tuning.result import Tuning
from kubernaut_simulator.tuning.together import stopped_by_any
from kubernaut_simulator.tuning.tune import TuningTerms, searched
from kubernaut_simulator.whatif.whatif import WhatIf

ASKED = (
    "condition",
    "candidate",
    "incident_id",
    "execution_uid",
    "run_started_at",
    "verdict",
    "stop",
    "target_day",
    "label",
    "gate",
    "not_in_gate",
    "gate_at",
    "unlabelled",
)
"""Columns of votes that a decision reads: taking rows of all others would be most of its time."""


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class BoardAnswer(Result):
    """What the flags come to, under one target and share.

    Attributes
    ----------
    tuning : Tuning
        What the test says; the same as `tune` on these terms.
    required : tuple of str
        Conditions required here, by the test or by hand.
    good, harmful, every : Rate
        Incidents after the cut that any of them would have stopped, enforced on all: those that did good, those that
        did none, and all, labelled or not.
    front : Front
        The suites that nothing beats, before the cut, with the timeouts of this share.
    suite : Suite
        The required conditions, on the same incidents.
    searched : (int, int)
        Good and harmful incidents before the cut.
    """

    tuning: Tuning
    required: tuple[str, ...]
    good: Rate
    harmful: Rate
    every: Rate
    front: Front
    suite: Suite
    searched: tuple[int, int]

    @property
    def title(self) -> str:
        """What is asked."""
        by_hand = len(self.against | self.left_out)
        return f"{len(self.required)} of {len(self.tuning.decisions)} conditions required" + (
            f", {by_hand} otherwise than the test says" if by_hand else ", as the test says"
        )

    @property
    def against(self) -> frozenset[str]:
        """Required here although the test has not said so."""
        return frozenset(self.required) - self._by_test

    @property
    def left_out(self) -> frozenset[str]:
        """Not required here although the test would let it."""
        return self._by_test - frozenset(self.required)

    @property
    def _by_test(self) -> frozenset[str]:
        return frozenset(str(one.condition) for one in self.tuning.decisions if one.after.required)

    @property
    def better(self) -> Suite | None:
        """A suite that stops no more good incidents, more harmful ones, and makes nobody wait longer; None: none does.

        Of several the one that stops most harmful incidents.
        """
        own = self.suite
        found = [
            one
            for one in self.front.suites
            if one.good_stopped <= own.good_stopped
            and one.harmful_stopped > own.harmful_stopped
            and one.waiting_s <= own.waiting_s
        ]
        return max(found, key=lambda one: one.harmful_stopped, default=None)

    @property
    def summary(self) -> Mapping[str, str]:
        """The stops of the workflow, and the place among all suites."""
        n_good, n_bad = self.searched
        own, better = self.suite, self.better
        place = (
            f"{own.good_stopped}/{n_good} good and {own.harmful_stopped}/{n_bad} harmful ones stopped, "
            f"{own.waiting_s:.1f} s waited"
        )
        if own.good_stopped > self.front.allowed:
            place += f"; more good ones than {self.tuning.target:.0%} allow"
        elif better is not None:
            place += (
                f"; another suite stops {better.harmful_stopped} harmful ones, no more good ones, and waits no longer"
            )
        else:
            place += "; no other stops more harmful ones without stopping more good ones or waiting longer"
        return {
            "asked": f"fewer than {percent(self.tuning.target)} of good incidents stopped; timeouts for "
            f"{self.tuning.share * 100:g} % of good runs",
            "workflow stops, after the cut": f"{self.every.text()} of all incidents",
            "of the good ones": self.good.text(),
            "of the harmful ones": self.harmful.text(),
            "place, before the cut": place,
        }

    @cached_property
    def data(self) -> pd.DataFrame:
        """The decision table, with what is required here."""
        return pd.DataFrame(
            [
                {
                    CONDITION: str(one.condition),
                    "required": self._mark(str(one.condition)),
                    "false stops": "-" if one.gate is None else f"{one.gate.stops.k}/{one.gate.stops.n}",
                    "upper 95 %": None if one.gate is None or not one.gate.stops.n else one.gate.stops.upper,
                    "timeout": one.timeout_text if one.condition.phase is Phase.POST else "one look",
                    "answer": one.answer,
                }
                for one in self.tuning.decisions
            ]
        )

    def _mark(self, name: str) -> str:
        if name in self.against:
            return "yes, against the test"
        return "yes" if name in self.required else "left out" if name in self.left_out else "no"

    @property
    def shares(self) -> Collection[str]:
        """The bound."""
        return ["upper 95 %"]

    def plot(self) -> Any:
        """Give the front with this suite on it: good against harmful incidents stopped."""
        import plotly.graph_objects as go  # noqa: PLC0415 - 0.3 s that only a chart needs

        n_good, n_bad = (max(1, n) for n in self.searched)
        figure = go.Figure()
        for name, suites, symbol, size in (
            ("suites that nothing beats", self.front.suites, "circle", 7),
            ("the required conditions", (self.suite,), "star", 15),
        ):
            figure.add_scatter(
                x=[one.good_stopped / n_good for one in suites],
                y=[one.harmful_stopped / n_bad for one in suites],
                mode="markers",
                name=name,
                marker={"symbol": symbol, "size": size},
            )
        if self.front.allowed >= 0:
            figure.add_vline(
                x=self.front.allowed / n_good,
                line_dash="dash",
                annotation_text=f"upper 95 % at {self.tuning.target:.0%}",
            )
        return figure.update_layout(
            title="What the required conditions stop, before the cut",
            xaxis={"title": f"share of good incidents stopped (n = {self.searched[0]})", "tickformat": ".0%"},
            yaxis={"title": f"share of harmful incidents stopped (n = {self.searched[1]})", "tickformat": ".0%"},
        )


@dataclass(frozen=True, eq=False, kw_only=True)
class _Share:
    """Everything of one share that does not depend on target and flags."""

    found: Searched
    suites: SuiteSearch
    columns: Mapping[str, int]


@dataclass(eq=False, repr=False)
class TuningBoard:
    """A history of one action, ready to be asked.

    Parameters
    ----------
    history : History
        Judged by the policies that were recorded last.
    alpha, rollout_percent : float
        As in `TuningTerms`.

    Raises
    ------
    InputError
        The history holds several actions.
    """

    history: History
    alpha: float = TuningTerms().alpha
    rollout_percent: float = TuningTerms().percent
    _first: list[Replay] = field(default_factory=list)
    _shares: dict[float, _Share] = field(default_factory=dict)
    _tunings: dict[tuple[float, float], Tuning] = field(default_factory=dict)
    _laid_out: list[WhatIf] = field(default_factory=list)

    def prepared(self, *shares: float) -> TuningBoard:
        """Do now what shares cost: a replay and a search each."""
        for share in shares:
            self._of(share)
        return self

    def answer(self, *, target: float, share: float, required: Collection[str] | None = None) -> BoardAnswer:
        """Answer one question.

        Parameters
        ----------
        target : float
            Share of good incidents that may be stopped, 0..1.
        share : float
            Of the good runs that shall pass within the timeout, 0..1.
        required : collection of str or None
            Identities; None: those that the test lets.

        Raises
        ------
        InputError
            One of them is not of this history.
        """
        of = self._of(share)
        key = (target, share)
        tuning = self._tunings.get(key)
        if tuning is None:
            tuning = decide(of.found, target=target, alpha=self.alpha, percent=self.rollout_percent)
            self._tunings[key] = tuning
        names = [str(one.condition) for one in tuning.decisions]
        if required is None:
            required = [str(one.condition) for one in tuning.decisions if one.after.required]
        unknown = sorted(set(required) - set(names))
        if unknown:
            raise InputError(f"not in this history: {', '.join(unknown)}; it holds {', '.join(names)}")
        wanted = tuple(name for name in names if name in set(required))
        return self._answered(of, tuning, wanted)

    def _answered(self, of: _Share, tuning: Tuning, required: tuple[str, ...]) -> BoardAnswer:
        votes = of.found.split.gate
        incidents, fails = of.suites.incidents, of.suites.fails
        good, bad = incidents.good & incidents.search, incidents.bad & incidents.search
        columns = tuple(of.columns[name] for name in required)
        stopped = fails.stopped_by(columns)
        return BoardAnswer(
            tuning=tuning,
            required=required,
            good=stopped_by_any(votes, required) if required else _none_of(stopped_by_any(votes, tuple(of.columns))),
            harmful=_stopped(votes[votes["label"] == Label.BAD.value], required),
            every=_stopped(votes, required),
            front=find_front(fails, good=good, bad=bad, ceiling=tuning.target),
            suite=Suite(
                columns=columns,
                good_stopped=int(stopped[good].sum()),
                harmful_stopped=int(stopped[bad].sum()),
                waiting_s=float(fails.waits_for(columns)[good].mean()) if good.any() else 0.0,
            ),
            searched=(int(good.sum()), int(bad.sum())),
        )

    def _of(self, share: float) -> _Share:
        if share not in self._shares:
            if not self._first:
                self._first.append(replay(self.history))
                self._laid_out.append(WhatIf(self.history).prepared())
            found = searched(self.history, terms=TuningTerms(share=share), first=self._first[0])
            timeouts = {
                condition: [choice.settings.timeout_s]
                for condition, choice in found.choices.items()
                if condition.phase is Phase.POST
            }
            suites = search_suites(self._laid_out[0], terms=SuiteTerms(timeouts=timeouts))
            slim = replace(found.split, gate=found.split.gate[list(ASKED)])
            found = replace(found, split=slim)
            self._shares[share] = _Share(found=found, suites=suites, columns=_columns(suites, timeouts))
        return self._shares[share]


def _columns(suites: SuiteSearch, timeouts: Mapping[ConditionId, list[float]]) -> dict[str, int]:
    """Give the place of each condition's choice with its timeout; the present one where that is the same."""
    found: dict[str, int] = {}
    for place, choice in enumerate(suites.fails.choices):
        wanted = timeouts.get(choice.condition, [None])[0]
        if choice.timeout_s is None or choice.timeout_s == wanted:
            found[str(choice.condition)] = place
    return found


def _none_of(everyone: Rate) -> Rate:
    """Give the share that no condition stops, of the incidents that any of them was asked of."""
    return rate(0, everyone.n, minimum=everyone.minimum)


def _stopped(votes: pd.DataFrame, required: Collection[str]) -> Rate:
    """Count incidents that any of the conditions stops; all of them count, whether its label may judge or not."""
    current = votes[~votes["candidate"]]
    stops = current.loc[current["condition"].isin(list(required)) & current["stop"], "incident_id"]
    return rate(int(stops.nunique()), int(current["incident_id"].nunique()))
