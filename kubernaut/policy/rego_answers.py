"""What the compiler and the evaluator say, as values: for those who ask a worker and never load regopy themselves.

Loading it costs a process 15 MiB and brings a C++ runtime; a process that decides has no need of either.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

RULES = ("allow", "error_message", "fatal")
"""What is asked of a policy's package."""

MISSING_BUILTINS = "missing_builtins"
"""Key beside those of OPA's plan: names that are called and that the evaluator has no builtin of."""


class SourceProblem(NamedTuple):
    """What the compiler says of one place of one source."""

    message: str
    file: str
    offset: int
    """Bytes from the start of the file."""


class BuildError(Exception):
    """The compiler refused the modules."""

    def __init__(self, problems: Sequence[SourceProblem], text: str) -> None:
        super().__init__(text)
        self.problems = tuple(problems)


class Answer(NamedTuple):
    """What one rule evaluated to.

    `kind` is ``value``, ``undefined``, ``error`` (a policy error; `value` is the message), or ``garbled`` (the
    evaluator produced text that is not JSON).
    """

    kind: str
    value: Any = None
