"""Static charts: what our figures use is drawn, what cannot be drawn is refused, and text of a cluster stays text."""

import re
from datetime import UTC, datetime
from xml.etree import ElementTree as ET

import numpy as np
import plotly.graph_objects as go
import pytest
from kubernaut_simulator.results.base import COLOURS
from kubernaut_simulator.results.picture_axes import number_text, shortened
from kubernaut_simulator.results.picture_colours import PALETTE, SOFT, hex_and_alpha
from kubernaut_simulator.results.pictures import to_svg
from plotly.subplots import make_subplots

from kubernaut.errors import OutputError

SVG = "{http://www.w3.org/2000/svg}"
HOSTILE = "<script>alert(1)</script> \"'& $x$ \x1b[31m \u202eabc \N{CJK UNIFIED IDEOGRAPH-6C49} עברית"


def words(svg):
    return [element.text for element in ET.fromstring(svg).iter(f"{SVG}text")]


def drawn(figure, **options):
    return words(to_svg(figure, **options))


def test_the_same_figure_gives_the_same_bytes():
    figure = go.Figure(go.Scatter(x=[1, 2], y=[3, 4], mode="lines+markers", name="a"))

    assert to_svg(figure) == to_svg(figure)


def test_text_of_a_cluster_is_text_and_no_formula():
    figure = go.Figure(
        [
            go.Bar(y=[HOSTILE, "b"], x=[1, 2], orientation="h", name=HOSTILE),
            go.Bar(y=[HOSTILE, "b"], x=[1, 2], orientation="h", name="other"),
        ]
    )
    figure.add_vline(x=1.5, annotation_text=HOSTILE)
    figure.update_layout(title=HOSTILE, xaxis_title=HOSTILE)
    svg = to_svg(figure, width_px=1200)

    assert "<script" not in svg
    assert "\x1b" not in svg
    assert sum("$x$" in word for word in words(svg)) == 4
    assert ET.fromstring(svg).find(f"{SVG}title").text.startswith("<script>alert(1)")


def test_it_names_itself_for_who_cannot_see_it():
    root = ET.fromstring(to_svg(go.Figure(go.Bar(x=["a"], y=[1])), title="Verdicts", name="one"))

    assert root.get("role") == "img"
    assert root.find(f"{SVG}title").text == "Verdicts"
    assert root.get("aria-labelledby") == root.find(f"{SVG}title").get("id") == "one-title"


def test_many_can_stand_in_one_page():
    figure = go.Figure(go.Scatter(x=[1, 2], y=[3, 4], mode="lines+markers"))
    ids = [re.findall(r' id="([^"]*)"', to_svg(figure, name=name)) for name in ("one", "two")]

    assert len(ids[0]) == len(set(ids[0]))
    assert not set(ids[0]) & set(ids[1])
    svg = to_svg(figure, name="one")
    assert set(re.findall(r"#(one-[\w.-]+)", svg)) <= set(ids[0])


def test_nothing_in_it_reaches_the_page_or_the_network():
    svg = to_svg(go.Figure(go.Scatter(x=[1, 2], y=[3, 4])))

    assert "<style" not in svg
    assert not re.search(r"https?://(?!www\.w3\.org/2000/svg\")", svg)
    assert svg.startswith("<svg ")


def test_colours_have_names_that_a_style_sheet_finds():
    svg = to_svg(go.Figure(go.Scatter(x=[1, 2], y=[3, 4], mode="lines", line={"color": COLOURS[2]})))

    assert f'stroke="{COLOURS[2].lower()}"' in svg
    assert 'class="chart-stroke-green"' in svg


def test_a_picture_of_its_own_brings_paper_and_dark_colours():
    svg = to_svg(go.Figure(go.Scatter(x=[1, 2], y=[3, 4])), standalone=True)

    assert "prefers-color-scheme:dark" in svg
    assert 'class="chart-fill-paper"' in svg


def test_no_two_colours_look_the_same():
    for look in ("light", "dark"):
        assert len({getattr(one, look) for one in PALETTE}) == len(PALETTE)


