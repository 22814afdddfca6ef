"""Text that must not reach the compiler: too large, not text, nested so deeply that it would exhaust the stack."""

from kubernaut.errors import Place, PolicyError
from kubernaut.policy.tokens import Token

MAX_SOURCE_BYTES = 64 * 1024
"""A module may be 64 KiB; inline Rego is capped lower where it is read."""

MAX_NESTING = 40
"""Open brackets at one place. The compiler recurses with them; policies people write stay below ten."""

MAX_STATEMENT_WORDS = 2000
"""Words from one line's start to the end of its expression outside brackets of bodies; a chain of thousands of operators
makes the compiler recurse as brackets do."""

MAX_NUMBER_CHARS = 40
"""Digits of one number; the evaluator computes with numbers of any size and takes its time over it."""

MAX_EXPONENT = 400
"""`1e999999999` is ten characters and a gigabyte of digits."""


def check_text(source: str, *, file: str) -> None:
    """Refuse what is not a text of bounded size.

    Raises
    ------
    PolicyError
        Larger than 64 KiB, a NUL character, or text that is not Unicode.
    """
    try:
        size = len(source.encode())
    except UnicodeEncodeError as error:
        line = source.count("\n", 0, error.start) + 1
        raise PolicyError(
            "the source is not valid Unicode text; save the file as UTF-8", place=Place(file=file, line=line)
        ) from error
    if size > MAX_SOURCE_BYTES:
        raise PolicyError(
            f"the source is {size} bytes, more than the {MAX_SOURCE_BYTES} allowed; move data out of the policy",
            place=Place(file=file),
        )
    if "\0" in source:
        line = source.count("\n", 0, source.index("\0")) + 1
        raise PolicyError("the source holds a NUL character", place=Place(file=file, line=line))


def check_nesting(words: tuple[Token, ...], *, file: str) -> None:
    """Refuse what would make the compiler recurse out of its stack, and numbers of absurd size.

    Raises
    ------
    PolicyError
        More than 40 open brackets, an expression of more than 2,000 words, or a number of more than 40 characters.
    """
    run = 0
    for index, word in enumerate(words):
        place = Place(file=file, line=word.line, column=word.column)
        if word.depth > MAX_NESTING:
            raise PolicyError(
                f"more than {MAX_NESTING} brackets are open here; split the rule into helpers", place=place
            )
        # Adjacent words on one line or joined by an operator at a line's end belong to one expression.
        new = index == 0 or (word.line != words[index - 1].line and words[index - 1].kind != "mark")
        run = 0 if new or word.text in (";", "}") else run + 1
        if run > MAX_STATEMENT_WORDS:
            raise PolicyError(
                f"one expression of more than {MAX_STATEMENT_WORDS} words; split it into helpers", place=place
            )
        if word.kind == "number" and not _reasonable(word.text):
            raise PolicyError(f"the number {word.text[:20]}... is too large", place=place)


def _reasonable(number: str) -> bool:
    mantissa, _, exponent = number.lower().partition("e")
    return len(mantissa) <= MAX_NUMBER_CHARS and (
        not exponent or (len(exponent) <= 4 and abs(int(exponent)) <= MAX_EXPONENT)
    )
