"""The page on the command line, made of what each command says of itself.

Read from the commands' parameters, not from printed help, whose layout changes with the library's version.
"""

from __future__ import annotations

from enum import Enum
from inspect import cleandoc
from typing import TYPE_CHECKING, Any

import typer

if TYPE_CHECKING:
    from collections.abc import Iterator

_HEAD = """# The command line

`kubernaut`, also installed as `kubectl-kubernaut`, so that `kubectl kubernaut ...` works.

Data goes to stdout, talk to stderr; colour only on a terminal, and not where `NO_COLOR` is set; progress only on a
terminal. Shell completion: `kubernaut --install-completion`.

| exit code | meaning |
|--:|---|
| 0 | all well |
| 1 | the input cannot be used, or the command line is wrong |
| 2 | a gate was not met: a condition that may not be required, a check that does not pass, a failing policy test |
| 3 | an error of the program's own; `KUBERNAUT_DEBUG=1` shows where |

`-o` takes `table`, `wide`, `json`, `yaml`, `csv` or `html` (one self-contained page); the exit code is the
same for all.
"""


def markdown() -> str:
    """Give the page."""
    from kubernaut_simulator.cli.main import app

    return "\n".join([_HEAD, *_sections(typer.main.get_command(app), "kubernaut")])


def _sections(command: Any, path: str) -> Iterator[str]:
    children = getattr(command, "commands", None)
    if children is None:
        yield _section(command, path)
    for name, child in (children or {}).items():
        yield from _sections(child, f"{path} {name}")


def _section(command: Any, path: str) -> str:
    arguments = [one for one in command.params if one.param_type_name == "argument"]
    usage = " ".join([path, *map(_argument, arguments), "[OPTIONS]"])
    lines = [f"## {path}", "", "```text", usage, "```", ""]
    for paragraph in cleandoc(command.help or "").split("\n\n"):
        text = " ".join(paragraph.split())
        before, example, line = text.partition("Example: ")
        lines += ["```sh", line, "```", ""] if example and not before else [text, ""]
    lines += ["| | |", "|---|---|"]
    lines += [f"| {_name(one)} | {_meaning(one)} |" for one in command.params if not getattr(one, "hidden", False)]
    return "\n".join([*lines, ""])


def _argument(parameter: Any) -> str:
    name = f"{parameter.metavar or parameter.name.upper()}{'...' if parameter.nargs != 1 else ''}"
    return name if parameter.required else f"[{name}]"


def _name(parameter: Any) -> str:
    if parameter.param_type_name == "argument":
        return f"`{_argument(parameter)}`"
    value = f" {parameter.metavar}" if parameter.metavar else ""
    return f"`{', '.join(sorted(parameter.opts, key=len))}{value}`".replace("|", "\\|")


def _meaning(parameter: Any) -> str:
    text = str(parameter.help or "").replace("|", "\\|")
    default = parameter.default.value if isinstance(parameter.default, Enum) else parameter.default
    if parameter.required:
        return f"{text} Required." if parameter.param_type_name == "option" else text
    shown = default not in (None, False, "", [], ()) and not callable(default)
    return f"{text} Default: `{default}`." if shown else text
