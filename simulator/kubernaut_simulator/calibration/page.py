"""`docs/statistics.md`: the proofs as a page of documentation, with their pictures beside it.

The page is written by the program and by nothing else. All figures on it follow from the seed; only the line that says
how long the run took differs from run to run.
"""

from __future__ import annotations

import os
import platform
from collections.abc import Iterator, Sequence
from pathlib import Path

import pandas as pd

from kubernaut import __version__
from kubernaut_simulator.calibration.calibration import Calibration
from kubernaut_simulator.calibration.claims import Claim
from kubernaut_simulator.calibration.cross_checks import CROSS_CHECKS
from kubernaut_simulator.calibration.proof import ProofResult, Size
from kubernaut_simulator.output_files import write_text
from kubernaut_simulator.results.base import shown
from kubernaut_simulator.results.pictures import to_svg

PAGE = "statistics.md"
PICTURES = "statistics"
"""Folder of the pictures, beside the page."""


def write_page(calibration: Calibration, folder: Path) -> Sequence[Path]:
    """Write the page and its pictures.

    Returns
    -------
    sequence of Path
        What was written.

    Raises
    ------
    OutputError
        A file cannot be written.
    """
    pictures = [
        write_text(
            folder / PICTURES / f"{proof.name}.svg", to_svg(proof.plot(), standalone=True, name=f"picture-{proof.name}")
        )
        for proof in calibration.proofs
    ]
    return [write_text(folder / PAGE, page(calibration)), *pictures]


def page(calibration: Calibration) -> str:
    """Give the page as Markdown."""
    parts = ["\n".join(_head(calibration))]
    parts += ["\n".join(_proof(proof)) for proof in calibration.proofs]
    parts.append("\n".join(_compared()))
    return "\n\n".join(parts) + "\n"


def _head(calibration: Calibration) -> Iterator[str]:
    again = "" if calibration.size is Size.FULL else " --quick"
    yield "# Proof on known truth"
    yield ""
    yield "<!-- Written by `kubernaut calibrate --out docs`; do not edit. -->"
    yield ""
    yield (
        "Every statistical promise of this project, tried on generated worlds in which the truth is known. What is "
        "tried are the functions that judge real histories ([methods.md](methods.md)); where there is an obvious "
        "simpler method, it is tried on the same worlds beside them."
    )
    yield ""
    yield (
        "A figure comes from a finite number of worlds, so it has a Monte-Carlo interval of its own (two-sided 95 %, "
        "shared by all cells of a claim). *Held* means that the interval allows the claim and rules out missing it by "
        "more than the tolerance; *not held* that the whole interval lies on the wrong side; *not shown* that there "
        "were too few worlds to say. Where a claim is about several kinds of world the worst of them is shown."
    )
    yield ""
    yield (
        f"Version {__version__}, seed {calibration.seed}, {calibration.size.value} size. Again: `make statistics`, or "
        f"`kubernaut calibrate{again} --seed {calibration.seed} --out docs`; the same seed gives the same figures "
        f"whatever `--jobs` is. {_run_time(calibration)}"
    )
    yield ""
    yield from _markdown_table(
        ["proof", "claim", "verdict", "figure", "Monte-Carlo interval", "worlds"],
        [
            [f"[{proof.name}](#{_anchor(proof)})", *_claim_cells(claim)]
            for proof in calibration.proofs
            for claim in proof.claims
        ],
        right=(3, 4, 5),
    )


def _run_time(calibration: Calibration) -> str:
    took_s = sum(calibration.seconds.values())
    length = f"{took_s / 60:.0f} minutes" if took_s >= 90 else f"{took_s:.0f} seconds"
    return (
        f"It took {length} of processor time ({os.cpu_count()} cores, {platform.machine()}, Python "
        f"{platform.python_version()})."
    )


def _proof(proof: ProofResult) -> Iterator[str]:
    yield f"## {proof.heading}"
    yield ""
    yield f"**{proof.question}** (`kubernaut calibrate --only {proof.name}`; {proof.size.value} size)"
    yield ""
    yield proof.method
    yield ""
    yield from _markdown_table(
        ["claim", "verdict", "figure", "Monte-Carlo interval", "worlds", "threshold", "decided at"],
        [[*_claim_cells(claim), claim.threshold_text(), _where(claim)] for claim in proof.claims],
        right=(2, 3, 4),
    )
    yield ""
    table = proof.page_table()
    yield from _markdown_table(list(table.columns), _cells(table), right=_numeric(proof, table))
    left_out = len(proof.cells) - len(table)
    if left_out:
        yield ""
        yield f"{left_out} more rows: `kubernaut calibrate --only {proof.name} -o json`."
    yield ""
    yield "; ".join(f"`{name}`: {proof.meanings[name]}" for name in table.columns) + "."
    yield ""
    yield f"![{proof.heading}]({PICTURES}/{proof.name}.svg)"
    if proof.naive:
        yield ""
        yield f"*The naive method.* {proof.naive}"
    if proof.limits:
        yield ""
        yield "*Limits.* " + " ".join(proof.limits)


def _compared() -> Iterator[str]:
    yield "## Compared with other programs"
    yield ""
    yield (
        "Worlds of known truth show that a method keeps its promise. That it is the method it says it is, other "
        "programs "
        "show, in these tests. lifelines needs an older pandas than ours: its answers are recorded in "
        "`tests/simulator/estimation/reference/`, with the script that asks for them."
    )
    yield ""
    yield from _markdown_table(
        ["number", "compared with", "test"],
        [[check.number, check.with_, f"`{check.file}`, `{check.test}`"] for check in CROSS_CHECKS],
    )


def _claim_cells(claim: Claim) -> list[str]:
    worlds = "" if claim.figure.worlds == 0 else f"{claim.figure.worlds:,}"
    return [claim.text, f"**{claim.verdict.value}**", claim.figure.text(), claim.figure.interval_text(), worlds]


def _where(claim: Claim) -> str:
    return f"{claim.where} (worst of {claim.cells})" if claim.cells > 1 else claim.where


def _cells(table: pd.DataFrame) -> list[list[str]]:
    return [[shown(value) for value in row] for row in table.itertuples(index=False, name=None)]


def _numeric(proof: ProofResult, table: pd.DataFrame) -> list[int]:
    return [
        at
        for at, name in enumerate(table.columns)
        if name in proof.shares or pd.api.types.is_numeric_dtype(proof.cells[name])
    ]


def _markdown_table(heads: Sequence[str], rows: Sequence[Sequence[str]], *, right: Sequence[int] = ()) -> Iterator[str]:
    yield _row(heads)
    yield _row(["---:" if at in right else "---" for at in range(len(heads))])
    for row in rows:
        yield _row(row)


def _row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _anchor(proof: ProofResult) -> str:
    """The anchor that forges give to a heading: letters, digits and hyphens."""
    kept = "".join(char for char in proof.heading.lower() if char.isalnum() or char in " -_")
    return kept.replace(" ", "-")
