"""Values in order, and allowed builtins on odd values: the corrected ones agree with OPA everywhere on scalars."""

import itertools

import pytest
from helpers.known_differences import known_difference
from helpers.odd_inputs import EXTREME_NUMBERS, ODD_STRINGS
from helpers.verdict_of_opa import difference

from kubernaut.policy.batch import RowBatch
from kubernaut.policy.compiling import compile_policy
from kubernaut.policy.evaluating import InProcessEvaluator

pytestmark = pytest.mark.oracle

SCALARS = [None, True, False, *EXTREME_NUMBERS, *ODD_STRINGS]


def disagreements(opa, source, documents):
    policy = compile_policy(source, name="p.rego")
    answers = opa.judge({"p.rego": source}, policy.package, documents).answers
    judged = InProcessEvaluator().evaluate(policy, RowBatch(documents))
    return [
        (document, said)
        for index, document in enumerate(documents)
        if (said := difference(answers[index], judged[index]))
    ]


@pytest.mark.parametrize("operator", ["<", "<=", ">", ">=", "==", "!="])
def test_any_two_scalars_compare_as_in_opa(opa, operator):
    documents = [{"a": a, "b": b} for a, b in itertools.product(SCALARS, SCALARS)]
    exact = [one for one in documents if not any(isinstance(v, str) and set('"\\\n\t') & set(v) for v in one.values())]

    assert disagreements(opa, f"package p\nallow if input.a {operator} input.b\n", exact) == []


@pytest.mark.parametrize("builtin", ["max", "min"])
def test_extremes_of_scalars_are_those_of_opa(opa, builtin):
    lists = [[2000, 405], [9, 10], [1, "a"], [None, 1], [True, False], ["b", "a"], [1.5, 1], [-1, -2], [3], []]
    documents = [{"xs": xs, "m": m} for xs in lists for m in {*xs}]

    assert disagreements(opa, f"package p\nallow if {builtin}(input.xs) == input.m\n", documents) == []


def test_texts_are_sorted_as_in_opa(opa):
    documents = [{"xs": ["b", "a", "c", "a"], "i": i, "v": v} for i in range(4) for v in "abc"]

    assert disagreements(opa, "package p\nallow if sort(input.xs)[input.i] == input.v\n", documents) == []


@pytest.mark.parametrize(
    "expression",
    [
        "count(input.a) == 3",
        "abs(input.a) == 1",
        "ceil(input.a) == 3",
        "floor(input.a) == 2",
        "round(input.a) == 3",
        'lower(input.a) == "web-1"',
        'startswith(input.a, "web")',
        'endswith(input.a, "m")',
        'contains(input.a, "a")',
        'trim_suffix(input.a, "m") == "250"',
        "is_number(input.a)",
        "is_string(input.a)",
        "is_null(input.a)",
        "is_boolean(input.a)",
        'regex.match("^[0-9]+m$", input.a)',
        'object.get(input, "a", 3) == 3',
        'object.get(input, "b", 3) == 3',
        "input.a + 1 == 2",
        "input.a * 2 == 4",
        "input.a / 2 == 1",
        "input.a - 1 == 0",
        'input.a in {1, "web-1", null}',
        "not input.a",
        "not input.a == 1",
    ],
)
def test_allowed_builtins_on_every_scalar(opa, expression):
    assert unexplained(opa, f"package p\nallow if {expression}\n", [{"a": one} for one in SCALARS]) == []


@pytest.mark.parametrize(
    "expression",
    [
        *(f"{builtin}(input.a) {rest}" for builtin in ("sum", "product", "count") for rest in ("> 2", "< 2", "== 6")),
        'concat(",", input.a) == "a,b"',
        "array.concat(input.a, [1]) == [1, 1]",
        "array.reverse(input.a) == [2, 1]",
        "array.slice(input.a, 0, 1) == [1]",
        "union({{1}, {x | some x in input.a}}) == {1, 2}",
        "input.a[0] + input.a[1] == 3",
        'object.get({"k": 1}, input.a, 2) == 2',
        "1 in input.a",
    ],
)
def test_allowed_builtins_on_lists_of_anything(opa, expression):
    lists = [
        [],
        [1, 2],
        [1, 2, 3],
        ["a", "b"],
        ["x"],
        [1, "x"],
        ["x", 1],
        [None],
        [None, 3],
        [True],
        [[1]],
        [{}],
        {"k": 3},
    ]

    assert unexplained(opa, f"package p\nallow if {expression}\n", [{"a": one} for one in lists]) == []


def unexplained(opa, source, documents):
    """Give the documents on which we differ from OPA without a known reason."""
    found = []
    policy = compile_policy(source, name="p.rego")
    answers = opa.judge({"p.rego": source}, policy.package, documents).answers
    judged = InProcessEvaluator().evaluate(policy, RowBatch(documents))
    for document, answer, judgement in zip(documents, answers, judged, strict=True):
        said = difference(answer, judgement)
        if said and known_difference(source, document, answer, judgement) is None:
            found.append((document, said))
    return found
