"""What wrong labels do to P(F|G), and when it cannot be said.

Good and bad are what somebody or something says; both can be wrong at known rates. The share of good among
the failed and among the others is corrected in each group, and Bayes' rule turns the two into P(F|G). That
assumes the label errs equally in both groups; a label that shares facts with the condition does not, and
then the answer is "not identifiable".
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TypeAlias

from kubernaut_simulator.estimation.rates import (
    CONFIDENCE,
    FloatArray,
    Rate,
    clopper_pearson_lower,
    clopper_pearson_upper,
    percent,
)

Limit: TypeAlias = Callable[..., FloatArray]


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelQuality:
    """How good the labels are.

    Attributes
    ----------
    sensitivity : float
        Share of truly good runs that are labelled good.
    specificity : float
        Share of truly bad runs that are labelled bad.
    sensitivity_n, specificity_n : int or None
        Runs on which each was counted; None where it is taken as exactly known.
    shares_facts : bool
        The label rests on facts that the condition reads.
    """

    sensitivity: float
    specificity: float
    sensitivity_n: int | None = None
    specificity_n: int | None = None
    shares_facts: bool = False

    @classmethod
    def counted(
        cls, sensitivity: Rate | float, specificity: Rate | float, *, shares_facts: bool = False
    ) -> LabelQuality:
        """Take error rates that were counted on runs whose truth somebody found out, or that are taken as known.

        Raises
        ------
        ValueError
            One was counted on nothing, or lies outside 0..1.
        """
        values, counts = [], []
        for one in (sensitivity, specificity):
            value = one.estimate if isinstance(one, Rate) else one
            if value is None or not 0 <= value <= 1:
                raise ValueError(f"{one} is not a share: need k of n with n above 0, or a number from 0 to 1")
            values.append(float(value))
            counts.append(one.n if isinstance(one, Rate) else None)
        return cls(
            sensitivity=values[0],
            specificity=values[1],
            sensitivity_n=counts[0],
            specificity_n=counts[1],
            shares_facts=shares_facts,
        )

    @property
    def uncertain(self) -> int:
        """How many of the two were counted and have limits of their own."""
        return sum(n is not None for n in (self.sensitivity_n, self.specificity_n))

    def corners(self, confidence: float) -> list[LabelQuality]:
        """Give every combination of the limits of both, each one-sided at `confidence`."""
        sides = [
            _limits(value, n, confidence)
            for value, n in ((self.sensitivity, self.sensitivity_n), (self.specificity, self.specificity_n))
        ]
        return [replace(self, sensitivity=se, specificity=sp) for se in sides[0] for sp in sides[1]]


def _limits(value: float, n: int | None, confidence: float) -> tuple[float, ...]:
    if n is None:
        return (value,)
    k = value * n
    return (
        float(clopper_pearson_lower(k, n, confidence=confidence)),
        float(clopper_pearson_upper(k, n, confidence=confidence)),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Corrected:
    """P(F|G) corrected for label errors.

    Attributes
    ----------
    estimate : float or None
        None when it is not identifiable, or no run is good after correction.
    lower, upper : float or None
        One-sided limits, each at `confidence`; None when not identifiable.
    good_given_failed, good_given_not_failed : float or None
        Corrected shares of good in each group; None where the group is empty or nothing is identifiable.
    clipped : bool
        A corrected share fell outside 0..1 and was set to the edge: the stated errors do not fit the data.
    why_not : str
        Why it is not identifiable; empty when it is.
    confidence : float
    method : str
    """

    estimate: float | None
    lower: float | None
    upper: float | None
    good_given_failed: float | None
    good_given_not_failed: float | None
    clipped: bool
    why_not: str
    confidence: float
    method: str = "Rogan-Gladen per group, then Bayes; each uncertain part at its own limit (Bonferroni)"

    def text(self) -> str:
        """One line."""
        if self.why_not:
            return f"not identifiable: {self.why_not}"
        if self.estimate is None or self.upper is None:
            return "not enough data"
        shown = percent(self.estimate) if self.estimate > 0 else "none seen"
        return f"{shown} corrected (upper {self.confidence * 100:g} % {percent(self.upper)})"


def rogan_gladen(share: float, quality: LabelQuality) -> float:
    """True share behind an apparent one; may fall outside 0..1.

    References
    ----------
    Rogan & Gladen 1978, doi:10.1093/oxfordjournals.aje.a112510.
    """
    return (share + quality.specificity - 1) / (quality.sensitivity + quality.specificity - 1)


def corrected_false_stops(
    *,
    good_failed: int,
    failed: int,
    good_not_failed: int,
    not_failed: int,
    quality: LabelQuality,
    confidence: float = CONFIDENCE,
) -> Corrected:
    """Correct P(F|G) for label errors.

    Parameters
    ----------
    good_failed, good_not_failed : int
        Labelled good, among the failed and among the others.
    failed, not_failed : int
        Votes with a label in each group.
    quality : LabelQuality
    confidence : float
        One-sided, of each limit.

    Notes
    -----
    P(F|G) rises with P(F) and with the good among the failed, and falls with the good among the others: putting each at
    its own limit, at an equal part of the error, bounds it whatever the dependence (Bonferroni); error rates that were
    counted take two parts more, and their worst corner counts. Conservative. With equal errors in both groups the
    sensitivity cancels out of P(F|G), so that only the specificity matters as long as no share is clipped. Wrong if the
    label errs more among the failed than among the others.
    """
    why_not = ""
    if quality.shares_facts:
        why_not = "label and condition share facts, so the label's errors are not the same in both groups"
    elif quality.sensitivity + quality.specificity - 1 <= 0:
        why_not = "labels no better than a coin (sensitivity + specificity must be above 1)"
    if why_not or failed + not_failed == 0:
        return Corrected(
            estimate=None,
            lower=None,
            upper=None,
            good_given_failed=None,
            good_given_not_failed=None,
            clipped=False,
            why_not=why_not,
            confidence=confidence,
        )
    n = failed + not_failed
    raw_failed = rogan_gladen(good_failed / failed, quality) if failed else None
    raw_other = rogan_gladen(good_not_failed / not_failed, quality) if not_failed else None
    each = 1 - (1 - confidence) / (3 + quality.uncertain)
    corners = quality.corners(each)
    # A corner no better than a coin says nothing: then anything is possible.
    possible = all(one.sensitivity + one.specificity > 1 for one in corners)
    at_most, at_least = clopper_pearson_upper, clopper_pearson_lower

    def limit(above: Limit, below: Limit, quality: LabelQuality) -> float | None:
        return _bayes(
            float(above(failed, n, confidence=each)),
            _clip(rogan_gladen(float(above(good_failed, failed, confidence=each)), quality)),
            _clip(rogan_gladen(float(below(good_not_failed, not_failed, confidence=each)), quality)),
        )

    uppers = [limit(at_most, at_least, one) for one in corners] if possible else [None]
    lowers = [limit(at_least, at_most, one) for one in corners] if possible else [None]
    return Corrected(
        estimate=_bayes(failed / n, _clip(raw_failed or 0.0), _clip(raw_other or 0.0)),
        lower=min(0.0 if one is None else one for one in lowers),
        upper=max(1.0 if one is None else one for one in uppers),
        good_given_failed=None if raw_failed is None else _clip(raw_failed),
        good_given_not_failed=None if raw_other is None else _clip(raw_other),
        clipped=any(raw is not None and raw != _clip(raw) for raw in (raw_failed, raw_other)),
        why_not="",
        confidence=confidence,
    )


def _bayes(failed: float, good_failed: float, good_other: float) -> float | None:
    joint = failed * good_failed
    good = joint + (1 - failed) * good_other
    return joint / good if good > 0 else None


def _clip(share: float) -> float:
    return min(1.0, max(0.0, share))
