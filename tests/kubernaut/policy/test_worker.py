"""The worker process: same answers, one verdict lost to a policy that hangs, nothing left behind."""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import psutil
import pytest
from helpers.policy_inputs import HEADER as H
from helpers.policy_inputs import POLICIES, documents
from hypothesis import given, settings
from hypothesis import strategies as st

from kubernaut.errors import EvaluatorError
from kubernaut.policy.batch import RowBatch
from kubernaut.policy.compiling import compile_policy
from kubernaut.policy.evaluating import InProcessEvaluator
from kubernaut.policy.rego_answers import BuildError
from kubernaut.policy.worker import client, compiler
from kubernaut.policy.worker.client import WorkerEvaluator
from kubernaut.policy.worker.limits import Limits
from kubernaut.policy.worker.pool import WorkerPool
from kubernaut.verdicts import Code, Judgement, Reason

IN_PROCESS = InProcessEvaluator()
HANGS = """allow if input.a == 1

allow if {
	input.hang
	some x in numbers.range(1, 30000)
	some y in numbers.range(1, 30000)
	x * y == 7919 * 7919 * 31
}

allow if {
	input.hog
	count(numbers.range(1, 100000000)) == 7
}
"""


def policy(body="allow if input.a == 1\n"):
    return compile_policy(H + body, name="p.rego")


@pytest.fixture(scope="module")
def evaluator():
    with WorkerEvaluator() as worker:
        yield worker


@pytest.mark.parametrize("name", POLICIES)
@given(rows=st.lists(documents(), max_size=12))
@settings(max_examples=10, deadline=None)
def test_the_worker_and_this_process_agree(evaluator, name, rows):
    compiled = compile_policy(POLICIES[name], name=f"{name}.rego")
    batch = RowBatch(rows)

    assert evaluator.evaluate(compiled, batch) == IN_PROCESS.evaluate(compiled, batch)


def test_large_batches_go_in_chunks(evaluator, monkeypatch):
    monkeypatch.setattr(client, "CHUNK_INPUTS", 7)
    rows = [{"a": index % 3} for index in range(100)]
    batch = evaluator.evaluate(policy(), RowBatch(rows))

    assert [batch[index].code == Code.PASSED for index in range(100)] == [row["a"] == 1 for row in rows]


def test_an_empty_batch_needs_no_worker():
    with WorkerEvaluator() as worker:
        assert len(worker.evaluate(policy(), RowBatch([]))) == 0
        assert worker.worker_pid is None


def test_unusable_inputs_stay_in_their_place(evaluator):
    batch = evaluator.evaluate(policy(), RowBatch([{"a": 1}, {"a": float("nan")}, {"a": 1}]))

    assert [batch[index].code for index in range(3)] == [Code.PASSED, Code.ERROR, Code.PASSED]


def test_a_policy_that_hangs_costs_one_verdict():
    with WorkerEvaluator(Limits(wall_time_s=0.3)) as worker:
        rows = [{"a": 1}] * 40 + [{"hang": True}] + [{"a": 2}] * 40
        batch = worker.evaluate(policy(HANGS), RowBatch(rows))

        assert [batch[index].code for index in range(81)] == [Code.PASSED] * 40 + [Code.ERROR] + [Code.FAILED] * 40
        assert batch[40] == Judgement(
            Code.ERROR, Reason.LIMIT_EXCEEDED, "the policy took longer than 0.3 s on this input"
        )
        assert worker.restarts == 1


def test_a_policy_that_eats_memory_costs_one_verdict():
    with WorkerEvaluator(Limits(wall_time_s=20, memory_mib=200)) as worker:
        batch = worker.evaluate(policy(HANGS), RowBatch([{"a": 1}, {"hog": True}, {"a": 2}]))

        assert [batch[index].code for index in range(3)] == [Code.PASSED, Code.ERROR, Code.FAILED]
        assert batch[1].message == "the policy took more than 200 MiB of memory on this input"


def test_a_policy_that_always_hangs_does_not_hang_for_every_input():
    with WorkerEvaluator(Limits(wall_time_s=0.1, failures=2)) as worker:
        batch = worker.evaluate(policy(HANGS), RowBatch([{"hang": True}] * 30))

        assert {batch[index].reason for index in range(30)} == {Reason.LIMIT_EXCEEDED}
        assert batch[29].message == "not run: the policy hit its limits 2 times in this batch"
        assert worker.restarts == 2


