"""`kubernaut explain`: one record to the line that stopped it, by its own policy and by another."""

import json
from datetime import timedelta

import pytest
import yaml
from helpers.command_line import kubernaut
from helpers.rows import START, attempt, evaluation, policy, run_key, whole_run
from kubernaut_simulator.history.history import History

from kubernaut.history.rows import RowKind
from kubernaut.identity import Level, Phase
from kubernaut.policy.compiling import compile_policy
from kubernaut.verdicts import Attempt, Reason, Verdict

READY = """package postcondition.ready

import rego.v1

default allow := false

allow if {
	input.target_replicas > 0
	input.ready_pods >= input.target_replicas
}

error_message := sprintf("%d of %d pods ready", [input.ready_pods, input.target_replicas]) if not allow
"""
TYPE = "desired_replicas_running"
POST = {"level": Level.STEP, "phase": Phase.POST, "type": TYPE}
DIGEST = compile_policy(READY, name="ready.rego").digest


def looks_of(n, ready, *, every_s=10.0):
    """Give the looks of a postcondition of the n-th run, one per number of ready pods."""
    key = run_key(n)
    for slot, pods in enumerate(ready):
        at = START + timedelta(minutes=n, seconds=1 + slot * every_s)
        passed = pods is not None and pods >= 3
        yield attempt(
            n,
            slot=slot,
            **POST,
            record_id=key.attempt_id(Level.STEP, Phase.POST, TYPE, slot=slot),
            evaluation_id=key.evaluation_id(Level.STEP, Phase.POST, TYPE),
            recorded_at=at,
            read_started_at=at,
            read_at=at + timedelta(milliseconds=50),
            policy_digest=DIGEST,
            facts={"target_replicas": 3} if pods is None else {"ready_pods": pods, "target_replicas": 3},
            unobserved={"ready_pods": "TimedOut: the pods could not be listed"} if pods is None else {},
            recorded_paths=("ready_pods", "target_replicas"),
            result=Attempt.ERROR if pods is None else Attempt.PASSED if passed else Attempt.NOT_YET,
            reason=(Reason.FACT_UNOBSERVED if pods is None else Reason.ALLOWED if passed else Reason.NOT_ALLOWED).value,
            message="" if passed else f"{pods} of 3 pods ready",
        )


def postcondition(n, ready, **changes):
    looks = list(looks_of(n, ready))
    passed = next((look for look in looks if look.result is Attempt.PASSED), None)
    end = passed or looks[-1]
    started = START + timedelta(minutes=n)
    values = {
        "record_id": looks[0].evaluation_id,
        **POST,
        "policy_digest": DIGEST,
        "verdict": Verdict.PASSED if passed else Verdict.FAILED,
        "reason": (Reason.ALLOWED if passed else Reason.DEADLINE_EXCEEDED).value,
        "message": "" if passed else end.message,
        "started_at": started,
        "read_at": end.read_at,
        "elapsed_s": (end.read_at - started).total_seconds(),
        "deadline": started + timedelta(seconds=30),
        "timeout_s": 30.0,
        "attempts": end.slot + 1,
        "time_to_pass_s": (passed.read_started_at - started).total_seconds() if passed else None,
        "held_since": passed.read_started_at if passed else None,
    }
    return [*looks, evaluation(n, **(values | changes))]


@pytest.fixture
def history(tmp_path):
    rows = [
        policy(),
        policy(record_id="ready", digest=DIGEST, **POST, source=READY, metadata={}),
        *(row for n in range(3) for row in whole_run(n)),
        *postcondition(0, [1, 2, 3]),
        *postcondition(1, [0, 1, 2, 2]),
        *postcondition(2, [2, None, 2, None]),
    ]
    History.from_rows(rows).to_jsonl(tmp_path / "history")
    return tmp_path / "history"


def record(n, slot=None):
    key = run_key(n)
    if slot is None:
        return key.evaluation_id(Level.STEP, Phase.POST, TYPE)
    return key.attempt_id(Level.STEP, Phase.POST, TYPE, slot=slot)


