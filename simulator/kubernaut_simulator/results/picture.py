"""A chart as a picture in a notebook: drawn without a browser, shown without a script.

plotly's own output is a script. A forge, an untrusted notebook and an exported page show nothing of it, so a notebook
that is to be read there shows the static twin. It is an output of its own, because every front end shows only the
richest form of an output: beside a table of the same value no picture would ever be seen.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

from kubernaut.policy.wording import clean_message
from kubernaut_simulator.results.pictures import to_svg

SVG_TYPE = "image/svg+xml"


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class Picture:
    """A chart to look at.

    Attributes
    ----------
    figure : plotly.graph_objects.Figure
        To be worked on further; `Picture(figure=...)` shows it again.
    title : str or None
        What the chart shows, for who cannot see it; None takes the figure's own.
    """

    figure: Any
    title: str | None = None

    @cached_property
    def svg(self) -> str:
        """The picture, with paper and dark colours of its own.

        Raises
        ------
        OutputError
            The figure asks for something that no static picture shows.
        """
        return to_svg(self.figure, title=self.title, standalone=True)

    def __repr__(self) -> str:
        return f"<Picture: {clean_message(self.title or self.figure.layout.title.text or 'Chart', max_chars=500)}>"

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:
        del include, exclude  # both forms are small, and each is wanted wherever the other is
        return {"text/plain": repr(self), SVG_TYPE: self.svg}
