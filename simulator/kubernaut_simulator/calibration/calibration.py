"""Proofs run one after the other or side by side, and what they say together.

Each proof draws its own random numbers from the seed and its name, so that the number of processes changes nothing but
the time. What a proof is about is not known here.
"""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import pandas as pd

from kubernaut_simulator.calibration.claims import Claim, Verdict
from kubernaut_simulator.calibration.proof import Proof, ProofResult, Size, claim_record
from kubernaut_simulator.progress import Progress, silent
from kubernaut_simulator.results.base import COLOURS, Result

DEFAULT_SEED = 20250301
"""Of the published page: a fixed number, chosen before the first run."""


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class Calibration(Result):
    """What all proofs say.

    Attributes
    ----------
    proofs : sequence of ProofResult
    size : Size
    seed : int
    seconds : mapping of str to float
        Processor time of each proof, unit s; it is the only thing here that differs from run to run.
    jobs : int
        Processes at once.
    """

    proofs: Sequence[ProofResult]
    size: Size
    seed: int
    seconds: Mapping[str, float]
    jobs: int

    @property
    def title(self) -> str:
        """How many claims held."""
        counted = dict.fromkeys(Verdict, 0)
        for claim in self.claims:
            counted[claim.verdict] += 1
        shown = ", ".join(f"{n} {verdict.value}" for verdict, n in counted.items())
        return f"Proof on known truth: {len(self.claims)} claims, {shown}"

    @property
    def claims(self) -> Sequence[Claim]:
        """All claims."""
        return [claim for proof in self.proofs for claim in proof.claims]

    @cached_property
    def data(self) -> pd.DataFrame:
        """One row per claim."""
        return pd.DataFrame([claim_record(proof.name, claim) for proof in self.proofs for claim in proof.claims])

    @property
    def columns(self) -> Sequence[str]:
        """What one line a claim says."""
        return ["proof", "claim", "verdict", "figure", "Monte-Carlo", "worlds", "where"]

    @property
    def summary(self) -> Mapping[str, str]:
        """Size and seed."""
        return {"size": self.size.value, "seed": str(self.seed)}

    @property
    def notes(self) -> Sequence[str]:
        """How a verdict is meant."""
        return (
            "held: the Monte-Carlo interval allows the claim and rules out missing it by more than the tolerance; "
            "not held: the interval lies on the wrong side; not shown: too few worlds to say.",
        )

    def not_held(self) -> Sequence[str]:
        """Name the claims that are not held."""
        return [
            f"{proof.name}: {claim.text}"
            for proof in self.proofs
            for claim in proof.claims
            if claim.verdict is Verdict.NOT_HELD
        ]

    def as_json(self) -> dict[str, Any]:
        """Give claims and, under `proofs`, each proof with its cells."""
        return {**super().as_json(), "proofs": [proof.as_json() for proof in self.proofs]}

    def html(self, *, max_rows: int | None = None, wide: bool = True) -> str:
        """Give the claims, then each proof."""
        proofs = (proof.html(max_rows=max_rows, wide=wide) for proof in self.proofs)
        return "\n".join([super().html(max_rows=max_rows, wide=wide), *proofs])

    def plot(self) -> Any:
        """Give a chart of how far each share lies on the right side of its threshold, with its Monte-Carlo interval."""
        import plotly.graph_objects as go  # noqa: PLC0415 - 0.3 s that only a chart needs

        rows = [(proof.name, claim) for proof in self.proofs for claim in proof.claims if claim.figure.is_share]
        colours = {Verdict.HELD: COLOURS[2], Verdict.NOT_SHOWN: COLOURS[4], Verdict.NOT_HELD: COLOURS[1]}
        figure = go.Figure()
        for verdict, colour in colours.items():
            part = [(name, claim) for name, claim in rows if claim.verdict is verdict]
            if not part:
                continue
            figure.add_scatter(
                x=[-claim.beyond * 100 for _, claim in part],
                y=[f"{name}: {claim.text}" for name, claim in part],
                mode="markers",
                name=verdict.value,
                marker={"color": colour, "size": 9},
                error_x={
                    "type": "data",
                    "symmetric": True,
                    "array": [(claim.figure.upper - claim.figure.lower) * 50 for _, claim in part],
                },
            )
        figure.add_vline(x=0, line={"dash": "dash"})
        figure.update_layout(
            title="How far each figure lies on the right side of its threshold",
            xaxis_title="percentage points; right of 0 the claim is kept",
            height=120 + 28 * len(rows),
            template="plotly_white",
        )
        figure.update_yaxes(autorange="reversed", automargin=True)
        return figure


def calibrate(
    proofs: Mapping[str, Proof],
    *,
    size: Size = Size.FULL,
    seed: int = DEFAULT_SEED,
    jobs: int = 1,
    progress: Progress = silent,
) -> Calibration:
    """Run proofs.

    Parameters
    ----------
    proofs : mapping of name to Proof
        As `registry.chosen_proofs` gives them.
    jobs : int
        Processes; the figures do not depend on it.
    """
    progress("proofs", 0, len(proofs))
    results: list[ProofResult] = []
    seconds: dict[str, float] = {}

    def keep(name: str, result: ProofResult, took_s: float) -> None:
        results.append(result)
        seconds[name] = took_s
        progress("proofs", len(results), len(proofs))

    if jobs <= 1 or len(proofs) <= 1:
        for name, proof in proofs.items():
            keep(name, *_timed(proof, size, seed))
    else:
        # "spawn": a proof may start evaluators, whose C++ runtime must not be copied half-way through its life.
        with ProcessPoolExecutor(min(jobs, len(proofs)), mp_context=multiprocessing.get_context("spawn")) as pool:
            waiting = {name: pool.submit(_timed, proof, size, seed) for name, proof in proofs.items()}
            for name, future in waiting.items():
                keep(name, *future.result())
    return Calibration(proofs=tuple(results), size=size, seed=seed, seconds=seconds, jobs=jobs)


def _timed(proof: Proof, size: Size, seed: int) -> tuple[ProofResult, float]:
    started_s = _processor_s()
    return proof(size, seed), _processor_s() - started_s


def _processor_s() -> float:
    """Processor time of this process and of those it has started and seen end: what a busy machine does not stretch."""
    return sum(os.times()[:4])