def explained(history, *arguments):
    ran = kubernaut("explain", *arguments, history, "-o", "json")
    assert ran.code == 0, ran.err
    return json.loads(ran.out)


def test_a_failure_to_the_line_that_did_not_hold(history):
    document = explained(history, record(1)[:10])

    assert document["record"] == record(1)
    assert document["source"] == "replayed"
    assert (document["now"]["verdict"], document["now"]["reason"]) == ("Failed", "DeadlineExceeded")
    assert document["now"]["message"] == "2 of 3 pods ready"
    assert document["differences"] == []
    assert document["trace"]["lines"][0]["text"] == "input.ready_pods >= input.target_replicas"
    assert document["trace"]["lines"][0]["values"] == [
        {"name": "input.ready_pods", "there": True, "value": 2},
        {"name": "input.target_replicas", "there": True, "value": 3},
    ]
    assert [fact["path"] for fact in document["facts"]] == ["ready_pods", "target_replicas"]
    assert [(look["offsetSeconds"], look["now"]) for look in document["looks"]] == [
        (1.0, "NotYet"),
        (11.0, "NotYet"),
        (21.0, "NotYet"),
        (31.0, "NotYet"),
    ]


def test_the_same_as_text(history):
    ran = kubernaut("explain", record(1), history)

    assert ran.code == 0
    assert "verdict    Failed (DeadlineExceeded): 2 of 3 pods ready\n" in ran.out
    assert "recorded   the same\n" in ran.out
    assert ":9:2: input.ready_pods >= input.target_replicas\n" in ran.out
    assert "  ready_pods       2\n" in ran.out
    assert "   2   21.00  NotYet    NotYet    2 of 3 pods ready\n" in ran.out
    assert "*    3   31.00  NotYet" in ran.out


def test_a_pass_has_no_line(history):
    document = explained(history, record(0))

    assert document["now"]["verdict"] == "Passed"
    assert document["now"]["timeToPassSeconds"] == 21.05
    assert document["trace"] is None


def test_one_attempt_tells_of_that_look(history):
    document = explained(history, record(1, slot=0))

    assert (document["look"]["slot"], document["look"]["message"]) == (0, "0 of 3 pods ready")
    assert document["facts"][0] == {"path": "ready_pods", "state": "value", "value": 0}


def test_an_unobserved_fact_is_no_value_and_the_last_real_reason_is_told(history):
    document = explained(history, record(2))
    error = explained(history, record(2, slot=1))

    assert (document["look"]["slot"], document["look"]["message"]) == (2, "2 of 3 pods ready")
    assert (error["look"]["result"], error["look"]["reason"]) == ("Error", "FactUnobserved")
    assert {"path": "ready_pods", "state": "TimedOut: the pods could not be listed", "value": None} in error["facts"]
    assert error["trace"] is None


def conditions(tmp_path, rego, **settings):
    path = tmp_path / "other.yaml"
    text = yaml.safe_dump(
        {
            "version": 1,
            "actions": {"scale_deployment": {"post": {TYPE: {"required": True, "timeout": "30s"} | settings}}},
        }
    )
    data = {"settings.yaml": text, f"scale_deployment.post.{TYPE}.rego": rego}
    metadata = {"name": "kubernaut-workflow-conditions"}
    path.write_text(yaml.safe_dump({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data}))
    return path


def test_another_policy_and_what_it_changes(history, tmp_path):
    other = conditions(tmp_path, READY.replace(">= input.target_replicas", ">= input.target_replicas - 1"))

    document = explained(history, record(1), "-f", other)

    assert document["now"]["verdict"] == "Passed"
    assert document["recorded"]["verdict"] == "Failed"
    assert document["differences"] == [
        f"another policy: recorded {DIGEST[:12]}, now {document['policy']['digest'][:12]}",
        "another verdict: recorded Failed, now Passed",
        "2 of 4 looks judged differently, the first at 21 s: recorded NotYet, now Passed",
    ]


def test_a_line_of_a_configmap_is_named_by_its_key(history, tmp_path):
    document = explained(history, record(1), "-f", conditions(tmp_path, READY))

    line = document["trace"]["lines"][0]
    assert line["place"] == f"kubernaut-workflow-conditions/scale_deployment.post.{TYPE}.rego:9:2"
    assert line["text"] == "input.ready_pods >= input.target_replicas"


