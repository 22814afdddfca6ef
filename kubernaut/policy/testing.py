"""Runs the `*_test.rego` file that stands beside a policy.

OPA's tests replace the input (`with input as ...`), which regopy gets wrong and can end the process on. So
the cases of a test file are data, the rule `cases`, and one standard rule after them runs them in OPA; here
the same cases are judged by the evaluator that judges in production, and rules that use `with` are cut out
before anything is compiled. Other rules named `test_...`, as libraries need them, are asked as they stand.

It must not know where files are.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from kubernaut.errors import Place, PolicyError
from kubernaut.policy.batch import Evaluator, RowBatch
from kubernaut.policy.compiled import CompiledPolicy
from kubernaut.policy.compiling import NO_LIBRARIES, compile_policy
from kubernaut.policy.corrections import build_for_judging
from kubernaut.policy.guards import check_nesting, check_text
from kubernaut.policy.outline import Outline, read_outline
from kubernaut.policy.rego_answers import Answer, BuildError
from kubernaut.policy.rego_engine import BuiltPolicy, ask
from kubernaut.policy.tokens import Token
from kubernaut.policy.words import check_words
from kubernaut.verdicts import Code, Judgement

CASES = "cases"
"""The rule of a test file that holds its cases: name -> {input, allow, fatal, message}."""

_CASE_FIELDS = frozenset({"input", "allow", "fatal", "message"})


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyTestResult:
    """How one case or one test rule came out.

    Attributes
    ----------
    name : str
        The case's name, or the rule's.
    passed : bool
    message : str
        What was expected and what came; empty when passed.
    place : Place or None
        Where the case stands in the test file.
    """

    name: str
    passed: bool
    message: str = ""
    place: Place | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedSource:
    """A Rego module and what the user calls it."""

    name: str
    source: str


def run_tests(
    *,
    policy: NamedSource,
    tests: NamedSource,
    libraries: Mapping[str, str] = NO_LIBRARIES,
    evaluator: Evaluator,
) -> tuple[PolicyTestResult, ...]:
    """Run a test file.

    Parameters
    ----------
    policy : NamedSource
        What is tested: a condition's policy, a safety policy, or a library.
    tests : NamedSource
        The test file: a `cases` rule, rules named ``test_...``, or both.
    libraries : mapping of str to str
        File name -> source, as for `compile_policy`.
    evaluator : Evaluator
        Judges the cases.

    Returns
    -------
    tuple of PolicyTestResult
        In the order of the file, cases first.

    Raises
    ------
    PolicyError
        The policy or the test file cannot be loaded, or the test file tests nothing.
    """
    check_text(tests.source, file=tests.name)
    outline = read_outline(tests.source, file=tests.name)
    rules = _rules(outline)
    with_input = sorted(
        {name for name, words in rules if any(word.text == "with" and word.kind == "name" for word in words)}
    )
    cut = _without(tests.source, [words for name, words in rules if name in with_input])
    kept = read_outline(cut, file=tests.name)
    check_nesting(kept.words, file=tests.name)
    for problem in check_words(kept, file=tests.name):
        raise problem
    names = {name for name, _ in rules}
    plain = sorted(name for name in names if name.startswith("test_") and name not in with_input)
    if CASES not in names and with_input:
        raise PolicyError(
            f"`{with_input[0]}` uses `with`, which is not run here; write the inputs as data in a rule `cases`",
            place=_place(outline, with_input[0], tests.name),
        )
    if CASES not in names and not plain:
        raise PolicyError(
            "this file tests nothing: it has neither a rule `cases` nor rules named `test_...`",
            place=Place(file=tests.name),
        )
    results: list[PolicyTestResult] = []
    if CASES in names:
        built = _build(outline.package, {tests.name: cut, **libraries}, [CASES])
        cases = _read_cases(ask(built, _path(outline, CASES)), place=_place(outline, CASES, tests.name))
        compiled = compile_policy(policy.source, name=policy.name, libraries=libraries)
        results += _run_cases(compiled, evaluator, cases, _case_places(outline, cases, tests.name))
    if plain:
        modules = {tests.name: cut, **libraries, policy.name: policy.source}
        built = _build(outline.package, modules, plain)
        results += [
            _plain_result(name, ask(built, _path(outline, name)), _place(outline, name, tests.name)) for name in plain
        ]
    return tuple(results)


def _run_cases(
    policy: CompiledPolicy,
    evaluator: Evaluator,
    cases: Mapping[str, Mapping[str, Any]],
    places: Mapping[str, Place],
) -> Iterator[PolicyTestResult]:
    ordered = sorted(cases, key=lambda name: (places[name].line or 0, places[name].column or 0, name))
    verdicts = evaluator.evaluate(policy, RowBatch([cases[name]["input"] for name in ordered]))
    for index, name in enumerate(ordered):
        message = _difference(cases[name], verdicts[index])
        yield PolicyTestResult(name=name, passed=not message, message=message, place=places[name])


def _difference(case: Mapping[str, Any], judged: Judgement) -> str:
    wanted = Code.PASSED if case["allow"] else Code.FAILED
    said = f": {judged.message}" if judged.message else ""
    if judged.code is not wanted:
        return f"expected {wanted.value}, got {judged.code.value}{said}"
    fatal = bool(case.get("fatal", False))
    if judged.code is Code.FAILED and judged.fatal is not fatal:
        return f"expected fatal to be {str(fatal).lower()}, got {str(judged.fatal).lower()}{said}"
    part = case.get("message", "")
    if part not in judged.message:
        return f"expected a message with {part!r}, got {judged.message!r}"
    return ""


def _read_cases(answer: Answer, *, place: Place | None) -> Mapping[str, Mapping[str, Any]]:
    if answer.kind != "value" or not isinstance(answer.value, dict) or not answer.value:
        why = f": {answer.value}" if answer.kind == "error" else ""
        raise PolicyError(f"`cases` must be an object of at least one case, name -> {{input, allow}}{why}", place=place)
    for name, case in answer.value.items():
        if not isinstance(case, dict) or not isinstance(case.get("input"), dict):
            raise PolicyError(f"case {name!r}: `input` must be an object", place=place)
        if not isinstance(case.get("allow"), bool):
            raise PolicyError(f"case {name!r}: `allow` must be true or false", place=place)
        unknown = sorted(set(case) - _CASE_FIELDS)
        if unknown:
            known = ", ".join(sorted(_CASE_FIELDS))
            raise PolicyError(f"case {name!r}: unknown field `{unknown[0]}`; known are {known}", place=place)
        if not isinstance(case.get("message", ""), str) or not isinstance(case.get("fatal", False), bool):
            raise PolicyError(f"case {name!r}: `message` must be a string and `fatal` a boolean", place=place)
    cases: Mapping[str, Mapping[str, Any]] = answer.value
    return cases


def _plain_result(name: str, answer: Answer, place: Place | None) -> PolicyTestResult:
    if answer.kind == "value" and answer.value is True:
        return PolicyTestResult(name=name, passed=True, place=place)
    shown = {"undefined": "a line of it does not hold", "value": f"it is {answer.value!r}, not true"}
    return PolicyTestResult(
        name=name, passed=False, message=shown.get(answer.kind, f"{answer.kind}: {answer.value}"), place=place
    )


def _build(package: str, modules: Mapping[str, str], rules: Sequence[str]) -> BuiltPolicy:
    try:
        return build_for_judging(package, modules, rules=rules)
    except BuildError as error:
        problem = error.problems[0] if error.problems else None
        if problem is None:
            raise PolicyError(str(error)) from error
        source = modules.get(problem.file, "").encode()
        line = source[: problem.offset].count(b"\n") + 1
        raise PolicyError(problem.message, place=Place(file=problem.file, line=line)) from error


def _path(outline: Outline, rule: str) -> str:
    return f"{outline.package.replace('.', '/')}/{rule}"


def _rules(outline: Outline) -> list[tuple[str, list[Token]]]:
    """Cut the module into its top-level statements, each named by its first word."""
    rules: list[tuple[str, list[Token]]] = []
    for word in outline.words:
        # `opa fmt` starts every rule in the first column; only `else` and closing brackets stand there too.
        if word.column == 1 and word.depth == 0 and word.kind == "name" and word.text != "else":
            rules.append((word.text, []))
        if rules:
            rules[-1][1].append(word)
    return rules


def _without(source: str, rules: Sequence[Sequence[Token]]) -> str:
    """Blank the lines of some rules; the others keep their line numbers."""
    lines = source.split("\n")
    for words in rules:
        last = words[-1].line + words[-1].text.count("\n")
        for line in range(words[0].line, last + 1):
            lines[line - 1] = ""
    return "\n".join(lines)


def _place(outline: Outline, rule: str, file: str) -> Place | None:
    return next(
        (
            Place(file=file, line=words[0].line, column=words[0].column)
            for name, words in _rules(outline)
            if name == rule
        ),
        None,
    )


def _case_places(outline: Outline, names: Mapping[str, object], file: str) -> dict[str, Place]:
    """Find each case by its name's string; one whose name is computed stands where `cases` does."""
    words = next(words for name, words in _rules(outline) if name == CASES)
    places = {name: Place(file=file, line=words[0].line, column=words[0].column) for name in names}
    for word, after in pairwise(words):
        name = word.text[1:-1]
        if word.kind == "string" and after.text == ":" and name in places and places[name].line == words[0].line:
            places[name] = Place(file=file, line=word.line, column=word.column)
    return places
