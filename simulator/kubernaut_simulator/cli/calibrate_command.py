"""`kubernaut calibrate`: prove the statistics on worlds of known truth, one line a claim."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from kubernaut_simulator.cli.options import OutputFormat, OutputOption


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("calibrate")(calibrate)


def calibrate(
    quick: Annotated[
        bool, typer.Option("--quick", help="Fewer worlds: under a minute, with wider Monte-Carlo intervals.")
    ] = False,
    only: Annotated[
        list[str] | None,
        typer.Option("--only", metavar="PROOF", help="Only this proof; may be given several times."),
    ] = None,
    seed: Annotated[
        int | None, typer.Option("--seed", min=0, help="Of all random numbers; without it, that of the published page.")
    ] = None,
    jobs: Annotated[int, typer.Option("--jobs", min=1, help="Processes; the figures do not depend on it.")] = 1,
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar="FOLDER", help="Write statistics.md and its pictures into this folder."),
    ] = None,
    output: OutputOption = OutputFormat.TABLE,
) -> None:
    """Try every statistical promise on worlds of known truth; leaves with 2 when one is not kept.

    Example: kubernaut calibrate --quick --only coverage
    """
    from kubernaut_simulator.calibration.calibration import DEFAULT_SEED
    from kubernaut_simulator.calibration.calibration import calibrate as run
    from kubernaut_simulator.calibration.page import write_page
    from kubernaut_simulator.calibration.proof import Size
    from kubernaut_simulator.calibration.registry import chosen_proofs
    from kubernaut_simulator.cli.exits import GateNotMetError
    from kubernaut_simulator.cli.loading import progress
    from kubernaut_simulator.cli.output import print_result, say
    from kubernaut_simulator.output_files import check_writable

    if out is not None:
        check_writable(out, folder=True)
    with progress() as shown:
        found = run(
            chosen_proofs(only or []),
            size=Size.REDUCED if quick else Size.FULL,
            seed=DEFAULT_SEED if seed is None else seed,
            jobs=jobs,
            progress=shown,
        )
    print_result(found, output, columns=list(found.columns))
    if out is not None:
        for path in write_page(found, out):
            say(f"wrote {path}")
    if missed := found.not_held():
        raise GateNotMetError("not held: " + "; ".join(missed))
