"""The only way for a condition to become required: a sequential test that allows any number of looks.

H0: a run that does good is stopped at a rate of `target` or more. Each incident after the cut that may
judge enters once, in order of start, when its label has reached the fixed age; it is never revised. A stop
without a label at that age counts as a false stop, so that labels which come later for stops than for passes
make nothing required. The evidence is the engine's test martingale, the one that the operator's block budget
uses; the conditions of one tuning share one error by Holm's rule, and the k-th version of a condition is
tested at alpha * 6 / (pi^2 k^2), so that trying again is paid for.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from kubernaut.enforcement.martingale import log_evidence_below
from kubernaut_simulator.estimation.clustering import Unit, one_vote_per_target_day
from kubernaut_simulator.estimation.deciding import Course, decide_in_time
from kubernaut_simulator.estimation.labels import Label
from kubernaut_simulator.estimation.multiplicity import holm, version_price
from kubernaut_simulator.estimation.rates import Rate, percent, rate

Floats: TypeAlias = NDArray[np.float64]

ALPHA = 0.05
"""Chance that any condition of a tuning is made required although it stops too many good runs."""

MINIMUM_ENTRIES = 20
"""Good holdout incidents before the first look: fewer are "not enough data"."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hypothesis:
    """What is tested for one condition.

    Attributes
    ----------
    condition : str
    candidate : bool
    target : float
        Share of good runs stopped, 0..1, that must be shown to be undercut: 0.15, canary 0.20.
    version : int
        From 1: the how-manieth combination of policy, timeout and holdFor this is
        (`multiplicity.version_of`).
    unit : Unit
        From the search incidents' design effect.
    """

    condition: str
    candidate: bool = False
    target: float
    version: int = 1
    unit: Unit = Unit.INCIDENT


@dataclass(frozen=True, slots=True, kw_only=True)
class GateDecision:
    """What the gate says of one condition.

    Attributes
    ----------
    hypothesis : Hypothesis
    passed : bool
        H0 is rejected: the condition may be made required.
    stops : Rate
        P(stop|G) over the incidents that entered with a label: what is shown.
    judged : Rate
        Over every incident that entered, a stop without a label at its age being counted as a false stop: what decides.
    log_evidence : float
        The highest reached at a look, natural logarithm; 0 before the first.
    p_value : float
        exp(-log_evidence), valid whenever one looks.
    p_adjusted : float
        After the version's price and Holm; at most alpha exactly when passed.
    alpha : float
    line : float
        Log-evidence to cross now, or that was crossed.
    decided_at : Timestamp or None
        When the evidence had crossed the line, or the line had fallen to it; None unless passed.
    decided_after : int or None
        Incidents that had entered by then.
    why : str
    """

    hypothesis: Hypothesis
    passed: bool
    stops: Rate
    judged: Rate
    log_evidence: float
    p_value: float
    p_adjusted: float
    alpha: float
    line: float
    decided_at: pd.Timestamp | None
    decided_after: int | None
    why: str

    @property
    def unlabelled(self) -> int:
        """Stops without a label at their age, which counted as false stops."""
        return self.judged.n - self.stops.n


@dataclass(frozen=True, slots=True, kw_only=True)
class GateResult:
    """Decisions of one tuning.

    Attributes
    ----------
    decisions : tuple of GateDecision
        In the order of the hypotheses.
    log : DataFrame
        One row per incident that entered: `condition`, `candidate`, `version`, `order` (from 1),
        `incident_id`, `execution_uid`, `run_started_at`, `gate_at`, `stop`, `unlabelled`, `k`, `n`, `log_evidence` (NaN
        where nobody looked, and after the test had ended), `looked`, `line` (log-evidence to cross just then),
        `decides` (the last that had entered when it was decided).
    """

    decisions: tuple[GateDecision, ...]
    log: pd.DataFrame


