"""What a kubelet and Prometheus see."""

import socket
import urllib.error
import urllib.request

import pytest
from kubernaut_operator.kernel import serving
from kubernaut_operator.kernel.controller import Controller, Result
from kubernaut_operator.kernel.metrics import KernelMetrics
from kubernaut_operator.kernel.resources import Key
from kubernaut_operator.kernel.serving import Endpoints
from prometheus_client import CollectorRegistry
from prometheus_client.parser import text_string_to_metric_families


@pytest.fixture
def wrong():
    return {"workers": "", "watches": ""}


@pytest.fixture
def registry():
    return CollectorRegistry()


@pytest.fixture
def ask(registry, wrong):
    endpoints = Endpoints(
        registry,
        host="127.0.0.1",
        port=0,
        healthy={"workers": lambda: wrong["workers"]},
        ready={"watches": lambda: wrong["watches"]},
    )
    endpoints.start()

    def get(path):
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{endpoints.port}{path}", timeout=5) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read().decode()

    yield get
    endpoints.end()


def test_all_is_well(ask):
    assert ask("/healthz") == (200, "+ workers\n")
    assert ask("/readyz") == (200, "+ watches\n")


def test_what_is_wrong_is_said(ask, wrong):
    wrong |= {"workers": "scale has had a key for 400 s", "watches": "deployments.apps not listed yet"}

    assert ask("/healthz") == (500, "- workers: scale has had a key for 400 s\n")
    assert ask("/readyz") == (503, "- watches: deployments.apps not listed yet\n")


def test_unknown_paths_are_told_what_there_is(ask):
    status, text = ask("/debug")

    assert status == 404
    assert "/metrics" in text


def test_metrics_carry_controller_runtime_names(ask, registry):
    controller = Controller("web", lambda _: Result(), workers=2, metrics=KernelMetrics(registry))
    controller.start()
    controller.queue.add(Key("shop", "web"))
    controller.queue.add(Key("shop", "web"))
    assert controller.end(limit_s=5)

    families = {family.name: family for family in text_string_to_metric_families(ask("/metrics")[1])}

    assert {
        "workqueue_depth",
        "workqueue_adds",
        "workqueue_retries",
        "workqueue_queue_duration_seconds",
        "workqueue_work_duration_seconds",
        "workqueue_unfinished_work_seconds",
        "workqueue_longest_running_processor_seconds",
        "controller_runtime_reconcile",
        "controller_runtime_reconcile_errors",
        "controller_runtime_reconcile_time_seconds",
        "controller_runtime_max_concurrent_reconciles",
    } <= set(families)
    assert families["workqueue_adds"].samples[0].value == 1


def test_a_connection_that_asks_nothing_is_closed(registry, monkeypatch):
    monkeypatch.setattr(serving._Quiet, "timeout", 0.1)
    endpoints = Endpoints(registry, host="127.0.0.1", port=0, healthy={}, ready={})
    endpoints.start()

    with socket.create_connection(("127.0.0.1", endpoints.port), timeout=5) as silent:
        assert silent.recv(1) == b""
    endpoints.end()
