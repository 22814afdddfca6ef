"""The notebooks run on the shipped histories in a real kernel, and their committed outputs are those of today's code.

After a change of histories or results: ``python -m tests.helpers.notebooks`` writes the outputs anew.
"""

import re
from difflib import unified_diff
from urllib.parse import unquote

import nbformat
import pytest
from helpers.notebooks import COMMAND, FOLDER, ROOT, code_cells, executed, notebooks, read, words

NAMES = ["01-false-positives", "02-timeouts", "05-tune-and-export"]
MAX_BYTES = 600_000
CHARTS = {"01-false-positives": 4, "02-timeouts": 2, "05-tune-and-export": 1}
"""At least so many in each."""

LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
OF_THIS_MACHINE = re.compile(r"/home/|/root/|/tmp/|/work/|[A-Z]:\\|object at 0x|\d+%\|")
"""Paths, addresses of objects, progress bars."""


@pytest.fixture(params=NAMES)
def committed(request):
    return request.param, read(FOLDER / f"{request.param}.ipynb")


def test_every_notebook_is_tested():
    assert [path.stem for path in notebooks()] == NAMES


@pytest.mark.slow
def test_it_runs_without_warning_and_says_what_is_committed(committed):
    name, before = committed
    now = executed(FOLDER / f"{name}.ipynb")
    kinds = {output.get("name", output.output_type) for cell in code_cells(now) for output in cell.outputs}
    stale = [difference(*pair) for pair in zip(code_cells(before), code_cells(now), strict=True)]

    assert kinds <= {"stdout", "execute_result", "display_data"}
    assert len(charts(now)) == len(charts(before))
    assert not any(stale), f"{name} is stale: run `{COMMAND}`\n" + "\n".join(filter(None, stale))


def test_a_forge_can_show_it(committed):
    name, notebook = committed
    nbformat.validate(notebook)

    assert (FOLDER / f"{name}.ipynb").stat().st_size < MAX_BYTES
    assert len(charts(notebook)) >= CHARTS[name]
    for svg in charts(notebook):
        assert svg.startswith("<svg")
        assert "<script" not in svg
    assert all(output.output_type != "error" for cell in code_cells(notebook) for output in cell.outputs)
    assert "<script" not in "".join(text for cell in code_cells(notebook) for _, text in words(cell))


def test_outputs_hold_nothing_of_a_session(committed):
    _, notebook = committed

    for cell in code_cells(notebook):
        assert set(cell.metadata) <= {"tags"}
        for form, text in words(cell):
            assert form in {"stdout", "text/plain", "text/html"}
            assert not OF_THIS_MACHINE.search(text), text[:500]
    assert set(notebook.metadata) == {"kernelspec", "language_info"}
    assert [cell.execution_count for cell in code_cells(notebook)] == list(range(1, len(code_cells(notebook)) + 1))


def test_parameters_digest_and_seed_are_at_the_top(committed):
    _, notebook = committed
    first, second = code_cells(notebook)[:2]

    assert first.metadata.tags == ["parameters"]
    told = "".join(text for _, text in words(second))
    assert re.search(r"data digest +[0-9a-f]{32}", told)
    assert re.search(r"seed +\d+", told)


def test_cells_are_short_and_prose_comes_before_code(committed):
    _, notebook = committed

    assert max(len(cell.source.splitlines()) for cell in code_cells(notebook)) <= 18
    assert notebook.cells[0].source.startswith("# ")
    assert "**The question.**" in notebook.cells[0].source
    assert any(cell.source.startswith("## What to do next") for cell in notebook.cells)


def test_prose_has_no_broken_link(committed):
    _, notebook = committed
    links = [link for cell in notebook.cells if cell.cell_type == "markdown" for link in LINK.findall(cell.source)]

    assert links
    for link in links:
        target, _, anchor = unquote(link).partition("#")
        path = (FOLDER / target).resolve()
        assert path.is_relative_to(ROOT), link
        assert path.is_file(), link
        if anchor:
            assert anchor in anchors(path.read_text(encoding="utf-8")), link


def charts(notebook):
    return [
        output.data["image/svg+xml"]
        for cell in code_cells(notebook)
        for output in cell.outputs
        if "image/svg+xml" in output.get("data", {})
    ]


def difference(before, now):
    """Say how one cell's outputs differ: what is read in a terminal first, and no more than a screen of it."""
    old, new = (
        "".join(f"[{form}]\n{text}\n" for form, text in sorted(words(cell), reverse=True)).splitlines()
        for cell in (before, now)
    )
    return "\n".join(list(unified_diff(old, new, "committed", "now", lineterm="", n=0))[:30])


def anchors(text):
    """Give the names by which a forge links to the headings of a page."""
    heads = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", head.lower()).replace(" ", "-") for head in heads}
