"""Static twins of our charts: a plotly figure drawn as SVG by matplotlib, the same figure to the same bytes.

A page for a manager, a notebook on a forge and a sheet of paper need charts without scripts. plotly's own way to a
static picture, kaleido, starts a browser at run time, which neither a container nor a build has. So what our figures
use is drawn a second time here, from the same figure object, and every result keeps one description of its chart. Text
stays text: it can be searched, read aloud, and scaled.

What a figure asks for and a picture cannot show is an error, never left out. Text of a cluster is data: it is escaped,
and ``$`` begins no formula.
"""

from __future__ import annotations

import io
import warnings
from typing import Any

from kubernaut.policy.wording import clean_message

WIDTH_PX = 760
HEIGHT_PX = 420
CATEGORY_PX = 30
"""Height of one bar or interval with its name."""

BESIDE_CATEGORIES_PX = 90
"""Height of an axis with ticks and title."""

TITLE_PX = 24

FONT_PX = 12

_SETTINGS: Any = {
    "svg.fonttype": "none",
    "svg.hashsalt": "kubernaut",
    "text.parse_math": False,
    "text.usetex": False,
    "font.family": ["DejaVu Sans"],
    "font.size": FONT_PX,
    "axes.titlesize": FONT_PX,
    "axes.labelsize": FONT_PX,
    "xtick.labelsize": FONT_PX,
    "ytick.labelsize": FONT_PX,
    "legend.fontsize": FONT_PX,
    "legend.borderpad": 0.0,
    "path.simplify": True,
    "axes.facecolor": "none",
}
"""DejaVu Sans comes with matplotlib and is wider than the fonts of a browser: what fits here fits there."""


def to_svg(
    figure: Any,
    *,
    width_px: float | None = None,
    height_px: float | None = None,
    title: str | None = None,
    name: str | None = None,
    standalone: bool = False,
) -> str:
    """Draw a plotly figure as SVG.

    Parameters
    ----------
    figure : plotly.graph_objects.Figure
    width_px, height_px : float or None, unit px
        None takes `WIDTH_PX`, and the figure's own height or one that fits what it shows.
    title : str or None
        What the chart shows, for who cannot see it; None takes the figure's own. It is not drawn.
    name : str or None
        Beginning of the ids in the picture, for pages where the same chart stands twice; None takes a digest.
    standalone : bool
        A picture in a file or in a notebook has paper and dark colours of its own; one that is embedded in a page lies
        on the page's paper and is coloured by its style sheet, which holds `picture_colours.CHART_STYLE`.

    Returns
    -------
    str
        An ``<svg>`` element. The same figure gives the same bytes.

    Raises
    ------
    OutputError
        The figure asks for something that no static picture shows.
    """
    from matplotlib import rc_context  # noqa: PLC0415 - 0.7 s that only a chart needs
    from matplotlib.figure import Figure  # noqa: PLC0415 - the same

    from kubernaut_simulator.results.picture_axes import dress, panels_of, say_empty, values_of  # noqa: PLC0415 - the same
    from kubernaut_simulator.results.picture_marks import draw_legend, draw_shapes, draw_words  # noqa: PLC0415
    from kubernaut_simulator.results.picture_svg import page_svg  # noqa: PLC0415 - the same
    from kubernaut_simulator.results.picture_traces import check_traces, draw_traces  # noqa: PLC0415 - the same

    check_traces(figure.data)
    width = float(width_px or WIDTH_PX)
    with rc_context(_SETTINGS), warnings.catch_warnings():
        # Letters that DejaVu Sans has not are drawn by the reader's browser, which has the fonts.
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        canvas = Figure(figsize=(width / 72, HEIGHT_PX / 72), dpi=72, layout="constrained")
        panels = panels_of(figure, canvas)
        draw_traces(figure, panels)
        draw_shapes(figure, panels)
        height = float(height_px or figure.layout.height or _height(panels))
        for names, panel in panels.items():
            dress(panel, figure, names, (width, height))
        draw_words(figure, panels, width)
        if not any(len(values_of(trace[letter])) for trace in figure.data for letter in "xy"):
            say_empty(panels)
        legend_px = draw_legend(figure, canvas, panels, width)
        height += 0.0 if height_px else legend_px
        canvas.set_size_inches(width / 72, height / 72)
        # Room below the axes, set by hand: matplotlib's own room for a legend forgets the axes' titles.
        below = legend_px / height
        canvas.set_layout_engine("constrained", rect=(0.0, below, 1.0, 1.0 - below))
        written = io.StringIO()
        metadata = {"Date": None, "Creator": None, "Format": None, "Type": None}
        canvas.savefig(written, format="svg", metadata=metadata, facecolor="none")
    said = clean_message(title or figure.layout.title.text or "Chart", max_chars=500)
    return page_svg(written.getvalue(), title=said, name=name, standalone=standalone, size_px=(width, height))


def _height(panels: Any) -> float:
    rows = {panel.row for panel in panels.values()}
    most = max((len(panel.y.categories) for panel in panels.values()), default=0)
    own = BESIDE_CATEGORIES_PX + CATEGORY_PX * most if most else HEIGHT_PX
    return own if len(rows) == 1 else len(rows) * min(own, HEIGHT_PX * 0.7)
