"""A policy never runs on facts that are missing from what it reads."""

import pytest

from kubernaut.facts.snapshot import Snapshot, Unobserved, UnobservedReason
from kubernaut.judging import judge, missing_fact
from kubernaut.policy.compiling import compile_policy
from kubernaut.policy.evaluating import InProcessEvaluator
from kubernaut.verdicts import Code, Reason

SOURCE = """package condition.x

import rego.v1

allow if {
	input.deployment_found
	every p in input.pods { p.restarts == 0 }
}
"""
FACTS = {"deployment_found": True, "pods": [{"name": "a", "restarts": 0}, {"name": "b", "restarts": 0}]}


@pytest.fixture(scope="module")
def policy():
    return compile_policy(SOURCE, name="x.rego")


def snapshot(**kwargs):
    return Snapshot(facts=FACTS, **kwargs)


def unobserved(*paths):
    return {path: Unobserved(UnobservedReason.FORBIDDEN, "pods is forbidden") for path in paths}


def test_complete_snapshots_are_judged(policy):
    batch = judge(InProcessEvaluator(), policy, [snapshot(), Snapshot(facts={**FACTS, "deployment_found": False})])

    assert [batch[index].code for index in range(2)] == [Code.PASSED, Code.FAILED]


@pytest.mark.parametrize("path", ["deployment_found", "pods", "pods[1]", "pods[1].restarts"])
def test_an_unobserved_fact_that_is_read_is_an_error(policy, path):
    judgement = judge(InProcessEvaluator(), policy, [snapshot(unobserved=unobserved(path))])[0]

    assert (judgement.code, judgement.reason) == (Code.ERROR, Reason.FACT_UNOBSERVED)
    assert judgement.message == f"the fact `{path}` could not be observed (Forbidden: pods is forbidden)"


@pytest.mark.parametrize("path", ["nodes", "pods[1].cpu_usage"])
def test_an_unobserved_fact_that_is_not_read_does_not_matter(policy, path):
    assert judge(InProcessEvaluator(), policy, [snapshot(unobserved=unobserved(path))])[0].code == Code.PASSED


def test_a_fact_that_was_not_recorded_is_an_error(policy):
    judgement = judge(InProcessEvaluator(), policy, [snapshot(recorded=(("deployment_found",),))])[0]

    assert (judgement.code, judgement.reason) == (Code.ERROR, Reason.FACT_NOT_RECORDED)
    assert judgement.message == "the fact `pods[*].restarts` was not recorded"


def test_more_than_needed_may_be_recorded(policy):
    recorded = (("deployment_found",), ("pods",))

    assert judge(InProcessEvaluator(), policy, [snapshot(recorded=recorded)])[0].code == Code.PASSED


def test_a_policy_that_reads_everything_needs_everything():
    policy = compile_policy("package t\n\nimport rego.v1\n\nallow if input[_] == 1\n", name="t.rego")

    assert missing_fact(policy, snapshot()) is None
    assert missing_fact(policy, snapshot(recorded=(("pods",),))).message == "the whole snapshot was not recorded"
    assert missing_fact(policy, snapshot(unobserved=unobserved("anything"))).reason == Reason.FACT_UNOBSERVED


def test_answers_keep_the_order_of_the_snapshots(policy):
    class NeverCalled:
        def evaluate(self, policy, batch):
            raise AssertionError

    missing = snapshot(unobserved=unobserved("pods"))
    batch = judge(InProcessEvaluator(), policy, [missing, snapshot(), missing])

    assert [batch[index].code for index in range(3)] == [Code.ERROR, Code.PASSED, Code.ERROR]
    assert len(judge(NeverCalled(), policy, [missing])) == 1
    assert len(judge(NeverCalled(), policy, [])) == 0
