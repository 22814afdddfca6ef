"""The row that keeps a policy's source: whoever records verdicts records what they were reached by."""

from datetime import datetime

from kubernaut.history.ids import policy_id
from kubernaut.history.rows import PolicyRow
from kubernaut.identity import ConditionId
from kubernaut.policy.compiled import CompiledPolicy


def policy_row(
    condition: ConditionId, policy: CompiledPolicy, *, candidate: bool = False, recorded_at: datetime
) -> PolicyRow:
    """Give the row of one policy in one condition's place."""
    return PolicyRow(
        record_id=policy_id(condition, digest=policy.digest, candidate=candidate),
        recorded_at=recorded_at,
        digest=policy.digest,
        action=condition.action,
        level=condition.level,
        phase=condition.phase,
        type=condition.type,
        candidate=candidate,
        source=policy.source,
        libraries=dict(policy.libraries),
        metadata={"title": policy.metadata.title, "description": policy.metadata.description},
    )
