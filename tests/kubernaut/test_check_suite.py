"""The whole suite on one look: both levels, every condition, with the reason of each."""

import pytest

from kubernaut.conditions.compiled_set import compile_set
from kubernaut.conditions.condition_set import shipped_set
from kubernaut.conditions.defaults import shipped_defaults
from kubernaut.facts.snapshot import Snapshot, Unobserved, UnobservedReason
from kubernaut.identity import Level, Phase
from kubernaut.policy.compiling import compile_policy
from kubernaut.policy.evaluating import InProcessEvaluator
from kubernaut.suite import check_suite
from kubernaut.verdicts import Attempt, Reason

SETS = {level: compile_set(shipped_set(level, shipped_defaults()), compile_policy) for level in Level}
FOUND = {"deployment_found": True, "deployment_name": "web", "namespace": "shop"}
NOTHING = Unobserved(UnobservedReason.NOT_PROVIDED, "not in this dump")


def checked(facts, levels=Level):
    unobserved = {
        name: NOTHING
        for conditions in SETS.values()
        for policy in conditions.policies.values()
        for name, *_ in policy.reads
        if name not in facts and name not in ("settings", "parameters", "context", "custom")
    }
    return check_suite(
        Snapshot(facts=facts, unobserved=unobserved),
        action="scale_deployment",
        parameters={"deployment": {"name": "web", "namespace": "shop", "replicas": 3}},
        conditions={level: SETS[level] for level in levels},
        namespace="shop",
        evaluator=InProcessEvaluator(),
        compile_=compile_policy,
    )


def test_every_condition_of_both_levels_has_an_answer():
    found = checked(FOUND)

    shipped = {id_ for level in SETS.values() for id_ in level.policies}
    assert {one.condition.id for one in found} == {id_ for id_ in shipped if id_.action == "scale_deployment"}
    assert [one.condition.id.level for one in found] == sorted((one.condition.id.level for one in found), reverse=True)
    answers = {one.condition.id.type: one for one in found}
    assert answers["deployment_exists"].attempt is Attempt.PASSED
    assert answers["desired_replicas_running"].attempt is Attempt.ERROR
    assert answers["desired_replicas_running"].judgement.reason is Reason.FACT_UNOBSERVED
    assert all(one.policy.digest == one.condition.policy_digest for one in found)


def test_what_a_policy_saw_is_told():
    one = checked(FOUND, levels=[Level.ACTION])[0]

    assert one.seen.facts["parameters"]["deployment"]["replicas"] == 3
    assert one.seen.facts["context"]["level"] == "action"


@pytest.mark.parametrize(("phase", "attempt"), [(Phase.PRE, Attempt.FAILED), (Phase.POST, Attempt.NOT_YET)])
def test_a_postcondition_that_does_not_hold_on_a_still_picture_is_not_yet(phase, attempt):
    rego = "package p\nimport rego.v1\nallow if input.deployment_found\n"
    types = {one.type for one in SETS[Level.STEP].policies if one.phase is phase}
    policies = dict.fromkeys(SETS[Level.STEP].policies, compile_policy(rego, name="p.rego"))
    level = SETS[Level.STEP]
    found = check_suite(
        Snapshot(facts={"deployment_found": False}),
        action="scale_deployment",
        parameters={},
        conditions={Level.STEP: type(level)(texts=level.texts, policies=policies, candidates={})},
        namespace="shop",
        evaluator=InProcessEvaluator(),
        compile_=compile_policy,
    )

    assert {one.attempt for one in found if one.condition.id.type in types} == {attempt}
