"""`kubernaut facts`: the facts that a policy may read."""

from __future__ import annotations

from typing import Annotated

import typer

from kubernaut_simulator.cli.options import OutputFormat, OutputOption


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("facts")(facts)


def facts(
    name: Annotated[str, typer.Argument(help="Only facts whose path contains this.")] = "",
    output: OutputOption = OutputFormat.TABLE,
) -> None:
    """List the facts that a policy may read.

    Type, unit and meaning; with -o wide also how each is computed and the rights it needs.

    Example: kubernaut facts pods -o wide
    """
    from dataclasses import asdict

    from kubernaut.errors import InputError
    from kubernaut.facts.table import rows
    from kubernaut_simulator.cli.output import print_records

    records = [asdict(row) for row in rows() if name in row.path]
    if not records:
        raise InputError(f"no fact has {name!r} in its path; `kubernaut facts` lists all of them")
    if output is OutputFormat.TABLE:
        records = [{key: record[key] for key in ("path", "type", "unit", "meaning")} for record in records]
    print_records(records, output, title="Facts")
