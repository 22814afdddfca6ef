"""From pydantic's list of what is wrong to one error that a person can act on.

Every problem gets its place (file and line where the text is at hand), its path as it is written there, and
the nearest known key for one that does not exist. All problems are told at once, up to a page of them.
"""

import re
from collections.abc import Callable, Iterable
from difflib import get_close_matches

from pydantic import BaseModel, ValidationError

from kubernaut.conditions.yaml_text import YamlPath

MAX_PROBLEMS = 12
"""More than that is one mistake repeated; the rest is counted."""


_NAMED = re.compile(r"([A-Za-z_][\w.-]*): ")


def known_keys(*models: type[BaseModel]) -> tuple[str, ...]:
    """Give every key that these models know, as written in YAML, for suggestions."""
    return tuple(sorted({field.alias or name for model in models for name, field in model.model_fields.items()}))


def describe(error: ValidationError, *, place: Callable[[YamlPath], object], keys: Iterable[str]) -> str:
    """Write one line for each problem: place, path, what is wrong, what to do.

    Parameters
    ----------
    error : ValidationError
    place : callable
        Gives what stands before a problem at a path, e.g. file and line.
    keys : iterable of str
        Known keys, for suggestions.
    """
    lines: list[str] = []
    problems = error.errors(include_url=False)
    for problem in problems[:MAX_PROBLEMS]:
        path: YamlPath = tuple(problem["loc"])
        message = problem["msg"].removeprefix("Value error, ")
        if problem["type"] == "extra_forbidden":
            # A key that exists, but not here, is no suggestion for itself.
            close = get_close_matches(str(path[-1]), [key for key in keys if key != path[-1]], n=1)
            message = f"unknown key; did you mean `{close[0]}`?" if close else "no key of this place; remove it"
        elif problem["type"] == "missing":
            message = "missing; add it"
        elif problem["type"] != "value_error":
            message = f"{message[:1].lower()}{message[1:]}, not {_short(problem['input'])}"
        elif named := _NAMED.match(message):
            # A check of several fields together names the one it blames.
            path = (*path, *named[1].split("."))
            message = message[named.end() :]
        name = format_yaml_path(path)
        lines.append(f"{place(path)}: {name}: {message}" if name else f"{place(path)}: {message}")
    if len(problems) > MAX_PROBLEMS:
        lines.append(f"and {len(problems) - MAX_PROBLEMS} more")
    return "\n".join(lines)


def format_yaml_path(path: YamlPath) -> str:
    """Turn ``("steps", 0, "rego")`` into ``steps[0].rego``."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        else:
            text += f".{part}" if text else part
    return text


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 40 else f"{text[:37]}..."
