"""`kubernaut replay`: judge a history again and say how often each condition would have stopped a good run."""

from __future__ import annotations

from enum import StrEnum
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
    from collections.abc import Callable, Mapping

    from kubernaut_simulator.results.base import Result

SHARE_HELP = "Share of good runs that shall pass within the timeout (0..1)."


class Show(StrEnum):
    """Which answer is printed."""

    VERDICTS = "verdicts"
    FALSE_STOPS = "false-stops"
    TIMEOUTS = "timeouts"
    DETECTION = "detection"
    DRIFT = "drift"
    SELECTION = "selection"
    LABEL_NOISE = "label-noise"
    HOLDING = "holding"


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("replay")(replay)


def replay(
    history: HistoryArguments,
    conditions: ConfigOption = None,
    show: Annotated[Show, typer.Option("--show", metavar="ANSWER", help=f"{', '.join(Show)}.")] = Show.FALSE_STOPS,
    share: Annotated[
        float, typer.Option("--share", metavar="SHARE", callback=share_between(0.5, 0.999), help=SHARE_HELP)
    ] = 0.95,
    all_runs: Annotated[
        bool, typer.Option("--all-runs", help="Times of all runs, not only good ones; for looking at.")
    ] = False,
    judge_all: Annotated[
        bool,
        typer.Option(
            "--judge-all",
            help="With -f: judge also by policies that are as recorded, instead of taking their recorded attempts.",
        ),
    ] = False,
    sensitivity: Annotated[
        str | None,
        typer.Option(
            "--sensitivity", metavar="SHARE|K/N", help="Of the labels, for label-noise: truly good runs labelled good."
        ),
    ] = None,
    specificity: Annotated[
        str | None,
        typer.Option(
            "--specificity", metavar="SHARE|K/N", help="Of the labels, for label-noise: truly bad runs labelled bad."
        ),
    ] = None,
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
    """Judge a history again, by its own policies or by those of a file.

    Example: kubernaut replay datasets/steady --show timeouts -o wide
    """
    from kubernaut_simulator.cli.loading import conditions_for, open_history, progress, tell_partitions, work_of
    from kubernaut_simulator.cli.output import print_result
    from kubernaut_simulator.replay.replay import replay as run_replay
    from kubernaut_simulator.results.timeouts import Population

    work = work_of(scheduler, jobs, partition_size)
    loaded = open_history(history, work, strict=strict, since=since, until=until, action=action, namespace=namespace)
    with progress() as shown:
        replayed = run_replay(
            loaded, conditions_for(loaded, conditions), judge_all=judge_all, progress=shown, work=work
        )
    tell_partitions(replayed)
    population = Population.ALL if all_runs else Population.GOOD
    answers: Mapping[Show, Callable[[], Result]] = {
        Show.VERDICTS: lambda: replayed,
        Show.FALSE_STOPS: replayed.false_stops,
        Show.TIMEOUTS: lambda: replayed.timeouts(share=share, population=population),
        Show.DETECTION: replayed.detection,
        Show.DRIFT: replayed.drift,
        Show.SELECTION: replayed.selection,
        Show.LABEL_NOISE: lambda: replayed.label_noise(
            sensitivity=share_or_counts(sensitivity, "--sensitivity"),
            specificity=share_or_counts(specificity, "--specificity"),
        ),
        Show.HOLDING: replayed.holding,
    }
    result = answers[show]()
    print_result(result, output, columns=result.columns)


def share_or_counts(text: str | None, option: str) -> float | tuple[int, int]:
    """Read a share, or k of n.

    Raises
    ------
    InputError
        Neither, or nothing was given.
    """
    from kubernaut.errors import InputError

    if text is None:
        raise InputError(
            f"{option} is needed: how often labels are right, as a share (0.95) or as counted where the truth is known "
            "(95/100)"
        )
    k, slash, n = text.partition("/")
    try:
        if not slash:
            return float(text)
        counted = (int(k), int(n))
    except ValueError:
        raise InputError(f"{option} {text!r} is neither a share (0.95) nor a count (95/100)") from None
    return counted
