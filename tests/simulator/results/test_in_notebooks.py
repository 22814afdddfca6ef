"""What a notebook shows of results: tables that fit its page, charts as pictures, a record explained."""

from types import MappingProxyType

import pandas as pd
import plotly.graph_objects as go
import pytest
from helpers.fact_histories import PostRun, post_history
from kubernaut_simulator.history.history import History
from kubernaut_simulator.results.base import Result
from kubernaut_simulator.results.picture import SVG_TYPE, Picture

from kubernaut.errors import HistoryError
from kubernaut.policy.evaluating import InProcessEvaluator


class Example(Result):
    title = "Shares & <limits>"
    summary = MappingProxyType({"source": "<b>"})
    data = pd.DataFrame({"condition": ["scale/step/pre/a", "scale/step/pre/b"], "n": [1, 2], "left out": ["x", "y"]})
    columns = ("condition", "n")

    def plot(self, colour="#0072B2"):
        return go.Figure(go.Bar(x=[1, 2], y=["a", "b"], orientation="h", marker_color=colour))


@pytest.fixture(scope="module")
def replayed() -> object:
    runs = [PostRun(passes_from_s=None if n % 3 == 0 else 4.0) for n in range(6)]
    history: History = post_history(runs)
    return history.replay(evaluator=InProcessEvaluator())


def test_a_notebook_shows_the_columns_that_fit_and_a_page_shows_all():
    shown, page = Example()._repr_html_(), Example().html()

    assert "left out" not in shown
    assert "left out" in page
    assert "<h4>Shares &amp; &lt;limits&gt;</h4>" in shown
    assert "<h2>" in page
    assert "<td class='text' style='text-align:left'>" in shown
    assert "<td class='number'>" in shown
    assert "style=" not in page


def test_a_chart_is_a_picture_of_its_own():
    picture = Example().picture("#D55E00")
    bundle = picture._repr_mimebundle_()

    assert set(bundle) == {"text/plain", SVG_TYPE}
    assert bundle["text/plain"] == "<Picture: Shares & <limits>>"
    assert bundle[SVG_TYPE].startswith("<svg")
    assert "#d55e00" in bundle[SVG_TYPE]
    assert "<title" in bundle[SVG_TYPE]
    assert "prefers-color-scheme:dark" in bundle[SVG_TYPE]


def test_any_figure_can_be_a_picture():
    assert repr(Picture(figure=go.Figure())) == "<Picture: Chart>"
    assert repr(Picture(figure=go.Figure().update_layout(title="Mine"))) == "<Picture: Mine>"


def test_a_record_is_explained_as_on_the_command_line(replayed):
    record = replayed.history.frame("evaluations").query("verdict == 'Failed'")["record_id"].iloc[0]
    told = replayed.explain(record, evaluator=InProcessEvaluator())

    assert told.text().startswith(f"record     {record}\n")
    assert "the line that did not hold" in told.text()
    assert told.title.endswith(": Failed")
    assert told._repr_html_().startswith("<pre")
    assert "&lt;" in told._repr_html_() or "<" not in told.text()
    assert set(told.data["now"]) == {"NotYet"}
    assert told.data["at s"].is_monotonic_increasing
    assert told.picture().svg.startswith("<svg")


def test_a_record_that_is_not_there_is_an_error(replayed):
    with pytest.raises(HistoryError, match="no evaluation and no attempt"):
        replayed.explain("nowhere", evaluator=InProcessEvaluator())
