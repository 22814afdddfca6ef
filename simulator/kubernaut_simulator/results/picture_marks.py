"""What stands beside the data of a static chart: lines and boxes across it, words on it, its legend."""

from __future__ import annotations

from collections.abc import Mapping
from textwrap import fill
from typing import Any

from kubernaut.errors import OutputError
from kubernaut.policy.wording import clean_message
from kubernaut_simulator.results.picture_axes import CHARACTER_PX, Panel, shortened, subplot_titles
from kubernaut_simulator.results.picture_colours import INK, SOFT, hex_and_alpha
from kubernaut_simulator.results.picture_traces import DASHES

LEGEND_KEY_PX = 48
"""Room of a line's picture in the legend, with its margins."""

_ANCHORS = {"left": "left", "center": "center", "right": "right", "top": "top", "middle": "center", "bottom": "bottom"}


def draw_shapes(figure: Any, panels: Mapping[tuple[str, str], Panel]) -> None:
    """Draw lines and rectangles, such as `add_vline` and `add_hrect` make.

    Raises
    ------
    OutputError
        A shape of another kind.
    """
    from matplotlib.lines import Line2D  # noqa: PLC0415 - 0.4 s that only a chart needs
    from matplotlib.patches import Rectangle  # noqa: PLC0415 - the same

    for shape in figure.layout.shapes:
        panel = _panel(panels, shape)
        transform = _transform(panel, shape)
        x, y = _places(panel, shape, "x", (shape.x0, shape.x1)), _places(panel, shape, "y", (shape.y0, shape.y1))
        if shape.type == "line":
            colour, alpha = hex_and_alpha(shape.line.color or SOFT)
            line = Line2D(
                x,
                y,
                transform=transform,
                color=colour,
                alpha=alpha * (1.0 if shape.opacity is None else shape.opacity),
                linestyle=DASHES[shape.line.dash or "solid"],
                linewidth=1.5 if shape.line.width is None else shape.line.width,
                zorder=1.5 if shape.layer == "below" else 2.5,
            )
            panel.axes.add_line(line)
            _make_room(panel, shape, x, y)
        elif shape.type == "rect":
            colour, alpha = hex_and_alpha(shape.fillcolor or SOFT)
            panel.axes.add_patch(
                Rectangle(
                    (min(x), min(y)),
                    abs(x[1] - x[0]),
                    abs(y[1] - y[0]),
                    transform=transform,
                    color=colour,
                    alpha=alpha * (0.25 if shape.opacity is None else shape.opacity),
                    linewidth=0,
                    zorder=0.5,
                )
            )
        else:
            message = f"a static picture cannot show a shape of type {shape.type!r}; it can show line and rect"
            raise OutputError(message)


def draw_words(figure: Any, panels: Mapping[tuple[str, str], Panel], width_px: float) -> None:
    """Write annotations and titles of panels."""
    notes = figure.layout.annotations
    titles = subplot_titles(panels, notes)
    for number, note in enumerate(notes):
        if number in titles:
            panel = panels[titles[number]]
            letters = int(width_px * (panel.column[1] - panel.column[0]) / CHARACTER_PX)
            panel.axes.set_title(fill(clean_message(note.text or ""), letters), fontsize="medium", color=INK)
            continue
        panel = _panel(panels, note)
        point = (_places(panel, note, "x", (note.x,))[0], _places(panel, note, "y", (note.y,))[0])
        arrow = note.showarrow is not False
        panel.axes.annotate(
            shortened(note.text or "", int(width_px * 0.6 / CHARACTER_PX)),
            point,
            (float(note.ax or 0), -float(-30 if note.ay is None else note.ay)) if arrow else (3, 3),
            xycoords=_transform(panel, note),
            textcoords="offset points",
            ha=_ANCHORS.get(note.xanchor or "center", "center"),
            va=_ANCHORS.get(note.yanchor or "middle", "center"),
            color=hex_and_alpha(note.font.color)[0] if note.font.color else INK,
            arrowprops={"arrowstyle": "->", "color": SOFT} if arrow else None,
        )


def draw_legend(figure: Any, canvas: Any, panels: Mapping[tuple[str, str], Panel], width_px: float) -> int:
    """Write the legend below the chart, where plotly would show one.

    Returns
    -------
    int
        Its height, unit px.
    """
    named = [trace for trace in figure.data if trace.showlegend is not False and trace.name and trace.type != "box"]
    wanted = figure.layout.showlegend
    if wanted is False or (wanted is None and len(figure.data) < 2 and not any(one.showlegend for one in named)):
        return 0
    found: dict[str, Any] = {}
    for panel in panels.values():
        for handle, label in zip(*panel.axes.get_legend_handles_labels(), strict=True):
            found.setdefault(label, handle)
    if not found:
        return 0
    letters = int((width_px - LEGEND_KEY_PX) / CHARACTER_PX)
    labels = [shortened(label, letters) for label in found]
    columns = max(1, min(len(labels), int(width_px / (max(map(len, labels)) * CHARACTER_PX + LEGEND_KEY_PX))))
    canvas.legend(
        list(found.values()),
        labels,
        loc="lower left",
        bbox_to_anchor=(0.0, 0.0),
        ncols=columns,
        frameon=False,
        labelcolor=INK,
        handlelength=2.4,
        columnspacing=1.2,
        scatterpoints=1,
        borderaxespad=0.3,
    )
    return 18 * -(-len(labels) // columns) + 8


def _panel(panels: Mapping[tuple[str, str], Panel], thing: Any) -> Panel:
    wanted = [ref.removesuffix(" domain") for ref in (thing.xref or "x", thing.yref or "y")]
    for pair, panel in panels.items():
        if all(ref == name for ref, name in zip(wanted, pair, strict=True)):
            return panel
    # What is measured in shares of the picture, or of a panel's side, fits every panel of a figure that has one place.
    if len({(panel.column, panel.row) for panel in panels.values()}) == 1:
        for pair, panel in panels.items():
            if all(
                _whole(thing[f"{letter}ref"]) or ref == name
                for letter, ref, name in zip("xy", wanted, pair, strict=True)
            ):
                return panel
    message = f"a static picture with {len(panels)} panels cannot place what refers to {' and '.join(wanted)}"
    raise OutputError(message)


def _whole(ref: str | None) -> bool:
    """Tell whether a place is a share of the panel, not a value on its axis."""
    return ref == "paper" or (ref or "").endswith(" domain")


def _transform(panel: Panel, thing: Any) -> Any:
    from matplotlib.transforms import blended_transform_factory  # noqa: PLC0415 - 0.4 s that only a chart needs

    return blended_transform_factory(
        panel.axes.transAxes if _whole(thing.xref) else panel.axes.transData,
        panel.axes.transAxes if _whole(thing.yref) else panel.axes.transData,
    )


def _places(panel: Panel, thing: Any, letter: str, values: tuple[Any, ...]) -> list[float]:
    if _whole(thing[f"{letter}ref"]):
        return [float(value) for value in values]
    return [float(value) for value in panel.scale(letter).place(values)]


def _make_room(panel: Panel, shape: Any, x: list[float], y: list[float]) -> None:
    # A limit is part of what a chart says: the axis reaches it, as it does in plotly.
    if not _whole(shape.xref):
        panel.axes.update_datalim([(value, panel.axes.dataLim.y0) for value in x], updatey=False)
    if not _whole(shape.yref):
        panel.axes.update_datalim([(panel.axes.dataLim.x0, value) for value in y], updatex=False)
    panel.axes.autoscale_view()
