"""Order as in OPA where regopy goes by JSON text, in process and in the plan that is judged."""

import json

import pytest

from kubernaut.policy import corrections
from kubernaut.policy.batch import RowBatch
from kubernaut.policy.compiling import compile_policy
from kubernaut.policy.evaluating import InProcessEvaluator
from kubernaut.policy.rego_answers import BuildError
from kubernaut.policy.rego_engine import load_plan
from kubernaut.policy.tracing import Outcome, explain
from kubernaut.policy.worker.client import WorkerEvaluator
from kubernaut.verdicts import Code

HOLDS = [
    ("not input.x >= 3", {"x": None}),
    ("not input.x >= 3", {"x": True}),
    ("input.x >= 3", {"x": "3"}),
    ("input.x > 405", {"x": 2000}),
    ("max(input.x) == 2000", {"x": [2000, 405]}),
    ("min(input.x) == 9", {"x": [10, 9]}),
    ('max(input.x) == "a"', {"x": [5, "a", None]}),
    ("min(input.x) == null", {"x": [5, "a", None]}),
    ('sort(input.x) == ["a", "b"]', {"x": ["b", "a"]}),
    ('input.x < "a b"', {"x": "a"}),
    ("max({3, 10, 9}) == input.x", {"x": 10}),
    ("sum(input.x) == 6", {"x": [1, 2, 3]}),
    ("sum(input.x) == 0", {"x": []}),
    ("product({n | some n in input.x}) == 6", {"x": [1, 2, 3, 3]}),
]
UNDEFINED = [
    ("sort(input.x) == [9, 10]", {"x": [10, 9]}),
    ("input.x < [2]", {"x": [1]}),
    ("max(input.x) == 1", {"x": []}),
]


def judged(evaluator, expression, document):
    policy = compile_policy(f"package p\nallow if {expression}\n", name="p.rego")
    return evaluator.evaluate(policy, RowBatch([document]))[0].code


@pytest.mark.parametrize(("expression", "document"), HOLDS)
def test_values_are_ordered_as_in_opa(expression, document):
    assert judged(InProcessEvaluator(), expression, document) is Code.PASSED


@pytest.mark.parametrize(("expression", "document"), UNDEFINED)
def test_what_cannot_be_ordered_fails_closed(expression, document):
    assert judged(InProcessEvaluator(), expression, document) is Code.FAILED


@pytest.mark.parametrize("function", ["sum", "product"])
@pytest.mark.parametrize("comparison", ["> 2", "< 2", "== false", "!= 0"])
@pytest.mark.parametrize("values", [["x"], ["x", "y"], [1, "x"], ["x", 1], [None], [None, 3], [True], [[1]], [{}], "ab", None, {"a": 3}])  # fmt: skip
def test_what_cannot_be_added_is_an_error_never_a_number(function, comparison, values):
    document = {"x": values}
    policy = compile_policy(f"package p\nallow if {function}(input.x) {comparison}\n", name="p.rego")

    assert InProcessEvaluator().evaluate(policy, RowBatch([document]))[0].code is Code.ERROR
    assert explain(policy, document).outcome is Outcome.ERROR


def test_a_set_of_sets_cannot_be_added_either():
    assert judged(InProcessEvaluator(), "sum({{input.x}}) > 2", {"x": 1}) is Code.ERROR


def test_the_worker_orders_alike():
    with WorkerEvaluator() as worker:
        codes = {judged(worker, expression, document) for expression, document in HOLDS}

    assert codes == {Code.PASSED}


def test_a_policy_that_orders_nothing_stays_as_it_was_compiled():
    policy = compile_policy("package p\nallow if input.x == 1\n", name="p.rego")

    assert InProcessEvaluator().evaluate(policy, RowBatch([{"x": 1}]))[0].code is Code.PASSED


def test_digest_and_plan_are_those_of_the_text_that_the_user_wrote():
    policy = compile_policy("package p\nallow if input.x > 1\n", name="p.rego")

    assert policy.builtins == ("gt",)
    assert policy.libraries == {}


def test_a_comment_on_the_last_line_needs_no_newline():
    library = "package lib.few\nimport rego.v1\nfew(n) if n < 3 # nor here"
    source = "package p\nimport rego.v1\nallow if {\n\tinput.x > 1\n\tdata.lib.few.few(input.x)\n} # here"
    policy = compile_policy(source, name="p.rego", libraries={"lib.few.rego": library})
    batch = RowBatch([{"x": 2}, {"x": 3}])
    in_process = InProcessEvaluator().evaluate(policy, batch)
    with WorkerEvaluator() as worker:
        assert worker.evaluate(policy, batch) == in_process
        assert worker.restarts == 0

    assert [in_process[0].code, in_process[1].code] == [Code.PASSED, Code.FAILED]


def test_a_plan_that_cannot_be_loaded_is_said_so(tmp_path):
    with pytest.raises(BuildError):
        load_plan(str(tmp_path))


def test_only_what_a_policy_calls_is_put_into_its_plan(tmp_path):
    source = "package example\nallow if input.a <= 3\n"

    corrections._save_corrected(str(tmp_path), "example", {"p.rego": source}, ["allow"])

    plan = json.loads((tmp_path / "plan.json").read_text())
    assert [one["name"] for one in plan["plans"]["plans"]] == ["example/allow"]
    own = {one["name"].removeprefix("g0.data.system.kubernaut.") for one in plan["funcs"]["funcs"]}
    assert own == {"g0.data.example.allow", "less_or_equal", "order", "rank"}
