"""A process of the kernel's own: it listens, works, drains when asked, and says when a worker is stuck."""

import json
import re
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request

import pytest

PROGRAM = """
import sys, time
from kubernaut_operator.kernel.controller import Controller, Result
from kubernaut_operator.kernel.logs import log_as_json
from kubernaut_operator.kernel.manager import Manager
from kubernaut_operator.kernel.metrics import KernelMetrics
from kubernaut_operator.kernel.resources import Key
from prometheus_client import CollectorRegistry

work_s = float(sys.argv[1])

def reconcile(key):
    time.sleep(work_s)
    print("done", flush=True)
    return Result()

log_as_json()
registry = CollectorRegistry()
controller = Controller("web", reconcile, workers=1, metrics=KernelMetrics(registry))
manager = Manager(
    registry=registry, controllers=[controller], watchers=[], leadership=None, host="127.0.0.1", port=0, stuck_s=0.3
)
controller.queue.add(Key("shop", "web"))
sys.exit(manager.run())
"""


@pytest.fixture
def started():
    running = []

    def start(work_s):
        process = subprocess.Popen(
            [sys.executable, "-c", PROGRAM, str(work_s)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        running.append(process)
        first = json.loads(process.stderr.readline())
        assert first["event"] == "listening"
        return process, first["port"]

    yield start
    for process in running:
        process.kill()
        process.communicate()


def ask(port, path):
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=5) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()


def test_it_finishes_the_work_in_hand_when_asked_to_end(started):
    process, port = started(1.0)
    assert ask(port, "/readyz")[0] == 200
    deadline = time.monotonic() + 20
    while not re.search(r"workqueue_unfinished_work_seconds\{.*\} 0*\.?0*[1-9]", ask(port, "/metrics")[1]):
        assert time.monotonic() < deadline
        time.sleep(0.02)

    process.send_signal(signal.SIGTERM)
    out, err = process.communicate(timeout=30)

    assert (process.returncode, out) == (0, "done\n")
    assert [json.loads(line)["event"] for line in err.splitlines()] == ["draining", "ended"]


def test_a_stuck_worker_makes_it_unhealthy(started):
    _, port = started(60.0)
    deadline = time.monotonic() + 20
    while ask(port, "/healthz")[0] == 200:
        assert time.monotonic() < deadline
        time.sleep(0.05)

    status, text = ask(port, "/healthz")

    assert status == 500
    assert "web has had a key for" in text