def test_a_batch_has_a_time_limit_of_its_own():
    with WorkerEvaluator(Limits(wall_time_s=0.2, batch_time_s=0.1)) as worker:
        batch = worker.evaluate(policy(HANGS), RowBatch([{"hang": True}, {"a": 1}]))

        assert batch[1].message == "not run: the batch took longer than 0.1 s"


def test_a_killed_worker_loses_nothing():
    with WorkerEvaluator() as worker:
        worker.evaluate(policy(), RowBatch([{"a": 1}]))
        first = worker.worker_pid
        os.kill(first, signal.SIGKILL)

        assert worker.evaluate(policy(), RowBatch([{"a": 1}]))[0].code == Code.PASSED
        assert worker.worker_pid != first


def test_a_worker_killed_at_work_loses_nothing():
    with WorkerEvaluator() as worker:
        worker.evaluate(policy(), RowBatch([{"a": 1}]))
        rows = [{"a": index % 2} for index in range(30_000)]
        threading.Timer(0.15, os.kill, (worker.worker_pid, signal.SIGKILL)).start()
        batch = worker.evaluate(policy(), RowBatch(rows))

        assert [batch[index].code == Code.PASSED for index in range(len(rows))] == [row["a"] == 1 for row in rows]
        assert worker.restarts == 1


def test_an_input_that_ends_the_worker_twice_is_blamed(monkeypatch):
    with WorkerEvaluator() as worker:
        run = worker._run

        def dies_on_two(compiled, texts, *, careful):
            done = run(compiled, texts[: texts.index('{"a":2}')] if '{"a":2}' in texts else texts, careful=careful)
            if '{"a":2}' not in texts:
                return done
            worker._drop()
            return done._replace(end="died")

        monkeypatch.setattr(worker, "_run", dies_on_two)
        batch = worker.evaluate(policy(), RowBatch([{"a": 1}, {"a": 2}, {"a": 1}]))

        assert [batch[index].code for index in range(3)] == [Code.PASSED, Code.ERROR, Code.PASSED]
        assert "ended its evaluator" in batch[1].message


def test_a_policy_the_worker_forgot_is_sent_again(evaluator):
    compiled = policy("allow if input.a == 77\n")
    evaluator._live().loaded.add(compiled.digest)

    assert evaluator.evaluate(compiled, RowBatch([{"a": 77}]))[0].code == Code.PASSED


def test_closing_leaves_no_process_and_no_open_file():
    me = psutil.Process()
    before = me.num_fds()
    for _ in range(3):
        with WorkerEvaluator(Limits(wall_time_s=0.1)) as worker:
            worker.evaluate(policy(HANGS), RowBatch([{"a": 1}, {"hang": True}, {"a": 1}]))
            pid = worker.worker_pid
        assert not psutil.pid_exists(pid)

    assert me.num_fds() == before
    assert not [child for child in me.children() if child.status() == psutil.STATUS_ZOMBIE]


def test_forgetting_an_evaluator_ends_its_worker():
    worker = WorkerEvaluator()
    worker.evaluate(policy(), RowBatch([{"a": 1}]))
    pid = worker.worker_pid
    del worker

    assert not psutil.pid_exists(pid)


def test_a_closed_evaluator_says_so():
    worker = WorkerEvaluator()
    worker.close()
    worker.close()

    with pytest.raises(EvaluatorError, match="was closed"):
        worker.evaluate(policy(), RowBatch([{"a": 1}]))


