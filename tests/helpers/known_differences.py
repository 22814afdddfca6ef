"""The differences from OPA that are known and described; every other one fails the tests.

Each has the name of its section in docs/policies/differences-from-opa.md.
"""

import math
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from kubernaut.verdicts import Code, Judgement, Reason

from .opa import OpaAnswer
from .verdict_of_opa import code_of

Known = Callable[[str, Any, OpaAnswer, Judgement], bool]
"""(source, input, OPA's answer, our judgement) -> this explains the difference."""


def builtin_errors(_source: str, _document: Any, answer: OpaAnswer, judged: Judgement) -> bool:
    """One of the two met a builtin's error, the other got to its verdict without it; ours does not pass then."""
    wanted = code_of(answer)
    if judged.code is Code.ERROR:
        return judged.reason is Reason.POLICY_ERROR and wanted is not Code.ERROR
    return judged.code is Code.FAILED and wanted is Code.ERROR


def escaped_strings(source: str, document: Any, _answer: OpaAnswer, _judged: Judgement) -> bool:
    """A string holds a quote, a backslash or a control character, and the policy looks into strings."""
    looks_into = re.search(
        r"\b(count|trim\w*|split|substring|indexof\w*|strings\.\w+|upper|lower|replace|regex\.\w+|sprintf|concat|"
        r"contains|startswith|endswith|format_int|to_number|[<>]=?|min|max|sort|parse_cpu|parse_memory)",
        source,
    )
    return bool(looks_into) and any(re.search(r'["\\\x00-\x1f\x7f]', text) for text in _strings(document))


def not_ordered(source: str, document: Any, answer: OpaAnswer, judged: Judgement) -> bool:
    """Two arrays or two objects are compared by order: undefined here."""
    orders = re.search(r"[<>]|\b(min|max|sort)\(", source)
    return (
        bool(orders) and _has_collections(document) and judged.code is not Code.PASSED and "allow" not in answer.errors
    )


def large_numbers(source: str, document: Any, _answer: OpaAnswer, _judged: Judgement) -> bool:
    """Arithmetic, or a comparison, on numbers that a 64-bit float cannot hold exactly, or on fractions."""
    computes = re.search(r"[-+*/%<>=]|\b(sum|product|ceil|floor|round|abs|format_int|parse_cpu|parse_memory)", source)
    return bool(computes) and any(_inexact(number) for number in _numbers(document))


def messages_by_sprintf(source: str, _document: Any, answer: OpaAnswer, judged: Judgement) -> bool:
    """Only the message differs, and it is written by sprintf."""
    same = code_of(answer) is judged.code and judged.fatal is (answer.values.get("fatal") is True)
    return same and "sprintf" in source


KNOWN: Mapping[str, Known] = {
    "Errors of builtins": builtin_errors,
    "Strings with quotes, backslashes or control characters": escaped_strings,
    "Order of lists and objects": not_ordered,
    "Large numbers and fractions": large_numbers,
    "Messages written by sprintf": messages_by_sprintf,
}


def known_difference(source: str, document: Any, answer: OpaAnswer, judged: Judgement) -> str | None:
    """Name the known difference that explains this one, or None."""
    return next((name for name, holds in KNOWN.items() if holds(source, document, answer, judged)), None)


def _leaves(document: Any) -> Iterator[Any]:
    if isinstance(document, dict):
        yield from document
        for value in document.values():
            yield from _leaves(value)
    elif isinstance(document, list):
        for value in document:
            yield from _leaves(value)
    else:
        yield document


def _strings(document: Any) -> Iterator[str]:
    return (leaf for leaf in _leaves(document) if isinstance(leaf, str))


def _numbers(document: Any) -> Iterator[float]:
    return (leaf for leaf in _leaves(document) if isinstance(leaf, int | float) and not isinstance(leaf, bool))


def _inexact(number: float) -> bool:
    return abs(number) >= 2**52 or (isinstance(number, float) and not math.isclose(number * 4, round(number * 4)))


def _has_collections(document: Any) -> bool:
    return isinstance(document, dict) and any(isinstance(value, list | dict) for value in document.values())
