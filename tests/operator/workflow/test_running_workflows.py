"""Workflows from custom resource to result on a real API server, with the rights that the installed operator has."""

import pytest
from helpers.executions import create, deployment
from helpers.workflows import create_workflow, scale_step, wait_for_workflow, workflow
from kubernaut_simulator.history.history import History

pytestmark = [pytest.mark.xdist_group("control-plane"), pytest.mark.cluster]

NEVER = 'package mine\nimport rego.v1\nallow if input.current_replicas == 77\nerror_message := "it is not 77"'
WANTS_FOUR = 'package mine\nimport rego.v1\nallow if input.current_replicas == 4\nerror_message := "not four yet"'


def added(phase, rego=NEVER, **fields):
    fields = {"timeout": "3s", "pollInterval": "1s"} | fields if phase == "postConditions" else fields
    return {phase: [{"type": "mine", "description": "mine", "rego": rego, "required": True, **fields}]}


def steps_of(found):
    return {one["stepNumber"]: one["phase"] for one in found["status"]["stepStatuses"]}


@pytest.fixture
def web(shop, cluster):
    """Two Deployments more, so that steps have targets of their own."""
    names = ("one", "two")
    create(cluster, *(deployment(shop.namespace, name=name) for name in names))
    for name in names:
        cluster.kubectl("wait", "--for=condition=Available", f"deployment/{name}", f"--namespace={shop.namespace}")
    return shop


def replicas(shop, name):
    return int(shop.cluster.kubectl("get", "deployment", name, "-n", shop.namespace, "-o", "jsonpath={.spec.replicas}"))


def run(shop, name, *steps, **spec):
    create_workflow(shop.cluster, workflow(shop.namespace, name, *steps, **spec))


def wait(shop, name, **how):
    return wait_for_workflow(shop.api, shop.namespace, name, **how)


def test_steps_follow_one_another_and_leave_one_story_in_history(operator, web):
    run(
        web,
        "both",
        scale_step(1, web.namespace, "one"),
        scale_step(2, web.namespace, "two", dependsOn=[1]),
        incident={"id": "incident-7"},
        effectiveness={"stabilizationWindow": "1s"},
    )

    found = wait(web, "both", until=lambda now: now.get("status", {}).get("outcome"))

    status = found["status"]
    assert (status["phase"], status["outcome"], status["outcomeSource"]) == ("completed", "inconclusive", "health")
    assert steps_of(found) == {1: "completed", 2: "completed"}
    assert (replicas(web, "one"), replicas(web, "two")) == (3, 3)
    results = status["stepStatuses"][0]
    assert {one["conditionType"] for one in results["preConditionResults"]} >= {
        "deployment_exists",
        "current_replicas_match",
    }
    assert {one["conditionType"] for one in results["postConditionResults"]} >= {"desired_replicas_running"}
    wait(web, "both", until=lambda now: not now["metadata"].get("finalizers"), limit_s=200)
    recorded = History.load(operator.history)
    runs = recorded.executions.to_pandas()
    mine = runs[runs["workflow_uid"] == found["metadata"]["uid"]]
    assert sorted(mine["execution_uid"]) == [f"{found['metadata']['uid']}/{number}" for number in (1, 2)]
    assert set(mine["result"]) == {"succeeded"}
    evaluations = recorded.evaluations.to_pandas()
    levels = (
        evaluations[evaluations["workflow_uid"] == found["metadata"]["uid"]].groupby("execution_uid")["level"].unique()
    )
    assert [set(one) for one in levels] == [{"step", "action"}] * 2
    flows = recorded.workflows.to_pandas()
    (flow,) = flows[flows["workflow_uid"] == found["metadata"]["uid"]].to_dict("records")
    assert (flow["incident_id"], flow["result"], flow["outcome"]) == ("incident-7", "completed", "inconclusive")


