"""`kubernaut suite`: which conditions to require together, under a ceiling on the workflow's false stops."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

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
from kubernaut_simulator.cli.tune_command import AlphaOption, CutOption, TargetOption
from kubernaut_simulator.cli.whatif_command import number_of, records_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from kubernaut.identity import ConditionId
    from kubernaut_simulator.whatif.stored import Stored

FRONT_COLUMNS = ["suite", "good stopped", "upper 95 %", "harmful stopped", "waiting s", "chosen"]


class Show(StrEnum):
    """Which answer is printed."""

    FRONT = "front"
    CONDITIONS = "conditions"
    DETECTION = "detection"


class FailLevel(StrEnum):
    """When the command leaves with 2."""

    NONE = "none"
    GATE = "gate"


TimeoutsOption = Annotated[
    list[str] | None,
    typer.Option(
        "--timeouts",
        metavar="CONDITION=30s,60s",
        help="Timeouts to try for a postcondition; without it, a quarter, half and three quarters of the present one.",
    ),
]
ParametersOption = Annotated[
    list[str] | None,
    typer.Option(
        "--try",
        metavar="CONDITION.NAME=1,2",
        help="Values to try for a number that the policy declares; they are judged again on the search incidents.",
    ),
]


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("suite")(suite)


def suite(
    history: HistoryArguments,
    conditions: ConfigOption = None,
    target: TargetOption = 0.15,
    timeouts: TimeoutsOption = None,
    parameters: ParametersOption = None,
    proposals: Annotated[
        int, typer.Option("--proposals", min=1, max=20, help="Suites that go to the gate; they share alpha (Holm).")
    ] = 1,
    version: Annotated[
        int,
        typer.Option("--version", min=1, help="How many suites of this action the gate was asked about."),
    ] = 1,
    alpha: AlphaOption = 0.05,
    cut_at: CutOption = None,
    show: Annotated[
        Show,
        typer.Option("--show", help="Suites that nothing beats, each condition's worth, or what each detects."),
    ] = Show.FRONT,
    fail_level: Annotated[
        FailLevel, typer.Option("--fail-level", help="Leave with 2: never, or when no suite has met the gate.")
    ] = FailLevel.NONE,
    output: OutputOption = OutputFormat.TABLE,
    since: SinceOption = None,
    until: UntilOption = None,
    action: ActionOption = None,
    namespace: NamespaceOption = None,
    strict: StrictOption = False,
) -> None:
    """Compare every suite of an action's conditions and say which may be required together.

    Example: kubernaut suite datasets/steady --target 0.2
    """
    import pandas as pd

    from kubernaut.policy.worker.client import WorkerEvaluator
    from kubernaut_simulator.cli.exits import GateNotMetError
    from kubernaut_simulator.cli.loading import load_conditions, load_history
    from kubernaut_simulator.cli.output import print_records, print_result
    from kubernaut_simulator.instants import parse_instant
    from kubernaut_simulator.suites.search import SuiteTerms, search_suites
    from kubernaut_simulator.whatif.whatif import WhatIf

    loaded = load_history(history, strict=strict, since=since, until=until, action=action, namespace=namespace)
    compiled = load_conditions(conditions)
    if show is Show.DETECTION:
        from kubernaut_simulator.replay.replay import replay

        print_result(replay(loaded, compiled).detection(), output)
        return
    asked = WhatIf(loaded)
    cut = parse_instant(cut_at, "--cut-at")
    terms = SuiteTerms(
        target=target,
        timeouts=_timeouts(asked.stored, timeouts or []),
        parameters=_parameters(asked.stored, parameters or []),
        proposals=proposals,
        version=version,
        alpha=alpha,
        cut_at=None if cut is None else pd.Timestamp(cut).tz_convert("UTC"),
    )
    with WorkerEvaluator() as evaluator:
        found = search_suites(asked, compiled, action=action, terms=terms, evaluator=evaluator)
    if show is Show.CONDITIONS:
        print_records(records_of(found.conditions), output, title=found.title)
    else:
        print_result(found, output, columns=FRONT_COLUMNS)
    if fail_level is FailLevel.GATE and found.required is None:
        raise GateNotMetError("gate not met: no suite may be required yet")


def _timeouts(stored: Stored, texts: Sequence[str]) -> Mapping[ConditionId, Sequence[float]]:
    from kubernaut.durations import parse_duration

    found: dict[ConditionId, list[float]] = {}
    for text in texts:
        name, values = _parts(text, "--timeouts", "desired_replicas_running=30s,60s")
        found[stored.named(name)] = [parse_duration(value.strip()) for value in values.split(",")]
    return found


def _parameters(stored: Stored, texts: Sequence[str]) -> Mapping[ConditionId, Mapping[str, Sequence[float]]]:
    from kubernaut.errors import InputError

    found: dict[ConditionId, dict[str, list[float]]] = {}
    for text in texts:
        place, values = _parts(text, "--try", "cluster_capacity_available.headroom_percent=0,10")
        name, dot, parameter = place.rpartition(".")
        if not dot:
            raise InputError(f"--try {text!r}: write CONDITION.NAME=VALUES")
        numbers = [number_of(value.strip(), f"--try {text!r}") for value in values.split(",")]
        found.setdefault(stored.named(name), {})[parameter] = numbers
    return found


def _parts(text: str, option: str, example: str) -> tuple[str, str]:
    from kubernaut.errors import InputError

    name, equals, values = text.partition("=")
    if not equals or not values:
        raise InputError(f"{option} {text!r}: write it as {example}")
    return name, values
