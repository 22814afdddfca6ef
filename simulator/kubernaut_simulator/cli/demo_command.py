"""`kubernaut demo`: the whole way on shipped history, from records to a decision table, a report and ConfigMaps."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

DEMO_DATASET = "steady"


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("demo")(demo)


def demo(
    out: Annotated[
        Path, typer.Option("--out", metavar="FOLDER", help="Folder for the report and the ConfigMaps.")
    ] = Path("out"),
) -> None:
    """Tune the shipped history; write a report and the ConfigMaps.

    Example: kubernaut demo --out out
    """
    from kubernaut_simulator.cli.loading import load_history
    from kubernaut_simulator.cli.options import OutputFormat
    from kubernaut_simulator.cli.output import print_result, say
    from kubernaut_simulator.cli.tune_command import run_tuning, write_outputs
    from kubernaut_simulator.datasets import dataset_path

    history = dataset_path(DEMO_DATASET)
    tuning = run_tuning(load_history([history]), None)
    print_result(tuning, OutputFormat.TABLE, columns=tuning.columns)
    report, configmaps = out / "report.html", out / "kubernaut-conditions.yaml"
    write_outputs(tuning, report=report, configmaps=configmaps)
    say()
    say(f"report:      {report}")
    say(f"ConfigMaps:  {configmaps}")
    say(f"next:        kubectl apply --server-side --dry-run=server -f {configmaps}")
    say(f"or look into one record: kubernaut explain --list {history}")
