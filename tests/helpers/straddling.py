"""A history worth cutting: incidents that come again days later, held or in several files."""

from dataclasses import replace
from pathlib import Path

from kubernaut_simulator.history.history import History
from kubernaut_simulator.history.writing import write_parquet

from kubernaut.history.rows import PolicyRow, Row

from .driven_history import tunable_rows

RUNS, AGAIN = 96, 40
"""Runs, and how many of the last of them are second runs of the first incidents."""


def straddling_rows() -> list[Row]:
    """Give three conditions' history in which incidents come again days later, in other runs."""
    rows: list[Row] = []
    for row in tunable_rows(RUNS):
        if isinstance(row, PolicyRow):
            rows.append(row)
            continue
        first = int(row.incident_id.rpartition("-")[2]) - (RUNS - AGAIN)
        rows.append(replace(row, incident_id=f"incident-{first}") if first >= 0 else row)
    return rows


def straddling_history() -> History:
    """Give `straddling_rows` as a history that is held."""
    return History.from_rows(straddling_rows())


def write_straddling(folder: Path, *, parts: int = 3) -> list[Path]:
    """Write `straddling_rows` in several folders, one after the other in time, policies in the last only."""
    whole = straddling_history()
    started = whole.evaluations["started_at"].to_pylist()
    edges = sorted(started)[:: -(-len(started) // parts)][1:]
    folders = []
    for number in range(parts):
        since = edges[number - 1] if number else None
        until = edges[number] if number < len(edges) else None
        part = whole.filter(since=since, until=until)
        tables = dict(part.tables)
        if number < parts - 1:
            tables = {kind: table for kind, table in tables.items() if kind.value != "policies"}
        write_parquet(tables, folder / f"part-{number}")
        folders.append(folder / f"part-{number}")
    return folders
