"""`kubernaut effect`: what the guards change, by accounts of a replay and by the arms of a rollout."""

from __future__ import annotations

from enum import StrEnum
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

TABLE_COLUMNS = [
    "outcome",
    "enrolled",
    "not enrolled",
    "difference",
    "lower 95 %",
    "upper 95 %",
    "n enrolled",
    "n not enrolled",
    "says",
]


class FailLevel(StrEnum):
    """When the command leaves with 2."""

    NONE = "none"
    FAIL = "fail"
    NOT_ENOUGH = "not-enough"


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("effect")(effect)


def effect(
    history: HistoryArguments,
    conditions: ConfigOption = None,
    horizon: Annotated[str, typer.Option("--horizon", help="Times to resolve count up to here (Go duration).")] = "4h",
    cost_per_incident_hour: Annotated[
        float | None, typer.Option("--cost-per-incident-hour", min=0.0, help="Of an unresolved incident.")
    ] = None,
    cost_per_manual_intervention: Annotated[
        float | None, typer.Option("--cost-per-manual-intervention", min=0.0, help="Of one incident taken over.")
    ] = None,
    investment: Annotated[float | None, typer.Option("--investment", min=0.0, help="Spent once.")] = None,
    cost_per_year: Annotated[
        float | None, typer.Option("--cost-per-year", min=0.0, help="Of running the guards.")
    ] = None,
    fail_level: Annotated[
        FailLevel,
        typer.Option("--fail-level", help="Leave with 2: never; when a gate fails; also when one has not enough data."),
    ] = FailLevel.NONE,
    output: OutputOption = OutputFormat.TABLE,
    since: SinceOption = None,
    until: UntilOption = None,
    action: ActionOption = None,
    namespace: NamespaceOption = None,
    strict: StrictOption = False,
) -> None:
    """Say what the guards change: accounts of a replay, effects by arm, the gates, and a return from stated costs.

    Example: kubernaut effect datasets/steady --cost-per-incident-hour 400
    """
    from kubernaut.durations import parse_duration
    from kubernaut.errors import InputError
    from kubernaut_simulator.cli.exits import GateNotMetError
    from kubernaut_simulator.cli.loading import load_conditions, load_history, progress
    from kubernaut_simulator.cli.output import print_result
    from kubernaut_simulator.effect.effect import business_effect
    from kubernaut_simulator.effect.gates import Answer
    from kubernaut_simulator.effect.returns import Costs
    from kubernaut_simulator.replay.replay import replay
    from kubernaut_simulator.rollout.exported import required_conditions

    horizon_s = parse_duration(horizon, where="--horizon")
    if horizon_s <= 0:
        raise InputError(f"--horizon {horizon}: must be above zero")
    loaded = load_history(history, strict=strict, since=since, until=until, action=action, namespace=namespace)
    exported = load_conditions(conditions)
    with progress() as shown:
        replayed = replay(loaded, exported, progress=shown)
    result = business_effect(
        replayed,
        conditions=None if exported is None else required_conditions(exported) or None,
        costs=Costs(
            per_incident_hour=cost_per_incident_hour,
            per_manual_intervention=cost_per_manual_intervention,
            investment=investment,
            per_year=cost_per_year,
        ),
        horizon_s=horizon_s,
    )
    print_result(result, output, columns=TABLE_COLUMNS)
    missed = {FailLevel.FAIL: {Answer.FAIL}, FailLevel.NOT_ENOUGH: {Answer.FAIL, Answer.NOT_ENOUGH}}.get(
        fail_level, set()
    )
    names = [f"{one.name} ({one.stage.value})" for one in result.gates if one.answer in missed]
    if names:
        raise GateNotMetError(f"gates not met: {', '.join(names)}")
