from pathlib import Path

import pyarrow.parquet as pq
import pytest
from helpers.rows import evaluation
from kubernaut_simulator.history.files import FileFormat, discover
from kubernaut_simulator.history.history import History

from kubernaut.errors import HistoryError
from kubernaut.history.rows import RowKind


def touch(folder, *names):
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()


def test_folders_are_searched_and_hidden_names_left_out(tmp_path):
    touch(tmp_path, "a.jsonl", "b/c.jsonl.gz", "b/d/evaluations.parquet", ".hidden/e.jsonl", "_tmp.jsonl", "readme.md")

    found = discover(tmp_path)

    assert [(str(item.path.relative_to(tmp_path)), item.format, item.kind) for item in found] == [
        ("a.jsonl", FileFormat.JSONL, None),
        ("b/c.jsonl.gz", FileFormat.JSONL_GZ, None),
        ("b/d/evaluations.parquet", FileFormat.PARQUET, RowKind.EVALUATIONS),
    ]


def test_each_file_is_taken_once_however_often_it_is_named(tmp_path):
    touch(tmp_path, "a.jsonl", "b.jsonl")

    assert len(discover([tmp_path, tmp_path / "a.jsonl", str(tmp_path / "b.jsonl")])) == 2


def test_folder_names_give_kind_and_columns(tmp_path):
    name = "evaluations/day=2026-01-31/action=a%20b/part-0.parquet"
    touch(tmp_path, name)

    for given in (tmp_path, tmp_path / name):
        (item,) = discover(given)

        assert item.kind is RowKind.EVALUATIONS
        assert item.partition == {"day": "2026-01-31", "action": "a b"}


@pytest.mark.parametrize("stem", ["attempts", "attempts-0001", "attempts.2026", "attempts_7"])
def test_a_parquet_file_may_be_named_after_its_kind(tmp_path, stem):
    touch(tmp_path, f"{stem}.parquet")

    assert discover(tmp_path)[0].kind is RowKind.ATTEMPTS


def test_another_suffix_is_refused_with_a_hint(tmp_path):
    touch(tmp_path, "runs.csv")

    with pytest.raises(HistoryError, match=r"not a history by its name.*convert --from csv --map FILE"):
        discover(tmp_path / "runs.csv")


def test_nothing_given_is_refused():
    with pytest.raises(HistoryError, match="no history given"):
        discover([])


def test_a_column_that_stands_only_in_the_folder_name_comes_back(tmp_path):
    path = History.from_rows([evaluation()]).to_parquet(tmp_path / "whole")[0]
    folder = tmp_path / "parts" / "evaluations" / "action=scale_deployment"
    folder.mkdir(parents=True)
    pq.write_table(pq.read_table(path, partitioning=None).drop_columns(["action"]), folder / "x.parquet")

    assert list(History.load(tmp_path / "parts").rows("evaluations")) == [evaluation()]


def test_a_path_may_be_a_text(tmp_path):
    touch(tmp_path, "a.jsonl")

    assert discover(str(tmp_path))[0].path == Path(tmp_path / "a.jsonl")
