"""Every load-time guard of the policy loader, by the message that a user gets."""

import hashlib

import pytest

from kubernaut.errors import PolicyError
from kubernaut.policy import checking
from kubernaut.policy.compiling import compile_policy
from kubernaut.policy.known_facts import known_facts_from_paths

H = "package condition.x\n\nimport rego.v1\n\n"
LIBRARY = "package lib.pods\n\nimport rego.v1\n\nready(p) if p.ready\n"
KNOWN = known_facts_from_paths(
    [
        ("running_pods",),
        ("deployment_found",),
        ("conditions", "Available"),
        ("pods", "*", "status"),
        ("pods", "*", "name"),
    ]
)


def refused(source, **kwargs):
    with pytest.raises(PolicyError) as caught:
        compile_policy(source, name="p.rego", **kwargs)
    return str(caught.value)


def test_a_policy_says_what_it_is():
    source = H + "allow if input.running_pods > 1\n\nfatal if false\n"
    policy = compile_policy(source, name="p.rego", known_facts=KNOWN)

    assert policy.package == "condition.x"
    assert policy.entrypoint("allow") == "condition/x/allow"
    assert policy.reads == (("running_pods",),)
    assert not policy.reads_everything
    assert policy.builtins == ("gt",)
    assert policy.has_fatal
    assert not policy.has_error_message
    assert len(policy.digest) == 64


def test_the_digest_is_of_source_and_reached_libraries_only():
    source = H + "import data.lib.pods\n\nallow if { every p in input.pods { pods.ready(p) } }\n"
    other = "package lib.other\n\nimport rego.v1\n\nx := 1\n"
    alone = compile_policy(source, name="p.rego", libraries={"lib.pods.rego": LIBRARY})
    beside = compile_policy(source, name="q.rego", libraries={"pods.rego": LIBRARY, "other.rego": other})
    changed = compile_policy(source, name="p.rego", libraries={"lib.pods.rego": LIBRARY + "\nx := 1\n"})

    assert alone.digest == beside.digest
    assert list(beside.libraries) == ["pods.rego"]
    assert changed.digest != alone.digest
    assert alone.digest != hashlib.sha256(source.encode()).hexdigest()


def test_a_policy_is_compiled_once():
    source = H + "allow if input.once\n"

    assert compile_policy(source, name="p.rego") is compile_policy(source, name="p.rego")


def test_libraries_reach_libraries():
    outer = "package lib.outer\n\nimport rego.v1\n\nimport data.lib.pods\n\ngood(p) if pods.ready(p)\n"
    policy = compile_policy(
        H + "allow if { every p in input.pods { data.lib.outer.good(p) } }\n",
        name="p.rego",
        libraries={"pods.rego": LIBRARY, "outer.rego": outer},
    )

    assert set(policy.libraries) == {"pods.rego", "outer.rego"}
    assert policy.reads == (("pods", "*", "ready"),)


@pytest.mark.parametrize("imported", ["import rego.v1", "import future.keywords.if", "import future.keywords", ""])
def test_both_forms_of_import_work(imported):
    policy = compile_policy(f"package t\n{imported}\nallow if {{ input.x }}", name="p.rego")

    assert policy.reads == (("x",),)


def test_a_comment_on_the_last_line_needs_no_newline():
    assert compile_policy(H + "allow if input.x # why", name="p.rego").reads == (("x",),)


