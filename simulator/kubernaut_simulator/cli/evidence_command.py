"""`kubernaut evidence`: the decision log, which may be read every day."""

from __future__ import annotations

from typing import Annotated

import typer

from kubernaut_simulator.cli.options import (
    ActionOption,
    ConfigOption,
    HistoryArguments,
    NamespaceOption,
    OutputFormat,
    OutputOption,
    SinceOption,
    StrictOption,
    UntilOption,
)
from kubernaut_simulator.cli.tune_command import AlphaOption, CutOption, LabelAgeOption, ShareOption, TargetOption


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("evidence")(evidence)


def evidence(
    history: HistoryArguments,
    conditions: ConfigOption = None,
    target: TargetOption = 0.15,
    share: ShareOption = 0.95,
    alpha: AlphaOption = 0.05,
    cut_at: CutOption = None,
    label_age: LabelAgeOption = "24h",
    budget: Annotated[
        bool, typer.Option("--budget", help="What becomes of each condition's block budget, instead of the log.")
    ] = False,
    output: OutputOption = OutputFormat.TABLE,
    since: SinceOption = None,
    until: UntilOption = None,
    action: ActionOption = None,
    namespace: NamespaceOption = None,
    strict: StrictOption = False,
) -> None:
    """Show the evidence that each condition may be required, incident by incident, and the line that it must cross.

    The table has the last entry of each condition, and -o html a chart beside it; -o wide and csv have every entry.

    Example: kubernaut evidence datasets/steady --cut-at 2026-02-16T00:00:00Z
    """
    from kubernaut_simulator.cli.loading import conditions_for, load_history
    from kubernaut_simulator.cli.output import print_records, print_result
    from kubernaut_simulator.cli.tune_command import run_tuning

    loaded = load_history(history, strict=strict, since=since, until=until, action=action, namespace=namespace)
    compiled = conditions_for(loaded, conditions)
    tuning = run_tuning(loaded, compiled, target=target, share=share, alpha=alpha, cut_at=cut_at, label_age=label_age)
    log = tuning.decision_log()
    if budget:
        print_records(
            [{str(name): value for name, value in row.items()} for row in log.budget.to_dict("records")],
            output,
            title="Block budgets",
        )
    else:
        print_result(log, output, columns=log.columns)
