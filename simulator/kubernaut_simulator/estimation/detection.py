"""What a condition is worth: does it fail where the run did no good, and how much earlier than anybody knew.

A condition that never fires has no false stops and no value, so beside P(stop|G) stands P(F|B), B being a run that did
no good. From votes, as `false_stops`; what has no outcome, or a verdict cut short, is in none of the rates. Display: it
makes nothing required.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from scipy import stats

from kubernaut.identity import Phase
from kubernaut.verdicts import Reason, Verdict
from kubernaut_simulator.estimation.clustering import Unit, cluster_spread, one_vote_per_target_day
from kubernaut_simulator.estimation.columns import NO_INSTANT, Columns, Flags, Floats, Table, look_up
from kubernaut_simulator.estimation.labels import Label
from kubernaut_simulator.estimation.rates import CONFIDENCE, Rate, rate

MINIMUM_BAD = 20
"""Incidents without good outcome below which a rate says "not enough data"."""

NEVER_FIRED = "never fired: no false positives and no value"

_MICROSECONDS = 1e6
_SAME_S = 1e-3
"""Two instants this close are one: rows keep microseconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LeadTime:
    """How much earlier the condition knew, in seconds; over the failed votes of runs that did no good.

    Attributes
    ----------
    n : int
        Votes with both instants.
    unknown : int
        Failed votes of such runs where either instant is not known.
    p25_s, median_s, p75_s : float or None
        None when n is 0. Negative: the condition knew later.
    lower_s, upper_s : float or None
        Two-sided limits of the median by order statistics; None where n is too small for any.
    confidence : float
    """

    n: int
    unknown: int
    p25_s: float | None
    median_s: float | None
    p75_s: float | None
    lower_s: float | None
    upper_s: float | None
    confidence: float = CONFIDENCE

    def text(self) -> str:
        """One line, e.g. ``median 610 s (95 % 540 to 700 s), n = 41``."""
        if self.median_s is None:
            return "not enough data (n = 0)"
        if self.lower_s is None or self.upper_s is None:
            return f"median {self.median_s:.0f} s (n = {self.n}, too few for limits)"
        level = f"{self.confidence * 100:g} %"
        return f"median {self.median_s:.0f} s ({level} {self.lower_s:.0f} to {self.upper_s:.0f} s), n = {self.n}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Detection:
    """What one condition detects.

    Attributes
    ----------
    unit : Unit
        What counts as one vote, from the design effect among the votes of runs that did no good.
    failed_given_bad : Rate
        P(F|B); its `lower` is the careful reading.
    stop_given_bad : Rate
        P(F or E|B): what an enforced condition would stop, Errors included.
    bad_given_failed : Rate
        Precision, P(B|F).
    fired : int
        Votes that Failed, whatever the outcome.
    before_outcome, before_end : LeadTime
        Before the outcome was known (`outcome_at`), and before the workflow had finished (`finished_at`).
    """

    condition: str
    candidate: bool
    votes: int
    unit: Unit
    failed_given_bad: Rate
    stop_given_bad: Rate
    bad_given_failed: Rate
    fired: int
    before_outcome: LeadTime
    before_end: LeadTime

    def text(self) -> str:
        """One line for people."""
        if not self.fired:
            return NEVER_FIRED
        found, level = self.failed_given_bad, f"{self.failed_given_bad.confidence * 100:g} %"
        if not found.enough:
            return f"P(F|B): not enough data: {found.n} of {found.minimum} runs that did no good"
        return (
            f"P(F|B) {found.k}/{found.n} (lower {level} {found.lower:.1%}), precision {self.bad_given_failed.k}/"
            f"{self.bad_given_failed.n}, before the outcome: {self.before_outcome.text()}"
        )


def detection(votes: pd.DataFrame, evaluations: Table, workflows: Table) -> list[Detection]:
    """Estimate what each condition detects.

    Parameters
    ----------
    votes : DataFrame
        As `votes.Votes.data`, or a selection of its rows.
    evaluations : Table or DataFrame
        The rows that the votes were made of, replayed or not: they say when each verdict was known.
    workflows : Table or DataFrame

    Returns
    -------
    list of Detection
        In order of condition; candidates after the current policy.

    Notes
    -----
    A replayed verdict that differs from the recorded one was known at its deadline; one that ended early for another
    reason than the recorded (fatal under another policy) has no known instant and is counted as such. Lead time is
    conditional on having failed: a condition that fails only the runs that drag on looks early.
    """
    timed = votes.assign(**_leads(votes, evaluations, workflows))
    groups = timed.groupby(["condition", "candidate"], observed=True, sort=True)
    return [_of_condition(str(name), candidate=bool(candidate), votes=part) for (name, candidate), part in groups]


def detection_table(found: Sequence[Detection]) -> pd.DataFrame:
    """Lay the results out, one row per condition; shares as k/n, lead times in seconds."""
    return pd.DataFrame(
        [
            {
                "condition": one.condition + ("@candidate" if one.candidate else ""),
                "incidents": one.votes,
                "unit": one.unit.value,
                "fired": one.fired,
                "P(F|B)": _counted(one.failed_given_bad),
                "P(F|B) k": one.failed_given_bad.k,
                "P(F|B) n": one.failed_given_bad.n,
                "lower 95 %": one.failed_given_bad.lower if one.failed_given_bad.n else np.nan,
                "upper 95 %": one.failed_given_bad.upper if one.failed_given_bad.n else np.nan,
                "P(stop|B)": _counted(one.stop_given_bad),
                "P(stop|B) k": one.stop_given_bad.k,
                "P(stop|B) n": one.stop_given_bad.n,
                "P(B|F)": _counted(one.bad_given_failed),
                "P(B|F) k": one.bad_given_failed.k,
                "P(B|F) n": one.bad_given_failed.n,
                "before outcome s": np.nan if one.before_outcome.median_s is None else one.before_outcome.median_s,
                "before end s": np.nan if one.before_end.median_s is None else one.before_end.median_s,
                "lead n": one.before_outcome.n,
                "says": one.text(),
            }
            for one in found
        ]
    )


