"""`kubernaut export`: tune, and write the ConfigMaps that the operator loads; or those that an export replaced."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from kubernaut_simulator.cli.options import (
    ActionOption,
    ConfigOption,
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
    history: Annotated[
        list[Path] | None,
        typer.Argument(metavar="HISTORY", help="Files or folders: .jsonl, .jsonl.gz, .parquet.", show_default=False),
    ] = None,
    conditions: ConfigOption = None,
    previous: Annotated[
        Path | None,
        typer.Option(
            "--previous",
            metavar="FILE",
            help="Write what the ConfigMaps of this export replaced, instead of tuning; no history is needed.",
        ),
    ] = None,
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

    With --previous, the way back: the ConfigMaps that those of an export replaced, from its annotations.

    Example: kubernaut export datasets/steady --to kubernaut-conditions.yaml
    """
    from kubernaut.errors import InputError
    from kubernaut_simulator.cli.loading import conditions_for, open_history, read_text, work_of
    from kubernaut_simulator.cli.tune_command import run_tuning
    from kubernaut_simulator.output_files import check_writable
    from kubernaut_simulator.tuning.provenance import written_configmaps

    if to is not None:
        check_writable(to)
    if previous is not None:
        if history or conditions is not None:
            raise InputError("--previous writes what an export replaced and tunes nothing: leave out HISTORY and -f")
        from kubernaut_simulator.tuning.previous import previous_configmaps

        _give(previous_configmaps(read_text(previous), source=str(previous)), to)
        return
    if not history:
        raise InputError("name the HISTORY to tune on, or with --previous an export to take back")
    written = None if conditions is None else read_text(conditions)
    work = work_of(scheduler, jobs, partition_size)
    loaded = open_history(history, work, strict=strict, since=since, until=until, action=action, namespace=namespace)
    tuning = run_tuning(
        loaded,
        conditions_for(loaded, conditions, text=written),
        target=target,
        share=share,
        alpha=alpha,
        percent=rollout_percent,
        cut_at=cut_at,
        label_age=label_age,
        work=work,
    )
    replaced = None if written is None else written_configmaps(written, source=str(conditions))
    _give(tuning.to_configmaps(replaced=replaced), to)


def _give(configmaps: str, to: Path | None) -> None:
    from kubernaut_simulator.cli.output import say
    from kubernaut_simulator.output_files import write_text

    if to is None:
        sys.stdout.write(configmaps)
        return
    write_text(to, configmaps)
    say(f"wrote {to}; next: kubectl apply --server-side --dry-run=server -f {to}")
