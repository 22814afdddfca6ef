"""What is true of each run of a generated world and recorded in no history: kept in a file of its own.

Estimates are compared with it; nothing that judges or tunes may read it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from kubernaut_simulator.output_files import replacing
from kubernaut_simulator.worlds.causes import Cause

TRUTH_FILE = "_truth.parquet"
"""The underscore keeps it out of the history that is loaded from the same folder."""


COLUMN_MEANINGS: Mapping[str, str] = {
    "incident_id": "which incident, as in the history",
    "workflow_uid": "which run, as in the history",
    "run": "1 for the incident's first run, 2 for the next",
    "onset_s": "seconds from the start of the world to the incident's onset",
    "cause": "the latent cause",
    "outage": "name of the outage that raised the incident; empty for one on its own",
    "good": "the incident ended within the stabilization window: what a perfect label says",
    "helped": "it ended because of this run's replicas",
    "ran": "the action was carried out",
    "ready_after_s": "seconds from the action's end until enough replicas served; null: never within half an hour",
    "need": "ready replicas that end the incident",
    "shortage": "not all additional pods found room when they were asked for",
    "relieved": "room came later, or would have",
    "disturbances": "what happened beside the cause, comma-separated",
    "label_wrong": "the recorded outcome says the opposite of `good`",
}
"""Every column of the file in plain words, in its order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TruthRow:
    """One run.

    Attributes
    ----------
    incident_id, workflow_uid : str
    run : int
        1 for the incident's first run.
    onset_s : float, unit s
        From the world's start.
    cause : Cause
    outage : str
        Key of the outage that the incident belongs to; empty for one on its own.
    good : bool
        The incident ended within the stabilization window: what a perfect label says.
    helped : bool
        It ended because of this run's replicas.
    ran : bool
        The action was carried out.
    ready_after_s : float or None, unit s
        From the action's end until as many replicas served as end the incident; None when they never did within half
        an hour, or replicas could not end it.
    need : int
        Ready replicas that end the incident.
    shortage : bool
        Not all additional pods found room when they were asked for.
    relieved : bool
        Room came later.
    disturbances : str
        What happened beside the cause, comma-separated.
    label_wrong : bool
        The recorded outcome says the opposite of `good`.
    """

    incident_id: str
    workflow_uid: str
    run: int
    onset_s: float
    cause: Cause
    outage: str
    good: bool
    helped: bool
    ran: bool
    ready_after_s: float | None
    need: int
    shortage: bool
    relieved: bool
    disturbances: str
    label_wrong: bool


def truth_columns(rows: Sequence[TruthRow]) -> dict[str, list[Any]]:
    """Give the rows as columns."""
    records = [asdict(row) for row in rows]
    return {field.name: [record[field.name] for record in records] for field in fields(TruthRow)}


def write_truth(rows: Sequence[TruthRow], folder: Path) -> Path:
    """Write the truth beside a history and give its path; the same rows give the same bytes.

    Raises
    ------
    OutputError
        It cannot be written.
    """
    columns = truth_columns(rows)
    columns["cause"] = [cause.value for cause in columns["cause"]]
    schema = pa.schema(
        [
            ("incident_id", pa.string()),
            ("workflow_uid", pa.string()),
            ("run", pa.int32()),
            ("onset_s", pa.float64()),
            ("cause", pa.string()),
            ("outage", pa.string()),
            ("good", pa.bool_()),
            ("helped", pa.bool_()),
            ("ran", pa.bool_()),
            ("ready_after_s", pa.float64()),
            ("need", pa.int32()),
            ("shortage", pa.bool_()),
            ("relieved", pa.bool_()),
            ("disturbances", pa.string()),
            ("label_wrong", pa.bool_()),
        ]
    )
    path = folder / TRUTH_FILE
    with replacing(path) as stream:
        pq.write_table(pa.table(columns, schema=schema), stream, compression="zstd")
    return path
