"""What is recorded can be read back, each file alone; what cannot be written costs rows and nothing else."""

import os
import shutil
import subprocess
import threading
import time
from datetime import UTC, datetime, timedelta

import pytest
import structlog
from helpers.rows import attempt, evaluation, execution, whole_run, workflow
from kubernaut_operator.recording.recorder import Recorder
from kubernaut_operator.recording.settings import RecorderSettings
from kubernaut_simulator.history.history import History

from kubernaut.errors import LeadershipLostError
from kubernaut.history.rows import RowKind
from kubernaut.identity import ConditionId, Level, Phase
from kubernaut.policy.compiled import CompiledPolicy

EXISTS = ConditionId("scale_deployment", Level.STEP, Phase.PRE, "deployment_exists")
SOURCE = "package precondition.x\n\nimport rego.v1\n\nallow if input.deployment_found\n"
POLICY = CompiledPolicy(
    name="x.rego", package="precondition.x", source=SOURCE, digest="digest-1", reads=(("deployment_found",),)
)
POD = "kubernaut-operator-0"


@pytest.fixture(autouse=True)
def logged():
    with structlog.testing.capture_logs() as entries:
        yield entries


@pytest.fixture
def recorders():
    made = []

    def make(folder, *, pod=POD, tell=None, may_write=None, **limits):
        recorder = Recorder(RecorderSettings(folder=folder, pod=pod, **limits), tell=tell, may_write=may_write)
        recorder.policies([(EXISTS, POLICY, False)])
        made.append(recorder)
        return recorder

    yield make
    for recorder in made:
        recorder.close()


def record_run(recorder, n):
    rows = whole_run(n)
    assert recorder.attempts(rows[:1])
    assert recorder.evaluations(rows[1:2])
    assert recorder.execution(rows[2])
    assert recorder.workflow(rows[3])


def files(folder):
    return sorted(path.name for path in folder.iterdir())


def counts(history):
    return {kind.value: history.table(kind).num_rows for kind in RowKind}


def test_what_is_recorded_is_read_back(tmp_path, recorders):
    recorder = recorders(tmp_path / "history")
    for n in range(3):
        record_run(recorder, n)
    assert recorder.close()

    history = History.load(tmp_path / "history", strict=True)

    assert counts(history) == {"attempts": 3, "evaluations": 3, "executions": 3, "workflows": 3, "policies": 1}
    assert list(history.rows(RowKind.ATTEMPTS)) == [attempt(n) for n in range(3)]
    (policy,) = history.rows(RowKind.POLICIES)
    assert (policy.source, policy.type) == (SOURCE, EXISTS.type)
    figures = recorder.figures()
    assert figures.written == {"attempts": 3, "evaluations": 3, "executions": 3, "workflows": 3, "policies": 1}
    assert (figures.dropped, figures.trouble, figures.files) == ({}, "", 1)
    (file,) = (tmp_path / "history").iterdir()
    assert figures.bytes_on_disk == figures.bytes_written == file.stat().st_size


def test_rows_are_there_before_it_answers(tmp_path, recorders):
    recorder = recorders(tmp_path)

    for n in range(5):
        assert recorder.attempts([attempt(n)])
        assert History.load(tmp_path, strict=True).attempts.num_rows == n + 1


def test_nothing_recorded_makes_no_file(tmp_path, recorders):
    recorder = recorders(tmp_path / "history")

    assert recorder.attempts([])
    recorder.close()

    assert not (tmp_path / "history").exists()


def test_a_restart_doubles_nothing_and_an_outcome_comes_later(tmp_path, recorders):
    first = recorders(tmp_path)
    first.execution(execution(1))
    first.workflow(workflow(1, outcome=None, outcome_source=None, outcome_at=None))
    first.close()

    second = recorders(tmp_path)
    record_run(second, 1)
    later = workflow(1).recorded_at + timedelta(hours=1)
    second.workflow(workflow(1, recorded_at=later))
    second.close()

    history = History.load(tmp_path, strict=True)
    assert counts(history) == {"attempts": 1, "evaluations": 1, "executions": 1, "workflows": 1, "policies": 1}
    assert [row.recorded_at for row in history.rows(RowKind.WORKFLOWS)] == [later]
    assert len(files(tmp_path)) == 2