def speaks_for_going(votes: pd.DataFrame) -> pd.Series:
    """Which votes a test counts that may let a condition stop runs: good ones, and stops without a label at their age.

    The latter count as false stops, so that labels which come later for stops than for passes make nothing required.
    """
    found: pd.Series = (votes["gate"] & (votes["label"] == Label.GOOD.value)) | (votes["unlabelled"] & votes["stop"])
    return found


def gate_entries(votes: pd.DataFrame, hypothesis: Hypothesis) -> pd.DataFrame:
    """Votes that enter one condition's test, in order of start.

    Parameters
    ----------
    votes : DataFrame
        The gate's side of the split, of any conditions.

    Notes
    -----
    Good incidents enter, and stops without a label at their age, each as a false stop; a pass without one is left
    out. Whatever the missing labels would have said, the share of stops among what enters is then not below
    P(stop|G), and no label that comes later changes it. The price is power where runs that did no good are labelled
    late.

    The label age is one number for all, so the order of start is the order in which labels come of age: no
    incident overtakes an earlier one. With target-days as the unit the first that enters speaks for its
    day.
    """
    wanted = (
        (votes["condition"] == hypothesis.condition)
        & (votes["candidate"] == hypothesis.candidate)
        & speaks_for_going(votes)
    )
    entering = votes[wanted].sort_values(["run_started_at", "incident_id"], kind="stable")
    return one_vote_per_target_day(entering) if hypothesis.unit is Unit.TARGET_DAY else entering


def evidence_path(
    stops: ArrayLike,
    *,
    target: float,
    look_every: int = 1,
    minimum: int = MINIMUM_ENTRIES,
    enough: float = math.inf,
) -> Floats:
    """Log-evidence that good runs are stopped less often than `target`, after each incident.

    Parameters
    ----------
    stops : array of bool, shape (n,)
        In order of entry.
    look_every : int
        Look only after every so many incidents.
    minimum : int
        No look before so many.
    enough : float
        Log-evidence at which the test ends.

    Returns
    -------
    array of float, shape (n,)
        NaN where nobody looked.
    """
    seen = np.cumsum(np.asarray(stops, dtype=np.int64))
    path = np.full(len(seen), np.nan)
    for at in range(len(seen)):
        n = at + 1
        if n < minimum or n % look_every:
            continue
        path[at] = log_evidence_below(int(seen[at]), n, target)
        if path[at] >= enough:
            break
    return path


def run_gate(
    votes: pd.DataFrame,
    hypotheses: Sequence[Hypothesis],
    *,
    alpha: float = ALPHA,
    look_every: int = 1,
    minimum: int = MINIMUM_ENTRIES,
) -> GateResult:
    """Test the conditions of one tuning.

    Parameters
    ----------
    votes : DataFrame
        The gate's side of the split: incidents that no search has seen.
    hypotheses : sequence of Hypothesis
    alpha : float
        For all of them together.
    look_every, minimum : int
        See `evidence_path`.

    Notes
    -----
    The chance that any true H0 of this tuning is ever rejected is at most alpha, however often it is looked
    at. It rests on: every incident judged by the rate in force when it started, given the past, not below
    the target; labels that are not written anew after their age; a design effect that the unit has taken
    care of; hypotheses fixed before the gate's incidents were seen.

    References
    ----------
    Ville 1939; Holm 1979; Ramdas, Grünwald, Vovk & Shafer 2023, doi:10.1214/23-STS894.
    """
    entries = [gate_entries(votes, hypothesis) for hypothesis in hypotheses]
    prices = [version_price(hypothesis.version) for hypothesis in hypotheses]
    # Holm's first place is the hardest; evidence beyond it changes nothing, so the test ends there.
    most = [math.log(len(hypotheses) * price / alpha) for price in prices]
    paths = [
        evidence_path(part["stop"].to_numpy(), target=h.target, look_every=look_every, minimum=minimum, enough=end)
        for part, h, end in zip(entries, hypotheses, most, strict=True)
    ]
    courses = decide_in_time([_instants(part) for part in entries], paths, prices, alpha)
    decided = [course.at for course in courses]
    highest = [float(np.nanmax(path, initial=0.0)) for path in paths]
    p_values = [math.exp(-top) for top in highest]
    adjusted = holm([min(1.0, p * price) for p, price in zip(p_values, prices, strict=True)])
    decisions = []
    for i, hypothesis in enumerate(hypotheses):
        stop = entries[i]["stop"]
        judged = rate(int(stop.sum()), len(stop), minimum=minimum)
        labelled = stop[~entries[i]["unlabelled"]]
        stops = rate(int(labelled.sum()), len(labelled), minimum=minimum)
        at = decided[i]
        instant = courses[i].when
        when = None if instant is None else pd.Timestamp(instant, tz="UTC")
        p_adjusted = float(adjusted[i])
        decisions.append(
            GateDecision(
                hypothesis=hypothesis,
                passed=at is not None,
                stops=stops,
                judged=judged,
                log_evidence=highest[i],
                p_value=p_values[i],
                p_adjusted=p_adjusted,
                alpha=alpha,
                line=courses[i].line,
                decided_at=when,
                decided_after=None if at is None else at + 1,
                why=_reason(hypothesis, stops, judged, at, p_adjusted=p_adjusted, alpha=alpha),
            )
        )
    logs = [_log(h, part, path, one) for h, part, path, one in zip(hypotheses, entries, paths, courses, strict=True)]
    return GateResult(decisions=tuple(decisions), log=pd.concat(logs, ignore_index=True) if logs else _no_log())


