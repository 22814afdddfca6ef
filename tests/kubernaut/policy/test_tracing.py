"""The line that did not hold, and that the walk comes to the evaluator's own result."""

import pytest
from helpers.policy_inputs import HEADER as H
from helpers.policy_inputs import POLICIES, documents
from hypothesis import given, settings

from kubernaut.policy import stepping
from kubernaut.policy.batch import RowBatch
from kubernaut.policy.compiling import compile_policy
from kubernaut.policy.evaluating import InProcessEvaluator
from kubernaut.policy.tracing import Outcome, explain
from kubernaut.policy.values import RegoSet, entries, freeze, look_up, plain, same, term, thaw_key
from kubernaut.verdicts import Code, Reason


def traced(body, document, **libraries):
    return explain(compile_policy(H + body, name="p.rego", libraries=libraries), document)


EVALUATOR = InProcessEvaluator()
EXPECTED = {
    Code.PASSED: {Outcome.ALLOWED},
    Code.FAILED: {Outcome.FALSE, Outcome.UNDEFINED},
}


@pytest.mark.parametrize("name", POLICIES)
@given(document=documents())
@settings(max_examples=50, deadline=None)
def test_the_walk_comes_to_the_evaluators_result(name, document):
    policy = compile_policy(POLICIES[name], name=f"{name}.rego")
    judgement = EVALUATOR.evaluate(policy, RowBatch([document]))[0]
    trace = explain(policy, document)

    if judgement.code in EXPECTED:
        assert trace.outcome in EXPECTED[judgement.code]
    elif judgement.reason == Reason.NON_BOOLEAN_RESULT:
        assert trace.outcome == Outcome.NOT_BOOLEAN
    elif "cannot represent" not in judgement.message:
        assert trace.outcome == Outcome.ERROR
    if trace.outcome in (Outcome.FALSE, Outcome.UNDEFINED):
        assert trace.line is not None
        assert trace.line.text.strip()


def told(trace):
    """The places, outer ones first, each with its line and values."""
    lines, line = [], trace.line
    while line is not None:
        lines.append((line.place.line, line.text.strip(), [str(value) for value in line.values]))
        line = line.cause
    return lines


