"""The API server hangs while runs are each in a phase of their own, and goes on; and watches that die without a word."""

import time

import pytest
from helpers.held_requests import Held, Point

pytestmark = [pytest.mark.xdist_group("control-plane"), pytest.mark.cluster]

STAYS = {
    "type": "stays",
    "timeout": "90s",
    "holdFor": "1s",
    "pollInterval": "1s",
    "rego": "package mine\nimport rego.v1\nallow if input.current_replicas == 3",
}


def is_store(phase):
    return lambda request, _: (
        request.method == "PUT" and request.path.endswith("/status") and request.body["status"].get("phase") == phase
    )


def is_write(method, ending):
    return lambda request, _: request.method == method and ending in request.path and request.may_change


EARLY = {
    "checks": is_store("validating"),
    "lock": is_write("POST", "/leases"),
    "dry-run": lambda request, _: request.query.get("dryRun") == "All",
    "job": is_write("POST", "/jobs"),
    "running": lambda request, _: request.method == "GET" and "/jobs/" in request.path,
}
LATE = {
    "verifying": is_store("verifying"),
    "result": is_store("succeeded"),
    "unlock": is_write("DELETE", "/leases"),
    "cleaning": lambda request, before: request.method == "PATCH" and "finalizers" in str(request.body) and before > 5,
}


@pytest.fixture
def server(cluster):
    """The API server's process; it goes on after the test at the latest."""
    process = cluster.processes.find("kube-apiserver")
    yield process
    process.resume()


class Outages:
    """Has the API server hang while each of several runs has a request on its way."""

    def __init__(self, proxy, shop, server):
        self.proxy, self.shop, self.server = proxy, shop, server

    def strike(self, points, *, away_s):
        """Give those of the runs, by name, that were met where they should be."""
        held = Held(self.shop.whose, {name: Point(is_it=is_it) for name, is_it in points.items()}, cut=False)
        self.shop.deploy(*points)
        self.proxy.fault_of = held.fault_of
        late = [name for name in points if name.partition("-")[2].partition("-")[2] in LATE]
        self._scale(*late)
        for name in late:
            self.shop.wait(name, until=lambda found: found.get("status", {}).get("job"))
        self._scale(*(name for name in points if name not in late))
        met = held.wait()
        self.server.suspend()
        held.strike()
        time.sleep(away_s)
        self.server.resume()
        return met

    def _scale(self, *names):
        # Its pod waits for the server, too.
        self.shop.scale(*names, postConditions=[STAYS], timeout="10m")


@pytest.fixture
def outages(proxy, shop, server):
    return Outages(proxy, shop, server)


@pytest.mark.parametrize(("away_s", "rounds"), [(12.0, 4), pytest.param(65.0, 1, marks=pytest.mark.slow)])
def test_the_server_hangs_in_each_phase(operator, outages, shop, away_s, rounds):
    left = EARLY | LATE
    for number in range(rounds):
        points = {f"round-{number}-{name}": is_it for name, is_it in left.items()}
        met = outages.strike(points, away_s=away_s)

        for name in points:
            found = shop.cleaned(name, limit_s=120)
            outcome = (found["status"]["phase"], found["status"]["message"], shop.replicas(name))
            assert outcome == ("succeeded", "replicas 2 -> 3", 3), name
            assert len(shop.jobs(name)) == 1, name
        left = {name: is_it for name, is_it in left.items() if f"round-{number}-{name}" not in met}
        if not left:
            break
    # The long one meets those that it meets.
    assert rounds == 1 or not left, "never met there"
    assert operator.ask("/healthz")[0] == 200
    assert len(shop.kubelet.performed) == len(shop.whose.words)
    assert shop.locks() == []


def test_a_run_ends_although_its_watches_died(proxy, operator, shop):
    shop.deploy("unheard")
    shop.kubelet.paused.set()
    shop.scale("unheard")
    shop.wait_phase("unheard", "running")
    proxy.silence_watches()
    shop.kubelet.paused.clear()

    assert shop.cleaned("unheard")["status"]["phase"] == "succeeded"
    assert len(shop.jobs("unheard")) == 1


@pytest.mark.slow
def test_a_run_begins_although_its_watch_died(proxy, operator, shop):
    shop.deploy("unheard")
    proxy.silence_watches()
    shop.scale("unheard")

    assert shop.cleaned("unheard", limit_s=150)["status"]["phase"] == "succeeded"
