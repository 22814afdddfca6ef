"""From one input to one judgement: the order of the questions and the wording of what comes back.

`allow` is asked first; `fatal` and `error_message` only when it did not hold. A policy error, a non-boolean `allow`
and an input that cannot be handed over are judgements too, never exceptions. The same code runs in process and in the
worker program, so this module may import only what the worker may.
"""

import json
from collections.abc import Mapping
from typing import Any

from kubernaut.policy.rego_engine import Answer, BuiltPolicy, ask, hand_over
from kubernaut.policy.wording import clean_message, describe
from kubernaut.verdicts import Code, Judgement, Reason

MAX_INPUT_DEPTH = 64
"""Deeper JSON makes the evaluator recurse; no registered fact comes near it."""

MAX_INPUT_BYTES = 1 << 20
"""1 MiB, as large as a Kubernetes object may become."""


class UnusableInputError(ValueError):
    """An input that cannot be handed to the evaluator; the text says why."""


def encode_input(document: Mapping[str, Any], *, max_bytes: int = MAX_INPUT_BYTES) -> str:
    """Turn one input into the JSON text that the evaluator reads.

    Raises
    ------
    UnusableInputError
        NaN or an infinity, text that is not Unicode, a value that is not JSON, nested too deeply, or too large.
    """
    try:
        text = _WRITER.encode(document)
    except RecursionError:
        raise UnusableInputError(f"the input is nested more than {MAX_INPUT_DEPTH} levels deep") from None
    except (TypeError, ValueError) as error:
        raise UnusableInputError(f"the input is not JSON: {error}") from None
    return checked_text(text, max_bytes=max_bytes)


def checked_text(text: str, *, max_bytes: int = MAX_INPUT_BYTES) -> str:
    """Give an input's JSON text back if the evaluator can be given it.

    Raises
    ------
    UnusableInputError
        Text that is not Unicode, nested too deeply, or too large.
    """
    try:
        size = len(text.encode())
    except UnicodeEncodeError:
        raise UnusableInputError("the input holds text that is not Unicode (a lone surrogate)") from None
    if size > max_bytes:
        raise UnusableInputError(f"the input is {size} bytes, more than the {max_bytes} allowed")
    if _depth(text) > MAX_INPUT_DEPTH:
        raise UnusableInputError(f"the input is nested more than {MAX_INPUT_DEPTH} levels deep")
    return text


def _plain(value: Any) -> Any:
    # Facts may be read-only mappings and tuples-like sequences, which json knows only as dict, list and tuple.
    if isinstance(value, Mapping):
        return dict(value)
    if hasattr(value, "__iter__") and not isinstance(value, str | bytes | set | frozenset):
        return list(value)
    raise TypeError(f"{type(value).__name__} is not a JSON value")


_WRITER = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"), default=_plain)


def _depth(text: str) -> int:
    if text.count("[") + text.count("{") <= MAX_INPUT_DEPTH:
        return 0
    deepest = depth = 0
    in_string = escaped = False
    for char in text:
        if in_string:
            if escaped:
                escaped = False
            elif char == "\\":
                escaped = True
            elif char == '"':
                in_string = False
        elif char == '"':
            in_string = True
        elif char in "[{":
            depth += 1
            deepest = max(deepest, depth)
        elif char in "]}":
            depth -= 1
    return deepest


def unusable(error: UnusableInputError) -> Judgement:
    """Judge an input that could not be handed over."""
    return Judgement(Code.ERROR, Reason.LIMIT_EXCEEDED, clean_message(str(error)))


def answer(built: BuiltPolicy, package: str, *, has_error_message: bool, has_fatal: bool, text: str) -> Judgement:
    """Judge one input.

    Parameters
    ----------
    built : BuiltPolicy
    package : str
        Dotted, as declared.
    has_error_message, has_fatal : bool
        Whether those rules are defined; undefined ones are not asked.
    text : str
        The input, from `encode_input`.
    """
    prefix = package.replace(".", "/")
    hand_over(built, text)
    allow = ask(built, f"{prefix}/allow")
    if allow.kind == "error":
        return Judgement(Code.ERROR, Reason.POLICY_ERROR, clean_message(f"policy error: {allow.value}"))
    if allow.kind == "garbled":
        return Judgement(
            Code.ERROR,
            Reason.POLICY_ERROR,
            "policy error: `allow` gave text that the evaluator cannot represent",
        )
    if allow.kind == "value" and allow.value is True:
        return Judgement(Code.PASSED, Reason.ALLOWED)
    if allow.kind == "value" and allow.value is not False:
        return Judgement(
            Code.ERROR,
            Reason.NON_BOOLEAN_RESULT,
            f"`allow` must be true or false, not {describe(allow.value)}",
        )
    fatal, note = _fatal(ask(built, f"{prefix}/fatal")) if has_fatal else (False, "")
    message = _message(ask(built, f"{prefix}/error_message")) if has_error_message else ""
    if not message:
        message = "`allow` is false" if allow.kind == "value" else "`allow` is undefined: no rule of it holds"
    reason = Reason.FATAL if fatal else Reason.NOT_ALLOWED
    return Judgement(Code.FAILED, reason, clean_message(message + note), fatal=fatal)


def _fatal(asked: Answer) -> tuple[bool, str]:
    # A `fatal` that cannot be judged never ends the waiting: giving up early is the costlier mistake.
    if asked.kind == "undefined" or asked.value is False:
        return False, ""
    if asked.kind == "value" and asked.value is True:
        return True, ""
    why = describe(asked.value) if asked.kind == "value" else str(asked.value)
    return False, f" (`fatal` could not be judged: {why})"


def _message(asked: Answer) -> str:
    """Give the policy's own words, or nothing when it has none that can be shown."""
    if asked.kind != "value":
        return ""
    if isinstance(asked.value, str):
        return asked.value
    if isinstance(asked.value, list) and all(isinstance(one, str) for one in asked.value):
        return "; ".join(asked.value)
    return ""
