"""How often a condition would stop a run that does good, in every reading of the question.

F = Failed, E = Error, a stop is either; G = the run did good. From votes: P(F|G), P(G|F), P(F and G),
P(E|G), and the quantity that the gate bounds, P(stop|G). Each is k of n; what has no outcome, or a verdict
cut short, is counted beside them with its reason. This is display: only `sequential` decides.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from kubernaut.verdicts import Verdict
from kubernaut_simulator.estimation.clustering import (
    Clustering,
    Unit,
    cluster_spread,
    one_vote_per_target_day,
)
from kubernaut_simulator.estimation.labels import INDEPENDENT_SOURCES, Label
from kubernaut_simulator.estimation.rates import Interval, Rate, korn_graubard, rate, wilson

MINIMUM_GOOD = 20
"""Good incidents below which a rate says "not enough data"."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StopRates:
    """The rates of one condition in one unit.

    Attributes
    ----------
    failed_given_good, error_given_good, stop_given_good : Rate
        Of the good: stopped wrongly. `stop_given_good` is what the gate bounds.
    good_given_failed : Rate
        Of the failed: how many would have done good.
    failed_and_good : Rate
        Of all votes with an outcome and a verdict.
    """

    failed_given_good: Rate
    error_given_good: Rate
    stop_given_good: Rate
    good_given_failed: Rate
    failed_and_good: Rate


@dataclass(frozen=True, slots=True, kw_only=True)
class FalseStops:
    """False stops of one condition.

    Attributes
    ----------
    condition : str
    candidate : bool
    votes : int
        Incidents that evaluated the condition.
    unit : Unit
        The unit that counts, from the design effect.
    rates, per_target_day : StopRates
        A vote per incident, and the first vote of each target-day.
    any_run : Rate
        Of the incidents with a good run: those with a good run that was stopped.
    independent : StopRates
        As `rates`, from labels that may gate only.
    overridden : Rate
        Stops among the overridden, a group of its own.
    without_outcome : mapping of str to int
        Votes without outcome, by reason.
    censored : int
        Votes with an outcome whose observation ended before the timeout; in no rate.
    not_in_gate : mapping of str to int
        Votes that may not move the gate, by reason.
    clustering : Clustering
        Of stops among the good, by target-day.
    wilson, korn_graubard : Interval or None
        Two-sided 95 % of `stop_given_good`, for charts; the latter from 60 incidents.
    """

    condition: str
    candidate: bool
    votes: int
    unit: Unit
    rates: StopRates
    per_target_day: StopRates
    any_run: Rate
    independent: StopRates
    overridden: Rate
    without_outcome: Mapping[str, int]
    censored: int
    not_in_gate: Mapping[str, int]
    clustering: Clustering
    wilson: Interval
    korn_graubard: Interval | None

    @property
    def shown(self) -> StopRates:
        """The rates in the unit that counts."""
        return self.per_target_day if self.unit is Unit.TARGET_DAY else self.rates


def false_stops(votes: pd.DataFrame) -> list[FalseStops]:
    """Estimate the false stops of each condition.

    Parameters
    ----------
    votes : DataFrame
        As `votes.Votes.data`, or a selection of its rows.

    Returns
    -------
    list of FalseStops
        In order of condition; candidates after the current policy.
    """
    groups = votes.groupby(["condition", "candidate"], observed=True, sort=True)
    return [_of_condition(str(name), candidate=bool(candidate), votes=part) for (name, candidate), part in groups]


