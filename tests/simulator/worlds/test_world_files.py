"""Worlds written as they are played: the same bytes as in one piece, whole files or none."""

import pytest
from kubernaut_simulator.history.streaming import HistoryFormat, HistoryWriter
from kubernaut_simulator.history.writing import write_parquet
from kubernaut_simulator.worlds.scenario import load_scenario
from kubernaut_simulator.worlds.writing import write_world

from kubernaut.errors import OutputError


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.mark.parametrize("group_rows", [7, 50, 131_072])
def test_rows_as_they_come_give_the_bytes_of_whole_tables(small_steady, tmp_path, monkeypatch, group_rows):
    monkeypatch.setattr("kubernaut_simulator.history.writing.ROW_GROUP_ROWS", group_rows)
    monkeypatch.setattr("kubernaut_simulator.history.streaming.ROW_GROUP_ROWS", group_rows)
    monkeypatch.setattr("kubernaut_simulator.history.streaming.BATCH_ROWS", 13)
    write_parquet(small_steady.history().tables, tmp_path / "whole")

    with HistoryWriter(tmp_path / "streamed") as writer:
        for row in small_steady.rows:
            writer.add([row])

    assert contents(tmp_path / "streamed") == contents(tmp_path / "whole")
    assert [path.name for path in writer.paths] == [f"{kind}.parquet" for kind in _kinds(tmp_path / "whole")]


def _kinds(folder):
    order = ["attempts", "evaluations", "executions", "workflows", "policies"]
    return sorted((path.stem for path in folder.iterdir()), key=order.index)


@pytest.mark.parametrize("file_format", HistoryFormat)
def test_an_interrupted_history_leaves_nothing(small_steady, tmp_path, file_format):
    def interrupted():
        yield from small_steady.rows[:400]
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt), HistoryWriter(tmp_path, file_format=file_format) as writer:
        writer.add(interrupted())

    assert list(tmp_path.iterdir()) == []


def test_a_file_that_cannot_be_written_leaves_the_others_as_they_were(small_steady, tmp_path):
    (tmp_path / "attempts.parquet").mkdir()
    (tmp_path / "policies.parquet").write_text("before")

    with pytest.raises(OutputError, match="it is a folder"), HistoryWriter(tmp_path) as writer:
        writer.add(small_steady.rows[:400])

    assert (tmp_path / "policies.parquet").read_text() == "before"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["attempts.parquet", "policies.parquet"]


def test_progress_is_told_incident_by_incident(tmp_path):
    told = []
    write_world(
        load_scenario("rare-incidents"),
        tmp_path,
        incidents=2,
        seed=1,
        progress=lambda what, done, total: told.append((what, done, total)),
    )

    assert told == [("generating incidents", done, 2) for done in range(3)]
