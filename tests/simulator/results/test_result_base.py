import json
from types import MappingProxyType

import pandas as pd
import plotly.graph_objects as go
import pytest
from kubernaut_simulator.results.base import MIME_TYPE, Result, html_table, text_table

EVIL = "<script>alert(1)</script>\x1b[31m"


class Example(Result):
    title = "Example"
    summary = MappingProxyType({"source": EVIL})
    notes = ("3 left out",)
    data = pd.DataFrame({"name": ["a", EVIL], "share": [0.123456, float("nan")], "n": [1, 200]})

    def plot(self):
        return go.Figure(go.Bar(x=[1], y=[2]))


def test_text_holds_all_and_no_control_characters():
    text = Example().text()

    assert "\x1b" not in text
    assert text.splitlines()[0] == "Example"
    assert "0.1235" in text
    assert text.splitlines()[-1] == "3 left out"
    assert " -  200" in text


def test_html_is_static_and_escaped():
    html = Example()._repr_html_()

    assert "<script" not in html
    assert "&lt;script&gt;" in html
    assert "\x1b" not in html


def test_json_is_data():
    found = json.loads(Example().to_json())

    assert found["rows"][0] == {"name": "a", "share": 0.123456, "n": 1}
    assert found["rows"][1]["share"] is None
    assert found["notes"] == ["3 left out"]


def test_a_page_is_written_whole_and_a_chart_only_when_asked_for(tmp_path):
    page = Example().to_html(tmp_path / "page.html")
    Example().to_json(tmp_path / "page.json")

    assert (tmp_path / "page.html").read_text() == page
    assert "<script" not in page
    assert json.loads((tmp_path / "page.json").read_text())["title"] == "Example"


def test_an_interactive_page_works_offline():
    page = Example().to_html(interactive=True)

    assert "Plotly.newPlot" in page
    assert 'src="http' not in page


def test_notebooks_get_several_forms():
    result = Example()

    assert set(result._repr_mimebundle_()) == {"text/plain", "text/html", MIME_TYPE}
    assert set(result._repr_mimebundle_(include=["text/html"])) == {"text/html"}
    assert "text/html" not in result._repr_mimebundle_(exclude=["text/html"])
    assert repr(result) == "<Example: Example, 2 rows>"


def test_long_tables_say_what_they_leave_out():
    assert "7 more rows in .data" in html_table(pd.DataFrame({"a": range(10)}), max_rows=3)


def test_an_empty_table_is_its_head():
    assert text_table(pd.DataFrame({"a": [], "b": []})) == "a  b"


def test_the_base_alone_is_no_result():
    with pytest.raises(TypeError):
        Result()


def test_instants_are_shown_with_their_zone():
    assert "2026-01-31T12:00:00+00:00" in text_table(pd.DataFrame({"at": pd.to_datetime(["2026-01-31T12:00:00Z"])}))
