"""When a blocked stage reads again: every 30 s, the last time on its deadline.

Unlike a postcondition's deadline it never moves: a remediation that was held back for an hour, or a week
because the operator was away, must not start on facts that nobody has asked about since.
"""

import math

REREAD_EVERY_S = 30.0
"""Facts that hold a run back (capacity, quota) change slowly."""


def slot_due(*, blocked_for_s: float, deadline_s: float) -> int:
    """Give the newest re-read due after `blocked_for_s` seconds; 0 is the look that blocked.

    Parameters
    ----------
    blocked_for_s : float
        Since the stage became blocked.
    deadline_s : float
        From then until it ends failed; the last re-read falls on it.
    """
    last = last_slot(deadline_s=deadline_s)
    if blocked_for_s >= deadline_s:
        return last
    return min(max(math.floor(round(blocked_for_s / REREAD_EVERY_S, 6)), 0), last - 1)


def offset_s(slot: int, *, deadline_s: float) -> float:
    """Give when re-read `slot` falls, in seconds since the stage became blocked."""
    return min(slot * REREAD_EVERY_S, deadline_s)


def last_slot(*, deadline_s: float) -> int:
    """Give the number of the re-read on the deadline."""
    return math.ceil(round(deadline_s / REREAD_EVERY_S, 6))
