"""`tune`: which conditions may be required, with which timeout, and why.

1. Replay the history by the conditions to be tuned; one vote per incident.
2. Cut the incidents in time; choose timeouts on those before the cut (`search`).
3. Replay again on the chosen terms; test the incidents after the cut (`estimation.sequential`).
4. A condition is required only if the sequential test says so; every flag gets its reason.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import pandas as pd

from kubernaut.conditions.compiled_set import CompiledSet, compile_set
from kubernaut.conditions.condition_set import ConditionSet
from kubernaut.conditions.settings import BlockRate, Evidence, PreSettings, Settings, TimeToPass
from kubernaut.errors import HistoryError
from kubernaut.identity import ConditionId, Level
from kubernaut.policy.batch import Evaluator
from kubernaut.policy.compiling import compile_policy
from kubernaut.verdicts import Verdict
from kubernaut_simulator.estimation.rates import Rate, rate
from kubernaut_simulator.estimation.sequential import ALPHA, GateDecision, GateResult, run_gate
from kubernaut_simulator.estimation.split import SEARCH_SHARE, Split, split_in_time
from kubernaut_simulator.estimation.votes import LABEL_AGE_S
from kubernaut_simulator.history.history import History
from kubernaut_simulator.history.stored import StoredHistory
from kubernaut_simulator.progress import Progress, silent
from kubernaut_simulator.replay.partitioned import Work
from kubernaut_simulator.replay.recorded_conditions import NOT_RECORDED, recorded_conditions
from kubernaut_simulator.replay.recorded_set import recorded_sets
from kubernaut_simulator.replay.replay import Replay, replay
from kubernaut_simulator.replay.tasks import Conditions
from kubernaut_simulator.replay.workers import workers_or
from kubernaut_simulator.results.false_stops import TARGET
from kubernaut_simulator.tuning.enforced import enforced_where, required_nowhere
from kubernaut_simulator.tuning.hypotheses import hypotheses_of
from kubernaut_simulator.tuning.outline import Outline, outline
from kubernaut_simulator.tuning.result import ConditionDecision, Tuning
from kubernaut_simulator.tuning.search import Choice, choose, compared
from kubernaut_simulator.tuning.together import stopped_by_any

FIRST_STAGE_PERCENT = 5.0
"""Guide 10.4: the canary; a condition that becomes required starts here and grows by evidence."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TuningTerms:
    """What a tuning asks for.

    Attributes
    ----------
    target : float
        Share of good runs that may be stopped, 0..1; the guide's 15 %, canary 20 %.
    share : float
        Of the good runs that shall pass within the timeout.
    alpha : float
        Chance that any condition is made required although it stops `target` of the good runs or more.
    search_share : float
        Share of incidents, in order of start, on which timeouts are chosen.
    cut_at : Timestamp or None
        The cut of an earlier tuning, so that incidents which have judged are not searched.
    percent : float
        Rollout percent of a condition that becomes required.
    label_age_s : float, unit s
        After a run's start; a stop without a label by then counts as a false stop. Longer waits for late labels.
    """

    target: float = TARGET
    share: float = 0.95
    alpha: float = ALPHA
    search_share: float = SEARCH_SHARE
    cut_at: pd.Timestamp | None = None
    percent: float = FIRST_STAGE_PERCENT
    label_age_s: float = LABEL_AGE_S