CASES = {
    "empty": ("", "p.rego:1: the policy is empty"),
    "only a comment": ("# nothing\n", "p.rego:1: the policy is empty"),
    "no package": ("allow := true", "p.rego:1:1: the first line must be `package <name>`"),
    "odd package": ('package a["b"]\nallow := true', "plain words joined by dots"),
    "two packages": ("package a\nallow := true\npackage b\n", "p.rego:3:1: a second `package`"),
    "package lib": ("package lib.x\nallow := true", "p.rego:1:9: a policy's package must not be under `lib`"),
    "package system": ("package system\nallow := true", "must not be under `system`"),
    "no allow": (H + "allowed := true\n", "`condition.x` has no rule `allow`"),
    "empty module": (H, "has no rule `allow`"),
    "allow is a function": (H + "allow(x) := x\n", "`allow` must be a rule, not a function"),
    "NUL": (H + 'allow := "\0"\n', "p.rego:5: the source holds a NUL character"),
    "surrogate": (H + "allow := true # \ud800\n", "p.rego:5: the source is not valid Unicode text"),
    "10 MB": (H + "# " + "x" * 10_000_000, "more than the 65536 allowed"),
    "too many words": (H + "allow if a1\n" + "".join(f"a{i} if a{i+1}\n" for i in range(3000)), "words, more than the 8000"),
    "one rule too long": (H + "allow if {\n" + "input.x == 1\n" * 700 + "}\n", "a rule of more than 1500 words"),
    "nested brackets": (H + f"allow := {'[' * 60}1{']' * 60}\n", "more than 40 brackets are open here"),
    "huge number": (H + "allow if input.x < 1e999999999\n", "the number 1e999999999... is too large"),
    "never closed": (H + "allow if {\n\tinput.x\n", "p.rego:5:10: `{` is never closed"),
    "closes nothing": (H + "allow if input.x }\n", "p.rego:5:18: `}` closes nothing that is open"),
    "open string": (H + 'allow if input.x == "a\n', "this string is never closed"),
    "syntax": (H + "allow if { x := 1 2 }\n", "p.rego:5:"),
    "older syntax": ("package t\nallow { input.x }\n", "p.rego:2:7: a rule's body needs `if` before `{`"),
    "older syntax with value": ("package t\nallow = true { input.x }\n", "needs `if` before `{`"),
    "older else": (H + "allow if input.x\nelse { input.y }\n", "needs `if` before `{`"),
    "with": (H + "b if count(input.x) == 1\n\nallow if b with input as {}\n", "p.rego:7:12: `with` is not supported"),
    "argument named input": (H + "f(input) if input.x\n\nallow if f(input)\n", "p.rego:5:3: the helper `f` names an argument `input`"),
    "argument named data": (H + "f(data) if data.x\n\nallow if f(input)\n", "names an argument `data`"),
    "rule named input": (H + "input := 1\n\nallow if input.x\n", "`input` must not be used as a name of your own"),
    "variable named input": (H + "allow if { some input in [1]; input }\n", "must not be used as a name of your own"),
    "import as input": (H + "import input.x as data\n\nallow if data\n", "must not be used as a name of your own"),
    "import of another package": (H + "import data.other\n\nallow if other.x\n", "cannot import `data.other`"),
    "variable assigned twice": (H + "allow if {\n\tx := 1\n\tx := 2\n}\n", "p.rego:7:2: `x` gets a value twice"),
    "variable called like the package": (H + "allow if input.a[x] == 1\n", "p.rego:5:18: `x` is also the last part of the package's name"),
    "every without braces": (H + "allow if every p in input.pods { p.name }\n", "put the body in braces"),
    "computed default": (H + "default allow := input.x\n", "the value of a `default` must be a constant"),
    "escaped code": (H + 'allow if input.a == "x\\u00e9"\n', "write the character itself"),
    "fails on quick lists": (H + "allow if json.marshal(input.a)\n", "`json.marshal` is not allowed"),
    "bare name": (H + "allow\n", "`allow` alone says nothing"),
    "trailing semicolon": (H + "allow if { input.x; }\n", "nothing follows this `;`"),
    "unknown function": (H + "allow if strtswith(input.x, 1)\n", "unknown function or builtin `strtswith`; did you mean `startswith`?"),
    "own function misspelt": (H + "good(x) if x\n\nallow if goood(input.x)\n", "unknown function or builtin `goood`; did you mean `good`?"),
    "missing builtin": (H + "allow if io.jwt.decode(input.x)\n", "`io.jwt.decode`"),
    "builtin of OPA that the evaluator lacks": (H + 'allow if strings.render_template(input.x, {}) == "a"\n', "`strings.render_template` is not available in this evaluator"),
    "network": (H + 'allow if http.send({"url": input.x})\n', "`http.send` is not allowed: it reaches the network"),
    "clock": (H + "allow if time.now_ns() > 1\n", "`time.now_ns` is not allowed: it reads the clock"),
    "environment": (H + "allow if opa.runtime().env.X\n", "`opa.runtime` is not allowed: it reads the environment"),
    "randomness": (H + 'allow if rand.intn("x", 2) == 1\n', "`rand.intn` is not allowed: it is random"),
    "terminal": (H + 'allow if print("x")\n', "it prints to the terminal"),
    "wrong number of arguments": (H + "allow if startswith(input.x)\n", "`startswith` takes 2 arguments, 1 are given"),
    "own function, wrong number": (H + "f(x, y) := x\n\nallow if f(1)\n", "p.rego:7:10: `condition.x.f` takes 2 arguments, 1 are given"),
    "library misspelt": (H + "allow if data.lib.pods.reddy(input.x)\n", "`data.lib.pods.reddy` is not defined; did you mean `data.lib.pods.ready`?"),
    "library not there": (H + "allow if data.lib.gone.f(input.x)\n", "`data.lib.gone.f` is not defined"),
    "other document": (H + "allow if data.config.x\n", "`data` holds nothing but this policy's rules"),
    "computed rule": (H + "a := 1\n\nallow if data.condition.x[input.y]\n", "computed name"),
    "recursion": (H + "allow if b\n\nb if c\n\nc if b\n", "rules must not call themselves: b -> c -> b"),
    "recursive function": (H + "f(x) := f(x - 1) if x > 0\n\nallow if f(3)\n", "must not call themselves: f -> f"),
    "unsafe variable": (H + "allow if {\n\tinput.a\n\tv > 1\n}\n", "p.rego:7:2: a variable here never gets a value"),
    "unsafe in negation": (H + "allow if not v == 1\n", "a variable here never gets a value"),
    "unsafe after negation": (H + "allow if {\n\tnot v == 1\n\tv\n}\n", "a variable here never gets a value"),
    "deep chain of helpers": (H + "allow if f0(1)\n" + "".join(f"f{i}(x) if f{i+1}(x)\n" for i in range(250)) + "f250(x) if x\n", "nested too deeply"),
    "unknown fact": (H + "allow if {\n\tinput.a_b\n}\n", "p.rego:6:2: unknown fact `a_b`; known here: "),
    "misspelt fact": (H + "allow if input.runing_pods > 1\n", "p.rego:5:10: unknown fact `runing_pods`; did you mean `running_pods`?"),
    "misspelt field": (H + "allow if input.conditions.Avalable\n", "unknown fact `conditions.Avalable`; did you mean `conditions.Available`?"),
    "misspelt field of elements": (H + 'allow if { some p in input.pods; p.statsu == "x" }\n', "unknown fact `pods[*].statsu`; did you mean `pods[*].status`?"),
    "undeclared setting": (H + "allow if input.settings.limit > 1\n", "`input.settings.limit` is not declared"),
    "settings by variable": (H + "allow if input.settings[_] > 1\n", "read settings by name"),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_refused_with_place_and_advice(case):
    source, expected = CASES[case]

    message = refused(source, libraries={"pods.rego": LIBRARY}, known_facts=KNOWN)

    assert message.startswith("p.rego")
    assert expected in message


def test_problems_in_a_library_name_the_library():
    broken = "package lib.pods\n\nimport rego.v1\n\nready(input) if input.ready\n"
    message = refused(H + "allow if data.lib.pods.ready(input.x)\n", libraries={"lib.pods.rego": broken})

    assert message.startswith("lib.pods.rego:5:7: the helper `ready` names an argument `input`")


def test_a_library_must_not_be_called_like_the_policy():
    message = refused(H + "allow if data.lib.pods.ready(input.x)\n", libraries={"p.rego": LIBRARY})

    assert message == "p.rego: the policy and one of its libraries are both called `p.rego`"


def test_a_source_that_ends_the_compiler_is_an_error_like_any_other(monkeypatch):
    monkeypatch.setattr(checking, "check_words", lambda outline, file: ())
    # regopy 1.5.2 calls std::terminate on this `with`.
    message = refused(H + 'b if count(input.y) == 1\n\nallow if b\n\nallow if { b with input as {"y": [1]} }\n')

    assert message == "p.rego: cannot be compiled: compiling it ended the compiler; make it smaller or simpler"


def test_what_may_always_be_read():
    source = H + "allow if {\n\tinput.parameters.x\n\tinput.custom.y.z\n\tinput.context.step == 1\n}\n"

    assert len(compile_policy(source, name="p.rego", known_facts=KNOWN).reads) == 3


def test_nothing_is_printed(capfd):
    for source in (H + "allow if { x := 1 2 }\n", H + "allow if input.quiet\n", H + "f(x, y) := x\n\nallow if f(2)\n"):
        try:
            compile_policy(source, name="p.rego")
        except PolicyError:
            continue

    assert capfd.readouterr() == ("", "")


def test_older_syntax_is_not_seen_where_there_is_none():
    source = (
        H
        + """obj := {"a": 1}

limits := {
	"x": 1,
}

f(x) := {"y": x}

names contains n if some n in ["a"]

grouped[k] := v if {
	some k, v in obj
}

allow if { every n in names { n == "a" } }

allow if f(1) == {"y": 1}

allow if {
	x := 1
	y := [x | x := [1, 2][_]]
	count(y) == obj.a
} else := false if {
	x := 2
	x == limits.x
}
"""
    )

    assert compile_policy(source, name="p.rego").reads == ()
