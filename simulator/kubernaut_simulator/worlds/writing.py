"""A world into a folder, incident by incident: history, truth and data sheet, without holding all rows.

What is held is one row group of each kind of rows, one line of truth a run, and counts. Files are to the byte what
`GeneratedWorld.write` makes of the same world.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from kubernaut.errors import OutputError
from kubernaut.history.rows import Row, RowKind
from kubernaut_simulator.history.streaming import HistoryFormat, HistoryWriter
from kubernaut_simulator.output_files import write_text
from kubernaut_simulator.progress import Progress, silent
from kubernaut_simulator.worlds.data_sheet import sheet_text
from kubernaut_simulator.worlds.generate import START, play
from kubernaut_simulator.worlds.scenario import Scenario
from kubernaut_simulator.worlds.sheet_counts import SheetCounts
from kubernaut_simulator.worlds.truth import TruthRow, write_truth

SHEET_FILE = "README.md"


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """What a generated folder has come to.

    Attributes
    ----------
    paths : list of Path
        History, truth, data sheet.
    counts : SheetCounts
    """

    paths: list[Path]
    counts: SheetCounts


def write_world(
    scenario: Scenario,
    folder: Path,
    *,
    incidents: int,
    seed: int,
    start: datetime = START,
    file_format: HistoryFormat = HistoryFormat.PARQUET,
    jobs: int | None = None,
    progress: Progress = silent,
) -> Written:
    """Make a world and write it.

    Parameters
    ----------
    folder : Path
        Files of an earlier world in it are replaced, in whatever format they were.
    jobs : int or None
        As for `play`.
    progress : Progress
        Told after each incident.

    Raises
    ------
    InputError
        The scenario's policies or settings cannot be used.
    OutputError
        A file cannot be written; no file of the history has changed then.
    EvaluatorError
        The policy worker cannot be started.
    """
    counts, truth = SheetCounts(), list[TruthRow]()
    played = play(scenario, incidents=incidents, seed=seed, start=start, jobs=jobs)
    with HistoryWriter(folder, file_format=file_format) as writer:
        for rows, true in _told(played, incidents, progress):
            writer.add(rows)
            counts.add(rows, true)
            truth += true
    sheet = sheet_text(scenario, counts, seed=seed, start=start, file_format=file_format)
    paths = [*writer.paths, write_truth(truth, folder), write_text(folder / SHEET_FILE, sheet)]
    _remove_other_formats(folder, file_format)
    return Written(paths=paths, counts=counts)


def _told(
    played: Iterator[tuple[list[Row], list[TruthRow]]], incidents: int, progress: Progress
) -> Iterator[tuple[list[Row], list[TruthRow]]]:
    for done, one in enumerate(played):
        # The policies come before the first incident.
        progress("generating incidents", done, incidents)
        yield one


def _remove_other_formats(folder: Path, file_format: HistoryFormat) -> None:
    """Remove the files of an earlier world in another format: whoever loads the folder would read both."""
    for kind in RowKind:
        for form in HistoryFormat:
            if form is not file_format:
                path = folder / f"{kind.value}.{form.value}"
                try:
                    path.unlink(missing_ok=True)
                except OSError as error:
                    raise OutputError(f"cannot remove {path}: {error.strerror}; remove it yourself") from error
