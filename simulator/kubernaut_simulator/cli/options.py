"""Options that several commands share, each written once so that they mean the same everywhere."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer


class OutputFormat(StrEnum):
    """How a result is printed; data goes to stdout, talk to stderr."""

    TABLE = "table"
    WIDE = "wide"
    JSON = "json"
    YAML = "yaml"
    CSV = "csv"
    HTML = "html"


OutputOption = Annotated[
    OutputFormat,
    typer.Option(
        "--output", "-o", metavar="FORMAT", help="table, wide, json, yaml, csv, or html (one self-contained page)."
    ),
]
HistoryArguments = Annotated[
    list[Path],
    typer.Argument(metavar="HISTORY", help="Files or folders: .jsonl, .jsonl.gz, .parquet."),
]
StrictOption = Annotated[
    bool, typer.Option("--strict", help="Make the first bad line fatal instead of reporting and counting it.")
]
ConfigOption = Annotated[
    Path | None,
    typer.Option(
        "--conditions",
        "-f",
        metavar="FILE",
        help="YAML with the ConfigMaps to judge by; without it, the recorded policies (of a history) or the shipped "
        "ones (check).",
    ),
]
SinceOption = Annotated[
    str | None, typer.Option("--since", metavar="INSTANT", help="Only runs from this RFC 3339 instant on.")
]
UntilOption = Annotated[
    str | None, typer.Option("--until", metavar="INSTANT", help="Only runs before this RFC 3339 instant.")
]
ActionOption = Annotated[
    str | None, typer.Option("--action", metavar="ACTION", help="Only this action, e.g. scale_deployment.")
]
NamespaceOption = Annotated[
    str | None, typer.Option("--namespace", "-n", metavar="NAMESPACE", help="Only targets in this namespace.")
]

SchedulerOption = Annotated[
    str | None,
    typer.Option(
        "--scheduler",
        metavar="SCHEDULER",
        help="Replay in partitions: local, threads, processes or dask://HOST:PORT. A history in Parquet is then never "
        "held whole. Without it, whole and here.",
    ),
]
JobsOption = Annotated[
    int | None,
    typer.Option("--jobs", "-j", metavar="N", min=1, help="Partitions at once by threads or processes; one a core."),
]
PartitionOption = Annotated[
    int | None,
    typer.Option(
        "--partition-size",
        metavar="EVALUATIONS",
        min=1,
        help="Evaluations of a partition, about; memory follows it.  [default: 50000]",
    ),
]


def share_between(minimum: float, maximum: float) -> Callable[[float], float]:
    """Give the check of an option that is a share, 0..1; who writes a percentage is told how to write it."""

    def check(value: float) -> float:
        if minimum <= value <= maximum:
            return value
        hint = f"; write {value / 100:g} for {value:g} %" if minimum <= value / 100 <= maximum else ""
        raise typer.BadParameter(f"{value:g} is not a share from {minimum:g} to {maximum:g}{hint}")

    return check
