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
from kubernaut_simulator.estimation.power import FARTHEST, LIKELY, Outlook, outlook
from kubernaut_simulator.estimation.rates import Rate, percent
from kubernaut_simulator.estimation.sequential import GateDecision, GateResult
from kubernaut_simulator.estimation.split import Split
from kubernaut_simulator.results.base import CONDITION, MISSING, Result
from kubernaut_simulator.results.timeouts import ConditionTimeout
from kubernaut_simulator.results.wording import grouped, how_many, short_names

if TYPE_CHECKING:
    from kubernaut_simulator.replay.replay import Replay
    from kubernaut_simulator.replay.tasks import Conditions
    from kubernaut_simulator.tuning.decision_log import DecisionLog
    from kubernaut_simulator.tuning.provenance import WrittenConfigMap


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
            return f"{now} ({'one evaluation' if self.condition.phase is Phase.PRE else 'kept: not enough data'})"
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

    def to_configmaps(self, *, replaced: Mapping[Level, WrittenConfigMap] | None = None) -> str:
        """Give both ConfigMaps in one YAML text, with the evidence and the way back in their annotations.

        Parameters
        ----------
        replaced : mapping of Level to WrittenConfigMap, or None
            What was tuned as it stands in its file (`provenance.written_configmaps`); None: what was tuned, as text.

        Raises
        ------
        SettingsError
            One would be larger than the API server takes.
        """
        from kubernaut_simulator.tuning.export import configmaps_of  # noqa: PLC0415 - it knows this class

        return configmaps_of(self, replaced=replaced)

    @cached_property
    def data(self) -> pd.DataFrame:
        """One row per condition: the decision table."""
        return pd.DataFrame([_row(one) | self._ahead(one) for one in self.decisions])

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
            *self.replay.drift().warnings(),
            "false stops: good incidents after the cut that Failed or Error would have stopped, k/n, "
            "Clopper-Pearson one-sided 95 % upper limit",
            _TWO_QUESTIONS,
            *([_OUTLOOK] if any(self.outlook(one) for one in self.decisions) else []),
            *(
                [f"together, the required conditions stop {self.target * 100:g} % of good incidents or more"]
                if estimate is not None and estimate >= self.target
                else []
            ),
            *self.counted_as_false(),
            *grouped(said, conditions=[str(one.condition) for one in self.decisions]),
            *dict.fromkeys(warning for level in self.before.values() for warning in level.texts.warnings),
        ]

    @property
    def columns(self) -> Sequence[str]:
        """The decision, the numbers behind it and a short reason; `why` is the long one."""
        return [CONDITION, "false stops", "upper 95 %", "timeout", "flag", "answer", "outlook"]

    @property
    def shares(self) -> Collection[str]:
        """The bound."""
        return ["upper 95 %"]

    @property
    def counted(self) -> Collection[str]:
        """The rate."""
        return ["false stops"]

    def outlook(self, one: ConditionDecision) -> Outlook | None:
        """Say how many more good incidents a decision likely takes; None where it is decided or nothing entered."""
        if one.gate is None or one.gate.passed or not one.gate.stops.n:
            return None
        judged = one.gate.judged
        return outlook(judged.k, judged.n, target=self.target, line=one.gate.line)

    def _ahead(self, one: ConditionDecision) -> dict[str, Any]:
        found = self.outlook(one)
        days = None if found is None or found.more is None else self.days_for(one, found.more)
        return {
            "outlook": outlook_text(found, days),
            "more good n": None if found is None else found.more,
            "more days": days,
            "chance": None if found is None else found.chance,
        }

    def days_for(self, one: ConditionDecision, more: int) -> float | None:
        """Give the days that so many more good incidents take at the rate at which they entered; None if none did."""
        last = self.replay.as_of - pd.Timedelta(seconds=self.replay.label_age_s)
        days = (last - self.split.cut_at) / pd.Timedelta(days=1)
        if one.gate is None or not one.gate.stops.n or days <= 0:
            return None
        return float(more * days / one.gate.judged.n)

    def _together(self) -> str:
        if not any(one.after.required for one in self.decisions):
            return "no condition is required: nothing would be stopped"
        return f"any of the required would have stopped {self.together.text()} good incidents, if enforced on all"

    def _not_replayable(self) -> Iterator[tuple[str, str]]:
        for one in self.decisions:
            for why, count in self.replay.not_replayable.get(str(one.condition), {}).items():
                yield str(one.condition), f"{how_many(count, 'evaluation')} could not be replayed: {why}"

    def _set_back(self) -> Iterator[tuple[str, str]]:
        for one in self.decisions:
            if one.set_back:
                yield (
                    str(one.condition),
                    f"enforced now ({', '.join(one.enforced_before)}), warn in these settings: "
                    "only the test makes a condition required. Leave the export, or the flag, if you know better",
                )

    def counted_as_false(self) -> list[str]:
        """Say what the test assumed of the stops whose label was not there in time."""
        names = short_names(str(one.condition) for one in self.decisions)
        counts = {str(one.condition): one.gate.unlabelled for one in self.decisions if one.gate is not None}
        told = ", ".join(f"{names[name]} ({count:,})" for name, count in counts.items() if count)
        return [_LABEL_MISSING.format(age=f"{self.replay.label_age_s / 3600:g} h", told=told)] if told else []

    def _did_not_judge(self) -> Iterator[tuple[str, str]]:
        """Say which incidents after the cut have no label that could move the test, and why."""
        votes = self.split.gate[~self.split.gate["candidate"]]
        for one in self.decisions:
            reasons = votes.loc[votes["condition"] == str(one.condition), "not_in_gate"].value_counts()
            told = ", ".join(f"{why} ({n:,})" for why, n in reasons.items() if n)
            if told:
                yield str(one.condition), f"incidents after the cut whose label did not judge: {told}"

    def decision_log(self) -> DecisionLog:
        """Give every incident that entered the tests, with the evidence after it and the line to cross."""
        from kubernaut_simulator.tuning.decision_log import DecisionLog  # noqa: PLC0415 - it knows this class

        return DecisionLog(tuning=self)

    def plot(self, condition: str | None = None) -> Any:
        """Give the evidence over time with the line that it must cross, of all conditions or of one."""
        return self.decision_log().plot(condition)


