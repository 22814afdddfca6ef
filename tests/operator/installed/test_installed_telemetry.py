"""What the installed operator leaves behind: figures that Prometheus has, rows of history that the simulator reads."""

import gzip
import json

import pytest
from cluster.telemetry import prometheus_url
from helpers.installed_operator import NAMESPACE, PORT
from helpers.prometheus_server import ask_prometheus
from helpers.real_workloads import results
from kubernaut_simulator.history.history import History

pytestmark = [pytest.mark.xdist_group("cluster"), pytest.mark.cluster]


@pytest.fixture(scope="module")
def run(operator, open_shop, make_namespace):
    """One run that succeeded: the shop, its status, and the leader's metrics before and after it."""
    shop = open_shop(make_namespace("telemetry"))
    shop.in_environment("enforced")
    shop.deploy()
    before = operator.metrics()
    status = shop.follow(shop.scale(2))
    return shop, status, before, operator.metrics()


def test_counters_tell_one_run_once_and_prometheus_has_them(operator, run):
    passed = (
        'condition_passed_total{action="scale_deployment",condition_type="deployment_exists",required="true",'
        'service="kubernetesexecution"}'
    )
    finished = 'executions_finished_total{action="scale_deployment",phase="succeeded",reason="Succeeded"}'
    shop, _, before, after = run

    assert after[passed] == before.get(passed, 0) + 1
    assert after[finished] == before.get(finished, 0) + 1
    scraped = shop.wait(
        lambda: [
            one
            for one in ask_prometheus(prometheus_url(operator.cluster.layout), finished)
            if float(one["value"][1]) >= after[finished]
        ]
    )
    assert scraped[0]["metric"]["pod"] == operator.leader()


def test_labels_are_bounded(operator, run):
    shop, _, _, series = run

    for unbounded in (shop.namespace, "web", "scale-", "uid"):
        assert not [name for name in series if f'"{unbounded}' in name]
    assert len(series) < 3000


def test_each_replica_answers_and_one_leads(operator):
    names = [pod["metadata"]["name"] for pod in operator.pods()]

    assert len(names) == 2
    assert operator.leader() in names
    for name in names:
        path = f"/api/v1/namespaces/{NAMESPACE}/pods/{name}:{PORT}/proxy"
        # kubectl fails where the answer is not 200.
        operator.cluster.kubectl("get", "--raw", f"{path}/healthz")
        operator.cluster.kubectl("get", "--raw", f"{path}/readyz")


def test_history_on_the_volumes_is_read_by_the_simulator(operator, run, tmp_path):
    shop, status, _, _ = run
    incident = status["incidentId"]

    def mine():
        rows = [row for row in operator.rows() if row.get("incident_id") == incident or row["kind"] == "policies"]
        return rows if any(row["kind"] == "executions" and row.get("result") for row in rows) else None

    rows = shop.wait(mine)
    with gzip.open(tmp_path / "history.jsonl.gz", "wt", encoding="utf-8") as file:
        file.writelines(f"{json.dumps(row)}\n" for row in rows)
    history = History.load(tmp_path)

    assert not history.problems
    verdicts = {row.type: row.verdict for row in history.rows("evaluations") if row.incident_id == incident}
    judged = {name: one["verdict"] for name, one in results(status, "pre").items()}
    assert judged == {name: verdicts[name] for name in judged}
    assert verdicts["no_crashloop_pods"] == "Passed"


def test_nothing_is_recorded_twice(operator, run):
    ids = [(row["kind"], row["record_id"], row["recorded_at"]) for row in operator.rows()]

    assert len(ids) == len(set(ids))


def test_every_object_of_the_pods_is_restricted(operator):
    for pod in operator.pods():
        for container in pod["spec"]["containers"] + pod["spec"]["initContainers"]:
            security = container["securityContext"]
            assert security["readOnlyRootFilesystem"]
            assert not security["allowPrivilegeEscalation"]
            assert security["capabilities"] == {"drop": ["ALL"]}
        assert pod["spec"]["securityContext"]["runAsUser"] == 65532
