"""Traces of static charts: plotly's scatter, bar and box drawn by matplotlib.

Whatever a trace asks for and we cannot draw is an error that names it: a picture that silently leaves something out
would say something else than its figure. What only shows under a mouse (hover texts) has no place on paper.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from kubernaut.errors import OutputError
from kubernaut.policy.wording import clean_message
from kubernaut_simulator.results.base import COLOURS
from kubernaut_simulator.results.picture_axes import Panel, lies_along_x, values_of
from kubernaut_simulator.results.picture_colours import INK, PAPER, SOFT, hex_and_alpha

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

COMMON = frozenset(
    {"type", "name", "x", "y", "xaxis", "yaxis", "showlegend", "legendgroup", "visible", "opacity", "text"}
)
UNSEEN = ("hover", "custom", "meta", "uid", "ids", "legend", "offsetgroup", "alignmentgroup")
"""Beginnings of properties that change nothing on paper."""

DRAWN: Mapping[str, frozenset[str]] = {
    "scatter": COMMON | {"mode", "line", "marker", "error_x", "error_y", "fill", "fillcolor", "textposition"},
    "bar": COMMON | {"orientation", "marker", "base", "width", "error_x", "error_y"},
    "box": COMMON | {"orientation", "boxpoints", "line", "marker", "fillcolor"},
}

DASHES: Mapping[str, Any] = {
    "solid": "-",
    "dash": "--",
    "dot": ":",
    "dashdot": "-.",
    "longdash": (0, (8, 3)),
    "longdashdot": (0, (8, 2, 2, 2)),
}
STEPS = {"linear": "default", "hv": "steps-post", "vh": "steps-pre", "hvh": "steps-mid"}
MARKERS = {
    "circle": "o",
    "square": "s",
    "diamond": "D",
    "cross": "P",
    "x": "X",
    "star": "*",
    "triangle-up": "^",
    "triangle-down": "v",
    "line-ns": "|",
    "line-ew": "_",
}
LINE_MARKERS = frozenset({"|", "_"})
"""Markers that have no inside."""

LINE_WIDTH_PX = 2.0
MARKER_PX = 6.0
FEW_POINTS = 20
"""Below this many points plotly marks each where no mode is given."""

BAR_SHARE = 0.8
"""Of a category's room that bars take, as in plotly."""


def check_traces(traces: Sequence[Any]) -> None:
    """Refuse what cannot be drawn.

    Raises
    ------
    OutputError
        Says which trace asks for what.
    """
    for trace in traces:
        if trace.type not in DRAWN:
            known = ", ".join(sorted(DRAWN))
            message = f"a static picture cannot show a trace of type {trace.type!r}; it can show {known}"
            raise OutputError(message)
        asked = set(trace.to_plotly_json()) - DRAWN[trace.type]
        if unknown := sorted(name for name in asked if not name.startswith(UNSEEN)):
            message = f"a static picture cannot show {', '.join(unknown)} of the {trace.type} trace {trace.name!r}"
            raise OutputError(message)


def draw_traces(figure: Any, panels: Mapping[tuple[str, str], Panel]) -> None:
    """Draw all traces of a figure on its panels."""
    bars: dict[tuple[str, str], list[tuple[Any, str]]] = {}
    before: dict[tuple[str, str], tuple[Floats, Floats]] = {}
    for place, trace in enumerate(figure.data):
        if trace.visible in {False, "legendonly"}:
            continue
        pair = (trace.xaxis or "x", trace.yaxis or "y")
        colour = COLOURS[place % len(COLOURS)]
        if trace.type == "bar":
            bars.setdefault(pair, []).append((trace, colour))
        elif trace.type == "box":
            _box(trace, panels[pair], colour)
        else:
            before[pair] = _scatter(trace, panels[pair], colour, before.get(pair))
    for pair, drawn in bars.items():
        _bars(drawn, panels[pair], figure.layout.barmode or "group")


def _label(trace: Any) -> str:
    # matplotlib leaves names that begin with an underscore out of the legend.
    return "_" if trace.showlegend is False or not trace.name else clean_message(trace.name)


