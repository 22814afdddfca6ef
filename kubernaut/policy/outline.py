"""What a module says on its surface: package, imports, libraries it names, where its rules begin.

Everything here works on words; what must not be said is for `words`, bodies are the compiler's business.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from kubernaut.errors import Place, PolicyError
from kubernaut.policy.tokens import Token, tokens

NOT_A_VALUE = frozenset(
    {"if", "in", "not", "contains", "some", "every", "default", "as", "import", "package", "with", "else"}
)
_OPENERS = {"(": ")", "[": "]", "{": "}"}


class Import(NamedTuple):
    """One `import` line: its dotted path and its alias, or None."""

    path: str
    alias: str | None
    token: Token


@dataclass(frozen=True, slots=True, kw_only=True)
class Outline:
    """The surface of a module.

    Attributes
    ----------
    package : str
        Dotted.
    imports : tuple of Import
    libraries : frozenset of str
        Packages under `lib` that are named anywhere, e.g. ``lib.quantities``.
    defaults : frozenset of str
        Rules with a `default`.
    words : tuple of Token
    """

    package: str
    package_token: Token
    imports: tuple[Import, ...]
    libraries: frozenset[str]
    defaults: frozenset[str]
    words: tuple[Token, ...]


def read_outline(source: str, *, file: str) -> Outline:
    """Read the surface of a module.

    Raises
    ------
    PolicyError
        There is no package, or two, or one whose name is not made of plain words; a bracket is never closed.
    """
    words = tuple(tokens(source))
    if not words:
        raise PolicyError(
            "the policy is empty; it needs a `package` line and an `allow` rule",
            place=Place(file=file, line=1),
        )
    if words[0].text != "package":
        raise PolicyError("the first line must be `package <name>`", place=place_of(words[0], file))
    package, rest = _dotted(words, 1)
    if not package or (rest < len(words) and words[rest].text == "[" and words[rest].line == words[0].line):
        raise PolicyError(
            "a package's name must be plain words joined by dots, e.g. `package precondition.scale_deployment`",
            place=place_of(words[0], file),
        )
    for index in range(rest, len(words)):
        if words[index].text == "package" and words[index].depth == 0 and starts_line(words, index):
            raise PolicyError(
                "a second `package`; put each package in a file of its own",
                place=place_of(words[index], file),
            )
    _check_brackets(words, file)
    return Outline(
        package=package,
        package_token=words[1],
        imports=tuple(_imports(words)),
        libraries=frozenset(_libraries(words)),
        defaults=frozenset(
            words[index + 1].text
            for index, word in enumerate(words[:-1])
            if word.text == "default" and word.depth == 0 and starts_line(words, index)
        ),
        words=words,
    )


def place_of(token: Token, file: str) -> Place:
    """Say where a word stands."""
    return Place(file=file, line=token.line, column=token.column)


def starts_line(words: Sequence[Token], index: int) -> bool:
    """Say whether the word at `index` is the first of its line."""
    return index == 0 or words[index - 1].line != words[index].line


def starts_statement(words: Sequence[Token], index: int) -> bool:
    """Say whether the word at `index` begins a rule: first of its line, and nothing before it waits for more."""
    if index == 0:
        return True
    before, word = words[index - 1], words[index]
    if word.text in ("else", "package", "import") or before.text in ("default", "else"):
        return False
    if before.line == word.line:
        return False
    joins = before.kind == "mark" and before.text not in (")", "]", "}")
    return not joins and before.text not in NOT_A_VALUE


def _check_brackets(words: Sequence[Token], file: str) -> None:
    open_: list[Token] = []
    for word in words:
        if word.kind != "mark":
            continue
        if word.text in _OPENERS:
            open_.append(word)
        elif word.text in _OPENERS.values():
            if not open_ or _OPENERS[open_[-1].text] != word.text:
                raise PolicyError(f"`{word.text}` closes nothing that is open", place=place_of(word, file))
            open_.pop()
        elif word.text in ('"', "`"):
            raise PolicyError("this string is never closed", place=place_of(word, file))
    if open_:
        raise PolicyError(f"`{open_[-1].text}` is never closed", place=place_of(open_[-1], file))


def _imports(words: Sequence[Token]) -> Iterator[Import]:
    for index, word in enumerate(words):
        if word.text == "import" and word.depth == 0 and starts_line(words, index):
            path, rest = _dotted(words, index + 1)
            alias = words[rest + 1].text if rest + 1 < len(words) and words[rest].text == "as" else None
            yield Import(path, alias, word)


def _libraries(words: Sequence[Token]) -> Iterator[str]:
    for index, word in enumerate(words):
        if word.text == "data" and (not index or words[index - 1].text != "."):
            path, _ = _dotted(words, index)
            parts = path.split(".")
            if len(parts) > 2 and parts[1] == "lib":
                yield ".".join(parts[1:])
            elif len(parts) > 1 and parts[1] == "lib":
                yield "lib"


def _dotted(words: Sequence[Token], index: int) -> tuple[str, int]:
    """Read `a.b.c` from `index` on; give it and the index after it."""
    parts: list[str] = []
    line = words[index].line if index < len(words) else 0
    while index < len(words) and words[index].kind == "name" and words[index].line == line:
        parts.append(words[index].text)
        index += 1
        if index < len(words) and words[index].text == ".":
            index += 1
        else:
            break
    return ".".join(parts), index
