"""What stops come to: who is stopped first by what, and how long is waited; arrays in, arrays out.

Enrolment is the engine's own hash and rule. Waiting follows DESIGN: a step waits for its enforced postconditions only,
each from the action's end to its verdict; what comes after a stop never happens.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from kubernaut.enforcement.rollout import BUCKETS, bucket_of, is_enrolled
from kubernaut.identity import Phase
from kubernaut_simulator.estimation.columns import Codes, Flags, Floats
from kubernaut_simulator.whatif.runs import Runs


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Accounts:
    """Per workflow, what enforcement does.

    Attributes
    ----------
    stopped_by : array of int64, shape (workflows,)
        Place of the evaluation that stops it first; -1 when nothing does.
    blocked : array of bool
        That evaluation is of a precondition: the run is blocked before it changes anything.
    waiting_s : array of float64
        Seconds that its steps wait for enforced postconditions.
    """

    stopped_by: Codes
    blocked: Flags
    waiting_s: Floats

    @property
    def stopped(self) -> Flags:
        """Blocked, or failed by a postcondition."""
        found: Flags = self.stopped_by >= 0
        return found


def enrolled(bucket: Codes, percent: Floats) -> Flags:
    """Say of each row whether its incident's bucket lies inside its percentage."""
    found = np.zeros(len(bucket), bool)
    for value in np.unique(percent):
        inside = np.array([is_enrolled(one, float(value)) for one in range(BUCKETS)], bool)
        own = percent == value
        found[own] = inside[bucket[own]]
    return found


def dealt_anew(rollout: str, incident: Codes, incidents: list[str]) -> Codes:
    """Give each row's bucket under another rollout word."""
    buckets = np.array([bucket_of(rollout, name) for name in incidents], np.int64)
    return buckets[incident] if len(buckets) else incident


def accounts(runs: Runs, *, stop: Flags, enforced: Flags, settled_s: Floats, judged: Flags) -> Accounts:
    """Walk the runs in order.

    Parameters
    ----------
    stop, enforced, judged : array of bool, shape (rows of evaluations,)
        Failed or Error; may stop; was looked at.
    settled_s : array of float64
        When the verdict was there, in seconds from the stage's start.
    """
    rows = len(runs.order)
    pre = np.array([one.phase is Phase.PRE for one in runs.conditions], bool)
    is_pre = pre[runs.condition[runs.order]] if rows else np.zeros(0, bool)
    stopping = np.flatnonzero((stop & enforced)[runs.order])
    flows, at = np.unique(runs.workflow[stopping], return_index=True)
    first = stopping[at]
    stopped_by = np.full(runs.workflows, -1, np.int64)
    stopped_by[flows] = runs.order[first]
    blocked = np.zeros(runs.workflows, bool)
    blocked[flows] = is_pre[first]

    run_past = np.append(runs.run_first[1:], rows)
    until = np.full(runs.workflows, rows, np.int64)
    run = runs.run[first]
    until[flows] = np.where(is_pre[first], runs.run_first[run], run_past[run])
    waits = (enforced & judged)[runs.order] & ~is_pre & (np.arange(rows) < until[runs.workflow])
    wait_s = np.where(waits, settled_s[runs.order], 0.0)
    of_run = np.maximum.reduceat(wait_s, runs.run_first) if rows else np.zeros(0)
    return Accounts(
        stopped_by=stopped_by,
        blocked=blocked,
        waiting_s=np.bincount(runs.flow_of_run, of_run, minlength=runs.workflows).astype(np.float64),
    )
