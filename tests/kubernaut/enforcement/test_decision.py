import pytest

from kubernaut.conditions.spec import PolicySource, ResolvedCondition
from kubernaut.enforcement.decision import EnforcementReason, enforcement_of
from kubernaut.identity import ConditionId, Level, Phase


def condition(*, type_="x", required=True, percent=100.0, candidate=False):
    return ResolvedCondition(
        id=ConditionId("scale_deployment", Level.STEP, Phase.PRE, type_),
        description="",
        policy_digest="d",
        policy_source=PolicySource.SHIPPED,
        required=required,
        rollout_percent=percent,
        timeout_s=10,
        candidate=candidate,
    )


@pytest.mark.parametrize(
    ("changes", "arguments", "reason", "percent"),
    [
        ({}, {}, EnforcementReason.ENROLLED, 100),
        ({"candidate": True}, {}, EnforcementReason.CANDIDATE, 0),
        ({"required": False}, {}, EnforcementReason.NOT_REQUIRED, 0),
        ({}, {"budget_spent": True}, EnforcementReason.BUDGET_SPENT, 0),
        ({"percent": 0.0}, {}, EnforcementReason.WARN_MODE, 0),
        ({"percent": 5.0}, {}, EnforcementReason.NOT_ENROLLED, 5),
    ],
)
def test_why_a_condition_is_enforced_or_not(changes, arguments, reason, percent):
    result = enforcement_of(condition(**changes), bucket=700, **arguments)

    assert (result.reason, result.percent, result.bucket) == (reason, percent, 700)
    assert result.enforced == (reason is EnforcementReason.ENROLLED)