def _row(one: ConditionDecision) -> dict[str, Any]:
    stops = None if one.gate is None else one.gate.stops
    return {
        CONDITION: str(one.condition),
        "incidents": one.incidents,
        "false stops": ("not enough data" if one.recorded else "not recorded") if stops is None else counted(stops),
        "false stops k": 0 if stops is None else stops.k,
        "false stops n": 0 if stops is None else stops.n,
        "unlabelled stops": 0 if one.gate is None else one.gate.unlabelled,
        "test k": 0 if one.gate is None else one.gate.judged.k,
        "test n": 0 if one.gate is None else one.gate.judged.n,
        "upper 95 %": None if stops is None or stops.n == 0 else stops.upper,
        "timeout": one.timeout_text if one.condition.phase is Phase.POST else format_duration(one.after.timeout_s),
        "flag": one.flag,
        "answer": one.answer,
        "why": one.why,
    }


def _answer(decision: GateDecision | None) -> str:
    if decision is None:
        return "not enough data: none after the cut"
    stops, judged, target = decision.stops, decision.judged, percent(decision.hypothesis.target)
    test = f" (test: {judged.k}/{judged.n})" if decision.unlabelled else ""
    if decision.passed:
        return f"shown below {target}{test}"
    if not stops.enough:
        return f"not enough data: {stops.n} of {stops.minimum}{test}"
    if judged.estimate is not None and judged.estimate >= decision.hypothesis.target:
        return f"not below {target}{test}"
    return f"not yet shown below {target}{test}"


_TWO_QUESTIONS = (
    "the upper limit answers one look at one condition, today; becoming required takes more, because the test may be "
    "read every day and over all conditions at once: a limit below the target is not yet a decision"
)


_LABEL_MISSING = (
    "stops without a label at their age ({age}) counted as false stops, in the test's k/n and not in the false stops "
    "shown: {told}; raise --label-age to wait for late labels"
)

_OUTLOOK = (
    f"outlook: further good incidents until a decision has a chance of {LIKELY * 100:g} %, and the time that takes at "
    f"the present rate; unlikely (chance): not within {FARTHEST:,} more"
)

ONE_PERCENT = 0.01


def outlook_text(found: Outlook | None, days: float | None) -> str:
    """Say in a few words how long a decision is likely to take."""
    if found is None:
        return MISSING
    if found.more is None:
        return f"unlikely ({'under 1' if found.chance < ONE_PERCENT / 2 else round(found.chance * 100)} %)"
    return f"{found.more:,} more" + ("" if days is None else f", {in_words(days)}")


def in_words(days: float) -> str:
    """Say a number of days as people do: 5 days, 3 weeks, 8 months."""
    for unit, size, most in (("day", 1.0, 13.5), ("week", 7.0, 62.0), ("month", 30.44, 730.0)):
        if days <= most:
            number = max(1, round(days / size))
            return how_many(number, unit)
    return f"{days / 365.25:.0f} years"


def counted(stops: Rate) -> str:
    """Give k/n, never a share of nothing."""
    return f"{stops.k}/{stops.n}" if stops.n else "not enough data"
