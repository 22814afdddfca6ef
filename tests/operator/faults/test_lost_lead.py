"""A leader stopped for longer than its lease and continued: another leads, and not one write of the first follows."""

import time

import pytest
from helpers.faulty_api import FaultyApi

pytestmark = [pytest.mark.xdist_group("control-plane"), pytest.mark.cluster, pytest.mark.slow]

TAKEN_OVER_LIMIT_S = 60.0


@pytest.fixture
def another_proxy(cluster, authority):
    with FaultyApi(cluster.layout.server, authority) as running:
        yield running


def leads(operator):
    return any(entry.get("event") == "leads" for entry in operator.log())


def test_no_write_follows_the_loss(proxy, another_proxy, make_operator, shop):
    first = make_operator("--sweep-interval=1", elect=True).start()
    first.wait_for_log("leads", limit_s=TAKEN_OVER_LIMIT_S)
    second = make_operator(elect=True, proxy=another_proxy).start()
    shop.deploy("left", "middle")
    # One waits for its Job, one is in the middle of being judged when everything stops.
    shop.kubelet.paused.set()
    shop.scale("left")
    shop.wait_phase("left", "running")
    proxy.pause()
    shop.scale("middle")
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
    first.resume()
    first.wait_for_log("lead lost")

    deadline = time.monotonic() + 10.0
    while first.runs and time.monotonic() < deadline:
        time.sleep(0.1)
    assert first.exit_code not in (None, 0)
    assert proxy.changes[written:] == []
    assert [one for one in proxy.writes if one.at > stopped_at + 15.0 and "/leases/" not in one.path] == []
    assert len(shop.kubelet.performed) == 2
    assert shop.locks() == []
    assert second.ask("/healthz")[0] == 200
