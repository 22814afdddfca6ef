"""What a look asks of the API server, and what it makes of an API server that is not well."""

import time

import pytest
from helpers.faulty_api import Cut, Fault, FaultyApi
from kubernaut_operator.kernel.api import connect
from kubernaut_operator.live_facts import kinds
from kubernaut_operator.live_facts.fetching import Deadline, see
from kubernaut_operator.live_facts.question import Question

from kubernaut.errors import BusyError
from kubernaut.facts.objects import Target
from kubernaut.facts.snapshot import UnobservedReason

pytestmark = [pytest.mark.xdist_group("cluster"), pytest.mark.cluster]


@pytest.fixture
def proxy(cluster):
    with FaultyApi(cluster.layout.server, cluster.layout.folder / "certificates" / "ca.crt") as running:
        yield running


@pytest.fixture
def reader(cluster, namespace, proxy, make_reader, tmp_path):
    """A reader of the whole cluster, by way of the proxy."""
    cluster.kubectl(
        "create", "clusterrolebinding", namespace, "--clusterrole=view", f"--serviceaccount={namespace}:default"
    )
    token = cluster.kubectl("create", "token", "default", "-n", namespace).strip()
    yield make_reader(connect(str(proxy.kubeconfig(tmp_path / "kubeconfig", token=token))))
    cluster.kubectl("delete", "clusterrolebinding", namespace)


@pytest.fixture
def web(cluster, namespace):
    cluster.kubectl("create", "deployment", "web", "-n", namespace, "--image=localhost/none:1", "--replicas=0")
    return Target(namespace=namespace, name="web")


def read(reader, target, *names, **more):
    return reader.read(Question(target=target, parameters={}, reads=tuple((name,) for name in names) or None, **more))


def once(fault):
    """Do something to the first request, and nothing to those that follow."""
    left = [fault]
    return lambda _: left.pop() if left else None


def test_a_look_asks_for_each_kind_once_by_a_quorum_read(reader, proxy, web):
    read(reader, web)

    asked = sorted(request.path for request in proxy.requests)
    within = f"namespaces/{web.namespace}"
    assert asked == sorted(
        [
            "/api/v1/nodes",
            "/api/v1/pods",
            f"/api/v1/{within}/events",
            f"/api/v1/{within}/pods",
            f"/api/v1/{within}/resourcequotas",
            f"/apis/apps/v1/{within}/deployments/web",
            f"/apis/apps/v1/{within}/replicasets",
            f"/apis/autoscaling/v2/{within}/horizontalpodautoscalers",
            f"/apis/metrics.k8s.io/v1beta1/{within}/pods",
        ]
    )
    assert proxy.writes == []
    for request in proxy.requests:
        # A resourceVersion would let the server answer from its cache.
        assert not {"resourceVersion", "resourceVersionMatch", "watch"} & set(request.query)
    (events,) = (request for request in proxy.requests if request.path.endswith("/events"))
    assert events.query["fieldSelector"] == "involvedObject.kind=Pod,type=Warning"


def test_one_fact_costs_one_request(reader, proxy, web):
    assert read(reader, web, "current_replicas").snapshot.facts["current_replicas"] == 0

    assert [request.path for request in proxy.requests] == [f"/apis/apps/v1/namespaces/{web.namespace}/deployments/web"]


@pytest.mark.parametrize(
    "fault",
    [
        Fault(status=500, reason="InternalError"),
        Fault(status=503, reason="ServiceUnavailable"),
        Fault(status=429, retry_after_s=1),
        Fault(cut=Cut.BEFORE),
        Fault(cut=Cut.AFTER),
    ],
)
def test_what_passes_is_tried_again_within_the_look(reader, proxy, web, fault):
    proxy.fault_of = once(fault)

    reading = read(reader, web, "deployment_found")

    assert reading.snapshot.facts["deployment_found"] is True
    assert len(proxy.requests) == 2


@pytest.mark.parametrize(
    ("fault", "reason", "said"),
    [
        (Fault(status=429, retry_after_s=60), UnobservedReason.TIMED_OUT, "429"),
        (Fault(status=500, reason="InternalError"), UnobservedReason.TIMED_OUT, "500 InternalError"),
        (Fault(status=503), UnobservedReason.API_MISSING, "nobody serves it now (503)"),
        (Fault(status=422, reason="Invalid"), UnobservedReason.UNREADABLE, "422 Invalid"),
    ],
)
def test_what_does_not_pass_is_a_reason_that_names_what_was_tried(  # noqa: PLR0917 - fixtures
    reader, proxy, web, fault, reason, said
):
    proxy.fault_of = lambda _: fault
    began = time.monotonic()

    missing = read(reader, web, "deployment_found", limit_s=5.0).snapshot.unobserved["deployment_found"]

    assert time.monotonic() - began < 4.5
    assert missing.reason is reason
    assert missing.detail.startswith(f"get deployments.apps web in namespace {web.namespace}: ")
    assert said in missing.detail


@pytest.mark.parametrize(
    ("status", "said"), [(404, "the API server has no such API"), (503, "nobody serves it now (503)")]
)
def test_a_metrics_api_that_is_not_there_is_a_missing_api(reader, proxy, web, status, said):
    proxy.fault_of = lambda request: Fault(status=status) if "metrics.k8s.io" in request.path else None
    objects, unavailable = reader._gathering.gather(["Deployment", "PodMetrics"], web, Deadline(5.0))

    assert unavailable["PodMetrics"].reason is UnobservedReason.API_MISSING
    assert unavailable["PodMetrics"].detail == f"list pods.metrics.k8s.io in namespace {web.namespace}: {said}"
    assert objects.find(web) is not None


def test_a_server_that_is_busy_too_long_keeps_the_target_from_being_read(reader, proxy, web):
    proxy.fault_of = lambda _: Fault(status=429, retry_after_s=60)

    with pytest.raises(BusyError) as raised:
        reader.read_target(web)

    assert raised.value.retry_after_s == 60


def test_of_a_list_that_is_too_long_nothing_is_taken(reader, api, web, monkeypatch):
    monkeypatch.setitem(kinds._AT_MOST, "Event", 2)
    pod = {"kind": "Pod", "name": "web-0", "namespace": web.namespace}
    for number in range(3):
        event = {"metadata": {"name": f"e{number}"}, "involvedObject": pod, "type": "Warning", "reason": "Failed"}
        api.create(kinds.resource_of("Event"), event, web.namespace)
        seen = see(api, kinds.listing("Event", web.namespace), Deadline(5.0))
        if number < 2:
            assert len(seen.of("Event")) == number + 1

    assert seen.reason is UnobservedReason.UNREADABLE
    assert seen.detail == f"list events in namespace {web.namespace}: more than 2, of which some would be missing"


def test_one_slow_kind_does_not_cost_the_others(reader, proxy, web):
    proxy.fault_of = lambda request: Fault(delay_s=3.0) if request.path == "/api/v1/nodes" else None

    reading = read(reader, web, "deployment_found", "ready_nodes", limit_s=1.5)

    assert reading.snapshot.facts["deployment_found"] is True
    assert reading.snapshot.unobserved["ready_nodes"].reason is UnobservedReason.TIMED_OUT
