"""The worker program and its frames, in this process: what it answers to right and wrong requests."""

import json
import socket
import struct
import threading
import time

import pytest
from helpers.policy_inputs import HEADER as H

from kubernaut.policy.worker import __main__ as command
from kubernaut.policy.worker import frames, program
from kubernaut.policy.worker.frames import FrameError, receive_frame, send_frame

SOURCE = H + "allow if input.a == 1\n\nallow if {\n\tinput.slow\n\tcount(numbers.range(1, 1000000)) == 7\n}\n"
LOAD = {
    "kind": "load",
    "digest": "d",
    "package": "condition.example",
    "files": ["p.rego"],
    "has_error_message": False,
    "has_fatal": False,
    "builtins": [],
    "wall_time_s": 5.0,
}
JUDGE = {"kind": "judge", "digest": "d", "wall_time_s": 5.0, "careful": False}


@pytest.fixture
def sides():
    ours, theirs = socket.socketpair()
    ours.settimeout(10)
    with ours, theirs:
        yield ours, theirs


@pytest.fixture
def worker(sides):
    ours, theirs = sides
    ended = []

    def serve():
        with theirs:
            program.Worker(theirs, memory_mib=100_000, end=ended.append).serve()

    thread = threading.Thread(target=serve)
    thread.start()
    yield ours, ended
    ours.close()
    thread.join()


def ask(connection, header, *texts):
    send_frame(connection, header, texts)
    return receive_frame(connection).header


def test_a_conversation(worker):
    connection, _ = worker

    assert ask(connection, {"kind": "hello"})["protocol"] == frames.PROTOCOL
    assert ask(connection, JUDGE, "{}")["kind"] == "unknown_policy"
    assert ask(connection, LOAD, SOURCE)["kind"] == "loaded"
    answers = ask(connection, JUDGE, '{"a":1}', '{"a":2}', '{"a":1}')
    assert (answers["answers"], answers["last"]) == ([0, 1, 0], True)
    assert [one[0] for one in answers["dictionary"]] == ["Passed", "Failed"]
    assert ask(connection, {"kind": "sing"}) == {"kind": "refused", "message": "unknown request 'sing'", "sizes": []}


def test_careful_means_one_answer_at_a_time(worker):
    connection, _ = worker
    ask(connection, LOAD, SOURCE)
    send_frame(connection, {**JUDGE, "careful": True}, ['{"a":1}', '{"a":2}'])
    headers = [receive_frame(connection).header for _ in range(3)]

    assert [len(header["answers"]) for header in headers] == [1, 1, 0]
    assert [header["last"] for header in headers] == [False, False, True]


def test_a_policy_that_does_not_compile_is_refused(worker):
    connection, _ = worker

    assert ask(connection, LOAD, "package a\nallow := := 1")["kind"] == "refused"
    plan = {"kind": "plan", "package": "a", "files": ["a.rego"], "wall_time_s": 5.0}
    assert ask(connection, plan, "package a\nallow := := 1")["kind"] == "build_error"
    assert ask(connection, plan, "package a\nallow := true")["plan"]["funcs"]


def test_policies_beyond_the_kept_ones_are_forgotten(worker, monkeypatch):
    connection, _ = worker
    monkeypatch.setattr(program, "POLICIES_KEPT", 1)
    ask(connection, LOAD, SOURCE)
    ask(connection, {**LOAD, "digest": "e"}, SOURCE)

    assert ask(connection, JUDGE, "{}")["kind"] == "unknown_policy"


def test_the_watchdog_hands_over_what_was_judged_and_ends_the_process(worker):
    connection, ended = worker
    ask(connection, LOAD, SOURCE)
    send_frame(connection, {**JUDGE, "wall_time_s": 0.05}, ['{"a":1}', '{"slow":true}'])
    headers = []
    while not headers or headers[-1]["kind"] != "over_limit":
        headers.append(receive_frame(connection).header)
    deadline = time.monotonic() + 5
    while not ended and time.monotonic() < deadline:
        time.sleep(0.01)

    assert sum(len(header.get("answers", ())) for header in headers) == 1
    assert headers[-1]["limit"] == "time"
    assert ended == [program.EXIT_OVER_LIMIT]