def _reason(
    hypothesis: Hypothesis, stops: Rate, judged: Rate, at: int | None, *, p_adjusted: float, alpha: float
) -> str:
    target = percent(hypothesis.target)
    unit = "good incidents" if hypothesis.unit is Unit.INCIDENT else "target-days with a good incident"
    unlabelled = judged.n - stops.n
    counted = f"; {counted_as_false(unlabelled)}: the test saw {judged.k}/{judged.n}" if unlabelled else ""
    if at is not None:
        return (
            f"false stops shown below {target} after {at + 1} {unit}; now {stops.text()}; "
            f"adjusted p {p_adjusted:.3g}{counted}"
        )
    if not stops.enough:
        return f"not enough data: {stops.n} of {stops.minimum} {unit} needed{counted}"
    if judged.estimate is not None and judged.estimate >= hypothesis.target:
        return f"{stops.text()}: not below {target}{counted}"
    return f"{stops.text()}: not yet shown below {target} (adjusted p {p_adjusted:.3g}, {alpha:g} needed){counted}"


def counted_as_false(unlabelled: int) -> str:
    """Say what the gate did with stops that had no label at their age."""
    if unlabelled == 1:
        return "1 stop had no label at its age and counted as a false stop"
    return f"{unlabelled:,} stops had no label at their age and counted as false stops"


def _instants(entries: pd.DataFrame) -> NDArray[np.datetime64]:
    return np.asarray(entries["gate_at"].dt.tz_localize(None), "datetime64[us]")


def _log(hypothesis: Hypothesis, entries: pd.DataFrame, path: Floats, course: Course) -> pd.DataFrame:
    order = np.arange(1, len(entries) + 1)
    columns = ["incident_id", "execution_uid", "run_started_at", "gate_at", "stop", "unlabelled"]
    kept = entries[columns].reset_index(drop=True)
    for name in ("incident_id", "execution_uid"):
        kept[name] = kept[name].astype(str)
    head = pd.DataFrame(
        {
            "condition": hypothesis.condition,
            "candidate": hypothesis.candidate,
            "version": hypothesis.version,
            "order": order,
        }
    )
    log = pd.concat([head, kept], axis=1)
    log["k"] = np.cumsum(kept["stop"].to_numpy(np.int64))
    log["n"] = order
    log["log_evidence"] = path
    log["looked"] = ~np.isnan(path)
    log["line"] = course.lines
    log["decides"] = order - 1 == (-1 if course.at is None else course.at)
    return log


def _no_log() -> pd.DataFrame:
    return pd.DataFrame()
