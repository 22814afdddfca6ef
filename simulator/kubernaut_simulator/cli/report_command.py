"""`kubernaut report`: one page about a history, for who decides what may be required."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from kubernaut_simulator.cli.options import (
    ActionOption,
    ConfigOption,
    HistoryArguments,
    NamespaceOption,
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
    app.command("report")(report)


def report(
    history: HistoryArguments,
    conditions: ConfigOption = None,
    out: Annotated[Path, typer.Option("--out", metavar="FILE", help="Where the page is written; - prints it.")] = Path(
        "report.html"
    ),
    target: TargetOption = 0.15,
    share: ShareOption = 0.95,
    alpha: AlphaOption = 0.05,
    rollout_percent: PercentOption = 5.0,
    cut_at: CutOption = None,
    label_age: LabelAgeOption = "24h",
    rollouts: Annotated[int, typer.Option("--rollouts", min=1, help="Rollouts that the plan simulates.")] = 1000,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Same seed, same plan.")] = 0,
    since: SinceOption = None,
    until: UntilOption = None,
    action: ActionOption = None,
    namespace: NamespaceOption = None,
    strict: StrictOption = False,
) -> None:
    """Write one self-contained page: decisions, every condition, suites, rollout, effect, methods.

    Example: kubernaut report datasets/steady --out report.html
    """
    from kubernaut_simulator.cli.loading import conditions_for, load_history, progress
    from kubernaut_simulator.cli.output import say
    from kubernaut_simulator.cli.tune_command import run_tuning
    from kubernaut_simulator.output_files import check_writable, write_text
    from kubernaut_simulator.results.report import report_page

    if str(out) != "-":
        check_writable(out)
    loaded = load_history(history, strict=strict, since=since, until=until, action=action, namespace=namespace)
    tuning = run_tuning(
        loaded,
        conditions_for(loaded, conditions),
        target=target,
        share=share,
        alpha=alpha,
        percent=rollout_percent,
        cut_at=cut_at,
        label_age=label_age,
    )
    with progress() as shown:
        page = report_page(tuning, rollouts=rollouts, seed=seed, progress=shown)
    if str(out) == "-":
        sys.stdout.write(page)
        return
    write_text(out, page)
    say(tuning.title)
    say(f"report: {out}")
