"""What a coarser `pollInterval` would have added to the time to pass of runs that passed.

The looks say only that a run passed between the last look that had not and the first that had. The engine's own poll
times on another interval are laid over that: the first of them after the earlier end, and the first at or after the
later one, are the earliest and the latest it could have been seen. Between them nothing is guessed. A finer interval
would have looked where nobody looked.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from kubernaut.identity import ConditionId
from kubernaut.verification.polls import LONGEST_INTERVAL_S, PollTimes
from kubernaut_simulator.estimation.columns import Codes, Flags, Floats
from kubernaut_simulator.estimation.detection import lead_time
from kubernaut_simulator.estimation.labels import Label
from kubernaut_simulator.whatif.holding import SAME_S, Effect, NotScored, Setting, effect_of, passed_runs, scored_of
from kubernaut_simulator.whatif.timelines import Answer, Timelines
from kubernaut_simulator.whatif.whatif import WhatIf

POLLS_S = (5.0, 10.0, 20.0, 30.0)
"""Intervals that are tried beside those in force."""

TAKEN_AT_MOST = 2000
"""Passed runs of one condition and outcome that are laid on a grid; limits do not get better than that to see."""

_TIE_S = 1e-5


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenPass:
    """Where one run was seen to pass.

    Attributes
    ----------
    uid, condition : str
        What its poll times depend on.
    after_s : float
        Start of the last look that had not passed; negative where the first look passed.
    by_s, read_s : float
        Start and end of the look with which the hold began.
    timeout_s, hold_for_s : float
    poll_interval_s : float or None
        As recorded; None means the default schedule.
    """

    uid: str
    condition: str
    after_s: float
    by_s: float
    read_s: float
    timeout_s: float
    hold_for_s: float
    poll_interval_s: float | None

    def polls(self, poll_interval_s: float | None) -> PollTimes:
        """Give when the engine would have looked."""
        return PollTimes(
            uid=self.uid, condition=self.condition, deadlines_s=(self.timeout_s,), poll_interval_s=poll_interval_s
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class CoarserPass:
    """When another schedule would have seen the same pass.

    Attributes
    ----------
    earliest_s, latest_s : float
        Seconds after the recorded look; the earliest may be below zero.
    in_time : bool
        The hold still ends before the deadline, at the later end.
    """

    earliest_s: float
    latest_s: float
    in_time: bool


def coarser_pass(seen: SeenPass, poll_interval_s: float) -> CoarserPass:
    """Lay other poll times over the interval in which a run passed.

    Notes
    -----
    A look starts a little after its poll time; that lateness is taken over, so that the recorded interval gives the
    recorded look. The condition is taken to stay as it was first seen until the coarser look: a hold that broke in
    between would make this too short.
    """
    recorded = seen.polls(seen.poll_interval_s)
    slot = recorded.slot_at(seen.by_s)
    late_s = 0.0 if slot is None else seen.by_s - recorded.offset_s(slot)
    other = seen.polls(poll_interval_s)
    due_s = seen.by_s - late_s
    earliest_s = _next_after(other, seen.after_s - late_s)
    latest_s = _next_after(other, due_s - _TIE_S)
    held_since_s = latest_s + late_s + (seen.read_s - seen.by_s)
    return CoarserPass(
        earliest_s=earliest_s - due_s,
        latest_s=latest_s - due_s,
        in_time=seen.hold_for_s <= 0.0 or held_since_s + seen.hold_for_s <= seen.timeout_s + SAME_S,
    )


def poll_effects(
    what_if: WhatIf, condition: ConditionId, votes: pd.DataFrame, polls_s: Sequence[float] = POLLS_S
) -> list[Effect]:
    """Say what other poll intervals would have made of the runs of one postcondition.

    Parameters
    ----------
    votes : DataFrame
        As `votes.Votes.data`, of this condition, with a known label.
    polls_s : sequence of float, unit s
        Tried beside those in force. Shorter ones than a run was recorded with are not replayable for it.

    Notes
    -----
    Every run that passed counts, watched on or not: what matters came before its pass.
    """
    runs = passed_runs(what_if, condition, votes)
    timelines = what_if.settler(condition).timelines
    recorded = timelines.ends.poll_interval_s[runs.at]
    longest_s = np.where(np.isnan(recorded), LONGEST_INTERVAL_S, recorded)
    present = set(recorded[~np.isnan(recorded)].tolist())
    after, by = _looks_around(timelines, runs.at, runs.base.time_to_pass_s[runs.at])
    uids = what_if.history.evaluations["execution_uid"]
    effects = []
    for outcome in (Label.GOOD, Label.BAD):
        wanted = runs.passed & runs.of(outcome)
        for poll_s in sorted({*polls_s, *present}):
            marks = {NotScored.FINER: poll_s < longest_s - SAME_S, NotScored.NO_LOOK: by < 0}
            scored, _ = scored_of(wanted, marks)
            scored, why = scored_of(wanted, {**marks, NotScored.NOT_TAKEN: _beyond(scored, TAKEN_AT_MOST)})
            found = []
            for place in np.flatnonzero(scored).tolist():
                at, look, before = int(runs.at[place]), int(by[place]), int(after[place])
                seen = SeenPass(
                    uid=uids[int(timelines.rows[at])].as_py(),
                    condition=str(condition),
                    after_s=-1.0 if before < 0 else float(timelines.began_s[before]),
                    by_s=float(timelines.began_s[look]),
                    read_s=float(timelines.read_s[look]),
                    timeout_s=float(runs.timeout_s[at]),
                    hold_for_s=float(runs.hold_for_s[at]),
                    poll_interval_s=None if np.isnan(recorded[place]) else float(recorded[place]),
                )
                found.append(coarser_pass(seen, poll_s))
            kept = [one for one in found if one.in_time]
            added = lead_time(np.array([one.latest_s for one in kept]))
            earliest = lead_time(np.array([one.earliest_s for one in kept]))
            effects.append(
                effect_of(
                    condition=str(condition),
                    setting=Setting.POLL_INTERVAL,
                    value_s=poll_s,
                    present=poll_s in present,
                    outcome=outcome,
                    later=sum(one.latest_s > SAME_S for one in kept),
                    not_at_all=len(found) - len(kept),
                    n=len(found),
                    added=replace(added, lower_s=earliest.lower_s),
                    would_pass=None,
                    not_scored=why,
                )
            )
    return effects


def _looks_around(timelines: Timelines, at: Codes, time_to_pass_s: Floats) -> tuple[Codes, Codes]:
    """Give the last look that had not passed, and the one with which the hold began; -1 where there is none.

    A look that ended in Error had not passed either: another one beside it would have read no more.
    """
    after, by = np.full(len(at), -1, np.int64), np.full(len(at), -1, np.int64)
    for place, row in enumerate(at.tolist()):
        if np.isnan(time_to_pass_s[place]):
            continue
        first, past = int(timelines.first[row]), int(timelines.first[row + 1])
        look = first + int(np.searchsorted(timelines.read_s[first:past], time_to_pass_s[place] - _TIE_S))
        if look == past:
            continue
        by[place] = look
        not_yet = np.flatnonzero(timelines.answer[first:look] != Answer.PASSED)
        if len(not_yet):
            after[place] = first + int(not_yet[-1])
    return after, by


def _beyond(scored: Flags, most: int) -> Flags:
    """Mark what is left out when only so many are taken, evenly over all of them."""
    beyond = scored.copy()
    places = np.flatnonzero(scored)
    kept = places if len(places) <= most else places[np.linspace(0, len(places) - 1, most).astype(np.int64)]
    beyond[kept] = False
    return beyond


def _next_after(polls: PollTimes, offset_s: float) -> float:
    slot = polls.slot_at(offset_s)
    _, at_s = polls.next_slot_after(-1 if slot is None else slot)
    return at_s