def test_other_times_are_named(history, tmp_path):
    document = explained(history, record(1), "-f", conditions(tmp_path, READY, timeout="15s"))

    assert document["now"]["verdict"] == "Failed"
    assert document["differences"] == ["another timeout: recorded 30 s, now 15 s"]


def test_a_deadline_between_two_looks_of_which_the_second_passes_cannot_be_answered(history, tmp_path):
    document = explained(history, record(0), "-f", conditions(tmp_path, READY, timeout="15s"))

    assert document["source"] == "not replayable"
    assert document["whyNotReplayed"] == "the record has no look on the new deadline"


def test_a_policy_that_reads_what_was_not_recorded(history, tmp_path):
    rego = READY.replace("input.target_replicas > 0", "input.deployment_found")

    document = explained(history, record(1), "-f", conditions(tmp_path, rego))

    assert document["source"] == "not replayable"
    assert document["whyNotReplayed"] == "the fact `deployment_found` was not recorded"
    assert {"path": "deployment_found", "state": "not recorded", "value": None} in document["facts"]
    assert (
        "not replayable: the fact `deployment_found` was not recorded"
        in kubernaut("explain", record(1), history, "-f", conditions(tmp_path, rego)).out
    )


def test_a_policy_whose_source_is_gone(history):
    (history / "policies.jsonl").unlink()

    document = explained(history, record(1))

    assert (document["policy"], document["source"]) == (None, "as recorded")
    assert document["whyNotReplayed"] == "its policy's source is not in the history"
    assert kubernaut("explain", record(1), history).code == 0


@pytest.mark.parametrize("output", ["table", "wide", "yaml", "csv", "html"])
def test_every_format(history, output):
    ran = kubernaut("explain", record(1), history, "-o", output)

    assert ran.code == 0
    assert "2 of 3 pods ready" in ran.out


def test_records_are_found_by_a_list(history):
    ran = kubernaut("explain", "--list", "--verdict", "failed", "--condition", "post/", history, "-o", "csv")
    limited = kubernaut("explain", "--list", history, "--limit", 1)

    assert [line.split(",")[0] for line in ran.out.splitlines()] == ["record", record(2), record(1)]
    assert limited.err == "1 of 6 evaluations, the newest first; --limit shows more\n"


def test_what_is_not_there(history, tmp_path):
    prefix = kubernaut("explain", "", history)
    nothing = kubernaut("explain", "zzz", history)
    named = conditions(tmp_path, READY)
    pre = run_key(0).evaluation_id(Level.STEP, Phase.PRE, "deployment_exists")

    assert nothing.err == (
        "error: no evaluation and no attempt has an id that starts with 'zzz'; kubernaut explain --list names them\n"
    )
    assert (nothing.code, prefix.code) == (1, 1)
    assert "records have an id that starts with ''" in prefix.err
    assert kubernaut("explain", pre, history, "-f", named).err == (
        "error: the conditions do not name scale_deployment/step/pre/deployment_exists\n"
    )
    assert kubernaut("explain", record(0)).err.startswith("error: name a record and where its history is")
    assert kubernaut("explain", record(0), history, "--verdict", "Failed").code == 1
    assert "there are Passed, Failed" in kubernaut("explain", "--list", history, "--verdict", "no").err
    assert kubernaut("explain", "--list", history, "--verdict", "Censored").code == 1


def test_an_attempt_whose_evaluation_is_missing(history):
    (history / "evaluations.jsonl").unlink()

    ran = kubernaut("explain", record(1, slot=0), history)

    assert ran.code == 1
    assert (
        f"the evaluation {record(1)} that the attempt {record(1, slot=0)} belongs to is not in the history" in ran.err
    )


def test_a_list_of_everything_is_the_whole_history(history):
    rows = list(History.load(history).rows(RowKind.EVALUATIONS))

    listed = json.loads(kubernaut("explain", "--list", history, "-o", "json").out)

    assert {row["record"] for row in listed} == {row.record_id for row in rows}
