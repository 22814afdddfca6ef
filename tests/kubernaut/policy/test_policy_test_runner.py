"""Running a policy's test file: what passes, what fails with which words and where, what is refused."""

import pytest

from kubernaut.errors import PolicyError
from kubernaut.policy.evaluating import InProcessEvaluator
from kubernaut.policy.testing import NamedSource, run_tests

POLICY = """package p
import rego.v1
default allow := false
allow if input.x > 1
fatal if input.x < 0
error_message := sprintf("x is %d", [input.x]) if not allow
"""
CASES_RULE = """
test_cases[name] if {
	some name, case in cases
	answer := {rule: data.p[rule] | some rule in ["allow", "fatal", "error_message"]} with input as case.input
	object.get(answer, "allow", false) == case.allow
}
"""


def run(tests, policy=POLICY):
    return run_tests(
        policy=NamedSource(name="p.rego", source=policy),
        tests=NamedSource(name="p_test.rego", source=tests),
        evaluator=InProcessEvaluator(),
    )


def cases(text):
    return f"package p_test\n\nimport rego.v1\n\ncases := {{\n{text}\n}}\n{CASES_RULE}"


def refused(tests, policy=POLICY):
    with pytest.raises(PolicyError) as caught:
        run(tests, policy)
    return str(caught.value)


def test_cases_pass_in_the_order_of_the_file_with_their_places():
    results = run(
        cases(
            '\t"two": {"input": {"x": 2}, "allow": true},\n\t"one": {"input": {"x": 1}, "allow": false, "message": "x is 1"},'
        )
    )

    assert [(one.name, one.passed, str(one.place)) for one in results] == [
        ("two", True, "p_test.rego:6:2"),
        ("one", True, "p_test.rego:7:2"),
    ]


@pytest.mark.parametrize(
    ("case", "message"),
    [
        ('{"input": {"x": 1}, "allow": true}', "expected Passed, got Failed: x is 1"),
        ('{"input": {"x": 2}, "allow": false}', "expected Failed, got Passed"),
        ('{"input": {"x": 1}, "allow": false, "message": "y"}', "expected a message with 'y', got 'x is 1'"),
        ('{"input": {"x": -1}, "allow": false}', "expected fatal to be false, got true: x is -1"),
        ('{"input": {"x": 1}, "allow": false, "fatal": true}', "expected fatal to be true, got false: x is 1"),
    ],
)
def test_a_failing_case_says_what_was_expected_and_what_came(case, message):
    (result,) = run(cases(f'\t"one": {case},'))

    assert not result.passed
    assert result.message == message


def test_a_case_that_cannot_be_judged_fails():
    (result,) = run(cases('\t"one": {"input": {"x": 1}, "allow": true},'), "package p\nallow := 5\n")

    assert "expected Passed, got Error" in result.message


def test_names_that_are_computed_stand_where_the_cases_do():
    tests = (
        'package p_test\nimport rego.v1\n\ncases[name] := {"input": {"x": 2}, "allow": true} if {\n\tname := "two"\n}\n'
    )

    (result,) = run(tests)

    assert (result.name, result.passed, str(result.place)) == ("two", True, "p_test.rego:4:1")


def test_plain_rules_are_asked_as_they_stand():
    tests = "package p_test\nimport rego.v1\ntest_right if 1 == 1\ntest_wrong if 1 == 2\ntest_number := 5\ntest_broken if count(5) == 1\n"

    results = {one.name: one for one in run(tests)}

    assert results["test_right"].passed
    assert results["test_wrong"].message == "a line of it does not hold"
    assert results["test_number"].message == "it is 5, not true"
    assert results["test_broken"].message.startswith("error: ")
    assert str(results["test_wrong"].place) == "p_test.rego:4:1"


def test_plain_rules_order_values_as_policies_do():
    tests = "package p_test\nimport rego.v1\ntest_order if {\n\tnot null >= 3\n\tmax([2000, 405]) == 2000\n}"

    assert run(tests)[0].passed


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("package p_test\nvalue := 1\n", "this file tests nothing"),
        ("package p_test\ncases := {}\n", "`cases` must be an object of at least one case"),
        ('package p_test\ncases := {"a": {"allow": true}}\n', "case 'a': `input` must be an object"),
        ('package p_test\ncases := {"a": {"input": {}}}\n', "case 'a': `allow` must be true or false"),
        ('package p_test\ncases := {"a": {"input": {}, "allow": true, "mesage": ""}}\n', "unknown field `mesage`"),
        ('package p_test\ncases := {"a": {"input": {}, "allow": true, "message": 1}}\n', "`message` must be a string"),
        ("package p_test\ncases := count(5)\n", "`cases` must be an object of at least one case"),
        (
            "package p_test\nimport rego.v1\ntest_a if data.p.allow with input as {}\n",
            "write the inputs as data in a rule `cases`",
        ),
        ("package p_test\ntest_a if (\n", "never closed"),
        ("package p_test\ntest_a if 1 == == 2\n", "p_test.rego"),
        ("", "empty"),
    ],
)
def test_a_file_that_cannot_be_run_says_why(text, message):
    assert message in refused(text)


def test_a_policy_that_does_not_load_is_named():
    assert "p.rego" in refused(cases('\t"one": {"input": {}, "allow": true},'), "package p\nallow if no_such(1)\n")
