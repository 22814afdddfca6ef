"""A leader stopped for longer than its lease and continued: another leads, and not one write of the first follows.

It is stopped in the middle of executions and of whole workflows, which the other one brings to their end.
"""

import time

import pytest
from helpers.faulty_api import FaultyApi
from helpers.workflow_stories import END, EXECUTIONS, RECORDED, story_of
from helpers.workflow_write_invariants import check_workflow_writes

pytestmark = [pytest.mark.xdist_group("control-plane"), pytest.mark.cluster, pytest.mark.slow]

TAKEN_OVER_LIMIT_S = 60.0


@pytest.fixture
def another_proxy(cluster, authority):
    with FaultyApi(cluster.layout.server, authority) as running:
        yield running


@pytest.fixture
def two_operators(make_operator, another_proxy):
    """One that leads, one that waits for the lead, and the proxy of its own that this one is behind."""
    first = make_operator("--sweep-interval=1", elect=True).start()
    first.wait_for_log("leads", limit_s=TAKEN_OVER_LIMIT_S)
    return first, make_operator(elect=True, proxy=another_proxy).start(), another_proxy


def has_phase(phase):
    return lambda found: (found.get("status") or {}).get("phase") == phase


def runs_beside(found):
    steps = (found.get("status") or {}).get("stepStatuses") or ()
    return [step["phase"] for step in steps][:2] == ["running", "running"]


def test_no_write_follows_the_loss(proxy, two_operators, shop, stories, history):
    first, second, another_proxy = two_operators
    workflows = ("taken-back-left", "in-order-left", "in-order-middle")
    shop.deploy("left", "middle")
    stories.prepare(*workflows)
    # Each waits for a Job: a step that is taken back, two beside each other, an execution of its own.
    stories.begin("taken-back-left")
    stories.wait_until("taken-back-left", has_phase("rolling_back"))
    shop.kubelet.paused.set()
    stories.begin("in-order-left")
    stories.wait_until("in-order-left", runs_beside)
    shop.scale("left")
    shop.wait_phase("left", "running")
    # Some are in the middle of being judged when everything stops.
    proxy.pause()
    shop.scale("middle")
    stories.begin("in-order-middle")
    time.sleep(1.0)
    first.suspend()
    stopped_at = time.monotonic()
    proxy.resume()
    time.sleep(1.0)
    written = len(proxy.changes)
    shop.kubelet.paused.clear()

    second.wait_for_log("leads", limit_s=TAKEN_OVER_LIMIT_S)
    for target in ("left", "middle"):
        assert shop.cleaned(target)["status"]["phase"] == "succeeded"
        assert (len(shop.jobs(target)), shop.replicas(target)) == (1, 3)
    stories.wait(*workflows)
    for name in workflows:
        assert stories.end(name) == END[story_of(name)], name
    first.resume()
    first.wait_for_log("lead lost")

    deadline = time.monotonic() + 10.0
    while first.runs and time.monotonic() < deadline:
        time.sleep(0.1)
    assert first.exit_code not in (None, 0)
    assert proxy.changes[written:] == []
    assert [one for one in proxy.writes if one.at > stopped_at + 15.0 and "/leases/" not in one.path] == []
    made = check_workflow_writes(sorted([*proxy.changes, *another_proxy.changes], key=lambda one: one.at))
    executions = {name: EXECUTIONS[story_of(name)] for name in workflows}
    assert {name: len(made[stories.uid(name)]) for name in workflows} == executions
    assert len(shop.kubelet.performed) == 2 + sum(executions.values())
    assert shop.locks() == []
    assert second.ask("/healthz")[0] == 200
    second.stop()
    recorded = history(first, second)
    for name in workflows:
        assert stories.recorded(name, recorded) == RECORDED[story_of(name)], name
