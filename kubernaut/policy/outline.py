"""What a module says on its surface: package, imports, rule heads, and words that are refused before compiling.

The compiler accepts more than OPA does (older syntax, shadowed `input`) and can end the process on `with`; so the words
are looked at first. Everything here works on tokens; bodies are the compiler's business.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from kubernaut.errors import Place, PolicyError
from kubernaut.policy.tokens import Token, tokens

RESERVED = ("input", "data")
"""The two documents; nothing else may have their names."""

_NOT_A_VALUE = frozenset(
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
        if words[index].text == "package" and words[index].depth == 0 and _starts_line(words, index):
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
            if word.text == "default" and word.depth == 0 and _starts_line(words, index)
        ),
        words=words,
    )


def place_of(token: Token, file: str) -> Place:
    """Say where a word stands."""
    return Place(file=file, line=token.line, column=token.column)


def check_words(outline: Outline, *, file: str) -> Iterator[PolicyError]:
    """Find words that the compiler would take and OPA would not, or that are not safe to compile."""
    words = outline.words
    for index, word in enumerate(words):
        if word.kind != "name" or (index and words[index - 1].text == "."):
            continue
        if word.text == "with":
            yield PolicyError(
                "`with` is not supported: it gives wrong answers here and can end the process; "
                "pass what changes as an argument of a function instead",
                place=place_of(word, file),
            )
        if word.text in RESERVED and _is_bound(words, index):
            yield _shadows(word, file)
    for index, word in enumerate(words):
        if word.kind == "name" and word.depth == 0 and _starts_statement(words, index):
            yield from _check_head(words, index, file)
        if word.text == "{" and word.depth == 0 and _is_old_body(words, index):
            yield PolicyError(
                "a rule's body needs `if` before `{` (Rego v1, as OPA 1.x demands): write `allow if { ... }`",
                place=place_of(word, file),
            )


def _shadows(word: Token, file: str) -> PolicyError:
    return PolicyError(
        f"`{word.text}` must not be used as a name of your own (OPA refuses it); "
        f"call it something else, e.g. `{'facts' if word.text == 'input' else 'values'}`",
        place=place_of(word, file),
    )


def _is_bound(words: Sequence[Token], index: int) -> bool:
    before = words[index - 1].text if index else ""
    after = words[index + 1].text if index + 1 < len(words) else ""
    if after == ":=" or (before == "as" and index and words[index - 1].kind == "name"):
        return True
    if before in ("some", "every"):
        return True
    # `some x, input in xs`: walk back over the names of the declaration.
    back = index - 1
    while back > 0 and words[back].text == "," and words[back - 1].kind == "name":
        back -= 2
        if words[back].text in ("some", "every"):
            return True
    return False


def _check_head(words: Sequence[Token], index: int, file: str) -> Iterator[PolicyError]:
    head = words[index + 1] if words[index].text == "default" and index + 1 < len(words) else words[index]
    if head.text in RESERVED:
        yield _shadows(head, file)
    following = index + (2 if words[index].text == "default" else 1)
    while following + 1 < len(words) and words[following].text == ".":
        following += 2
    if following < len(words) and words[following].text == "(" and words[following].line == head.line:
        for position in range(following + 1, _closing(words, following)):
            word = words[position]
            if word.text in RESERVED and word.kind == "name" and words[position - 1].text != ".":
                yield PolicyError(
                    f"the helper `{head.text}` names an argument `{word.text}` (OPA refuses it); "
                    f"give the argument another name",
                    place=place_of(word, file),
                )


def _closing(words: Sequence[Token], opening: int) -> int:
    for position in range(opening + 1, len(words)):
        if words[position].text in (")", "]", "}") and words[position].depth == words[opening].depth:
            return position
    return len(words)


def _starts_line(words: Sequence[Token], index: int) -> bool:
    return index == 0 or words[index - 1].line != words[index].line


def _starts_statement(words: Sequence[Token], index: int) -> bool:
    if index == 0:
        return True
    before, word = words[index - 1], words[index]
    if word.text in ("else", "package", "import") or before.text in ("default", "else"):
        return False
    if before.line == word.line:
        return False
    joins = before.kind == "mark" and before.text not in (")", "]", "}")
    return not joins and before.text not in _NOT_A_VALUE


def _is_old_body(words: Sequence[Token], index: int) -> bool:
    before = words[index - 1] if index else None
    if before is None or (before.kind == "mark" and before.text not in (")", "]", "}")):
        return False
    if before.text == "else":
        return True
    if before.kind == "name" and before.text in _NOT_A_VALUE:
        return False
    # `every x in xs { ... }` at the top of a body without braces.
    for position in range(index - 1, -1, -1):
        word = words[position]
        if word.depth == 0 and word.kind == "name" and word.text == "every":
            return False
        if word.depth == 0 and (word.text == "if" or _starts_statement(words, position)):
            break
    return True


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
        if word.text == "import" and word.depth == 0 and _starts_line(words, index):
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