def test_threads_share_a_worker(evaluator):
    rows = [{"a": index % 4} for index in range(2000)]
    alone = evaluator.evaluate(policy(), RowBatch(rows))
    results = []
    threads = [
        threading.Thread(target=lambda: results.append(evaluator.evaluate(policy(), RowBatch(rows)))) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert results == [alone] * 4


def test_a_fork_gets_a_worker_of_its_own(tmp_path):
    # In a process of its own: a fork of pytest would carry its threads' state.
    script = tmp_path / "forks.py"
    script.write_text(
        f"""
import os, sys
from kubernaut.policy.batch import RowBatch
from kubernaut.policy.compiling import compile_policy
from kubernaut.policy.worker.client import WorkerEvaluator
policy = compile_policy({H + "allow if input.a == 1"!r}, name="p.rego")
with WorkerEvaluator() as worker:
    worker.evaluate(policy, RowBatch([{{"a": 1}}]))
    parents = worker.worker_pid
    child = os.fork()
    if child == 0:
        passed = worker.evaluate(policy, RowBatch([{{"a": 1}}]))[0].code == "Passed"
        other = worker.worker_pid != parents
        worker.close()
        os._exit(0 if passed and other else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert worker.worker_pid == parents
    assert worker.evaluate(policy, RowBatch([{{"a": 1}}]))[0].code == "Passed"
"""
    )
    done = subprocess.run([sys.executable, script], capture_output=True, text=True, check=False, env=environment())

    assert (done.returncode, done.stderr) == (0, "")


def environment(**more):
    root = str(Path(__file__).parents[3])
    return {**os.environ, "PYTHONPATH": root, **more}


@pytest.mark.parametrize(("module", "expected"), [("program", {"kubernaut", "regopy"}), ("__main__", {"kubernaut"})])
def test_the_worker_imports_next_to_nothing_and_its_listener_no_evaluator(module, expected):
    code = f"import sys, kubernaut.policy.worker.{module}\nprint(*sorted(m.split('.')[0] for m in sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment())
    foreign = set(done.stdout.split()) - set(sys.stdlib_module_names) - {"__main__"}

    # What the environment's own start-up hooks bring is not ours.
    bare = subprocess.run(
        [sys.executable, "-c", "import sys\nprint(*{m.split('.')[0] for m in sys.modules})"],
        capture_output=True,
        text=True,
        check=True,
        env=environment(),
    )
    assert foreign - set(bare.stdout.split()) == expected


@pytest.mark.slow
def test_many_policies_are_not_blamed_for_the_memory_that_they_take_together():
    body = (
        'allow if { some x in input.items; x.n >= 3; x.n <= input.a; sprintf("%v", [x.n]) != "" }\n'
        "allow if { count([x | some x in input.items; x.n > 7]) > 2; max([x.n | some x in input.items]) < 9 }\n"
    )
    policies = [policy(body + f"# {number}\n") for number in range(30)]
    with WorkerEvaluator(Limits(memory_mib=64)) as worker:
        for compiled in [*policies, *policies[:3]]:
            assert worker.evaluate(compiled, RowBatch([{"items": [], "a": 1}]))[0].code is Code.FAILED

        assert worker.restarts == 0


def test_the_worker_inherits_no_secrets(monkeypatch):
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "s3cret")
    with WorkerEvaluator() as worker:
        worker.evaluate(policy(), RowBatch([{"a": 1}]))

        assert "AWS_SECRET_ACCESS_KEY" not in psutil.Process(worker.worker_pid).environ()


def test_nothing_is_printed(capfd):
    with WorkerEvaluator(Limits(wall_time_s=0.1)) as worker:
        worker.evaluate(policy(HANGS), RowBatch([{"a": 1}, {"hang": True}]))
        worker.evaluate(policy("allow if to_number(input.a) > 1\n"), RowBatch([{"a": "x"}]))

    assert capfd.readouterr() == ("", "")


def test_a_listener_serves_a_second_container(tmp_path):
    path = tmp_path / "policy.sock"
    command = [sys.executable, "-m", "kubernaut.policy.worker", "--socket", str(path), "--memory-mib", "300"]
    listener = subprocess.Popen(command, env=environment())
    try:
        with WorkerEvaluator(Limits(wall_time_s=0.3), socket_path=str(path)) as worker:
            batch = worker.evaluate(policy(HANGS), RowBatch([{"a": 1}, {"hang": True}, {"a": 1}]))

            assert [batch[index].code for index in range(3)] == [Code.PASSED, Code.ERROR, Code.PASSED]
            assert worker.worker_pid is None
        assert path.stat().st_mode & 0o777 == 0o600
    finally:
        listener.terminate()
        listener.wait()


def test_nobody_listens(tmp_path):
    worker = WorkerEvaluator(Limits(connect_time_s=0.1), socket_path=str(tmp_path / "nobody.sock"))

    with pytest.raises(EvaluatorError, match="no policy worker listens at"):
        worker.evaluate(policy(), RowBatch([{"a": 1}]))


