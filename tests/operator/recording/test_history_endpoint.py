"""The pod's history over loopback: listed, given whole and in parts, and nothing else of the volume."""

import gzip
import http.client
import json

import pytest
from kubernaut_operator.recording.serving import HOST, HistoryEndpoint

from kubernaut.errors import ApiError, InputError

POD = "kubernaut-operator-0"
NAME = f"{POD}_20260101T000000Z_00001.jsonl.gz"
TEXT = gzip.compress(b"one\n") + gzip.compress(b"two\n")


@pytest.fixture
def endpoint(tmp_path):
    folder = tmp_path / "history"
    folder.mkdir()
    (folder / NAME).write_bytes(TEXT)
    (folder / "kubernaut-operator-1_20260101T000000Z_00001.jsonl.gz").write_bytes(TEXT)
    (folder / "secret.txt").write_text("no", encoding="utf-8")
    made = HistoryEndpoint(folder, pod=POD, port=0, cluster=lambda: "cluster-1")
    made.start()
    yield made
    made.end()


@pytest.fixture
def ask(endpoint):
    connection = http.client.HTTPConnection(HOST, endpoint.port, timeout=5)

    def asked(path, **headers):
        connection.request("GET", path, headers=headers)
        response = connection.getresponse()
        return response.status, response.read()

    yield asked
    connection.close()


def test_only_the_pods_own_files_are_listed(ask):
    status, text = ask("/history")

    told = json.loads(text)
    assert status == 200
    assert (told["version"], told["cluster"], told["pod"]) == (1, "cluster-1", POD)
    assert [(one["name"], one["bytes"]) for one in told["files"]] == [(NAME, len(TEXT))]


def test_a_file_is_given_whole_and_in_parts_over_one_connection(ask):
    assert ask(f"/history/{NAME}") == (200, TEXT)
    assert ask(f"/history/{NAME}", Range="bytes=3-9") == (206, TEXT[3:10])
    assert ask(f"/history/{NAME}", Range=f"bytes={len(TEXT) - 4}-") == (206, TEXT[-4:])
    assert ask(f"/history/{NAME}", Range="bytes=0-9999") == (206, TEXT)


@pytest.mark.parametrize("asked", ["bytes=9999-", "bytes=5-4", "bytes=-5", "lines=0-1"])
def test_a_part_that_is_none_is_refused(ask, asked):
    assert ask(f"/history/{NAME}", Range=asked)[0] == 416


@pytest.mark.parametrize("path", ["/", "/history/", "/history/secret.txt", "/history/..%2Fhistory%2Fsecret.txt"])
def test_nothing_else_is_given(ask, path):
    status, text = ask(path)

    assert status == 404
    assert b"no\n" not in text


def test_nothing_recorded_yet_is_an_empty_list(tmp_path):
    def away():
        raise ApiError("no answer")

    endpoint = HistoryEndpoint(tmp_path / "none", pod=POD, port=0, cluster=away)

    assert endpoint.listing() == {"version": 1, "cluster": "", "pod": POD, "files": []}
    with pytest.raises(InputError, match="--history-port"):
        HistoryEndpoint(tmp_path, pod=POD, port=endpoint.port, cluster=away)
    endpoint.end()
