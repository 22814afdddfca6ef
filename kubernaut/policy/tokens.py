"""Rego's words, with their places: enough of a lexer to look at a module before the compiler sees it.

regopy accepts text that OPA refuses, and some text ends the process that compiles it; both must be found before. Only
words are told apart here (names, strings, numbers, comments left out, punctuation); what they mean is for `outline`.
"""

import re
from collections.abc import Iterator
from typing import NamedTuple

_TOKEN = re.compile(
    r"""
    (?P<space>[ \t\r\n]+)
  | (?P<comment>\#[^\n]*)
  | (?P<name>[A-Za-z_][A-Za-z0-9_]*)
  | (?P<number>[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?)
  | (?P<string>\$?"(?:\\.|[^"\\\n])*")
  | (?P<raw>\$?`[^`]*`)
  | (?P<mark>:=|==|!=|<=|>=|[^\s])
    """,
    re.VERBOSE,
)


class Token(NamedTuple):
    """One word.

    Attributes
    ----------
    kind : str
        ``name``, ``number``, ``string`` (raw ones too) or ``mark``.
    text : str
        As written.
    line, column : int
        One-based.
    depth : int
        How many brackets are open before it; an opening bracket counts itself only for what follows it.
    """

    kind: str
    text: str
    line: int
    column: int
    depth: int


def tokens(source: str) -> Iterator[Token]:
    """Give the words of a module; never raises, an unclosed string comes as a mark."""
    line, line_start, depth = 1, 0, 0
    for match in _TOKEN.finditer(source):
        kind = match.lastgroup or "mark"
        text = match.group()
        if kind not in ("space", "comment"):
            if text in (")", "]", "}"):
                depth = max(0, depth - 1)
            shown = "string" if kind == "raw" else kind
            yield Token(shown, text, line, match.start() - line_start + 1, depth)
            if text in ("(", "[", "{"):
                depth += 1
        newlines = text.count("\n")
        if newlines:
            line += newlines
            line_start = match.start() + text.rindex("\n") + 1
