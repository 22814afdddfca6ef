"""What is claimed of a figure, and whether the worlds bear it out.

A claim is a sentence with a threshold, judged against the Monte-Carlo interval and not against the estimate alone:

- *held*: the interval allows the claim, and rules out that it is missed by more than the tolerance;
- *not held*: the whole interval lies on the wrong side of the threshold;
- *not shown*: there were too few worlds to say one or the other.

The tolerance is the precision that the simulation must reach, and it is printed. Without it a rate that sits exactly
at its threshold, as the exact methods' rates do, could never be shown to keep it by simulating. A claim about several
cells is judged in every one of them, with the error of the intervals shared (Bonferroni), and speaks of the worst.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import pandas as pd

from kubernaut_simulator.calibration.figures import CONFIDENCE, Figure, number_text, share_of_worlds


class Verdict(StrEnum):
    """What the worlds say of a claim."""

    HELD = "held"
    NOT_SHOWN = "not shown"
    NOT_HELD = "not held"


_SEVERITY = tuple(Verdict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """One claim and the figure it is judged by.

    Attributes
    ----------
    text : str
        The claim as a sentence, with its threshold.
    figure : Figure
        Of the cell that decides.
    at_least, at_most : float or None
        Thresholds; both for a number that must lie between.
    tolerance : float
        In the unit of the figure: how far beyond the threshold the interval may reach and the claim still be held.
    where : str
        The cell that decides; empty when there is only one.
    cells : int
        How many cells were judged.
    """

    text: str
    figure: Figure
    at_least: float | None = None
    at_most: float | None = None
    tolerance: float = 0.0
    where: str = ""
    cells: int = 1

    @property
    def verdict(self) -> Verdict:
        """Held, not held, or not shown."""
        low, high = self.figure.lower, self.figure.upper
        if (self.at_least is not None and high < self.at_least) or (self.at_most is not None and low > self.at_most):
            return Verdict.NOT_HELD
        reaches = (self.at_least is None or low >= self.at_least - self.tolerance) and (
            self.at_most is None or high <= self.at_most + self.tolerance
        )
        return Verdict.HELD if reaches else Verdict.NOT_SHOWN

    @property
    def beyond(self) -> float:
        """How far the figure lies on the wrong side of its threshold; negative on the right side."""
        value = self.figure.value
        sides = []
        if self.at_least is not None:
            sides.append(self.at_least - value)
        if self.at_most is not None:
            sides.append(value - self.at_most)
        return max(sides)

    def threshold_text(self) -> str:
        """Give the threshold with its tolerance, e.g. ``>= 95.00 % (tolerance 0.50 points)``."""
        is_share = self.figure.is_share
        parts = []
        if self.at_least is not None and self.at_least == self.at_most:
            parts.append(number_text(self.at_least, is_share=is_share))
        elif self.at_least is not None:
            parts.append(f">= {number_text(self.at_least, is_share=is_share)}")
        if self.at_most is not None and self.at_least != self.at_most:
            parts.append(f"<= {number_text(self.at_most, is_share=is_share)}")
        shown = f"{self.tolerance * 100:.2f} points" if is_share else f"{self.tolerance:.4g}"
        return " and ".join(parts) + (f" (tolerance {shown})" if self.tolerance else "")

    def line(self) -> str:
        """Say the whole in one line."""
        worlds = "exact" if self.figure.worlds == 0 else f"{self.figure.worlds:,} worlds"
        inside = "" if self.figure.worlds == 0 else f" (Monte-Carlo {self.figure.interval_text()})"
        at = f" at {self.where}" if self.where else ""
        return f"{self.verdict.value}: {self.text}: {self.figure.text()}{inside}{at}, {worlds}"


def claim_over(
    text: str,
    figures: Sequence[tuple[str, Figure]],
    *,
    at_least: float | None = None,
    at_most: float | None = None,
    tolerance: float = 0.0,
) -> Claim:
    """Judge one claim in several cells: the worst one speaks for all.

    Parameters
    ----------
    figures : sequence of (cell, Figure)
        Intervals made at `shared_confidence(len(figures))`.
    at_least, at_most, tolerance
        As `Claim`.

    Raises
    ------
    ValueError
        There is no cell.
    """
    if not figures:
        raise ValueError(f"no cell to judge {text!r} in")
    judged = [
        Claim(
            text=text,
            figure=figure,
            at_least=at_least,
            at_most=at_most,
            tolerance=tolerance,
            where=where,
            cells=len(figures),
        )
        for where, figure in figures
    ]
    return max(judged, key=lambda claim: (_SEVERITY.index(claim.verdict), claim.beyond))


def claim_over_cells(
    text: str,
    cells: pd.DataFrame,
    *,
    k: str,
    n: str = "worlds",
    named: Mapping[str, str],
    at_least: float | None = None,
    at_most: float | None = None,
    tolerance: float = 0.0,
) -> Claim:
    """Judge a claim about a share of worlds in every row of a table.

    Parameters
    ----------
    cells : DataFrame
        One row per cell.
    k, n : str
        Columns: worlds in which it happened, and all worlds of the cell.
    named : mapping of column to format
        How the cell that decides is named, e.g. ``{"rate": "rate {:.0%}", "incidents": "{} incidents"}``.
    """
    confidence = shared_confidence(len(cells))
    figures = [
        (cell_name(row, named), share_of_worlds(int(row[k]), int(row[n]), confidence=confidence))
        for row in cells.to_dict("records")
    ]
    return claim_over(text, figures, at_least=at_least, at_most=at_most, tolerance=tolerance)


def cell_name(row: Mapping[Any, Any], named: Mapping[str, str]) -> str:
    """Name a cell by some of its columns; a percent sign is set off from its number."""
    named_by = ", ".join(form.format(row[name]) for name, form in named.items())
    return re.sub(r"(?<=\d)%", " %", named_by)


def shared_confidence(cells: int) -> float:
    """Give the level of each of several intervals that are to hold together at 95 % (Bonferroni)."""
    return 1 - (1 - CONFIDENCE) / max(1, cells)
