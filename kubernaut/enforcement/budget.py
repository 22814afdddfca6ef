"""The block budget: a condition that stops more runs than history promised goes back to warn by itself.

The export writes a predicted block rate and its upper limit beside each condition. The operator counts
incidents in which the condition was enforced, and how many of them it stopped. After each one the sequential
test asks whether the rate must be above that limit; it may ask after every incident for years, since its
error is bounded over all of them together. Spent is spent: only a new hypothesis (another policy, other
times, another limit) starts anew.
"""

from dataclasses import dataclass, replace
from datetime import datetime

from kubernaut.enforcement.martingale import log_evidence_above, log_threshold

BUDGET_ALPHA = 0.01
"""Chance that a condition which keeps its promise is ever set back. It costs protection until somebody looks,
and a dozen conditions are in force at once: hence rarer than the usual 5 %."""

REMEMBERED_INCIDENTS = 256
"""A retry comes within half an hour of its incident; that many others do not come in between."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BudgetState:
    """What has been counted against one condition's budget; plain values, to be kept in a status.

    Attributes
    ----------
    hypothesis : str
        What the counts belong to: policy digest, times and settings, and the limit.
    limit : float
        Upper limit of the block rate that was promised, 0..1.
    incidents, blocks : int
        Enforced incidents, and those of them that the condition stopped.
    recent : tuple of str
        The last incidents counted, so that a retry does not count twice.
    spent_at : datetime or None
        When the condition was set back to warn; None while it is in force.
    """

    hypothesis: str
    limit: float
    incidents: int = 0
    blocks: int = 0
    recent: tuple[str, ...] = ()
    spent_at: datetime | None = None

    @property
    def log_evidence(self) -> float:
        """Logarithm of the evidence that the block rate is above the limit; 0 is none."""
        return log_evidence_above(self.blocks, self.incidents, self.limit)

    @property
    def is_spent(self) -> bool:
        """Whether the condition is set back to warn."""
        return self.spent_at is not None

    @property
    def message(self) -> str:
        """One sentence for an Event."""
        return (
            f"stopped {self.blocks} of {self.incidents} enforced incidents; history promised at most "
            f"{self.limit:.1%}: {'set back to warn' if self.is_spent else 'within the budget'}"
        )


def current_budget(
    state: BudgetState | None, *, policy_digest: str, settings_digest: str, limit: float | None
) -> BudgetState | None:
    """Give the budget that holds now: the same counts while the hypothesis is the same, else a new one.

    Parameters
    ----------
    state : BudgetState or None
        What was kept; None for none.
    policy_digest, settings_digest : str
        Of the condition as it is resolved now.
    limit : float or None
        `evidence.blockRate.upper`; None means that nothing was promised, so there is no budget.
    """
    if limit is None:
        return None
    hypothesis = f"{policy_digest}/{settings_digest}/{limit:.9g}"
    if state is not None and state.hypothesis == hypothesis:
        return state
    return BudgetState(hypothesis=hypothesis, limit=limit)


def count_incident(
    state: BudgetState, *, incident_id: str, blocked: bool, now: datetime, alpha: float = BUDGET_ALPHA
) -> BudgetState:
    """Count one incident in which the condition was enforced.

    Parameters
    ----------
    state : BudgetState
    incident_id : str
        Counted once, with the result of its first run.
    blocked : bool
        Whether the condition stopped that run; an overridden failure did.
    now : datetime
    alpha : float
        Error probability of setting back a condition that keeps its promise.

    Returns
    -------
    BudgetState
        Unchanged when the incident was counted before or the budget is spent.

    Notes
    -----
    The promise is tested as it stands: H0 says that each incident is stopped with probability at most
    `limit`, given the past. Correlated incidents (one outage, fifty incidents) break that and can set a
    condition back too early, which errs to the harmless side for the runs.
    """
    if state.is_spent or incident_id in state.recent:
        return state
    counted = replace(
        state,
        incidents=state.incidents + 1,
        blocks=state.blocks + (1 if blocked else 0),
        recent=(*state.recent, incident_id)[-REMEMBERED_INCIDENTS:],
    )
    if blocked and counted.log_evidence >= log_threshold(alpha):
        return replace(counted, spent_at=now)
    return counted