def test_files_are_begun_anew_by_size_and_each_is_complete_in_itself(tmp_path, recorders):
    recorder = recorders(tmp_path, segment_bytes=2_000)
    for n in range(40):
        recorder.attempts([attempt(n)])
    recorder.close()

    assert len(files(tmp_path)) > 3
    for name in files(tmp_path):
        history = History.load(tmp_path / name, strict=True)
        assert history.policies.num_rows == 1
        assert next(iter(history.rows(RowKind.POLICIES))).digest == "digest-1"
    assert History.load(tmp_path, strict=True).attempts.num_rows == 40


def test_a_file_that_is_old_is_closed_and_another_begun(tmp_path, recorders):
    recorder = recorders(tmp_path, segment_age_s=0.05)
    recorder.attempts([attempt(1)])
    time.sleep(0.1)
    recorder.attempts([attempt(2)])

    assert len(files(tmp_path)) == 2


def test_the_oldest_files_go_when_there_are_too_many_and_it_is_said(tmp_path, recorders, logged):
    recorder = recorders(tmp_path, segment_bytes=2_000, total_bytes=8_000)
    for n in range(80):
        recorder.attempts([attempt(n)])
    recorder.close()

    figures = recorder.figures()
    assert figures.deleted > 3
    assert sum(path.stat().st_size for path in tmp_path.iterdir()) <= 8_000 + 1_000
    kept = [row.incident_id for row in History.load(tmp_path, strict=True).rows(RowKind.ATTEMPTS)]
    assert kept[-1] == "incident-79"
    assert "history was deleted for size or age" in {entry["event"] for entry in logged}
    assert figures.bytes_on_disk == sum(path.stat().st_size for path in tmp_path.iterdir())


def test_files_too_old_go_and_those_of_others_stay(tmp_path, recorders):
    first = recorders(tmp_path)
    first.attempts([attempt(1)])
    first.close()
    other = recorders(tmp_path, pod="kubernaut-operator-1")
    other.attempts([attempt(2)])
    other.close()
    long_ago = (datetime.now(UTC) - timedelta(days=500)).timestamp()
    for path in tmp_path.iterdir():
        os.utime(path, (long_ago, long_ago))
    (tmp_path / "notes.txt").write_text("mine")

    recorder = recorders(tmp_path)
    recorder.attempts([attempt(3)])

    left = files(tmp_path)
    assert len([name for name in left if name.startswith(f"{POD}_")]) == 1
    assert len([name for name in left if name.startswith("kubernaut-operator-1_")]) == 1
    assert "notes.txt" in left


def test_a_person_s_machine_names_its_files_too(tmp_path, recorders):
    recorder = recorders(tmp_path, pod="Anna_s-MacBook.local", segment_bytes=10, total_bytes=3_000)
    for n in range(5):
        recorder.attempts([attempt(n)])

    assert all(name.startswith("anna-s-macbook.local_") for name in files(tmp_path))
    assert recorder.figures().deleted > 0


def test_a_file_that_somebody_deletes_is_begun_anew(tmp_path, recorders):
    recorder = recorders(tmp_path)
    recorder.attempts([attempt(1)])
    shutil.rmtree(tmp_path)

    assert recorder.attempts([attempt(2)])

    history = History.load(tmp_path, strict=True)
    assert counts(history)["attempts"] == 1
    assert counts(history)["policies"] == 1


def test_a_row_that_is_no_json_costs_itself(tmp_path, recorders):
    recorder = recorders(tmp_path)

    assert not recorder.attempts([attempt(1, facts={"x": float("nan")}), attempt(2)])

    assert History.load(tmp_path, strict=True).attempts.num_rows == 1
    assert recorder.figures().dropped == {"unwritable": 1}


def test_only_the_leader_records(tmp_path, recorders):
    def may_write():
        raise LeadershipLostError("b leads")

    recorder = recorders(tmp_path / "history", may_write=may_write)

    with pytest.raises(LeadershipLostError):
        recorder.attempts([attempt(1)])
    assert not (tmp_path / "history").exists()


