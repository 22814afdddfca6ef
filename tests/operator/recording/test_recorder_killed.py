"""A recorder that is killed in the middle of its work: what it had acknowledged is there, and the file can be read."""

import gzip
import random
import signal
import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path

import pytest
import structlog
from helpers.rows import attempt
from kubernaut_operator.recording.folder import mend
from kubernaut_operator.recording.recorder import Recorder
from kubernaut_operator.recording.settings import RecorderSettings
from kubernaut_simulator.history.history import History

from kubernaut.history.rows import RowKind

PROGRAM = """
import os, sys
from pathlib import Path
sys.path.insert(0, sys.argv[2])
from helpers.rows import attempt
from kubernaut_operator.recording.recorder import Recorder
from kubernaut_operator.recording.settings import RecorderSettings

recorder = Recorder(RecorderSettings(folder=Path(sys.argv[1]), pod="operator-0", segment_bytes=400_000))
n = 0
while True:
    rows = [attempt(n + k, facts={"noise": os.urandom(20_000).hex()}) for k in range(3)]
    if recorder.attempts(rows):
        os.write(1, f"{n + 2}\\n".encode())
    n += 3
"""


@pytest.fixture(autouse=True)
def logged():
    with structlog.testing.capture_logs() as entries:
        yield entries


def killed_after(folder, seconds):
    """Let a recorder work, kill it, and give the number of the last row that it acknowledged."""
    helpers = str(Path(__file__).resolve().parents[2])
    process = subprocess.Popen([sys.executable, "-c", PROGRAM, str(folder), helpers], stdout=subprocess.PIPE)
    first = process.stdout.readline()
    time.sleep(seconds)
    process.send_signal(signal.SIGKILL)
    out, _ = process.communicate()
    return int((first + out).split()[-1])


def test_whatever_was_acknowledged_outlives_the_process(tmp_path):
    last = killed_after(tmp_path, 0.3)
    torn = History.load(tmp_path)
    assert {row.incident_id for row in torn.rows(RowKind.ATTEMPTS)} >= {f"incident-{n}" for n in range(last + 1)}

    recorder = Recorder(RecorderSettings(folder=tmp_path, pod="operator-0"))
    newer = attempt(last).recorded_at + timedelta(minutes=1)
    recorder.attempts([attempt(last, recorded_at=newer), attempt(1_000_000)])
    recorder.close()

    whole = History.load(tmp_path, strict=True)
    found = [row.incident_id for row in whole.rows(RowKind.ATTEMPTS)]
    assert len(found) == len(set(found))
    assert set(found) >= {*(f"incident-{n}" for n in range(last + 1)), "incident-1000000"}


@pytest.mark.parametrize("cut", [1, 7, 20, 400, 5_000])
def test_half_a_member_is_cut_off_and_nothing_else(tmp_path, cut):
    noise = random.Random(cut)
    members = [gzip.compress(noise.randbytes(6_000), mtime=0) for _ in range(4)]
    path = tmp_path / "operator-0_20260131T120000Z_00001.jsonl.gz"
    path.write_bytes(b"".join(members)[:-cut])

    gone = mend(path)

    assert path.read_bytes() == b"".join(members[:3])
    assert gone == len(members[3]) - cut
    assert mend(path) == 0


def test_a_member_that_is_damaged_ends_the_file(tmp_path):
    members = [gzip.compress(b"one\n"), gzip.compress(b"two\n"), b"not gzip at all"]
    path = tmp_path / "f.jsonl.gz"
    path.write_bytes(b"".join(members))

    assert mend(path) == len(members[2])
    assert gzip.decompress(path.read_bytes()) == b"one\ntwo\n"


def test_only_the_last_file_of_the_pod_is_mended(tmp_path, logged):
    older = tmp_path / "operator-0_20260131T120000Z_00001.jsonl.gz"
    newer = tmp_path / "operator-0_20260131T130000Z_00001.jsonl.gz"
    other = tmp_path / "operator-1_20260131T140000Z_00001.jsonl.gz"
    for path in (older, newer, other):
        path.write_bytes(gzip.compress(b"")[:-3])

    recorder = Recorder(RecorderSettings(folder=tmp_path, pod="operator-0"))
    recorder.attempts([attempt(1)])
    recorder.close()

    assert [path.stat().st_size for path in (older, newer, other)] == [17, 0, 17]
    assert [entry["bytes"] for entry in logged if entry["event"] == "half-written rows were cut off"] == [17]
