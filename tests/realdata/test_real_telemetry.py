"""Facts rebuilt from scrapes of real kube-state-metrics, of Kubernetes 1.33 and 1.35."""

from datetime import UTC, datetime

import pytest
from helpers.exported_series import as_series, described_in, read_scrape
from helpers.real_objects import real_data
from kubernaut_simulator.telemetry.exposure import Exposure
from kubernaut_simulator.telemetry.past_facts import PastLook, facts_of
from kubernaut_simulator.telemetry.scrapes import Scrapes

from kubernaut.facts.objects import Target
from kubernaut.facts.rebuilding import REBUILDING, SPARSE, all_series

pytestmark = pytest.mark.realdata
ROOT = real_data()
if ROOT is None:
    pytest.skip("KUBERNAUT_REAL_DATA is not set", allow_module_level=True)

AT = datetime(2026, 7, 1, tzinfo=UTC)
NOT_WATCHED = ("kube_poddisruptionbudget_", "container_")
"""The scraped kube-state-metrics were not told to watch the one; the other is cAdvisor's."""


@pytest.fixture(params=["1_33", "1_35"])
def scraped(request):
    text = (ROOT / "prometheus" / f"nri_{request.param}_ksm.prom").read_text(encoding="utf-8")
    lines, described = read_scrape(text), described_in(text)
    names = frozenset(all_series()) & (described | {line.metric for line in lines})
    return request.param, lines, Exposure(names=names)


def facts(scraped, kind, namespace, name):
    _, lines, exposure = scraped
    scrape = Scrapes(as_series([(AT, lines)])).at(AT, namespace=namespace)
    parameters = {kind.lower(): {"name": name, "namespace": namespace, "replicas": 3}}
    target = Target(kind=kind, namespace=namespace, name=name)
    return facts_of(PastLook(scrape=scrape, target=target, parameters=parameters, everywhere=True), exposure, now=AT)


def test_every_series_that_a_fact_needs_is_described_by_the_exporter(scraped):
    version, _, exposure = scraped
    missing = {
        metric
        for entry in REBUILDING.values()
        for metric in entry.series
        if metric not in exposure.names and not metric.startswith(NOT_WATCHED)
    }

    assert not missing, version
    assert {metric for metric in SPARSE if not metric.startswith(NOT_WATCHED)} <= exposure.names | {
        "kube_pod_init_container_status_last_terminated_reason"
    }


def test_a_real_deployment_is_rebuilt(scraped):
    found = facts(scraped, "Deployment", "kube-system", "coredns")

    assert found.facts["deployment_found"] is True
    assert found.facts["conditions"]["Available"] is True
    assert found.facts["total_pods"] == found.facts["running_pods"] == found.facts["current_replicas"]
    assert found.facts["rollout_in_progress"] is False
    assert found.facts["ready_nodes"] == 1
    assert found.facts["required_cpu_per_pod"] == "100m"
    assert found.facts["available_cpu"].endswith("m")
    assert {pod["status"] for pod in found.facts["pods"]} == {"Running"}


def test_the_reason_of_a_condition_is_told_by_the_newer_exporter_only(scraped):
    found = facts(scraped, "Deployment", "kube-system", "coredns")

    if scraped[0] == "1_33":
        assert "has no label reason" in found.unobserved["progress_deadline_exceeded"].detail
    else:
        assert found.facts["progress_deadline_exceeded"] is False


def test_a_real_autoscaler_is_found(scraped):
    found = facts(scraped, "Deployment", "scraper", "e2e-hpa")

    assert found.facts["hpa_found"] is True
    assert found.facts["hpa_max_replicas"] >= found.facts["hpa_min_replicas"] >= 1


def test_pods_in_trouble_show_what_kubectl_would(scraped):
    waiting = facts(scraped, "Pod", "scraper", "e2e-container-pending").facts["target_pod"]
    ending = facts(scraped, "Pod", "scraper", "e2e-container-creating").facts["target_pod"]

    assert (waiting["status"], waiting["unschedulable"], waiting["node"]) == ("Pending", True, None)
    assert ending["status"] in ("CrashLoopBackOff", "Completed")
    assert ending["restarts"] >= 1
