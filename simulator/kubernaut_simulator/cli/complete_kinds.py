"""The kinds that a user may call complete with `check --complete`, as people write them.

kubectl takes `pods`, `Pod` and `po` alike, so a person does not think of the exact name; a kind that is not known is
refused and never ignored, because the answer would be about another dump than the user believes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kubernaut.errors import InputError
from kubernaut.facts.definitions import ALL_PODS, RIGHTS

if TYPE_CHECKING:
    from collections.abc import Sequence

_ALL_PODS_WORD = "all-pods"


def complete_kinds(given: Sequence[str]) -> tuple[str, ...]:
    """Give the kinds (keys of `RIGHTS`) that the user means; plural and case do not matter.

    Raises
    ------
    InputError
        No fact rests on such a kind.
    """
    words = _words()
    return tuple(words[text.lower()] if text.lower() in words else _refused(text) for text in given)


def option_word(kind: str) -> str:
    """Give a kind as one word of a command line."""
    return _ALL_PODS_WORD if kind == ALL_PODS else kind


def _words() -> dict[str, str]:
    words = {_ALL_PODS_WORD: ALL_PODS}
    for kind, right in RIGHTS.items():
        words[kind.lower()] = kind
        if kind != ALL_PODS:
            words[f"{kind.lower()}s"] = kind
            if not right.group.startswith("metrics."):
                words[right.resource] = kind
    return words


def _refused(text: str) -> str:
    from difflib import get_close_matches

    words = _words()
    close = get_close_matches(text.lower(), words, n=1)
    hint = (
        f"did you mean {option_word(words[close[0]])}?"
        if close
        else f"kinds are {', '.join(option_word(kind) for kind in RIGHTS)}"
    )
    raise InputError(f"--complete {text!r}: no fact rests on this kind; {hint}")
