"""From the operator's records and the journal to a data set: what was recorded of the campaign's incidents, unchanged.

The history is filtered by incident, since others may have used the operator meanwhile; nothing else is left out. The
faults lie beside it in a file that `History.load` does not read: whoever estimates must not see them.
"""

from collections.abc import Iterable, Sequence
from dataclasses import asdict
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from kubernaut_simulator.history.arrow_schema import ArrowTable
from kubernaut_simulator.history.history import History

from kubernaut.errors import InputError
from kubernaut.history.rows import RowKind

from .running import Note

FAULTS_FILE = "_faults.parquet"
LARGEST_MIB = 10.0


def recorded(records: Iterable[Path], notes: Sequence[Note]) -> History:
    """Read what the operator recorded of the incidents that were noted.

    Parameters
    ----------
    records : iterable of Path
        Folders of the replicas' records, or what `kubernaut history pull` wrote.

    Raises
    ------
    InputError
        Nothing was noted.
    HistoryError
        There is no history.
    """
    if not notes:
        raise InputError("the journal holds no incident: run the campaign first")
    whole = History.load([folder for folder in records if folder.is_dir()])
    # A run that was begun anew after an end of the campaign has the incident of its former try, and no note.
    uids = [note.workflow_uid for note in notes if note.workflow_uid]
    tables = {
        kind: _where(whole.table(kind), "workflow_uid", uids)
        for kind in (RowKind.EVALUATIONS, RowKind.EXECUTIONS, RowKind.WORKFLOWS)
    }
    evaluations = tables[RowKind.EVALUATIONS]
    tables[RowKind.ATTEMPTS] = _where(whole.attempts, "evaluation_id", evaluations["record_id"].to_pylist())
    tables[RowKind.POLICIES] = _where(whole.policies, "digest", evaluations["policy_digest"].to_pylist())
    ours = History(tables)
    # By rows, so that nothing of other runs is left in the dictionaries of texts.
    return History.from_rows(row for kind in RowKind for row in ours.rows(kind))


def _where(table: ArrowTable, column: str, values: Iterable[str]) -> ArrowTable:
    wanted = pa.array(sorted(set(values)), type=pa.string())
    return table.filter(pc.is_in(table[column].cast(pa.string()), value_set=wanted))


def faults_frame(notes: Sequence[Note]) -> pd.DataFrame:
    """Give the notes as a table, one row for each run, in order of incident and run."""
    frame = pd.DataFrame([asdict(note) for note in notes])
    return frame.sort_values(["incident_id", "run"], ignore_index=True)


def write_dataset(folder: Path, history: History, notes: Sequence[Note]) -> list[Path]:
    """Write history and faults as Parquet and give the paths.

    Raises
    ------
    InputError
        It is larger than a data set of the project may be.
    """
    folder.mkdir(parents=True, exist_ok=True)
    paths = history.to_parquet(folder)
    faults = folder / FAULTS_FILE
    faults_frame(notes).to_parquet(faults, index=False)
    size_mib = sum(path.stat().st_size for path in [*paths, faults]) / 2**20
    if size_mib > LARGEST_MIB:
        raise InputError(f"{folder}: {size_mib:.1f} MiB, and a data set of the project has at most {LARGEST_MIB:g}")
    return [*paths, faults]
