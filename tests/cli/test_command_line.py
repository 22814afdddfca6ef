"""What holds for every command: help, exit codes, streams, completion, speed, pipes."""

import os
import pty
import re
import subprocess
import sys
from pathlib import Path

import pytest
import typer
from helpers.command_line import kubernaut, kubernaut_process
from kubernaut_simulator.cli import main
from kubernaut_simulator.cli.exits import ExitCode, GateNotMetError, exit_code_of, run
from kubernaut_simulator.cli.main import app
from kubernaut_simulator.cli.reference import markdown

from kubernaut import __version__
from kubernaut.errors import EvaluatorError, InputError, MissingExtraError


def paths(command, path=()):
    """Give the words of every command."""
    children = getattr(command, "commands", None)
    if children is None:
        return [path]
    return [below for name, child in children.items() for below in paths(child, (*path, name))]


ROOT = Path(__file__).parents[2]
COMMANDS = paths(typer.main.get_command(app))
SLOW_MODULES = ("pandas", "numpy", "pyarrow", "scipy", "plotly", "regopy", "pydantic", "yaml", "rich", "jinja2", "tqdm")


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_help_has_an_example(command):
    ran = kubernaut(*command, "--help")

    assert (ran.code, ran.err) == (0, "")
    said = " ".join(ran.out.split())
    assert re.search(rf"Example: (kubectl )?kubernaut {re.escape(' '.join(command))}", said)


def test_every_module_of_a_command_is_registered():
    folder = Path(main.__file__).parent
    modules = {path.stem.rpartition("_")[0] for path in folder.glob("*_command.py")}
    modules |= {path.stem.rpartition("_")[0] for path in folder.glob("*_commands.py")}

    # The operator's package joins by entry points.
    joined = {
        "approve",
        "cancel",
        "get",
        "operator",
        "outcome",
        "override",
        "pause",
        "resume",
        "run",
        "validate",
        "why",
    }
    assert modules | joined == {path[0] for path in COMMANDS}


def test_the_documents_name_no_command_that_is_not_there():
    pages = [ROOT / "README.md", *(ROOT / "docs").glob("*.md")]
    named = {found for page in pages for found in re.findall(r"`kubernaut ([a-z]+)", page.read_text())}

    assert named <= {path[0] for path in COMMANDS}


def test_help_needs_no_slow_module():
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            "import sys\nsys.argv = ['kubernaut', '--help']\nfrom kubernaut_simulator.cli.main import run\n"
            "try:\n    run()\nexcept SystemExit:\n    pass\n"
            f"print([name for name in {SLOW_MODULES} if name in sys.modules], file=sys.stderr)",
        ],
        capture_output=True,
        text=True,
        check=True,
    )

    assert done.stdout.startswith("Usage: kubernaut")
    assert done.stderr == "[]\n"


def test_version():
    assert kubernaut_process("--version") == kubernaut("--version")
    assert kubernaut("--version").out == f"{__version__}\n"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nonsense"], "No such command 'nonsense'"),
        (["replay"], "Missing argument"),
        (["replay", "x", "--no-such-option"], "No such option"),
        (["replay", "x", "-o", "pdf"], "'pdf'"),
        (["tune", "x", "--target", "2"], "'--target': 2 is not a share from 0.001 to 0.999"),
        (["tune", "x", "--target", "many"], "'--target': Input should be a valid number"),
    ],
)
def test_a_wrong_command_line_leaves_with_1(arguments, message):
    ran = kubernaut(*arguments)

    assert (ran.code, ran.out) == (1, "")
    assert message in ran.err
    assert "Usage: kubernaut" in ran.err


def test_without_a_command_the_help_is_shown():
    ran = kubernaut()

    assert ran.code == 1
    assert "Commands:" in ran.err


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (InputError("x"), 1),
        (MissingExtraError("x"), 1),
        (GateNotMetError("x"), 2),
        (EvaluatorError("x"), 3),
        (ValueError("x"), 3),
    ],
)
def test_exit_codes(capsys, error, code):
    def fail():
        raise error

    assert exit_code_of(error) == code
    assert run(fail) == code
    out, err = capsys.readouterr()
    assert out == ""
    assert "x" in err