CASES = {
    "value": ("allow if {\n\tinput.a == 1\n\tinput.b == 2\n}\n", {"a": 1, "b": 3},
        [(7, "input.b == 2", ["input.b = 3 (a number)"])]),
    "missing": ("allow if {\n\tinput.a == 1\n\tinput.b.c == 2\n}\n", {"a": 1},
        [(7, "input.b.c == 2", ["input.b = not there"])]),
    "truth": ("allow if {\n\tinput.a\n\tinput.b\n}\n", {"a": True, "b": False},
        [(7, "input.b", ["input.b = false (a boolean)"])]),
    "default is no line": ("default allow := false\n\nallow if input.a > 3\n", {"a": 1},
        [(7, "allow if input.a > 3", ["input.a = 1 (a number)"])]),
    "explicit false": ("allow := false if {\n\tinput.a\n}\n", {"a": 1},
        [(6, "input.a", ["input.a = 1 (a number)"])]),
    "body that got furthest": ("allow if input.a\n\nallow if {\n\tinput.b\n\tinput.c\n}\n", {"b": 1},
        [(9, "input.c", ["input.c = not there"])]),
    "variable of an earlier line": ("allow if {\n\tn := count(input.l)\n\tn > 2\n}\n", {"l": [1]},
        [(7, "n > 2", [])]),
    "negation": ("allow if {\n\tnot input.bad\n}\n", {"bad": True},
        [(6, "not input.bad", ["input.bad = true (a boolean)"])]),
    "negated rule": ("allow if not bad\n\nbad if input.x > 3\n", {"x": 4},
        [(5, "allow if not bad", ["bad = true (a boolean)"])]),
    "rule": ("allow if {\n\tgood\n}\n\ngood if {\n\tinput.x\n\tinput.y\n}\n", {"x": 1},
        [(6, "good", ["good = not there"]), (11, "input.y", ["input.y = not there"])]),
    "helper": ("allow if {\n\tfits(input.pod)\n}\n\nfits(p) if p.cpu < 5\n", {"pod": {"cpu": 7}},
        [(6, "fits(input.pod)", ['input.pod = {"cpu": 7} (an object)', "fits(...) = not there"]),
         (9, "fits(p) if p.cpu < 5", ["input.pod.cpu = 7 (a number)"])]),
    "iteration": ("allow if {\n\tsome p in input.pods\n\tp.ready\n\tp.x > 2\n}\n",
        {"pods": [{"ready": False}, {"ready": True, "x": 1}, {"ready": True, "x": 0}]},
        [(8, "p.x > 2", ["input.pods[1].x = 1 (a number)"])]),
    "nothing to iterate": ("allow if {\n\tsome p in input.pods\n\tp.ready\n}\n", {"pods": []},
        [(6, "some p in input.pods", ["input.pods = [] (a list)"])]),
    "comprehension": ("allow if {\n\tbad := [p | some p in input.pods; not p.ok]\n\tcount(bad) == 0\n}\n", {"pods": [{"ok": True}, {}]},
        [(7, "count(bad) == 0", ["count(...) = 1 (a number)"])]),
    "every": ("allow if {\n\tevery p in input.pods {\n\t\tp.ready\n\t}\n}\n", {"pods": [{"ready": True}, {"ready": False}]},
        [(6, "every p in input.pods {", ['input.pods = [{"ready": true}, {"ready": false}] (a list)']),
         (7, "p.ready", ["input.pods[1].ready = false (a boolean)"])]),
    "every, then more": ("allow if {\n\tevery p in input.pods { p.ready }\n\tinput.a\n}\n", {"pods": [{"ready": True}]},
        [(7, "input.a", ["input.a = not there"])]),
    "else": ('allow if {\n\tlevel == "low"\n}\n\nlevel := "low" if input.n < 2\nelse := "high" if input.n > 1\n', {"n": 5},
        [(6, 'level == "low"', ['level = "high" (a string)'])]),
    "no body": ("allow := input.a\n", {"a": False}, [(5, "allow := input.a", ["input.a = false (a boolean)"])]),
    "every of nothing": ("allow if {\n\tevery p in input.pods { p.ready }\n}\n", {"pods": None},
        [(6, "every p in input.pods { p.ready }", ["input.pods = null"])]),
    "odd key": ('allow if input["a-b"].c\n', {"a-b": {"c": False}},
        [(5, 'allow if input["a-b"].c', ["input['a-b'].c = false (a boolean)"])]),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_the_line_that_did_not_hold(case):
    body, document, expected = CASES[case]

    assert told(traced(body, document)) == expected


def test_a_line_in_a_library_names_the_library():
    library = "package lib.pods\n\nimport rego.v1\n\nready(p) if {\n\tp.ready == true\n}\n"
    trace = traced("allow if data.lib.pods.ready(input.p)\n", {"p": {"ready": False}}, **{"lib.pods.rego": library})

    assert str(trace.line.cause.place) == "lib.pods.rego:6:2"
    assert trace.line.cause.text == "\tp.ready == true"


def test_a_policy_error_has_a_line_too():
    trace = traced("allow if {\n\tbig(input.n)\n}\n\nbig(n) if to_number(n) > 3\n", {"n": "x"})

    assert (trace.outcome, trace.note) == (Outcome.ERROR, "invalid syntax")
    assert [line[0] for line in told(trace)] == [6, 9]


def test_two_values_are_an_error_with_a_line():
    trace = traced("allow := true if input.a\n\nallow := false if input.b\n", {"a": 1, "b": 1})

    assert (trace.outcome, trace.line.place.line) == (Outcome.ERROR, 7)


def test_two_values_of_one_key_are_an_error():
    trace = traced('allow if m.x\n\nm := {"x": v | some v in input.l}\n', {"l": [1, 2]})

    assert (trace.outcome, trace.note) == (Outcome.ERROR, "object keys must be unique")


def test_no_line_when_allowed():
    trace = traced("allow if input.a\n", {"a": 1})

    assert (trace.outcome, trace.line) == (Outcome.ALLOWED, None)
    assert str(trace) == "`allow` is allowed"


def test_an_unusable_input_is_an_error():
    assert "not JSON" in traced("allow if input.a\n", {"a": float("nan")}).note


def test_a_walk_that_is_too_long_says_so(monkeypatch):
    monkeypatch.setattr(stepping, "MAX_STEPS", 50)
    trace = traced("allow if { some a, b in input.l; a == b; a < 0 }\n", {"l": list(range(50))})

    assert trace.outcome == Outcome.UNKNOWN
    assert "too large to be told" in trace.note


def test_the_text_form_is_indented():
    trace = traced("allow if {\n\tgood\n}\n\ngood if input.y\n", {})

    assert str(trace).splitlines() == [
        "`allow` is undefined",
        "p.rego:6:2: good",
        "    good = not there",
        "  p.rego:9:9: good if input.y",
        "      input.y = not there",
    ]


def test_values_are_regos():
    mixed = {"a": [1, True, None], freeze(True): RegoSet([1])}

    assert not same(True, 1)
    assert not same([0], [False])
    assert same(1, 1.0)
    assert same(RegoSet([1, 2]), RegoSet([2, 1, 1]))
    assert not same(RegoSet([1]), [1])
    assert look_up(["x"], True) is look_up(["x"], 7) is look_up("x", 0) is look_up(RegoSet(), 1)
    assert look_up(mixed, True) is mixed[freeze(True)]
    assert entries(mixed)[1][0] is True
    assert plain(mixed) == {"a": [1, True, None], "true": [1]}
    assert term(mixed) == '{"a":[1,true,null],true:{1}}'
    assert term(RegoSet()) == "set()"
    assert thaw_key(freeze([1, [True]])) == [1, [True]]
    assert thaw_key(freeze({"a": 1})) == {"a": 1}
    assert list(thaw_key(freeze(RegoSet([1])))) == [1]
    assert repr(look_up(1, 1)) == "undefined"
