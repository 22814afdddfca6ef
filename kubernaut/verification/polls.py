"""When a postcondition is looked at: a pure function of (start, UID, condition).

The first look is 1 s after the start, then the interval grows by half up to 10 s; `pollInterval` makes it
even. Each poll is drawn forward by a hashed share of its interval, so that a thousand runs that start
together do not read together; nothing is random, so a restarted operator finds the same times again and a
poll's number, which is the attempt's, needs no storage. One poll falls exactly on the deadline. Everything
here is in seconds from the start.
"""

import hashlib
import math
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import count

from kubernaut.errors import SettingsError

FIRST_POLL_S = 1.0
"""A change is rarely visible sooner."""

GROWTH = 1.5
"""Dense while most conditions pass, sparse for the stragglers."""

LONGEST_INTERVAL_S = 10.0
"""The default schedule's steady interval."""

OBSERVE_EVERY_S = 10.0
"""How often a run goes on being looked at after a pass."""

JITTER_SHARE = 0.1
"""A poll comes at most this share of its interval early, never late."""

LATENESS_SHARE = 0.1
"""Reads take time and polls are drawn forward: a gap counts as two intervals up to this much more."""

_HASH_RANGE = 2**32


def hashed_share(*parts: str) -> float:
    """Give a number in [0, 1) that depends on nothing but `parts`."""
    digest = hashlib.sha256("/".join(parts).encode()).digest()
    return int.from_bytes(digest[:4], "big") / _HASH_RANGE


def interval_after_s(offset_s: float, poll_interval_s: float | None) -> float:
    """Give the interval that follows a poll at `offset_s`, jitter aside.

    Parameters
    ----------
    offset_s : float
        Seconds from the start; below zero counts as zero.
    poll_interval_s : float or None
        None means the default schedule.

    Notes
    -----
    The default schedule's n-th interval is ``1.5**n`` and its polls are at ``2 * (1.5**n - 1)``: the interval
    after `t` is ``1 + t / 2``.
    """
    if poll_interval_s is not None:
        return poll_interval_s
    return min(FIRST_POLL_S + max(offset_s, 0.0) * (GROWTH - 1.0), LONGEST_INTERVAL_S)


def gap_limit_s(offset_s: float, poll_interval_s: float | None) -> float:
    """Give how long a hold is believed without a look after `offset_s`: two poll intervals."""
    first_s = interval_after_s(offset_s, poll_interval_s)
    second_s = interval_after_s(offset_s + first_s, poll_interval_s)
    return (first_s + second_s) * (1.0 + LATENESS_SHARE)


def absence_limit_s(offset_s: float, poll_interval_s: float | None) -> float:
    """Give how long before a deadline a last look still shows that somebody looked: one poll interval."""
    # Drawn forward by jitter, and the poll after it may have given way to the one on the deadline.
    return interval_after_s(offset_s, poll_interval_s) * (1.0 + JITTER_SHARE + LATENESS_SHARE)


def observation_due(*, settled_slot: int, settled_s: float, until_s: float, now_s: float) -> tuple[int, float]:
    """Give the newest poll due by `now_s` of the observation after a pass, and when the next one falls.

    Parameters
    ----------
    settled_slot, settled_s : int, float
        The look that passed, and when its read ended.
    until_s : float
        The deadline: the last poll falls on it.
    now_s : float

    Returns
    -------
    slot : int
        `settled_slot` when none is due yet. Numbers go on from the look that passed.
    next_s : float
        `until_s` for the last poll and after it.
    """
    in_all = math.ceil(round((until_s - settled_s) / OBSERVE_EVERY_S, 6))
    done = in_all if now_s >= until_s else math.floor(round((now_s - settled_s) / OBSERVE_EVERY_S, 6))
    done = min(max(done, 0), max(in_all, 0))
    return settled_slot + done, min(round(settled_s + (done + 1) * OBSERVE_EVERY_S, 6), until_s)


@dataclass(frozen=True, slots=True, kw_only=True)
class PollTimes:
    """The poll times of one condition of one run.

    Attributes
    ----------
    uid : str
        Of the run.
    condition : str
        Text form of the condition's identity. A candidate shares the times of the current policy: both are
        judged on the same snapshots.
    deadlines_s : tuple of float
        The timeout, and each moved deadline after it, ascending; a poll falls exactly on each.
    poll_interval_s : float or None
        None means the default schedule.
    """

    uid: str
    condition: str
    deadlines_s: tuple[float, ...]
    poll_interval_s: float | None = None
    _known_s: list[float] = field(default_factory=list, init=False, repr=False, compare=False)
    _more: list[Iterator[float]] = field(default_factory=list, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if self.poll_interval_s is not None and self.poll_interval_s <= 0.0:
            raise SettingsError(f"{self.condition}: pollInterval must be above 0s, not {self.poll_interval_s:g}s")

    def offset_s(self, slot: int) -> float:
        """Give when poll `slot` falls, in seconds from the start."""
        return self._known(slots=slot + 1)[slot]

    def slot_at(self, offset_s: float) -> int | None:
        """Give the newest poll that falls at or before `offset_s`; None before the first."""
        slot = bisect_right(self._known(beyond_s=offset_s), offset_s) - 1
        return None if slot < 0 else slot

    def next_slot_after(self, slot: int) -> tuple[int, float]:
        """Give the poll after `slot` (-1: the first) and when it falls, in seconds from the start."""
        return slot + 1, self.offset_s(slot + 1)

    def _known(self, *, slots: int = 1, beyond_s: float = -1.0) -> list[float]:
        known_s = self._known_s
        while len(known_s) < slots or known_s[-1] <= beyond_s:
            if not self._more:
                self._more.append(_merged(self))
            known_s.append(next(self._more[0]))
        return known_s


@lru_cache(maxsize=1024)
def poll_times(uid: str, condition: str, deadlines_s: tuple[float, ...], poll_interval_s: float | None) -> PollTimes:
    """Give poll times, those that were computed before with what is known of them; attributes of `PollTimes`."""
    return PollTimes(uid=uid, condition=condition, deadlines_s=deadlines_s, poll_interval_s=poll_interval_s)


def _merged(times: PollTimes) -> Iterator[float]:
    """Merge the regular polls with those on the deadlines.

    A regular poll just before a deadline gives way to the one on it: its read might still be under way when
    the one that counts most is due.
    """
    pending_s = list(times.deadlines_s)
    for at_s, interval_s in _regular(times):
        while pending_s and pending_s[0] < at_s:
            yield pending_s.pop(0)
        if not pending_s or pending_s[0] - at_s > interval_s * LATENESS_SHARE:
            yield at_s


def _regular(times: PollTimes) -> Iterator[tuple[float, float]]:
    """Give each regular poll and the interval before it."""
    nominal_s = 0.0
    for slot in count():
        interval_s = interval_after_s(nominal_s, times.poll_interval_s)
        nominal_s += interval_s
        early_s = interval_s * JITTER_SHARE * hashed_share(times.uid, times.condition, str(slot))
        yield round(nominal_s - early_s, 6), interval_s
