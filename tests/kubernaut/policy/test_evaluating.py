"""What one input comes to: codes, reasons, messages, and the guards around the evaluator."""

import json
import threading
from types import MappingProxyType

import pytest
from helpers.policy_inputs import HEADER as H
from helpers.policy_inputs import VALUES
from hypothesis import given, settings
from hypothesis import strategies as st

from kubernaut.policy.batch import RowBatch
from kubernaut.policy.compiling import compile_policy
from kubernaut.policy.evaluating import BUILT_KEPT, InProcessEvaluator
from kubernaut.policy.input_text import MAX_INPUT_DEPTH, UnusableInputError, encode_input
from kubernaut.policy.rego_engine import ask, build, hand_over
from kubernaut.verdicts import Code, Judgement, Reason


def judged(source, *documents, **kwargs):
    policy = compile_policy(source, name="p.rego")
    batch = InProcessEvaluator(**kwargs).evaluate(policy, RowBatch(documents))
    return [batch[index] for index in range(len(batch))]


def one(source, document):
    return judged(source, document)[0]


def test_passed_and_failed():
    yes, no, missing = judged(H + "allow if input.a == 1\n", {"a": 1}, {"a": 2}, {})

    assert yes == Judgement(Code.PASSED, Reason.ALLOWED)
    assert no == missing == Judgement(Code.FAILED, Reason.NOT_ALLOWED, "`allow` is undefined: no rule of it holds")


def test_false_is_told_apart_from_undefined():
    assert one(H + "allow := input.a == 1\n", {"a": 2}).message == "`allow` is false"


def test_the_policys_own_words():
    source = H + 'allow if input.a\n\nerror_message := sprintf("%d of %d pods", [input.n, input.m])\n'

    assert one(source, {"n": 3, "m": 5}).message == "3 of 5 pods"
    assert one(source, {"n": 3}).message == "`allow` is undefined: no rule of it holds"


def test_several_messages_become_one():
    source = H + 'allow if input.a\n\nerror_message contains "one"\n\nerror_message contains "two"\n'

    assert one(source, {}).message == "one; two"


def test_a_message_that_is_no_text_is_replaced():
    assert one(H + "allow if input.a\n\nerror_message := 7\n", {}).message.startswith("`allow` is undefined")


def test_a_message_that_cannot_be_written_does_not_change_the_verdict():
    source = H + 'allow if input.a\n\nerror_message := sprintf("%s", [input.x])\n'
    judgement = one(source, {"x": ['a\nb"c']})

    assert judgement == Judgement(Code.FAILED, Reason.NOT_ALLOWED, "`allow` is undefined: no rule of it holds")


def test_messages_are_one_bounded_line_without_control_characters():
    source = H + "allow if input.a\n\nerror_message := input.m\n"
    shown = one(source, {"m": "a\x1b[31m\r\nb\u202e c\u2028d" + "x" * 5000}).message

    assert shown.startswith("a [31m b c d")
    assert len(shown) == 1024
    assert shown.endswith("…")


def test_fatal_is_told():
    source = H + "allow if input.a\n\nfatal if input.f\n"

    assert one(source, {"f": True}) == Judgement(
        Code.FAILED, Reason.FATAL, "`allow` is undefined: no rule of it holds", fatal=True
    )
    assert not one(source, {}).fatal
    assert one(source, {"a": 1, "f": True}) == Judgement(Code.PASSED, Reason.ALLOWED)


@pytest.mark.parametrize(("value", "why"), [("yes", '"yes" (a string)'), ([1], "[1] (a list)")])
def test_a_fatal_that_cannot_be_judged_goes_on_waiting(value, why):
    judgement = one(H + "allow if input.a\n\nfatal := input.f\n", {"f": value})

    assert not judgement.fatal
    assert f"(`fatal` could not be judged: {why})" in judgement.message


def test_a_fatal_that_raises_goes_on_waiting():
    judgement = one(H + "allow if input.a\n\nfatal if to_number(input.f) > 1\n", {"f": "x"})

    assert (judgement.code, judgement.fatal) == (Code.FAILED, False)
    assert "`fatal` could not be judged: invalid syntax" in judgement.message


@pytest.mark.parametrize(
    ("value", "shown"),
    [("yes", '"yes" (a string)'), (1, "1 (a number)"), (None, "null"), ({"a": 1}, '{"a": 1} (an object)')],
)
def test_a_result_that_is_not_boolean_is_an_error(value, shown):
    judgement = one(H + "allow := input.a\n", {"a": value})

    assert judgement == Judgement(Code.ERROR, Reason.NON_BOOLEAN_RESULT, f"`allow` must be true or false, not {shown}")


def test_a_set_of_reasons_is_no_boolean():
    assert one(H + 'allow contains "x"\n', {}).reason == Reason.NON_BOOLEAN_RESULT


@pytest.mark.parametrize(
    ("body", "document", "message"),
    [
        ("allow if to_number(input.a) > 1", {"a": "x"}, "policy error: invalid syntax"),
        ("allow if count(input.a) > 1", {"a": 3}, "policy error: "),
        ("allow if input.a + 1 > 1", {"a": "x"}, "policy error: Not a number"),
        ("allow if 1 / input.a > 1", {"a": 0}, "policy error: "),
        ("allow := true if input.a\n\nallow := false if input.b", {"a": 1, "b": 1}, "policy error: complete rules must not"),
    ],
)  # fmt: skip
def test_policy_errors_are_errors_in_words(body, document, message):
    judgement = one(f"{H}{body}\n", document)

    assert (judgement.code, judgement.reason) == (Code.ERROR, Reason.POLICY_ERROR)
    assert judgement.message.startswith(message)


