"""What a report is made of: one tuning, and every other result that speaks of the same history and the same conditions.

All of it is judged by the policies and times that the tuning chose, so no two parts of a page speak of different
conditions. Where a history cannot answer a question - no rollout was planned from it, nothing is enforced - the part is
a `NotAnswered` with the reason that the asked module gave; every other error stops the report.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from kubernaut.errors import HistoryError, InputError
from kubernaut_simulator.effect.effect import BusinessEffect, business_effect
from kubernaut_simulator.history.description import HistoryDescription
from kubernaut_simulator.progress import Progress, silent
from kubernaut_simulator.results.report_examples import Example, false_stop_examples
from kubernaut_simulator.rollout.following import rollout_status
from kubernaut_simulator.rollout.plan import SIMULATED, plan_rollout
from kubernaut_simulator.rollout.plan_result import RolloutPlan
from kubernaut_simulator.rollout.status_result import RolloutStatus
from kubernaut_simulator.rollout.terms import RolloutTerms
from kubernaut_simulator.suites.detection_result import DetectionResult, detection_of
from kubernaut_simulator.suites.result import SuiteSearch
from kubernaut_simulator.suites.search import SuiteTerms, search_suites
from kubernaut_simulator.whatif.whatif import WhatIf

if TYPE_CHECKING:
    from kubernaut.policy.batch import Evaluator
    from kubernaut_simulator.effect.returns import Costs
    from kubernaut_simulator.results.drift import DriftResult
    from kubernaut_simulator.results.false_stops import FalseStopsResult
    from kubernaut_simulator.results.timeouts import TimeoutsResult
    from kubernaut_simulator.tuning.result import Tuning


@dataclass(frozen=True, slots=True, kw_only=True)
class NotAnswered:
    """A question that this history cannot answer.

    Attributes
    ----------
    why : str
        For people.
    """

    why: str


@dataclass(frozen=True, kw_only=True)
class ReportContents:
    """Everything that a report says.

    Attributes
    ----------
    tuning : Tuning
    history : HistoryDescription
    false_stops : FalseStopsResult
    timeouts : TimeoutsResult
    detection : DetectionResult
    drift : DriftResult
    examples : mapping of str to sequence of Example
        Condition to some of its false stops, the newest first.
    suites : mapping of str to SuiteSearch or NotAnswered
        By action.
    plan : RolloutPlan or NotAnswered
    status : RolloutStatus or NotAnswered
    effect : BusinessEffect or NotAnswered
    """

    tuning: Tuning
    history: HistoryDescription
    false_stops: FalseStopsResult
    timeouts: TimeoutsResult
    detection: DetectionResult
    drift: DriftResult
    examples: Mapping[str, Sequence[Example]]
    suites: Mapping[str, SuiteSearch | NotAnswered]
    plan: RolloutPlan | NotAnswered
    status: RolloutStatus | NotAnswered
    effect: BusinessEffect | NotAnswered

    @property
    def required(self) -> tuple[str, ...]:
        """Conditions that may be required."""
        return tuple(str(one.condition) for one in self.tuning.decisions if one.after.required)


def gather(
    tuning: Tuning,
    *,
    evaluator: Evaluator,
    costs: Costs | None = None,
    rollouts: int = SIMULATED,
    seed: int = 0,
    progress: Progress = silent,
) -> ReportContents:
    """Ask everything else of the history that a tuning was made on.

    Parameters
    ----------
    tuning : Tuning
        Of a history that is held, not one that stayed in its files.
    evaluator : Evaluator
        Judges the examples, and times that were changed.
    costs : Costs or None
        Of a return on investment; None says nothing of money.
    rollouts, seed : int
        Rollouts that are simulated, and what their chance begins with.
    progress : Progress

    Raises
    ------
    HistoryError
        The history stayed in its files.
    EvaluatorError
        The evaluator is not there.
    """
    replayed, history = tuning.replay, tuning.replay.history
    required = tuple(str(one.condition) for one in tuning.decisions if one.after.required)
    terms = RolloutTerms(target=tuning.target, first_target=max(tuning.target, RolloutTerms().first_target))
    what_if = WhatIf(history)
    actions = sorted({one.condition.action for one in tuning.decisions if one.recorded})
    return ReportContents(
        tuning=tuning,
        history=history.describe(),
        false_stops=replayed.false_stops(target=tuning.target),
        timeouts=replayed.timeouts(share=tuning.share),
        detection=detection_of(replayed),
        drift=replayed.drift(),
        examples=false_stop_examples(tuning, evaluator=evaluator),
        suites={one: _suites(what_if, tuning, one, evaluator) for one in actions},
        plan=_plan(tuning, required, terms=terms, rollouts=rollouts, seed=seed, progress=progress),
        status=_status(tuning, terms=terms, seed=seed),
        effect=_effect(tuning, required, costs),
    )


def _suites(what_if: WhatIf, tuning: Tuning, action: str, evaluator: Evaluator) -> SuiteSearch | NotAnswered:
    # The same cut as the tuning's: what chose its timeouts must not judge a suite.
    terms = SuiteTerms(target=tuning.target, alpha=tuning.alpha, cut_at=tuning.split.cut_at)
    try:
        return search_suites(what_if, tuning.after, action=action, terms=terms, evaluator=evaluator)
    except HistoryError as error:
        return NotAnswered(why=str(error))


def _plan(
    tuning: Tuning, required: Sequence[str], *, terms: RolloutTerms, rollouts: int, seed: int, progress: Progress
) -> RolloutPlan | NotAnswered:
    if not required:
        return NotAnswered(why="no condition may be required yet, so there is nothing to roll out")
    limits = {
        str(one.condition): one.block_rate.upper for one in tuning.decisions if one.after.required and one.block_rate.n
    }
    try:
        return plan_rollout(
            tuning.replay.votes.data,
            conditions=required,
            limits=limits,
            terms=terms,
            rollouts=rollouts,
            seed=seed,
            window=tuning.replay.window,
            progress=progress,
        )
    except InputError as error:
        # No incident that a plan can be made from, or no traffic: it says which.
        return NotAnswered(why=str(error))


def _status(tuning: Tuning, *, terms: RolloutTerms, seed: int) -> RolloutStatus | NotAnswered:
    try:
        return rollout_status(tuning.replay.history, conditions=tuning.before, terms=terms, seed=seed)
    except HistoryError as error:
        return NotAnswered(why=str(error))


def _effect(tuning: Tuning, required: Sequence[str], costs: Costs | None) -> BusinessEffect | NotAnswered:
    try:
        return business_effect(tuning.replay, conditions=required or None, costs=costs)
    except HistoryError as error:
        return NotAnswered(why=str(error))
