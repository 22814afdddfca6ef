"""`kubernaut history`: look at records, bring them into another format or in from elsewhere."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from kubernaut_simulator.cli.options import HistoryArguments, OutputFormat, OutputOption, StrictOption

app = typer.Typer(help="Describe recorded history and convert it.", no_args_is_help=True)


class Source(StrEnum):
    """Where rows come from."""

    HISTORY = "history"
    CSV = "csv"
    RESOURCES = "resources"


class Target(StrEnum):
    """What is written."""

    PARQUET = "parquet"
    JSONL = "jsonl"
    JSONL_GZ = "jsonl.gz"


@app.command("describe")
def describe(
    history: HistoryArguments, output: OutputOption = OutputFormat.TABLE, strict: StrictOption = False
) -> None:
    """Say what a history holds: window, rows, verdicts, outcomes.

    Example: kubernaut history describe datasets/steady
    """
    from kubernaut_simulator.cli.loading import load_history
    from kubernaut_simulator.cli.output import print_result

    print_result(load_history(history, strict=strict).describe(), output)


@app.command("pull")
def pull(
    to: Annotated[
        Path, typer.Option("--to", metavar="FOLDER", help="Where the files go; only what is new is fetched.")
    ] = Path("kubernaut-history"),
    since: Annotated[
        str | None,
        typer.Option(
            "--since",
            metavar="WHEN",
            help="Only files written to since: an RFC 3339 instant, or a Go duration back from now (24h).",
        ),
    ] = None,
    namespace: Annotated[
        str | None,
        typer.Option("--namespace", "-n", metavar="NAMESPACE", help="Of the operator.  [default: kubernaut-system]"),
    ] = None,
    context: Annotated[str | None, typer.Option("--context", metavar="CONTEXT", help="Of the kubeconfig.")] = None,
    kubeconfig: Annotated[
        Path | None,
        typer.Option("--kubeconfig", metavar="FILE", help="Default: KUBECONFIG, else ~/.kube/config."),
    ] = None,
    port: Annotated[
        int | None,
        typer.Option(
            "--port", metavar="PORT", min=1, max=65535, help="The operator's --history-port.  [default: 8081]"
        ),
    ] = None,
) -> None:
    """Fetch what the operator recorded, from all its replicas, with your own rights in the cluster.

    The right is that to forward ports to the operator's pods. Ask again to go on where it was interrupted, or to get
    what is new. Leaves with 2 when a replica's records could not be fetched.

    Example: kubernaut history pull --to history --since 720h
    """
    from kubernaut_simulator.cli.exits import GateNotMetError
    from kubernaut_simulator.cli.loading import progress
    from kubernaut_simulator.cli.output import say
    from kubernaut_simulator.history.from_cluster import pull_history
    from kubernaut_simulator.instants import parse_since

    first = parse_since(since, "--since")
    with progress() as shown:
        pulled = pull_history(
            to,
            since=first,
            kubeconfig=kubeconfig,
            context=context,
            namespace=namespace,
            port=port,
            progress=shown,
        )
    say(pulled.text())
    if pulled.left_out:
        raise GateNotMetError("\n".join(("not all records were fetched:", *pulled.left_out)))


@app.command("convert")
def convert(
    sources: Annotated[
        list[Path],
        typer.Argument(metavar="SOURCE", help="History files or folders, a CSV file, or dumps of custom resources."),
    ],
    to: Annotated[Path, typer.Option("--to", metavar="FOLDER", help="Folder to write.")],
    source: Annotated[
        Source, typer.Option("--from", metavar="history|csv|resources", help="What the sources are.")
    ] = Source.HISTORY,
    mapping: Annotated[
        Path | None,
        typer.Option("--map", metavar="FILE", help="YAML that says which CSV column is what (with --from csv)."),
    ] = None,
    target: Annotated[
        Target, typer.Option("--format", metavar="FORMAT", help="parquet, jsonl or jsonl.gz.")
    ] = Target.PARQUET,
    partitioned: Annotated[bool, typer.Option("--partitioned", help="Parquet in folders by day and action.")] = False,
    strict: StrictOption = False,
) -> None:
    """Convert history to JSON Lines or Parquet, or make it from CSV or from custom resources as kubectl dumps them.

    Example: kubernaut history convert incidents.csv --from csv --map incidents.yaml --to history/
    """
    from kubernaut.errors import InputError
    from kubernaut_simulator.cli.loading import load_history, needs_simulator, progress
    from kubernaut_simulator.cli.output import say, warn

    if (source is Source.CSV) != (mapping is not None):
        raise InputError("--map goes with --from csv, and --from csv needs --map; docs/history-import.md shows one")
    if source is Source.RESOURCES:
        needs_simulator()
        from kubernaut_simulator.history.resource_import import convert_resources

        made = convert_resources(sources, strict=strict)
        history = made.history
        for problem in history.problems[:10]:
            warn(str(problem))
        say(f"{made.resources:,} resources: {len(history.executions):,} runs, {len(history.evaluations):,} evaluations")
        for note in made.missing:
            say(f"missing: {note}")
    elif mapping is None:
        history = load_history(sources, strict=strict)
    else:
        needs_simulator()
        from kubernaut_simulator.history.csv_import import convert_csv
        from kubernaut_simulator.history.csv_map import read_map

        if len(sources) != 1:
            raise InputError("--from csv converts one file at a time")
        with progress() as shown:
            conversion = convert_csv(sources[0], read_map(mapping), strict=strict, progress=shown)
        history = conversion.history
        for problem in history.problems[:10]:
            warn(str(problem))
        converted = history.executions.num_rows
        left_out = conversion.lines - converted
        say(f"{converted:,} of {conversion.lines:,} lines converted, {left_out:,} left out")
        for note in conversion.notes:
            say(note)
    if target is Target.PARQUET:
        written = history.to_parquet(to, partitioned=partitioned)
    else:
        written = history.to_jsonl(to, compress=target is Target.JSONL_GZ)
    for path in written:
        say(f"wrote {path}")
