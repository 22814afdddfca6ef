"""The incidents that simulated rollouts are dealt from: one row per recorded incident, one column per condition.

Only incidents that no condition enrolled are taken, because enforcement hides the outcome of what it stops. Whole
target-days stay together: they are what is drawn, so that the bunches of the past are the bunches of the plan.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from kubernaut.errors import HistoryError
from kubernaut_simulator.estimation.labels import Label
from kubernaut_simulator.estimation.votes import NotInGate

Flags: TypeAlias = NDArray[np.bool_]
Codes: TypeAlias = NDArray[np.int64]

SECONDS_PER_DAY = 86_400.0


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Incidents:
    """Recorded incidents.

    Attributes
    ----------
    conditions : tuple of str
    good : array of bool, shape (n_incidents,)
        The outcome is known and good.
    known : array of bool, shape (n_incidents,)
        The outcome is known.
    seen, stop : array of bool, shape (n_incidents, n_conditions)
        The condition was judged; it Failed or ended in Error.
    judges : array of bool, shape (n_incidents, n_conditions)
        The incident would have moved the condition's gate: independent label in time, verdict not cut short.
    target_day : array of int, shape (n_incidents,)
        Incidents are sorted by it, in order of start within it.
    left_out : mapping of str to int
        Incidents not taken, by reason.
    days : float
        From the first start to the last, at least one day.
    total : int
        Incidents in the history, taken or not.
    """

    conditions: tuple[str, ...]
    good: Flags
    known: Flags
    seen: Flags
    stop: Flags
    judges: Flags
    target_day: Codes
    left_out: Mapping[str, int]
    days: float
    total: int

    def __len__(self) -> int:
        return len(self.good)

    @property
    def per_day(self) -> float:
        """Incidents a day in the history."""
        return self.total / self.days

    @property
    def block_starts(self) -> Codes:
        """Where each target-day begins."""
        return np.flatnonzero(np.diff(self.target_day, prepend=-1))

    def counts(self, condition: str) -> tuple[int, int]:
        """False stops and good incidents of a condition: k, n."""
        at = self.conditions.index(condition)
        counted = self.good & self.seen[:, at]
        return int((counted & self.stop[:, at]).sum()), int(counted.sum())

    def blocks(self, condition: str) -> tuple[int, int]:
        """Stops, right or wrong, and incidents judged: k, n."""
        at = self.conditions.index(condition)
        return int((self.stop[:, at] & self.seen[:, at]).sum()), int(self.seen[:, at].sum())

    def only(self, conditions: Sequence[str]) -> "Incidents":
        """Give the same incidents with some of the conditions."""
        at = [self.conditions.index(name) for name in conditions]
        return Incidents(
            conditions=tuple(conditions),
            good=self.good,
            known=self.known,
            seen=self.seen[:, at],
            stop=self.stop[:, at],
            judges=self.judges[:, at],
            target_day=self.target_day,
            left_out=self.left_out,
            days=self.days,
            total=self.total,
        )


def incidents_of(votes: pd.DataFrame) -> Incidents:
    """Take the incidents from votes.

    Parameters
    ----------
    votes : DataFrame
        As `estimation.votes.Votes.data`; candidates are ignored.

    Raises
    ------
    HistoryError
        None is left.
    """
    votes = votes[~votes["candidate"]]
    incident, names = pd.factorize(votes["incident_id"].astype(str))
    total = len(names)
    enrolled = _any(incident, ~votes["holdout"].to_numpy(bool), total)
    young = _any(incident, (votes["not_in_gate"] == NotInGate.NOT_MATURE.value).to_numpy(bool), total) & ~enrolled
    left_out = {"enrolled, so that some outcomes are hidden": int(enrolled.sum())}
    left_out["younger than the label age"] = int(young.sum())
    taken = ~(enrolled | young)
    if not taken.any():
        raise HistoryError(
            "no incident to plan from: all are enrolled in enforcement or younger than the label age; "
            "plan from a history in warn mode"
        )
    started = votes["run_started_at"]
    span = (started.max() - started.min()).total_seconds() / SECONDS_PER_DAY
    first = votes.assign(code=incident).sort_values(["run_started_at", "incident_id"], kind="stable")
    first = first.drop_duplicates("code").set_index("code")
    kept = first[taken[first.index.to_numpy()]]
    day = pd.factorize(kept["target_day"])[0].astype(np.int64)
    order = np.argsort(day, kind="stable")
    place = np.full(total, -1, dtype=np.int64)
    place[kept.index.to_numpy()[order]] = np.arange(len(kept))
    conditions = tuple(sorted(votes["condition"].astype(str).unique()))
    at = place[incident]
    inside = at >= 0
    column = votes["condition"].astype(str).map({name: i for i, name in enumerate(conditions)}).to_numpy(np.int64)
    shape = (len(kept), len(conditions))

    def laid_out(values: Flags) -> Flags:
        grid = np.zeros(shape, dtype=bool)
        grid[at[inside], column[inside]] = values[inside]
        return grid

    def of_incident(values: Flags) -> Flags:
        own: Flags = _any(incident, values, total)[kept.index.to_numpy()[order]]
        return own

    return Incidents(
        conditions=conditions,
        good=of_incident((votes["label"] == Label.GOOD.value).to_numpy(bool)),
        known=of_incident(votes["label"].notna().to_numpy(bool)),
        seen=laid_out(np.ones(len(votes), dtype=bool)),
        stop=laid_out(votes["stop"].to_numpy(bool)),
        judges=laid_out(votes["gate"].to_numpy(bool)),
        target_day=day[order],
        left_out={why: count for why, count in left_out.items() if count},
        days=max(1.0, span),
        total=total,
    )


def _any(code: Codes, values: Flags, size: int) -> Flags:
    """For each incident, whether any of its votes says so."""
    marked: Flags = np.bincount(code[values], minlength=size) > 0
    return marked
