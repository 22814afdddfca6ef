"""The proxy that makes faults is itself held to the kernel and a real API server."""

import threading
import time
from http import HTTPStatus
from random import Random

import pytest
from helpers.faulty_api import Cut, Fault, FaultyApi
from kubernaut_operator.kernel.api import connect
from kubernaut_operator.kernel.resources import Resource
from kubernaut_operator.kernel.watching import Watcher

from kubernaut.errors import BusyError, ConflictError, UnreachableError

pytestmark = [pytest.mark.xdist_group("control-plane"), pytest.mark.cluster]

CONFIG_MAPS = Resource(group="", version="v1", plural="configmaps", kind="ConfigMap")


@pytest.fixture
def proxy(cluster):
    with FaultyApi(cluster.layout.server, cluster.layout.folder / "certificates" / "ca.crt") as running:
        yield running


@pytest.fixture
def api(cluster, namespace, proxy, tmp_path):
    cluster.kubectl(
        "create", "rolebinding", "edit", "--clusterrole=edit", f"--serviceaccount={namespace}:default", "-n", namespace
    )
    token = cluster.kubectl("create", "token", "default", "-n", namespace).strip()
    return connect(str(proxy.kubeconfig(tmp_path / "kubeconfig", token=token)))


def config_map(name):
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": {}}


def wait_for(what, *, limit_s=20.0):
    deadline = time.monotonic() + limit_s
    while not what():
        assert time.monotonic() < deadline, "not in time"
        time.sleep(0.05)


def test_writes_are_kept_in_order_and_reads_are_not_among_them(api, proxy, namespace):
    api.create(CONFIG_MAPS, config_map("one"), namespace)
    api.get(CONFIG_MAPS, "one", namespace)
    api.delete(CONFIG_MAPS, "one", namespace)

    assert [(write.number, write.method, write.status) for write in proxy.writes] == [
        (0, "POST", 201),
        (1, "DELETE", 200),
    ]
    assert proxy.writes[0].answer["metadata"]["uid"]
    assert [write.number for write in proxy.changes] == [0, 1]


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (Fault(status=HTTPStatus.CONFLICT, reason="Conflict"), ConflictError),
        (Fault(status=HTTPStatus.TOO_MANY_REQUESTS, retry_after_s=7), BusyError),
        (Fault(status=HTTPStatus.INTERNAL_SERVER_ERROR), BusyError),
        (Fault(cut=Cut.BEFORE), UnreachableError),
    ],
)
def test_a_fault_keeps_a_write_from_the_server(api, proxy, namespace, fault, error):
    proxy.fault_of = lambda request: fault if request.writes else None

    with pytest.raises(error) as raised:
        api.create(CONFIG_MAPS, config_map("one"), namespace)

    assert proxy.changes == []
    assert getattr(raised.value, "retry_after_s", None) == fault.retry_after_s


def test_a_connection_cut_after_the_write_leaves_it_done(api, proxy, namespace):
    proxy.fault_of = lambda request: Fault(cut=Cut.AFTER) if request.writes else None

    with pytest.raises(UnreachableError):
        api.create(CONFIG_MAPS, config_map("one"), namespace)

    assert [str(write) for write in proxy.changes] == [f"0: POST /api/v1/namespaces/{namespace}/configmaps -> 201"]


def test_a_silenced_watch_stays_open_and_says_nothing(api, proxy, namespace):
    woken = []
    watcher = Watcher(api, CONFIG_MAPS, woken.append, namespace=namespace, random=Random(1), silence_limit_s=3.0)
    watcher.start()
    wait_for(lambda: any(request.watches and request.status for request in proxy.requests))
    api.create(CONFIG_MAPS, config_map("heard"), namespace)
    wait_for(lambda: any(key.name == "heard" for key in woken))

    proxy.silence_watches()
    api.create(CONFIG_MAPS, config_map("missed"), namespace)
    time.sleep(1.0)
    assert not any(key.name == "missed" for key in woken)

    wait_for(lambda: any(key.name == "missed" for key in woken))
    watcher.end()


def test_a_paused_proxy_lets_nothing_through(api, proxy, namespace):
    proxy.pause()
    creating = threading.Thread(target=api.create, args=(CONFIG_MAPS, config_map("one"), namespace), daemon=True)
    creating.start()
    time.sleep(0.5)
    assert proxy.changes == []

    proxy.resume()
    creating.join(timeout=10)
    assert len(proxy.changes) == 1
