"""`tune`: which conditions may be required, with which timeout, and why.

1. Replay the history by the conditions to be tuned; one vote per incident.
2. Cut the incidents in time; choose timeouts on those before the cut (`search`).
3. Replay again on the chosen terms; test the incidents after the cut (`estimation.sequential`).
4. A condition is required only if the sequential test says so; every flag gets its reason.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from kubernaut.conditions.compiled_set import CompiledSet, compile_set
from kubernaut.conditions.condition_set import ConditionSet
from kubernaut.identity import ConditionId, Level
from kubernaut.policy.batch import Evaluator
from kubernaut.policy.compiling import compile_policy
from kubernaut_simulator.estimation.sequential import ALPHA
from kubernaut_simulator.estimation.split import SEARCH_SHARE, Split, split_in_time
from kubernaut_simulator.estimation.votes import LABEL_AGE_S
from kubernaut_simulator.history.history import History
from kubernaut_simulator.history.stored import StoredHistory
from kubernaut_simulator.progress import Progress, silent
from kubernaut_simulator.replay.partitioned import Work
from kubernaut_simulator.replay.recorded_set import recorded_sets
from kubernaut_simulator.replay.replay import Replay, replay
from kubernaut_simulator.replay.tasks import Conditions
from kubernaut_simulator.replay.workers import workers_or
from kubernaut_simulator.results.false_stops import TARGET
from kubernaut_simulator.tuning.deciding import Searched, decide, with_settings
from kubernaut_simulator.tuning.outline import outline
from kubernaut_simulator.tuning.result import Tuning
from kubernaut_simulator.tuning.search import Choice, choose, compared

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
    found = searched(history, conditions, terms=terms, first=first, evaluator=evaluator, progress=progress, work=work)
    return decide(found, target=terms.target, alpha=terms.alpha, percent=terms.percent)


def searched(
    history: History | StoredHistory,
    conditions: Conditions | None = None,
    *,
    terms: TuningTerms,
    first: Replay | None = None,
    evaluator: Evaluator | None = None,
    progress: Progress = silent,
    work: Work | None = None,
) -> Searched:
    """Choose the timeouts, and replay by them: everything of a tuning before the test is asked; see `tune`.

    Of the terms, `target`, `alpha` and `percent` do not matter here: one search serves all of them.
    """
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
    return Searched(
        known=known,
        replayed=second,
        before=conditions,
        chosen=chosen,
        choices=choices,
        split=split_in_time(second.votes.data, cut_at=split.cut_at, candidates_compared=compared(choices, challengers)),
        share=terms.share,
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
