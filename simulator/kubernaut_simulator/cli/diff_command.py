"""`kubernaut diff`: what a candidate's conditions change for the runs of a history, in both directions."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from kubernaut_simulator.cli.options import (
    ActionOption,
    HistoryArguments,
    NamespaceOption,
    OutputFormat,
    OutputOption,
    SinceOption,
    StrictOption,
    UntilOption,
)
from kubernaut_simulator.cli.whatif_command import Show, records_of


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("diff")(diff)


def diff(
    history: HistoryArguments,
    candidate: Annotated[
        Path, typer.Option("--conditions", "-f", help="YAML with the candidate's ConfigMaps.", show_default=False)
    ],
    baseline: Annotated[
        Path | None,
        typer.Option("--baseline", help="YAML to compare with; without it, what was recorded with each run."),
    ] = None,
    show: Annotated[Show, typer.Option("--show", help="By condition, or every workflow that changes.")] = (
        Show.CONDITIONS
    ),
    output: OutputOption = OutputFormat.TABLE,
    since: SinceOption = None,
    until: UntilOption = None,
    action: ActionOption = None,
    namespace: NamespaceOption = None,
    strict: StrictOption = False,
) -> None:
    """Compare a candidate with what is in force: which runs pass or fail now, by outcome, with records to open.

    Example: kubernaut diff datasets/steady -f candidate.yaml
    """
    from kubernaut_simulator.cli.loading import load_conditions, load_history
    from kubernaut_simulator.cli.output import print_records, print_result
    from kubernaut_simulator.replay.workers import workers_or
    from kubernaut_simulator.whatif.diff import diff as run_diff
    from kubernaut_simulator.whatif.timelines import LOOK_COLUMNS

    loaded = load_history(
        history,
        strict=strict,
        since=since,
        until=until,
        action=action,
        namespace=namespace,
        look_columns=LOOK_COLUMNS,
    )
    with workers_or(None) as evaluator:
        result = run_diff(
            loaded, load_conditions(candidate) or {}, baseline=load_conditions(baseline), evaluator=evaluator
        )
    if show is Show.WORKFLOWS:
        print_records(records_of(result.workflows), output, title=result.title)
    else:
        print_result(result, output)