def test_a_step_accepted_without_effect_lets_no_dependent_begin_and_is_taken_back(operator, web):
    run(
        web,
        "cascade",
        scale_step(1, web.namespace, "one", **added("postConditions")),
        scale_step(2, web.namespace, "two", dependsOn=[1]),
        executionStrategy={"rollbackStrategy": "automatic"},
    )

    found = wait(web, "cascade")

    assert found["status"]["phase"] == "rolled_back"
    assert steps_of(found) == {1: "rolled_back", 2: "skipped"}
    assert "mine: it is not 77" in found["status"]["message"]
    assert (replicas(web, "one"), replicas(web, "two")) == (2, 2)
    assert found["status"]["stepStatuses"][0]["rollbackExecution"]["name"].endswith("-step-1-rollback")


def test_blocked_until_the_facts_recover(operator, web):
    run(web, "waits", scale_step(1, web.namespace, "one", to=5, **added("preConditions", WANTS_FOUR)))
    found = wait(web, "waits", until=lambda now: now.get("status", {}).get("phase") == "blocked")
    assert "mine: not four yet" in found["status"]["message"]

    web.cluster.kubectl("scale", "deployment/one", "--replicas=4", "-n", web.namespace)
    found = wait(web, "waits")

    assert found["status"]["phase"] == "completed"
    assert replicas(web, "one") == 5


def test_an_override_on_the_workflow_lets_step_and_execution_go_on(operator, web):
    run(
        web,
        "overridden",
        scale_step(1, web.namespace, "one", actionConditions=added("preConditions"), **added("preConditions")),
    )
    wait(web, "overridden", until=lambda now: now.get("status", {}).get("phase") == "blocked")

    web.cluster.kubectl(
        "annotate",
        "workflowexecution/overridden",
        f"--namespace={web.namespace}",
        "kubernaut.io/override-condition=mine",
        "kubernaut.io/override-reason=ticket 4711",
        "kubernaut.io/override-by=admin",
    )
    found = wait(web, "overridden")

    assert found["status"]["phase"] == "completed"
    (mine,) = [
        one for one in found["status"]["stepStatuses"][0]["preConditionResults"] if one["conditionType"] == "mine"
    ]
    assert (mine["overridden"], mine["overriddenBy"]) == (True, "admin")
    assert found["status"]["manualIntervention"]


def test_nothing_begins_before_approval(operator, web):
    run(web, "approved", scale_step(1, web.namespace, "one"), executionStrategy={"approvalRequired": True})
    found = wait(web, "approved", until=lambda now: now.get("status", {}).get("phase") == "paused")
    assert found["status"]["reason"] == "AwaitingApproval"
    assert replicas(web, "one") == 2

    web.cluster.kubectl("annotate", "workflowexecution/approved", "-n", web.namespace, "kubernaut.io/approve=true")

    assert wait(web, "approved")["status"]["phase"] == "completed"


def test_a_workflow_that_cannot_be_right_says_everything_that_is_wrong(operator, web):
    run(
        web,
        "wrong",
        scale_step(1, web.namespace, "one", dependsOn=[2]),
        scale_step(2, web.namespace, "two", dependsOn=[1]),
    )

    found = wait(web, "wrong")

    assert (found["status"]["phase"], found["status"]["reason"]) == ("failed", "InvalidWorkflow")
    assert "the steps wait for one another" in found["status"]["message"]


def test_deleting_cancels_and_takes_back(operator, web):
    web.kubelet.paused.set()
    run(
        web,
        "cancelled",
        scale_step(1, web.namespace, "one"),
        executionStrategy={"rollbackStrategy": "automatic"},
    )
    wait(
        web,
        "cancelled",
        until=lambda now: (now.get("status", {}).get("stepStatuses") or [{}])[0].get("phase") == "running",
    )

    web.cluster.kubectl("delete", "workflowexecution/cancelled", "-n", web.namespace, "--wait=false")
    web.kubelet.paused.clear()

    web.cluster.kubectl("wait", "--for=delete", "workflowexecution/cancelled", "-n", web.namespace, "--timeout=60s")
    assert replicas(web, "one") == 2


def test_a_dry_run_of_a_workflow_changes_nothing(operator, web):
    run(web, "dry", scale_step(1, web.namespace, "one"), executionStrategy={"dryRun": True})

    found = wait(web, "dry")

    assert (found["status"]["phase"], found["status"]["message"]) == (
        "completed",
        "dry run: every step would be accepted",
    )
    assert replicas(web, "one") == 2
