"""The operator's evaluator: judges in workers, goes on when one hangs, and answers with Errors when none is there."""

import subprocess
import sys
import threading
import time

import pytest
import structlog
from kubernaut_operator.condition_sets.compiling import PolicyCompiler
from kubernaut_operator.condition_sets.evaluator import OPERATOR_LIMITS, EvaluatorPool

from kubernaut.policy.batch import RowBatch
from kubernaut.policy.worker.limits import Limits
from kubernaut.verdicts import Code, Reason

GOOD = "package precondition.x\n\nimport rego.v1\n\nallow if input.deployment_found\n"
HANGS = """package precondition.y

import rego.v1

allow if {
  some x in numbers.range(1, 30000)
  some y in numbers.range(1, 30000)
  x * y == 7919 * 7919 * 31
}
"""
GREEDY = "package precondition.z\n\nimport rego.v1\n\nallow if count(numbers.range(1, 100000000)) > 0\n"
FOUND = RowBatch([{"deployment_found": True}])


@pytest.fixture(scope="module")
def policies():
    compiler = PolicyCompiler(limits=OPERATOR_LIMITS)
    made = {
        name: compiler(text, name=f"{name}.rego", libraries={})
        for name, text in {"good": GOOD, "hangs": HANGS, "greedy": GREEDY}.items()
    }
    compiler.close()
    return made


@pytest.fixture
def pool():
    limits = Limits(wall_time_s=2.0, memory_mib=128, failures=2)
    pool = EvaluatorPool(size=2, limits=limits, patience_s=0.1, idle_s=0.3)
    yield pool
    pool.close()


def test_it_judges(pool, policies):
    found = pool.evaluate(policies["good"], RowBatch([{"deployment_found": True}, {"deployment_found": False}]))

    assert [found[index].code for index in range(2)] == [Code.PASSED, Code.FAILED]
    assert (pool.workers, pool.restarts, pool.available()) == (1, 0, "")


def test_one_that_hangs_costs_a_verdict_and_nobody_waits_for_it(pool, policies):
    pool.evaluate(policies["good"], FOUND)
    answers = []
    hanging = threading.Thread(target=lambda: answers.append(pool.evaluate(policies["hangs"], FOUND)[0]))
    hanging.start()
    time.sleep(0.3)

    for _ in range(5):
        assert pool.evaluate(policies["good"], FOUND)[0].code is Code.PASSED
    assert (answers, pool.workers) == ([], 2)

    hanging.join()
    assert answers[0].reason is Reason.LIMIT_EXCEEDED
    until = time.monotonic() + 10
    while pool.workers > 1:
        assert time.monotonic() < until
        time.sleep(0.05)
    assert pool.restarts == 1


def test_many_at_once_share_one_worker(policies):
    pool = EvaluatorPool(patience_s=5.0)
    threads = [threading.Thread(target=pool.evaluate, args=(policies["good"], FOUND)) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert pool.workers == 1
    pool.close()


def test_those_who_wait_for_a_worker_are_answered_at_the_end(policies):
    pool = EvaluatorPool(size=1, limits=Limits(wall_time_s=1.0), patience_s=0.05)
    answers = []
    threads = [
        threading.Thread(target=lambda name=name: answers.append(pool.evaluate(policies[name], FOUND)[0]))
        for name in ("hangs", "good")
    ]
    for thread in threads:
        thread.start()
        time.sleep(0.2)

    pool.close()

    for thread in threads:
        thread.join(10)
    assert {answer.code for answer in answers} == {Code.ERROR}


def test_one_that_eats_memory_costs_a_verdict(pool, policies):
    answer = pool.evaluate(policies["greedy"], FOUND)[0]

    assert (answer.code, answer.reason) == (Code.ERROR, Reason.LIMIT_EXCEEDED)
    assert "128 MiB" in answer.message
    assert pool.evaluate(policies["good"], FOUND)[0].code is Code.PASSED


def test_after_the_end_there_are_only_errors(pool, policies):
    pool.close()

    answer = pool.evaluate(policies["good"], FOUND)[0]

    assert (answer.code, answer.reason) == (Code.ERROR, Reason.EVALUATOR_UNAVAILABLE)


def test_a_container_that_is_away_gives_errors_at_once_and_is_found_again(tmp_path, policies):
    path = tmp_path / "policy.sock"
    pool = EvaluatorPool(socket_path=str(path))
    with structlog.testing.capture_logs() as logged:
        began = time.monotonic()
        answers = [pool.evaluate(policies["good"], FOUND)[0] for _ in range(20)]

    assert time.monotonic() - began < 1.0
    assert {answer.reason for answer in answers} == {Reason.EVALUATOR_UNAVAILABLE}
    assert f"no policy worker listens at {path}" in answers[0].message
    assert "no policy worker listens" in pool.available()
    assert [entry["event"] for entry in logged] == ["the policy worker is away: conditions are Errors meanwhile"]

    container = subprocess.Popen([sys.executable, "-m", "kubernaut.policy.worker", f"--socket={path}"])
    try:
        until = time.monotonic() + 20
        with structlog.testing.capture_logs():
            while pool.available():
                assert time.monotonic() < until
                time.sleep(0.1)
        assert pool.evaluate(policies["good"], FOUND)[0].code is Code.PASSED
        assert path.stat().st_mode & 0o777 == 0o600
    finally:
        pool.close()
        container.terminate()
        container.wait()
