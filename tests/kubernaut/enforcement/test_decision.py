from datetime import UTC, datetime
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubernaut.conditions.spec import PolicySource, ResolvedCondition
from kubernaut.enforcement.decision import Effect, EnforcementReason, decide, enforcement_of, settle
from kubernaut.enforcement.overrides import Override, OverrideEntry
from kubernaut.identity import ConditionId, Level, Phase
from kubernaut.verdicts import Verdict

OVERRIDE = Override(entries=(OverrideEntry(type="x"),), by="alice", reason="r", until=datetime(2026, 1, 1, tzinfo=UTC))


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
        ({}, {"switch_on": False}, EnforcementReason.SWITCHED_OFF, 0),
        ({}, {"budget_spent": True}, EnforcementReason.BUDGET_SPENT, 0),
        ({"percent": 0.0}, {}, EnforcementReason.WARN_MODE, 0),
        ({"percent": 5.0}, {}, EnforcementReason.NOT_ENROLLED, 5),
    ],
)
def test_why_a_condition_is_enforced_or_not(changes, arguments, reason, percent):
    result = enforcement_of(condition(**changes), bucket=700, **arguments)

    assert (result.reason, result.percent, result.bucket) == (reason, percent, 700)
    assert result.enforced == (reason is EnforcementReason.ENROLLED)


@pytest.mark.parametrize(("verdict", "enforced", "overridden"), list(product(Verdict, (True, False), (True, False))))
def test_what_a_verdict_does(verdict, enforced, overridden):
    one = condition(percent=100.0 if enforced else 0.0)
    settled = settle(one, verdict, enforcement=enforcement_of(one, bucket=0), override=OVERRIDE if overridden else None)

    stops = verdict in (Verdict.FAILED, Verdict.ERROR)
    expected = Effect.NONE
    if stops:
        expected = Effect.WARNS
        if enforced:
            expected = Effect.OVERRIDDEN if overridden else Effect.BLOCKS
    assert settled.effect is expected
    assert (settled.override is not None) == (expected is Effect.OVERRIDDEN)


def test_all_are_told_and_the_first_that_blocks_is_the_reason():
    first, second = condition(type_="first"), condition(type_="second")
    warned = condition(type_="warned", percent=5.0)
    overridden = condition(type_="overridden")
    decision = decide(
        [
            settle(warned, Verdict.FAILED, enforcement=enforcement_of(warned, bucket=700)),
            settle(first, Verdict.ERROR, message="pods: forbidden", enforcement=enforcement_of(first, bucket=700)),
            settle(second, Verdict.FAILED, enforcement=enforcement_of(second, bucket=700)),
            settle(
                overridden,
                Verdict.FAILED,
                enforcement=enforcement_of(overridden, bucket=700),
                override=OVERRIDE,
            ),
        ]
    )

    assert not decision.goes_on
    assert decision.reason == "first: pods: forbidden"
    assert [one.condition.type for one in decision.stopped_by] == ["first", "second"]
    assert [one.condition.type for one in decision.warnings] == ["warned"]
    assert [one.condition.type for one in decision.overridden] == ["overridden"]
    assert decision.p_ran == 0


def test_a_reason_without_message_is_the_verdict():
    one = condition()

    assert decide([settle(one, Verdict.FAILED, enforcement=enforcement_of(one, bucket=0))]).reason == "x: Failed"


def test_nothing_to_settle_goes_on():
    decision = decide([])

    assert decision.goes_on
    assert decision.reason == ""
    assert decision.p_ran == 1


@given(
    percents=st.lists(st.floats(0, 100), min_size=1, max_size=4),
    failed=st.lists(st.booleans(), min_size=4, max_size=4),
)
def test_over_all_buckets_the_share_that_goes_on_is_p_ran(percents, failed):
    def outcome(bucket):
        settled = []
        for number, (percent, is_failed) in enumerate(zip(percents, failed, strict=False)):
            one = condition(type_=f"t{number}", percent=percent)
            verdict = Verdict.FAILED if is_failed else Verdict.PASSED
            settled.append(settle(one, verdict, enforcement=enforcement_of(one, bucket=bucket)))
        return decide(settled)

    decisions = [outcome(bucket) for bucket in range(0, 10_000, 250)]

    assert sum(one.goes_on for one in decisions) / len(decisions) == pytest.approx(decisions[0].p_ran, abs=0.03)
    assert len({one.p_ran for one in decisions}) == 1
