"""When the conditions of one tuning are decided: Holm's rule in time.

The line that a condition must cross falls each time another one is decided, and nobody is decided before the line has
fallen: a log that is read every day never finds that yesterday's answer was another one. Evidence in, instants out.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

Floats: TypeAlias = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Course:
    """What happens to one hypothesis.

    Attributes
    ----------
    at : int or None
        Place of the incident that was the last to have entered when it was decided; None while it is not.
    when : datetime64 or None
        That instant: when its own evidence crossed, or when the line fell to it.
    lines : array of float, shape (n_entries,)
        Log-evidence that was to be crossed when each incident entered.
    line : float
        The same at the end; the one that was crossed, once decided.
    """

    at: int | None
    when: np.datetime64 | None
    lines: Floats
    line: float


def decide_in_time(
    entered: Sequence[NDArray[Any]], paths: Sequence[Floats], prices: Sequence[float], alpha: float
) -> list[Course]:
    """Follow all hypotheses through time.

    Parameters
    ----------
    entered : sequence of array of datetime64, shape (n_entries,)
        When each hypothesis's incidents entered, ascending.
    paths : sequence of array of float, shape (n_entries,)
        Log-evidence after each; NaN where nobody looked.
    prices : sequence of float
        Of the versions (`multiplicity.version_price`).
    alpha : float
        For all of them together.

    Notes
    -----
    While m are undecided the line of each is log(m x price / alpha). Of those whose highest evidence has reached it,
    the one that reached it first is decided, at that instant or at the last decision, whichever is later; then m is
    one less.
    """
    tops = [np.fmax.accumulate(np.nan_to_num(path, nan=0.0)) for path in paths]
    lines = [
        np.full(len(path), math.log(len(paths) * price / alpha)) for path, price in zip(paths, prices, strict=True)
    ]
    at: dict[int, int] = {}
    when: dict[int, np.datetime64] = {}
    crossed: dict[int, float] = {}
    open_ = set(range(len(paths)))
    now = np.datetime64(0, "us")
    while open_:
        found = {}
        for i in open_:
            over = np.flatnonzero(tops[i] >= math.log(len(open_) * prices[i] / alpha))
            if len(over):
                found[i] = max(entered[i][over[0]], now)
        if not found:
            break
        first = min(found, key=lambda i: (found[i], i))
        now = when[first] = found[first]
        at[first] = int(np.searchsorted(entered[first], now, side="right")) - 1
        crossed[first] = math.log(len(open_) * prices[first] / alpha)
        open_.remove(first)
        for i in open_:
            lines[i][entered[i] > now] = math.log(len(open_) * prices[i] / alpha)
    return [
        Course(
            at=at.get(i),
            when=when.get(i),
            lines=lines[i],
            line=crossed.get(i, math.log(max(1, len(open_)) * prices[i] / alpha)),
        )
        for i in range(len(paths))
    ]
