"""Run the `kubernaut` command in this process, as the console script would: text out, text said, exit code."""

import io
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Ran:
    """What a command line came to."""

    code: int
    out: str
    err: str


def kubernaut(*arguments: object) -> Ran:
    """Run a command line in this process; nothing is a terminal."""
    from kubernaut_simulator.cli.exits import run
    from kubernaut_simulator.cli.main import app

    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        try:
            code = run(lambda: app([str(one) for one in arguments], prog_name="kubernaut", standalone_mode=False))
        except SystemExit as left:
            code = left.code if isinstance(left.code, int) else 1
    return Ran(code=int(code), out=out.getvalue(), err=err.getvalue())


def kubernaut_process(*arguments: object, environment: dict[str, str] | None = None) -> Ran:
    """Run a command line in a process of its own."""
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            "from kubernaut_simulator.cli.main import run; import sys; sys.argv[0] = 'kubernaut'; run()",
            *map(str, arguments),
        ],
        capture_output=True,
        text=True,
        check=False,
        env=environment,
        timeout=120,
    )
    return Ran(code=done.returncode, out=done.stdout, err=done.stderr)
