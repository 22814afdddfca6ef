"""`kubernaut whatif`: other flags, times and percentages, decided from stored attempts without running a policy."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

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

if TYPE_CHECKING:
    import pandas as pd

    from kubernaut_simulator.whatif.whatif import WhatIf

TABLE_COLUMNS = [
    "condition",
    "required",
    "percent",
    "runs",
    "would stop",
    "of good",
    "of bad",
    "stopped",
    "stopped good",
    "stopped bad",
]


class Show(StrEnum):
    """Which answer is printed."""

    CONDITIONS = "conditions"
    WORKFLOWS = "workflows"


SetOption = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="CONDITION.KEY=VALUE",
        help="Change one condition (action/level/phase/type, or its end, such as the type): timeout=60s, holdFor=20s, "
        "required=true, rolloutPercent=50. May be given several times.",
    ),
]


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("whatif")(whatif)


def whatif(
    history: HistoryArguments,
    changes: SetOption = None,
    conditions: ConfigOption = None,
    rollout: Annotated[
        str | None, typer.Option("--rollout", help="Deal the incidents anew by this word instead of as recorded.")
    ] = None,
    show: Annotated[Show, typer.Option("--show", help="By condition, or every workflow.")] = Show.CONDITIONS,
    output: OutputOption = OutputFormat.TABLE,
    since: SinceOption = None,
    until: UntilOption = None,
    action: ActionOption = None,
    namespace: NamespaceOption = None,
    strict: StrictOption = False,
) -> None:
    """Say what would have been stopped on other terms: which runs, by what, good or bad, and how long they wait.

    Example: kubernaut whatif datasets/steady --set desired_replicas_running.timeout=60s
    --set desired_replicas_running.rolloutPercent=100
    """
    from kubernaut_simulator.cli.loading import load_conditions, load_history
    from kubernaut_simulator.cli.output import print_records, print_result
    from kubernaut_simulator.replay.workers import workers_or
    from kubernaut_simulator.whatif.timelines import LOOK_COLUMNS
    from kubernaut_simulator.whatif.whatif import WhatIf

    loaded = load_history(
        history,
        strict=strict,
        since=since,
        until=until,
        action=action,
        namespace=namespace,
        look_columns=LOOK_COLUMNS,
    )
    asked = WhatIf(loaded)
    compiled = load_conditions(conditions)
    if compiled is not None:
        with workers_or(None) as evaluator:
            asked = asked.with_conditions(compiled, evaluator=evaluator)
    for text in changes or []:
        asked = changed(asked, text)
    if rollout is not None:
        asked = asked.with_rollout(rollout)
    result = asked.result()
    if show is Show.WORKFLOWS:
        print_records(records_of(result.workflows), output, title=result.title)
    else:
        print_result(result, output, columns=TABLE_COLUMNS)


def changed(asked: WhatIf, text: str) -> WhatIf:
    """Apply one ``CONDITION.KEY=VALUE``.

    Raises
    ------
    InputError
        It is not of that form, or cannot be set.
    """
    from kubernaut.durations import parse_duration
    from kubernaut.errors import InputError

    place, equals, value = text.partition("=")
    condition, dot, key = place.rpartition(".")
    if not equals or not dot:
        raise InputError(f"--set {text!r}: write CONDITION.KEY=VALUE, e.g. desired_replicas_running.timeout=60s")
    if key == "timeout":
        return asked.with_timeout(condition, parse_duration(value))
    if key == "holdFor":
        return asked.with_hold_for(condition, parse_duration(value))
    if key == "required":
        if value not in ("true", "false"):
            raise InputError(f"--set {text!r}: required is true or false")
        return asked.with_required(condition, required=value == "true")
    if key == "rolloutPercent":
        return asked.with_percent(condition, number_of(value, f"--set {text!r}"))
    raise InputError(f"--set {text!r}: unknown key {key}; known are timeout, holdFor, required, rolloutPercent")


def records_of(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Give a DataFrame's rows as plain records."""
    return [{str(name): value for name, value in row.items()} for row in frame.to_dict("records")]


def number_of(text: str, where: str) -> float:
    """Read a number.

    Raises
    ------
    InputError
        It is none.
    """
    from kubernaut.errors import InputError

    try:
        return float(text)
    except ValueError:
        raise InputError(f"{where}: {text!r} is not a number") from None
