"""The histories that come with the project, as functions.

They lie in `datasets/` of the checkout, not in the installed package; the environment variable ``KUBERNAUT_DATASETS``
names another folder. Each has a data sheet (README.md) with its columns, units, known faults and limits. The truth
behind a generated history is loaded apart and only on demand: whoever estimates must not see it.
"""

import os
from pathlib import Path

import pandas as pd

from kubernaut.errors import HistoryError
from kubernaut_simulator.history.history import History
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
        Generated. Most conditions are rarely wrong; room in the cluster is judged wrong in every sixth good run, and
        throttling cannot be judged for one team. Units: names ending in `_s` are seconds, times are UTC, `percent` is
        0..100. See ``datasets/steady/README.md``.

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


def load_truth(name: str) -> pd.DataFrame:
    """Load what is true of each run of a generated history.

    Returns
    -------
    DataFrame
        One row for each run; columns as in `kubernaut_simulator.worlds.truth.TruthRow`, times in seconds.

    Raises
    ------
    HistoryError
        There is no such dataset, or it is not a generated one.
    """
    path = dataset_path(name) / TRUTH_FILE
    if not path.is_file():
        raise HistoryError(f"{path}: not there; only generated histories have a truth")
    return pd.read_parquet(path)
