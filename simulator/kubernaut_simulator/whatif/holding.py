"""What another `holdFor` would have made of runs that passed: a later pass, or none at all.

A run that failed was watched to its deadline and answers every question; one that passed was watched on only where the
operator drew it for that. Pooled, the failed would count five times as much as they should, so a longer hold is scored
on the passed runs that were watched on, and on no others. The rule is the engine's (`settling`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import pandas as pd
import pyarrow as pa

from kubernaut.identity import ConditionId
from kubernaut.verdicts import Verdict
from kubernaut_simulator.estimation.change_points import MINIMUM_OBSERVATIONS
from kubernaut_simulator.estimation.columns import Codes, Flags, Floats, look_up
from kubernaut_simulator.estimation.detection import LeadTime, lead_time
from kubernaut_simulator.estimation.labels import Label
from kubernaut_simulator.estimation.rates import Rate, rate
from kubernaut_simulator.whatif.engine_settling import SettledColumns
from kubernaut_simulator.whatif.timelines import VERDICTS
from kubernaut_simulator.whatif.whatif import WhatIf

HOLDS_S = (0.0, 10.0, 20.0, 30.0, 60.0)
"""Holds that are tried beside those in force."""

SAME_S = 1e-3
"""Two instants this close are one: rows keep microseconds."""

_PASSED = VERDICTS.index(Verdict.PASSED)


class Setting(StrEnum):
    """What is changed, as settings.yaml writes it."""

    HOLD_FOR = "holdFor"
    POLL_INTERVAL = "pollInterval"


class NotScored(StrEnum):
    """Why a run that passed cannot say what another setting would have made of it."""

    NOT_WATCHED_ON = "not replayable, nobody looked on after the pass"
    NO_TIME_LEFT = "passed at the deadline, where no longer hold fits and no watching on is drawn"
    DOES_NOT_FIT = "the hold does not fit into the timeout"
    LOOKS_CANNOT_TELL = "not replayable, the recorded looks cannot tell"
    FINER = "not replayable, finer than the recorded polls: nobody looked in between"
    NO_LOOK = "not replayable, the look that passed was not kept"
    NOT_TAKEN = "not taken, as enough others were"


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """What one setting would have made of the passed runs of one outcome.

    Attributes
    ----------
    value_s : float
        Of the setting.
    present : bool
        Some of these runs were decided on it.
    later, not_at_all : Rate
        Of the scored runs: the hold that passes began later, or none lasted in time.
    changed : Rate
        Either of the two.
    added : LeadTime
        Seconds that a decision comes later, over the scored runs that still pass; for a coarser poll, seconds of time
        to pass at the later end of what it can be, the limits reaching from the earlier end's to the later end's.
    would_pass : Rate or None
        Of the runs that were stopped: those that a shorter hold lets pass; None where that was not asked.
    not_scored : mapping of NotScored to int
        Passed runs that say nothing, and why.
    """

    condition: str
    setting: Setting
    value_s: float
    present: bool
    outcome: Label
    later: Rate
    not_at_all: Rate
    changed: Rate
    added: LeadTime
    would_pass: Rate | None
    not_scored: Mapping[NotScored, int]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PassedRuns:
    """The evaluations of one postcondition that voted, and what they come to on the terms in force.

    Attributes
    ----------
    at : array of int64, shape (n,)
        Places in the condition's timelines.
    good, passed, stopped : array of bool, shape (n,)
    timeout_s, hold_for_s : array of float64, shape (all evaluations of the condition,)
    base : SettledColumns
    """

    at: Codes
    good: Flags
    passed: Flags
    stopped: Flags
    timeout_s: Floats
    hold_for_s: Floats
    base: SettledColumns

    def of(self, outcome: Label) -> Flags:
        """Whose workflow came to this."""
        return self.good if outcome is Label.GOOD else ~self.good


def passed_runs(what_if: WhatIf, condition: ConditionId, votes: pd.DataFrame) -> PassedRuns:
    """Find the evaluations behind the votes of one postcondition.

    Parameters
    ----------
    votes : DataFrame
        As `votes.Votes.data`, of this condition, with a known label.
    """
    stored, timelines = what_if.stored, what_if.settler(condition).timelines
    counted = np.flatnonzero(stored.runs.condition[timelines.rows] >= 0)
    uid = what_if.history.evaluations["execution_uid"].take(pa.array(timelines.rows[counted])).cast(pa.string())
    place = look_up(pa.array(votes["execution_uid"].astype(str), pa.string()), uid.combine_chunks())
    known = place >= 0
    at = counted[place[known]]
    base = what_if.settled(condition)
    terms, ends = what_if.terms(condition), timelines.ends
    return PassedRuns(
        at=at,
        good=(votes["label"] == Label.GOOD.value).to_numpy(bool)[known],
        passed=(base.verdict[at] == _PASSED) & base.replayable[at],
        stopped=base.stop[at] & base.replayable[at],
        timeout_s=_rows(terms.timeout_s, ends.timeout_s),
        hold_for_s=_rows(terms.hold_for_s, ends.hold_for_s),
        base=base,
    )


def hold_effects(
    what_if: WhatIf, condition: ConditionId, votes: pd.DataFrame, holds_s: Sequence[float] = HOLDS_S
) -> list[Effect]:
    """Say what other holds would have made of the runs of one postcondition.

    Parameters
    ----------
    votes : DataFrame
        As `votes.Votes.data`, of this condition, with a known label.
    holds_s : sequence of float, unit s
        Tried beside those in force, as far as any timeout has room for them.

    Notes
    -----
    Who is watched on is drawn by a hash of the run, so the scored runs are a random part of all that passed with time
    left, and k of n needs no weights. What passed with the deadline itself could not be watched on; no longer hold lets
    it pass, and it is counted apart.
    """
    runs = passed_runs(what_if, condition, votes)
    settler = what_if.settler(condition)
    at, timeout_s = runs.at, runs.timeout_s
    present = set(runs.hold_for_s[at].tolist())
    longest_s = float(timeout_s[at].max(initial=0.0))
    no_time = runs.passed & (runs.base.settled_s[at] >= timeout_s[at] - SAME_S)
    unseen = runs.passed & settler.stopped_early[at]
    effects = []
    for hold_s in sorted({*holds_s, *present}):
        if hold_s >= longest_s:
            continue
        fits = hold_s < timeout_s
        found = settler.settle(timeout_s=timeout_s, hold_for_s=np.where(fits, hold_s, runs.hold_for_s))
        told, passes = found.replayable[at], found.verdict[at] == _PASSED
        marks = {
            NotScored.DOES_NOT_FIT: ~fits[at],
            NotScored.NO_TIME_LEFT: no_time,
            NotScored.NOT_WATCHED_ON: unseen,
            NotScored.LOOKS_CANNOT_TELL: ~told,
        }
        began_later = found.time_to_pass_s[at] > runs.base.time_to_pass_s[at] + SAME_S
        added_s = found.settled_s[at] - runs.base.settled_s[at]
        for outcome in (Label.GOOD, Label.BAD):
            own = runs.of(outcome)
            scored, why = scored_of(runs.passed & own, marks)
            stopped = runs.stopped & own & fits[at] & told
            effects.append(
                effect_of(
                    condition=str(condition),
                    setting=Setting.HOLD_FOR,
                    value_s=hold_s,
                    present=hold_s in present,
                    outcome=outcome,
                    later=int((scored & passes & began_later).sum()),
                    not_at_all=int((scored & ~passes).sum()),
                    n=int(scored.sum()),
                    added=lead_time(added_s[scored & passes]),
                    would_pass=counted_rate(int((stopped & passes).sum()), int(stopped.sum())),
                    not_scored=why,
                )
            )
    return effects


def scored_of(wanted: Flags, marks: Mapping[NotScored, Flags]) -> tuple[Flags, dict[NotScored, int]]:
    """Give the runs that nothing speaks against, and how many each reason, in order of precedence, takes out."""
    left, why = wanted.copy(), {}
    for reason, mark in marks.items():
        number = int((left & mark).sum())
        if number:
            why[reason] = number
        left &= ~mark
    return left, why


def counted_rate(k: int, n: int) -> Rate:
    """Give k of n, worth acting on from the same number of runs as anywhere."""
    return rate(k, n, minimum=MINIMUM_OBSERVATIONS)


def effect_of(
    *,
    condition: str,
    setting: Setting,
    value_s: float,
    present: bool,
    outcome: Label,
    later: int,
    not_at_all: int,
    n: int,
    added: LeadTime,
    would_pass: Rate | None,
    not_scored: Mapping[NotScored, int],
) -> Effect:
    """Give an effect from what was counted."""
    return Effect(
        condition=condition,
        setting=setting,
        value_s=value_s,
        present=present,
        outcome=outcome,
        later=counted_rate(later, n),
        not_at_all=counted_rate(not_at_all, n),
        changed=counted_rate(later + not_at_all, n),
        added=added,
        would_pass=would_pass,
        not_scored=not_scored,
    )


def _rows(value: float | Floats | None, recorded: Floats) -> Floats:
    return recorded if value is None else np.broadcast_to(np.asarray(value, float), recorded.shape)
