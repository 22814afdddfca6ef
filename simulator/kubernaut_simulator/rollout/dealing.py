"""Buckets for incidents that have not happened yet, dealt by the engine's own hash.

Hashing millions of made-up incidents would take most of a plan's time, so a fixed number of names is hashed once and
simulated incidents draw from their buckets.
"""

from functools import lru_cache

import numpy as np

from kubernaut.enforcement.rollout import bucket_of, is_enrolled
from kubernaut_simulator.rollout.incidents import Flags

NAMES = 1 << 16
"""Enough that the share enrolled among the names differs from the percentage by 0.2 points at most (two standard
errors), which is less than any history can tell."""


@lru_cache(maxsize=8)
def buckets(rollout: str) -> tuple[int, ...]:
    """Give the buckets of made-up incidents under one `rollout` key."""
    return tuple(bucket_of(rollout, f"planned-incident-{number}") for number in range(NAMES))


@lru_cache(maxsize=32)
def enrolled_names(rollout: str, percent: float) -> Flags:
    """Say which of the made-up incidents are enrolled at a percentage."""
    flags = np.fromiter((is_enrolled(bucket, percent) for bucket in buckets(rollout)), dtype=bool, count=NAMES)
    flags.flags.writeable = False
    return flags