def _scatter(trace: Any, panel: Panel, default: str, before: tuple[Floats, Floats] | None) -> tuple[Floats, Floats]:
    x, y = panel.x.place(values_of(trace.x)), panel.y.place(values_of(trace.y))
    if not len(x):
        x = np.arange(len(y), dtype=np.float64)
    mode = trace.mode or ("lines+markers" if len(x) < FEW_POINTS else "lines")
    own = trace.line.color or (trace.marker.color if isinstance(trace.marker.color, str) else None) or default
    colour, alpha = hex_and_alpha(own)
    alpha *= 1.0 if trace.opacity is None else trace.opacity
    label = _label(trace)
    if trace.fill and trace.fill != "none":
        _fill(trace, panel, (x, y), before, colour)
    if "lines" in mode:
        panel.axes.plot(
            x,
            y,
            color=colour,
            alpha=alpha,
            linestyle=_known(DASHES, trace.line.dash or "solid", "dash"),
            drawstyle=_known(STEPS, trace.line.shape or "linear", "line shape"),
            linewidth=LINE_WIDTH_PX if trace.line.width is None else trace.line.width,
            label=label,
        )
        label = "_"
    for letter in "xy":
        _errors(trace[f"error_{letter}"], panel, (x, y), letter, colour)
    if "markers" in mode:
        _markers(trace, panel, (x, y), own if trace.marker.color is None else trace.marker.color, label)
    elif "lines" not in mode and trace.fill:
        panel.axes.plot([], [], color=colour, label=label, linewidth=6, alpha=0.4)
    if "text" in mode:
        for at_x, at_y, text in zip(x, y, values_of(trace.text), strict=True):
            panel.axes.annotate(
                clean_message(str(text)), (at_x, at_y), (0, 6), textcoords="offset points", ha="center", color=INK
            )
    return x, y


def _markers(trace: Any, panel: Panel, points: tuple[Floats, Floats], colours: Any, label: str) -> None:
    marker, number = trace.marker, len(points[0])
    sizes = np.broadcast_to(np.array(MARKER_PX if marker.size is None else marker.size, dtype=np.float64), (number,))
    symbols = np.broadcast_to(np.array(marker.symbol or "circle", dtype=object), (number,))
    opacity = (1.0 if trace.opacity is None else trace.opacity) * (1.0 if marker.opacity is None else marker.opacity)
    measured = not isinstance(colours, str) and all(isinstance(one, int | float | np.number) for one in colours)
    drawn = None
    for symbol in dict.fromkeys(symbols.tolist()):
        own = symbols == symbol
        hollow = symbol.endswith("-open")
        shape = _known(MARKERS, symbol.removesuffix("-open"), "marker symbol")
        look: dict[str, Any] = {"marker": shape, "s": sizes[own] ** 2, "alpha": opacity, "zorder": 3}
        if measured:
            values = np.array(colours, dtype=np.float64)
            limits = {"vmin": np.nanmin(values), "vmax": np.nanmax(values)} if number else {}
            look |= {"c": values[own], "cmap": _measure_colours(), **limits}
        else:
            each = [hex_and_alpha(one)[0] for one in np.broadcast_to(np.array(colours, dtype=object), (number,))[own]]
            edge = marker.line.color
            look |= {"facecolors": "none" if hollow and shape not in LINE_MARKERS else each}
            look |= {"edgecolors": hex_and_alpha(edge)[0] if isinstance(edge, str) else each}
            look |= {"linewidths": 2.0 if shape in LINE_MARKERS else (1.5 if hollow else marker.line.width or 0.5)}
            if shape in LINE_MARKERS:
                look |= {"facecolors": each}
                del look["edgecolors"]
        drawn = panel.axes.scatter(points[0][own], points[1][own], label=label, **look)
        label = "_"
    if measured and drawn is not None and number and (marker.colorbar.title.text or marker.showscale):
        bar = panel.axes.figure.colorbar(drawn, ax=panel.axes, fraction=0.05, pad=0.02)
        bar.set_label(clean_message(marker.colorbar.title.text or ""), color=INK)
        bar.ax.tick_params(colors=SOFT, labelcolor=INK)
        bar.outline.set_visible(False)
    if not number:
        panel.axes.scatter([], [], label=label, color=hex_and_alpha(colours)[0] if isinstance(colours, str) else SOFT)


def _measure_colours() -> Any:
    # The middle of viridis, in few steps: its ends vanish on dark or on light paper.
    from matplotlib import colormaps  # noqa: PLC0415 - 0.4 s that only a chart needs
    from matplotlib.colors import ListedColormap  # noqa: PLC0415 - the same

    return ListedColormap(colormaps["viridis"](np.linspace(0.25, 0.85, 24)))


def _errors(error: Any, panel: Panel, points: tuple[Floats, Floats], letter: str, colour: str) -> None:
    if error.array is None or error.visible is False or not len(points[0]):
        return
    up = np.array(list(error.array), dtype=np.float64)
    down = up if error.arrayminus is None else np.array(list(error.arrayminus), dtype=np.float64)
    own = colour if error.color is None else hex_and_alpha(error.color)[0]
    # Differences of rounded numbers may lie a hair below zero, which matplotlib refuses.
    limits = np.maximum(np.vstack([down, up]), 0.0)
    panel.axes.errorbar(
        *points,
        xerr=limits if letter == "x" else None,
        yerr=limits if letter == "y" else None,
        fmt="none",
        ecolor=own,
        elinewidth=error.thickness or LINE_WIDTH_PX,
        capsize=4 if error.width is None else error.width,
        label="_",
    )


