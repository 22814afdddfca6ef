"""Exit codes, the same for every command and format.

0 all well; 1 the input cannot be used; 2 a gate was not met (a condition that may not be required, a check that says
no); 3 an error of ours. click's own usage errors leave with 2 by default, which here would read as "a gate was not
met": `run` gives them 1.
"""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Callable
from enum import IntEnum
from typing import Any

import typer

from kubernaut.errors import InputError, KubernautError, MissingExtraError

UsageError: Any = typer.BadParameter.__mro__[1]
"""What every wrong command line raises. typer carries a copy of click of its own and names only the subclass."""


class ExitCode(IntEnum):
    """What the process leaves with."""

    OK = 0
    BAD_INPUT = 1
    GATE_NOT_MET = 2
    INTERNAL_ERROR = 3


INTERRUPTED = 130
"""What shells expect of a program that was stopped by Ctrl-C (128 + SIGINT)."""


STDOUT_FILENO = 1


class GateNotMetError(KubernautError):
    """The answer is no; the message names what did not pass, below the answer that has been printed."""


def exit_code_of(error: BaseException) -> ExitCode:
    """Say which code an error leaves with."""
    if isinstance(error, GateNotMetError):
        return ExitCode.GATE_NOT_MET
    if isinstance(error, (InputError, MissingExtraError)):
        return ExitCode.BAD_INPUT
    return ExitCode.INTERNAL_ERROR


def run(command: Callable[[], object]) -> int:
    """Run a command, say what went wrong on stderr, and give the exit code.

    Parameters
    ----------
    command : callable
        Runs the whole command line without calling `sys.exit` itself. A whole number that it gives is the code of an
        early end (`--help`, `--version`).

    Returns
    -------
    int
        An `ExitCode`.
    """
    try:
        code = command()
        sys.stdout.flush()
    except UsageError as error:
        error.show(file=sys.stderr)
        return ExitCode.BAD_INPUT
    except (typer.Abort, KeyboardInterrupt):
        code = INTERRUPTED
    except BrokenPipeError:
        return _reader_has_gone()
    except SystemExit as left:
        # typer takes a broken pipe for itself and leaves with 1.
        if isinstance(left.__context__, BrokenPipeError):
            return _reader_has_gone()
        raise
    except GateNotMetError as error:
        if str(error):
            print(_safe(error), file=sys.stderr)
        return ExitCode.GATE_NOT_MET
    except KubernautError as error:
        print(f"error: {_safe(error)}", file=sys.stderr)
        return exit_code_of(error)
    except Exception as error:  # noqa: BLE001 - the last line of defence: a person gets a sentence, not a traceback
        print(f"internal error: {type(error).__name__}: {_safe(error)}", file=sys.stderr)
        if os.environ.get("KUBERNAUT_DEBUG"):
            traceback.print_exc()
        else:
            print("Run again with KUBERNAUT_DEBUG=1 to see where.", file=sys.stderr)
        return ExitCode.INTERNAL_ERROR
    if code == INTERRUPTED:
        print("stopped", file=sys.stderr)
    return code if isinstance(code, int) else ExitCode.OK


def _reader_has_gone() -> int:
    """End quietly: the reader of our output has what it wanted (`kubernaut ... | head`)."""
    # Python flushes once more at exit, and would complain.
    sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123, SIM115 - lives as long as the process
    os.dup2(sys.stdout.fileno(), STDOUT_FILENO)
    return ExitCode.OK


def _safe(error: BaseException) -> str:
    """Give a message line by line without what would steer the terminal: it may quote files and clusters."""
    return "\n".join("".join(char if char.isprintable() else " " for char in line) for line in str(error).splitlines())