def test_many_threads_record_at_once(tmp_path, recorders):
    recorder = recorders(tmp_path)

    def record(thread):
        for n in range(25):
            assert recorder.attempts([attempt(100 * thread + n)])

    threads = [threading.Thread(target=record, args=(thread,)) for thread in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    recorder.close()

    assert History.load(tmp_path, strict=True).attempts.num_rows == 200


def test_a_folder_that_cannot_be_written_is_told_once_and_blocks_nobody(tmp_path, recorders, logged):
    told = []
    (tmp_path / "history").write_text("a file is in the way")
    recorder = recorders(tmp_path / "history", tell=lambda **said: told.append(said))

    began = time.monotonic()
    assert not any(recorder.attempts([attempt(n)]) for n in range(20))
    assert time.monotonic() - began < 2
    (tmp_path / "history").unlink()
    assert recorder.attempts([attempt(20)])

    figures = recorder.figures()
    assert (figures.dropped, figures.written["attempts"]) == ({"disk_error": 20}, 1)
    until = time.monotonic() + 5
    while len(told) < 2:
        assert time.monotonic() < until
        time.sleep(0.01)
    assert [said["reason"] for said in told] == ["RecordingFails", "RecordingWorks"]
    assert told[0]["warning"]
    assert "Remediations go on" in told[0]["note"]
    assert told[1]["note"].startswith("history is written again since 20")
    assert told[1]["note"].endswith("Z; 20 rows were lost")
    assert len([entry for entry in logged if entry["log_level"] == "error"]) == 1


def test_a_disk_that_hangs_holds_nobody_up_for_longer_than_once(tmp_path, recorders, monkeypatch):
    recorder = recorders(tmp_path, wait_s=0.2, waiting_bytes=20_000)
    hangs = threading.Event()
    real = os.write
    monkeypatch.setattr("kubernaut_operator.recording.segment.os.write", lambda *a: hangs.wait(30) and real(*a))

    began = time.monotonic()
    assert not any(recorder.attempts([attempt(n)]) for n in range(60))
    assert time.monotonic() - began < 1.0
    assert recorder.figures().dropped["too_slow"] > 10
    hangs.set()

    until = time.monotonic() + 10
    while not recorder.attempts([attempt(99)]):
        assert time.monotonic() < until
        time.sleep(0.01)
    recorder.close()
    dropped = recorder.figures().dropped["too_slow"]
    assert History.load(tmp_path, strict=True).attempts.num_rows >= 61 - dropped


@pytest.fixture
def small_disk(tmp_path):
    disk = tmp_path / "disk"
    disk.mkdir()
    if os.geteuid() != 0 or shutil.which("mount") is None:
        pytest.skip("a small disk is mounted by root alone")
    made = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(disk)], capture_output=True, text=True, check=False
    )
    if made.returncode:
        pytest.skip(f"no small disk can be mounted here: {made.stderr}")
    yield disk
    subprocess.run(["umount", "--lazy", str(disk)], check=True)


def test_a_full_disk_costs_rows_and_recovers(small_disk, recorders):
    told = []
    recorder = recorders(small_disk / "history", tell=lambda **said: told.append(said["note"]))
    filler = small_disk / "somebody-elses"
    assert recorder.attempts([attempt(0)])
    filler.write_bytes(os.urandom(36_000))

    written = [recorder.evaluations([evaluation(n, message=os.urandom(2000).hex())]) for n in range(1, 30)]
    assert written.count(True) > 0
    assert written[-1] is False
    assert recorder.figures().dropped == {"disk_full": written.count(False)}
    assert "No space left on device" in recorder.figures().trouble
    assert History.load(small_disk / "history", strict=True).evaluations.num_rows == written.count(True)

    filler.unlink()
    assert recorder.attempts([attempt(31)])
    assert recorder.figures().trouble == ""
    recorder.close()
    history = History.load(small_disk / "history", strict=True)
    assert (history.attempts.num_rows, history.evaluations.num_rows) == (2, written.count(True))


def test_its_own_files_never_fill_the_volume(small_disk, recorders):
    recorder = recorders(small_disk / "history", segment_bytes=8_000)

    assert all(recorder.evaluations([evaluation(n, message=os.urandom(1000).hex())]) for n in range(100))

    assert recorder.figures().dropped == {}
    assert recorder.figures().deleted > 3


def test_in_quiet_hours_an_old_file_is_closed_and_what_is_too_old_goes(tmp_path, recorders, monkeypatch):
    monkeypatch.setattr("kubernaut_operator.recording.recorder.TIDY_EVERY_S", 0.05)
    recorder = recorders(tmp_path, segment_age_s=0.01, keep_s=0.5)
    recorder.attempts([attempt(1)])

    until = time.monotonic() + 10
    while files(tmp_path):
        assert time.monotonic() < until
        time.sleep(0.02)
    assert (recorder.figures().deleted, recorder.figures().files) == (1, 0)
    assert recorder.attempts([attempt(2)])
