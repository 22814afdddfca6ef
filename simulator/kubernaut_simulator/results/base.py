"""What every result of the simulator can do: one value, shown as DataFrame, chart, text, JSON and HTML.

Static first: text, HTML tables and SVG charts need no script, so they work in an untrusted notebook, on a
forge, in a mail. plotly's own chart is added to a page only when asked for, together with the whole of its
script, so that the page works offline. All text from a cluster is escaped in HTML and stripped of control
characters in text.
"""

from __future__ import annotations

import html
import json
import math
from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from kubernaut.policy.wording import clean_message
from kubernaut_simulator.estimation.rates import Rate
from kubernaut_simulator.output_files import write_text
from kubernaut_simulator.results.wording import short_names

if TYPE_CHECKING:
    from kubernaut_simulator.results.picture import Picture

MIME_TYPE = "application/vnd.kubernaut.v1+json"
MAX_SHOWN_ROWS = 200
"""Rows of a table shown in a notebook; files and `.data` hold all of them."""

CONDITION = "condition"
"""The column that names conditions, in every result that has one."""

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#8C564B", "#7F7F7F")
"""Of lines and bars: told apart by the colour-blind, on light and dark paper (Okabe & Ito 2008, yellow left out)."""

DASHES = ("solid", "dash", "dot")
"""Of lines, when there are more of them than colours."""

MISSING = "-"
"""How no value is shown: never as 0."""


