"""What people see of a workflow and do to it, on a real API server with an operator at work."""

import json

import pytest
import yaml
from helpers.executions import create, deployment
from helpers.workflows import create_workflow, scale_step, wait_for_workflow, workflow

pytestmark = [pytest.mark.xdist_group("control-plane"), pytest.mark.cluster]

NEVER = 'package mine\nimport rego.v1\nallow if {\n\tinput.current_replicas == 77\n}\nerror_message := "it is not 77"'


def mine(**fields):
    return {"preConditions": [{"type": "mine", "description": "mine", "rego": NEVER, "required": True, **fields}]}


@pytest.fixture
def web(shop, cluster):
    create(cluster, deployment(shop.namespace, name="one"))
    cluster.kubectl("wait", "--for=condition=Available", "deployment/one", f"--namespace={shop.namespace}")
    return shop


def run(shop, name, *steps, **spec):
    create_workflow(shop.cluster, workflow(shop.namespace, name, *steps, **spec))


def wait(shop, name, **how):
    return wait_for_workflow(shop.api, shop.namespace, name, **how)


def blocked(found):
    return found.get("status", {}).get("phase") == "blocked"


@pytest.fixture
def held(operator, web):
    """A workflow whose second step a precondition of its own blocks."""
    second = scale_step(2, web.namespace, "one", dependsOn=[1], name="grow one", **mine())
    run(web, "outage", scale_step(1, web.namespace, "web"), second)
    wait(web, "outage", until=blocked)
    return web


def test_a_blocked_workflow_is_shown_explained_and_let_go_on(held, admin, somebody):
    shown = admin("get", "outage")
    assert shown.code == 0, shown.err
    assert "■ workflow outage  blocked" in shown.out
    assert "✔ step 1 scale_deployment  completed" in shown.out
    assert "✘ pre mine  Failed  it is not 77" in shown.out
    assert "○" not in shown.out.partition("step 2")[0]

    why = admin("why", "outage")
    assert why.code == 0, why.err
    assert "2/step/pre/mine" in why.out
    assert "input.current_replicas == 77" in why.out
    assert "input.current_replicas = 2 (a number)" in why.out
    assert "left; then it fails" in why.out
    assert f"kubectl kubernaut override outage --namespace={held.namespace}" in why.out

    document = json.loads(admin("why", "outage", "-o", "json").out)
    (hold,) = document["holds"]
    assert (hold["kind"], hold["condition"], hold["now"]["allow"]) == ("precondition", "2/step/pre/mine", False)
    assert hold["now"]["facts"]["current_replicas"] == 2
    assert hold["now"]["notes"] == []

    refused = somebody("kubernaut-view", "kubernaut-edit")("override", "outage", "--reason=ticket")
    assert refused.code == 1
    assert "may not override conditions: that takes the verb override" in refused.err

    said = admin("override", "outage", "--reason=ticket 4711", "--for=10m")
    assert said.code == 0, said.err
    assert "admin overrides 2/step/pre/mine until" in said.out
    found = wait(held, "outage")
    assert found["status"]["phase"] == "completed"
    shown = admin("get", "outage").out
    assert "! pre mine  Failed (overridden by admin; ticket 4711)" in shown
    assert "nothing enforced stood in its way" in admin("why", "outage").out


def test_a_person_without_further_rights_is_told_what_they_cannot_see(held, somebody):
    viewer = somebody("kubernaut-view", name="viewer")

    why = viewer("why", "outage")

    assert why.code == 0, why.err
    assert "you may not read the ConfigMap kubernaut-system/kubernaut-workflow-conditions" in why.out
    assert "the fact `current_replicas` could not be observed" in why.out
    assert viewer("cancel", "outage", "--yes").code == 1


