"""History fetched from pods: whole records only, both replicas, on from where it was interrupted, never two clusters.

The real endpoint answers; only the port-forward between is a plain connection to it, which a test may cut.
"""

import gzip
import os
import socket
import tomllib
from datetime import UTC, datetime, timedelta
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest
from helpers.rows import whole_run
from kubernaut_operator.people import pulling
from kubernaut_operator.people.pulled_files import NOTE, held
from kubernaut_operator.people.pulling import pull_from
from kubernaut_operator.recording.recorder import Recorder
from kubernaut_operator.recording.serving import HOST, HistoryEndpoint
from kubernaut_operator.recording.settings import RecorderSettings
from kubernaut_simulator.history import from_cluster
from kubernaut_simulator.history.history import History

from kubernaut.errors import InputError, MissingExtraError
from kubernaut.history.pulled import CLUSTER, SOURCES

PODS = ("kubernaut-operator-0", "kubernaut-operator-1")


class Line:
    """What a port-forward is: a socket, and what was said of it; cut after so many bytes have come."""

    def __init__(self, port, cut_after=None):
        self.socket = Cut(socket.create_connection((HOST, port), timeout=5), cut_after)

    def said(self):
        return ""

    def close(self):
        self.socket.close()


class Cut(socket.socket):
    def __init__(self, real, after):
        super().__init__(fileno=real.detach())
        self.settimeout(5)
        self.left = after

    def recv_into(self, buffer, *arguments):
        if self.left == 0:
            return 0
        got = super().recv_into(buffer, *arguments)
        if self.left is None:
            return got
        got, self.left = min(got, self.left), self.left - min(got, self.left)
        return got


class Cluster:
    """Two replicas with a volume each."""

    def __init__(self, folder, endpoints):
        self.folder = folder
        self.uid = "cluster-1"
        self.cuts = []
        self.endpoints = endpoints
        for pod, endpoint in endpoints.items():
            endpoint._folder = folder / pod
            endpoint._cluster = lambda: self.uid

    def record(self, pod, *runs):
        recorder = Recorder(RecorderSettings(folder=self.folder / pod, pod=pod))
        for n in runs:
            rows = whole_run(n)
            assert recorder.attempts(rows[:1])
            assert recorder.evaluations(rows[1:2])
            assert recorder.execution(rows[2])
            assert recorder.workflow(rows[3])
        assert recorder.close()

    def file(self, pod):
        return max((self.folder / pod).glob("*.gz"))

    def connect(self, pod):
        return Line(self.endpoints[pod].port, self.cuts.pop(0) if self.cuts else None)

    def pull(self, to, *, since=None, phases=("Running", "Running")):
        manifests = [
            {"metadata": {"name": name}, "status": {"phase": phase}} for name, phase in zip(PODS, phases, strict=True)
        ]
        return pull_from(manifests, self.connect, to, since=since, progress=lambda *_: None)


@pytest.fixture(scope="module")
def endpoints(tmp_path_factory):
    made = {
        pod: HistoryEndpoint(tmp_path_factory.mktemp(pod), pod=pod, port=0, cluster=lambda: "cluster") for pod in PODS
    }
    for endpoint in made.values():
        endpoint.start()
    yield made
    for endpoint in made.values():
        endpoint.end()


@pytest.fixture
def cluster(tmp_path, endpoints):
    return Cluster(tmp_path / "volumes", endpoints)


def test_both_replicas_become_one_history_and_nothing_is_fetched_twice(cluster, tmp_path):
    cluster.record(PODS[0], 1, 2)
    cluster.record(PODS[1], 2, 3)
    to = tmp_path / "here"

    first, second = cluster.pull(to), cluster.pull(to)

    assert (first.pods, first.files, first.new_files, first.left_out) == (PODS, 2, 2, ())
    assert (second.files, second.new_files, second.new_bytes) == (2, 0, 0)
    assert "nothing new in 2 files" in second.text()
    history = History.load(to, strict=True)
    assert (len(history.executions), history.report.duplicates > 0) == (3, True)


def test_what_was_recorded_since_is_added_to_the_same_file(cluster, tmp_path):
    cluster.record(PODS[0], 1)
    to = tmp_path / "here"
    cluster.pull(to)
    grown = cluster.file(PODS[0])
    extra = gzip.compress(gzip.decompress(grown.read_bytes()))
    half = gzip.compress(b"half a record")[:-3]
    with grown.open("ab") as file:
        file.write(extra + half)

    pulled = cluster.pull(to)

    assert pulled.new_bytes == len(extra)
    assert (to / grown.name).read_bytes() == grown.read_bytes()[: -len(half)]
    History.load(to, strict=True)


@pytest.mark.parametrize("cut_after", [0, 40, 300, 420, 600])
def test_a_connection_that_breaks_is_made_again(cluster, tmp_path, cut_after):
    cluster.record(PODS[0], 1, 2, 3)
    cluster.cuts = [cut_after]

    cluster.pull(tmp_path / "here")

    file = cluster.file(PODS[0])
    assert (tmp_path / "here" / file.name).read_bytes() == file.read_bytes()


