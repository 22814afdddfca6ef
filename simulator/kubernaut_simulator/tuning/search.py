"""The search: what each condition should be, chosen on the incidents before the cut.

For a postcondition the candidates are its timeout as it is and the one that the good runs recommend; a challenger that
was judged beside the current policy is a candidate of its own. How many were compared is counted, because whoever picks
the best of many on the data that then judges it passes a bad one most of the time. Nothing here decides: the gate does,
on other incidents.

A recommendation for a condition that must hold gets one poll interval more: the look that ends a hold comes up to an
interval after the hold has lasted long enough, and where a timeout falls between the two the record has no look on it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from kubernaut.conditions.settings import PostSettings, PreSettings
from kubernaut.conditions.spec import MAX_TIMEOUT_S
from kubernaut.identity import ConditionId, Phase
from kubernaut.verification.polls import interval_after_s
from kubernaut_simulator.estimation.clustering import Unit, unit_for_gate
from kubernaut_simulator.estimation.labels import Label
from kubernaut_simulator.estimation.timeouts import TimeoutRecommendation
from kubernaut_simulator.estimation.votes import NOT_SEARCHED
from kubernaut_simulator.results.timeouts import ConditionTimeout, condition_timeout


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """What the search chose for one condition.

    Attributes
    ----------
    settings : PreSettings
        The current ones with the chosen timeout; flags untouched.
    timeout : ConditionTimeout or None
        What the search incidents say of the timeout; None for preconditions.
    unit : Unit
        What counts as one vote in the gate: from the design effect of the search incidents, on the gate's bunches.
    candidates_compared : int
    """

    settings: PreSettings
    timeout: ConditionTimeout | None
    unit: Unit
    candidates_compared: int


def choose(
    condition: ConditionId,
    current: PreSettings,
    search_votes: pd.DataFrame,
    *,
    share: float,
    gate_votes: pd.DataFrame | None = None,
) -> Choice:
    """Choose one condition's settings on the search incidents.

    Parameters
    ----------
    current : PreSettings
        As they are.
    search_votes : DataFrame
        Votes of this condition before the cut.
    share : float
        Of the good runs that shall pass within the timeout.
    gate_votes : DataFrame or None
        Votes of this condition after the cut: only how many good ones fall on a target-day is looked at.

    Notes
    -----
    Only labels that may gate choose a timeout: independent of the conditions' own facts, and of incidents that nothing
    enrols. A recommendation above one hour cannot be set and changes nothing; neither does "not reached", nor one
    beyond the longest timeout that runs were watched under. Under that the runs that did not pass would be censored and
    leave the gate, Errors with them, while those that passed stay: no condition would ever stop anything.
    """
    good = search_votes[search_votes["label"] == Label.GOOD.value]
    judging = good if gate_votes is None else gate_votes[gate_votes["label"] == Label.GOOD.value]
    unit = unit_for_gate(good["stop"], good["target_day"], judging["target_day"])
    if condition.phase is Phase.PRE or not isinstance(current, PostSettings) or search_votes.empty:
        return Choice(settings=current, timeout=None, unit=unit, candidates_compared=1)
    searched = search_votes[~search_votes["not_in_gate"].isin(NOT_SEARCHED)]
    if searched.empty:
        return Choice(settings=current, timeout=None, unit=unit, candidates_compared=1)
    timeout = condition_timeout(searched, share=share)
    recommended_s = judgeable_s(timeout.recommendation, current)
    longest_s = min(max(timeout.timeouts_s, default=MAX_TIMEOUT_S), MAX_TIMEOUT_S)
    if recommended_s is None or recommended_s == current.timeout_s or recommended_s > longest_s:
        return Choice(settings=current, timeout=timeout, unit=unit, candidates_compared=1)
    lowest_s = max(current.hold_for_s, current.poll_interval_s or 0.0)
    chosen = with_timeout(current, max(recommended_s, lowest_s + 1.0))
    return Choice(settings=chosen, timeout=timeout, unit=unit, candidates_compared=2)


def judgeable_s(found: TimeoutRecommendation, current: PostSettings) -> float | None:
    """Give the recommended timeout, with room for the look that ends a hold; None when there is none.

    Notes
    -----
    With a `holdFor`, ``T + holdFor`` is the moment when the slowest run that shall pass may be called passed, and the
    first look that can say so comes within one poll interval after it.
    """
    if found.timeout_s is None or found.pass_by_s is None or current.hold_for_s <= 0.0:
        return found.timeout_s
    held_s = found.pass_by_s + current.hold_for_s
    return float(math.ceil(round(held_s + interval_after_s(held_s, current.poll_interval_s), 6)))


def with_timeout(current: PostSettings, timeout_s: float) -> PostSettings:
    """Give the same settings with another timeout, checked as a whole."""
    fields = {name: getattr(current, name) for name in type(current).model_fields}
    return type(current)(**{**fields, "timeout_s": timeout_s})


def compared(choices: Mapping[ConditionId, Choice], challengers: int) -> int:
    """Count the candidates that the search looked at."""
    return sum(choice.candidates_compared for choice in choices.values()) + challengers
