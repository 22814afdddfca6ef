"""Random small Rego modules, well-formed by construction: the strategy behind the differential tests.

Each compares, computes, calls allowed builtins, collects, quantifies, negates and falls back with `else`, over facts
``input.a`` to ``input.f`` of which a list ``input.pods`` is one.
"""

import string
from typing import Any

from hypothesis import strategies as st

from .odd_inputs import values

NAMES = ("a", "b", "c", "d")
facts = st.sampled_from([f"input.{name}" for name in NAMES])
numbers = st.sampled_from(("0", "1", "2", "3", "10", "2.5", "100", "-1", "0.1"))
texts = st.sampled_from(('""', '"a"', '"web"', '"10"', '"CrashLoopBackOff"', '"ü"', '"m"'))
literals = st.one_of(numbers, texts, st.sampled_from(("true", "false", "null")))

_UNARY = (
    "count",
    "abs",
    "ceil",
    "floor",
    "round",
    "to_number",
    "lower",
    "upper",
    "trim_space",
    "type_name",
    "sum",
    "max",
    "min",
)
_TESTS = ("is_number", "is_string", "is_boolean", "is_null", "is_array", "is_object")
_BINARY_TEXT = ("trim_prefix", "trim_suffix", "trim", "trim_left", "trim_right")
_BINARY_TESTS = ("startswith", "endswith", "contains")


def _terms(variable: str | None = None) -> st.SearchStrategy[str]:
    base = (
        st.one_of(facts, literals)
        if variable is None
        else st.one_of(
            facts, literals, st.sampled_from((f"{variable}.name", f"{variable}.restarts", f"{variable}.ready"))
        )
    )
    return st.one_of(
        base,
        base,
        st.builds("{} {} {}".format, base, st.sampled_from(("+", "-", "*", "/", "%")), base),
        st.builds("{}({})".format, st.sampled_from(_UNARY), base),
        st.builds("{}({}, {})".format, st.sampled_from(_BINARY_TEXT), base, base),
        st.builds('object.get(input, "{}", {})'.format, st.sampled_from(NAMES), literals),
        st.builds("twice({})".format, base),
        st.builds("size({})".format, base),
    )


def _conditions(variable: str | None = None) -> st.SearchStrategy[str]:
    terms = _terms(variable)
    return st.one_of(
        st.builds("{} {} {}".format, terms, st.sampled_from(("==", "!=", "<", "<=", ">", ">=")), terms),
        st.builds("{}({})".format, st.sampled_from(_TESTS), terms),
        st.builds("{}({}, {})".format, st.sampled_from(_BINARY_TESTS), terms, terms),
        st.builds("{} in [{}, {}]".format, facts, literals, literals),
        facts,
        st.builds("not {}".format, facts),
        st.builds("not {} == {}".format, facts, literals),
    )


def _statements() -> st.SearchStrategy[str]:
    over_pods = _conditions("pod")
    return st.one_of(
        _conditions(),
        _conditions(),
        st.builds("some pod in input.pods\n\t{}".format, over_pods),
        st.builds("every pod in input.pods {{\n\t\t{}\n\t}}".format, over_pods),
        st.builds(
            "count([pod | some pod in input.pods; {}]) {} {}".format,
            over_pods,
            st.sampled_from((">", "==", "<=")),
            numbers,
        ),
        st.builds(
            "count({{pod.name | some pod in input.pods; {}}}) {} {}".format,
            over_pods,
            st.sampled_from((">", "==")),
            numbers,
        ),
        st.builds("not any_pod".format),
        st.just("derived > 1"),
        st.just("derived == 1"),
    )


_HELPERS = """
twice(x) := x * 2 if is_number(x)

size(x) := count(x) if {
	is_string(x)
} else := x if {
	is_number(x)
} else := -1

any_pod if {
	some pod in input.pods
	pod.ready == true
}

derived := 1 if {
	input.a == true
} else := input.b if {
	input.c
} else := 2
"""


@st.composite
def modules(draw: st.DrawFn) -> str:
    """Draw a module that OPA's grammar accepts (its compiler may still refuse a call's types)."""
    package = "generated." + draw(st.sampled_from(string.ascii_lowercase))
    bodies = draw(st.lists(st.lists(_statements(), min_size=1, max_size=3), min_size=1, max_size=2))
    default = draw(st.sampled_from(("default allow := false\n", "")))
    allow = "\n".join("allow if {\n\t" + "\n\t".join(body) + "\n}\n" for body in bodies)
    fatal = draw(st.one_of(st.just(""), st.builds("fatal if {{\n\t{}\n}}\n".format, _conditions())))
    message = draw(
        st.sampled_from(
            ("", 'error_message := "no" if not allow\n', 'error_message := concat(" ", ["not", input.a])\n')
        )
    )
    return f"package {package}\n\nimport rego.v1\n\n{default}\n{allow}\n{fatal}\n{message}\n{_HELPERS}"


pods = st.lists(
    st.fixed_dictionaries(
        {},
        optional={
            "name": st.sampled_from(("web-1", "web-2", "")),
            "restarts": st.integers(0, 4) | values,
            "ready": st.booleans() | values,
        },
    ),
    max_size=3,
)

inputs: st.SearchStrategy[Any] = st.fixed_dictionaries(
    {},
    optional={
        **{
            name: st.one_of(st.integers(0, 12), st.booleans(), st.sampled_from(("web", "10", "")), values)
            for name in NAMES
        },
        "pods": st.one_of(pods, pods, pods, values),
    },
)
"""Documents for the generated modules."""