def test_one_that_keeps_breaking_keeps_what_came_and_goes_on_next_time(cluster, tmp_path, monkeypatch):
    monkeypatch.setattr("kubernaut_operator.people.pod_history.PART_BYTES", 100)
    cluster.record(PODS[0], 1, 2, 3)
    to = tmp_path / "here"
    cluster.record(PODS[1], 4)
    # The pod that is listed first loses its line after some parts, and every line after it.
    cluster.cuts = [4000, None, 0, 0, 0]

    broken = cluster.pull(to)
    whole = cluster.pull(to)

    (said,) = broken.left_out
    assert PODS[0] in said
    assert "ask again to go on" in said
    assert whole.left_out == ()
    file = cluster.file(PODS[0])
    assert (to / file.name).read_bytes() == file.read_bytes()


@pytest.mark.parametrize("harm", ["torn", "cut", "gone", "no note"])
def test_whatever_happened_to_the_copy_it_is_made_good(cluster, tmp_path, harm):
    cluster.record(PODS[0], 1, 2)
    to = tmp_path / "here"
    cluster.pull(to)
    copy = to / cluster.file(PODS[0]).name
    if harm == "torn":
        copy.write_bytes(copy.read_bytes() + gzip.compress(b"x")[:9])
    elif harm == "cut":
        os.truncate(copy, copy.stat().st_size - 5)
    elif harm == "gone":
        copy.unlink()
    else:
        (to / NOTE).unlink()

    cluster.pull(to)

    assert copy.read_bytes() == cluster.file(PODS[0]).read_bytes()


def test_damage_on_the_volume_is_named_and_what_came_before_is_kept(cluster, tmp_path):
    cluster.record(PODS[0], 1)
    file = cluster.file(PODS[0])
    good = file.read_bytes()
    file.write_bytes(good + b"\0" * 50)

    cluster.record(PODS[1], 2)
    pulled = cluster.pull(tmp_path / "here")

    (said,) = pulled.left_out
    assert f"behind byte {len(good)} is damaged" in said
    assert pulled.new_files == 2
    assert (tmp_path / "here" / file.name).read_bytes() == good


def test_files_not_written_to_since_are_left_out(cluster, tmp_path):
    cluster.record(PODS[0], 1)
    old = cluster.file(PODS[0])
    os.utime(old, (0, 0))
    cluster.record(PODS[1], 2)

    pulled = cluster.pull(tmp_path / "here", since=datetime.now(UTC) - timedelta(hours=1))

    assert pulled.files == 1
    assert not (tmp_path / "here" / old.name).exists()


def test_two_clusters_never_share_a_folder(cluster, tmp_path):
    cluster.record(PODS[0], 1)
    cluster.pull(tmp_path / "here")
    cluster.uid = "cluster-2"

    with pytest.raises(InputError, match="it holds the history of cluster cluster-1"):
        cluster.pull(tmp_path / "here")


def test_one_at_a_time_writes_into_a_folder(cluster, tmp_path):
    cluster.record(PODS[0], 1)

    with held(tmp_path / "here"), pytest.raises(InputError, match="being fetched into it already"):
        cluster.pull(tmp_path / "here")
    assert cluster.pull(tmp_path / "here").new_files == 1


def test_a_replica_that_is_away_is_named(cluster, tmp_path):
    cluster.record(PODS[0], 1)

    pulled = cluster.pull(tmp_path / "here", phases=("Running", "Pending"))

    assert pulled.left_out == (f"{PODS[1]}: it is Pending",)
    with pytest.raises(InputError, match="no pod of the operator serves its history"):
        cluster.pull(tmp_path / "here", phases=("Pending", "Failed"))


def entry():
    """The entry point as pyproject.toml says it; an older installation may not know it yet."""
    told = tomllib.loads((Path(__file__).parents[3] / "pyproject.toml").read_text(encoding="utf-8"))
    return EntryPoint(name=CLUSTER, group=SOURCES, value=told["project"]["entry-points"][SOURCES][CLUSTER])


def test_a_notebook_gets_the_history_and_is_told_what_is_missing(cluster, tmp_path, monkeypatch):
    assert entry().load() is pulling.pull
    cluster.record(PODS[0], 1, 2)

    def pull(folder, *, since, **_):
        return cluster.pull(folder, since=since, phases=("Running", "Pending"))

    monkeypatch.setattr(from_cluster, "entry_points", lambda **_: [Loaded(pull)])
    history = History.from_cluster(tmp_path / "here")

    assert len(history.executions) == 2
    assert [str(one) for one in history.problems] == [f"not fetched: {PODS[1]}: it is Pending"]
    monkeypatch.setattr(from_cluster, "entry_points", lambda **_: [])
    with pytest.raises(MissingExtraError, match="pip install"):
        History.from_cluster(tmp_path / "here")
    with pytest.raises(InputError, match="no time zone"):
        History.from_cluster(tmp_path / "here", since=datetime(2026, 1, 1))  # noqa: DTZ001 - what is refused


class Loaded:
    def __init__(self, value):
        self.value = value

    def load(self):
        return self.value
