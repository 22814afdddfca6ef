"""What a timeout should be, and what it costs: from times to pass of good runs, and of the others.

The smallest T + holdFor at which the one-sided lower limit of the share of *good* runs that have passed
reaches the wanted share. Nothing is said beyond the last observed pass: "not reached: raise the timeout to
learn" is an answer. The other runs never choose a timeout; they only say how long it makes people wait.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from kubernaut_simulator.estimation.labels import Label
from kubernaut_simulator.estimation.rates import CONFIDENCE
from kubernaut_simulator.estimation.survival import PassCurve, PassTimes, kaplan_meier


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeoutRecommendation:
    """What the good runs say about a timeout.

    Attributes
    ----------
    timeout_s : float or None
        Smallest T + holdFor, rounded up to a whole second; None when not reached.
    pass_by_s : float or None
        The T in it, unrounded.
    earliest_pass_by_s : float or None
        T were every pass at the earlier end of its interval: what finer polling could gain at most.
    share, confidence : float
    reached : float
        The highest lower limit that the data give, at any T.
    p50_s, p95_s : float or None
        Median and 95th percentile of time to pass; None where the curve does not get there.
    n, censored : int
        Runs, and those that had not passed.
    never : int
        Of the censored, those that can never pass.
    hold_for_s : float
    method : str
    """

    timeout_s: float | None
    pass_by_s: float | None
    earliest_pass_by_s: float | None
    share: float
    confidence: float
    reached: float
    p50_s: float | None
    p95_s: float | None
    n: int
    censored: int
    never: int
    hold_for_s: float
    method: str

    @property
    def too_few(self) -> bool:
        """Whether every run passed, and yet there are too few to show the share."""
        return self.timeout_s is None and self.n > 0 and self.censored == 0

    @property
    def cut_short(self) -> bool:
        """Whether no timeout was reached because runs were watched too briefly: a longer timeout would tell."""
        if self.timeout_s is not None or self.censored == 0:
            return False
        return self.n - self.never >= self.share * self.n

    def text(self, *, good: bool = True) -> str:
        """One line that says the timeout, or why there is none and what would help.

        Parameters
        ----------
        good : bool
            Whether the runs are those of good outcome, as they are wherever a timeout is chosen.
        """
        level = f"{self.confidence * 100:g} %"
        runs = "good runs" if good else "runs"
        if self.n == 0:
            return f"not enough data (no {runs.removesuffix('s')} was timed)"
        if self.too_few:
            return (
                f"not reached: all {self.n} {runs} passed, which shows {self.reached * 100:.1f} % "
                f"at {level} confidence, {self.share * 100:g} % wanted: more incidents are needed"
            )
        if self.cut_short:
            return (
                "not reached: raise the timeout to learn "
                f"({self.n - self.censored} of {self.n} {runs} passed; "
                f"shown {self.reached * 100:.1f} % at {level} confidence, {self.share * 100:g} % wanted)"
            )
        if self.timeout_s is None:
            return (
                f"not reached: {self.never} of {self.n} {runs} could never pass, "
                f"so no timeout has {self.share * 100:g} % of them pass"
            )
        return (
            f"{self.timeout_s:g}s: at least {self.share * 100:g} % of {runs} pass by then "
            f"({level} confidence, n {self.n}, {self.censored} not passed)"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitingCost:
    """What a timeout costs on the runs that did not do good.

    Attributes
    ----------
    n : int
        Runs.
    mean_s, total_s : float, unit s
        Seconds waited until pass, fatal or timeout.
    to_the_end : int
        Runs that wait for the whole timeout.
    beyond_observation : int
        Of those, the ones that were watched for less than it; they are assumed never to pass.
    """

    n: int
    mean_s: float
    total_s: float
    to_the_end: int
    beyond_observation: int


def good_and_other(votes: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Votes of runs with a good outcome, and of those with a bad one; without outcome is neither."""
    return votes[votes["label"] == Label.GOOD.value], votes[votes["label"] == Label.BAD.value]


def recommend_timeout(
    times: PassTimes, *, hold_for_s: float = 0.0, share: float = 0.95, confidence: float = CONFIDENCE
) -> TimeoutRecommendation:
    """Find the smallest timeout within which at least `share` of the good runs pass.

    Parameters
    ----------
    times : PassTimes
        Of runs with a good outcome only.
    hold_for_s : float, unit s
        Added to T: a pass is complete only when it has held.
    share, confidence : float

    Returns
    -------
    TimeoutRecommendation
        `timeout_s` is None when no observed time reaches the share; nothing is extrapolated.

    Notes
    -----
    T is an observed time at which the lower limit first reaches the share; without censoring it is the
    order statistic whose coverage of the share is exact, so choosing T from the data costs nothing. Runs of
    one outage that are slow together break it: pass one run per target-day then. A `hold_for_s` longer than
    the recorded one can be judged only on runs that were watched after their pass.
    """
    curve = kaplan_meier(times.time_s, times.censored, confidence=confidence)
    pass_by = _first_reaching(curve, share)
    earliest = _first_reaching(kaplan_meier(times.lower_s, times.censored, confidence=confidence), share)
    return TimeoutRecommendation(
        timeout_s=None if pass_by is None else float(np.ceil(round(pass_by + hold_for_s, 6))),
        pass_by_s=pass_by,
        earliest_pass_by_s=earliest,
        share=share,
        confidence=confidence,
        reached=float(curve.lower.max(initial=0.0)),
        p50_s=curve.quantile(0.5),
        p95_s=curve.quantile(0.95),
        n=curve.n,
        censored=curve.censored,
        never=int(np.isinf(times.time_s[times.censored]).sum()),
        hold_for_s=hold_for_s,
        method=curve.method,
    )


def cost_of_waiting(times: PassTimes, *, timeout_s: float, fatal_at_s: ArrayLike | None = None) -> WaitingCost:
    """Add up how long the runs that did no good wait under a timeout.

    Parameters
    ----------
    times : PassTimes
        Of runs without a good outcome.
    timeout_s : float, unit s
    fatal_at_s : array of float, shape (n,), unit s, or None
        When the policy called a run fatal; NaN for the others. Such a run waits no longer.
    """
    n = len(times)
    if n == 0:
        return WaitingCost(n=0, mean_s=0.0, total_s=0.0, to_the_end=0, beyond_observation=0)
    ends = np.where(times.censored, np.inf, times.time_s)
    if fatal_at_s is not None:
        ends = np.fmin(ends, np.asarray(fatal_at_s, float))
    waited = np.minimum(ends, timeout_s)
    whole = ends > timeout_s
    return WaitingCost(
        n=n,
        mean_s=float(waited.mean()),
        total_s=float(waited.sum()),
        to_the_end=int(whole.sum()),
        beyond_observation=int((whole & times.censored & (times.time_s < timeout_s)).sum()),
    )


def _first_reaching(curve: PassCurve, share: float) -> float | None:
    reached = np.flatnonzero(curve.lower >= share)
    return float(curve.time_s[reached[0]]) if len(reached) else None
