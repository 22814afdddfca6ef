"""The catalogue's actions as the operator runs them: what each does to a cluster, how it is undone, what is counted."""

import json
import re

import pytest
from helpers.executions import WEB, create, execution, phase_is
from kubernaut_operator.settings import ACTIONS_NAMESPACE

from kubernaut.actions.catalogue import ACTIONS

pytestmark = [pytest.mark.xdist_group("control-plane"), pytest.mark.cluster]

REVISION = "deployment.kubernetes.io/revision"
NEVER = 'package mine\nimport rego.v1\nallow if input.current_replicas > 1000\nerror_message := "never"'


class Acting:
    """Asks for actions in a shop, and looks at what became of it."""

    def __init__(self, shop):
        self.shop = shop
        self.namespace = shop.namespace

    def ask(self, name, action, kind, target, **spec):
        api_version = "v1" if kind == "Pod" else "apps/v1"
        reference = {"apiVersion": api_version, "kind": kind, "namespace": self.namespace, "name": target}
        create(self.shop.cluster, execution(self.namespace, name, action=action, targetResource=reference, **spec))

    def run(self, name, action, kind, target, **spec):
        self.ask(name, action, kind, target, **spec)
        return self.shop.wait(name)["status"]

    def read(self, *what):
        text = self.shop.cluster.kubectl("get", f"--namespace={self.namespace}", *what, "--output=json")
        return json.loads(text)

    def revision(self):
        return self.read("deployment", WEB)["metadata"]["annotations"][REVISION]

    def image(self):
        return self.read("deployment", WEB)["spec"]["template"]["spec"]["containers"][0]["image"]

    def pods(self):
        return {one["metadata"]["name"] for one in self.read("pods")["items"]}


@pytest.fixture
def acting(operator, shop):
    return Acting(shop)


def test_a_pod_is_restarted_and_its_successor_is_left_alone(acting):
    victim = min(acting.pods())
    named = {"name": victim, "namespace": acting.namespace}

    status = acting.run("restart", "restart_pod", "Pod", victim, parameters={"pod": named, "gracePeriodSeconds": 0})

    assert (status["phase"], status["reason"]) == ("succeeded", "Succeeded")
    assert re.fullmatch(
        rf"Pod {victim} is deleted, without waiting for its processes; ReplicaSet web-\w+ makes another",
        status["message"],
    )
    assert status["rollbackInfo"]["reversible"] is False
    assert "action" not in status["rollbackInfo"]
    assert victim not in acting.pods()
    assert [argv[:2] for argv in acting.shop.kubelet.performed] == [["kubectl", "delete"]]

    again = acting.run("again", "restart_pod", "Pod", victim, parameters={"pod": named})

    assert (again["phase"], again["reason"]) == ("failed", "TargetNotFound")
    assert len(acting.shop.jobs()) == 1


def test_a_deployment_is_rolled_back_and_forward_again_by_what_its_status_says(acting):
    deployment = {"name": WEB, "namespace": acting.namespace}
    before = acting.image()
    acting.shop.cluster.kubectl("set", "image", f"deployment/{WEB}", "app=app:2", f"--namespace={acting.namespace}")
    acting.shop.cluster.kubectl("rollout", "status", f"deployment/{WEB}", f"--namespace={acting.namespace}")

    status = acting.run("rollback", "rollback_deployment", "Deployment", WEB, parameters={"deployment": deployment})

    assert (status["phase"], status["reason"]) == ("succeeded", "Succeeded")
    assert status["message"] == f"revision 2 -> template of revision 1 (app: image app:2 -> {before})"
    assert (acting.image(), acting.revision()) == (before, "3")

    undo = status["rollbackInfo"]
    forward = acting.run("forward", undo["action"], "Deployment", WEB, parameters=undo["parameters"])

    assert forward["phase"] == "succeeded"
    assert (acting.image(), acting.revision()) == ("app:2", "4")