def test_categories_keep_the_order_of_the_figure():
    figure = go.Figure(go.Bar(y=["z", "a"], x=[1, 2], orientation="h"))
    figure.update_layout(yaxis={"autorange": "reversed"})
    svg = to_svg(figure)
    places = {e.text: float(e.get("y")) for e in ET.fromstring(svg).iter(f"{SVG}text") if e.text in {"z", "a"}}

    assert places["z"] < places["a"]


def test_axes_of_shares_dates_and_powers():
    shares = go.Figure(go.Scatter(x=[0.0, 0.2], y=[1, 2]), layout={"xaxis": {"tickformat": ".0%", "range": [0, 0.2]}})
    dates = go.Figure(go.Scatter(x=[datetime(2025, 5, day, tzinfo=UTC) for day in (1, 20)], y=[1, 2]))
    texts = go.Figure(go.Scatter(x=["2025-05-01", "2025-05-20T10:00:00Z"], y=[1, 2]))
    powers = go.Figure(go.Scatter(x=[1, 1000], y=[1, 2]), layout={"xaxis": {"type": "log", "range": [0, 3]}})

    assert {"0%", "20%"} <= set(drawn(shares))
    assert "2025-May" in drawn(dates)
    assert "2025-May" in drawn(texts)
    assert {"1", "10", "100", "1,000"} <= set(drawn(powers))


def test_ticks_that_a_figure_names():
    figure = go.Figure(
        go.Scatter(x=[1, 2], y=[1, 2]), layout={"xaxis": {"tickvals": [1, 2], "ticktext": ["one", "$2"]}}
    )
    plain = go.Figure(go.Scatter(x=[1, 2], y=[1, 2]), layout={"xaxis": {"tickvals": [1.5]}})

    assert {"one", "$2"} <= set(drawn(figure))
    assert "1.5" in drawn(plain)


def test_panels_have_their_titles_and_their_own_axes():
    figure = make_subplots(rows=2, cols=2, subplot_titles=("north west", "north east", "south west", "south east"))
    for row in (1, 2):
        for column in (1, 2):
            figure.add_scatter(x=[1, 2], y=[row, column], row=row, col=column, showlegend=False)
    figure.add_hline(y=1.5, row=1, col=1)
    found = drawn(figure)

    assert {"north west", "north east", "south west", "south east"} <= set(found)


def test_panels_that_share_an_axis_have_one_range():
    figure = make_subplots(rows=1, cols=2, shared_yaxes=True)
    figure.add_scatter(x=["a", "b"], y=[0, 1], row=1, col=1)
    figure.add_scatter(x=["c"], y=[100], row=1, col=2)

    assert drawn(figure).count("100") == 1


@pytest.mark.parametrize(
    ("traces", "layout"),
    [
        ([go.Bar(x=["a", "b"], y=[1, -2]), go.Bar(x=["a", "b"], y=[-1, 2])], {"barmode": "relative"}),
        ([go.Bar(x=["a", "b"], y=[1, 2]), go.Bar(x=["a", "b"], y=[1, 2])], {}),
        (
            [go.Bar(x=[1, 2, 3], y=[1, 2, 3], width=0.5, base=1, error_y={"array": [0.1, 0.1, 0.1]})],
            {"barmode": "overlay"},
        ),
        ([go.Scatter(x=[1, 2], y=[1, 2], fill="tozeroy"), go.Scatter(x=[1, 2], y=[2, 3], fill="tonexty")], {}),
        (
            [
                go.Scatter(
                    x=[1, 2, 2], y=[1, 2, 1], fill="toself", mode="none", fillcolor="rgba(0,114,178,.2)", name="b"
                )
            ],
            {},
        ),
        ([go.Scatter(x=[1, 2], y=[1, 2], mode="markers+text", text=["a", "b"], marker={"symbol": "circle-open"})], {}),
        ([go.Scatter(y=[1, None, 2], line={"shape": "hv", "dash": "longdash"})], {"yaxis": {"rangemode": "tozero"}}),
        (
            [go.Scatter(x=[1, 2], y=[1, 2], error_y={"array": [0.1, 0.2], "color": "#444"})],
            {"xaxis": {"visible": False}},
        ),
        ([go.Scatter(x=np.array([1.0, 2.0]), y=np.array([1, 2]), marker={"color": [1, 2], "showscale": True})], {}),
        ([go.Box(y=[1, 2, 3, 9], name="a"), go.Box(y=[2, 3], name="b", boxpoints=False)], {}),
        ([go.Box(x=[1, 2, 3], name="a")], {"xaxis": {"showticklabels": False}}),
        ([go.Scatter(x=[1], y=[1], visible="legendonly"), go.Scatter(x=[1], y=[2])], {"showlegend": True}),
        ([go.Bar(x=[True, False], y=[1, 2])], {}),
        ([go.Scatter(x=["a"], y=["b"])], {"xaxis": {"type": "category"}}),
    ],
)
def test_what_figures_may_use_is_drawn(traces, layout):
    svg = to_svg(go.Figure(traces, layout=layout))

    assert svg.count("<path") > 2


