"""Compiling goes on in a worker that is there only while it is needed, and that may die."""

import os
import signal
import subprocess
import sys
import threading
import time

import pytest
from kubernaut_operator.condition_sets.compiling import PolicyCompiler
from kubernaut_operator.condition_sets.evaluator import OPERATOR_LIMITS

from kubernaut.errors import EvaluatorError, PolicyError

GOOD = "package precondition.x\n\nimport rego.v1\n\nallow if input.deployment_found == {}\n"


@pytest.fixture
def compiler():
    compiler = PolicyCompiler(limits=OPERATOR_LIMITS)
    yield compiler
    compiler.close()


def pid(compiler):
    worker = compiler._worker
    return None if worker is None else worker.worker_pid


def source(number):
    return GOOD.format(number)


def test_what_was_compiled_is_given_again(compiler):
    first = compiler(source(1), name="a.rego", libraries={})

    assert compiler(source(1), name="a.rego", libraries={}) is first
    assert compiler(source(1), name="b.rego", libraries={}) is not first
    assert first.reads == (("deployment_found",),)


def test_the_worker_ends_when_there_is_nothing_to_compile_and_starts_again():
    compiler = PolicyCompiler(limits=OPERATOR_LIMITS, idle_s=0.2)
    compiler(source(1), name="a.rego", libraries={})
    until = time.monotonic() + 10
    while pid(compiler) is not None:
        assert time.monotonic() < until
        time.sleep(0.05)

    assert compiler(source(2), name="a.rego", libraries={}).package == "precondition.x"
    compiler.close()


def test_a_worker_that_is_killed_costs_one_message(compiler):
    compiler(source(1), name="a.rego", libraries={})
    os.kill(pid(compiler), signal.SIGKILL)

    with pytest.raises(PolicyError, match=r"a\.rego: cannot be compiled: compiling it ended the compiler"):
        compiler(source(2), name="a.rego", libraries={})

    assert compiler(source(2), name="a.rego", libraries={}).package == "precondition.x"


def test_a_worker_that_is_away_is_said():
    compiler = PolicyCompiler(limits=OPERATOR_LIMITS, socket_path="/nowhere/policy.sock")

    with pytest.raises(EvaluatorError, match=r"no policy worker listens at /nowhere/policy\.sock"):
        compiler(source(1), name="a.rego", libraries={})
    compiler.close()


def test_neither_compiling_nor_judging_loads_the_evaluator_here():
    code = (
        "import sys, kubernaut_operator.condition_sets.wiring, kubernaut_operator.condition_sets.compiling, "
        "kubernaut_operator.condition_sets.evaluator\nprint('regopy' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout == "False\n"


def test_several_threads_share_it(compiler):
    made = []
    threads = [
        threading.Thread(target=lambda n=n: made.append(compiler(source(n), name="a.rego", libraries={})))
        for n in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len({policy.digest for policy in made}) == 4
