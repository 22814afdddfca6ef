"""`kubernaut export`: tune, and write the ConfigMaps that the operator loads."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from kubernaut_simulator.cli.options import (
    ActionOption,
    ConfigOption,
    HistoryArguments,
    JobsOption,
    NamespaceOption,
    PartitionOption,
    SchedulerOption,
    SinceOption,
    StrictOption,
    UntilOption,
)
from kubernaut_simulator.cli.tune_command import (
    AlphaOption,
    CutOption,
    LabelAgeOption,
    PercentOption,
    ShareOption,
    TargetOption,
)


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("export")(export)


def export(
    history: HistoryArguments,
    conditions: ConfigOption = None,
    to: Annotated[Path | None, typer.Option("--to", metavar="FILE", help="File to write; without it, stdout.")] = None,
    target: TargetOption = 0.15,
    share: ShareOption = 0.95,
    alpha: AlphaOption = 0.05,
    rollout_percent: PercentOption = 5.0,
    cut_at: CutOption = None,
    label_age: LabelAgeOption = "24h",
    since: SinceOption = None,
    until: UntilOption = None,
    action: ActionOption = None,
    namespace: NamespaceOption = None,
    strict: StrictOption = False,
    scheduler: SchedulerOption = None,
    jobs: JobsOption = None,
    partition_size: PartitionOption = None,
) -> None:
    """Tune, and write both ConfigMaps in one file, evidence included.

    Example: kubernaut export datasets/steady --to kubernaut-conditions.yaml
    """
    from kubernaut_simulator.cli.loading import conditions_for, open_history, work_of
    from kubernaut_simulator.cli.output import say
    from kubernaut_simulator.cli.tune_command import run_tuning, write_outputs
    from kubernaut_simulator.output_files import check_writable

    if to is not None:
        check_writable(to)
    work = work_of(scheduler, jobs, partition_size)
    loaded = open_history(history, work, strict=strict, since=since, until=until, action=action, namespace=namespace)
    tuning = run_tuning(
        loaded,
        conditions_for(loaded, conditions),
        target=target,
        share=share,
        alpha=alpha,
        percent=rollout_percent,
        cut_at=cut_at,
        label_age=label_age,
        work=work,
    )
    if to is None:
        sys.stdout.write(tuning.to_configmaps())
        return
    write_outputs(tuning, report=None, configmaps=to)
    say(f"wrote {to}; next: kubectl apply --server-side --dry-run=server -f {to}")
