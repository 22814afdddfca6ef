"""Why `allow` did not hold: the first line that stopped it, with the values read there.

The plan is walked step by step on one input (`stepping`); of all bodies of `allow` the one that got furthest is told.
The walk comes to the evaluator's own result, which a property test holds; where it cannot go on it says so instead of
guessing.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from kubernaut.errors import Place
from kubernaut.policy.compiled import CompiledPolicy
from kubernaut.policy.failures import Failure, PolicyRaisedError, TooLongError
from kubernaut.policy.input_text import UnusableInputError, encode_input
from kubernaut.policy.plan import parse_plan
from kubernaut.policy.stepping import Stepper
from kubernaut.policy.values import UNDEFINED, plain
from kubernaut.policy.wording import clean_message, describe

_DEEPEST_CAUSE = 8
"""Helpers below helpers that are told; further down it is no explanation any more."""


class Outcome(StrEnum):
    """What `allow` came to."""

    ALLOWED = "allowed"
    FALSE = "false"
    UNDEFINED = "undefined"
    NOT_BOOLEAN = "not boolean"
    ERROR = "error"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class TracedValue:
    """A value that was read on a line.

    Attributes
    ----------
    name : str
        ``input.pods[2].status``, or the rule or function that gave it.
    value : object
        JSON; None when there is none.
    there : bool
        False when the reference led nowhere.
    """

    name: str
    value: Any
    there: bool = True

    def __str__(self) -> str:
        return f"{self.name} = {describe(self.value) if self.there else 'not there'}"


@dataclass(frozen=True, slots=True, kw_only=True)
class FailedLine:
    """A line that did not hold.

    Attributes
    ----------
    place : Place
    text : str
        The line as written.
    values : tuple of TracedValue
    cause : FailedLine or None
        The line in the helper called here that did not hold.
    """

    place: Place
    text: str
    values: tuple[TracedValue, ...]
    cause: "FailedLine | None" = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Trace:
    """The way through a policy on one input.

    Attributes
    ----------
    outcome : Outcome
    line : FailedLine or None
        None when allowed, or when no line can be named.
    note : str
        The policy error, or why there is no line; empty otherwise.
    """

    outcome: Outcome
    line: FailedLine | None = None
    note: str = ""

    def __str__(self) -> str:
        lines = [f"`allow` is {self.outcome.value}" + (f": {self.note}" if self.note else "")]
        current, indent = self.line, ""
        while current is not None:
            lines.append(f"{indent}{current.place}: {current.text.strip()}")
            lines.extend(f"{indent}    {value}" for value in current.values)
            current, indent = current.cause, f"{indent}  "
        return "\n".join(lines)


def explain(policy: CompiledPolicy, document: Mapping[str, Any]) -> Trace:
    """Find the line of a policy that an input stopped at.

    Parameters
    ----------
    policy : CompiledPolicy
    document : mapping
        The input, as the evaluator is given it.

    Returns
    -------
    Trace

    Notes
    -----
    Runs in this process, step by step with a cap on steps; builtins run in the evaluator. A policy that hit its limits
    in the worker should not be explained.
    """
    try:
        encode_input(document)
    except UnusableInputError as error:
        return Trace(outcome=Outcome.ERROR, note=clean_message(str(error)))
    plan = parse_plan(policy.plan)
    allow = plan.find(policy.package, "allow")
    if allow is None:
        return Trace(outcome=Outcome.UNKNOWN, note="the policy has no `allow`")
    stepper = Stepper(plan, document)
    try:
        called = stepper.call(allow, [])
    except PolicyRaisedError as error:
        line = _line(policy, error.failure, 0)
        return Trace(outcome=Outcome.ERROR, line=line, note=clean_message(str(error)))
    except TooLongError as error:
        return Trace(outcome=Outcome.UNKNOWN, note=str(error))
    if called.value is True:
        return Trace(outcome=Outcome.ALLOWED)
    if called.value is UNDEFINED:
        outcome = Outcome.UNDEFINED
    else:
        outcome = Outcome.FALSE if called.value is False else Outcome.NOT_BOOLEAN
    return Trace(outcome=outcome, line=_line(policy, called.failure, 0) if called.failure is not None else None)


def _line(policy: CompiledPolicy, failure: Failure, depth: int) -> FailedLine:
    values = []
    for name, value in failure.values:
        there = value is not UNDEFINED
        values.append(TracedValue(name=name, value=plain(value) if there else None, there=there))
    cause = failure.cause if depth < _DEEPEST_CAUSE else None
    return FailedLine(
        place=failure.place,
        text=_text(policy, failure.place),
        values=tuple(values),
        cause=_line(policy, cause, depth + 1) if cause is not None else None,
    )


def _text(policy: CompiledPolicy, place: Place) -> str:
    source = policy.source if place.file == policy.name else policy.libraries.get(place.file, "")
    lines = source.splitlines()
    return lines[place.line - 1] if place.line is not None and place.line <= len(lines) else ""
