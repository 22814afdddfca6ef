"""What we load OPA loads, and what OPA refuses we refuse, over a corpus of right and wrong sources."""

import pytest

from kubernaut.errors import PolicyError
from kubernaut.policy.compiling import compile_policy

pytestmark = pytest.mark.oracle

BOTH_ACCEPT = {
    "v1 import": "package p\nimport rego.v1\nallow if input.x == 1\n",
    "future keywords": "package p\nimport future.keywords.if\nallow if { input.x == 1 }\n",
    "every future keyword": "package p\nimport future.keywords\nallow if { some x in input.xs; x > 1 }\n",
    "no import at all": "package p\nallow if input.x == 1\n",
    "default": "package p\ndefault allow := false\nallow if input.x\n",
    "else": "package p\nallow := true if { input.x == 1 } else := false\n",
    "function": "package p\ndouble(n) := n * 2\nallow if double(input.x) == 4\n",
    "comprehensions": "package p\nallow if count({x | some x in input.xs; x > 1}) == count([x | some x in input.xs])\n",
    "every": "package p\nallow if { every x in input.xs { x > 0 } }\n",
    "partial set": 'package p\nproblems contains "a" if input.x == 1\nallow if count(problems) == 0\n',
    "raw string": "package p\nallow if regex.match(`^[a-z]+$`, input.x)\n",
    "old iteration": "package p\nallow if { x := input.xs[_]; x == 1 }\n",
    "metadata": "# METADATA\n# title: t\npackage p\nallow if input.x\n",
    "comment at the end": "package p\nallow if input.x\n# end",
}
BOTH_REFUSE = {
    "empty": "",
    "comment only": "# nothing\n",
    "no package": "allow if input.x\n",
    "v0 body": "package p\nallow { input.x == 1 }\n",
    "v0 partial set": 'package p\nproblems["a"] { input.x }\nallow if count(problems) == 0\n',
    "unsafe variable": "package p\nallow if { x > 1 }\n",
    "unsafe in head": "package p\nallow := x if { input.x }\n",
    "unsafe in negation": "package p\nallow if { not input.xs[i] == 1; j == 1 }\n",
    "recursion": "package p\nallow if helper\nhelper if allow\n",
    "recursive function": "package p\nf(x) := f(x - 1)\nallow if f(input.x) == 0\n",
    "unknown function": "package p\nallow if no_such_function(input.x)\n",
    "argument named input": "package p\nf(input) if input.x\nallow if f(input)\n",
    "argument named data": "package p\nf(data) if data.x\nallow if f(input)\n",
    "variable named input": "package p\nallow if { input := 1 }\n",
    "assigned twice": "package p\nallow if { x := 1; x := 2; x == 1 }\n",
    "unclosed brace": "package p\nallow if { input.x == 1\n",
    "unclosed string": 'package p\nallow if input.x == "a\n',
    "too few arguments": "package p\nf(a, b) := a + b\nallow if f(1) == 2\n",
    "too many arguments of a builtin": "package p\nallow if count(input.xs, 1, 2) == 2\n",
    "two defaults": "package p\ndefault allow := false\ndefault allow := true\nallow if input.x\n",
    "default that computes": "package p\ndefault allow := input.x\nallow if input.y\n",
    "function and rule of one name": "package p\nallow if input.x\nallow(x) if x\n",
}
ONLY_OPA_REFUSES = {
    "types that can never be right": 'package p\nallow if count(1) == "a"\n',
    "declared and not used": "package p\nallow if { every x in input.xs { input.y } }\n",
}
"""Harmless: met as an Error, or without effect (docs/policies/differences-from-opa.md)."""
ONLY_WE_REFUSE = {
    "with": "package p\nallow if helper with input as {}\nhelper if input.x\n",
    "the clock": "package p\nallow if time.now_ns() > 0\n",
    "the network": 'package p\nallow if http.send({"method": "get", "url": "http://x"}).status_code == 200\n',
    "nested union": 'package p\nallow if object.union(input.x, {"a": 1}).a == 1\n',
    "a package of ours": "package lib.mine\nallow if input.x\n",
    "key and value in a list comprehension": "package p\nallow if count([k | some k, v in input.x; v == 1]) == 1\n",
}
"""On purpose, or because the evaluator would go wrong; the message says what to write instead."""


def ours(source):
    try:
        compile_policy(source, name="p.rego")
    except PolicyError as error:
        return str(error)
    return ""


@pytest.mark.parametrize("name", BOTH_ACCEPT)
def test_both_accept(opa, name):
    assert ours(BOTH_ACCEPT[name]) == ""
    assert opa.accepts({"p.rego": BOTH_ACCEPT[name]}, "p") == ""


@pytest.mark.parametrize("name", BOTH_REFUSE)
def test_both_refuse(opa, name):
    assert opa.accepts({"p.rego": BOTH_REFUSE[name]}, "p") != ""
    assert ours(BOTH_REFUSE[name]).startswith("p.rego")


@pytest.mark.parametrize("name", ONLY_OPA_REFUSES)
def test_only_opa_refuses(opa, name):
    assert opa.accepts({"p.rego": ONLY_OPA_REFUSES[name]}, "p") != ""
    assert ours(ONLY_OPA_REFUSES[name]) == ""


@pytest.mark.parametrize("name", ONLY_WE_REFUSE)
def test_only_we_refuse(opa, name):
    assert opa.accepts({"p.rego": ONLY_WE_REFUSE[name]}, "p") == ""
    assert ours(ONLY_WE_REFUSE[name]).startswith("p.rego")
