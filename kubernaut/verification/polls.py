"""When a postcondition is looked at: a pure function of (start, UID, condition).

The first look is 1 s after the start, then the interval grows by half up to 10 s; `pollInterval` makes it even. Each
poll is drawn forward by a hashed share of its interval, so that a thousand runs that start together do not read
together; nothing random, so a restarted operator finds the same times again and the poll's number needs no storage.
One poll falls exactly on the deadline. Everything here is in seconds from the start; only `slot_at` and
`next_slot_after` meet a wall clock, as offsets that the caller computed.
"""

import hashlib
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field

FIRST_POLL_S = 1.0
"""A change is rarely visible sooner."""

GROWTH = 1.5
"""Dense while most conditions pass, sparse for the stragglers."""

LONGEST_INTERVAL_S = 10.0
"""The default schedule's steady interval."""

OBSERVE_EVERY_S = 10.0
"""How often a run goes on being looked at after a pass."""

JITTER_SHARE = 0.1
"""A poll comes at most this share of its interval early, never late: no interval is longer than its name says."""

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
    The default schedule's n-th interval is ``1.5**n`` and its polls are at ``2 * (1.5**n - 1)``: the interval after
    `t` is ``1 + t / 2``.
    """
    if poll_interval_s is not None:
        return poll_interval_s
    return min(FIRST_POLL_S + max(offset_s, 0.0) * (GROWTH - 1.0), LONGEST_INTERVAL_S)


def gap_limit_s(offset_s: float, poll_interval_s: float | None) -> float:
    """Give how long nobody may look after `offset_s` before a hold is no longer believed: two poll intervals."""
    first_s = interval_after_s(offset_s, poll_interval_s)
    second_s = interval_after_s(offset_s + first_s, poll_interval_s)
    return (first_s + second_s) * (1.0 + LATENESS_SHARE)


def absence_limit_s(offset_s: float, poll_interval_s: float | None) -> float:
    """Give how long before a deadline the last look may be for somebody to have been looking: one poll interval."""
    return interval_after_s(offset_s, poll_interval_s) * (1.0 + LATENESS_SHARE)


@dataclass(frozen=True, slots=True, kw_only=True)
class PollTimes:
    """The poll times of one condition of one run.

    Attributes
    ----------
    uid : str
        Of the run.
    condition : str
        Text form of the condition's identity, candidates marked.
    deadlines_s : tuple of float
        The timeout, and each moved deadline after it, ascending; a poll falls exactly on each.
    poll_interval_s : float or None
        None means the default schedule.
    """

    uid: str
    condition: str
    deadlines_s: tuple[float, ...]
    poll_interval_s: float | None = None
    _known_s: list[float] = field(default_factory=list, repr=False, compare=False)

    def offset_s(self, slot: int) -> float:
        """Give when poll `slot` falls, in seconds from the start."""
        self._reach(slots=slot + 1, beyond_s=0.0)
        return self._known_s[slot]

    def slot_at(self, offset_s: float) -> int | None:
        """Give the newest poll that falls at or before `offset_s`; None before the first."""
        self._reach(slots=1, beyond_s=offset_s)
        slot = bisect_right(self._known_s, offset_s) - 1
        return None if slot < 0 else slot

    def next_slot_after(self, slot: int) -> tuple[int, float]:
        """Give the poll after `slot` (-1: the first) and when it falls, in seconds from the start."""
        return slot + 1, self.offset_s(slot + 1)

    def _reach(self, *, slots: int, beyond_s: float) -> None:
        known_s = self._known_s
        if len(known_s) >= slots and known_s and known_s[-1] > beyond_s:
            return
        known_s.clear()
        for at_s in self._merged():
            known_s.append(at_s)
            if len(known_s) >= slots and at_s > beyond_s:
                return

    def _merged(self) -> Iterator[float]:
        """Merge the regular polls with those on the deadlines; a regular poll on a deadline is that poll."""
        pending_s = list(self.deadlines_s)
        for at_s in self._regular():
            while pending_s and pending_s[0] < at_s:
                yield pending_s.pop(0)
            if pending_s and pending_s[0] == at_s:
                pending_s.pop(0)
            yield at_s

    def _regular(self) -> Iterator[float]:
        nominal_s, slot = 0.0, 0
        while True:
            interval_s = interval_after_s(nominal_s, self.poll_interval_s)
            nominal_s += interval_s
            early_s = interval_s * JITTER_SHARE * hashed_share(self.uid, self.condition, str(slot))
            yield round(nominal_s - early_s, 6)
            slot += 1
