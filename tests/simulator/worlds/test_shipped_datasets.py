"""The shipped histories are what the generator makes, and are loaded by functions."""

from dataclasses import fields

import pytest
from kubernaut_simulator.datasets import (
    FOLDER_VARIABLE,
    dataset_path,
    datasets_folder,
    load_bad_policy,
    load_steady,
    load_truth,
    table_columns,
)
from kubernaut_simulator.history.columns import rows_in
from kubernaut_simulator.worlds.data_sheet import data_sheet
from kubernaut_simulator.worlds.shipping import SHIPPED, make
from kubernaut_simulator.worlds.truth import COLUMN_MEANINGS, truth_columns

from kubernaut.errors import HistoryError
from kubernaut.history.rows import RowKind

ANEW = "the shipped history is not what the generator makes now; run `python -m kubernaut_simulator.worlds.shipping`"
MAX_BYTES = 3_000_000
LOADERS = {"steady": load_steady, "bad-policy": load_bad_policy}


def behaviour(row):
    """Leave out what changes with every comment in a policy; the slow test holds that too."""
    return {
        field.name: getattr(row, field.name)
        for field in fields(row)
        if field.name not in ("policy_digest", "settings_digest", "versions")
    }


@pytest.mark.parametrize("name", SHIPPED)
def test_its_first_incidents_are_generated_again(name):
    world = make(name, incidents=10)
    shipped = LOADERS[name]()
    wanted = {row.record_id: row for row in world.rows}
    found = {
        row.record_id: row for kind in RowKind for row in rows_in(kind, shipped.table(kind)) if row.record_id in wanted
    }

    assert found == wanted, ANEW
    truth = load_truth(name).head(len(world.truth))
    assert truth["workflow_uid"].tolist() == truth_columns(world.truth)["workflow_uid"], ANEW
    assert truth["good"].tolist() == truth_columns(world.truth)["good"], ANEW


@pytest.mark.slow
@pytest.mark.parametrize("name", SHIPPED)
def test_all_of_it_is_generated_again_to_the_byte(name, tmp_path):
    world = make(name)
    world.write(tmp_path)
    shipped = dataset_path(name)
    files = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    files["README.md"] = data_sheet(world).encode()

    assert files == {path.name: path.read_bytes() for path in shipped.iterdir()}, ANEW


@pytest.mark.parametrize("name", SHIPPED)
def test_it_is_small_and_without_a_problem(name):
    history = LOADERS[name]()

    assert list(history.problems) == []
    assert sum(path.stat().st_size for path in dataset_path(name).iterdir()) <= MAX_BYTES
    assert history.workflows.num_rows == len(load_truth(name))


@pytest.mark.parametrize("name", SHIPPED)
def test_its_data_sheet_names_seed_files_and_truth(name):
    sheet = (dataset_path(name) / "README.md").read_text()

    assert f"incidents={SHIPPED[name].incidents}, seed={SHIPPED[name].seed}" in sheet
    assert all(path.name in sheet for path in dataset_path(name).glob("*.parquet"))
    assert "nothing that judges or tunes may read it" in " ".join(sheet.split())


@pytest.mark.parametrize("kind", RowKind)
def test_every_column_has_a_meaning_and_times_have_a_unit(kind):
    columns = table_columns(kind)
    units = dict(zip(columns.column, columns.unit, strict=True))

    assert columns.column.tolist() == load_steady().table(kind).column_names
    assert (columns.meaning != "").all()
    assert all(unit == "s" for name, unit in units.items() if name.endswith("_s"))
    assert all(unit == "UTC" for name, unit in units.items() if name.endswith("_at"))


def test_the_columns_of_an_unknown_table():
    with pytest.raises(HistoryError, match="no rows of kind 'looks'; there are attempts, "):
        table_columns("looks")


def test_every_column_of_the_truth_is_documented():
    assert load_truth("steady").columns.tolist() == list(COLUMN_MEANINGS)


def test_the_datasets_may_lie_elsewhere(monkeypatch, tmp_path):
    (tmp_path / "own").mkdir()
    monkeypatch.setenv(FOLDER_VARIABLE, str(tmp_path))

    assert datasets_folder() == tmp_path
    assert dataset_path("own") == tmp_path / "own"
    with pytest.raises(HistoryError, match="no dataset 'steady'; there are: own"):
        load_steady()
    with pytest.raises(HistoryError, match="only generated histories have a truth"):
        load_truth("own")


def test_a_missing_folder_says_how_to_name_it(monkeypatch, tmp_path):
    monkeypatch.setenv(FOLDER_VARIABLE, str(tmp_path / "nowhere"))

    with pytest.raises(HistoryError, match=f"set {FOLDER_VARIABLE} to it"):
        datasets_folder()
