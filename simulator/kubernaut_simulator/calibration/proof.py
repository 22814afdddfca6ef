"""What a proof is: a question put to worlds of known truth, what is claimed, and what came out.

A proof is a function `(size, seed) -> ProofResult`. It draws worlds in which the truth is known, hands them to the very
functions that judge real histories, and counts how often they were right; where a naive method is in use it is counted
beside them. Everything random comes from `generator`, so that the same seed gives the same figures whichever proofs are
run, in whatever order and on however many processes.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, TypeAlias, TypeVar

import numpy as np
import pandas as pd

from kubernaut_simulator.calibration.claims import Claim, Verdict
from kubernaut_simulator.results.base import Result

T = TypeVar("T")


class Size(StrEnum):
    """How much is simulated."""

    FULL = "full"
    REDUCED = "reduced"

    def pick(self, *, full: T, reduced: T) -> T:
        """Choose by size."""
        return full if self is Size.FULL else reduced

    @property
    def tolerance(self) -> float:
        """How far beyond its threshold the Monte-Carlo interval of a share may reach: half a point, reduced two."""
        return self.pick(full=0.005, reduced=0.02)


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class ProofResult(Result):
    """What one proof found.

    Attributes
    ----------
    name : str
        As in the registry; names the picture.
    heading : str
        A few words.
    question : str
        One sentence.
    method : str
        How the worlds are made and what is counted, in plain words.
    claims : sequence of Claim
    cells : DataFrame
        One row per kind of world; every column is explained in `meanings`.
    meanings : mapping of str to str
        Column to what it holds, with its unit.
    chart : callable
        Makes the plotly figure from `cells`; a function of a module, because results cross processes.
    naive : str
        What the naive method does; empty where there is none.
    limits : sequence of str
        What the proof does not show.
    shown_columns : sequence of str
        Columns of the table that people see; empty means all.
    share_columns : collection of str
        Columns that hold shares, shown in percent.
    shown_rows : callable or None
        Chooses the rows of `cells` that the page shows, where all would be too many.
    size : Size
    seed : int
    """

    name: str
    heading: str
    question: str
    method: str
    claims: Sequence[Claim]
    cells: pd.DataFrame
    meanings: Mapping[str, str]
    chart: Callable[[pd.DataFrame], Any]
    size: Size
    seed: int
    naive: str = ""
    limits: Sequence[str] = ()
    shown_columns: Sequence[str] = ()
    share_columns: Collection[str] = field(default_factory=tuple)
    shown_rows: Callable[[pd.DataFrame], pd.DataFrame] | None = None

    @property
    def title(self) -> str:
        """The heading."""
        return self.heading

    @property
    def data(self) -> pd.DataFrame:
        """The cells."""
        return self.cells

    @property
    def verdict(self) -> Verdict:
        """The worst verdict of its claims."""
        return max((claim.verdict for claim in self.claims), key=list(Verdict).index)

    @property
    def summary(self) -> Mapping[str, str]:
        """The question and the answer to each claim."""
        answers = {f"claim {number}": claim.line() for number, claim in enumerate(self.claims, 1)}
        return {"question": self.question, **answers, "size, seed": f"{self.size.value}, {self.seed}"}

    @property
    def notes(self) -> Sequence[str]:
        """What the naive method does, and what is not shown."""
        return [*([self.naive] if self.naive else []), *self.limits]

    @property
    def columns(self) -> Sequence[str]:
        """Columns of the narrow table."""
        return list(self.shown_columns) or list(self.cells.columns)

    @property
    def shares(self) -> Collection[str]:
        """Columns in percent."""
        return self.share_columns

    def page_table(self) -> pd.DataFrame:
        """Give the table of the page: its rows and columns, shares in percent."""
        if self.shown_rows is None:
            return self.table()
        part = self.shown_rows(self.cells)
        return self.table().loc[part.index]

    def plot(self) -> Any:
        """Give the chart."""
        return self.chart(self.cells)

    def as_json(self) -> dict[str, Any]:
        """Give the whole result, with its claims, as a JSON-ready object."""
        return {
            **super().as_json(),
            "name": self.name,
            "question": self.question,
            "method": self.method,
            "verdict": self.verdict.value,
            "claims": [claim_record(self.name, claim) for claim in self.claims],
            "columns": dict(self.meanings),
        }


Proof: TypeAlias = Callable[[Size, int], ProofResult]
"""A proof as the registry holds it. Its function's name, with hyphens, is the proof's name."""


def claim_record(proof: str, claim: Claim) -> dict[str, Any]:
    """Give a claim as one flat row, for tables and JSON."""
    return {
        "proof": proof,
        "claim": claim.text,
        "verdict": claim.verdict.value,
        "figure": claim.figure.text(),
        "Monte-Carlo": claim.figure.interval_text(),
        "worlds": claim.figure.worlds,
        "threshold": claim.threshold_text(),
        "where": claim.where,
        "cells": claim.cells,
        "value": claim.figure.value,
        "lower": claim.figure.lower,
        "upper": claim.figure.upper,
        "interval": claim.figure.method,
    }


def proof_name(proof: Proof) -> str:
    """Give a proof's name, as `--only` takes it."""
    return str(getattr(proof, "__name__", type(proof).__name__)).replace("_", "-")


def generator(seed: int, *parts: str | int) -> np.random.Generator:
    """Give the random numbers of one part of a proof: the same for the same seed and parts, unlike any other's."""
    return np.random.default_rng([seed, *(zlib.crc32(str(part).encode()) for part in parts)])
