"""What was wrong with a history, counted and named, so that nothing is dropped silently.

Bad rows are set aside and the rest is used; `strict` makes the first one fatal. Normal events of a history (a
newer row replaced an older one) are counted, not problems.
"""

from collections import Counter
from dataclasses import dataclass
from enum import StrEnum

from kubernaut.errors import HistoryError
from kubernaut.history.rows import RowKind

MAX_KEPT = 1000
"""Problems kept with their place; beyond it they are only counted: a file of another kind has a bad line on
every line.
"""


class ProblemKind(StrEnum):
    """What kind of problem; low cardinality, used in tables."""

    BAD_ROW = "bad row"
    TRUNCATED = "truncated file"
    UNREADABLE = "unreadable file"
    CLOCK = "clock going backwards"
    CONFLICT = "two different rows of one id and time"
    NOT_FETCHED = "replica not fetched"


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One thing that was wrong.

    Attributes
    ----------
    kind : ProblemKind
    file : str
        Empty when the rows never were in a file.
    place : int or None
        One-based line (JSON Lines) or row (Parquet, tables); None when the whole file is meant.
    row_kind : RowKind or None
    message : str
    rows : int
        Rows set aside because of it; 0 when nobody can say how many were lost.
    """

    kind: ProblemKind
    file: str
    place: int | None = None
    row_kind: RowKind | None = None
    message: str
    rows: int = 1

    def __str__(self) -> str:
        where = ":".join(str(part) for part in (self.file, self.place) if part not in ("", None))
        return f"{where}: {self.message}" if where else self.message


class Problems:
    """Collects problems while a history is read.

    Parameters
    ----------
    strict : bool
        The first problem is raised as `HistoryError`.
    """

    def __init__(self, *, strict: bool = False) -> None:
        self._strict = strict
        self.counts: Counter[ProblemKind] = Counter()
        self.kept: list[Problem] = []
        self.rows_set_aside = 0

    def add(self, problem: Problem) -> None:
        """Take a problem. HistoryError when strict."""
        if self._strict:
            raise HistoryError(f"{problem} (strict: the first problem is fatal)")
        self.counts[problem.kind] += 1
        self.rows_set_aside += problem.rows
        if len(self.kept) < MAX_KEPT:
            self.kept.append(problem)

    def first_lines(self, n: int = 3) -> str:
        """Give the first few as text, one a line, for messages; empty without problems."""
        total = self.counts.total()
        lines = [f"  {problem}" for problem in self.kept[:n]]
        if total > n:
            lines.append(f"  ... and {total - n} more")
        return "\n".join(lines)