def test_an_internal_error_is_a_sentence_and_with_debug_a_traceback(capsys, monkeypatch):
    def fail():
        raise ZeroDivisionError("division by zero")

    assert run(fail) is ExitCode.INTERNAL_ERROR
    assert capsys.readouterr().err == (
        "internal error: ZeroDivisionError: division by zero\nRun again with KUBERNAUT_DEBUG=1 to see where.\n"
    )
    monkeypatch.setenv("KUBERNAUT_DEBUG", "1")
    run(fail)
    assert "Traceback" in capsys.readouterr().err


def test_an_error_message_cannot_steer_the_terminal(capsys):
    def fail():
        raise InputError("a\x1b[31mb\nsecond line")

    run(fail)

    assert capsys.readouterr().err == "error: a [31mb\nsecond line\n"


@pytest.mark.parametrize("raised", [KeyboardInterrupt(), typer.Abort(), typer.Exit(130)])
def test_stopped_by_hand(capsys, raised):
    def fail():
        raise raised

    def left():
        try:
            fail()
        except typer.Exit as end:
            return end.exit_code

    assert run(left) == 130
    assert capsys.readouterr().err == "stopped\n"


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_script(shell):
    ran = kubernaut_process(
        "--show-completion", shell, environment={**os.environ, "_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION": "1"}
    )

    assert (ran.code, ran.err) == (0, "")
    assert "_KUBERNAUT_COMPLETE" in ran.out


def test_completion_of_a_command():
    asked = {"_KUBERNAUT_COMPLETE": "complete_bash", "COMP_WORDS": "kubernaut ex", "COMP_CWORD": "1"}

    ran = kubernaut_process(environment={**os.environ, **asked})

    assert ran.out.split() == ["export", "explain"]


def test_a_reader_that_goes_away_is_no_error():
    command = [sys.executable, "-c", "from kubernaut_simulator.cli.main import run; run()", "facts", "-o", "json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        process.stdout.close()

        assert process.stderr.read() == b""
        assert process.wait(30) == 0


def test_data_is_plain_off_a_terminal():
    ran = kubernaut("facts", "conditions")

    assert ran.err == ""
    assert "\x1b" not in ran.out
    assert all(line == line.rstrip() for line in ran.out.splitlines())


def test_the_page_names_every_command_with_its_example():
    page = markdown()

    for path in COMMANDS:
        name = " ".join(path)
        assert f"\n## kubernaut {name}\n" in page
        assert re.search(rf"```sh\n(?:kubectl )?kubernaut {name}\b", page), name


def on_a_terminal(*arguments, **environment):
    """Run with stdout and stderr on a pseudo terminal; gives what it showed."""
    parent, child = pty.openpty()
    kept = {name: value for name, value in os.environ.items() if name not in ("NO_COLOR", "FORCE_COLOR")}
    with subprocess.Popen(
        [sys.executable, "-c", "from kubernaut_simulator.cli.main import run; run()", *map(str, arguments)],
        stdout=child,
        stderr=child,
        env={**kept, "TERM": "xterm-256color", "COLUMNS": "100", **environment},
    ) as process:
        os.close(child)
        shown = b""
        while True:
            try:
                part = os.read(parent, 65536)
            except OSError:
                break  # Linux says so when the other side has been closed
            if not part:
                break
            shown += part
        process.wait(60)
    os.close(parent)
    return shown.decode()


def test_on_a_terminal_tables_fit_it():
    shown = on_a_terminal("facts", "conditions")
    lines = re.sub(r"\x1b\[[0-9;]*m", "", shown).splitlines()

    assert "\x1b[1mpath" in shown
    assert max(map(len, lines)) <= 100
    assert "conditions.Available" in shown


def test_on_a_narrow_terminal_a_condition_stays_whole(history):
    shown = on_a_terminal("tune", history, "--fail-level", "none", COLUMNS="60")
    lines = re.sub(r"\x1b\[[0-9;]*m", "", shown).splitlines()

    assert any(line.startswith("step/pre/deployment_exists ") for line in lines)


def test_no_color_is_heeded():
    assert not re.search(r"\x1b\[[0-9;]*3[0-9]", on_a_terminal("facts", "conditions", NO_COLOR="1"))
