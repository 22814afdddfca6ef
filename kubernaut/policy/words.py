"""Words that are refused before compiling: regopy takes them, OPA does not, or compiling them is not safe.

Older syntax, a shadowed `input`, `with`, a variable assigned twice, a `default` that computes: regopy compiles all of
these, to something else than OPA would. Everything here works on the words of `outline`.
"""

import re
from collections.abc import Iterator, Sequence

from kubernaut.errors import PolicyError
from kubernaut.policy.outline import NOT_A_VALUE, Outline, place_of, starts_statement
from kubernaut.policy.tokens import Token

_ESCAPED_CODE = re.compile(r"(?<!\\)(?:\\\\)*\\u")

RESERVED = ("input", "data")
"""The two documents; nothing else may have their names."""


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
        if word.kind == "name" and word.depth == 0 and starts_statement(words, index):
            yield from _check_head(words, index, file)
        if word.text == "{" and word.depth == 0 and _is_old_body(words, index):
            yield PolicyError(
                "a rule's body needs `if` before `{` (Rego v1, as OPA 1.x demands): write `allow if { ... }`",
                place=place_of(word, file),
            )
    for word in words:
        if word.kind == "string" and word.text.startswith('"') and _ESCAPED_CODE.search(word.text):
            yield PolicyError(
                "write the character itself instead of its `\\u` code; the evaluator does not decode it",
                place=place_of(word, file),
            )
    yield from _package_as_variable(outline, file)
    yield from _statements(words, file)
    yield from _assigned_twice(words, file)


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


def _is_old_body(words: Sequence[Token], index: int) -> bool:
    before = words[index - 1] if index else None
    if before is None or (before.kind == "mark" and before.text not in (")", "]", "}")):
        return False
    if before.text == "else":
        return True
    if before.kind == "name" and before.text in NOT_A_VALUE:
        return False
    # `every x in xs { ... }` at the top of a body without braces.
    for position in range(index - 1, -1, -1):
        word = words[position]
        if word.depth == 0 and word.kind == "name" and word.text == "every":
            return False
        if word.depth == 0 and (word.text == "if" or starts_statement(words, position)):
            break
    return True


def _package_as_variable(outline: Outline, file: str) -> Iterator[PolicyError]:
    """Find a variable that is only ever unified and is called like the package: regopy takes it for the package."""
    words, last = outline.words, outline.package.rpartition(".")[2]
    bare = [
        index
        for index, word in enumerate(words)
        if word.text == last
        and word.kind == "name"
        and word.line != outline.package_token.line
        and words[index - 1].text != "."
    ]
    declared = any(
        _declared(words, index) is not None
        or _is_bound(words, index)
        or (words[index].depth == 0 and starts_statement(words, index))
        or _is_argument(words, index)
        for index in bare
    )
    imported = any(last in (one.alias, one.path.rpartition(".")[2]) for one in outline.imports)
    if bare and not declared and not imported:
        yield PolicyError(
            f"`{last}` is also the last part of the package's name; give the variable another name, or declare it with "
            f"`some {last}`",
            place=place_of(words[bare[0]], file),
        )


def _is_argument(words: Sequence[Token], index: int) -> bool:
    """Say whether the word stands in the argument list of a rule's head."""
    back = index
    while back > 0 and words[back].depth > 0:
        back -= 1
    return words[back].text == "(" and back > 0 and starts_statement(words, back - 1)


def _statements(words: Sequence[Token], file: str) -> Iterator[PolicyError]:
    starts = [index for index, word in enumerate(words) if word.depth == 0 and word.kind == "name"]
    starts = [index for index in starts if starts_statement(words, index)]
    for start, end in zip(starts, [*starts[1:], len(words)], strict=True):
        if words[start].text == "default":
            computed = [word for word in words[start + 2 : end] if word.kind == "name" and word.text not in _CONSTANTS]
            if computed:
                yield PolicyError("the value of a `default` must be a constant", place=place_of(computed[0], file))
        elif end == start + 1:
            yield PolicyError(
                f"`{words[start].text}` alone says nothing; write `{words[start].text} if {{ ... }}`",
                place=place_of(words[start], file),
            )
    for index, word in enumerate(words):
        after = words[index + 1] if index + 1 < len(words) else None
        if word.text == ";" and (after is None or after.text == "}" or word.depth == 0):
            yield PolicyError("nothing follows this `;`; remove it", place=place_of(word, file))


def _assigned_twice(words: Sequence[Token], file: str) -> Iterator[PolicyError]:
    """Find a name that gets a second value in one body; comprehensions and `else` have bodies of their own."""
    bodies: list[set[str]] = [set()]
    for index, word in enumerate(words):
        if word.text in ("{", "[", "("):
            bodies.append(set())
        elif word.text in ("}", "]", ")") and len(bodies) > 1:
            bodies.pop()
        assigned = _declared(words, index) if word.depth > 0 else None
        if assigned is not None:
            if assigned.text in bodies[-1] and assigned.text != "_":
                yield PolicyError(
                    f"`{assigned.text}` gets a value twice in one body; give the second one another name",
                    place=place_of(assigned, file),
                )
            bodies[-1].add(assigned.text)


def _declared(words: Sequence[Token], index: int) -> Token | None:
    word = words[index]
    if word.kind != "name" or index + 1 >= len(words):
        return None
    if words[index + 1].text == ":=" and words[index - 1].text != ".":
        return word
    return word if words[index - 1].text == "some" and words[index - 1].kind == "name" else None


_CONSTANTS = frozenset({"true", "false", "null"})
