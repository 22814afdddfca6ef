"""Text that must not reach the compiler: too large, not text, nested so deeply that it would exhaust the stack."""

from kubernaut.errors import Place, PolicyError
from kubernaut.policy.outline import starts_statement
from kubernaut.policy.tokens import Token

MAX_SOURCE_BYTES = 64 * 1024
"""A module may be 64 KiB; inline Rego is capped lower where it is read."""

MAX_NESTING = 40
"""Open brackets at one place. The compiler recurses with them; policies people write stay below ten."""

MAX_RULE_WORDS = 1500
"""Words of one rule. The compiler's time grows with their square, and each iteration nests the plan one deeper."""

MAX_WORDS = 8000
"""Words of one module; hundreds of bodies of one rule are no longer one rule each."""

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
    """Refuse what would make the compiler recurse out of its stack or never end, and numbers of absurd size.

    Raises
    ------
    PolicyError
        More than 40 open brackets, a rule of more than 1,500 words, or a number of more than 40 characters.
    """
    if len(words) > MAX_WORDS:
        raise PolicyError(
            f"the policy has {len(words)} words, more than the {MAX_WORDS} allowed; split it", place=Place(file=file)
        )
    start = 0
    for index, word in enumerate(words):
        place = Place(file=file, line=word.line, column=word.column)
        if word.depth > MAX_NESTING:
            raise PolicyError(
                f"more than {MAX_NESTING} brackets are open here; split the rule into helpers", place=place
            )
        if word.depth == 0 and word.kind == "name" and starts_statement(words, index):
            start = index
        if index - start > MAX_RULE_WORDS:
            raise PolicyError(f"a rule of more than {MAX_RULE_WORDS} words; split it into helpers", place=place)
        if word.kind == "number" and not _reasonable(word.text):
            raise PolicyError(f"the number {word.text[:20]}... is too large", place=place)


def _reasonable(number: str) -> bool:
    mantissa, _, exponent = number.lower().partition("e")
    return len(mantissa) <= MAX_NUMBER_CHARS and (
        not exponent or (len(exponent) <= 4 and abs(int(exponent)) <= MAX_EXPONENT)
    )
