"""Search suites on the incidents before the cut, and let the sequential gate judge the chosen ones on those after it.

1. Lay out one vote per incident; cut the incidents in time.
2. Settle every choice (timeouts, numbers) from stored attempts; only numbers need a policy to be run, on the search
   incidents.
3. Compare every combination exactly; keep those under the workflow's ceiling that nothing beats.
4. Gate: is the share of good incidents that the suite stops shown to be below the target, on other incidents?
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from kubernaut.errors import HistoryError, InputError
from kubernaut.identity import ConditionId
from kubernaut.policy.batch import Evaluator
from kubernaut.policy.compiled import CompiledPolicy
from kubernaut_simulator.estimation.clustering import unit_for_gate
from kubernaut_simulator.estimation.columns import Flags
from kubernaut_simulator.estimation.sequential import ALPHA, GateResult, Hypothesis, run_gate
from kubernaut_simulator.estimation.split import SEARCH_SHARE
from kubernaut_simulator.estimation.votes import LABEL_AGE_S
from kubernaut_simulator.history.history import History
from kubernaut_simulator.replay.tasks import Conditions
from kubernaut_simulator.results.false_stops import TARGET
from kubernaut_simulator.suites.choices import Choice, choices_of
from kubernaut_simulator.suites.fails import Fails, fails_of
from kubernaut_simulator.suites.front import Suite, find_front
from kubernaut_simulator.suites.incidents import Incidents, incidents_of, suite_conditions
from kubernaut_simulator.suites.result import ProposedSuite, SuiteSearch
from kubernaut_simulator.whatif.settling import Settler
from kubernaut_simulator.whatif.whatif import WhatIf


@dataclass(frozen=True, slots=True, kw_only=True)
class SuiteTerms:
    """What a search asks for.

    Attributes
    ----------
    target : float
        Share of good incidents that the workflow may stop, 0..1.
    timeouts : mapping of ConditionId to sequence of float
        Seconds to try; conditions that are not named try shares of their present timeout.
    parameters : mapping of ConditionId to mapping of str to sequence of float
        Values to try for numbers that a policy declares.
    proposals : int
        How many suites of the front go to the gate, the chosen one first; they share alpha by Holm's rule.
    version : int
        From 1: the how-manieth suite this is that the gate is asked about for this action.
    cut_at : Timestamp or None
        The cut of an earlier search, so that incidents which have judged are not searched.
    """

    target: float = TARGET
    timeouts: Mapping[ConditionId, Sequence[float]] = field(default_factory=dict)
    parameters: Mapping[ConditionId, Mapping[str, Sequence[float]]] = field(default_factory=dict)
    proposals: int = 1
    version: int = 1
    alpha: float = ALPHA
    search_share: float = SEARCH_SHARE
    cut_at: pd.Timestamp | None = None
    label_age_s: float = LABEL_AGE_S


def search_suites(
    history: History | WhatIf,
    conditions: Conditions | None = None,
    *,
    action: str | None = None,
    terms: SuiteTerms | None = None,
    evaluator: Evaluator | None = None,
) -> SuiteSearch:
    """Search the suites of one action.

    Parameters
    ----------
    history : History or WhatIf
        A what-if brings its terms: what it changed is "as it is now".
    conditions : mapping of Level to CompiledSet, or None
        What the operator would load; None takes the recorded policies and terms. Needed to try numbers.
    action : str or None
        None where the history holds one only.
    evaluator : Evaluator or None
        Needed where a policy has to be run: numbers to try, or conditions that differ from the recorded.

    Raises
    ------
    HistoryError
        No incident can be searched on, or judge.
    InputError
        The action, a parameter or a timeout cannot be used, or there is no evaluator where one is needed.
    """
    terms = terms or SuiteTerms()
    what_if = history if isinstance(history, WhatIf) else WhatIf(history)
    if conditions is not None:
        what_if = what_if.with_conditions(conditions, evaluator=evaluator)
    suite = suite_conditions(what_if.stored, action)
    unknown = [str(one) for one in (*terms.timeouts, *terms.parameters) if one not in suite]
    if unknown:
        raise InputError(f"never recorded for this action: {', '.join(unknown)}")
    incidents = incidents_of(
        what_if.stored, suite, search_share=terms.search_share, cut_at=terms.cut_at, label_age_s=terms.label_age_s
    )
    judged = _Judged(what_if, incidents, conditions, evaluator)
    choices = [choice for one in suite for choice in _choices(what_if, one, terms, judged.policy(one))]
    parts = [judged.fails(choice, incidents.search) for choice in choices]
    fails = parts[0]
    for part in parts[1:]:
        fails = fails.joined(part)
    good, bad = incidents.good & incidents.search, incidents.bad & incidents.search
    if not good.any():
        raise HistoryError(
            f"none of the {incidents.split.search_incidents} incidents before the cut did good by a label that may be "
            "searched on"
        )
    front = find_front(fails, good=good, bad=bad, ceiling=terms.target)
    proposed = _proposed(front.suites, front.chosen, terms.proposals)
    on_gate = {one: _on_gate(fails, one, judged, incidents) for one in proposed}
    gate = _gate(fails, proposed, on_gate, incidents, terms)
    return SuiteSearch(
        fails=fails,
        front=front,
        incidents=incidents,
        proposed=tuple(
            ProposedSuite(suite=one, gate=decision, on_gate=on_gate[one])
            for one, decision in zip(proposed, gate.decisions, strict=True)
        ),
        gate=gate,
        target=terms.target,
        alpha=terms.alpha,
        history_digest=what_if.history.digest,
    )


class _Judged:
    """Settles choices; policies are run for numbers only, and only on the incidents that are asked for."""

    def __init__(
        self, what_if: WhatIf, incidents: Incidents, conditions: Conditions | None, evaluator: Evaluator | None
    ) -> None:
        self._what_if = what_if
        self._incidents = incidents
        self._conditions = conditions
        self._evaluator = evaluator
        self._settlers: dict[tuple[ConditionId, tuple[tuple[str, float], ...], bool], Settler] = {}

    def policy(self, condition: ConditionId) -> CompiledPolicy | None:
        """Give the policy that judges a condition now, where conditions were given."""
        level = None if self._conditions is None else self._conditions.get(condition.level)
        return None if level is None else level.policies.get(condition)

    def fails(self, choice: Choice, wanted: Flags) -> Fails:
        """Say what a choice does to some incidents; of the others it says nothing true."""
        if not choice.settings:
            terms = self._what_if.terms(choice.condition)
            settler = self._what_if.settler(choice.condition)
            timeout_s = terms.timeout_s if choice.timeout_s is None else choice.timeout_s
            settled = settler.settle(timeout_s=timeout_s, hold_for_s=terms.hold_for_s)
            return fails_of(choice, settled, settler.timelines.rows, self._incidents)
        settler = self._with_numbers(choice, wanted)
        terms = self._what_if.terms(choice.condition)
        if isinstance(terms.timeout_s, np.ndarray) or isinstance(terms.hold_for_s, np.ndarray):
            raise InputError(f"{choice.condition}: numbers can be tried only where all environments share its times")
        timeout_s = terms.timeout_s if choice.timeout_s is None else choice.timeout_s
        settled = settler.settle(timeout_s=timeout_s, hold_for_s=terms.hold_for_s)
        return fails_of(choice, settled, settler.timelines.rows, self._incidents)

    def _with_numbers(self, choice: Choice, wanted: Flags) -> Settler:
        key = (choice.condition, tuple(sorted(choice.settings.items())), bool(wanted[self._incidents.search].any()))
        if key not in self._settlers:
            policy = self.policy(choice.condition)
            if policy is None or self._evaluator is None:
                raise InputError(f"{choice.condition}: to try numbers give its conditions and an evaluator")
            timelines = self._what_if.settler(choice.condition).timelines
            of_row = self._incidents.of_row[timelines.rows]
            own = timelines.selected((of_row >= 0) & wanted[of_row])
            answered = own.answered_by(
                self._what_if.history.attempts, self._evaluator, policy, settings=dict(choice.settings)
            )
            self._settlers[key] = Settler(answered)
        return self._settlers[key]


def _choices(
    what_if: WhatIf, condition: ConditionId, terms: SuiteTerms, policy: CompiledPolicy | None
) -> tuple[Choice, ...]:
    now = what_if.terms(condition)
    ends = what_if.settler(condition).timelines.ends
    timeout_s = float(np.max(ends.timeout_s if now.timeout_s is None else now.timeout_s))
    hold_for_s = float(np.max(ends.hold_for_s if now.hold_for_s is None else now.hold_for_s))
    return choices_of(
        condition,
        timeout_s=timeout_s,
        hold_for_s=hold_for_s,
        timeouts=terms.timeouts.get(condition),
        parameters=terms.parameters.get(condition),
        policy=policy,
    )


def _proposed(suites: tuple[Suite, ...], chosen: Suite | None, proposals: int) -> list[Suite]:
    if chosen is None:
        return []
    others = [one for one in suites if one.columns and one is not chosen]
    others.sort(key=lambda one: (-one.harmful_stopped, one.good_stopped, one.waiting_s))
    return [chosen, *others][: max(1, proposals)]


def _on_gate(fails: Fails, suite: Suite, judged: _Judged, incidents: Incidents) -> Fails:
    """Say what the choices of one suite do to the incidents that judge."""
    parts = [judged.fails(fails.choices[column], ~incidents.search) for column in suite.columns]
    found = parts[0]
    for part in parts[1:]:
        found = found.joined(part)
    return found


def _gate(
    fails: Fails,
    proposed: Sequence[Suite],
    on_gate: Mapping[Suite, Fails],
    incidents: Incidents,
    terms: SuiteTerms,
) -> GateResult:
    searched, judging = incidents.good & incidents.search, incidents.good & ~incidents.search
    days = incidents.frame["target_day"].to_numpy()
    hypotheses, votes = [], []
    for suite in proposed:
        name = " + ".join(fails.choices[column].name for column in suite.columns)
        unit = unit_for_gate(fails.stopped_by(suite.columns)[searched], days[searched], days[judging])
        hypotheses.append(Hypothesis(condition=name, target=terms.target, version=terms.version, unit=unit))
        own = on_gate[suite]
        stop = own.stopped_by(range(len(own.choices)))
        votes.append(
            incidents.frame[~incidents.search].assign(condition=name, candidate=False, stop=stop[~incidents.search])
        )
    frame = pd.concat(votes, ignore_index=True) if votes else incidents.frame[:0]
    return run_gate(frame, hypotheses, alpha=terms.alpha)
