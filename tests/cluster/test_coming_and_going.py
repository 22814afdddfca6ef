"""Boots of a second cluster beside the tests' own: what a failed one says, and that a stopped one leaves nothing."""

import psutil
import pytest

from .boot import boot, running, stop
from .errors import ClusterError
from .layout import Tier, clusters_folder
from .processes import Processes

pytestmark = [pytest.mark.xdist_group("cluster"), pytest.mark.cluster]


def test_a_stopped_cluster_leaves_no_trace(cluster):
    second = boot("second", Tier.API)
    pids = [process.pid for name in second.processes.names() if (process := second.processes.find(name))]
    assert len(pids) == 4

    stop("second")

    assert running("second") is None
    assert not (clusters_folder() / "second").exists()
    assert not [pid for pid in pids if psutil.pid_exists(pid)]


def test_a_program_that_ends_at_once_shows_its_log(tmp_path):
    processes = Processes(tmp_path)
    processes.start("etcd", ["/bin/sh", "-c", "echo 'the disk is full'; exit 1"])

    with pytest.raises(ClusterError, match=r"(?s)etcd ended while waiting for its port.*the disk is full"):
        processes.wait_until(lambda: False, what="its port", program="etcd", limit_s=10)


def test_nobody_elses_process_is_ended(tmp_path):
    processes = Processes(tmp_path)
    processes.start("sleeper", ["/bin/sleep", "60"])
    sleeper = processes.find("sleeper")
    known = (tmp_path / "processes.json").read_text()
    (tmp_path / "processes.json").write_text(known.replace(str(sleeper.create_time()), "1.0"))

    processes.kill_all()

    assert psutil.pid_exists(sleeper.pid)
    sleeper.kill()
    sleeper.wait()


def test_a_stopped_process_is_ended_too(tmp_path):
    processes = Processes(tmp_path)
    processes.start("sleeper", ["/bin/sleep", "60"])
    sleeper = processes.find("sleeper")
    sleeper.suspend()

    processes.stop("sleeper")

    assert processes.find("sleeper") is None