def test_a_rollback_without_an_earlier_revision_says_so(acting):
    deployment = {"name": WEB, "namespace": acting.namespace}

    status = acting.run("rollback", "rollback_deployment", "Deployment", WEB, parameters={"deployment": deployment})

    assert (status["phase"], status["reason"]) == ("failed", "DryRunRefused")
    assert "has no revision before 1: nothing to go back to" in status["message"]
    assert acting.shop.jobs() == []


def test_a_name_that_is_a_flag_or_a_shell_line_is_refused(acting):
    names = ["--all", "-n=kube-system", "web;reboot", "$(reboot)", "../secrets/x", "web --all"]
    for number, name in enumerate(names):
        parameters = {"deployment": {"name": name, "namespace": acting.namespace, "replicas": 1}}
        acting.ask(f"hostile-{number}", "scale_deployment", "Deployment", WEB, parameters=parameters)

    for number in range(len(names)):
        status = acting.shop.wait(f"hostile-{number}")["status"]
        assert (status["phase"], status["reason"]) == ("failed", "InvalidParameters")
        assert "is no name" in status["message"]
    assert acting.shop.jobs() == []


def test_a_job_holds_nothing_of_what_was_asked_but_in_its_file(acting):
    acting.shop.scale()
    acting.shop.wait()

    (job,) = acting.shop.jobs()
    pod = job["spec"]["template"]["spec"]
    assert pod["serviceAccountName"] == ACTIONS["scale_deployment"].account
    (container,) = pod["containers"]
    assert container["command"][:2] == ["kubectl", "patch"]
    assert container["command"][-2:] == ["--", f"deployments.v1.apps/{WEB}"]
    assert "args" not in container
    assert job["metadata"]["namespace"] == ACTIONS_NAMESPACE


def test_what_happened_is_counted_once_a_run(operator, shop):
    before = operator.metrics()
    shop.scale(
        "watched",
        postConditions=[{"type": "never", "rego": NEVER, "required": False, "timeout": "5s", "pollInterval": "1s"}],
    )
    shop.wait("watched")
    shop.wait("watched", until=lambda now: _verdict(now, "never"))
    shop.scale("stopped", to=4, preConditions=[{"type": "never_before", "rego": NEVER}])
    shop.wait("stopped", until=phase_is("blocked"))
    shop.scale("denied", to=0)
    shop.wait("denied")
    after = operator.metrics()

    def more(name, *labels):
        series = f"{name}{{{','.join(labels)}}}" if labels else name
        return after.get(series, 0) - before.get(series, 0)

    action, service = 'action="scale_deployment"', 'service="kubernetesexecution"'
    exists = (action, 'condition_type="deployment_exists"', 'required="true"', service)
    never = (action, 'condition_type="never"')
    assert more("condition_evaluations_total", *exists) == 2
    assert more("condition_failed_total", *never, 'required="false"', service) == 1
    assert more("condition_attempts_total", *never, 'phase="post"', 'result="NotYet"', service) >= 2
    assert more("condition_timeout_total", 'condition_type="never"', service) == 1
    assert more("executions_blocked_by_precondition_total", action, 'condition_type="never_before"') == 1
    assert more("safety_denials_total", action, 'policy="scale_deployment.no_scale_to_zero"') == 1
    assert more("executions_finished_total", action, 'phase="succeeded"', 'reason="Succeeded"') == 1
    assert more("executions_finished_total", action, 'phase="denied"', 'reason="SafetyDenied"') == 1
    assert more("execution_action_duration_seconds_count", action) == 1
    assert more("execution_validation_overhead_seconds_count", action, 'phase="pre"') == 1
    assert more("history_rows_written_total", 'kind="executions"') >= 2
    assert after['policies_loaded{part="action"}'] == 1
    assert after["history_trouble"] == 0
    assert not [series for series in after if "_created" in series]


def _verdict(found, kind):
    results = found["status"]["validationResults"]["postConditionResults"]
    return next(one for one in results if one["conditionType"] == kind).get("verdict")
