"""`kubernaut tune`: which conditions may be required, with which timeout, and why."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from kubernaut_simulator.cli.options import (
    ActionOption,
    ConfigOption,
    HistoryArguments,
    JobsOption,
    NamespaceOption,
    OutputFormat,
    OutputOption,
    PartitionOption,
    SchedulerOption,
    SinceOption,
    StrictOption,
    UntilOption,
    share_between,
)

if TYPE_CHECKING:
    from kubernaut_simulator.replay.partitioned import Work
    from kubernaut_simulator.replay.tasks import Conditions
    from kubernaut_simulator.tuning.result import Tuning


class FailLevel(StrEnum):
    """When the command leaves with 2."""

    NONE = "none"
    ENFORCED = "enforced"
    WARN = "warn"


TargetOption = Annotated[
    float,
    typer.Option(
        "--target",
        metavar="SHARE",
        callback=share_between(0.001, 0.999),
        help="Share of good incidents that may be stopped (0..1).",
    ),
]
ShareOption = Annotated[
    float,
    typer.Option(
        "--share",
        metavar="SHARE",
        callback=share_between(0.5, 0.999),
        help="Share of good runs that shall pass within the timeout.",
    ),
]
AlphaOption = Annotated[
    float,
    typer.Option(
        "--alpha",
        metavar="PROBABILITY",
        min=0.0001,
        max=0.5,
        help="Chance that any condition is made required wrongly.",
    ),
]
PercentOption = Annotated[
    float,
    typer.Option(
        "--rollout-percent",
        metavar="PERCENT",
        min=0.0,
        max=100.0,
        help="Rollout percent of a condition that becomes required.",
    ),
]
CutOption = Annotated[
    str | None,
    typer.Option(
        "--cut-at",
        metavar="INSTANT",
        help="RFC 3339 instant of an earlier tuning's cut, so that incidents judge only once.",
    ),
]
LabelAgeOption = Annotated[
    str,
    typer.Option(
        "--label-age",
        metavar="DURATION",
        help="After a run's start its label is read (Go duration). A stop without one counts as a false stop.",
    ),
]


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("tune")(tune)


def tune(
    history: HistoryArguments,
    conditions: ConfigOption = None,
    target: TargetOption = 0.15,
    share: ShareOption = 0.95,
    alpha: AlphaOption = 0.05,
    rollout_percent: PercentOption = 5.0,
    cut_at: CutOption = None,
    label_age: LabelAgeOption = "24h",
    fail_level: Annotated[
        FailLevel,
        typer.Option(
            "--fail-level",
            metavar="none|enforced|warn",
            help="Leave with 2: never; when a condition that is enforced now has not met the gate; when any has not.",
        ),
    ] = FailLevel.ENFORCED,
    output: OutputOption = OutputFormat.TABLE,
    since: SinceOption = None,
    until: UntilOption = None,
    action: ActionOption = None,
    namespace: NamespaceOption = None,
    strict: StrictOption = False,
    scheduler: SchedulerOption = None,
    jobs: JobsOption = None,
    partition_size: PartitionOption = None,
) -> None:
    """Say which conditions may be required, with which timeout.

    Example: kubernaut tune datasets/steady --target 0.15
    """
    from kubernaut_simulator.cli.loading import conditions_for, open_history, work_of
    from kubernaut_simulator.cli.output import print_result

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
    print_result(tuning, output, columns=tuning.columns)
    hold_gate(tuning, fail_level)


def run_tuning(
    history: object,
    conditions: Conditions | None,
    *,
    target: float = 0.15,
    share: float = 0.95,
    alpha: float = 0.05,
    percent: float = 5.0,
    cut_at: str | None = None,
    label_age: str = "24h",
    work: Work | None = None,
) -> Tuning:
    """Tune with a worker of its own, or in partitions, and a progress bar.

    Raises
    ------
    InputError
        The label age is not a duration above zero, or the cut not an instant.
    """
    import pandas as pd

    from kubernaut.durations import parse_duration
    from kubernaut.errors import InputError
    from kubernaut.policy.worker.client import WorkerEvaluator
    from kubernaut_simulator.cli.loading import progress, tell_partitions
    from kubernaut_simulator.history.history import History
    from kubernaut_simulator.history.stored import StoredHistory
    from kubernaut_simulator.instants import parse_instant
    from kubernaut_simulator.tuning.tune import TuningTerms
    from kubernaut_simulator.tuning.tune import tune as run

    if not isinstance(history, History | StoredHistory):
        raise TypeError("a History is tuned")
    cut = parse_instant(cut_at, "--cut-at")
    label_age_s = parse_duration(label_age, where="--label-age")
    if label_age_s <= 0:
        raise InputError(f"--label-age {label_age}: must be above zero")
    terms = TuningTerms(
        target=target,
        share=share,
        alpha=alpha,
        percent=percent,
        cut_at=None if cut is None else pd.Timestamp(cut).tz_convert("UTC"),
        label_age_s=label_age_s,
    )
    with progress() as shown, WorkerEvaluator() as evaluator:
        tuning = run(history, conditions, terms=terms, evaluator=evaluator, progress=shown, work=work)
    tell_partitions(tuning.replay)
    return tuning


def hold_gate(tuning: Tuning, level: FailLevel) -> None:
    """Leave with 2 when a gate that counts was not met.

    Raises
    ------
    GateNotMetError
        Names the conditions.
    """
    from kubernaut_simulator.cli.exits import GateNotMetError

    missed = [
        str(one.condition)
        for one in tuning.decisions
        if not one.after.required
        and (level is FailLevel.WARN or (one.before.required and one.before.rollout_percent > 0))
    ]
    if level is not FailLevel.NONE and missed:
        raise GateNotMetError(f"gate not met: {', '.join(missed)}")


def write_outputs(tuning: Tuning, *, report: Path | None, configmaps: Path | None) -> None:
    """Write the page and the ConfigMaps, each as a whole or not at all."""
    from kubernaut_simulator.output_files import write_text

    if report is not None:
        from kubernaut_simulator.results.report import report_page

        write_text(report, report_page(tuning))
    if configmaps is not None:
        write_text(configmaps, tuning.to_configmaps())
