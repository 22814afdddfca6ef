"""What wrong labels do to P(F|G), and when it cannot be said.

Good and bad are what somebody or something says; both can be wrong at known rates. The share of good among
the failed and among the others is corrected in each group, and Bayes' rule turns the two into P(F|G). That
assumes the label errs equally in both groups; a label that shares facts with the condition does not, and
then the answer is "not identifiable".
"""

from dataclasses import dataclass

from kubernaut_simulator.estimation.rates import (
    CONFIDENCE,
    clopper_pearson_lower,
    clopper_pearson_upper,
    percent,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelQuality:
    """How good the labels are.

    Attributes
    ----------
    sensitivity : float
        Share of truly good runs that are labelled good.
    specificity : float
        Share of truly bad runs that are labelled bad.
    shares_facts : bool
        The label rests on facts that the condition reads.
    """

    sensitivity: float
    specificity: float
    shares_facts: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Corrected:
    """P(F|G) corrected for label errors.

    Attributes
    ----------
    estimate : float or None
        None when it is not identifiable, or no run is good after correction.
    upper : float or None
        One-sided upper limit at `confidence`; None when not identifiable.
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
    upper: float | None
    good_given_failed: float | None
    good_given_not_failed: float | None
    clipped: bool
    why_not: str
    confidence: float
    method: str = "Rogan-Gladen per group, then Bayes; limits per group at a third of the error"

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
        One-sided, of the upper limit.

    Notes
    -----
    P(F|G) rises with P(F) and with the good among the failed, and falls with the good among the others:
    putting each at its own limit, at a third of the error, bounds it whatever the dependence (Bonferroni).
    Conservative. Wrong if the label errs more among the failed than among the others.
    """
    youden = quality.sensitivity + quality.specificity - 1
    why_not = ""
    if quality.shares_facts:
        why_not = "label and condition share facts, so the label's errors are not the same in both groups"
    elif youden <= 0:
        why_not = "labels no better than a coin (sensitivity + specificity must be above 1)"
    if why_not or failed + not_failed == 0:
        return Corrected(
            estimate=None,
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
    each = 1 - (1 - confidence) / 3
    upper = _bayes(
        float(clopper_pearson_upper(failed, n, confidence=each)),
        _clip(rogan_gladen(float(clopper_pearson_upper(good_failed, failed, confidence=each)), quality)),
        _clip(rogan_gladen(float(clopper_pearson_lower(good_not_failed, not_failed, confidence=each)), quality)),
    )
    return Corrected(
        estimate=_bayes(failed / n, _clip(raw_failed or 0.0), _clip(raw_other or 0.0)),
        upper=1.0 if upper is None else upper,
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
