"""`kubernaut rollout`: plan a rollout by stages, and hold a running one against its plan."""

from __future__ import annotations

from pathlib import Path
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
    share_between,
)

if TYPE_CHECKING:
    from kubernaut_simulator.replay.tasks import Conditions
    from kubernaut_simulator.rollout.terms import RolloutTerms

app = typer.Typer(help="Plan a rollout of enforcement by stages, and follow it.", no_args_is_help=True)

PLAN_COLUMNS = [
    "percent",
    "holdout",
    "shows",
    "days p10",
    "days p50",
    "days p90",
    "reached",
    "goes on",
    "good holdout p50",
    "good stopped p50",
    "held by",
]
STATUS_COLUMNS = ["condition", "stopped", "predicted", "budget", "false stops on holdout", "says", "why"]

StagesOption = Annotated[str, typer.Option("--stages", help="Percentages, rising, with commas between.")]
TargetOption = Annotated[
    float,
    typer.Option(
        "--target", callback=share_between(0.001, 0.999), help="Share of good incidents that may be stopped (0..1)."
    ),
]
FirstTargetOption = Annotated[
    float, typer.Option("--first-target", callback=share_between(0.001, 0.999), help="The same for the first stage.")
]
AlphaOption = Annotated[
    float,
    typer.Option("--alpha", min=0.0001, max=0.5, help="Chance that a stage is left upwards with a wrong condition."),
]
MinimumDaysOption = Annotated[float, typer.Option("--min-days", min=0.0, help="A stage lasts at least so long.")]
LongestDaysOption = Annotated[float, typer.Option("--max-days", min=0.01, help="Undecided after so long.")]
RolloutsOption = Annotated[int, typer.Option("--rollouts", min=1, help="Rollouts that are simulated.")]
SeedOption = Annotated[int, typer.Option("--seed", min=0, help="Same seed, same answer.")]


@app.command("plan")
def plan(
    history: HistoryArguments,
    conditions: ConfigOption = None,
    condition: Annotated[
        list[str] | None,
        typer.Option(
            "--condition",
            help="action/level/phase/type; may be repeated. Without it: those that --conditions requires, or those "
            "whose false stops in the history are below the target.",
        ),
    ] = None,
    incidents_per_day: Annotated[
        float | None, typer.Option("--incidents-per-day", min=0.0, help="Without it, as in the history.")
    ] = None,
    stages: StagesOption = "5,10,50,98",
    target: TargetOption = 0.15,
    first_target: FirstTargetOption = 0.20,
    alpha: AlphaOption = 0.05,
    min_days: MinimumDaysOption = 7.0,
    max_days: LongestDaysOption = 90.0,
    rollouts: RolloutsOption = 1000,
    seed: SeedOption = 0,
    output: OutputOption = OutputFormat.TABLE,
    since: SinceOption = None,
    until: UntilOption = None,
    action: ActionOption = None,
    namespace: NamespaceOption = None,
    strict: StrictOption = False,
) -> None:
    """Say how long each stage must last before its evidence suffices, and how often a rollout ends wrongly.

    Example: kubernaut rollout plan datasets/steady --incidents-per-day 40
    """
    from kubernaut_simulator.cli.loading import load_conditions, load_history, progress
    from kubernaut_simulator.cli.output import print_result
    from kubernaut_simulator.replay.replay import replay
    from kubernaut_simulator.rollout.exported import promised_limits
    from kubernaut_simulator.rollout.plan import plan_rollout

    terms = _terms(stages, target, first_target, alpha, min_days, max_days)
    loaded = load_history(history, strict=strict, since=since, until=until, action=action, namespace=namespace)
    exported = load_conditions(conditions)
    with progress() as shown:
        replayed = replay(loaded, exported, progress=shown)
        result = plan_rollout(
            replayed.votes.data,
            conditions=condition or _required(exported),
            limits=promised_limits(exported),
            terms=terms,
            incidents_per_day=incidents_per_day,
            rollouts=rollouts,
            seed=seed,
            rollout=_rollout_key(exported),
            window=replayed.window,
            progress=shown,
        )
    print_result(result, output, columns=PLAN_COLUMNS)


@app.command("status")
def status(
    history: HistoryArguments,
    conditions: Annotated[
        Path | None,
        typer.Option("--conditions", "-f", help="The exported ConfigMaps, which hold the predictions."),
    ] = None,
    environment: Annotated[
        str | None, typer.Option("--environment", help="Only this kubernaut.io/environment label.")
    ] = None,
    stages: StagesOption = "5,10,50,98",
    target: TargetOption = 0.15,
    first_target: FirstTargetOption = 0.20,
    alpha: AlphaOption = 0.05,
    min_days: MinimumDaysOption = 7.0,
    max_days: LongestDaysOption = 90.0,
    rollouts: RolloutsOption = 300,
    seed: SeedOption = 0,
    output: OutputOption = OutputFormat.TABLE,
    since: SinceOption = None,
    until: UntilOption = None,
    action: ActionOption = None,
    namespace: NamespaceOption = None,
    strict: StrictOption = False,
) -> None:
    """Hold a rollout under way against what was predicted and the guide's gates: go, wait or stop, and why.

    Leaves with 2 when it says stop.

    Example: kubernaut rollout status history/ --conditions kubernaut-conditions.yaml
    """
    from kubernaut_simulator.cli.exits import GateNotMetError
    from kubernaut_simulator.cli.loading import load_conditions, load_history, read_text
    from kubernaut_simulator.cli.output import print_result
    from kubernaut_simulator.rollout.following import rollout_status
    from kubernaut_simulator.rollout.predictions import predictions_of
    from kubernaut_simulator.rollout.status_result import Says

    terms = _terms(stages, target, first_target, alpha, min_days, max_days)
    loaded = load_history(history, strict=strict, since=since, until=until, action=action, namespace=namespace)
    text = None if conditions is None else read_text(conditions)
    exported = load_conditions(conditions, text=text)
    result = rollout_status(
        loaded,
        conditions=exported,
        predictions=None
        if text is None or exported is None
        else predictions_of(text, exported, source=str(conditions)),
        terms=terms,
        environment=environment,
        rollouts=rollouts,
        seed=seed,
    )
    print_result(result, output, columns=STATUS_COLUMNS)
    if result.says is Says.STOP:
        raise GateNotMetError(
            "stop: " + "; ".join(f"{one.name}: {one.why}" for one in result.stages if one.says is Says.STOP)
        )


def _terms(
    stages: str, target: float, first_target: float, alpha: float, min_days: float, max_days: float
) -> RolloutTerms:
    from kubernaut_simulator.rollout.terms import RolloutTerms, stages_from_text

    return RolloutTerms(
        stages=stages_from_text(stages),
        target=target,
        first_target=first_target,
        alpha=alpha,
        minimum_days=min_days,
        longest_days=max_days,
    )


def _required(exported: Conditions | None) -> list[str] | None:
    if exported is None:
        return None
    from kubernaut_simulator.rollout.exported import required_conditions

    return required_conditions(exported)


def _rollout_key(exported: Conditions | None) -> str:
    keys = {one.texts.settings.rollout for one in (exported or {}).values()}
    if len(keys) > 1:
        from kubernaut_simulator.cli.output import warn

        warn(
            f"the two ConfigMaps deal by different rollout keys ({', '.join(sorted(keys))}); the first is planned with"
        )
    return min(keys) if keys else "default"
