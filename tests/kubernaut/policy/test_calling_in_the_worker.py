"""The tracer's builtins run in the worker: a process that has loaded pandas before would end otherwise."""

import subprocess
import sys

import pytest

from kubernaut.policy.calling import BuiltinError, call_builtin
from kubernaut.policy.rego_answers import BuildError
from kubernaut.policy.values import UNDEFINED
from kubernaut.policy.worker.client import WorkerEvaluator

AFTER_PANDAS = """
import pandas, pyarrow, scipy.stats
from kubernaut.policy.compiling import compile_policy
from kubernaut.policy.tracing import explain
source = '''package a
import rego.v1
default allow := false
allow if startswith(sprintf("%d", [input.n]), "2")
'''
print(explain(compile_policy(source, name="a.rego"), {"n": 1}))
"""


def test_a_trace_survives_libraries_with_a_runtime_of_their_own():
    done = subprocess.run([sys.executable, "-c", AFTER_PANDAS], capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr
    assert "startswith" in done.stdout


def test_answers_are_those_of_the_evaluator():
    assert call_builtin("sprintf", ["%d of %d", [1, 2]]) == "1 of 2"
    assert call_builtin("to_number", ["1.5"]) == 1.5


def test_refusals_are_errors_and_nothing_is_undefined():
    with pytest.raises(BuiltinError):
        call_builtin("to_number", ["x"])
    with pytest.raises(BuiltinError):
        call_builtin("no_such_builtin", [1])
    assert call_builtin("internal.member_2", [1, [2]]) in {False, UNDEFINED}


def test_a_source_that_does_not_compile_is_a_build_error():
    with WorkerEvaluator() as worker, pytest.raises(BuildError):
        worker.call("package a\nallow :=", package="a", arguments="[]")
