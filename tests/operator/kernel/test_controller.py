"""What a reconcile's end makes of its key."""

import threading

import pytest
import structlog
from kubernaut_operator.kernel.controller import Controller, Result
from kubernaut_operator.kernel.metrics import KernelMetrics
from kubernaut_operator.kernel.resources import Key
from prometheus_client import CollectorRegistry

from kubernaut.errors import BusyError, ConflictError, LeadershipLostError

KEY = Key("shop", "web")


@pytest.fixture
def registry():
    return CollectorRegistry()


@pytest.fixture(autouse=True)
def logged():
    with structlog.testing.capture_logs() as entries:
        yield entries


def reconciles(registry, *outcomes):
    """Run a controller over outcomes, each an error to raise or a Result, and give it when all were used."""
    left = list(outcomes)
    used_up = threading.Event()

    def reconcile(key):
        outcome = left.pop(0)
        if not left:
            used_up.set()
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    controller = Controller("web", reconcile, workers=2, metrics=KernelMetrics(registry))
    controller.start()
    controller.queue.add(KEY)
    assert used_up.wait(10)
    assert controller.end(limit_s=5)
    return controller


def count(registry, result):
    return registry.get_sample_value("controller_runtime_reconcile_total", {"controller": "web", "result": result})


def test_a_conflict_is_tried_again_and_is_no_error(registry):
    reconciles(registry, ConflictError("somebody wrote", status=409), Result())

    assert (count(registry, "requeue"), count(registry, "success")) == (1, 1)
    assert registry.get_sample_value("controller_runtime_reconcile_errors_total", {"controller": "web"}) is None


def test_a_mistake_of_ours_is_logged_with_its_trace_and_tried_again(registry, logged):
    reconciles(registry, ZeroDivisionError("ours"), Result())

    assert (count(registry, "error"), count(registry, "success")) == (1, 1)
    assert [entry["event"] for entry in logged if entry.get("exc_info")] == ["reconcile raised"]


def test_a_busy_server_is_given_the_time_it_asked_for(registry):
    reconciles(registry, BusyError("busy", status=429, retry_after_s=0.2), Result())

    assert (count(registry, "error"), count(registry, "success")) == (1, 1)


def test_again_after_comes_again(registry):
    reconciles(registry, Result(again_after_s=0.05), Result())

    assert (count(registry, "requeue_after"), count(registry, "success")) == (1, 1)


def test_what_was_left_undone_between_two_renewals_is_taken_up_again(registry):
    controller = reconciles(registry, LeadershipLostError("not sure"), Result())

    assert (count(registry, "error"), count(registry, "success")) == (1, 1)
    assert controller.queue.figures().retries == 1
