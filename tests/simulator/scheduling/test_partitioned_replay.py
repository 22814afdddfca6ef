"""A history in partitions gives the same answers to the bit, wherever incidents lie and whoever does the work."""

import pandas as pd
import psutil
import pytest
from helpers.command_line import kubernaut
from helpers.straddling import straddling_history, write_straddling
from kubernaut_simulator.history.history import History
from kubernaut_simulator.history.partition import held_partitions
from kubernaut_simulator.history.stored import StoredHistory
from kubernaut_simulator.replay.partitioned import Work, work_for
from kubernaut_simulator.replay.replay import Replay, replay
from kubernaut_simulator.scheduling.local import LocalScheduler, ThreadScheduler
from kubernaut_simulator.scheduling.processes import ProcessScheduler
from kubernaut_simulator.tuning.tune import tune

from kubernaut.errors import HistoryError, InputError
from kubernaut.history.rows import RowKind


@pytest.fixture(scope="module")
def history() -> History:
    return straddling_history()


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> StoredHistory:
    folder = tmp_path_factory.mktemp("straddling")
    write_straddling(folder)
    return StoredHistory.open(folder)


@pytest.fixture(scope="module")
def whole(history: History, worker) -> Replay:
    return replay(history, evaluator=worker)


@pytest.fixture(scope="module")
def tuned(history: History, worker):
    return tune(history, evaluator=worker)


def same(found: Replay, whole: Replay) -> bool:
    """Whether two replays agree in every vote, count and text."""
    pd.testing.assert_frame_equal(found.votes.data, whole.votes.data, check_exact=True)
    pd.testing.assert_frame_equal(found.data, whole.data, check_exact=True)
    for mine, other in (
        (found.votes.counts, whole.votes.counts),
        (found.as_of, whole.as_of),
        (found.window, whole.window),
        (found.not_replayable, whole.not_replayable),
        (found.false_stops().text(), whole.false_stops().text()),
        (found.timeouts().text(), whole.timeouts().text()),
        (found.totals.looks, whole.totals.looks),
        (found.totals.left_out, whole.totals.left_out),
    ):
        assert mine == other
    return True


@pytest.mark.parametrize("size", [1, 40, 10_000])
def test_however_small_the_partitions_the_votes_are_the_same(history, whole, size):
    small = history if size > 1 else history.filter(until=history.evaluations["started_at"][20].as_py())
    expected = whole if size > 1 else replay(small)

    assert same(replay(small, work=Work(partition_evaluations=size)), expected)


def test_incidents_that_go_from_one_file_into_the_next_are_one_vote(history, stored, whole):
    found = replay(stored, work=Work(scheduler=ThreadScheduler(2), partition_evaluations=60))

    assert (whole.votes.data["runs"] == 2).any()
    assert same(found, whole)
    assert found.merged is not None
    assert found.merged.report.rows_read == sum(len(history.table(kind)) for kind in RowKind)


def test_no_incident_is_in_two_partitions_and_every_row_in_one(history):
    count, partitions = held_partitions(history, evaluations=50)
    parts = [one.history() for one in partitions]

    assert len(parts) == count > 2
    seen = [set(part.evaluations["incident_id"].to_pylist()) for part in parts]
    assert sum(map(len, seen)) == len(set().union(*seen))
    for kind in (RowKind.ATTEMPTS, RowKind.EVALUATIONS, RowKind.EXECUTIONS, RowKind.WORKFLOWS):
        assert sum(len(part.table(kind)) for part in parts) == len(history.table(kind))


def test_a_partition_takes_only_its_own_words_along(history):
    _, partitions = held_partitions(history, evaluations=50)

    first = next(partitions).history().attempts["facts"].combine_chunks()
    assert len(first.dictionary) <= len(first)


def test_tuning_a_history_in_files_exports_the_same_bytes(stored, tuned):
    found = tune(stored, work=Work(scheduler=ThreadScheduler(2), partition_evaluations=100))

    assert found.to_configmaps() == tuned.to_configmaps()
    assert found.text() == tuned.text()


def test_a_narrowed_history_in_files_is_narrowed_the_same(history, stored, worker):
    since = history.evaluations["started_at"][100].as_py()

    found = replay(stored.filter(since=since), work=Work(partition_evaluations=60))
    assert same(found, replay(history.filter(since=since), evaluator=worker))


def test_what_needs_every_evaluation_says_that_they_were_not_kept(stored):
    found = replay(stored, work=Work(partition_evaluations=200))

    with pytest.raises(HistoryError, match="only counts and votes were kept"):
        _ = found.evaluations
    with pytest.raises(HistoryError, match="stayed in its files"):
        _ = found.history


def test_bad_rows_are_told_once_although_a_file_is_read_for_several_partitions(history, tmp_path):
    spoiled = history.evaluations.to_pandas()
    spoiled.loc[7, "elapsed_s"] = -1.0
    tables = {kind: history.table(kind) for kind in RowKind}
    tables[RowKind.EVALUATIONS] = tables[RowKind.EVALUATIONS].from_pandas(
        spoiled, schema=history.evaluations.schema, preserve_index=False
    )
    History(tables).to_parquet(tmp_path)

    held = History.load(tmp_path)
    found = replay(StoredHistory.open(tmp_path), work=Work(partition_evaluations=60))
    assert found.merged is not None
    assert found.merged.report == held.report
    assert len(held.problems) == 1


def test_lines_of_json_are_refused_with_what_to_do(history, tmp_path):
    history.to_jsonl(tmp_path)

    with pytest.raises(HistoryError, match="kubernaut history convert"):
        StoredHistory.open(tmp_path)


def test_history_names_its_scheduler_by_a_word(history, whole):
    assert same(history.replay(scheduler="threads", partition_evaluations=150), whole)
    with pytest.raises(InputError, match="name a scheduler too"):
        history.replay(partition_evaluations=150)
    assert isinstance(work_for(LocalScheduler()), Work)


def test_no_policy_worker_outlives_a_replay(history):
    work = Work(scheduler=ThreadScheduler(2), partition_evaluations=150)
    replay(history, work=work)  # the process's own compiler is started by the first
    before = {one.pid for one in psutil.Process().children(recursive=True)}
    replay(history, work=work)

    assert {one.pid for one in psutil.Process().children(recursive=True)} <= before


def test_the_command_gives_the_same_table_with_a_scheduler(tmp_path):
    write_straddling(tmp_path)
    plain = kubernaut("replay", tmp_path, "--show", "false-stops")
    parted = kubernaut("replay", tmp_path, "--scheduler", "threads", "--jobs", 2, "--partition-size", 80)

    assert (parted.code, parted.out) == (0, plain.out)
    refused = kubernaut("replay", tmp_path, "--jobs", 2)
    assert refused.code == 1
    assert "give --scheduler too" in refused.err


@pytest.mark.slow
def test_processes_give_the_same_bytes(stored, tuned):
    work = Work(scheduler=ProcessScheduler(2), partition_evaluations=100)

    found = tune(stored, work=work)
    assert same(found.replay, tuned.replay)
    assert found.to_configmaps() == tuned.to_configmaps()
