"""Axes of static charts: where a plotly figure's axes lie on the picture, and where a value lies on an axis.

plotly guesses an axis's kind (numbers, dates, categories) from what is drawn on it, and several traces share its
categories; so all traces are looked at before the first is drawn. It knows of axes and values, not of lines or bars.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from textwrap import fill
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from kubernaut.errors import OutputError
from kubernaut.policy.wording import clean_message
from kubernaut_simulator.results.picture_colours import GRID, INK, SOFT

if TYPE_CHECKING:
    from matplotlib.axes import Axes as MatplotlibAxes

CHARACTER_PX = 6.6
"""Width of one letter of our font size on average; labels are cut by it."""

LETTERS_OF_CATEGORY = 0.45
"""Share of a picture's width that names of categories may take."""

_DATE = re.compile(r"\d{4}-\d{2}-\d{2}([T ].*)?")


@dataclass(slots=True, kw_only=True)
class Scale:
    """One axis: what kind its values are of, and the place of each category."""

    letter: Literal["x", "y"]
    layout: Any
    kind: Literal["linear", "log", "date", "category"] = "linear"
    categories: dict[str, int] = field(default_factory=dict)

    def see(self, values: Iterable[Any]) -> None:
        """Learn the kind and the categories from values that will be drawn."""
        stated = self.layout.type if self.layout.type not in {None, "-"} else None
        for value in values:
            if stated is None and self.kind == "linear":
                self.kind = _kind(value)
            if (stated or self.kind) == "category":
                self.categories.setdefault(str(value), len(self.categories))
        if stated is not None:
            self.kind = stated

    def place(self, values: Iterable[Any]) -> np.ndarray[Any, np.dtype[np.float64]]:
        """Give where values lie; nothing lies at NaN."""
        if self.kind == "category":
            return np.array([self.categories.get(str(value), value) for value in values], dtype=np.float64)
        if self.kind == "date":
            from matplotlib.dates import date2num  # noqa: PLC0415 - only a chart needs it

            instants = [_instant(value) for value in values]
            return np.asarray(date2num(instants), dtype=np.float64)  # type: ignore[no-untyped-call]
        return np.array([np.nan if value is None else value for value in values], dtype=np.float64)


@dataclass(slots=True, kw_only=True)
class Panel:
    """One pair of axes of the picture."""

    axes: MatplotlibAxes
    x: Scale
    y: Scale
    column: tuple[float, float]
    row: tuple[float, float]

    def scale(self, letter: str) -> Scale:
        """Give one of the two axes."""
        return self.x if letter == "x" else self.y


def values_of(values: Any) -> Sequence[Any]:
    """Give a trace's values as a sequence; none where it has none."""
    return () if values is None else list(values)


def lies_along_x(trace: Any) -> bool:
    """Tell whether bars or boxes of a trace lie rather than stand."""
    return trace.orientation == "h" or (trace.orientation is None and trace.type == "box" and trace.y is None)


def panels_of(figure: Any, canvas: Any) -> dict[tuple[str, str], Panel]:
    """Lay out the pairs of axes that a figure's traces are drawn on, and learn their scales.

    Raises
    ------
    OutputError
        A second axis lies over another one, and not on the right of it.
    """
    pairs = list(dict.fromkeys((trace.xaxis or "x", trace.yaxis or "y") for trace in figure.data)) or [("x", "y")]
    scales = {name: _scale(figure, name) for pair in pairs for name in pair}
    for name, scale in scales.items():
        if scale.layout.overlaying and scale.layout.side != "right":
            message = f"a static picture shows a second axis on the right only, {_layout_name(name)} lies elsewhere"
            raise OutputError(message)
        if scale.layout.matches in scales:
            scales[name] = scales[scale.layout.matches]
    for trace in figure.data:
        own = {"x": scales[trace.xaxis or "x"], "y": scales[trace.yaxis or "y"]}
        for letter, scale in own.items():
            scale.see(_drawn_on(trace, letter))
    columns = sorted({_domain(figure, x) for x, _ in pairs})
    rows = sorted({_domain(figure, y) for _, y in pairs}, reverse=True)
    grid = canvas.add_gridspec(
        len(rows),
        len(columns),
        width_ratios=[end - start for start, end in columns],
        height_ratios=[end - start for start, end in rows],
    )
    found: dict[tuple[str, str], Panel] = {}
    for x, y in pairs:
        column, row = _domain(figure, x), _domain(figure, y)
        beside: dict[str, MatplotlibAxes | None] = {"x": None, "y": None}
        for (other_x, other_y), panel in found.items():
            beside["x"] = beside["x"] or (panel.axes if scales[other_x] is scales[x] else None)
            beside["y"] = beside["y"] or (panel.axes if scales[other_y] is scales[y] else None)
        axes = canvas.add_subplot(grid[rows.index(row), columns.index(column)], sharex=beside["x"], sharey=beside["y"])
        if scales[y].layout.overlaying and beside["x"] is not None:
            axes.xaxis.set_visible(False)
        found[x, y] = Panel(axes=axes, x=scales[x], y=scales[y], column=column, row=row)
    return found