def test_a_verdict_that_cannot_be_written_is_an_error():
    judgement = one(H + 'allow := sprintf("%s", [input.x])\n', {"x": ['a\nb"c']})

    assert (judgement.code, judgement.reason) == (Code.ERROR, Reason.POLICY_ERROR)


@pytest.mark.parametrize(
    "value",
    [
        2**63,
        -(2**63) - 1,
        10**30,
        1.2345678,
        'a "quote"',
        "back\\slash",
        "new\nline",
        "tab\t",
        "é\u2028\U0001f600",
        0.1,
    ],
)
def test_values_reach_the_policy_unchanged(value):
    source = H + "allow if input.a == input.b\n"

    assert one(source, {"a": value, "b": value}).code == Code.PASSED
    assert one(H + f"allow if input.a == {json.dumps(value, ensure_ascii=False)}\n", {"a": value}).code == Code.PASSED


@pytest.mark.parametrize(("value", "why"), [(float("nan"), "not JSON"), (float("inf"), "not JSON"), ({1}, "set is not a JSON value"), ("\ud800", "not Unicode")])  # fmt: skip
def test_values_that_are_not_json_are_errors(value, why):
    judgement = one(H + "allow if input.a\n", {"a": value})

    assert (judgement.code, judgement.reason) == (Code.ERROR, Reason.LIMIT_EXCEEDED)
    assert why in judgement.message


def test_deep_inputs_are_errors():
    value: object = 1
    for _ in range(MAX_INPUT_DEPTH + 1):
        value = [value]

    assert "levels deep" in one(H + "allow if input.a\n", {"a": value}).message


def test_bottomless_inputs_are_errors():
    value: list[object] = []
    value.append(value)

    assert one(H + "allow if input.a\n", {"a": value}).code == Code.ERROR


def test_brackets_in_strings_are_no_depth():
    assert one(H + "allow if input.a\n", {"a": '["\\' * 100}).code == Code.PASSED


def test_large_inputs_are_errors():
    small, large = judged(H + "allow if input.a\n", {"a": "x" * 50}, {"a": "x" * 200}, input_bytes=100)

    assert small.code == Code.PASSED
    assert large == Judgement(Code.ERROR, Reason.LIMIT_EXCEEDED, "the input is 208 bytes, more than the 100 allowed")


def test_read_only_facts_are_json_too():
    document = MappingProxyType({"a": MappingProxyType({"b": (1, 2)})})

    assert one(H + "allow if count(input.a.b) == 2\n", document).code == Code.PASSED
    assert json.loads(encode_input(document)) == {"a": {"b": [1, 2]}}


def test_bytes_are_not_json():
    with pytest.raises(UnusableInputError, match="bytes is not a JSON value"):
        encode_input({"a": b"x"})


def test_whole_floats_and_integers_are_one_number():
    assert one(H + "allow if input.settings_like == 3\n", {"settings_like": 3.0}).code == Code.PASSED


@given(VALUES)
@settings(max_examples=150, deadline=None)
def test_the_fast_way_in_gives_the_policy_the_same_input(value):
    built = build(
        "t", {"t.rego": 'package t\nimport rego.v1\nallow := sprintf("%v", [input.v])\nerror_message := input.v\n'}
    )
    text = encode_input({"v": value})
    hand_over(built, text)
    fast = ask(built, "t/allow"), ask(built, "t/error_message")
    built.interpreter.set_input_term(text)

    assert fast == (ask(built, "t/allow"), ask(built, "t/error_message"))


@given(st.text(alphabet=st.characters(codec="utf-8"), max_size=20))
@settings(max_examples=100, deadline=None)
def test_any_text_comes_back_as_it_was(text):
    built = build("t", {"t.rego": "package t\nimport rego.v1\nallow := input.v\n"})
    hand_over(built, encode_input({"v": text}))
    answer = ask(built, "t/allow")

    assert answer.value == text


def test_nothing_is_printed(capfd):
    judged(H + "allow if to_number(input.a) > 1\n", {"a": "x"}, {"a": 1}, {})

    assert capfd.readouterr() == ("", "")


def test_threads_share_an_evaluator():
    policy = compile_policy(H + "allow if input.a == input.b\n", name="p.rego")
    evaluator = InProcessEvaluator()
    rows = [{"a": index, "b": index % 2 * index} for index in range(300)]
    alone = evaluator.evaluate(policy, RowBatch(rows))
    results = []
    threads = [
        threading.Thread(target=lambda: results.append(evaluator.evaluate(policy, RowBatch(rows)))) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert results == [alone] * 4


def test_old_policies_are_dropped_and_built_again():
    evaluator = InProcessEvaluator()
    policies = [compile_policy(H + f"allow if input.a == {n}\n", name="p.rego") for n in range(BUILT_KEPT + 1)]
    for n, policy in enumerate([*policies, policies[0]]):
        wanted = n % (BUILT_KEPT + 1)
        assert evaluator.evaluate(policy, RowBatch([{"a": wanted}]))[0].code == Code.PASSED
