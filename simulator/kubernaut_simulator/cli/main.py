"""The root of the `kubernaut` command.

Subcommands come from the modules of this package; other distributions' packages (the operator) add theirs through the
entry-point group ``kubernaut.commands``, so that no import crosses from the simulator to the operator: a group of
commands of the entry point's name, or a function that adds commands to the root.
"""

from __future__ import annotations

import sys
from importlib.metadata import entry_points
from typing import Annotated

import typer

from kubernaut import __version__
from kubernaut_simulator.cli import (
    calibrate_command,
    check_command,
    demo_command,
    diff_command,
    effect_command,
    evidence_command,
    explain_command,
    export_command,
    facts_command,
    generate_command,
    history_commands,
    policy_commands,
    replay_command,
    report_command,
    rollout_commands,
    suite_command,
    telemetry_commands,
    tune_command,
    tuning_commands,
    whatif_command,
)
from kubernaut_simulator.cli.exits import run as run_command

PLUGIN_GROUP = "kubernaut.commands"

app = typer.Typer(
    name="kubernaut",
    help="Guardrails for Kubernetes remediations: replay what happened, tune what is required.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    # Plain help as kubectl gives it; the boxes of rich would double the time of `--help`.
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for module in (
    demo_command,
    replay_command,
    tune_command,
    evidence_command,
    report_command,
    export_command,
    explain_command,
    check_command,
    facts_command,
    whatif_command,
    diff_command,
    suite_command,
    effect_command,
    generate_command,
    calibrate_command,
):
    module.register(app)
app.add_typer(history_commands.app, name="history")
app.add_typer(policy_commands.app, name="policy")
app.add_typer(rollout_commands.app, name="rollout")
app.add_typer(tuning_commands.app, name="tuning")
app.add_typer(telemetry_commands.app, name="telemetry")
for plugin in entry_points(group=PLUGIN_GROUP):
    joined = plugin.load()
    if isinstance(joined, typer.Typer):
        app.add_typer(joined, name=plugin.name)
    else:
        joined(app)


def _print_version(wanted: bool) -> None:
    if wanted:
        print(__version__)
        raise typer.Exit


@app.callback()
def root(
    _version: Annotated[
        bool,
        typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and leave."),
    ] = False,
) -> None:
    """Guardrails for Kubernetes remediations: replay what happened, tune what is required."""


def run() -> None:
    """Run the command line; the console script."""
    sys.exit(run_command(lambda: app(standalone_mode=False)))
