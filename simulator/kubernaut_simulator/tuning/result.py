"""What a tuning came to: a decision per condition with its reason, the settings, and the ConfigMaps that carry them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import pandas as pd

from kubernaut.conditions.settings import PreSettings, Settings
from kubernaut.durations import format_duration
from kubernaut.identity import ConditionId, Level, Phase
from kubernaut_simulator.estimation.rates import Rate
from kubernaut_simulator.estimation.sequential import GateDecision, GateResult
from kubernaut_simulator.estimation.split import Split
from kubernaut_simulator.results.base import Result
from kubernaut_simulator.results.timeouts import ConditionTimeout

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
    not_replayable : int
        Evaluations that could not be replayed.
    """

    condition: ConditionId
    before: PreSettings
    after: PreSettings
    gate: GateDecision | None
    challenger: GateDecision | None
    timeout: ConditionTimeout | None
    block_rate: Rate
    incidents: int
    not_replayable: int

    @property
    def flag(self) -> str:
        """What to do: required at a percentage, or warn."""
        return f"required at {self.after.rollout_percent:g} %" if self.after.required else "warn"

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
    target, alpha, share : float
    history_digest : str
    """

    decisions: tuple[ConditionDecision, ...]
    before: Conditions
    after: Conditions
    gate: GateResult
    split: Split
    replay: Replay
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
            "false stops": f"fewer than {self.target:.0%} of good incidents; "
            f"sequential test, alpha {self.alpha:g} over all conditions (Holm)",
            "timeouts": f"{self.share * 100:g} % of good runs pass by then, one-sided 95 % (Kaplan-Meier)",
        }

    @property
    def notes(self) -> Sequence[str]:
        """What every reader of the table must know."""
        return [
            "false stops: good incidents after the cut that Failed or Error would have stopped, k/n, "
            "Clopper-Pearson one-sided 95 % upper limit",
            *(
                f"{one.condition}: {one.not_replayable:,} evaluations could not be replayed"
                for one in self.decisions
                if one.not_replayable
            ),
            *self._did_not_judge(),
        ]

    def _did_not_judge(self) -> Iterator[str]:
        """Say which incidents after the cut could not move the test, and why."""
        votes = self.split.gate[~self.split.gate["candidate"]]
        for one in self.decisions:
            reasons = votes.loc[votes["condition"] == str(one.condition), "not_in_gate"].value_counts()
            told = ", ".join(f"{why} ({n:,})" for why, n in reasons.items() if n)
            if told:
                yield f"{one.condition}: incidents after the cut that did not judge: {told}"

    def plot(self) -> Any:
        """Give the evidence of each condition over time with the line that it must cross."""
        import math  # noqa: PLC0415

        import plotly.graph_objects as go  # noqa: PLC0415 - 0.3 s that only a chart needs

        figure = go.Figure()
        log = self.gate.log
        for one in self.decisions:
            path = log[(log["condition"] == str(one.condition)) & ~log["candidate"].astype(bool) & log["looked"]]
            if len(path):
                name = f"{str(one.condition).split('/', 1)[1]} (n={int(path['n'].max())})"
                figure.add_scatter(x=path["n"], y=path["log_evidence"], mode="lines", name=name)
        if len(self.gate.decisions):
            line = math.log(len(self.gate.decisions) / self.alpha)
            figure.add_hline(y=line, line_dash="dash", annotation_text="first to cross: Holm's hardest line")
        return figure.update_layout(
            title=f"Evidence that fewer than {self.target:.0%} of good incidents are stopped",
            xaxis_title="good incidents that have entered",
            yaxis_title="log evidence (test martingale)",
        )


def _row(one: ConditionDecision) -> dict[str, Any]:
    stops = None if one.gate is None else one.gate.stops
    return {
        "condition": str(one.condition),
        "incidents": one.incidents,
        "good n": 0 if stops is None else stops.n,
        "false stops": "not enough data" if stops is None else counted(stops),
        "upper 95 %": None if stops is None or stops.n == 0 else stops.upper,
        "timeout": one.timeout_text if one.condition.phase is Phase.POST else format_duration(one.after.timeout_s),
        "flag": one.flag,
        "why": one.why,
    }


def counted(stops: Rate) -> str:
    """Give k/n, never a share of nothing."""
    return f"{stops.k}/{stops.n}" if stops.n else "not enough data"
