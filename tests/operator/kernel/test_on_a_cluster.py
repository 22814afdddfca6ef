"""The kernel against a real API server: answers by kind, watches that outlive breaks, one leader."""

import threading
import time
from random import Random

import pytest
import structlog
from cluster.control_plane import api_ready
from kubernaut_operator.kernel.api import connect
from kubernaut_operator.kernel.events import EventRecorder
from kubernaut_operator.kernel.leadership import Leadership
from kubernaut_operator.kernel.resources import EVENTS, Key, Resource
from kubernaut_operator.kernel.watching import Watcher

from kubernaut.errors import (
    ApiError,
    ConflictError,
    ForbiddenError,
    LeadershipLostError,
    NotFoundError,
    UnreachableError,
)

pytestmark = [pytest.mark.xdist_group("cluster"), pytest.mark.cluster]

CONFIG_MAPS = Resource(group="", version="v1", plural="configmaps", kind="ConfigMap")


@pytest.fixture(autouse=True)
def logged():
    with structlog.testing.capture_logs() as entries:
        yield entries


@pytest.fixture
def api(cluster):
    return connect(str(cluster.layout.kubeconfig))


@pytest.fixture
def stopped_server(cluster):
    """Stop the API server as a hung one is stopped, and let it go on after the test."""
    process = cluster.processes.find("kube-apiserver")
    yield process.suspend
    process.resume()
    wait_until_ready(cluster)


def config_map(name, **data):
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": data}


def wait_until_ready(cluster):
    """Wait until the API server serves again what had piled up while it was stopped."""
    authority = cluster.layout.folder / "certificates" / "ca.crt"
    wait_for(lambda: api_ready(cluster.layout, authority), limit_s=60)


def wait_for(what, *, limit_s=20.0):
    deadline = time.monotonic() + limit_s
    while not what():
        assert time.monotonic() < deadline, "not in time"
        time.sleep(0.05)


def test_objects_come_and_go(api, namespace):
    made = api.create(CONFIG_MAPS, config_map("one", size="1"), namespace)
    read = api.get(CONFIG_MAPS, "one", namespace)
    assert read["data"] == {"size": "1"}

    api.replace(CONFIG_MAPS, {**read, "data": {"size": "2"}})
    with pytest.raises(ConflictError):
        api.replace(CONFIG_MAPS, {**read, "data": {"size": "3"}})
    assert api.patch(CONFIG_MAPS, "one", namespace, {"data": {"more": "4"}})["data"] == {"size": "2", "more": "4"}

    with pytest.raises(ConflictError):
        api.delete(CONFIG_MAPS, "one", namespace, uid="another")
    api.delete(CONFIG_MAPS, "one", namespace, uid=made["metadata"]["uid"])
    with pytest.raises(NotFoundError):
        api.get(CONFIG_MAPS, "one", namespace)


def test_a_list_comes_page_by_page(api, namespace):
    for number in range(7):
        api.create(CONFIG_MAPS, config_map(f"number-{number}"), namespace)

    found, version = api.list_all(CONFIG_MAPS, namespace, limit=2)

    names = {manifest["metadata"]["name"] for manifest in found}
    assert {f"number-{number}" for number in range(7)} <= names
    assert list(api.each(CONFIG_MAPS, namespace, limit=3)) == found
    assert {manifest["kind"] for manifest in found} == {"ConfigMap"}
    assert version.isdecimal()


def test_who_wants_names_gets_no_data(api, namespace):
    api.create(CONFIG_MAPS, config_map("large", text="x" * 100_000), namespace)

    found, version = api.list_all(CONFIG_MAPS, namespace, metadata_only=True)
    assert "large" in {manifest["metadata"]["name"] for manifest in found}
    assert not any("data" in manifest for manifest in found)

    api.patch(CONFIG_MAPS, "large", namespace, {"data": {"more": "1"}})
    event = next(api.watch(CONFIG_MAPS, namespace, resource_version=version, server_limit_s=30, silence_limit_s=30))
    assert (event["type"], event["object"]["metadata"]["name"]) == ("MODIFIED", "large")
    assert "data" not in event["object"]


def test_what_exists_already_is_a_conflict_with_its_reason(api, namespace):
    api.create(CONFIG_MAPS, config_map("one"), namespace)

    with pytest.raises(ConflictError) as raised:
        api.create(CONFIG_MAPS, config_map("one"), namespace)

    assert raised.value.reason == "AlreadyExists"