def test_somebody_else_listens(tmp_path):
    path = str(tmp_path / "other.sock")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(path)
        listener.listen()

        def answer():
            connection, _ = listener.accept()
            with connection:
                connection.recv(100)
                connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")

        thread = threading.Thread(target=answer)
        thread.start()
        with pytest.raises(EvaluatorError, match="does not answer"):
            WorkerEvaluator(Limits(start_time_s=1), socket_path=path).evaluate(policy(), RowBatch([{"a": 1}]))
        thread.join()


@pytest.mark.parametrize(
    ("program", "message"),
    [("", "does not know its own program file"), ("/nowhere/python", "cannot be started"), ("/bin/false", "ended at once|does not answer")],
)  # fmt: skip
def test_a_worker_that_cannot_be_started(monkeypatch, program, message):
    compiled = policy()
    monkeypatch.setattr(sys, "executable", program)

    with pytest.raises(EvaluatorError, match=message):
        WorkerEvaluator().evaluate(compiled, RowBatch([{"a": 1}]))


def test_another_version_is_refused(monkeypatch):
    compiled = policy()
    monkeypatch.setattr("kubernaut.policy.worker.process.PROTOCOL", 99)

    with pytest.raises(EvaluatorError, match="speaks protocol 3, this engine 99"):
        WorkerEvaluator().evaluate(compiled, RowBatch([{"a": 1}]))


def test_plans_are_built_in_the_worker(evaluator):
    plan = evaluator.build_plan("t", {"t.rego": "package t\nallow := true\n"})

    assert plan["plans"]["plans"][0]["name"] == "t/allow"
    with pytest.raises(BuildError) as caught:
        evaluator.build_plan("t", {"t.rego": "package t\nallow := := 1\n"})
    assert caught.value.problems[0].file == "t.rego"


def test_a_compiler_that_takes_too_long_is_ended(monkeypatch):
    monkeypatch.setattr(client, "_COMPILE_TIME_S", 0.2)
    source = "package t\nallow if {\n" + "input.x == 1\n" * 4000 + "}\n"
    with WorkerEvaluator() as worker:
        with pytest.raises(BuildError, match=r"compiling it took more than 0.2 s"):
            worker.build_plan("t", {"t.rego": source})
        assert worker.build_plan("t", {"t.rego": "package t\nallow := true\n"})


def test_the_shared_compiler_starts_again_after_a_stop():
    compiler.stop()
    plan = compiler.build_plan("t", {"t.rego": "package t\nallow := true\n"})
    compiler.stop()

    assert plan["static"]


def test_a_pool_gives_the_same_answers_in_order():
    rows = [{"a": index % 5} for index in range(2000)]
    with WorkerPool(2) as pool, WorkerEvaluator() as worker:
        assert pool.evaluate(policy(), RowBatch(rows)) == worker.evaluate(policy(), RowBatch(rows))
        assert len(pool.evaluate(policy(), RowBatch(rows[:3]))) == 3


@pytest.mark.slow
def test_memory_stays_flat_in_a_process_that_has_pandas_first(tmp_path):
    script = tmp_path / "notebook.py"
    script.write_text(
        f"""
import pandas, pyarrow, psutil
from kubernaut.policy.batch import RowBatch
from kubernaut.policy.compiling import compile_policy
from kubernaut.policy.worker.client import WorkerEvaluator
policy = compile_policy({POLICIES["pods"]!r}, name="p.rego")
rows = [{{"pods": [{{"name": "p", "status": "Running"}}] * 4, "n": n}} for n in range(5000)]
with WorkerEvaluator() as worker:
    worker.evaluate(policy, RowBatch(rows))
    process = psutil.Process(worker.worker_pid)
    before = process.memory_info().rss
    for _ in range(4):
        worker.evaluate(policy, RowBatch(rows))
    print((process.memory_info().rss - before) / 20000)
"""
    )
    done = subprocess.run([sys.executable, script], capture_output=True, text=True, check=True, env=environment())

    # Loaded after numpy it would be about 9,500 bytes an evaluation.
    assert float(done.stdout) < 200


def test_a_worker_without_a_client_ends():
    worker = WorkerEvaluator()
    worker.evaluate(policy(), RowBatch([{"a": 1}]))
    process = worker._process
    process._connection.close()
    deadline = time.monotonic() + 5
    while process._child.poll() is None and time.monotonic() < deadline:
        time.sleep(0.01)

    assert process._child.poll() == 0
    worker.close()
