"""What people say by annotations, against the real admission policies; no operator is needed to say it."""

from itertools import repeat

import pytest
from helpers.executions import create, scaling
from helpers.workflow_world import Plans, WorkflowWorld, run_of, step
from helpers.workflows import create_workflow, scale_step, workflow
from kubernaut_operator.execution.kinds import WORKFLOW_EXECUTIONS

from kubernaut.identity import Phase
from kubernaut.workflow.keys import StepKey

pytestmark = [pytest.mark.xdist_group("control-plane"), pytest.mark.cluster]


@pytest.fixture
def outage(installed, no_operator, api, cluster, namespace):
    """A workflow whose second step is blocked: made for the API server, its status played on a virtual clock."""
    steps = (scale_step(1, namespace, "web"), scale_step(2, namespace, "api", dependsOn=[1]))
    create_workflow(cluster, workflow(namespace, "outage", *steps))
    world = WorkflowWorld(
        run=run_of(step(1), step(2, 1)),
        plans=Plans(passes_after_s={(StepKey(2), Phase.PRE): None}),
        faults=repeat(None),
    )
    world.drive(until_s=100)
    found = api.get(WORKFLOW_EXECUTIONS, "outage", namespace)
    api.replace(WORKFLOW_EXECUTIONS, {**found, "status": world.shown}, subresource="status")
    return lambda: api.get(WORKFLOW_EXECUTIONS, "outage", namespace)["metadata"].get("annotations", {})


def test_an_override_names_its_author_and_grows(outage, admin):
    said = admin("override", "outage", "--reason=ticket")
    assert said.code == 0, said.err
    assert outage()["kubernaut.io/override-condition"] == "2/step/pre/ready"
    assert outage()["kubernaut.io/override-by"] == "admin"
    assert outage()["kubernaut.io/override-until"].endswith("Z")

    assert admin("override", "outage", "no_crashloop_pods", "--reason=ticket").code == 0
    assert outage()["kubernaut.io/override-condition"] == "2/step/pre/ready, no_crashloop_pods"

    assert admin("override", "outage", "--remove").code == 0
    assert not [key for key in outage() if key.startswith("kubernaut.io/override-")]
    assert admin("override", "outage", "--remove").code == 1


def test_somebody_elses_override_is_left_alone_unless_that_is_asked_for(outage, admin, somebody):
    alice = somebody("kubernaut-view", "kubernaut-edit", "kubernaut-override")
    assert alice("override", "outage", "--reason=mine").code == 0

    refused = admin("override", "outage", "--reason=ticket")
    assert (refused.code, "has an override by system:serviceaccount:" in refused.err) == (1, True)
    assert admin("override", "outage", "--reason=ticket", "--replace").code == 0
    assert outage()["kubernaut.io/override-by"] == "admin"


def test_one_acts_as_somebody_else_where_one_may(outage, admin, somebody, cluster, namespace):
    for role, group in (("view", "on-call"), ("edit", "on-call"), ("override", "leads")):
        binding = ("create", "rolebinding", f"{group}-{role}", f"--clusterrole=kubernaut-{role}", f"--group={group}")
        cluster.kubectl(*binding, f"--namespace={namespace}")

    alone = admin("override", "outage", "--reason=ticket", "--as=carol", "--as-group=on-call")
    assert (alone.code, "may not override conditions: that takes the verb override" in alone.err) == (1, True)
    said = admin("override", "outage", "--reason=ticket", "--as=carol", "--as-group=on-call", "--as-group=leads")
    assert said.code == 0, said.err
    assert outage()["kubernaut.io/override-by"] == "carol"
    refused = somebody("kubernaut-view")("get", "outage", "--as=carol")
    assert (refused.code, "cannot impersonate" in refused.err) == (1, True), refused.err
    held = admin("why", "outage", "--as=carol", "--as-group=on-call")
    assert "--as=carol --as-group=on-call" in held.out


@pytest.mark.parametrize(
    ("conditions", "said"),
    [
        (["9/step/pre/ready"], "has no step 9; there are 1, 2"),
        (["1/before/ready"], "write step/level/phase/type"),
        (["Safety!"], "left out"),
    ],
)
def test_an_override_that_the_operator_would_not_understand_is_refused_here(outage, admin, conditions, said):
    ran = admin("override", "outage", *conditions, "--reason=ticket")

    assert (ran.code, said in ran.err) == (1, True), ran.err
    assert "kubernaut.io/override-condition" not in outage()


def test_what_makes_no_sense_for_a_run_is_refused(outage, admin, cluster, namespace):
    create(cluster, scaling(namespace, "alone"))

    for command, said in (
        (("approve", "outage"), "asks for no approval"),
        (("resume", "outage"), "is not paused by anybody"),
        (("approve", "alone"), "is no workflow"),
        (("override", "alone", "--reason=x"), "no precondition blocks"),
        (("get", "wfx/alone"), "no workflow or execution 'alone'"),
    ):
        ran = admin(*command)
        assert (ran.code, said in ran.err) == (1, True), ran.err
    assert admin("get", "kex/alone").code == 0
    assert "no operator has looked at it yet" in admin("why", "alone").out
    listed = admin("get").out
    assert "■ workflow outage  blocked" in listed
    assert "○ execution alone  not seen yet" in listed


def test_a_policy_that_is_gone_is_said_to_be(outage, admin):
    why = admin("why", "outage")

    assert why.code == 0, why.err
    assert "scale_deployment/step/pre/ready is not in force any more" in why.out
    assert "looked at again" not in admin("why", "outage", "--no-look").out


def test_without_the_resources_the_cluster_is_said_to_know_none(admin, api, monkeypatch):
    from kubernaut_operator.kernel.api import Api

    from kubernaut.errors import NotFoundError

    def gone(*_what, **_how):
        raise NotFoundError("GET /apis: 404", status=404)

    monkeypatch.setattr(Api, "list_all", gone)
    ran = admin("get")

    assert (ran.code, "kubernaut operator manifests" in ran.err) == (1, True)