def test_a_file_is_submitted_and_followed_to_its_end(operator, web, admin, tmp_path):
    path = tmp_path / "flow.yaml"
    manifest = workflow(web.namespace, "filed", scale_step(1, web.namespace, "one"))
    del manifest["metadata"]["namespace"]
    path.write_text(yaml.safe_dump(manifest), encoding="utf-8")

    ran = admin("run", path)

    assert ran.code == 0, ran.out + ran.err
    assert f"workflow {web.namespace}/filed: created" in ran.err
    assert "✔ workflow filed  completed" in ran.out
    again = admin("run", path)
    assert (again.code, "already exists" in again.err) == (1, True)
    assert "filed" in admin("get", "-o", "name").out
    objects = yaml.safe_load(admin("get", "filed", "-o", "yaml").out)
    assert [one["kind"] for one in objects["items"]] == ["WorkflowExecution", "KubernetesExecution"]


def test_a_run_that_fails_leaves_with_2(operator, web, admin, tmp_path):
    path = tmp_path / "flow.yaml"
    late = {"type": "mine", "description": "m", "rego": NEVER, "required": True, "timeout": "2s", "pollInterval": "1s"}
    step = scale_step(1, web.namespace, "one", postConditions=[late])
    path.write_text(yaml.safe_dump(workflow(web.namespace, "bad", step)), encoding="utf-8")

    assert admin("run", path).code == 2
    why = admin("why", "bad").out
    assert "1/step/post/mine  Failed" in why
    assert "this run is over" in why


def test_a_workflow_is_paused_resumed_approved_judged_and_cancelled(operator, web, admin):
    run(web, "asked", scale_step(1, web.namespace, "one"), executionStrategy={"approvalRequired": True})
    wait(web, "asked", until=lambda found: found.get("status", {}).get("reason") == "AwaitingApproval")
    assert "kubectl kubernaut approve asked" in admin("why", "asked").out

    assert admin("pause", "asked").code == 0
    approved = admin("approve", "asked")
    assert approved.code == 0, approved.err
    paused = wait(web, "asked", until=lambda found: found["status"].get("reason") == "Paused")
    assert paused["status"]["phase"] == "paused"
    assert "kubectl kubernaut resume asked" in admin("why", "asked").out
    assert admin("resume", "asked").code == 0
    assert wait(web, "asked")["status"]["phase"] == "completed"
    assert admin("outcome", "asked", "ineffective").code == 0
    wait(web, "asked", until=lambda found: found["status"].get("outcome") == "ineffective")
    assert admin("pause", "asked").code == 1
    assert "ineffective, says person" in admin("get", "asked").out
    assert admin("cancel", "asked", "--yes").code == 0
    web.until(lambda: admin("get", "asked").code == 1)
    gone = admin("get", "asked")
    assert "no workflow or execution 'asked' in namespace" in gone.err


def test_what_blocks_inside_a_step_is_found_there_and_overridden_on_the_workflow(operator, web, admin):
    run(web, "inner", scale_step(1, web.namespace, "one", actionConditions=mine()))
    inside = wait(
        web, "inner", until=lambda found: "execution" in (found.get("status", {}).get("stepStatuses") or [{}])[0]
    )
    (name,) = (one["execution"]["name"] for one in inside["status"]["stepStatuses"])
    web.wait(name, until=lambda found: found.get("status", {}).get("phase") == "blocked")

    document = json.loads(admin("why", "inner", "-o", "json").out)

    (hold,) = document["holds"]
    assert (hold["where"], hold["condition"]) == ("step 1, its execution", "1/action/pre/mine")
    assert (hold["now"]["allow"], hold["now"]["facts"]["current_replicas"]) == (False, 2)
    assert any(help_.startswith("kubectl kubernaut override inner") for help_ in hold["helps"])
    assert "1/action/pre/mine" in admin("why", f"kex/{name}").out
    said = admin("override", "inner", "--reason=ticket")
    assert (said.code, "overrides 1/action/pre/mine until" in said.out) == (0, True), said.err
    assert f"workflow {web.namespace}/inner: " in said.out
    # By itself it would be looked at again half a minute later.
    assert wait(web, "inner", limit_s=20)["status"]["phase"] == "completed"
