"""What each condition of a suite is worth, and why the others are not in it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from kubernaut.identity import ConditionId
from kubernaut_simulator.estimation.columns import Flags
from kubernaut_simulator.suites.choices import Choice
from kubernaut_simulator.suites.fails import Fails
from kubernaut_simulator.suites.front import Front, Suite


class Standing(StrEnum):
    """Where a condition stands towards a suite."""

    CHOSEN = "chosen"
    WOULD_ADD = "would add to it under the ceiling"
    REDUNDANT = "redundant: stops no harmful run that the suite does not stop"
    OVER_CEILING = "would stop more good incidents than the ceiling allows"
    NEVER_FIRED = "never fired: no false positives and no value"


@dataclass(frozen=True, slots=True, kw_only=True)
class Marginal:
    """One condition towards a suite, on the search incidents.

    Attributes
    ----------
    choice : Choice
        In the suite; of the others, the one that would add most under the ceiling, else the present one.
    harmful_stopped : int
        Of a chosen one: harmful incidents that the suite would no longer stop without it. Of another: that it would
        stop in addition.
    good_stopped : int
        Good incidents likewise.
    waiting_s : float
        Mean wait of good incidents likewise, in seconds.
    """

    condition: ConditionId
    standing: Standing
    choice: Choice
    harmful_stopped: int
    good_stopped: int
    waiting_s: float


def marginals(fails: Fails, front: Front, suite: Suite, *, good: Flags, bad: Flags) -> tuple[Marginal, ...]:
    """Say of every condition what it adds to a suite.

    Parameters
    ----------
    good, bad : array of bool, shape (incidents,)
        Those that were searched on.
    """
    columns: dict[ConditionId, list[int]] = {}
    for column, choice in enumerate(fails.choices):
        columns.setdefault(choice.condition, []).append(column)
    found = []
    for own in columns.values():
        inside = [column for column in own if column in suite.columns]
        if inside:
            without = tuple(column for column in suite.columns if column not in inside)
            found.append(_difference(fails, without, inside[0], good=good, bad=bad))
            continue
        added = [_difference(fails, suite.columns, column, good=good, bad=bad) for column in own]
        found.append(_not_chosen(added, own, front, suite))
    return tuple(found)


def _difference(fails: Fails, base: tuple[int, ...], column: int, *, good: Flags, bad: Flags) -> Marginal:
    more = (*base, column)
    stopped = fails.stopped_by(more) & ~fails.stopped_by(base)
    waited = fails.waits_for(more)[good] - fails.waits_for(base)[good]
    harmful = int((stopped & bad).sum())
    return Marginal(
        condition=fails.choices[column].condition,
        standing=Standing.CHOSEN if harmful else Standing.REDUNDANT,
        choice=fails.choices[column],
        harmful_stopped=harmful,
        good_stopped=int((stopped & good).sum()),
        waiting_s=float(waited.mean()) if len(waited) else 0.0,
    )


def _not_chosen(added: Sequence[Marginal], columns: Sequence[int], front: Front, suite: Suite) -> Marginal:
    """Give the choice that would add most under the ceiling; where none would, the present one, and why not."""
    fits = [one for one in added if one.harmful_stopped and suite.good_stopped + one.good_stopped <= front.allowed]
    if fits:
        best = max(fits, key=lambda one: (one.harmful_stopped, -one.good_stopped, -one.waiting_s))
        return replace(best, standing=Standing.WOULD_ADD)
    present = added[0]
    if all(column in front.never_stop for column in columns):
        return replace(present, standing=Standing.NEVER_FIRED)
    # Of the choice that is told, never of another one: its numbers stand beside the reason.
    return replace(present, standing=Standing.OVER_CEILING if present.harmful_stopped else Standing.REDUNDANT)