def lead_time(leads_s: Floats, *, unknown: int = 0, confidence: float = CONFIDENCE) -> LeadTime:
    """Give quartiles and limits of the median of lead times in seconds.

    References
    ----------
    Order-statistic limits of a quantile: Conover 1999, Practical Nonparametric Statistics, section 3.2.
    """
    ordered = np.sort(leads_s)
    n = len(ordered)
    if not n:
        return LeadTime(n=0, unknown=unknown, p25_s=None, median_s=None, p75_s=None, lower_s=None, upper_s=None)
    p25, p50, p75 = (float(value) for value in np.quantile(ordered, [0.25, 0.5, 0.75]))
    # The r-th smallest and the r-th largest enclose the median with 1 - 2 P(Bin(n, 1/2) < r).
    r = int(stats.binom.ppf((1.0 - confidence) / 2, n, 0.5))
    enclosed = r >= 1
    return LeadTime(
        n=n,
        unknown=unknown,
        p25_s=p25,
        median_s=p50,
        p75_s=p75,
        lower_s=float(ordered[r - 1]) if enclosed else None,
        upper_s=float(ordered[n - r]) if enclosed else None,
        confidence=confidence,
    )


def _of_condition(condition: str, *, candidate: bool, votes: pd.DataFrame) -> Detection:
    settled = votes[votes["label"].notna() & (votes["verdict"] != Verdict.CENSORED.value)]
    bad = settled[settled["label"] == Label.BAD.value]
    unit = cluster_spread(bad["stop"].to_numpy(), bad["target_day"].to_numpy()).unit if len(bad) else Unit.INCIDENT
    counted = one_vote_per_target_day(settled) if unit is Unit.TARGET_DAY else settled
    is_bad = (counted["label"] == Label.BAD.value).to_numpy()
    failed = (counted["verdict"] == Verdict.FAILED.value).to_numpy()
    stop = counted["stop"].to_numpy(bool)
    n_bad = int(is_bad.sum())
    caught = bad[bad["verdict"] == Verdict.FAILED.value]
    return Detection(
        condition=condition,
        candidate=candidate,
        votes=len(votes),
        unit=unit,
        failed_given_bad=rate(int((failed & is_bad).sum()), n_bad, minimum=MINIMUM_BAD),
        stop_given_bad=rate(int((stop & is_bad).sum()), n_bad, minimum=MINIMUM_BAD),
        bad_given_failed=rate(int((failed & is_bad).sum()), int(failed.sum())),
        fired=int((votes["verdict"] == Verdict.FAILED.value).sum()),
        before_outcome=_lead_of(caught["lead_outcome_s"]),
        before_end=_lead_of(caught["lead_end_s"]),
    )


def _lead_of(leads: pd.Series) -> LeadTime:
    known = leads.dropna().to_numpy(np.float64)
    return lead_time(known, unknown=len(leads) - len(known))


def _leads(votes: pd.DataFrame, evaluations: Table, workflows: Table) -> dict[str, Floats]:
    rows = Columns(evaluations, name="evaluations", needed=("execution_uid", "started_at", "read_at", "timeout_s"))
    flows = Columns(workflows, name="workflows", needed=("workflow_uid",))
    texts = ["execution_uid", "action", "level", "phase", "type"]
    known = pd.DataFrame({name: rows.text(name).to_pylist() for name in texts})
    known["candidate"], known["known_at"] = rows.flag("candidate"), _known_at(rows)
    wanted = votes[[*texts, "candidate"]].astype(dict.fromkeys(texts, str)).reset_index(drop=True)
    keys = [*texts, "candidate"]
    known_at = wanted.merge(known.drop_duplicates(keys), how="left", on=keys)["known_at"].to_numpy(np.float64)
    flow = look_up(pa.array(votes["workflow_uid"].astype(str).tolist(), pa.string()), flows.text("workflow_uid"))
    leads = {}
    for name, column in (("lead_outcome_s", "outcome_at"), ("lead_end_s", "finished_at")):
        instant = np.append(flows.instant(column), NO_INSTANT)[flow]
        leads[name] = np.where(instant == NO_INSTANT, np.nan, instant / _MICROSECONDS - known_at)
    return leads


def _known_at(rows: Columns) -> Floats:
    """Give when each verdict was there, in seconds since 1970; NaN where nobody can say."""
    read_at = rows.instant("read_at") / _MICROSECONDS
    if not rows.has("recorded_verdict"):
        return read_at
    deadline = rows.instant("deadline")
    by_terms = rows.instant("started_at") / _MICROSECONDS + rows.number("timeout_s")
    other_terms = (
        (deadline != NO_INSTANT) & ~rows.flag("extended") & (np.abs(deadline / _MICROSECONDS - by_terms) > _SAME_S)
    )
    fatal = rows.equals("reason", (Reason.FATAL.value,))
    same = _equal(rows, "verdict", "recorded_verdict") & (~other_terms | fatal)
    same &= ~fatal | _equal(rows, "policy_digest", "recorded_digest")
    pre = rows.equals("phase", (Phase.PRE.value,))
    return np.where(pre | same, read_at, np.where(fatal, np.nan, by_terms))


def _equal(rows: Columns, one: str, other: str) -> Flags:
    return np.asarray(pc.equal(rows.text(one), rows.text(other)), dtype=bool)


def _counted(found: Rate) -> str:
    return f"{found.k}/{found.n}" if found.n else "not enough data"