def tune(
    history: History | StoredHistory,
    conditions: Conditions | None = None,
    *,
    terms: TuningTerms | None = None,
    first: Replay | None = None,
    evaluator: Evaluator | None = None,
    progress: Progress = silent,
    work: Work | None = None,
) -> Tuning:
    """Tune conditions on a history.

    Parameters
    ----------
    history : History or StoredHistory
    conditions : mapping of Level to CompiledSet, or None
        What is tuned; None tunes what was recorded last (`recorded_sets`).
    terms : TuningTerms or None
    first : Replay or None
        The history replayed by these conditions, when that was done already; its label age is then the one that counts.
    evaluator : Evaluator or None
        None starts worker processes for this tuning.
    progress : Progress
    work : Work or None
        Replay in partitions, by a scheduler; see `replay.replay.replay`.

    Returns
    -------
    Tuning

    Raises
    ------
    HistoryError
        No incident has a vote, or a recorded policy's source is missing.
    EvaluatorError
        The evaluator cannot be started.
    SchedulerError
        The scheduler cannot be used.

    Notes
    -----
    A timeout is chosen on the incidents before the cut, a flag on those after it. What an environment says of its own
    stays, but for `required`: where the test does not say so, no environment keeps a condition required.
    """
    terms = terms or TuningTerms()
    known = outline(history, work, progress=progress)
    rows = known.history
    if conditions is None:
        conditions = compiled(recorded_sets(rows.evaluations, rows.attempts, rows.policies, runs=known.runs))
    with workers_or(evaluator) as by:
        if first is None:
            first = replay(
                history,
                conditions,
                evaluator=by,
                label_age_s=terms.label_age_s,
                progress=progress,
                work=work,
            )
        split = split_in_time(first.votes.data, search_share=terms.search_share, cut_at=terms.cut_at)
        choices = _choose_all(conditions, split, share=terms.share)
        chosen = _with_choices(conditions, choices)
        second = first
        if chosen is not conditions:
            second = replay(
                history,
                chosen,
                evaluator=by,
                label_age_s=first.label_age_s,
                progress=progress,
                work=work,
            )
    challengers = sum(len(level.candidates) for level in conditions.values())
    gate_split = split_in_time(
        second.votes.data, cut_at=split.cut_at, candidates_compared=compared(choices, challengers)
    )
    hypotheses = hypotheses_of(rows, chosen, choices, gate_split.gate, target=terms.target)
    gate = run_gate(gate_split.gate, hypotheses, alpha=terms.alpha)
    return _tuning(
        known=known,
        replayed=second,
        before=conditions,
        chosen=chosen,
        choices=choices,
        gate=gate,
        split=gate_split,
        terms=terms,
    )


def compiled(sets: Mapping[Level, ConditionSet]) -> dict[Level, CompiledSet]:
    """Compile both levels' sets.

    Raises
    ------
    PolicyError, SettingsError
        One cannot be used.
    """
    return {level: compile_set(one, compile_policy) for level, one in sets.items()}


def _choose_all(conditions: Conditions, split: Split, *, share: float) -> dict[ConditionId, Choice]:
    choices = {}
    for level in conditions.values():
        for condition in level.policies:
            current = level.texts.settings.effective(condition)
            if current is None:
                continue
            search, gate = (
                votes[(votes["condition"] == str(condition)) & ~votes["candidate"]]
                for votes in (split.search, split.gate)
            )
            choices[condition] = choose(condition, current, search, share=share, gate_votes=gate)
    return choices


def _with_choices(conditions: Conditions, choices: Mapping[ConditionId, Choice]) -> Conditions:
    settings = {level: one.texts.settings for level, one in conditions.items()}
    changed = False
    for condition, choice in choices.items():
        if settings[condition.level].effective(condition) != choice.settings:
            settings[condition.level] = settings[condition.level].with_condition(condition, choice.settings)
            changed = True
    if not changed:
        return conditions
    return {level: with_settings(one, settings[level]) for level, one in conditions.items()}


def with_settings(level: CompiledSet, settings: Settings) -> CompiledSet:
    """Give the same policies under other settings."""
    return replace(level, texts=replace(level.texts, settings=settings))


def _tuning(
    *,
    known: Outline,
    replayed: Replay,
    before: Conditions,
    chosen: Conditions,
    choices: Mapping[ConditionId, Choice],
    gate: GateResult,
    split: Split,
    terms: TuningTerms,
) -> Tuning:
    current = {d.hypothesis.condition: d for d in gate.decisions if not d.hypothesis.candidate}
    challengers = {d.hypothesis.condition: d for d in gate.decisions if d.hypothesis.candidate}
    decisions: list[ConditionDecision] = []
    settings = {level: one.texts.settings for level, one in chosen.items()}
    recorded = recorded_conditions(known.history)
    for condition, choice in sorted(choices.items()):
        name = str(condition)
        votes = split.gate[(split.gate["condition"] == name) & ~split.gate["candidate"]]
        decision = current.get(name)
        old = before[condition.level].texts.settings.effective(condition)
        if old is None:
            raise HistoryError(f"{condition} has no settings to tune")
        block_rate = _block_rate(votes)
        where = enforced_where(before[condition.level].texts.settings, condition)
        tuned = _decided(
            choice,
            old,
            decision=decision,
            recorded=condition in recorded,
            block_rate=block_rate,
            enforced_where=where,
            first_percent=terms.percent,
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
                not_replayable=sum(replayed.not_replayable.get(name, {}).values()),
            )
        )
    tuned_sets = {level: with_settings(one, settings[level]) for level, one in chosen.items()}
    return Tuning(
        decisions=tuple(decisions),
        before=before,
        after=tuned_sets,
        gate=gate,
        split=split,
        replay=replayed,
        together=stopped_by_any(split.gate, [str(one.condition) for one in decisions if one.after.required]),
        target=terms.target,
        alpha=terms.alpha,
        share=terms.share,
        history_digest=known.digest,
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
