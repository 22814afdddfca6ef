"""What a walk through a policy tells: where each body stopped, what was read there, and the helper that stopped before.

How the walk goes is `stepping`; how it is told to people is `tracing`.
"""

from typing import Any, NamedTuple

from kubernaut.errors import Place


class Failure(NamedTuple):
    """Where a body stopped.

    Attributes
    ----------
    place : Place
    values : tuple of (name, value)
        Read on that line, in order, each name once.
    cause : Failure or None
        Where the helper called there stopped.
    reached : int
        How many statements of the body had held; larger is further.
    """

    place: Place
    values: tuple[tuple[str, Any], ...]
    cause: "Failure | None"
    reached: int


class Called(NamedTuple):
    """What a rule or function came to: its value, or `UNDEFINED`, and where its furthest body stopped."""

    value: Any
    failure: Failure | None


class PolicyRaisedError(Exception):
    """The policy raised an error: a builtin refused its arguments, or rules gave two different values."""

    def __init__(self, message: str, failure: Failure) -> None:
        super().__init__(message)
        self.failure = failure


class TooLongError(Exception):
    """More steps than are traced."""
