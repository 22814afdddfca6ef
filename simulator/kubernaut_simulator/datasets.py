"""The histories that come with the project, as functions.

They lie in `datasets/` of the checkout, not in the installed package; the environment variable ``KUBERNAUT_DATASETS``
names another folder. Each has a data sheet (README.md) with its columns, units, known faults and limits. The truth
behind a generated history is loaded apart and only on demand: whoever estimates must not see it.
"""

import os
from pathlib import Path

import pandas as pd

from kubernaut.errors import HistoryError
from kubernaut.history.rows import RowKind
from kubernaut_simulator.history.history import History
from kubernaut_simulator.history.schema_page import column_records
from kubernaut_simulator.worlds.truth import TRUTH_FILE

FOLDER_VARIABLE = "KUBERNAUT_DATASETS"


def datasets_folder() -> Path:
    """Give the folder of shipped histories.

    Raises
    ------
    HistoryError
        It is not there; says how to name it.
    """
    named = os.environ.get(FOLDER_VARIABLE)
    folder = Path(named) if named else Path(__file__).parents[2] / "datasets"
    if not folder.is_dir():
        raise HistoryError(
            f"{folder}: no such folder; shipped histories are in `datasets/` of the project's checkout: "
            f"set {FOLDER_VARIABLE} to it"
        )
    return folder


def dataset_path(name: str) -> Path:
    """Give the folder of one shipped history.

    Raises
    ------
    HistoryError
        There is none of that name; says which there are.
    """
    folder = datasets_folder() / name
    if not folder.is_dir():
        there = ", ".join(sorted(entry.name for entry in datasets_folder().iterdir() if entry.is_dir()))
        raise HistoryError(f"no dataset {name!r}; there are: {there or 'none'}")
    return folder


def load_steady() -> History:
    """Load the history of an ordinary platform: 600 incidents, `scale_deployment`, all conditions in warn mode.

    Returns
    -------
    History
        Generated. Most conditions are rarely wrong; room in the cluster is judged wrong in every sixth good run or so,
        and throttling cannot be judged for one team. Its data sheet is ``datasets/steady/README.md``. The tables,
        with the columns that estimates rest on (`table_columns` lists all of them):

        attempts
            One look at one condition: `evaluation_id`, `slot`, `result`, `message`, `facts` (JSON text; CPU as
            ``<n>m``, memory as ``<n>Mi``), `read_started_at` and `read_at` (UTC instants).
        evaluations
            One condition of one run: `incident_id`, `action`, `level`, `phase`, `type`, `verdict`, `required`,
            `enforced`, `timeout_s`, `hold_for_s`, `time_to_pass_s` (seconds from the action's end), `percent` (0..100),
            `p_ran` (0..1).
        executions
            One run of a step: `parameters` (JSON text), `action_started_at`, `action_ended_at` (UTC instants),
            `blocked_s` (seconds), `result`.
        workflows
            One workflow: `outcome`, `outcome_source`, `outcome_at`, `detected_at`, `resolved_at` (UTC instants).
        policies
            The Rego behind each digest: `source`, `libraries` (JSON text).

    Raises
    ------
    HistoryError
        The datasets are not there.
    """
    return History.load(dataset_path("steady"))


def load_bad_policy() -> History:
    """Load a history of 400 incidents in which `no_crashloop_pods` is wrong on purpose: it counts restarts of ever.

    Returns
    -------
    History
        Generated; as `load_steady` otherwise. See ``datasets/bad-policy/README.md``.

    Raises
    ------
    HistoryError
        The datasets are not there.
    """
    return History.load(dataset_path("bad-policy"))


def table_columns(kind: RowKind | str) -> pd.DataFrame:
    """Say what the columns of one table of a history are.

    Parameters
    ----------
    kind : RowKind or str
        ``attempts``, ``evaluations``, ``executions``, ``workflows`` or ``policies``.

    Returns
    -------
    DataFrame
        One row for each column, in their order: `column`, `unit` (``s``, ``%``, ``UTC``, or empty), `form`, `nullable`,
        `meaning`.

    Raises
    ------
    HistoryError
        There is no such table.
    """
    return pd.DataFrame(column_records(kind))


def load_truth(name: str) -> pd.DataFrame:
    """Load what is true of each run of a generated history.

    Returns
    -------
    DataFrame
        One row for each run. `kubernaut_simulator.worlds.truth.COLUMN_MEANINGS` says what each column is: `onset_s` and
        `ready_after_s` are seconds (NaN: never within half an hour), `need` and `run` whole numbers, `good`, `helped`,
        `ran`, `shortage`, `relieved` and `label_wrong` true or false, the others texts.

    Raises
    ------
    HistoryError
        There is no such dataset, or it is not a generated one.
    """
    path = dataset_path(name) / TRUTH_FILE
    if not path.is_file():
        raise HistoryError(f"{path}: not there; only generated histories have a truth")
    return pd.read_parquet(path)
