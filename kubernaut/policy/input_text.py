"""One input as the JSON text that the evaluator reads, and what cannot be such a text.

Whoever hands inputs over uses it, in the process that decides too; so neither regopy nor anything beyond what the
worker may import is needed here.
"""

import json
from collections.abc import Mapping
from typing import Any

from kubernaut.policy.wording import clean_message
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
