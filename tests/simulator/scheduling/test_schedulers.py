"""The seam: results in the order of the partitions, errors said plainly, and dead workers not taken for an answer."""

import sys

import pytest
from helpers.partition_work import DiesOnce, dies, doubled, gone, refused
from kubernaut_simulator.scheduling.local import LocalScheduler, ThreadScheduler
from kubernaut_simulator.scheduling.parsing import parse_scheduler
from kubernaut_simulator.scheduling.processes import ProcessScheduler

from kubernaut.errors import HistoryError, InputError, MissingExtraError, SchedulerError

HERE = [LocalScheduler(), ThreadScheduler(3)]


@pytest.mark.parametrize("scheduler", HERE, ids=lambda one: one.name)
def test_results_come_in_the_order_of_the_partitions(scheduler):
    assert list(scheduler.map(doubled, range(12))) == [2 * n for n in range(12)]


@pytest.mark.parametrize("scheduler", HERE, ids=lambda one: one.name)
def test_partitions_are_taken_only_as_fast_as_results(scheduler):
    taken = []

    def numbers():
        for n in range(1000):
            taken.append(n)
            yield n

    results = scheduler.map(doubled, numbers())
    assert next(results) == 0
    assert len(taken) <= 7
    results.close() if hasattr(results, "close") else None


@pytest.mark.parametrize("scheduler", HERE, ids=lambda one: one.name)
def test_what_the_work_raises_is_raised(scheduler):
    with pytest.raises(HistoryError, match="1 is odd"):
        list(scheduler.map(refused, range(3)))


@pytest.mark.slow
def test_processes_give_results_in_order_and_raise_what_the_work_raises():
    scheduler = ProcessScheduler(2)

    assert list(scheduler.map(doubled, range(8))) == [2 * n for n in range(8)]
    with pytest.raises(HistoryError, match="1 is odd"):
        list(scheduler.map(refused, range(3)))


@pytest.mark.slow
def test_work_of_a_process_that_died_is_done_by_another_and_nothing_is_left_behind(tmp_path):
    found = list(ProcessScheduler(2).map(DiesOnce(tmp_path, over=2), range(6)))

    assert found == list(range(6))
    assert gone([int((tmp_path / "evaluator").read_text())])


@pytest.mark.slow
def test_processes_that_die_over_the_same_partition_again_are_an_error():
    with pytest.raises(SchedulerError, match=r"died 2 times over 3.*--partition-size"):
        list(ProcessScheduler(1).map(dies, range(6)))


@pytest.mark.parametrize("text", ["local", "threads", "processes", "dask://10.0.0.7:8786", "dask://[::1]:8786"])
def test_a_scheduler_is_named_as_it_is_written(text):
    assert parse_scheduler(text).name == text


@pytest.mark.parametrize(
    ("text", "jobs", "message"),
    [
        ("ray", None, "known are local, threads, processes or dask://HOST:PORT"),
        ("dask://somewhere", None, "write dask://HOST:PORT"),
        ("dask://host:99999", None, "write dask://HOST:PORT"),
        ("dask://host:8786/x", None, "write dask://HOST:PORT"),
        ("dask://host:8786", 4, "as many as its workers have threads"),
        ("local", 4, "one partition at a time"),
        ("threads", 0, "at least 1"),
    ],
)
def test_what_names_no_scheduler_is_refused(text, jobs, message):
    with pytest.raises(InputError, match=message):
        parse_scheduler(text, jobs=jobs)


def test_without_dask_the_install_line_is_said(monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)

    with pytest.raises(MissingExtraError, match=r"pip install 'kubernaut-workbench\[distributed\]'"):
        list(parse_scheduler("dask://127.0.0.1:8786").map(doubled, range(2)))
