from pathlib import Path

from kubernaut_simulator.history.schema_page import attribute_texts, markdown

from kubernaut.history.fields import fields_of
from kubernaut.history.rows import RowKind

PAGE = Path(__file__).parents[3] / "docs" / "history.md"


def test_the_page_is_what_the_code_makes_today():
    assert PAGE.read_text(encoding="utf-8") == markdown()


def test_every_field_is_there_with_its_meaning():
    rows = [line for line in markdown().splitlines() if line.startswith("| `")]
    for kind in RowKind:
        for item in fields_of(kind):
            assert any(row.startswith(f"| `{item.name}` |") for row in rows)
    assert not [row for row in rows if row.endswith("|  |")]


def test_attributes_are_read_off_a_docstring():
    text = "X.\n\nAttributes\n----------\na, b : int\n    First.\n    Second.\nc : str\nd : str\n    Third.\n"

    assert attribute_texts(text) == {"a": "First. Second.", "b": "First. Second.", "c": "", "d": "Third."}
