"""`kubernaut tuning`: what a tuning changes, between two files of ConfigMaps."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from kubernaut_simulator.cli.options import OutputFormat, OutputOption

if TYPE_CHECKING:
    from kubernaut_simulator.tuning.difference import ConditionsFile

app = typer.Typer(help="Compare tunings.", no_args_is_help=True)


@app.callback()
def tuning() -> None:
    """Compare tunings."""


@app.command("diff")
def diff(
    before: Annotated[Path, typer.Argument(metavar="BEFORE", help="YAML with the ConfigMaps, e.g. of kubectl get.")],
    after: Annotated[Path, typer.Argument(metavar="AFTER", help="YAML with those that shall take their place.")],
    output: OutputOption = OutputFormat.TABLE,
) -> None:
    """Say what changes from one file of ConfigMaps to another: flags, times, policies, and the numbers behind them.

    What the change does to the runs of a history is asked with `kubernaut diff`.

    Example: kubernaut tuning diff current.yaml kubernaut-conditions.yaml
    """
    from kubernaut_simulator.cli.loading import needs_simulator
    from kubernaut_simulator.cli.output import print_document

    needs_simulator()
    from kubernaut_simulator.tuning.difference_told import difference_document, difference_text

    document = difference_document(_read(before), _read(after))
    print_document(document, output, text=difference_text, title="Difference of two tunings", rows="changes")


def _read(path: Path) -> ConditionsFile:
    from kubernaut_simulator.cli.loading import load_conditions, read_text
    from kubernaut_simulator.tuning.difference import ConditionsFile
    from kubernaut_simulator.tuning.provenance import written_configmaps

    text = read_text(path)
    return ConditionsFile(
        source=str(path),
        conditions=load_conditions(path, text=text) or {},
        written=written_configmaps(text, source=str(path)),
    )
