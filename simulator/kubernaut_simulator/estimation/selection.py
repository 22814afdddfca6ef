"""What can still be said when enforcement decides who gets a label.

In warn mode every run gets one. Once a condition blocks, its stops are never labelled except in the
holdout, so the holdout alone judges, unweighted. Weighting by the inverse probability of having run is
shown with its effective n, and bounds without any assumption say what the missing labels could hide.
Nothing here decides.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from kubernaut.verdicts import Verdict
from kubernaut_simulator.estimation.false_stops import MINIMUM_GOOD
from kubernaut_simulator.estimation.labels import Label
from kubernaut_simulator.estimation.rates import (
    FloatArray,
    Interval,
    Rate,
    clopper_pearson_lower,
    clopper_pearson_upper,
    rate,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class WeightedRate:
    """P(stop|G) weighted by the inverse probability of having run; display only.

    Attributes
    ----------
    estimate : float or None
        None without a good run.
    interval : Interval or None
        Two-sided, on the effective n; None without a good run.
    n : int
        Good runs.
    effective_n : float
        Independent runs that would say as much.
    largest_weight : float
    """

    estimate: float | None
    interval: Interval | None
    n: int
    effective_n: float
    largest_weight: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """Where P(stop|G) can lie whatever the missing outcomes were.

    Attributes
    ----------
    lower, upper : float
        0 and 1 when no run is known to be good.
    n, missing : int
        Votes, and those without outcome or without verdict.
    """

    lower: float
    upper: float
    n: int
    missing: int


def holdout_rate(votes: pd.DataFrame) -> Rate:
    """P(stop|G) among holdout incidents, unweighted and exact; "not enough data" below 20 good ones."""
    settled = votes["holdout"] & (votes["verdict"] != Verdict.CENSORED.value)
    good = votes[settled & (votes["label"] == Label.GOOD.value)]
    return rate(int(good["stop"].sum()), len(good), minimum=MINIMUM_GOOD)


def weighted_rate(votes: pd.DataFrame, *, confidence: float = 0.95) -> WeightedRate:
    """P(stop|G) over all labelled runs, each weighted by 1 / P(ran).

    Parameters
    ----------
    votes : DataFrame
        One condition's votes; a run that could never have run (P(ran) 0) stands for nobody and is left out.

    Notes
    -----
    Horvitz-Thompson in Hájek's form. A weight of 50 makes one run speak for fifty: read the effective n first.
    It is the smaller of Kish's and of what the linearised variance says, because the heavy weights sit on the
    stops; where that variance is zero it is the number of good holdout runs, the only ones whose stop could have
    been seen. Wrong if `p_ran` is not the probability that was in force.

    References
    ----------
    Horvitz & Thompson 1952, doi:10.1080/01621459.1952.10483446; Särndal, Swensson & Wretman 1992, section 5.6
    (linearisation); Kish 1965.
    """
    settled = (votes["verdict"] != Verdict.CENSORED.value) & (votes["p_ran"] > 0)
    good = votes[settled & (votes["label"] == Label.GOOD.value)]
    if good.empty:
        return WeightedRate(estimate=None, interval=None, n=0, effective_n=0.0, largest_weight=0.0)
    weight = 1.0 / good["p_ran"].to_numpy(float)
    share = float((weight * good["stop"].to_numpy(float)).sum() / weight.sum())
    effective = _effective_n(weight, good["stop"].to_numpy(float), share, int(good["holdout"].sum()))
    tail = (1 - confidence) / 2
    return WeightedRate(
        estimate=share,
        interval=Interval(
            lower=float(clopper_pearson_lower(share * effective, effective, confidence=1 - tail)),
            upper=float(clopper_pearson_upper(share * effective, effective, confidence=1 - tail)),
            confidence=confidence,
            method=f"inverse probability weighting, Clopper-Pearson on effective n {effective:.1f}",
        ),
        n=len(good),
        effective_n=effective,
        largest_weight=float(weight.max()),
    )


def _effective_n(weight: FloatArray, stop: FloatArray, share: float, holdout: int) -> float:
    kish = float(weight.sum() ** 2 / (weight**2).sum())
    variance = float((weight**2 * (stop - share) ** 2).sum() / weight.sum() ** 2)
    seen = share * (1 - share) / variance if variance > 0 else float(holdout)
    return min(kish, seen)


def no_assumption_bounds(votes: pd.DataFrame) -> Bounds:
    """Bounds of P(stop|G) over all votes, every missing outcome being free to be good or bad.

    Notes
    -----
    Lower: missing outcomes of stops are bad and those of passes good; upper: the other way round. A vote
    whose verdict was cut short may be either a stop or a pass.

    References
    ----------
    Manski 1990, American Economic Review 80(2):319-323.
    """
    good = (votes["label"] == Label.GOOD.value).to_numpy()
    unlabelled = votes["label"].isna().to_numpy()
    cut = (votes["verdict"] == Verdict.CENSORED.value).to_numpy()
    stop = votes["stop"].to_numpy(bool) & ~cut
    passed = ~stop & ~cut
    stopped_good, passed_good = int((stop & good).sum()), int((passed & good).sum())
    stopped_open, passed_open = int((stop & unlabelled).sum()), int((passed & unlabelled).sum())
    cut_good, cut_open = int((cut & good).sum()), int((cut & unlabelled).sum())
    least = stopped_good + passed_good + passed_open + cut_good + cut_open
    most = stopped_good + stopped_open + cut_good + cut_open
    return Bounds(
        lower=stopped_good / least if least else 0.0,
        upper=most / (most + passed_good) if most + passed_good else 1.0,
        n=len(votes),
        missing=int((unlabelled | cut).sum()),
    )


def outcome_coverage(votes: pd.DataFrame) -> pd.DataFrame:
    """How many votes of each verdict have an outcome.

    Returns
    -------
    DataFrame
        One row per verdict that occurs: `verdict`, `n`, `with_outcome`, `share`. A verdict without any
        outcome makes what it says about good runs unknowable: a looser candidate cannot be scored where
        nothing ran.
    """
    frame = pd.DataFrame(
        {"verdict": votes["verdict"].astype(str).to_numpy(), "known": votes["label"].notna().to_numpy()}
    )
    table = frame.groupby("verdict", sort=True)["known"].agg(n="size", with_outcome="sum").reset_index()
    table["share"] = np.divide(table["with_outcome"].to_numpy(float), table["n"].to_numpy(float))
    return table
