"""The commands join `kubernaut` by an entry point, and its help stays as quick as without them."""

import subprocess
import sys

PROGRAM = """
import sys
from importlib import metadata
point = metadata.EntryPoint("people", "kubernaut_operator.people.commands:register", "kubernaut.commands")
metadata.entry_points = lambda **_group: [point]
from kubernaut_simulator.cli.main import app
try:
    app(["--help"], prog_name="kubernaut", standalone_mode=False)
finally:
    heavy = {"kubernetes", "rich", "pydantic", "structlog", "yaml"} & set(sys.modules)
    print("loaded:", *sorted(heavy), file=sys.stderr)
"""


def test_help_lists_them_and_loads_no_client():
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True, timeout=60)

    words = {line.split()[0] for line in done.stdout.splitlines() if line.startswith("  ") and line.split()}
    assert words >= {"get", "why", "run", "validate", "override", "approve", "pause", "resume", "cancel", "outcome"}
    assert done.stderr.strip() == "loaded:"
