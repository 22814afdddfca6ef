"""A condition with everything resolved: what verification works on."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from kubernaut.identity import ConditionId

DEFAULT_TIMEOUT_PRE_S = 30.0
"""Guide 3.2: one precondition may take 30 s."""

DEFAULT_TIMEOUT_POST_S = 120.0
"""Guide 7.2: a postcondition is given 2 min to hold."""

MAX_TIMEOUT_S = 3600.0
"""Above one hour a remediation is no longer one."""


class PolicySource(StrEnum):
    """Where the policy's text came from."""

    CONFIGMAP = "configmap"
    INLINE = "inline"
    SHIPPED = "shipped"


@dataclass(frozen=True, slots=True, kw_only=True)
class ResolvedCondition:
    """One condition of one run, resolved once when the run leaves `pending`.

    Attributes
    ----------
    timeout_s : float
        Pre: limit of one evaluation. Post: from the action's end to the deadline.
    poll_interval_s : float or None
        None means the default schedule (1 s, growing by 1.5 up to 10 s).
    hold_for_s : float
        How long `allow` must stay true before the condition passes.
    rollout_percent : float
        0..100; the share of incidents in which `required` is enforced.
    settings : mapping of str to float
        What the policy reads as `input.settings`, defaults filled in.
    candidate : bool
        A challenger: judged and recorded, never enforced.
    """

    id: ConditionId
    description: str
    policy_digest: str
    policy_source: PolicySource
    required: bool
    rollout_percent: float
    timeout_s: float
    poll_interval_s: float | None = None
    hold_for_s: float = 0.0
    settings: Mapping[str, float] = field(default_factory=dict)
    candidate: bool = False