def _fill(
    trace: Any, panel: Panel, points: tuple[Floats, Floats], before: tuple[Floats, Floats] | None, colour: str
) -> None:
    colour, alpha = hex_and_alpha(trace.fillcolor) if trace.fillcolor else (colour, 0.25)
    x, y = points
    look: dict[str, Any] = {"color": colour, "alpha": alpha, "linewidth": 0}
    step: Any = {"hv": "post", "vh": "pre"}.get(trace.line.shape or "")
    if trace.fill == "tozeroy":
        panel.axes.fill_between(x, y, 0.0, step=step, **look)
    elif trace.fill == "toself":
        panel.axes.fill(x, y, **look)
    elif trace.fill == "tonexty" and before is not None and np.array_equal(before[0], x):
        panel.axes.fill_between(x, before[1], y, step=step, **look)
    else:
        message = (
            f"a static picture cannot fill {trace.name!r} by {trace.fill!r}; "
            "it knows tozeroy, toself, and tonexty over the same x"
        )
        raise OutputError(message)


def _bars(drawn: Sequence[tuple[Any, str]], panel: Panel, mode: str) -> None:
    if mode not in {"stack", "group", "relative", "overlay"}:
        message = f"a static picture cannot show barmode {mode!r}"
        raise OutputError(message)
    ends: dict[tuple[bool, float], float] = {}
    for place, (trace, default) in enumerate(drawn):
        across = lies_along_x(trace)
        where = (panel.y if across else panel.x).place(values_of(trace.y if across else trace.x))
        length = (panel.x if across else panel.y).place(values_of(trace.x if across else trace.y))
        room = BAR_SHARE if trace.width is None else np.array(trace.width, dtype=np.float64)
        start = np.zeros_like(length) if trace.base is None else np.broadcast_to(trace.base, length.shape).astype(float)
        if trace.width is None and len(where) > 1 and (panel.y if across else panel.x).kind != "category":
            room = BAR_SHARE * float(np.min(np.diff(np.unique(where)), initial=np.inf))
        if mode == "group":
            room = room / len(drawn)
            where = where + (place - (len(drawn) - 1) / 2) * room
        elif mode in {"stack", "relative"}:
            for number, (at, value) in enumerate(zip(where.tolist(), length.tolist(), strict=True)):
                key = (value < 0 and mode == "relative", at)
                start[number] = ends.get(key, 0.0)
                ends[key] = start[number] + (0.0 if np.isnan(value) else value)
        colours = trace.marker.color if trace.marker.color is not None else default
        each = [hex_and_alpha(one)[0] for one in np.broadcast_to(np.array(colours, dtype=object), where.shape)]
        look: dict[str, Any] = {"color": each or SOFT, "label": _label(trace), "edgecolor": PAPER, "linewidth": 0.5}
        look["alpha"] = (trace.opacity or 1.0) * (trace.marker.opacity or 1.0)
        if across:
            panel.axes.barh(where, length, height=room, left=start, **look)
        else:
            panel.axes.bar(where, length, width=room, bottom=start, **look)
        points = (start + length, where) if across else (where, start + length)
        for letter in "xy":
            _errors(trace[f"error_{letter}"], panel, points, letter, INK)


def _box(trace: Any, panel: Panel, default: str) -> None:
    across = lies_along_x(trace)
    values = (panel.x if across else panel.y).place(values_of(trace.x if across else trace.y))
    (where,) = (panel.y if across else panel.x).place([trace.name])
    colour = hex_and_alpha(trace.line.color or trace.marker.color or default)[0]
    line = {"color": colour, "linewidth": LINE_WIDTH_PX}
    panel.axes.boxplot(
        values[~np.isnan(values)],
        positions=[where],
        orientation="horizontal" if across else "vertical",
        widths=0.5,
        # Without points plotly's whiskers reach the extremes.
        whis=(0, 100) if trace.boxpoints is False else 1.5,
        showfliers=trace.boxpoints is not False,
        manage_ticks=False,
        patch_artist=True,
        boxprops={"facecolor": (*_rgb(colour), 0.3), "edgecolor": colour, "linewidth": LINE_WIDTH_PX},
        medianprops=line,
        whiskerprops=line,
        capprops=line,
        flierprops={"marker": "o", "markersize": 4, "markeredgecolor": colour, "markerfacecolor": colour},
    )


def _rgb(colour: str) -> tuple[float, float, float]:
    from matplotlib.colors import to_rgb  # noqa: PLC0415 - 0.4 s that only a chart needs

    return to_rgb(colour)


def _known(table: Mapping[str, Any], name: str, what: str) -> Any:
    if name not in table:
        message = f"a static picture cannot show the {what} {name!r}; it can show {', '.join(table)}"
        raise OutputError(message)
    return table[name]