def dress(panel: Panel, figure: Any, names: tuple[str, str], size_px: tuple[float, float]) -> None:
    """Give a panel its ranges, ticks, titles and grid, after everything has been drawn."""
    axes = panel.axes
    side: Literal["left", "right"] = "right" if panel.y.layout.side == "right" else "left"
    for name, spine in axes.spines.items():
        spine.set_color(SOFT)
        spine.set_visible(name in {"bottom", side})
    axes.yaxis.set_ticks_position(side)
    axes.yaxis.set_label_position(side)
    axes.tick_params(colors=SOFT, labelcolor=INK, length=4)
    axes.set_axisbelow(True)
    for letter, name in zip("xy", names, strict=True):
        scale = panel.scale(letter)
        layout = figure.layout[_layout_name(name)]
        matplotlib_axis = axes.xaxis if letter == "x" else axes.yaxis
        if scale.kind == "category":
            _name_categories(panel, letter, size_px[0])
        else:
            if layout.showgrid is not False:
                matplotlib_axis.grid(visible=True, color=GRID, linewidth=1)
            _number(panel, letter, layout)
        _range(panel, letter, layout)
        if layout.title.text:
            letters = int(size_px[letter == "y"] * (0.9 if letter == "x" else 0.7) / CHARACTER_PX)
            text = fill(clean_message(layout.title.text), max(20, letters))
            matplotlib_axis.set_label_text(text, color=INK)
        if layout.showticklabels is False:
            axes.tick_params(axis="x" if letter == "x" else "y", labelbottom=False, labelleft=False, labelright=False)
        if layout.visible is False:
            matplotlib_axis.set_visible(False)


def say_empty(panels: Mapping[tuple[str, str], Panel]) -> None:
    """Say that there is nothing to draw, on axes that would otherwise show made-up numbers."""
    for panel in panels.values():
        panel.axes.set(xticks=[], yticks=[])
        panel.axes.text(
            0.5,
            0.5,
            "nothing to draw: not enough data",
            ha="center",
            va="center",
            transform=panel.axes.transAxes,
            color=SOFT,
        )


def shortened(text: str, letters: int) -> str:
    """Cut the middle out of a long name: its end often says how many it is about."""
    text = clean_message(text)
    if len(text) <= letters:
        return text
    tail = letters // 3
    return f"{text[: letters - tail - 1]}…{text[-tail:]}"


def number_text(pattern: str | None, value: float) -> str:
    """Write one number as an axis shows it; `pattern` is d3's, of which Python's own is the same language."""
    if not pattern:
        return f"{value:,.10g}"
    return format(value, pattern.replace("d", ".0f") if pattern.endswith("d") else pattern)


def _kind(value: Any) -> Literal["linear", "date", "category"]:
    if isinstance(value, str):
        return "date" if _DATE.fullmatch(value) else "category"
    if isinstance(value, bool | np.bool_):
        return "category"
    return "date" if isinstance(value, date | np.datetime64) else "linear"


def _instant(value: Any) -> np.datetime64:
    if isinstance(value, np.datetime64):
        return value
    text = value if isinstance(value, str) else value.isoformat()
    return np.datetime64(re.sub(r"(Z|[+-]\d\d:?\d\d)$", "", text))