def test_a_name_cannot_reach_another_resource(api, namespace):
    with pytest.raises(ApiError) as raised:
        api.get(CONFIG_MAPS, "../secrets/one", namespace)

    assert raised.value.status in (400, 404)


def test_an_account_without_rights_is_refused(cluster, api, namespace, tmp_path):
    token = cluster.kubectl("create", "token", "default", "-n", namespace).strip()
    config = tmp_path / "kubeconfig"
    config.write_text(cluster.layout.kubeconfig.read_text())
    config.chmod(0o600)
    cluster.kubectl("config", "set-credentials", "nobody", f"--token={token}", f"--kubeconfig={config}")
    cluster.kubectl(
        "config", "set-context", "nobody", "--cluster=kubernaut-test", "--user=nobody", f"--kubeconfig={config}"
    )

    with pytest.raises(ForbiddenError, match="cannot list resource"):
        connect(str(config), context="nobody").list_all(CONFIG_MAPS, namespace)


def test_a_hung_server_is_unreachable_within_the_limit(api, namespace, stopped_server):
    stopped_server()
    began = time.monotonic()

    with pytest.raises(UnreachableError):
        api.get(CONFIG_MAPS, "one", namespace)

    assert time.monotonic() - began < 30


def test_a_watch_wakes_for_every_change(api, namespace):
    woken = []
    api.create(CONFIG_MAPS, config_map("before"), namespace)
    watcher = Watcher(api, CONFIG_MAPS, woken.append, namespace=namespace, random=Random(1))
    watcher.start()
    wait_for(lambda: watcher.synced)
    assert Key(namespace, "before") in woken

    woken.clear()
    api.create(CONFIG_MAPS, config_map("after"), namespace)
    wait_for(lambda: woken.count(Key(namespace, "after")) == 1)
    api.patch(CONFIG_MAPS, "after", namespace, {"data": {"a": "b"}})
    wait_for(lambda: woken.count(Key(namespace, "after")) == 2)
    api.delete(CONFIG_MAPS, "after", namespace)
    wait_for(lambda: woken.count(Key(namespace, "after")) == 3)
    watcher.end()


def test_a_watch_that_dies_silently_is_taken_up_again(api, namespace, cluster):
    woken = []
    watcher = Watcher(api, CONFIG_MAPS, woken.append, namespace=namespace, random=Random(2), silence_limit_s=1.5)
    watcher.start()
    wait_for(lambda: watcher.synced)
    server = cluster.processes.find("kube-apiserver")
    server.suspend()
    time.sleep(3)
    server.resume()
    wait_until_ready(cluster)
    woken.clear()

    api.create(CONFIG_MAPS, config_map("later"), namespace)

    wait_for(lambda: Key(namespace, "later") in woken)
    watcher.end()


def test_one_of_two_leads_and_the_other_follows_when_it_ends(api, namespace):
    lost = []
    replicas = [
        Leadership(api, namespace=namespace, name="operator", identity=name, on_lost=lambda: lost.append(1))
        for name in ("a", "b")
    ]
    for replica in replicas:
        replica.start()
    wait_for(lambda: any(replica.holds for replica in replicas))
    leader, other = sorted(replicas, key=lambda replica: not replica.holds)
    leader.check()
    with pytest.raises(LeadershipLostError):
        other.check()

    leader.end()

    assert not leader.holds
    assert other.wait(10)
    other.end()
    assert lost == []


def test_a_leader_that_cannot_renew_stops_writing_and_says_so(api, namespace, stopped_server):
    lost = threading.Event()
    leader = Leadership(api, namespace=namespace, name="operator", identity="a", on_lost=lost.set)
    leader.start()
    assert leader.wait(10)
    guarded = api.guarded(leader.check)
    guarded.create(CONFIG_MAPS, config_map("led"), namespace)

    stopped_server()

    wait_for(lambda: not leader.holds, limit_s=15)
    with pytest.raises(LeadershipLostError):
        guarded.create(CONFIG_MAPS, config_map("lost"), namespace)
    assert lost.wait(15)


def test_an_event_is_told_once_until_it_says_something_else(api, namespace, logged):
    about = api.create(CONFIG_MAPS, config_map("one"), namespace)
    about |= {"apiVersion": "v1", "kind": "ConfigMap"}
    recorder = EventRecorder(api, controller="kubernaut.io/test", instance="a")

    for note in ("blocked", "blocked", "goes on"):
        recorder.tell(about, reason="Blocked", note=note, action="Block")

    found, _ = api.list_all(EVENTS, namespace)
    assert sorted(event["note"] for event in found) == ["blocked", "goes on"], logged