class Result(ABC):
    """Base of result objects.

    A subclass gives `title`, `data` and `plot`; `summary` and `notes` are the sentences above and below the
    table.
    """

    @property
    @abstractmethod
    def title(self) -> str:
        """One short line: what this is a result of."""

    @property
    @abstractmethod
    def data(self) -> pd.DataFrame:
        """The numbers, one row per thing the result is about."""

    @abstractmethod
    def plot(self) -> Any:
        """Give the chart as a plotly figure."""

    @property
    def summary(self) -> Mapping[str, str]:
        """Name to value of what is said above the table: window, n, sources."""
        return {}

    @property
    def notes(self) -> Sequence[str]:
        """Sentences below the table: what was left out and why."""
        return ()

    @property
    def tables(self) -> Mapping[str, pd.DataFrame]:
        """Heading to further tables, shown below the first one; cells as they are to be read."""
        return {}

    @property
    def columns(self) -> Sequence[str]:
        """Columns of `data` that a table for people shows; the wide one, files and HTML show all."""
        return list(self.data.columns)

    @property
    def shares(self) -> Collection[str]:
        """Columns that hold shares, 0..1, which are shown as percent."""
        return ()

    @property
    def counted(self) -> Collection[str]:
        """Columns that say k of n in words, for tables; `data` has their numbers beside them (`counts_of`)."""
        return ()

    @property
    def figures(self) -> pd.DataFrame:
        """Give `data` for programs: k and n as numbers, without the words that a table has for them."""
        return self.data.drop(columns=[name for name in self.counted if name in self.data.columns])

    def table(self, *, wide: bool = False, columns: Sequence[str] | None = None) -> pd.DataFrame:
        """Give the table as it is shown; the narrow one leaves out columns and the action that all conditions share.

        Parameters
        ----------
        wide : bool
            All columns, whole names.
        columns : sequence of str or None
            Those of the narrow table; None means the result's own.
        """
        numbers = {f"{name} {part}" for name in self.counted for part in "kn"}
        wanted = self.data.columns if wide else (self.columns if columns is None else columns)
        table = self.data[[name for name in wanted if name in self.data.columns and name not in numbers]].copy()
        for name in set(self.shares) & set(table.columns):
            table[name] = [MISSING if shown(value) == MISSING else f"{value * 100:.1f} %" for value in table[name]]
        if not wide and CONDITION in table.columns:
            names = short_names(str(name) for name in table[CONDITION])
            table[CONDITION] = [names[str(name)] for name in table[CONDITION]]
        return table

    def __repr__(self) -> str:
        return f"<{type(self).__name__}: {clean_message(self.title)}, {len(self.data)} rows>"

    def text(self, *, wide: bool = False) -> str:
        """Give the result as plain text: title, summary, table (`wide`: all of its columns), notes."""
        parts = [clean_message(self.title)]
        if self.summary:
            width = max(len(name) for name in self.summary)
            parts += [f"{name:<{width}}  {clean_message(value)}" for name, value in self.summary.items()]
        if len(self.data.columns):
            parts += ["", text_table(self.table(wide=wide), right=self.shares)]
        for heading, table in self.tables.items():
            parts += ["", heading, text_table(table)]
        if self.notes:
            parts += ["", *(clean_message(note) for note in self.notes)]
        return "\n".join(parts) + "\n"

    def as_json(self) -> dict[str, Any]:
        """Give the result as a JSON-ready object."""
        further = {
            heading: json.loads(table.to_json(orient="records", date_format="iso", date_unit="us"))
            for heading, table in self.tables.items()
        }
        return {
            "result": type(self).__name__,
            "title": self.title,
            "summary": dict(self.summary),
            "rows": json.loads(self.figures.to_json(orient="records", date_format="iso", date_unit="us")),
            **({"tables": further} if further else {}),
            "notes": list(self.notes),
        }

    def to_json(self, path: Path | str | None = None) -> str:
        """Give the result as JSON text; write it, too, when a path is given."""
        text = json.dumps(self.as_json(), indent=2, ensure_ascii=False) + "\n"
        if path is not None:
            write_text(path, text)
        return text

    def html(self, *, max_rows: int | None = None, wide: bool = True) -> str:
        """Give the result as static HTML, without a page around it.

        Parameters
        ----------
        max_rows : int or None
            None shows all rows.
        wide : bool
            All columns, whole names; otherwise those of the text, which fit a notebook's page.
        """
        parts = [f"<h2>{_escaped(self.title)}</h2>"]
        if self.summary:
            items = "".join(
                f"<tr><th scope='row'>{_escaped(name)}</th><td>{_escaped(value)}</td></tr>"
                for name, value in self.summary.items()
            )
            parts.append(f"<table class='kubernaut-summary'>{items}</table>")
        if len(self.data.columns):
            parts.append(html_table(self.table(wide=wide), max_rows=max_rows, right=self.shares))
        for heading, table in self.tables.items():
            parts += [f"<h3>{_escaped(heading)}</h3>", html_table(table, max_rows=max_rows)]
        parts += [f"<p>{_escaped(note)}</p>" for note in self.notes]
        return "\n".join(parts)

    def to_html(self, path: Path | str | None = None, *, interactive: bool = False) -> str:
        """Give the result as one self-contained page, and write it when a path is given.

        Parameters
        ----------
        path : Path, str or None
        interactive : bool
            Have plotly draw the chart, with all of its script (about 5 MB), which works offline; without it the chart
            is an SVG.

        Raises
        ------
        OutputError
            The file cannot be written.
        """
        if interactive:
            chart = self.plot().to_html(full_html=False, include_plotlyjs=True)
        else:
            from kubernaut_simulator.results.pictures import to_svg  # noqa: PLC0415 - 0.7 s that only a chart needs

            chart = to_svg(self.plot(), title=self.title)
        page = page_around(self.title, f"{self.html()}\n{chart}")
        if path is not None:
            write_text(path, page)
        return page

    def picture(self, *args: Any, **named: Any) -> Picture:
        """Give the chart for a notebook as a static picture; arguments are those of `plot`."""
        from kubernaut_simulator.results.picture import Picture  # noqa: PLC0415 - it draws what this class describes

        return Picture(figure=self.plot(*args, **named), title=self.title)

    def _repr_html_(self) -> str:
        shown = self.html(max_rows=MAX_SHOWN_ROWS, wide=False)
        for of_pages, of_notebooks in _IN_NOTEBOOKS.items():
            shown = shown.replace(of_pages, of_notebooks)
        return shown

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:
        bundle: dict[str, Any] = {
            "text/plain": self.text(),
            "text/html": self._repr_html_(),
            MIME_TYPE: self.as_json(),
        }
        return {
            name: value
            for name, value in bundle.items()
            if (not include or name in include) and not (exclude and name in exclude)
        }


