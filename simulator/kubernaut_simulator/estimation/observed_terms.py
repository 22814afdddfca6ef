"""Runs that were watched on different terms: a timeout that was raised, a `holdFor` that came later.

One curve over all of them says when good runs pass, but who was watched for 30 s says nothing of what happens after
30 s. Each group stands by itself here, with its time and its own quantiles, and beyond the shorter deadlines only the
runs with a longer one are counted on.
"""

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from kubernaut.durations import format_duration
from kubernaut_simulator.estimation.change_points import MINIMUM_DAYS
from kubernaut_simulator.estimation.drift import Quantile, time_quantiles
from kubernaut_simulator.estimation.survival import PassCurve, kaplan_meier, pass_times

_DAY = pd.Timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class ObservedTerms:
    """Runs of one postcondition that were watched on the same terms.

    Attributes
    ----------
    timeout_s, hold_for_s : float, unit s
    poll_interval_s : float or None, unit s
        None means the default schedule.
    since, until : Timestamp
        First and last start of such a run.
    n, censored : int
        Timed runs, and those that had not passed while they were watched.
    days : int
        Days with such a run; below `change_points.MINIMUM_DAYS` quantiles have no limits.
    p50, p95 : Quantile
        Of time to pass, with two-sided limits over samples of whole days.
    curve : PassCurve
    """

    timeout_s: float
    hold_for_s: float
    poll_interval_s: float | None
    since: pd.Timestamp
    until: pd.Timestamp
    n: int
    censored: int
    days: int
    p50: Quantile
    p95: Quantile
    curve: PassCurve

    @property
    def terms(self) -> str:
        """The terms in words, e.g. ``timeout 30s, holdFor 20s, default polls``."""
        polls = (
            "default polls" if self.poll_interval_s is None else f"polls every {format_duration(self.poll_interval_s)}"
        )
        return f"timeout {format_duration(self.timeout_s)}, holdFor {format_duration(self.hold_for_s)}, {polls}"

    def text(self) -> str:
        """One line for people."""
        return (
            f"{self.terms}, {self.since:%Y-%m-%d} to {self.until:%Y-%m-%d}: "
            f"n {self.n:,}, {self.censored:,} not passed, "
            f"p50 {self._said(self.p50)}, p95 {self._said(self.p95)}"
        )

    def _said(self, found: Quantile) -> str:
        if found.value_s is None:
            return "not reached"
        value = f"{found.value_s:.3g} s"
        if self.days < MINIMUM_DAYS:
            return f"{value} ({self.days} days: too few for limits)"
        low = "-" if found.lower_s is None else f"{found.lower_s:.3g}"
        return f"{value} (95 % {low} to {'not reached' if found.upper_s is None else f'{found.upper_s:.3g} s'})"


def observed_terms(votes: pd.DataFrame) -> list[ObservedTerms]:
    """Part the votes of one postcondition by the terms on which they were watched, in order of first start.

    Parameters
    ----------
    votes : DataFrame
        As `votes.Votes.data`; those without a timeout are in no group.

    Notes
    -----
    Within a group everybody had the same deadline, so no pass on a deadline has to be censored. Terms that changed
    because runs had become slower, or that differ between environments, make groups of different runs: a difference
    between two of them is then no effect of the terms.
    """
    keys = ["timeout_s", "hold_for_s", "poll_interval_s"]
    known = votes[votes["timeout_s"].notna()]
    groups = [_group(part) for _, part in known.groupby(keys, dropna=False, sort=True)]
    return sorted(groups, key=lambda one: one.since)


def _group(votes: pd.DataFrame) -> ObservedTerms:
    poll_interval_s = float(votes["poll_interval_s"].iloc[0])
    times = pass_times(votes)
    day = ((votes["run_started_at"] - votes["run_started_at"].min()) // _DAY).to_numpy(np.int64)
    _, days = np.unique(day, return_inverse=True)
    number = int(days.max(initial=-1)) + 1
    p50, p95 = time_quantiles(votes, days, (0.5, 0.95))
    if number < MINIMUM_DAYS:
        p50, p95 = (replace(one, lower_s=None, upper_s=None) for one in (p50, p95))
    return ObservedTerms(
        timeout_s=float(votes["timeout_s"].iloc[0]),
        hold_for_s=float(votes["hold_for_s"].iloc[0]),
        poll_interval_s=None if np.isnan(poll_interval_s) else poll_interval_s,
        since=votes["run_started_at"].min(),
        until=votes["run_started_at"].max(),
        n=len(times),
        censored=int(times.censored.sum()),
        days=number,
        p50=p50,
        p95=p95,
        curve=kaplan_meier(times.time_s, times.censored),
    )
