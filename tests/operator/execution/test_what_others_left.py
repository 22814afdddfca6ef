"""What an execution finds that is not its own: a former leader's Job, a stranger's, locks and Jobs of who is gone."""

import json
import uuid

import pytest
from helpers.executions import WEB, phase_is, read, scaling
from kubernaut_operator.execution.jobs import Jobs
from kubernaut_operator.execution.kinds import JOBS, KUBERNETES_EXECUTIONS
from kubernaut_operator.execution.locks import Holder, TargetLocks
from kubernaut_operator.execution.reading_runs import run_of
from kubernaut_operator.kernel.api import connect
from kubernaut_operator.settings import ACTIONS_NAMESPACE
from kubernaut_simulator.history.history import History

from kubernaut.actions.change import Change, Verb
from kubernaut.execution.intents import CreateJob
from kubernaut.execution.job import EXECUTION_LABEL, JobSettings
from kubernaut.execution.names import job_name, lock_name

pytestmark = [pytest.mark.xdist_group("control-plane"), pytest.mark.cluster]


@pytest.fixture
def operators_api(installed, tmp_path):
    """The operator's own way to the API server, for what a former one did."""
    return connect(str(installed.operator_kubeconfig(tmp_path)))


@pytest.fixture
def former_jobs(installed, operators_api):
    settings = JobSettings(image=installed.action_image, image_pull_policy="IfNotPresent")
    return Jobs(operators_api, settings=settings, keep_finished_s=60)


@pytest.fixture
def suspended(operator):
    """Stop the operator where it is, and let it go on after the test at the latest."""
    operator.suspend()
    yield operator
    operator.resume()


def target_uid(shop):
    text = shop.cluster.kubectl("get", "deployment", WEB, f"--namespace={shop.namespace}", "-o", "json")
    return json.loads(text)["metadata"]["uid"]


def job_of(run, shop):
    uid = {"op": "test", "path": "/metadata/uid", "value": target_uid(shop)}
    change = Change(
        verb=Verb.PATCH,
        group="apps",
        version="v1",
        resource="deployments",
        subresource="scale",
        namespace=shop.namespace,
        name=WEB,
        body=[uid, {"op": "replace", "path": "/spec/replicas", "value": 3}],
    )
    return CreateJob(name=job_name(run.uid), change=change, timeout_s=60)


def test_a_job_that_was_made_before_a_crash_is_adopted(shop, former_jobs, suspended):
    shop.scale()
    run = run_of(read(shop.api, shop.namespace))
    former_jobs.create(run, target_uid(shop), job_of(run, shop))

    suspended.resume()

    assert (shop.wait()["status"]["phase"], shop.replicas()) == ("succeeded", 3)
    assert len(shop.jobs()) == len(shop.kubelet.performed) == 1


def test_a_job_of_the_name_that_is_not_ours_is_left_alone(shop, former_jobs, suspended):
    shop.kubelet.paused.set()
    shop.scale()
    intent = job_of(run_of(read(shop.api, shop.namespace)), shop)
    stranger = scaling(shop.namespace, "stranger")
    stranger["metadata"]["uid"] = "stranger"
    former_jobs.create(run_of(stranger), target_uid(shop), intent)

    suspended.resume()

    status = shop.wait()["status"]
    assert (status["phase"], status["reason"]) == ("failed", "JobNameTaken")
    left = shop.api.get(JOBS, intent.name, ACTIONS_NAMESPACE)
    assert (left["metadata"]["labels"][EXECUTION_LABEL], shop.replicas()) == ("stranger", 2)


def test_the_lock_of_one_that_is_gone_is_taken_over(operator, shop, operators_api):
    locks = TargetLocks(
        operators_api,
        namespace=ACTIONS_NAMESPACE,
        executions=KUBERNETES_EXECUTIONS,
        is_through=lambda _: False,
        runs=lambda _: False,
    )
    gone = Holder(namespace=shop.namespace, name="gone", uid=str(uuid.uuid4()))
    assert locks.take(lock_name(target_uid(shop)), gone, target=f"Deployment {shop.namespace}/{WEB}") is None

    shop.scale()

    assert shop.wait()["status"]["phase"] == "succeeded"


def test_what_is_left_of_one_that_is_gone_is_swept_up(operator, shop):
    shop.kubelet.paused.set()
    shop.scale()
    shop.wait(until=phase_is("running"))
    operator.suspend()
    shop.cluster.kubectl("delete", "kex", "scale-web", f"--namespace={shop.namespace}", "--wait=false")
    without = json.dumps({"metadata": {"finalizers": None}})
    shop.cluster.kubectl("patch", "kex", "scale-web", f"--namespace={shop.namespace}", "--type=merge", "-p", without)
    operator.resume()

    shop.kubelet.paused.clear()

    shop.until(lambda: not shop.jobs() and not shop.locks())


def test_history_holds_what_was_seen_and_what_it_came_to(operator, shop):
    shop.scale(incident={"id": "incident-7"})
    uid = shop.wait()["metadata"]["uid"]
    assert operator.stop() == 0

    history = History.load(operator.history)

    (run,) = (row for row in history.executions.to_pylist() if row["execution_uid"] == uid)
    assert (run["incident_id"], run["result"]) == ("incident-7", "succeeded")
    verdicts = {row["type"]: row["verdict"] for row in history.evaluations.to_pylist() if row["execution_uid"] == uid}
    assert (verdicts["deployment_exists"], verdicts["node_selector_matches"]) == ("Passed", "Failed")
    looks = [row["record_id"] for row in history.attempts.to_pylist() if row["execution_uid"] == uid]
    assert len(set(looks)) == len(looks) >= len(verdicts)
