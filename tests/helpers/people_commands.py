"""The commands for people, run in this process against a test's cluster: text out, text said, exit code."""

import io
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

import typer
from kubernaut_operator.people.commands import register
from kubernaut_simulator.cli.exits import run

from helpers.command_line import Ran


class Desk:
    """One person's command line.

    Parameters
    ----------
    kubeconfig : Path
    namespace : str
        Where they work.
    """

    def __init__(self, kubeconfig: Path, namespace: str) -> None:
        self.kubeconfig = kubeconfig
        self.namespace = namespace

    def __call__(self, command: str, *arguments: object) -> Ran:
        """Run a command in their namespace."""
        return people(command, *arguments, f"--kubeconfig={self.kubeconfig}", f"--namespace={self.namespace}")


def people(*arguments: object) -> Ran:
    """Run a command line of the commands for people; nothing is a terminal."""
    app = typer.Typer(pretty_exceptions_enable=False, rich_markup_mode=None)
    register(app)
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        code = run(lambda: app([str(one) for one in arguments], prog_name="kubernaut", standalone_mode=False))
    return Ran(code=int(code), out=out.getvalue(), err=err.getvalue())
