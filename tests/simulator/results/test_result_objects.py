"""Every result in every form: text that fits, HTML that is static, JSON that is data, a chart that shows something."""

import json

import pandas as pd
import plotly.graph_objects as go
import pytest

WIDEST = 140


@pytest.fixture(params=["replay", "false stops", "timeouts", "tuning"])
def result(request, tuned):
    return {
        "replay": lambda: tuned.replay,
        "false stops": tuned.replay.false_stops,
        "timeouts": tuned.replay.timeouts,
        "tuning": lambda: tuned,
    }[request.param]()


def test_the_table_for_people_fits_and_the_wide_one_has_all(result):
    table = result.text().split("\n\n")[1].splitlines()

    assert max(map(len, table)) <= WIDEST
    assert len(table) == len(result.data) + 1
    assert set(result.columns) <= set(result.data.columns)
    assert result.text(wide=True).split("\n\n")[1].splitlines()[0].split()[0] == "condition"
    assert all(name in result.text(wide=True) for name in result.table(wide=True).columns)
    assert "scale_deployment/" not in "\n".join(table)
    assert "scale_deployment/" in result.text(wide=True)


def test_the_chart_shows_something(result):
    figure = result.plot()

    assert isinstance(figure, go.Figure)
    assert sum(len(trace.x) for trace in figure.data) >= len(result.data)
    assert figure.layout.title.text or figure.layout.xaxis.title.text


def test_the_other_forms_hold_the_same(result, tmp_path):
    found = json.loads(result.to_json(tmp_path / "result.json"))

    assert len(found["rows"]) == len(result.data)
    assert found["summary"] == dict(result.summary)
    assert (tmp_path / "result.json").read_text() == result.to_json()
    assert "<script" not in result._repr_html_()
    assert result.to_html(tmp_path / "page.html") == (tmp_path / "page.html").read_text()
    assert isinstance(result.data, pd.DataFrame)


def test_shares_are_percent_for_people_and_numbers_for_programs(tuned):
    stops = tuned.replay.false_stops()

    assert stops.data["upper 95 %"].between(0, 1).all()
    assert stops.table(wide=True)["upper 95 %"].str.fullmatch(r"\d+\.\d %").all()
    assert "upper 95 %" in tuned.text()


def test_hostile_words_are_neither_markup_nor_control_characters(hostile):
    for result in (hostile, hostile.false_stops(), hostile.timeouts()):
        assert "<script>alert" not in result.to_html()
        assert "\x1b" not in result.text()


def test_a_target_of_one_s_own_is_drawn(tuned):
    figure = tuned.replay.false_stops(target=0.2).plot()

    assert [shape.x0 for shape in figure.layout.shapes] == [0.2]
    assert "target 20 %" in figure.layout.annotations[0].text


def test_not_reached_is_an_answer(tuned):
    timeouts = tuned.replay.timeouts(share=0.999)

    assert timeouts.data["timeout s"].isna().all()
    assert timeouts.data["answer"].str.startswith("not reached").all()
    assert timeouts.title == "Timeouts: when have 99.9 % of good runs passed?"
