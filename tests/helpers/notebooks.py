"""The project's notebooks: carried out in a kernel of their own, their outputs freed of what changes from run to run.

``python -m tests.helpers.notebooks`` carries them out and writes their outputs anew; do so after a change of the
shipped histories or of what results show. Committed outputs are what a forge shows, so they hold static pictures and
tables, and no scripts, times, paths or counters of a session.
"""

import os
import re
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
from nbclient import NotebookClient

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "notebooks"
COMMAND = "python -m tests.helpers.notebooks"

CELL_TIMEOUT_S = 300
"""A cell takes seconds; this is for a machine that does much else."""

KEPT_TYPES = ("text/plain", "text/html", "image/svg+xml")
"""Forms of an output that are committed: a forge reads nothing else, and the JSON form repeats the table."""

_STRICT = """
import warnings
warnings.simplefilter("error")
warnings.filterwarnings("ignore", module="ipykernel")
"""
"""The kernel's own warning when it is shut down is the kernel's, of itself."""


def notebooks() -> list[Path]:
    """Give the notebooks, in order of their numbers."""
    return sorted(FOLDER.glob("*.ipynb"))


def read(path: Path) -> Any:
    """Give a notebook as it is in its file."""
    return nbformat.read(path, as_version=4)  # type: ignore[no-untyped-call]


def executed(path: Path) -> Any:
    """Carry a notebook out, warnings being errors, and give it with outputs that are fit to be committed.

    Raises
    ------
    nbclient.exceptions.CellExecutionError
        A cell failed or warned; the message holds its traceback.
    """
    notebook = read(path)
    notebook.cells.insert(0, nbformat.v4.new_code_cell(_STRICT))  # type: ignore[no-untyped-call]
    with tempfile.TemporaryDirectory() as own:
        client = NotebookClient(
            notebook,
            timeout=CELL_TIMEOUT_S,
            kernel_name="python3",
            # It warns of whoever else is on this machine; nothing secret is in a notebook.
            extra_arguments=["--IPKernelApp.log_level=ERROR"],
            resources={"metadata": {"path": str(path.parent)}},
        )
        # A person's own start-up files are no part of the notebook.
        client.execute(env=_environment(own))
    del notebook.cells[0]
    _clean(notebook)
    return notebook


def _environment(folder: str) -> dict[str, str]:
    return {**os.environ, "IPYTHONDIR": folder, "TQDM_DISABLE": "1", "NO_COLOR": "1", "COLUMNS": "120"}


def _clean(notebook: Any) -> None:
    notebook.metadata = {
        "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
    }
    for count, cell in enumerate(code_cells(notebook), start=1):
        tags = cell.metadata.get("tags")
        cell.metadata = {"tags": tags} if tags else {}
        cell.execution_count = count
        for output in cell.outputs:
            if "data" in output:
                output.data = {name: output.data[name] for name in KEPT_TYPES if name in output.data}
                output.metadata = {}
            if output.output_type == "execute_result":
                output.execution_count = count


def code_cells(notebook: Any) -> list[Any]:
    """Give the cells that hold code."""
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def words(cell: Any) -> Iterator[tuple[str, str]]:
    """Give what a cell's outputs say, as (form, text), but the drawing of pictures, which differs with their library."""
    for output in cell.outputs:
        if output.output_type == "stream":
            yield output.name, output.text
        for form, text in output.get("data", {}).items():
            if form != "image/svg+xml":
                yield form, re.sub(r"\s+\n", "\n", text)


def write(path: Path, notebook: Any) -> bool:
    """Write a notebook where it differs from its file; say whether it did."""
    text = nbformat.writes(notebook) + "\n"  # type: ignore[no-untyped-call]
    if path.read_text(encoding="utf-8") == text:
        return False
    path.write_text(text, encoding="utf-8")
    return True


def main() -> int:
    """Run as a command; gives the exit code."""
    for path in notebooks():
        if write(path, executed(path)):
            print(f"wrote {path.relative_to(ROOT)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
