"""What a verdict does: nothing, a warning or a stop; never whether or when a condition is evaluated.

That separation is what makes history worth reading: a condition in warn mode leaves the same records as an
enforced one. Enforcement is settled when a run leaves `pending`; the global switch, overrides and the block
budget are looked at when a verdict is there.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from kubernaut.conditions.spec import ResolvedCondition
from kubernaut.enforcement.overrides import Override
from kubernaut.enforcement.rollout import is_enrolled, probability_ran
from kubernaut.identity import ConditionId
from kubernaut.verdicts import Verdict

STOPPING = frozenset({Verdict.FAILED, Verdict.ERROR})
"""What an enforced condition does not let through. A condition that could not be judged is no pass."""


class EnforcementReason(StrEnum):
    """Why a condition is enforced in this run or is not."""

    ENROLLED = "Enrolled"
    CANDIDATE = "Candidate"
    NOT_REQUIRED = "NotRequired"
    SWITCHED_OFF = "SwitchedOff"
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
        In force, 0..100: 0 when the condition is not required, switched off or its budget is spent.
    """

    enforced: bool
    reason: EnforcementReason
    bucket: int
    percent: float


def enforcement_of(
    condition: ResolvedCondition, *, bucket: int, switch_on: bool = True, budget_spent: bool = False
) -> Enforcement:
    """Say whether a condition may stop a run.

    Parameters
    ----------
    condition : ResolvedCondition
        Its rollout percent has the environment's section applied already.
    bucket : int
        Of the run's incident.
    switch_on : bool
        The global switch `enforcement`, as it is now.
    budget_spent : bool
        The block budget has set the condition back to warn.
    """
    reason = EnforcementReason.ENROLLED
    if condition.candidate:
        reason = EnforcementReason.CANDIDATE
    elif not condition.required:
        reason = EnforcementReason.NOT_REQUIRED
    elif not switch_on:
        reason = EnforcementReason.SWITCHED_OFF
    elif budget_spent:
        reason = EnforcementReason.BUDGET_SPENT
    elif condition.rollout_percent == 0:
        reason = EnforcementReason.WARN_MODE
    percent = condition.rollout_percent if reason is EnforcementReason.ENROLLED else 0.0
    if reason is EnforcementReason.ENROLLED and not is_enrolled(bucket, percent):
        reason = EnforcementReason.NOT_ENROLLED
    return Enforcement(enforced=reason is EnforcementReason.ENROLLED, reason=reason, bucket=bucket, percent=percent)


class Effect(StrEnum):
    """What a verdict does to the run."""

    NONE = "None"
    WARNS = "Warns"
    OVERRIDDEN = "Overridden"
    BLOCKS = "Blocks"


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled:
    """One condition's verdict and what it does.

    Attributes
    ----------
    override : Override or None
        The one that keeps it from blocking; None when none was needed.
    """

    condition: ConditionId
    verdict: Verdict
    message: str
    enforcement: Enforcement
    effect: Effect
    override: Override | None = None


def settle(
    condition: ResolvedCondition,
    verdict: Verdict,
    *,
    message: str = "",
    enforcement: Enforcement,
    override: Override | None = None,
) -> Settled:
    """Say what a verdict does.

    Parameters
    ----------
    condition : ResolvedCondition
    verdict : Verdict
        `Censored` and `Skipped` say nothing about the target and do nothing.
    message : str
        The verdict's.
    enforcement : Enforcement
        Of this condition in this run.
    override : Override or None
        A valid one that covers this condition; None without.
    """
    effect = Effect.NONE
    used: Override | None = None
    if verdict in STOPPING:
        effect = Effect.WARNS
        if enforcement.enforced:
            effect = Effect.BLOCKS if override is None else Effect.OVERRIDDEN
            used = override
    return Settled(
        condition=condition.id,
        verdict=verdict,
        message=message,
        enforcement=enforcement,
        effect=effect,
        override=used,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What all verdicts of one phase do together.

    Attributes
    ----------
    stopped_by : tuple of Settled
        Every condition that blocks, in the run's order; the first is the reason.
    warnings : tuple of Settled
        Failures that do nothing in this run.
    overridden : tuple of Settled
        Failures that would block but for an override.
    p_ran : float
        Probability that the run was let through, over the rollout's randomness.
    """

    stopped_by: tuple[Settled, ...]
    warnings: tuple[Settled, ...]
    overridden: tuple[Settled, ...]
    p_ran: float

    @property
    def goes_on(self) -> bool:
        """Whether nothing blocks."""
        return not self.stopped_by

    @property
    def reason(self) -> str:
        """Give ``type: message`` of the first condition that blocks; empty when none does."""
        if not self.stopped_by:
            return ""
        first = self.stopped_by[0]
        return f"{first.condition.type}: {first.message or first.verdict.value}"


def decide(settled: Iterable[Settled]) -> Decision:
    """Put the verdicts of one phase together; all of them, since all are evaluated."""
    results = tuple(settled)
    return Decision(
        stopped_by=tuple(one for one in results if one.effect is Effect.BLOCKS),
        warnings=tuple(one for one in results if one.effect is Effect.WARNS),
        overridden=tuple(one for one in results if one.effect is Effect.OVERRIDDEN),
        p_ran=probability_ran(one.enforcement.percent for one in results if one.verdict in STOPPING),
    )
