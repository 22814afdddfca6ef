from kubernaut.facts.snapshot import Snapshot, Unobserved, UnobservedReason
from kubernaut.judging import missing_fact
from kubernaut.policy.compiling import compile_policy
from kubernaut.verification.kept_facts import kept_facts

SOURCE = """# METADATA
# title: X
# custom:
#   parameters:
#     least: {default: 1}
package precondition.x
import rego.v1
allow if {
    input.ready_pods >= input.settings.least
    every pod in input.pods { pod.ready }
}
"""
POLICY = compile_policy(SOURCE, name="x.rego")
WHY = Unobserved(UnobservedReason.TIMED_OUT, "slow")
WHOLE = Snapshot(
    facts={
        "ready_pods": 2,
        "total_pods": 3,
        "settings": {"least": 1, "other": 2},
        "pods": [{"name": "a", "ready": True}],
    },
    unobserved={"ready_nodes": WHY, "pods[1].ready": WHY, "pods[1].node": WHY},
)


def test_what_is_read_is_kept_and_what_is_missing_of_it():
    kept = kept_facts(WHOLE, POLICY, record_facts="read")

    assert kept.facts == {"ready_pods": 2, "settings": {"least": 1}, "pods": [{"ready": True}]}
    assert kept.unobserved == {"pods[1].ready": WHY}
    assert kept.recorded == POLICY.reads
    assert missing_fact(POLICY, kept) == missing_fact(POLICY, WHOLE)


def test_all_keeps_all():
    assert kept_facts(WHOLE, POLICY, record_facts="all") is WHOLE


def test_a_policy_that_reads_everything_keeps_everything():
    everything = compile_policy("package x\nimport rego.v1\nallow if count(input) > 1\n", name="x.rego")

    assert kept_facts(WHOLE, everything, record_facts="read") is WHOLE
