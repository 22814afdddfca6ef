"""What a tuning came to: a decision per condition with its reason, the settings, and the ConfigMaps that carry them."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import pandas as pd

from kubernaut.conditions.settings import PreSettings, Settings
from kubernaut.durations import format_duration
from kubernaut.identity import ConditionId, Level, Phase
from kubernaut_simulator.estimation.rates import Rate, percent
from kubernaut_simulator.estimation.sequential import MINIMUM_ENTRIES, GateDecision, GateResult
from kubernaut_simulator.estimation.split import Split
from kubernaut_simulator.results.base import COLOURS, CONDITION, Result
from kubernaut_simulator.results.timeouts import ConditionTimeout
from kubernaut_simulator.results.wording import grouped, short_names

DASHES = ("solid", "dash", "dot")
"""Of lines, when there are more of them than colours."""

if TYPE_CHECKING:
    from kubernaut_simulator.replay.replay import Replay
    from kubernaut_simulator.replay.tasks import Conditions


@dataclass(frozen=True, slots=True, kw_only=True)
class ConditionDecision:
    """What tuning says of one condition.

    Attributes
    ----------
    before, after : PreSettings
        Its settings as they were and as they shall be; the reason is in ``after.evidence``.
    enforced_before : tuple of str
        Where it blocks runs now: ``50 %``, ``100 % in staging``; empty in warn mode.
    gate : GateDecision or None
        None when no incident after the cut was judged by it.
    challenger : GateDecision or None
        Of the candidate policy beside it, if one was judged.
    timeout : ConditionTimeout or None
        Of the search incidents; None for preconditions.
    block_rate : Rate
        Share of the gate's incidents, good or not, that it would stop.
    incidents : int
        Votes after the cut.
    recorded : bool
        Whether the history holds an evaluation of it.
    not_replayable : int
        Evaluations that could not be replayed.
    """

    condition: ConditionId
    before: PreSettings
    after: PreSettings
    enforced_before: tuple[str, ...] = ()
    gate: GateDecision | None
    challenger: GateDecision | None
    timeout: ConditionTimeout | None
    block_rate: Rate
    incidents: int
    recorded: bool = True
    not_replayable: int

    @property
    def set_back(self) -> bool:
        """Whether it blocks runs now and shall no longer."""
        return bool(self.enforced_before) and not self.after.required

    @property
    def flag(self) -> str:
        """What to do: required at a percentage, or warn."""
        if self.after.required:
            return f"required at {self.after.rollout_percent:g} %"
        return "warn (set back)" if self.set_back else "warn"

    @property
    def answer(self) -> str:
        """What the test says, in a few words; `why` says it with its numbers."""
        text = _answer(self.gate) if self.recorded else "not recorded"
        if self.challenger is not None and self.challenger.passed:
            text += "; challenger may replace it"
        return text

    @property
    def why(self) -> str:
        """The reason for the flag, and what the challenger says."""
        reason = self.after.evidence.reason if self.after.evidence else ""
        if self.challenger is None:
            return reason
        verdict = "may replace it" if self.challenger.passed else "not yet"
        return f"{reason}; challenger: {verdict}: {self.challenger.why}"

    @property
    def timeout_text(self) -> str:
        """The timeout to set and where it comes from."""
        now = format_duration(self.after.timeout_s)
        if self.timeout is None:
            return f"{now} (one evaluation)"
        if self.after.timeout_s != self.before.timeout_s:
            return f"{now} (was {format_duration(self.before.timeout_s)})"
        if self.timeout.recommendation.timeout_s is None:
            return f"{now} (kept: {self.timeout.recommendation.text().split(':')[0]})"
        return f"{now} (kept)"


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class Tuning(Result):
    """Decisions of one tuning.

    Attributes
    ----------
    decisions : tuple of ConditionDecision
        In order of identity.
    before, after : mapping of Level to CompiledSet
    gate : GateResult
        With the log of every incident that entered.
    split : Split
        Which incidents were searched and which judged.
    replay : Replay
        On the chosen terms.
    together : Rate
        Good incidents of the gate that any of the conditions now required would have stopped.
    target, alpha, share : float
    history_digest : str
    """

    decisions: tuple[ConditionDecision, ...]
    before: Conditions
    after: Conditions
    gate: GateResult
    split: Split
    replay: Replay
    together: Rate
    target: float
    alpha: float
    share: float
    history_digest: str

    @property
    def settings(self) -> Mapping[Level, Settings]:
        """The settings to load, by level."""
        return {level: one.texts.settings for level, one in self.after.items()}

    def to_configmaps(self) -> str:
        """Give both ConfigMaps in one YAML text, with the evidence in their annotations.

        Raises
        ------
        SettingsError
            One would be larger than the API server takes.
        """
        from kubernaut_simulator.tuning.export import configmaps_of  # noqa: PLC0415 - it knows this class

        return configmaps_of(self)

    @cached_property
    def data(self) -> pd.DataFrame:
        """One row per condition: the decision table."""
        return pd.DataFrame([_row(one) for one in self.decisions])

    @property
    def title(self) -> str:
        """What this is."""
        required = sum(one.after.required for one in self.decisions)
        return f"Tuning: {required} of {len(self.decisions)} conditions may be required"

    @property
    def summary(self) -> Mapping[str, str]:
        """Window, split, and what was asked."""
        return {
            "history": f"{self.replay.window}, digest {self.history_digest[:12]}",
            "split": self.split.text(),
            "false stops": f"fewer than {self.target * 100:g} % of good incidents; "
            f"sequential test, alpha {self.alpha:g} over all conditions (Holm)",
            "together": self._together(),
            "timeouts": f"{self.share * 100:g} % of good runs pass by then, one-sided 95 % (Kaplan-Meier)",
        }

    @property
    def notes(self) -> Sequence[str]:
        """What every reader of the table must know."""
        said = [*self._not_replayable(), *self._did_not_judge(), *self._set_back()]
        estimate = self.together.estimate
        return [
            "false stops: good incidents after the cut that Failed or Error would have stopped, k/n, "
            "Clopper-Pearson one-sided 95 % upper limit",
            *(
                [f"together, the required conditions stop {self.target * 100:g} % of good incidents or more"]
                if estimate is not None and estimate >= self.target
                else []
            ),
            *grouped(said, conditions=[str(one.condition) for one in self.decisions]),
            *dict.fromkeys(warning for level in self.before.values() for warning in level.texts.warnings),
        ]

    @property
    def columns(self) -> Sequence[str]:
        """The decision, the numbers behind it and a short reason; `why` is the long one."""
        return [CONDITION, "incidents", "false stops", "upper 95 %", "timeout", "flag", "answer"]

    @property
    def shares(self) -> Collection[str]:
        """The bound."""
        return ["upper 95 %"]

    def _together(self) -> str:
        if not any(one.after.required for one in self.decisions):
            return "no condition is required: nothing would be stopped"
        return f"any of the required would have stopped {self.together.text()} good incidents, if enforced on all"

    def _not_replayable(self) -> Iterator[tuple[str, str]]:
        for one in self.decisions:
            for why, count in self.replay.not_replayable.get(str(one.condition), {}).items():
                yield str(one.condition), f"{count:,} evaluations could not be replayed: {why}"

    def _set_back(self) -> Iterator[tuple[str, str]]:
        for one in self.decisions:
            if one.set_back:
                yield (
                    str(one.condition),
                    f"enforced now ({', '.join(one.enforced_before)}), warn in these settings: "
                    "only the test makes a condition required. Leave the export, or the flag, if you know better",
                )

    def _did_not_judge(self) -> Iterator[tuple[str, str]]:
        """Say which incidents after the cut could not move the test, and why."""
        votes = self.split.gate[~self.split.gate["candidate"]]
        for one in self.decisions:
            reasons = votes.loc[votes["condition"] == str(one.condition), "not_in_gate"].value_counts()
            told = ", ".join(f"{why} ({n:,})" for why, n in reasons.items() if n)
            if told:
                yield str(one.condition), f"incidents after the cut that did not judge: {told}"

    def plot(self) -> Any:
        """Give the evidence of each condition over time with the line that it must cross."""
        import math  # noqa: PLC0415

        import plotly.graph_objects as go  # noqa: PLC0415 - 0.3 s that only a chart needs

        figure = go.Figure()
        log = self.gate.log
        names = short_names(str(one.condition) for one in self.decisions)
        for place, one in enumerate(self.decisions):
            if one.gate is None:
                continue
            path = log[(log["condition"] == str(one.condition)) & ~log["candidate"].astype(bool) & log["looked"]]
            figure.add_scatter(
                x=path["n"],
                y=path["log_evidence"],
                mode="lines+markers" if len(path) == 1 else "lines",
                name=f"{names[str(one.condition)]} ({counted(one.gate.stops)})",
                line={"color": COLOURS[place % len(COLOURS)], "dash": DASHES[place // len(COLOURS) % len(DASHES)]},
            )
        if len(self.gate.decisions):
            line = math.log(len(self.gate.decisions) / self.alpha)
            last = max((int(one.gate.stops.n) for one in self.decisions if one.gate), default=1)
            figure.add_scatter(
                x=[MINIMUM_ENTRIES, max(last, MINIMUM_ENTRIES + 1)],
                y=[line, line],
                mode="lines",
                line={"color": "#808890", "dash": "dashdot", "width": 1},
                name="required from here on: the first; lower for each next one (Holm)",
            )
        return figure.update_layout(
            title=f"Evidence that fewer than {self.target * 100:g} % of good incidents are stopped",
            xaxis_title="good incidents that have entered (legend: stopped / entered)",
            yaxis_title="log evidence (test martingale)",
            height=520,
        )


def _row(one: ConditionDecision) -> dict[str, Any]:
    stops = None if one.gate is None else one.gate.stops
    return {
        CONDITION: str(one.condition),
        "incidents": one.incidents,
        "good n": 0 if stops is None else stops.n,
        "false stops": ("not enough data" if one.recorded else "not recorded") if stops is None else counted(stops),
        "upper 95 %": None if stops is None or stops.n == 0 else stops.upper,
        "timeout": one.timeout_text if one.condition.phase is Phase.POST else format_duration(one.after.timeout_s),
        "flag": one.flag,
        "answer": one.answer,
        "why": one.why,
    }


def _answer(decision: GateDecision | None) -> str:
    if decision is None:
        return "not enough data: none after the cut"
    stops, target = decision.stops, percent(decision.hypothesis.target)
    if decision.passed:
        return f"shown below {target}"
    if not stops.enough:
        return f"not enough data: {stops.n} of {stops.minimum}"
    if stops.estimate is not None and stops.estimate >= decision.hypothesis.target:
        return f"not below {target}"
    return f"not yet shown below {target}"


def counted(stops: Rate) -> str:
    """Give k/n, never a share of nothing."""
    return f"{stops.k}/{stops.n}" if stops.n else "not enough data"