def test_shapes_and_notes():
    figure = go.Figure(go.Scatter(x=["2025-05-01", "2025-05-20"], y=[1, 2]))
    figure.add_vrect(x0="2025-05-03", x1="2025-05-05", fillcolor="red", opacity=0.2)
    figure.add_annotation(x="2025-05-10", y=1.5, text="here")
    figure.add_annotation(
        x=0.5, y=0.5, xref="paper", yref="paper", showarrow=False, text="middle", font_color="#d55e00"
    )

    assert {"here", "middle"} <= set(drawn(figure))


def test_an_empty_chart_says_so():
    assert "nothing to draw: not enough data" in drawn(go.Figure())
    assert "nothing to draw: not enough data" in drawn(go.Figure(go.Scatter(x=[], y=[], mode="markers")))


@pytest.mark.parametrize(
    ("figure", "named"),
    [
        (go.Figure(go.Pie(values=[1])), "'pie'"),
        (go.Figure(go.Scatter(x=[1], y=[1], stackgroup="a", name="n")), "stackgroup of the scatter trace 'n'"),
        (go.Figure(go.Scatter(x=[1], y=[1], marker={"symbol": "hexagon"}, mode="markers")), "'hexagon'"),
        (go.Figure(go.Scatter(x=[1, 2], y=[1, 2], line={"shape": "spline"})), "'spline'"),
        (go.Figure(go.Scatter(x=[1, 2], y=[1, 2], fill="tonexty", name="n")), "'tonexty'"),
        (go.Figure(go.Scatter(x=[1, 2], y=[1, 2], line={"color": "hsl(1,2%,3%)"})), "colour 'hsl(1,2%,3%)'"),
        (go.Figure(go.Scatter(x=[1], y=[1]), layout={"shapes": [{"type": "circle"}]}), "'circle'"),
        (
            go.Figure([go.Scatter(y=[1]), go.Scatter(y=[2], yaxis="y2")], layout={"yaxis2": {"overlaying": "y"}}),
            "yaxis2",
        ),
        (go.Figure(go.Scatter(y=[1]), layout={"shapes": [{"type": "line", "xref": "x7"}]}), "x7"),
    ],
)
def test_what_cannot_be_drawn_is_refused_by_name(figure, named):
    with pytest.raises(OutputError, match=re.escape(named)):
        to_svg(figure)


def test_a_long_name_is_cut_in_its_middle():
    assert shortened("a-very-long-condition-name (n=12)", 20) == "a-very-long-c… (n=12)"[:13] + "…" + "(n=12)"
    assert shortened("short", 20) == "short"


def test_numbers_as_axes_write_them():
    assert number_text(None, 1234567.0) == "1,234,567"
    assert number_text(",d", 1234.0) == "1,234"
    assert number_text("+.0%", 0.05) == "+5%"


def test_colours_as_plotly_takes_them():
    assert hex_and_alpha("rgba(0,114,178,.5)") == ("#0072b2", 0.5)
    assert hex_and_alpha("#808890") == (SOFT, 1.0)
    assert hex_and_alpha("white") == ("#ffffff", 1.0)
