"""A real Dask cluster, reached as a user would: by the address of its scheduler."""

import socket
from collections.abc import Iterator

import psutil
import pytest
from helpers.command_line import kubernaut
from helpers.partition_work import DiesOnce, dies, doubled, gone, refused
from helpers.straddling import straddling_history, write_straddling
from kubernaut_simulator.history.stored import StoredHistory
from kubernaut_simulator.replay.partitioned import work_for
from kubernaut_simulator.replay.replay import replay
from kubernaut_simulator.scheduling import dask_cluster
from kubernaut_simulator.scheduling.dask_cluster import DaskScheduler
from kubernaut_simulator.tuning.tune import tune

from kubernaut.errors import HistoryError, SchedulerError

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    dask, distributed = pytest.importorskip("dask"), pytest.importorskip("distributed")
    # Two deaths over one partition are enough to show what a third would.
    once = dask.config.set({"distributed.scheduler.allowed-failures": 1})
    with (
        once,
        distributed.LocalCluster(
            processes=True, n_workers=2, threads_per_worker=1, dashboard_address="127.0.0.1:0", silence_logs=False
        ) as cluster,
    ):
        yield cluster.scheduler_address.removeprefix("tcp://")


def most_policy_workers() -> int:
    """Give how many policy workers the one of the cluster's processes has that has most."""
    return max(
        sum("kubernaut.policy.worker" in " ".join(one.cmdline()) for one in process.children())
        for process in psutil.Process().children(recursive=True)
    )


def test_a_cluster_gives_results_in_order_and_raises_what_the_work_raises(address):
    scheduler = DaskScheduler(address)

    assert list(scheduler.map(doubled, range(8))) == [2 * n for n in range(8)]
    with pytest.raises(HistoryError, match="1 is odd"):
        list(scheduler.map(refused, range(3)))


def test_a_cluster_tunes_and_exports_the_same_bytes_as_this_process(address, tmp_path, worker):
    history = straddling_history()
    expected = tune(history, evaluator=worker)
    write_straddling(tmp_path)
    work = work_for(f"dask://{address}", partition_evaluations=100)

    in_files = tune(StoredHistory.open(tmp_path), work=work)
    held = replay(history, expected.before, work=work)
    assert in_files.to_configmaps() == expected.to_configmaps()
    assert in_files.text() == expected.text()
    assert held.false_stops().text() == replay(history, expected.before, evaluator=worker).false_stops().text()
    told = kubernaut("replay", tmp_path, "--scheduler", f"dask://{address}", "--show", "timeouts")
    assert (told.code, told.out) == (0, kubernaut("replay", tmp_path, "--show", "timeouts").out)
    # What compiles stays with its process; what judges has ended with its partition.
    assert most_policy_workers() <= 1


def test_work_of_a_dask_worker_that_died_is_done_by_another(address, tmp_path):
    assert list(DaskScheduler(address).map(DiesOnce(tmp_path, over=2), range(6))) == list(range(6))
    assert gone([int((tmp_path / "evaluator").read_text())])


def test_work_that_ends_every_worker_is_an_error(address):
    with pytest.raises(SchedulerError, match=r"ended every Dask worker.*--partition-size"):
        list(DaskScheduler(address).map(dies, range(6)))


def test_other_versions_are_refused(address, monkeypatch):
    ours = dask_cluster.versions()
    monkeypatch.setattr(dask_cluster, "__version__", "9.9.9")

    with pytest.raises(SchedulerError, match=rf"runs kubernaut-workbench {ours['kubernaut-workbench']} instead of 9"):
        list(DaskScheduler(address).map(doubled, range(2)))


def test_where_nothing_answers_the_address_is_said(monkeypatch):
    monkeypatch.setattr(dask_cluster, "CONNECT_TIMEOUT_S", 0.5)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]

        with pytest.raises(SchedulerError, match=f"no Dask scheduler answers at 127.0.0.1:{port}.*dask worker"):
            list(DaskScheduler(f"127.0.0.1:{port}").map(doubled, range(2)))
