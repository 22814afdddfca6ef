"""The one hook by which long work says how far it is.

Whoever works calls it; whoever shows (a bar on a terminal, nothing when piped) implements it. No drawing
here.
"""

from typing import Protocol


class Progress(Protocol):
    """Called now and then with how far the work is."""

    def __call__(self, what: str, done: int, total: int) -> None:
        """Say that `done` of `total` of the work named `what` is behind us; the unit is the caller's."""
        ...


def silent(what: str, done: int, total: int) -> None:
    """Say nothing: the default."""
