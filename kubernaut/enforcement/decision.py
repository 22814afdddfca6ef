"""Whether a condition's verdict may stop a run; never whether or when the condition is evaluated.

That separation is what makes history worth reading: a condition in warn mode leaves the same records as an
enforced one. It is settled when a run leaves `pending`. What a verdict then does, with the global switch and
the overrides of that moment, is said where verdicts are: in `kubernaut.verification`.
"""

from dataclasses import dataclass
from enum import StrEnum

from kubernaut.conditions.spec import ResolvedCondition
from kubernaut.enforcement.rollout import is_enrolled
from kubernaut.verdicts import Verdict

STOPPING = frozenset({Verdict.FAILED, Verdict.ERROR})
"""What an enforced condition does not let through. A condition that could not be judged is no pass."""


class EnforcementReason(StrEnum):
    """Why a condition is enforced in this run or is not."""

    ENROLLED = "Enrolled"
    CANDIDATE = "Candidate"
    NOT_REQUIRED = "NotRequired"
    BUDGET_SPENT = "BudgetSpent"
    WARN_MODE = "WarnMode"
    NOT_ENROLLED = "NotEnrolled"


@dataclass(frozen=True, slots=True, kw_only=True)
class Enforcement:
    """Whether one condition may stop this run.

    Attributes
    ----------
    bucket : int
        0..9999, the incident's.
    percent : float
        In force, 0..100: 0 when the condition is not required or its budget is spent.
    """

    enforced: bool
    reason: EnforcementReason
    bucket: int
    percent: float


def enforcement_of(condition: ResolvedCondition, *, bucket: int, budget_spent: bool = False) -> Enforcement:
    """Say whether a condition may stop a run.

    Parameters
    ----------
    condition : ResolvedCondition
        Its rollout percent has the environment's section applied already.
    bucket : int
        Of the run's incident.
    budget_spent : bool
        The block budget has set the condition back to warn.
    """
    reason = EnforcementReason.ENROLLED
    if condition.candidate:
        reason = EnforcementReason.CANDIDATE
    elif not condition.required:
        reason = EnforcementReason.NOT_REQUIRED
    elif budget_spent:
        reason = EnforcementReason.BUDGET_SPENT
    elif condition.rollout_percent == 0:
        reason = EnforcementReason.WARN_MODE
    percent = condition.rollout_percent if reason is EnforcementReason.ENROLLED else 0.0
    if reason is EnforcementReason.ENROLLED and not is_enrolled(bucket, percent):
        reason = EnforcementReason.NOT_ENROLLED
    return Enforcement(enforced=reason is EnforcementReason.ENROLLED, reason=reason, bucket=bucket, percent=percent)
