"""Which paths a policy reads, and that nothing else can change what it says."""

import pytest
from helpers.policy_inputs import HEADER as H
from helpers.policy_inputs import POLICIES, documents
from hypothesis import given, settings
from hypothesis import strategies as st

from kubernaut.policy.answering import answer
from kubernaut.policy.compiling import compile_policy
from kubernaut.policy.input_text import encode_input
from kubernaut.policy.projecting import Projection, projection
from kubernaut.policy.reads import shortest
from kubernaut.policy.rego_engine import build


def reads(body):
    return compile_policy(H + body + "\n", name="p.rego").reads


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("allow if input.a", [("a",)]),
        ("allow if input.a.b.c == 1", [("a", "b", "c")]),
        ('allow if input["a-b"]["c"]', [("a-b", "c")]),
        ("allow if input.a[0].b", [("a", "*", "b")]),
        ("allow if input.a[input.k]", [("a", "*"), ("k",)]),
        ("allow if { some i; input.a[i].b == 1 }", [("a", "*", "b")]),
        ("allow if { some p in input.a; p.b; p.c }", [("a", "*", "b"), ("a", "*", "c")]),
        ("allow if { input.a; input.a.b }", [("a", "b")]),
        ("allow if { x := input.a; x.b == 1 }", [("a", "b")]),
        ("allow if { x := input.a; x == input.b }", [("a",), ("b",)]),
        ("allow if not input.a.b", [("a", "b")]),
        ("allow if { every p in input.a { p.b } }", [("a", "*", "b")]),
        ("allow if count([p | some p in input.a; p.b]) == 0", [("a", "*", "b")]),
        ("allow if count({p | some p in input.a; p.b}) == 0", [("a", "*")]),
        ("allow if count(input.a) == 0", [("a", "*")]),
        ("allow if { count(input.a) == 0; input.a.b }", [("a", "*"), ("a", "b")]),
        ("allow if { count(input.a) == 0; some p in input.a; p.b }", [("a", "*", "b")]),
        ("allow if { l := [p | some p in input.a]; l[0].b == 1 }", [("a", "*", "b")]),
        ("allow if { o := {p.k: p | some p in input.a}; o.x.b == 1 }", [("a", "*", "b"), ("a", "*", "k")]),
        ("allow if { l := [[p] | some p in input.a]; l[0][0].b == 1 }", [("a", "*")]),
        ("allow if f(input.a)\n\nf(x) if x.b", [("a", "b")]),
        ("allow if f(input)\n\nf(x) if x.b.c", [("b", "c")]),
        ("allow if { f(input.a); f(input.d) }\n\nf(x) if x.b", [("a", "b"), ("d", "b")]),
        ("allow if f(input.a).c == 1\n\nf(x) := x.b", [("a", "b", "c")]),
        ("allow if bad[_].x\n\nbad contains p if { some p in input.a; p.b }", [("a", "*")]),
        ("allow if listed[0].x\n\nlisted := [p | some p in input.a; p.b]", [("a", "*", "b"), ("a", "*", "x")]),
        ('allow if object.get(input, "a", 1) == 1', [("a",)]),
        ('allow if object.get(input.a, ["b", "c"], 1) == 1', [("a", "b", "c")]),
        ("allow if object.get(input.a, input.k, 1) == 1", [("a",), ("k",)]),
        ('allow if object.get(input.a, ["b", input.k], 1) == 1', [("a",), ("k",)]),
        ("allow if walk(input.a, [_, 1])", [("a",)]),
        ("allow if { [x, _] := input.a; x == 1 }", [("a", "*")]),
        ('allow if { {"k": x} := input.a; x == 1 }', [("a", "*"), ("a", "k")]),
        ("allow if is_object(input.a)", [("a",)]),
        ("allow if input == {}", [()]),
        ("allow if input[input.k]", [()]),
        ("allow if count(input) == 1", [()]),
        ("allow if { some k, v in input; k == v }", [()]),
        ("allow if walk(input, [_, 1])", [()]),
        ("allow := true\n\nerror_message := input.m\n\nfatal if input.f", [("f",), ("m",)]),
        ("import input.a as q\n\nallow if q.b", [("a", "b")]),
        ("allow if true\n\nunused if input.never", []),
    ],
)
def test_reads(body, expected):
    assert list(reads(body)) == expected


def test_shortest():
    assert shortest([("a", "b"), ("a",), ("c", "d"), ("a", "x", "y")]) == (("a",), ("c", "d"))


def test_too_many_contexts_means_everything():
    # Each helper calls the next one twice with other parts of its argument.
    body = "allow if f0(input.a)\n" + "".join(f"\nf{i}(x) if {{ f{i + 1}(x.a); f{i + 1}(x.b) }}\n" for i in range(14))

    assert reads(body + "\nf14(x) if x.c\n") == ((),)


@pytest.mark.parametrize("name", POLICIES)
@given(document=documents(), other=documents())
@settings(max_examples=30, deadline=None)
def test_what_is_not_read_decides_nothing(name, document, other):
    policy = compile_policy(POLICIES[name], name="p.rego")
    built = build(policy.package, {"p.rego": policy.source})
    cut = projection(policy.reads)

    def judge(value):
        return answer(built, policy.package, has_error_message=True, has_fatal=True, text=encode_input(value))

    whole = judge(document)

    assert judge(cut(document)) == whole
    read_at_top = {path[0] for path in policy.reads}
    changed = {key: value for key, value in other.items() if key not in read_at_top}
    assert judge({**{key: value for key, value in document.items() if key in read_at_top}, **changed}) == whole


@pytest.mark.parametrize(
    ("paths", "document", "expected"),
    [
        ([()], {"a": 1}, {"a": 1}),
        ([], {"a": 1}, {}),
        ([("a",)], {"a": 1, "b": 2}, {"a": 1}),
        ([("a", "b")], {"a": {"b": 1, "c": 2}}, {"a": {"b": 1}}),
        ([("a", "b")], {"a": {"c": 2}}, {"a": {}}),
        ([("a", "b")], {"a": None}, {"a": None}),
        ([("a", "b")], {"a": "text"}, {"a": "text"}),
        ([("a", "b")], {"a": [1, 2]}, {"a": []}),
        ([("a", "*", "b")], {"a": [{"b": 1, "c": 2}, {}, 3]}, {"a": [{"b": 1}, {}, 3]}),
        ([("a", "*", "b")], {"a": {"x": {"b": 1, "c": 2}}}, {"a": {"x": {"b": 1}}}),
        ([("a", "*", "b"), ("a", "x", "c")], {"a": {"x": {"b": 1, "c": 2, "d": 3}, "y": {"c": 1}}}, {"a": {"x": {"b": 1, "c": 2}, "y": {}}}),
        ([("a", "*"), ("a", "x", "c")], {"a": {"x": {"b": 1}}}, {"a": {"x": {"b": 1}}}),
        ([("a",), ("a", "b")], {"a": {"b": 1, "c": 2}}, {"a": {"b": 1, "c": 2}}),
        ([("a",), ("b",)], {"a": 3.0, "b": 2.5}, {"a": 3, "b": 2.5}),
    ],
)  # fmt: skip
def test_projection(paths, document, expected):
    kept = Projection(paths)(document)

    assert kept == expected
    assert repr(kept) == repr(expected)


@given(
    documents(), st.lists(st.lists(st.sampled_from(["a", "b", "pods", "*", "name"]), max_size=3).map(tuple), max_size=4)
)
@settings(max_examples=100, deadline=None)
def test_projecting_twice_changes_nothing(document, paths):
    cut = Projection(paths)

    assert cut(cut(document)) == cut(document)
