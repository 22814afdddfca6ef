"""The second half of a tuning: ask the test, set each flag with its reason, and say what it comes to.

What was searched is a value, and the same one serves every target: somebody who moves it waits for the test alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import pandas as pd

from kubernaut.conditions.compiled_set import CompiledSet
from kubernaut.conditions.settings import BlockRate, Evidence, PreSettings, Settings, TimeToPass
from kubernaut.errors import HistoryError
from kubernaut.identity import ConditionId
from kubernaut.verdicts import Verdict
from kubernaut_simulator.estimation.rates import Rate, rate
from kubernaut_simulator.estimation.sequential import GateDecision, run_gate
from kubernaut_simulator.estimation.split import Split
from kubernaut_simulator.replay.recorded_conditions import NOT_RECORDED, recorded_conditions
from kubernaut_simulator.replay.replay import Replay
from kubernaut_simulator.replay.tasks import Conditions
from kubernaut_simulator.tuning.enforced import enforced_where, required_nowhere
from kubernaut_simulator.tuning.hypotheses import hypotheses_of
from kubernaut_simulator.tuning.outline import Outline
from kubernaut_simulator.tuning.result import ConditionDecision, Tuning
from kubernaut_simulator.tuning.search import Choice
from kubernaut_simulator.tuning.together import stopped_by_any


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class Searched:
    """What a tuning knows before it asks the test.

    Attributes
    ----------
    known : Outline
        Of the history.
    replayed : Replay
        By the chosen terms.
    before, chosen : mapping of Level to CompiledSet
        What is tuned, and the same with the chosen timeouts.
    choices : mapping of ConditionId to Choice
        Made on the incidents before the cut.
    split : Split
        Of the votes under the chosen terms.
    share : float
        Of the good runs that shall pass within the timeout.
    """

    known: Outline
    replayed: Replay
    before: Conditions
    chosen: Conditions
    choices: Mapping[ConditionId, Choice]
    split: Split
    share: float


def decide(found: Searched, *, target: float, alpha: float, percent: float) -> Tuning:
    """Test the incidents after the cut, and set every flag by what the test says.

    Parameters
    ----------
    target, alpha, percent : float
        As in `TuningTerms`.
    """
    hypotheses = hypotheses_of(found.known.history, found.chosen, found.choices, found.split.gate, target=target)
    gate = run_gate(found.split.gate, hypotheses, alpha=alpha)
    current = {d.hypothesis.condition: d for d in gate.decisions if not d.hypothesis.candidate}
    challengers = {d.hypothesis.condition: d for d in gate.decisions if d.hypothesis.candidate}
    decisions: list[ConditionDecision] = []
    settings = {level: one.texts.settings for level, one in found.chosen.items()}
    recorded = recorded_conditions(found.known.history)
    for condition, choice in sorted(found.choices.items()):
        name = str(condition)
        votes = found.split.gate[(found.split.gate["condition"] == name) & ~found.split.gate["candidate"]]
        decision = current.get(name)
        old = found.before[condition.level].texts.settings.effective(condition)
        if old is None:
            raise HistoryError(f"{condition} has no settings to tune")
        block_rate = _block_rate(votes)
        where = enforced_where(found.before[condition.level].texts.settings, condition)
        tuned = _decided(
            choice,
            old,
            decision=decision,
            recorded=condition in recorded,
            block_rate=block_rate,
            enforced_where=where,
            first_percent=percent,
        )
        settings[condition.level] = settings[condition.level].with_condition(condition, tuned)
        if not tuned.required:
            settings[condition.level] = required_nowhere(settings[condition.level], condition)
        decisions.append(
            ConditionDecision(
                condition=condition,
                before=old,
                after=tuned,
                enforced_before=where,
                gate=decision,
                challenger=challengers.get(name),
                timeout=choice.timeout,
                block_rate=block_rate,
                incidents=len(votes),
                recorded=condition in recorded,
                not_replayable=sum(found.replayed.not_replayable.get(name, {}).values()),
            )
        )
    tuned_sets = {level: with_settings(one, settings[level]) for level, one in found.chosen.items()}
    return Tuning(
        decisions=tuple(decisions),
        before=found.before,
        after=tuned_sets,
        gate=gate,
        split=found.split,
        replay=found.replayed,
        together=stopped_by_any(found.split.gate, [str(one.condition) for one in decisions if one.after.required]),
        target=target,
        alpha=alpha,
        share=found.share,
        history_digest=found.known.digest,
    )


def _decided(
    choice: Choice,
    old: PreSettings,
    *,
    decision: GateDecision | None,
    recorded: bool,
    block_rate: Rate,
    enforced_where: Sequence[str],
    first_percent: float,
) -> PreSettings:
    """Set the flag: required only by the gate's word, at the first stage unless a higher one is in force already."""
    required = decision is not None and decision.passed
    percent = max(old.rollout_percent if old.required else 0.0, first_percent) if required else 0.0
    if decision is not None:
        reason = decision.why
    else:
        reason = "not enough data: no incident after the cut" if recorded else f"not recorded: {NOT_RECORDED}"
    if enforced_where and not required:
        reason = f"set back to warn, it was enforced ({', '.join(enforced_where)}): {reason}"
    fields = {name: getattr(choice.settings, name) for name in type(choice.settings).model_fields}
    evidence = Evidence(
        time_to_pass=_time_to_pass(choice),
        block_rate=BlockRate(predicted=block_rate.estimate, upper=block_rate.upper, n=block_rate.n)
        if block_rate.estimate is not None
        else None,
        reason=reason,
    )
    return type(choice.settings)(**{**fields, "required": required, "rollout_percent": percent, "evidence": evidence})


def _time_to_pass(choice: Choice) -> TimeToPass | None:
    if choice.timeout is None:
        return None
    found = choice.timeout.recommendation
    if found.p50_s is None or found.p95_s is None:
        return None
    return TimeToPass(p50_s=round(found.p50_s, 3), p95_s=round(found.p95_s, 3), n=found.n)


def _block_rate(votes: pd.DataFrame) -> Rate:
    """Predict how often enforcement would stop an incident, good or not: the budget that it is held to."""
    settled = votes[votes["verdict"].isin([Verdict.PASSED.value, Verdict.FAILED.value, Verdict.ERROR.value])]
    return rate(int(settled["stop"].sum()), len(settled))


def with_settings(level: CompiledSet, settings: Settings) -> CompiledSet:
    """Give the same policies under other settings."""
    return replace(level, texts=replace(level.texts, settings=settings))
