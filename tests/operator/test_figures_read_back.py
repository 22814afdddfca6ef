"""What the simulator reads off Prometheus is what the operator serves: names, labels, and a real scrape of them."""

import time
from datetime import UTC, datetime, timedelta

import pytest
from helpers.prometheus_server import ask_prometheus, prometheus_server, require_prometheus
from kubernaut_operator.metrics.declared import METRICS, SERVICES, made
from kubernaut_simulator.telemetry import figures
from kubernaut_simulator.telemetry.server import PrometheusServer
from prometheus_client import CollectorRegistry, start_http_server


def test_every_metric_and_label_that_is_read_is_served():
    for name, labels in figures.LABELS.items():
        metric = METRICS[name.removesuffix("_bucket")]
        assert set(labels) - {"le"} <= set(metric.labels)
    assert figures.WITNESS in METRICS
    assert {service: level for level, service in SERVICES.items()} == dict(figures.LEVELS)


@pytest.mark.slow
def test_a_scrape_of_the_operators_metrics_gives_the_counts(tmp_path):
    require_prometheus()
    registry = CollectorRegistry()
    of = {"condition_type": "desired_replicas_running", "service": "workflowexecution", "action": "scale_deployment"}
    metrics = {name: made(name, registry) for name in METRICS if not METRICS[name].scraped}
    metrics["policies_loaded"] = made("policies_loaded", registry)
    metrics["policies_loaded"].labels(part="step").set(1)
    server, thread = start_http_server(0, addr="127.0.0.1", registry=registry)
    config = {
        "scrape_configs": [
            {
                "job_name": "kubernaut",
                "scrape_interval": "1s",
                "scrape_timeout": "1s",
                "static_configs": [{"targets": [f"127.0.0.1:{server.server_port}"]}],
            }
        ]
    }
    try:
        with prometheus_server(tmp_path, config=config) as url:
            began = datetime.now(UTC)
            _wait(url, "policies_loaded")
            for name, count in (("evaluations", 5), ("passed", 4), ("failed", 1)):
                metrics[f"condition_{name}_total"].labels(**of, required="true").inc(count)
            metrics["condition_attempts_total"].labels(**of, phase="post", result="Passed").inc(4)
            for seconds in (3, 4, 8, 15):
                metrics["condition_time_to_pass_seconds"].labels(**of).observe(seconds)
            _wait(url, 'condition_time_to_pass_seconds_bucket{le="+Inf"} == 4')
            found = figures.read_figures(
                PrometheusServer(url=url), began, datetime.now(UTC) + timedelta(seconds=1), step=timedelta(seconds=1)
            )
    finally:
        server.shutdown()
        server.server_close()
        thread.join()

    (one,) = found.conditions
    assert (one.failed.k, one.failed.n) == (1, 5)
    assert one.curve.quantile(0.5) == (2.0, 5.0)
    assert one.not_timed == 1


def _wait(url, query):
    deadline = time.monotonic() + 15
    while not ask_prometheus(url, query):
        assert time.monotonic() < deadline, query
        time.sleep(0.2)
