"""Colours of static charts: each has a twin for dark paper, and a class by which a page's style finds it.

A chart keeps its colours as plain attributes (`fill="#0072b2"`), which every viewer understands, and names them by
class, so that one style sheet (`CHART_STYLE`) turns all charts of a page dark. Colours that are not of the palette,
such as those of a colour bar, stay what they are. It knows nothing of plotly's traces or matplotlib's axes.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from kubernaut.errors import OutputError
from kubernaut_simulator.results.base import COLOURS

INK = "#1d2329"
"""Of words."""

SOFT = "#69737c"
"""Of lines that are no data: axes, limits, targets."""

GRID = "#d9dee2"
PAPER = "#ffffff"

_GREYS = frozenset({"#444444", "#444", "#808890", "#2a3f5f"})
"""Greys that figures and plotly's templates use for lines that are no data."""

_RGBA = re.compile(r"rgba?\(\s*([\d.]+)\s*,\s*([\d.]+)\s*,\s*([\d.]+)\s*(?:,\s*([\d.]+)\s*)?\)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Colour:
    """One colour of the palette: its name in style sheets, and how it looks on light and on dark paper."""

    name: str
    light: str
    dark: str


PALETTE = (
    Colour(name="ink", light=INK, dark="#e6e9ec"),
    Colour(name="soft", light=SOFT, dark="#98a3ad"),
    Colour(name="grid", light=GRID, dark="#333c44"),
    Colour(name="paper", light=PAPER, dark="#14191d"),
    *(
        Colour(name=name, light=light.lower(), dark=dark)
        for name, light, dark in zip(
            ("blue", "red", "green", "pink", "orange", "sky", "brown", "grey"),
            COLOURS,
            ("#4ba3e3", "#ff8b3d", "#2fcf9f", "#eaa6cd", "#f5bd3d", "#a5dcff", "#c99a8f", "#a9a9a9"),
            strict=True,
        )
    ),
)

_NAMES = {colour.light: colour.name for colour in PALETTE}


def _style() -> str:
    light = "".join(f"--chart-{one.name}:{one.light};" for one in PALETTE)
    dark = "".join(f"--chart-{one.name}:{one.dark};" for one in PALETTE)
    classes = "".join(
        f".chart-{kind}-{one.name}{{{kind}:var(--chart-{one.name})}}" for one in PALETTE for kind in ("fill", "stroke")
    )
    return f":root{{{light}}}@media screen and (prefers-color-scheme:dark){{:root{{{dark}}}}}{classes}"


CHART_STYLE = _style()
"""What a page with embedded charts puts into its style sheet once. On paper charts are always light."""


def palette_class(kind: str, colour: str) -> str | None:
    """Name the class of `fill` or `stroke` of one colour; None where the palette has no such colour."""
    name = _NAMES.get(colour.lower())
    return None if name is None else f"chart-{kind}-{name}"


def hex_and_alpha(colour: str) -> tuple[str, float]:
    """Give a colour, as plotly takes it, as ``#rrggbb`` and opacity; greys that are no data become `SOFT`.

    Raises
    ------
    OutputError
        It is no colour that we know.
    """
    from matplotlib.colors import to_hex, to_rgba  # noqa: PLC0415 - 0.4 s that only a chart needs

    if found := _RGBA.fullmatch(colour.strip()):
        red, green, blue = (float(part) / 255 for part in found.group(1, 2, 3))
        return to_hex((red, green, blue)), float(found.group(4) or 1)
    if colour.lower() in _GREYS:
        return SOFT, 1.0
    try:
        return to_hex(colour), float(to_rgba(colour)[3])
    except ValueError as error:
        message = f"a chart uses the colour {colour!r}, which no static picture can have: use #rrggbb, rgba() or a name"
        raise OutputError(message) from error