def test_the_watchdog_knows_memory(sides):
    _, theirs = sides
    worker = program.Worker(theirs, memory_mib=1, end=lambda code: None)

    assert worker._exceeded(time.monotonic() + 100) == "memory"
    assert program.resident_mib() > 1


@pytest.mark.parametrize(
    "rubbish", [b"x" * 8, struct.pack("!II", 8, 100) + b"x" * 4, struct.pack("!II", 8, 4) + b"{}xx"]
)
def test_rubbish_ends_the_conversation(worker, rubbish):
    connection, _ = worker
    connection.sendall(rubbish)
    connection.shutdown(socket.SHUT_WR)
    try:
        end = connection.recv(1)
    except ConnectionResetError:
        # What the worker had not read when it closed.
        end = b""

    assert end == b""


def test_frames_keep_texts_apart(sides):
    ours, theirs = sides
    send_frame(ours, {"kind": "x"}, ["é", "", '{"a": "b"}'])
    frame = receive_frame(theirs)

    assert frame.texts == ["é", "", '{"a": "b"}']
    assert frame.header["kind"] == "x"


def test_frames_have_a_size_limit(sides, monkeypatch):
    ours, theirs = sides
    monkeypatch.setattr(frames, "MAX_FRAME_BYTES", 100)
    with pytest.raises(FrameError, match="larger than 100"):
        send_frame(ours, {"kind": "x"}, ["y" * 100])
    ours.sendall(struct.pack("!II", 101, 1))
    with pytest.raises(FrameError, match="out of bounds"):
        receive_frame(theirs)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (json.dumps({"sizes": [3]}).encode() + b"ab", "do not add up"),
        (json.dumps({}).encode(), "cannot be read"),
        (json.dumps({"sizes": [1]}).encode() + b"\xff", "cannot be read"),
    ],
)
def test_broken_frames(sides, body, message):
    ours, theirs = sides
    head = body.index(b"}") + 1
    ours.sendall(struct.pack("!II", len(body) + 4, head) + body)

    with pytest.raises(FrameError, match=message):
        receive_frame(theirs)


def test_a_frame_that_breaks_off(sides):
    ours, theirs = sides
    ours.sendall(struct.pack("!II", 100, 10) + b"{")
    ours.close()

    with pytest.raises(FrameError, match="in the middle of a frame"):
        receive_frame(theirs)


def test_the_command_serves_an_inherited_socket(sides, monkeypatch):
    ours, theirs = sides
    monkeypatch.setattr("kubernaut.policy.worker.program.refuse_core_files", lambda: None)
    thread = threading.Thread(target=command.main, args=([f"--fd={theirs.detach()}", "--memory-mib=100000"],))
    thread.start()

    assert ask(ours, {"kind": "hello"})["kind"] == "hello"
    ours.close()
    thread.join(5)
    assert not thread.is_alive()


def test_the_command_listens(tmp_path, monkeypatch):
    path = tmp_path / "policy.sock"
    path.write_text("left over")
    thread = threading.Thread(target=command.listen, args=(path,), kwargs={"memory_mib": 200, "connections": 1})
    thread.start()
    deadline = time.monotonic() + 10
    while not path.is_socket() and time.monotonic() < deadline:
        time.sleep(0.01)
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(20)
        while connection.connect_ex(str(path)) and time.monotonic() < deadline:
            time.sleep(0.01)
        assert ask(connection, {"kind": "hello"})["kind"] == "hello"
    thread.join(10)

    assert not thread.is_alive()


def test_the_command_wants_to_know_where(capsys):
    with pytest.raises(SystemExit):
        command.main([])

    assert "--fd" in capsys.readouterr().err
