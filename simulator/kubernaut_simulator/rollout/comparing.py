"""Prediction and fact, condition by condition: what was exported against what has been recorded since.

Only the holdout is compared. Where a condition may stop a run, the ones after it are not asked any more, so what
enforced incidents say of them is a chosen part; the holdout says the same as the history that predicted. The test
may be read every day and takes the noise of the prediction into account (`estimation.two_samples`).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import pandas as pd

from kubernaut.verdicts import Verdict
from kubernaut_simulator.estimation.columns import Flags
from kubernaut_simulator.estimation.false_stops import MINIMUM_GOOD
from kubernaut_simulator.estimation.labels import Label
from kubernaut_simulator.estimation.rates import Interval, Rate, rate
from kubernaut_simulator.estimation.two_samples import difference_of_shares, evidence_of_two_rates
from kubernaut_simulator.rollout.predictions import P95, Count, Prediction

_SETTLED = [Verdict.PASSED.value, Verdict.FAILED.value, Verdict.ERROR.value]
_ROUNDED_S = 1e-3
"""Predicted times are written in whole milliseconds."""


class Measure(StrEnum):
    """What is compared."""

    STOPPED = "incidents stopped"
    FALSE_STOPS = "good incidents stopped"
    LATE = "good ones later than the predicted p95"


class Agreement(StrEnum):
    """What the comparison says."""

    NO_DIFFERENCE = "no difference shown"
    MORE = "more than predicted"
    LESS = "less than predicted"
    NOT_ENOUGH = "not enough data"


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """One measure of one condition.

    Attributes
    ----------
    predicted, since : Rate
        What was exported, and the holdout of what has been recorded since.
    difference : Interval or None
        Of the share since, less the predicted one; two-sided 95 %, for one look. None without a trial since.
    says : Agreement
        By the sequential test, which may be read every day.
    """

    measure: Measure
    predicted: Rate
    since: Rate
    difference: Interval | None
    says: Agreement

    def text(self) -> str:
        """One line: both shares and what is said of them."""
        return f"{self.says.value} {self.measure.value}: {self.since.text()} since, {self.predicted.text()} predicted"


def compare(votes: pd.DataFrame, prediction: Prediction, *, alpha: float) -> tuple[Comparison, ...]:
    """Hold a prediction against the votes since.

    Parameters
    ----------
    votes : DataFrame
        Of one condition, on the terms that were exported, of runs that started after the prediction's history; any
        order.
    prediction : Prediction
    alpha : float
        Chance, for each measure, that a right prediction is ever called wrong.
    """
    votes = votes[votes["holdout"].to_numpy(bool)].sort_values(["run_started_at", "incident_id"], kind="stable")
    good = votes[votes["gate"].to_numpy(bool) & (votes["label"] == Label.GOOD.value).to_numpy(bool)]
    compared: list[tuple[Measure, Count | None, Flags]] = []
    settled = votes[votes["verdict"].isin(_SETTLED).to_numpy(bool)]
    compared.append((Measure.STOPPED, prediction.stopped, settled["stop"].to_numpy(bool)))
    compared.append((Measure.FALSE_STOPS, prediction.false_stops, good["stop"].to_numpy(bool)))
    p95_s = prediction.p95_s
    if p95_s is not None and prediction.timed and prediction.timeout_s >= p95_s:
        timed = good[(good["verdict"] != Verdict.ERROR.value).to_numpy(bool)]
        in_time = timed["time_to_pass_s"].to_numpy(float) <= p95_s + _ROUNDED_S
        late = Count(k=round((1 - P95) * prediction.timed), n=prediction.timed)
        compared.append((Measure.LATE, late, ~in_time))
    return tuple(
        _comparison(measure, count, events, alpha=alpha) for measure, count, events in compared if count is not None
    )


def _comparison(measure: Measure, predicted: Count, events: Flags, *, alpha: float) -> Comparison:
    k, n = int(events.sum()), len(events)
    difference = difference_of_shares(predicted.k, predicted.n, k, n) if n else None
    says = Agreement.NOT_ENOUGH
    if n >= MINIMUM_GOOD:
        evidence = evidence_of_two_rates(predicted.k, predicted.n, events)[MINIMUM_GOOD - 1 :]
        crossed = np.flatnonzero(evidence >= math.log(1 / alpha))
        says = Agreement.NO_DIFFERENCE
        if len(crossed):
            at = int(crossed[0]) + MINIMUM_GOOD
            more = events[:at].sum() / at > predicted.k / predicted.n
            says = Agreement.MORE if more else Agreement.LESS
    return Comparison(
        measure=measure,
        predicted=rate(predicted.k, predicted.n),
        since=rate(k, n, minimum=MINIMUM_GOOD),
        difference=difference,
        says=says,
    )
