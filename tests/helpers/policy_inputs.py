"""Policies and inputs that the tests of compiling, judging, tracing and reading share."""

from typing import Any

from hypothesis import strategies as st

HEADER = "package condition.example\n\nimport rego.v1\n\n"

POLICIES: dict[str, str] = {
    "flat": HEADER + "allow if {\n\tinput.a == 1\n\tinput.b != input.c\n}\n",
    "default": HEADER
    + 'default allow := false\n\nallow if input.a > 3\n\nerror_message := sprintf("a is %v", [input.a])\n',
    "bodies": HEADER + "allow if input.a\n\nallow if {\n\tinput.b == 2\n\tnot input.c\n}\n\nfatal if input.c == true\n",
    "pods": HEADER
    + """allow if {
	bad := [p | some p in input.pods; p.status == "CrashLoopBackOff"]
	count(bad) == 0
	count(input.pods) > 0
}

error_message := sprintf("%d pods: %s", [count(input.pods), concat(", ", names)])

names contains p.name if some p in input.pods
""",
    "every": HEADER + "allow if {\n\tevery p in input.pods {\n\t\tp.ready\n\t\tp.restarts < 3\n\t}\n}\n",
    "else": HEADER
    + """allow if level(input.a) == "low"

level(x) := "low" if x < 2
else := "middle" if x < 4
else := "high"
""",
    "sets": HEADER
    + """allow if {
	wanted := {"a", "b"}
	found := {p.name | some p in input.pods}
	count(wanted & found) == 1
	input.b in {1, 2, "x"}
}
""",
    "objects": HEADER
    + """allow if {
	by_name := {p.name: p.status | some p in input.pods}
	by_name.a == "Running"
	object.get(input, "b", 2) == 2
	object.get(input.conditions, ["x", "y"], 1) == 1
}
""",
    "patterns": HEADER
    + """allow if {
	[first, _] := input.a
	{"k": second} := input.b
	first == second
	{"x", "y"} == {key | input.conditions[key]}
}

allow if kind(input.c) == "none"

kind(null) := "none"

kind([]) := "empty"

kind({"k": _}) := "keyed"
""",
    "set algebra": HEADER
    + """allow if {
	names := {p.name | some p in input.pods}
	count((names | {"z"}) - {"a"}) > count(names & {"a", "b"})
	"z" in (names | {"z"})
	sum([1 | some p in input.pods; p.ready]) >= 0
}
""",
    "numbers": HEADER + "allow if {\n\tto_number(input.a) * 2 >= input.b + 1\n\tinput.c % 2 == 0\n}\n",
    "explicit": HEADER + "allow := input.a == input.b\n\nfatal := input.c\n",
    "conflict": HEADER + "allow := true if input.a\n\nallow := false if input.b\n",
    "order": HEADER
    + "allow if {\n\tinput.a < input.b\n\tinput.c >= input.a\n}\n\nfatal if max([input.a, input.b]) == input.c # no newline",
    "echo": HEADER + "allow := input.a\n\nerror_message := input.b\n",
}
"""One of each kind of body, all reading the names of `documents`."""

SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-5, 5),
    st.sampled_from([2**31, 2**53 + 1, 2**63, -(2**63), 10**25]),
    st.floats(allow_nan=False, allow_infinity=False, width=32).map(lambda value: value + 0.0),
    st.sampled_from(["", "1", "2.5", "x", "a", "Running", "CrashLoopBackOff", 'quote " in', "back \\ slash"]),
    st.text(max_size=8),
)
PODS = st.lists(
    st.fixed_dictionaries(
        {},
        optional={
            "name": st.one_of(st.sampled_from(["a", "b", "c"]), SCALARS),
            "status": st.sampled_from(["Running", "CrashLoopBackOff", None]),
            "ready": st.one_of(st.booleans(), SCALARS),
            "restarts": st.one_of(st.integers(0, 5), SCALARS),
        },
    ),
    max_size=4,
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=4), inner, max_size=3)),
    max_leaves=6,
)


def documents() -> st.SearchStrategy[dict[str, Any]]:
    """Inputs as they should and should not be: fields missing, of other types, huge, odd."""
    return st.fixed_dictionaries(
        {},
        optional={
            "a": st.one_of(st.integers(0, 5), VALUES),
            "b": st.one_of(st.integers(0, 5), VALUES),
            "c": st.one_of(st.booleans(), VALUES),
            "pods": st.one_of(PODS, VALUES),
            "conditions": st.one_of(st.dictionaries(st.sampled_from(["x", "y"]), SCALARS), VALUES),
            "unread": VALUES,
        },
    )