_IN_NOTEBOOKS = {
    "<h2>": "<h4>",
    "</h2>": "</h4>",
    "<h3>": "<h5>",
    "</h3>": "</h5>",
    "<th scope='col' class='text'>": "<th scope='col' class='text' style='text-align:left'>",
    "<td>": "<td style='text-align:left'>",
    "<td class='text'>": "<td class='text' style='text-align:left'>",
}
"""A notebook's own headings are above those of its outputs, and its style sheet sets every cell to the right."""


def counts_of(name: str, found: Rate, text: str | None = None) -> dict[str, Any]:
    """Give the cells of a rate: in words, and k and n as numbers beside them; the column is one of `counted`."""
    return {name: found.text() if text is None else text, f"{name} k": found.k, f"{name} n": found.n}


_STYLE = (
    "body{font:15px system-ui,sans-serif;margin:2rem;max-width:80rem;background:var(--chart-paper);"
    "color:var(--chart-ink)}"
    "table{border-collapse:collapse;margin:1rem 0}th,td{padding:.25rem .7rem;border-bottom:1px solid var(--chart-grid);"
    "text-align:left;vertical-align:top}.number{text-align:right;font-variant-numeric:tabular-nums}"
)


def page_around(title: str, body: str) -> str:
    """Give a whole page, light or dark as the reader wants it, around HTML that is safe already."""
    from kubernaut_simulator.results.picture_colours import CHART_STYLE  # noqa: PLC0415 - it names our colours

    return (
        "<!doctype html>\n<html lang='en'><head><meta charset='utf-8'>"
        "<meta name='viewport' content='width=device-width, initial-scale=1'>"
        "<meta name='color-scheme' content='light dark'>"
        f"<title>{_escaped(title)}</title>\n<style>{_STYLE}{CHART_STYLE}</style></head>\n<body>\n"
        f"{body}\n</body></html>\n"
    )


def shown(value: Any) -> str:
    """Give one cell as text: numbers short, no value as ``-``, control characters gone."""
    if value is None or value is pd.NaT or value is pd.NA or (isinstance(value, float) and math.isnan(value)):
        return MISSING
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, pd.Timestamp):
        return value.isoformat()
    return clean_message(str(value))


def text_table(data: pd.DataFrame, *, right: Collection[str] = ()) -> str:
    """Give a DataFrame as aligned text, numbers and the columns of `right` to the right; the index is left out."""
    cells = [[shown(value) for value in data[name]] for name in data.columns]
    numeric = _to_the_right(data, right)
    heads = [clean_message(str(name)) for name in data.columns]
    widths = [max([len(head), *map(len, column)]) for head, column in zip(heads, cells, strict=True)]

    def line(values: Sequence[str]) -> str:
        columns = zip(values, widths, numeric, strict=True)
        return "  ".join(v.rjust(w) if n else v.ljust(w) for v, w, n in columns).rstrip()

    return "\n".join([line(heads), *(line(row) for row in zip(*cells, strict=True))])


def html_table(data: pd.DataFrame, *, max_rows: int | None = None, right: Collection[str] = ()) -> str:
    """Give a DataFrame as a static, escaped HTML table; says how many rows it leaves out."""
    part = data if max_rows is None else data.head(max_rows)
    numeric = _to_the_right(part, right)
    head = "".join(
        f"<th scope='col' class='{'number' if n else 'text'}'>{_escaped(name)}</th>"
        for name, n in zip(part.columns, numeric, strict=True)
    )
    body = "".join(
        "<tr>"
        + "".join(
            f"<td class='{'number' if n else 'text'}'>{html.escape(shown(value))}</td>"
            for value, n in zip(row, numeric, strict=True)
        )
        + "</tr>\n"
        for row in part.itertuples(index=False, name=None)
    )
    left_out = len(data) - len(part)
    more = f"<p>{left_out} more rows in .data</p>" if left_out else ""
    return f"<table><thead><tr>{head}</tr></thead>\n<tbody>\n{body}</tbody></table>{more}"


def _to_the_right(data: pd.DataFrame, names: Collection[str]) -> list[bool]:
    return [
        name in names or (pd.api.types.is_numeric_dtype(data[name]) and not pd.api.types.is_bool_dtype(data[name]))
        for name in data.columns
    ]


def _escaped(value: object) -> str:
    return html.escape(clean_message(str(value)))
