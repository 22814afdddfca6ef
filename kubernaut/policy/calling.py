"""Single builtin calls for the tracer: plain comparisons here, everything else by the evaluator itself, in its worker.

The tracer must come to the evaluator's result, so it does not imitate builtins; only what is called all the time and
has one meaning (comparing numbers, whole-number arithmetic, sets) is done in Python.
"""

import operator
from collections.abc import Callable, Sequence
from typing import Any

from kubernaut.policy.rego_answers import BuildError
from kubernaut.policy.values import UNDEFINED, RegoSet, same, term
from kubernaut.policy.worker.compiler import call

_ORDER: dict[str, Callable[[Any, Any], bool]] = {
    "gt": operator.gt,
    "gte": operator.ge,
    "lt": operator.lt,
    "lte": operator.le,
}
_WHOLE: dict[str, Callable[[int, int], int]] = {
    "plus": operator.add,
    "minus": operator.sub,
    "mul": operator.mul,
}
_INFIX = {
    "and": "&",
    "div": "/",
    "eq": "==",
    "equal": "==",
    "gt": ">",
    "gte": ">=",
    "lt": "<",
    "lte": "<=",
    "minus": "-",
    "mul": "*",
    "neq": "!=",
    "or": "|",
    "plus": "+",
    "rem": "%",
}
_GIVES_SET = frozenset({"intersection", "union", "object.keys", "regex.find_all"})


class BuiltinError(Exception):
    """The builtin refuses its arguments; the evaluator makes a policy error of it."""


def call_builtin(name: str, arguments: Sequence[Any]) -> Any:
    """Call a builtin.

    Parameters
    ----------
    name : str
        As the plan has it.
    arguments : sequence
        Rego values.

    Returns
    -------
    object
        A Rego value, or `UNDEFINED`.

    Raises
    ------
    BuiltinError
        It refuses its arguments.
    """
    if name == "count" and len(arguments) == 1 and isinstance(arguments[0], RegoSet):
        return len(arguments[0])
    if len(arguments) == 2:
        left, right = arguments
        if name in ("equal", "eq", "neq"):
            return same(left, right) is (name != "neq")
        if name in _ORDER and (_numbers(left, right)):
            return _ORDER[name](left, right)
        if name in _WHOLE and type(left) is int and type(right) is int:
            return _WHOLE[name](left, right)
        if isinstance(left, RegoSet) and isinstance(right, RegoSet):
            if name == "minus":
                return RegoSet([one for one in left if one not in right])
            if name == "and":
                return RegoSet([one for one in left if one in right])
            if name == "or":
                return RegoSet([*left, *right])
    return _by_evaluator(name, arguments)


def _numbers(*values: Any) -> bool:
    return all(isinstance(value, int | float) and not isinstance(value, bool) for value in values)


def _by_evaluator(name: str, arguments: Sequence[Any]) -> Any:
    try:
        answer = call(_source(name, len(arguments)), package="tracing", arguments=term(list(arguments)))
    except BuildError as error:
        raise BuiltinError(f"`{name}` cannot be called alone: {error}") from error
    if answer.kind == "undefined":
        return UNDEFINED
    if answer.kind == "value":
        return RegoSet(answer.value) if name in _GIVES_SET else answer.value
    raise BuiltinError(str(answer.value))


def _source(name: str, count: int) -> str:
    operands = [f"input[{index}]" for index in range(count)]
    if name in _INFIX:
        expression = f" {_INFIX[name]} ".join(operands)
    elif name == "internal.member_2":
        expression = " in ".join(operands)
    elif name == "internal.member_3":
        expression = f"({operands[0]}, {operands[1]} in {operands[2]})"
    else:
        expression = f"{name}({', '.join(operands)})"
    return f"package tracing\nimport rego.v1\nallow := {expression}\n"
