"""Measurements as programs of their own, so that the time and memory of one are not those of another."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent


def told(program: str, *arguments: str) -> Any:
    """Run a measurement and give the JSON that it printed."""
    return json.loads(_output(str(HERE / program), *arguments))


def printed(program: str, *arguments: str) -> str:
    """Run a measurement and give the text that it printed."""
    return _output(str(HERE / program), *arguments).rstrip()


def section_of(module: str, *, quick: bool) -> str:
    """Run a benchmark's ``section(quick=...)`` in a process of its own."""
    return _output("-c", f"import {module}; print({module}.section(quick={quick}))").rstrip() + "\n"


def _output(*arguments: str) -> str:
    return subprocess.run([sys.executable, *arguments], check=True, stdout=subprocess.PIPE, text=True, cwd=HERE).stdout