def false_stops_table(results: list[FalseStops]) -> pd.DataFrame:
    """Lay the results out as one row per condition, unit and rate.

    Returns
    -------
    DataFrame
        Columns `condition`, `candidate`, `unit`, `rate`, `k`, `n`, `estimate` (NaN when n is 0), `lower`,
        `upper`, `confidence`, `method`, `enough`, `text`.
    """
    rows = []
    for result in results:
        units = {
            "incident": result.rates,
            "target-day": result.per_target_day,
            "incident, independent labels": result.independent,
        }
        named = [
            (unit, name, getattr(rates, field)) for unit, rates in units.items() for name, field in RATE_NAMES.items()
        ]
        named += [
            ("any run", "P(stop|G)", result.any_run),
            ("overridden incident", "P(stop)", result.overridden),
        ]
        rows += [
            {
                "condition": result.condition,
                "candidate": result.candidate,
                "unit": unit,
                "rate": name,
                "k": found.k,
                "n": found.n,
                "estimate": np.nan if found.estimate is None else found.estimate,
                "lower": found.lower,
                "upper": found.upper,
                "confidence": found.confidence,
                "method": found.method,
                "enough": found.enough,
                "text": found.text(),
            }
            for unit, name, found in named
        ]
    return pd.DataFrame(rows)


RATE_NAMES: Mapping[str, str] = {
    "P(F|G)": "failed_given_good",
    "P(G|F)": "good_given_failed",
    "P(F and G)": "failed_and_good",
    "P(E|G)": "error_given_good",
    "P(stop|G)": "stop_given_good",
}


def stop_rates(votes: pd.DataFrame) -> StopRates:
    """Count the five rates; votes without outcome or with a censored verdict are in none of them."""
    settled = (votes["label"].notna() & (votes["verdict"] != Verdict.CENSORED.value)).to_numpy()
    good = settled & (votes["label"] == Label.GOOD.value).to_numpy()
    failed = settled & (votes["verdict"] == Verdict.FAILED.value).to_numpy()
    error = settled & (votes["verdict"] == Verdict.ERROR.value).to_numpy()
    n_good = int(good.sum())
    return StopRates(
        failed_given_good=rate(int((failed & good).sum()), n_good, minimum=MINIMUM_GOOD),
        error_given_good=rate(int((error & good).sum()), n_good, minimum=MINIMUM_GOOD),
        stop_given_good=rate(int(((failed | error) & good).sum()), n_good, minimum=MINIMUM_GOOD),
        good_given_failed=rate(int((failed & good).sum()), int(failed.sum())),
        failed_and_good=rate(int((failed & good).sum()), int(settled.sum()), minimum=MINIMUM_GOOD),
    )


def _of_condition(condition: str, *, candidate: bool, votes: pd.DataFrame) -> FalseStops:
    settled = votes["label"].notna() & (votes["verdict"] != Verdict.CENSORED.value)
    good = votes[settled & (votes["label"] == Label.GOOD.value)]
    spread = cluster_spread(good["stop"].to_numpy(), good["target_day"].to_numpy())
    overridden = votes[votes["group"] == "overridden"]
    rates = stop_rates(votes)
    stops = rates.stop_given_good
    any_good = votes["any_run_good"]
    return FalseStops(
        condition=condition,
        candidate=candidate,
        votes=len(votes),
        unit=spread.unit,
        rates=rates,
        per_target_day=stop_rates(one_vote_per_target_day(votes)),
        any_run=rate(int((votes["any_run_stop"] & any_good).sum()), int(any_good.sum()), minimum=MINIMUM_GOOD),
        independent=stop_rates(votes[votes["label_source"].isin(INDEPENDENT_SOURCES)]),
        overridden=rate(int(overridden["stop"].sum()), len(overridden)),
        without_outcome=_tally(votes["no_outcome"]),
        censored=int((votes["label"].notna() & ~settled).sum()),
        not_in_gate=_tally(votes["not_in_gate"]),
        clustering=spread,
        wilson=wilson(stops.k, stops.n),
        korn_graubard=None
        if spread.design_effect is None
        else korn_graubard(stops.k, stops.n, design_effect=spread.design_effect, clusters=spread.clusters),
    )


def _tally(reasons: pd.Series) -> dict[str, int]:
    counted = reasons.value_counts()
    return {str(reason): int(n) for reason, n in counted.items() if n}
