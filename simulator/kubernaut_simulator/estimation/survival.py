"""Time to pass: Kaplan-Meier with an exact-style lower limit of the share that has passed by T.

A pass lies between two looks; its later end is taken, so that a timeout made of it is never too short for
the sake of poll times. A run that had not passed when observation ended is censored; one that the policy
called fatal never passes. Times are seconds from the action's end. What follows for a timeout is
`timeouts`.
"""

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy import special, stats

from kubernaut.verdicts import Verdict
from kubernaut_simulator.estimation.rates import CONFIDENCE

Floats: TypeAlias = NDArray[np.float64]

_ON_DEADLINE_S = 1e-3
"""A look this close to the deadline is the one on it: rows keep microseconds."""

_READING_S = 1.0
"""The answer of the look on a deadline comes at most this much after it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PassTimes:
    """When runs passed, one entry a run.

    Attributes
    ----------
    time_s : array of float, shape (n,), unit s
        Passed: the first look of the hold that passed. Censored: how long it was watched. Fatal: infinite.
    lower_s : array of float, shape (n,), unit s
        Passed: the last look that had not passed (0 for a pass at first look); otherwise equal to `time_s`.
    censored : array of bool, shape (n,)
        Not passed while it was watched; fatal runs are censored at infinity, so that they never leave the
        risk set.
    """

    time_s: Floats
    lower_s: Floats
    censored: NDArray[np.bool_]

    @classmethod
    def of(
        cls,
        time_s: ArrayLike,
        censored: ArrayLike,
        *,
        lower_s: ArrayLike | None = None,
        fatal: ArrayLike | None = None,
        timeout_s: ArrayLike | None = None,
    ) -> "PassTimes":
        """Pass times from plain arrays.

        Parameters
        ----------
        time_s, censored : array, shape (n,)
        lower_s : array of float, shape (n,), unit s, or None
            None when the times are exact.
        fatal : array of bool, shape (n,), or None
            Of the censored, those that can never pass.
        timeout_s : array of float, shape (n,), unit s, or None
            What each run was watched under; None or NaN where it does not matter.

        Notes
        -----
        A poll falls on every deadline, so a run under the shorter of several timeouts is seen to pass sooner than one
        that is watched on, and then leaves no trace at the next regular poll. Counted as they stand such passes come
        twice, once for each kind of run: the curve would climb too fast (a timeout for 90 % made of 30 s and 150 s
        histories missed its share in a quarter of the worlds of `kubernaut calibrate --only timeouts`). A pass on a
        deadline below the longest is therefore censored there: by then the regular polls had not seen it.

        The look on a deadline begins on it and answers a little later. Its pass counts on the deadline, where the runs
        that had not passed are censored: taken as later than those, one such pass would lift the curve to 1.
        """
        time, cut = np.array(time_s, float), np.array(censored, bool)
        if fatal is not None:
            time[cut & np.asarray(fatal, bool)] = np.inf
        if timeout_s is not None:
            limit = np.asarray(timeout_s, float)
            longest = np.fmax.reduce(limit, initial=0.0)
            answered = ~cut & (time > limit) & (time <= limit + _READING_S)
            time[answered] = limit[answered]
            early = ~cut & (time >= limit - _ON_DEADLINE_S) & (limit < longest)
            time[early] = limit[early]
            cut |= early
        lower = time if lower_s is None else np.where(cut, time, np.minimum(np.asarray(lower_s, float), time))
        return cls(time_s=time, lower_s=lower, censored=cut)

    def __len__(self) -> int:
        return len(self.time_s)


@dataclass(frozen=True, slots=True, kw_only=True)
class PassCurve:
    """Kaplan-Meier of the share passed, at each time of a pass.

    Attributes
    ----------
    time_s : array of float, shape (n_times,), unit s
    passed : array of float, shape (n_times,)
        Share passed by then.
    lower : array of float, shape (n_times,)
        One-sided lower limit at `confidence`, by the beta product.
    greenwood_lower : array of float, shape (n_times,)
        The same by Greenwood's variance on the log-log scale, for comparison; NaN where it is not defined.
    at_risk, events : array of int, shape (n_times,)
    n, censored : int
        Runs, and those that had not passed.
    confidence : float
    method : str
    """

    time_s: Floats
    passed: Floats
    lower: Floats
    greenwood_lower: Floats
    at_risk: NDArray[np.int64]
    events: NDArray[np.int64]
    n: int
    censored: int
    confidence: float
    method: str

    def quantile(self, share: float) -> float | None:
        """The smallest time by which the estimate reaches the share; None when it never does. Unit s."""
        reached = np.flatnonzero(self.passed >= share - 1e-12)
        return float(self.time_s[reached[0]]) if len(reached) else None


def pass_times(votes: pd.DataFrame) -> PassTimes:
    """Times to pass of one postcondition's votes; Errors and Skipped are left out, for they say nothing of time.

    Parameters
    ----------
    votes : DataFrame
        As `votes.Votes.data`, e.g. its good votes.

    Notes
    -----
    A run that did not pass is censored at its last look, a failed one at its timeout where no last look was kept; a
    fatal one never passes. A pass without a time is left out, and so is a censored run without a last look, such as one
    that cannot be replayed.
    """
    timed = votes[has_time(votes)]
    passed, time = _last_seen(timed)
    lower = np.nan_to_num(timed["time_to_pass_lower_s"].to_numpy(float), nan=0.0)
    return PassTimes.of(
        time,
        ~passed,
        lower_s=np.minimum(lower, time),
        fatal=timed["fatal"].to_numpy(bool),
        timeout_s=timed["timeout_s"].to_numpy(float),
    )


def has_time(votes: pd.DataFrame) -> NDArray[np.bool_]:
    """Mark the votes that `pass_times` takes, in their order."""
    settled = votes["verdict"].isin([Verdict.PASSED.value, Verdict.FAILED.value, Verdict.CENSORED.value]).to_numpy()
    return np.asarray(settled & ~np.isnan(_last_seen(votes)[1]), bool)


def _last_seen(votes: pd.DataFrame) -> tuple[NDArray[np.bool_], Floats]:
    """Give whether each vote passed, and its time to pass or the time up to which it was watched; NaN where unknown."""
    passed = (votes["verdict"] == Verdict.PASSED.value).to_numpy(bool)
    failed = (votes["verdict"] == Verdict.FAILED.value).to_numpy(bool)
    watched = votes["observed_s"].to_numpy(float)
    watched = np.where(np.isnan(watched) & failed, votes["timeout_s"].to_numpy(float), watched)
    return passed, np.asarray(np.where(passed, votes["time_to_pass_s"].to_numpy(float), watched), float)


def kaplan_meier(time_s: ArrayLike, censored: ArrayLike, *, confidence: float = CONFIDENCE) -> PassCurve:
    """Share passed over time from right-censored times.

    Parameters
    ----------
    time_s : array of float, shape (n,), unit s
        Infinite only where censored.
    censored : array of bool, shape (n,)
        At equal times a pass comes before a censoring.
    confidence : float
        One-sided.

    Notes
    -----
    The lower limit is the beta product confidence procedure: survival past the i-th pass time is bounded by
    the upper quantile of a product of independent Beta(at risk - events + 1, events), which two moments
    match by one Beta. Without censoring it is exactly Clopper-Pearson on the number passed. Censoring that
    depends on how close a run was to passing breaks it.

    References
    ----------
    Kaplan & Meier 1958, doi:10.1080/01621459.1958.10501452; Fay, Brittain & Proschan 2013,
    doi:10.1093/biostatistics/kxt016; Greenwood 1926.
    """
    time, cut = np.asarray(time_s, float), np.asarray(censored, bool)
    passes = time[~cut]
    times, events = np.unique(passes, return_counts=True)
    at_risk = len(time) - np.searchsorted(np.sort(time), times, side="left")
    survived = _survival(passes, time[cut], times)
    a, b = (at_risk - events + 1).astype(float), events.astype(float)
    mean = np.cumprod(a / (a + b))
    square = np.cumprod(a * (a + 1) / ((a + b) * (a + b + 1)))
    lower = 1.0 - _beta_quantile(mean, square, confidence)
    return PassCurve(
        time_s=times,
        passed=1.0 - survived,
        lower=np.clip(lower, 0.0, 1.0),
        greenwood_lower=_greenwood_lower(survived, at_risk, events, confidence),
        at_risk=at_risk.astype(np.int64),
        events=events.astype(np.int64),
        n=len(time),
        censored=int(cut.sum()),
        confidence=confidence,
        method="Kaplan-Meier, beta product lower limit, one-sided"
        + ("" if cut.any() else " (no censoring: exact, an order statistic)"),
    )


def _survival(passes: Floats, cut: Floats, at: Floats) -> Floats:
    if not len(at):
        return np.empty(0)
    # A run that never passes only has to stay at risk for ever; scipy wants a finite time for it.
    last = float(passes.max()) + 1.0
    found = stats.ecdf(stats.CensoredData(uncensored=passes, right=np.minimum(cut, last)))
    return np.asarray(found.sf.evaluate(at), dtype=float)


def _beta_quantile(mean: Floats, square: Floats, confidence: float) -> Floats:
    variance = np.maximum(square - mean**2, np.finfo(float).tiny)
    size = mean * (1 - mean) / variance - 1
    return np.asarray(special.betaincinv(mean * size, (1 - mean) * size, confidence), dtype=float)


def _greenwood_lower(
    survived: Floats, at_risk: NDArray[np.int64], events: NDArray[np.int64], confidence: float
) -> Floats:
    with np.errstate(divide="ignore", invalid="ignore"):
        spread = np.sqrt(np.cumsum(events / (at_risk * (at_risk - events)))) / np.abs(np.log(survived))
        high = survived ** np.exp(-stats.norm.ppf(confidence) * spread)
    return np.where((survived > 0) & (survived < 1), 1.0 - high, np.nan)
