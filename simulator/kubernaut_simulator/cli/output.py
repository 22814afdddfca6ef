"""How results leave the command: data to stdout in the format asked for, talk to stderr, colour only on a terminal."""

from __future__ import annotations

import json
import sys
from html import escape
from typing import TYPE_CHECKING, Any

from kubernaut_simulator.cli.options import OutputFormat

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

    import pandas as pd

    from kubernaut_simulator.results.base import Result


CONDITION = "condition"
"""The column that names conditions."""


def print_result(result: Result, output: OutputFormat, *, columns: Sequence[str] | None = None) -> None:
    """Print a result.

    Parameters
    ----------
    columns : sequence of str or None
        What `table` shows; None means the result's own. `wide` and the machine formats always give all.
    """
    if output is OutputFormat.JSON:
        sys.stdout.write(result.to_json())
    elif output is OutputFormat.YAML:
        _print_yaml([result.as_json()])
    elif output is OutputFormat.CSV:
        sys.stdout.write(result.figures.to_csv(index=False))
    elif output is OutputFormat.HTML:
        sys.stdout.write(result.to_html())
    else:
        _print_table(result, columns, wide=output is OutputFormat.WIDE)


def print_records(records: Sequence[Mapping[str, Any]], output: OutputFormat, *, title: str = "") -> None:
    """Print plain records of commands that have no result object of the simulator, without loading pandas."""
    if output is OutputFormat.JSON:
        print(json.dumps(list(records), indent=2, ensure_ascii=False))
    elif output is OutputFormat.YAML:
        _print_yaml([list(records)])
    elif output is OutputFormat.CSV:
        if not records:
            return
        import csv

        writer = csv.DictWriter(sys.stdout, fieldnames=list(records[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(records)
    elif output is OutputFormat.HTML:
        sys.stdout.write(_html_page(records, title))
    else:
        names = list(records[0]) if records else []
        _table_of(names, [[_cell(record[name]) for name in names] for record in records], _numeric(names, records))


def print_document(
    document: Mapping[str, Any],
    output: OutputFormat,
    *,
    text: Callable[[Mapping[str, Any]], str],
    title: str,
    rows: str,
) -> None:
    """Print one document: as it is, or as text for people.

    Parameters
    ----------
    text : callable
        Makes the text of table, wide and html.
    rows : str
        Field that is a list of records: what csv gives.
    """
    if output is OutputFormat.JSON:
        print(json.dumps(document, indent=2, ensure_ascii=False))
    elif output is OutputFormat.YAML:
        _print_yaml([document])
    elif output is OutputFormat.CSV:
        print_records(document.get(rows) or [], output)
    elif output is OutputFormat.HTML:
        sys.stdout.write(_page(title, f"<pre>{escape(text(document))}</pre>"))
    else:
        print(text(document))


def warn(message: str) -> None:
    """Say something beside the data."""
    print(f"warning: {message}", file=sys.stderr)


def say(message: str = "") -> None:
    """Talk to a person, beside the data."""
    print(message, file=sys.stderr)


def _print_table(result: Result, columns: Sequence[str] | None, *, wide: bool) -> None:
    from kubernaut.policy.wording import clean_message

    table: pd.DataFrame = result.table(wide=wide, columns=columns)
    numeric = {name for name in table.columns if name in result.shares or table[name].dtype.kind in "if"}
    cells = [[_cell(value) for value in table[name]] for name in table.columns]
    action = "" if wide or CONDITION not in result.data.columns else _common_action(list(result.data[CONDITION]))
    print(clean_message(result.title + (f" ({action})" if action else "")))
    for name, value in result.summary.items():
        print(f"  {name}: {clean_message(value)}")
    print()
    _table_of(list(table.columns), list(zip(*cells, strict=True)), numeric)
    for heading, further in result.tables.items():
        rows = [[_cell(value) for value in row] for row in further.itertuples(index=False, name=None)]
        print(f"\n{clean_message(heading)}")
        _table_of([str(name) for name in further.columns], rows, set())
    if result.notes:
        print()
    for note in result.notes:
        print(clean_message(note))


def _table_of(names: Sequence[str], rows: Sequence[Sequence[str]], numeric: Collection[str]) -> None:
    """Print cells as a table: fitted to a terminal, or as wide as it needs to be for `grep` and files."""
    if sys.stdout.isatty():
        _rich_table(names, rows, numeric)
        return
    for line in _lines(names, rows, numeric):
        print(line)


def table_lines(records: Sequence[Mapping[str, Any]]) -> list[str]:
    """Give records as the lines of a table, as wide as it needs to be."""
    names = list(records[0]) if records else []
    return _lines(names, [[_cell(record[name]) for name in names] for record in records], _numeric(names, records))


def _lines(names: Sequence[str], rows: Sequence[Sequence[str]], numeric: Collection[str]) -> list[str]:
    widths = [max([len(name), *(len(row[at]) for row in rows)]) for at, name in enumerate(names)]
    return [
        "  ".join(
            cell.rjust(width) if name in numeric else cell.ljust(width)
            for name, cell, width in zip(names, row, widths, strict=True)
        ).rstrip()
        for row in (names, *rows)
    ]


def _numeric(names: Sequence[str], records: Sequence[Mapping[str, Any]]) -> set[str]:
    return {name for name in names if all(_is_number(record[name]) for record in records)}


def _rich_table(names: Sequence[str], rows: Sequence[Sequence[str]], numeric: Collection[str]) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, header_style="bold", show_edge=False)
    for at, name in enumerate(names):
        # Half an identity cannot be searched for or copied: the other columns give way.
        whole = max((len(row[at]) for row in rows), default=0) if name == CONDITION else None
        table.add_column(
            Text(name),
            justify="right" if name in numeric else "left",
            overflow="fold",
            no_wrap=whole is not None,
            min_width=whole,
        )
    for row in rows:
        table.add_row(*(Text(cell) for cell in row))
    Console().print(table)


def _common_action(conditions: Sequence[str]) -> str:
    """Give the action that all conditions of a table are of; empty where there are several, or none."""
    actions = {name.partition("/")[0] for name in conditions}
    return actions.pop() if len(actions) == 1 and all("/" in name for name in conditions) else ""


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _cell(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return "-" if value != value else f"{value:.4g}"  # noqa: PLR0124 - only NaN differs from itself
    if value is None:
        return "-"
    from kubernaut.policy.wording import clean_message

    return clean_message(str(value))


def _print_yaml(documents: Sequence[Any]) -> None:
    import yaml

    yaml.safe_dump_all(documents, sys.stdout, sort_keys=False, allow_unicode=True, width=120)


def _html_page(records: Sequence[Mapping[str, Any]], title: str) -> str:
    names = list(records[0]) if records else []
    head = "".join(f"<th>{escape(name)}</th>" for name in names)
    body = "".join(
        "<tr>" + "".join(f"<td>{escape(_cell(record[name]))}</td>" for name in names) + "</tr>\n" for record in records
    )
    return _page(title, f"<table><thead><tr>{head}</tr></thead><tbody>\n{body}</tbody></table>")


def _page(title: str, body: str) -> str:
    return (
        f"<!doctype html>\n<html lang='en'><head><meta charset='utf-8'><title>{escape(title)}</title>\n"
        f"<style>{_STYLE}</style></head>\n<body><h1>{escape(title)}</h1>\n{body}\n</body></html>\n"
    )


_STYLE = (
    "body{font:15px system-ui,sans-serif;margin:2rem;max-width:80rem}table{border-collapse:collapse}"
    "th,td{padding:.25rem .7rem;border-bottom:1px solid #ccc;text-align:left;vertical-align:top}"
    "pre{white-space:pre-wrap}"
)
