"""Messages as people may safely see them: one line, no control characters, bounded."""

import json
import unicodedata
from typing import Any

MAX_MESSAGE_CHARS = 1024
"""A message goes to status, Events and history; status shortens it further."""


def clean_message(text: str, *, max_chars: int = MAX_MESSAGE_CHARS) -> str:
    """Make one bounded line of `text`; control, format and surrogate characters become spaces.

    Format characters go too: a bidirectional override in a message can make a terminal show another text.
    """
    if not (text.isascii() and text.isprintable()):
        text = "".join(" " if unicodedata.category(char) in ("Cc", "Cf", "Cs", "Zl", "Zp") else char for char in text)
    text = " ".join(text.split())
    return text if len(text) <= max_chars else text[: max_chars - 1] + "…"


def describe(value: Any, *, max_chars: int = 60) -> str:
    """Show a JSON value with its kind, e.g. ``"yes" (a string)``."""
    kinds = {
        bool: "a boolean",
        int: "a number",
        float: "a number",
        str: "a string",
        list: "a list",
        dict: "an object",
    }
    shown = clean_message(json.dumps(value, ensure_ascii=False, default=str), max_chars=max_chars)
    return f"{shown} ({kinds[type(value)]})" if type(value) in kinds else shown
