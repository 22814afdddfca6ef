"""Trouble with recording reaches the operator's pod as Events, each spell of it anew."""

import time

import pytest
import structlog
from helpers.rows import attempt
from kubernaut_operator.kernel.api import connect
from kubernaut_operator.kernel.events import EventRecorder
from kubernaut_operator.kernel.resources import EVENTS
from kubernaut_operator.recording.recorder import Recorder
from kubernaut_operator.recording.settings import RecorderSettings
from kubernaut_operator.recording.telling import tell_on_pod

pytestmark = [pytest.mark.xdist_group("cluster"), pytest.mark.cluster]


def events_of(api, namespace, pod):
    found, _ = api.list_all(EVENTS, namespace)
    about = sorted(found, key=lambda event: event["eventTime"])
    return [(event["type"], event["reason"]) for event in about if event["regarding"]["name"] == pod]


def test_each_spell_of_trouble_is_told_on_the_pod(cluster, namespace, tmp_path):
    api = connect(str(cluster.layout.kubeconfig))
    events = EventRecorder(api, controller="kubernaut.io/operator", instance="operator-0")
    pod = {"POD_NAME": "operator-0", "POD_NAMESPACE": namespace, "POD_UID": "1-2-3"}
    folder = tmp_path / "history"
    expected = []

    with structlog.testing.capture_logs():
        recorder = Recorder(RecorderSettings(folder=folder, pod="operator-0"), tell=tell_on_pod(events, pod))
        for number in range(2):
            folder.write_text("in the way")
            recorder.attempts([attempt(number)])
            expected.append(("Warning", "RecordingFails"))
            wait_for(lambda: events_of(api, namespace, "operator-0") == expected)
            folder.unlink()
            assert recorder.attempts([attempt(number)])
            expected.append(("Normal", "RecordingWorks"))
            wait_for(lambda: events_of(api, namespace, "operator-0") == expected)
            for path in folder.iterdir():
                path.unlink()
            folder.rmdir()
            time.sleep(1)
        recorder.close()


def test_outside_of_a_pod_the_log_tells(cluster):
    events = EventRecorder(connect(str(cluster.layout.kubeconfig)), controller="kubernaut.io/operator", instance="me")

    assert tell_on_pod(events, {"POD_NAME": "operator-0"}) is None


def wait_for(what, *, limit_s=20.0):
    until = time.monotonic() + limit_s
    while not what():
        assert time.monotonic() < until, "not in time"
        time.sleep(0.05)
