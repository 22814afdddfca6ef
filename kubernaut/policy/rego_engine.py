"""The one place that calls regopy: build a bundle, keep it silent, say what went wrong in words.

regopy 1.5.2 prints to the terminal unless told not to, swallows errors of builtins unless told not to, and answers
errors in forms of its own; all of that ends here. This module must stay importable by the worker program: the
standard library and regopy only.
"""

import json
import re
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from regopy import Bundle, Input, Interpreter, LogLevel, Node, NodeKind, RegoError
from regopy.rego_shared import rego_node_value

from kubernaut.policy.rego_answers import RULES, Answer, BuildError, SourceProblem

_ERROR = re.compile(
    r"\(error (?P<length>\d+):(?P<rest>.*?)\|(?P<offset>\d+)\|\d+\s*\(errormsg (?P<size>\d+):(?P<text>[^\n]*)",
    re.DOTALL,
)

_NINETEEN_DIGITS = re.compile(r"[0-9]{19}")


class BuiltPolicy(NamedTuple):
    """A module in the evaluator's own form."""

    interpreter: Interpreter
    bundle: Bundle


def entrypoints(package: str, rules: Sequence[str] = RULES) -> list[str]:
    """Name what is asked of a package, in the evaluator's form."""
    return [f"{package.replace('.', '/')}/{rule}" for rule in rules]


def build(package: str, modules: Mapping[str, str], *, rules: Sequence[str] = RULES) -> BuiltPolicy:
    """Compile modules for some rules of a package, by default the three that are asked of a policy.

    Raises
    ------
    BuildError
        A module does not parse.
    """
    return build_entrypoints(modules, entrypoints(package, rules))


def build_entrypoints(modules: Mapping[str, str], wanted: Sequence[str]) -> BuiltPolicy:
    """Compile modules for entrypoints named in the evaluator's form.

    Raises
    ------
    BuildError
        A module does not parse.
    """
    interpreter = quiet_interpreter()
    try:
        for name, source in modules.items():
            # A comment on the last line, without a newline after it, is a syntax error to regopy.
            interpreter.add_module(name, f"{source}\n")
        bundle = interpreter.build(None, list(wanted))
    except (RegoError, ValueError) as error:
        raise BuildError(_problems(str(error)), str(error)) from error
    if not bundle.ok():
        raise BuildError((), "the compiler gave no plan")
    return BuiltPolicy(interpreter, bundle)


def load_plan(folder: str) -> BuiltPolicy:
    """Take a bundle from a folder, as `Interpreter.save_bundle` left it or with its plan changed.

    Raises
    ------
    BuildError
        It cannot be loaded.
    """
    interpreter = quiet_interpreter()
    try:
        bundle = interpreter.load_bundle(folder)
    except (RegoError, ValueError) as error:
        raise BuildError(_problems(str(error)), str(error)) from error
    if not bundle.ok():
        raise BuildError((), "the plan cannot be loaded")
    return BuiltPolicy(interpreter, bundle)


def quiet_interpreter() -> Interpreter:
    """Give an interpreter that prints nothing and says when a builtin refuses its arguments."""
    interpreter = Interpreter()
    interpreter.log_level = LogLevel.NONE
    interpreter.strict_built_in_errors = True
    return interpreter


def read_plan(built: BuiltPolicy) -> dict[str, Any]:
    """Give OPA's intermediate representation of what was built.

    regopy hands it out as a file only, so it goes through a temporary folder.
    """
    with tempfile.TemporaryDirectory(prefix="kubernaut-plan-") as folder:
        built.interpreter.save_bundle(folder, built.bundle)
        plan: dict[str, Any] = json.loads((Path(folder) / "plan.json").read_bytes())
    return plan


def is_builtin(name: str) -> bool:
    """Say whether the evaluator has a builtin of that name."""
    return bool(_PROBE.is_builtin(name))


def hand_over(built: BuiltPolicy, text: str) -> None:
    """Set the input of the next questions.

    `Input(obj)` takes a third of the time of `set_input_term`, but keeps six decimals, wraps integers from 2^63 and
    corrupts strings that hold a quote, a backslash or a control character. JSON writes exactly those strings with a
    backslash, so a text without one, without fractions and without 19 digits in a row is safe.

    `json.marshal` fails on a list made by `Input`; policies may not call it.

    Parameters
    ----------
    built : BuiltPolicy
    text : str
        A JSON object.
    """
    if "\\" not in text and not _NINETEEN_DIGITS.search(text):
        try:
            value = json.loads(text, parse_float=_refuse_fraction)
        except _FractionError:
            pass
        else:
            built.interpreter.set_input(Input(value))
            return
    built.interpreter.set_input_term(text)


class _FractionError(Exception):
    """A number that `Input` would round."""


def _refuse_fraction(_: str) -> None:
    raise _FractionError


def ask(built: BuiltPolicy, entrypoint: str) -> Answer:
    """Evaluate one rule on the input set before."""
    try:
        output = built.interpreter.query_bundle_entrypoint(built.bundle, entrypoint)
    except ValueError as error:
        # Output() parses the evaluator's text as JSON; an unknown function and a string computed by sprintf both break
        # it.
        return Answer("garbled", str(error))
    except RegoError as error:
        return Answer("error", _first_line(str(error)))
    if not output.ok():
        return Answer("error", _error_text(output.node()))
    expressions = output.results[0].expressions if output.results else ()
    return Answer("value", expressions[0]) if expressions else Answer("undefined")


def _problems(text: str) -> list[SourceProblem]:
    found = []
    for match in _ERROR.finditer(text):
        file = match["rest"][: int(match["length"])]
        found.append(SourceProblem(match["text"][: int(match["size"])], file, int(match["offset"])))
    return found


def _first_line(text: str) -> str:
    problems = _problems(text)
    return problems[0].message if problems else text.strip().splitlines()[0]


def _error_text(node: Node) -> str:
    message = _find(node, NodeKind.ErrorMessage) or _find(node, NodeKind.ErrorCode)
    return message or "the policy raised an error"


def _find(node: Node, kind: NodeKind) -> str | None:
    if node.kind == kind:
        # Node.value knows JSON scalars only.
        return str(rego_node_value(node._impl))  # noqa: SLF001 - see above
    if node.kind not in (NodeKind.ErrorSeq, NodeKind.Error):
        return None
    found = (_find(node.at(index), kind) for index in range(len(node)))
    return next((text for text in found if text), None)


_PROBE = Interpreter()
_PROBE.log_level = LogLevel.NONE