def _drawn_on(trace: Any, letter: str) -> Sequence[Any]:
    own = trace[letter]
    if trace.type == "box" and own is None:
        return [trace.name] if lies_along_x(trace) == (letter == "y") else ()
    return values_of(own)


def _scale(figure: Any, name: str) -> Scale:
    return Scale(letter="x" if name.startswith("x") else "y", layout=figure.layout[_layout_name(name)])


def _layout_name(name: str) -> str:
    return f"{name[0]}axis{name[1:]}"


def _domain(figure: Any, name: str) -> tuple[float, float]:
    start, end = figure.layout[_layout_name(name)].domain or (0.0, 1.0)
    return float(start), float(end)


def _name_categories(panel: Panel, letter: str, width_px: float) -> None:
    scale, axes = panel.scale(letter), panel.axes
    names = list(scale.categories)
    letters = int(width_px * LETTERS_OF_CATEGORY / CHARACTER_PX)
    if letter == "x":
        letters = max(8, int(width_px * 0.9 / max(1, len(names)) / CHARACTER_PX))
        axes.set_xticks(range(len(names)), [fill(shortened(name, 3 * letters), letters) for name in names])
        axes.set_xlim(-0.5, max(1, len(names)) - 0.5)
    else:
        axes.set_yticks(range(len(names)), [shortened(name, letters) for name in names])
        axes.set_ylim(-0.5, max(1, len(names)) - 0.5)


def _number(panel: Panel, letter: str, layout: Any) -> None:
    from matplotlib.dates import AutoDateLocator, ConciseDateFormatter  # noqa: PLC0415 - only a chart needs it
    from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator, NullFormatter  # noqa: PLC0415

    axes, scale = panel.axes, panel.scale(letter)
    axis = axes.xaxis if letter == "x" else axes.yaxis
    if scale.kind == "log":
        (axes.set_xscale if letter == "x" else axes.set_yscale)("log")
        axis.set_minor_formatter(NullFormatter())
    if scale.kind == "date":
        locator = AutoDateLocator(minticks=3, maxticks=7)  # type: ignore[no-untyped-call]
        axis.set_major_locator(locator)
        axis.set_major_formatter(ConciseDateFormatter(locator))  # type: ignore[no-untyped-call]
        return
    if layout.tickvals is not None:
        names = layout.ticktext
        if names is None:
            names = [number_text(layout.tickformat, value) for value in layout.tickvals]
        axis.set_major_locator(FixedLocator([float(value) for value in layout.tickvals]))
        axis.set_ticklabels([clean_message(str(name)) for name in names])
        return
    if scale.kind == "linear":
        axis.set_major_locator(MaxNLocator(nbins=7, steps=[1, 2, 2.5, 5, 10]))
    axis.set_major_formatter(FuncFormatter(lambda value, _: number_text(layout.tickformat, value)))


def _range(panel: Panel, letter: str, layout: Any) -> None:
    axes, scale = panel.axes, panel.scale(letter)
    get, put = (axes.get_xlim, axes.set_xlim) if letter == "x" else (axes.get_ylim, axes.set_ylim)
    if layout.range is not None:
        low, high = layout.range
        if scale.kind == "log":
            low, high = 10.0**low, 10.0**high
        elif scale.kind == "date":
            low, high = scale.place([low, high])
        put(float(low), float(high))
        return
    if layout.rangemode == "tozero" and scale.kind == "linear":
        low, high = get()
        box = axes.dataLim
        below = (box.x0 if letter == "x" else box.y0) < 0
        put(low if below else 0.0, max(high, 0.0))
    if layout.autorange == "reversed":
        low, high = get()
        put(max(low, high), min(low, high))


def subplot_titles(panels: Mapping[tuple[str, str], Panel], annotations: Sequence[Any]) -> dict[int, tuple[str, str]]:
    """Tell which annotations are titles of panels, as `make_subplots` writes them: number to pair of axes."""
    found: dict[int, tuple[str, str]] = {}
    for number, note in enumerate(annotations):
        if (note.xref, note.yref, note.showarrow, note.yanchor) != ("paper", "paper", False, "bottom"):
            continue
        for pair, panel in panels.items():
            middle = sum(panel.column) / 2
            if abs(note.x - middle) < 1e-6 and abs(note.y - panel.row[1]) < 1e-6:
                found[number] = pair
    return found
