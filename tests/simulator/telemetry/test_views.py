"""The window of one run: what is asked for only where a policy reads it, and how old it may be."""

from datetime import timedelta

import pytest
from kubernaut_simulator.telemetry.past_facts import RunSoFar
from kubernaut_simulator.telemetry.remembering import exposure_of
from kubernaut_simulator.telemetry.server import Series
from kubernaut_simulator.telemetry.views import CPU, MEMORY, Wants, open_view, pod_metrics

from kubernaut.errors import FactsError
from kubernaut.facts.objects import Target
from kubernaut.facts.snapshot import UnobservedReason

pytestmark = pytest.mark.xdist_group("prometheus")
WEB = Target(namespace="shop", name="web")
PARAMETERS = {"deployment": {"name": "web", "namespace": "shop", "replicas": 4}}
READS = (("available_cpu",), ("pods", "*", "cpu_usage"), ("cpu_throttling_ratio",))


@pytest.fixture
def view(past):
    exposure = exposure_of(past.server, past.began, past.ended, nothing_filtered=True)
    return open_view(
        past.server,
        exposure,
        target=WEB,
        parameters=PARAMETERS,
        window=(past.began, past.ended),
        wants=Wants.of(READS),
    )


def test_what_policies_read_decides_what_is_asked_for():
    assert Wants.of(READS) == Wants(nodes=True, everywhere=True, usage=True, throttling=True)
    assert Wants.of([("current_replicas",), ("pods", "*", "status")]) == Wants()
    assert Wants.of([("ready_nodes",)]) == Wants(nodes=True)
    assert not any(one.startswith("container_") for one in Wants().metrics())
    assert "kube_node_info" in Wants().metrics()


def test_room_usage_and_throttling_are_told(view, past):
    found = view.snapshot(past.began + timedelta(minutes=14), RunSoFar())

    assert found.facts["available_cpu"].endswith("m")
    assert [pod["cpu_usage"] for pod in found.facts["pods"]] == ["100m", "100m"]
    assert [pod["memory_usage"] for pod in found.facts["pods"]] == ["64Mi", "64Mi"]
    assert found.facts["cpu_throttling_ratio"] == pytest.approx(0.25)


def test_after_the_action_only_what_lies_behind_its_end_counts(view, past):
    ended = past.began + timedelta(minutes=10)

    soon = view.snapshot(ended + timedelta(seconds=20), RunSoFar(action_ended_at=ended))
    later = view.snapshot(ended + timedelta(minutes=3), RunSoFar(action_ended_at=ended))

    assert soon.unobserved["cpu_throttling_ratio"].reason is UnobservedReason.STALE
    assert later.facts["cpu_throttling_ratio"] == pytest.approx(0.25)
    assert "cpu_usage" in later.facts["pods"][0]


def test_a_pod_has_no_throttled_share(view, past):
    other = Target(kind="Pod", namespace="shop", name="web-7d9c-0")
    exposure = exposure_of(past.server, past.began, past.ended, nothing_filtered=True)
    window = (past.began, past.ended)
    of_pod = open_view(past.server, exposure, target=other, parameters={}, window=window, wants=Wants.of(READS))

    found = of_pod.snapshot(past.began + timedelta(minutes=10), RunSoFar())

    assert "the target is a Pod" in found.unobserved["cpu_throttling_ratio"].detail
    assert found.facts["target_pod"]["status"] == "Running"


def test_a_name_that_is_none_never_reaches_prometheus(past):
    exposure = exposure_of(past.server, past.began, past.ended)

    with pytest.raises(FactsError, match="no name that may be put into a query"):
        open_view(
            past.server,
            exposure,
            target=Target(namespace="shop", name='x"}'),
            parameters={},
            window=(past.began, past.ended),
            wants=Wants(),
        )


@pytest.mark.parametrize(("cpu", "told"), [([10.0, 13.0], True), ([13.0, 10.0], False), ([10.0], False)])
def test_usage_needs_two_samples_of_a_counter_that_was_not_reset(past, cpu, told):
    of = {"namespace": "shop", "pod": "a", "container": "main"}
    end_s = past.began.timestamp()
    times = [end_s - 30.0 * place for place in range(len(cpu))][::-1]
    series = [
        Series(CPU, of, times, cpu),
        Series(MEMORY, of, [end_s], [2.0**20]),
        Series(CPU, {**of, "container": ""}, times, cpu),
    ]

    found = list(pod_metrics(series, past.began))

    assert bool(found) is told
    if told:
        assert found[0]["containers"] == [{"name": "main", "usage": {"cpu": "100000000n", "memory": "1048576"}}]
        assert found[0]["window"] == "30.000s"
    assert list(pod_metrics(series, past.began + timedelta(minutes=9))) == []
