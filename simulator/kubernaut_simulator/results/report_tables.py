"""Tables and charts of a report as the template wants them: cells that are text, charts that are SVG."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pandas as pd
from markupsafe import Markup

from kubernaut.policy.wording import clean_message
from kubernaut_simulator.results.base import MISSING, shown
from kubernaut_simulator.results.pictures import to_svg

if TYPE_CHECKING:
    from kubernaut_simulator.results.base import Result


LINE_CHARS = 4000
"""Of one text on the page: a bound against a cluster that writes books, far above what any result says."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A table.

    Attributes
    ----------
    caption : str
        What it holds, for who hears it.
    heads : tuple of str
    rows : tuple of tuple of str
        The first cell of a row names it.
    right : tuple of bool
        Columns of numbers.
    """

    caption: str
    heads: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    right: tuple[bool, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """A chart with its numbers as a table.

    Attributes
    ----------
    svg : Markup
        Escaped where it was drawn.
    caption : str
    twin : Table or None
        None where the table stands beside the chart anyway.
    """

    svg: Markup
    caption: str
    twin: Table | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One result as a section shows it."""

    title: str
    summary: Mapping[str, str]
    notes: Sequence[str]
    table: Table
    chart: Chart


def table_of(data: pd.DataFrame, *, caption: str, right: Collection[str] = ()) -> Table:
    """Lay a DataFrame out; what is no value is a dash, and flags are yes and no."""
    columns = [[_cell(value) for value in data[name]] for name in data.columns]
    return Table(
        caption=clean_message(caption),
        heads=tuple(clean_message(str(name)) for name in data.columns),
        rows=tuple(zip(*columns, strict=True)),
        right=tuple(name in right or _is_number(data[name]) for name in data.columns),
    )


def page_text(value: Any) -> Any:
    """Give what a template writes without what no page can show; a number stays on the line of its unit."""
    if not isinstance(value, str) or isinstance(value, Markup):
        return value
    lines = (clean_line(line).replace(" %", "\u00a0%") for line in value.split("\n"))
    return "\n".join(lines)


def clean_line(text: str) -> str:
    """Strip one line of control and format characters, and keep how far it is indented."""
    indent = len(text) - len(text.lstrip(" "))
    return " " * indent + clean_message(text, max_chars=LINE_CHARS)


class Charts:
    """Draws the charts of one page, each under a name of its own."""

    def __init__(self) -> None:
        self._drawn = 0

    def of(self, figure: Any, *, caption: str, twin: Table | None = None) -> Chart:
        """Draw one chart; ids of the page's charts never meet."""
        self._drawn += 1
        svg = to_svg(figure, title=caption, name=f"chart-{self._drawn}")
        return Chart(svg=Markup(svg), caption=clean_message(caption), twin=twin)  # noqa: S704 - to_svg escapes

    def part(self, result: Result, *, columns: Sequence[str] | None = None) -> Part:
        """Show a result: its table beside its chart; `columns` where not those that it shows itself."""
        title = clean_message(result.title)
        return Part(
            title=title,
            summary={name: clean_message(value, max_chars=1000) for name, value in result.summary.items()},
            notes=[clean_message(note, max_chars=1000) for note in result.notes],
            table=table_of(
                result.table() if columns is None else result.table(wide=True)[list(columns)],
                caption=title,
                right=result.shares,
            ),
            chart=self.of(result.plot(), caption=title),
        )


def _cell(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return shown(value) or MISSING


def _is_number(column: pd.Series) -> bool:
    return pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_bool_dtype(column)
