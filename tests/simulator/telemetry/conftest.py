"""A real Prometheus with a past filled in: a shop that was scaled three times, and an operator's counters."""

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest
from helpers.exported_series import Exposed, as_series, exposed, fill_in, openmetrics
from helpers.kube_objects import (
    container,
    container_status,
    deployment,
    hpa,
    node,
    pod,
    pod_template,
    replica_set,
    waiting,
)
from helpers.prometheus_server import prometheus_server, require_prometheus
from kubernaut_simulator.telemetry.server import PrometheusServer

EVERY_S = 15
BEGAN = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
WINDOW = timedelta(minutes=40)
RUNS = (
    # Started, the action's end, seconds until the pods are ready (None: they crash), outcome.
    (timedelta(minutes=5), timedelta(minutes=5, seconds=10), 40, "effective"),
    (timedelta(minutes=15), timedelta(minutes=15, seconds=10), None, "ineffective"),
    (timedelta(minutes=30), timedelta(minutes=30, seconds=10), 40, "effective"),
)
GAP = (timedelta(minutes=26), timedelta(minutes=31))
"""kube-state-metrics is away; the third run begins in it."""


def shop_at(at):
    """Give the objects of the shop at an instant of the window."""
    since = at - BEGAN
    done = [run for run in RUNS if run[1] <= since]
    wanted = 4 if done and since - done[-1][1] < timedelta(minutes=5) else 2
    ready_s = done[-1][2] if done and wanted == 4 else 0
    coming = wanted == 4 and (ready_s is None or (since - done[-1][1]).total_seconds() < ready_s)
    asked = {"requests": {"cpu": "100m", "memory": "64Mi"}, "limits": {"memory": "128Mi"}}
    template = pod_template(labels={"app": "web"}, containers=[container(**asked)])
    available = 2 if coming else wanted
    status = {
        "observedGeneration": 2,
        "replicas": wanted,
        "updatedReplicas": wanted,
        "availableReplicas": available,
        "conditions": [
            {"type": "Available", "status": "False" if coming else "True", "reason": "MinimumReplicasAvailable"},
            {"type": "Progressing", "status": "True", "reason": "NewReplicaSetAvailable"},
        ],
    }
    owner = deployment(replicas=wanted, template=template, status=status)
    owned = replica_set(owner=owner, template=template)
    owned["spec"]["replicas"] = wanted
    pods = []
    for number in range(wanted):
        late = number >= 2 and coming
        crash = late and ready_s is None
        statuses = [
            container_status(ready=not late, state=waiting("CrashLoopBackOff"), restarts=3)
            if crash
            else container_status(ready=not late)
        ]
        pods.append(
            pod(
                f"web-7d9c-{number}",
                owner=owned,
                ready=not late,
                statuses=statuses,
                spec={"containers": [container(**asked)]},
            )
        )
    return [owner, owned, *pods, hpa(), node("node-1"), node("node-2")]


def scrapes():
    at = BEGAN
    while at <= BEGAN + WINDOW:
        if not GAP[0] <= at - BEGAN < GAP[1]:
            yield at, list(exposed(shop_at(at)))
        at += timedelta(seconds=EVERY_S)


def containers_scrapes():
    """Give cAdvisor's figures of two pods: a tenth of a core each, throttled in a quarter of the periods."""
    number = 0
    while BEGAN + number * timedelta(seconds=EVERY_S) <= BEGAN + WINDOW:
        lines = []
        for pod_name in ("web-7d9c-0", "web-7d9c-1"):
            of = {"namespace": "shop", "pod": pod_name, "container": "main"}
            lines += [
                Exposed("container_cpu_usage_seconds_total", of, 100 + number * EVERY_S * 0.1),
                Exposed("container_memory_working_set_bytes", of, 64.0 * 1024 * 1024),
                Exposed("container_cpu_cfs_periods_total", of, 1000.0 + number * 20),
                Exposed("container_cpu_cfs_throttled_periods_total", of, 100.0 + number * 5),
            ]
        yield BEGAN + number * timedelta(seconds=EVERY_S), lines
        number += 1


def operators_scrapes():
    """Give an operator's counters: 30 results in all, a restart in the middle of them."""
    of = {"action": "scale_deployment", "condition_type": "desired_replicas_running", "service": "workflowexecution"}
    at, number = BEGAN, 0
    while at <= BEGAN + WINDOW:
        # After 20 results the process starts anew; its counters begin at zero.
        done = number if number <= 20 else number - 20
        lines = [Exposed("policies_loaded", {"part": "step"}, 1.0)]
        if done:
            required = {**of, "required": "true"}
            failed = done // 5
            passed = done - failed
            lines += [
                Exposed("condition_evaluations_total", required, done),
                Exposed("condition_passed_total", required, passed),
                Exposed("condition_failed_total", required, failed),
                Exposed("condition_attempts_total", {**of, "phase": "post", "result": "Passed"}, passed),
                Exposed(
                    "condition_labelled_total",
                    {**of, "phase": "post", "required": "true", "verdict": "Passed", "outcome": "effective"},
                    passed,
                ),
                *(
                    Exposed("condition_time_to_pass_seconds_bucket", {**of, "le": le}, share)
                    for le, share in (("20.0", passed // 2), ("60.0", passed), ("+Inf", passed))
                ),
            ]
        yield at, lines
        at += timedelta(seconds=EVERY_S)
        number = min(30, int((at - BEGAN).total_seconds() // 60))


@pytest.fixture(scope="session")
def past(tmp_path_factory):
    """Give the URL of a Prometheus that has the past, a server to ask it by, and the times of the runs."""
    require_prometheus()
    folder = tmp_path_factory.mktemp("prometheus")
    series = [
        *as_series(scrapes()),
        *as_series(containers_scrapes(), instance="node-1:10250"),
        *as_series(operators_scrapes(), instance="kubernaut-0:8080"),
    ]
    fill_in(openmetrics(series), folder / "data")
    with prometheus_server(folder, retention="20y") as url:
        runs = [(BEGAN + start, BEGAN + end, outcome) for start, end, _, outcome in RUNS]
        yield SimpleNamespace(
            url=url, server=PrometheusServer(url=url), began=BEGAN, ended=BEGAN + WINDOW, runs=runs, objects=shop_at
        )


@pytest.fixture
def incidents(past, tmp_path):
    """Give a file of the shop's incidents."""
    path = tmp_path / "incidents.csv"
    lines = ["action,target,started_at,finished_at,outcome,outcome_source,replicas"]
    lines += [
        f"scale_deployment,shop/web,{start.isoformat()},{end.isoformat()},{outcome},probe,4"
        for start, end, outcome in past.runs
    ]
    path.write_text("\n".join(lines) + "\n")
    return path
