"""People step into workflows of the installed operator: override, approve, pause, cancel; and what they are told."""

import sys
import time
from datetime import UTC, datetime, timedelta

import pytest
from cluster.errors import ClusterError
from helpers.people_commands import Desk
from helpers.person import Person
from helpers.workflows import create_workflow, scale_step, wait_for_workflow, workflow
from kubernaut_operator.execution.kinds import WORKFLOW_EXECUTIONS
from kubernaut_operator.kernel.api import connect

pytestmark = [pytest.mark.xdist_group("cluster"), pytest.mark.cluster, pytest.mark.slow]

WANTS = 'package {name}\nimport rego.v1\nallow if input.current_replicas == {replicas}\nerror_message := "{told}"'


@pytest.fixture(scope="module")
def place(open_shop, make_namespace):
    """A namespace that holds every condition to account."""
    shop = open_shop(make_namespace("people"))
    shop.in_environment("enforced")
    return shop


@pytest.fixture(scope="module")
def api(operator):
    return connect(str(operator.cluster.layout.kubeconfig))


@pytest.fixture
def flow(operator, place, api):
    """Run a workflow, and wait for something of it."""

    class Flow:
        def run(self, name, *steps, **spec):
            create_workflow(operator.cluster, workflow(place.namespace, name, *steps, **spec))

        def wait(self, name, **how):
            return wait_for_workflow(api, place.namespace, name, **how)

        def in_phase(self, name, phase, **how):
            return self.wait(name, until=lambda now: (now.get("status") or {}).get("phase") == phase, **how)

        def annotate(self, name, *annotations):
            operator.cluster.kubectl("annotate", f"workflowexecution/{name}", f"-n={place.namespace}", *annotations)

    return Flow()


def somebody(place, name):
    """Somebody who may see and change workflows, and no more."""
    return Person(place.cluster, name, place.namespace).given("kubernaut-view").given("kubernaut-edit")


def wants(name, replicas, told):
    rego = WANTS.format(name=name, replicas=replicas, told=told)
    return {"type": name, "description": told, "rego": rego, "required": True}


def test_missing_capacity_blocks_until_somebody_with_the_verb_overrides(operator, place, flow):
    cluster = operator.cluster
    place.deploy("hog", replicas=2, cpu="600m")
    place.deploy("large", cpu="300m")
    flow.run("large", scale_step(1, place.namespace, "large", to=4))
    found = flow.in_phase("large", "blocked")
    assert "cluster_capacity_available: CPU: 900m needed" in found["status"]["message"]
    alice, bob = (somebody(place, name) for name in ("alice", "bob"))
    alice.given("kubernaut-override")
    desk = Desk(cluster.layout.kubeconfig, place.namespace)
    why = desk("why", "large", f"--as={alice.name}")
    assert (why.code, "CPU: 900m needed" in why.out) == (0, True), why.err

    with pytest.raises(ClusterError, match="that takes the verb override"):
        bob.kubectl(
            *("annotate", "workflowexecution/large", "kubernaut.io/override-condition=cluster_capacity_available"),
            *("kubernaut.io/override-reason=ticket 4711", "kubernaut.io/override-by=bob"),
        )
    assert flow.in_phase("large", "blocked")
    # What the override is for: room will come. Without it this workflow would end by its postconditions.
    cluster.kubectl("scale", "deployment/hog", "--replicas=0", "-n", place.namespace)
    began = time.monotonic()
    said = desk("override", "large", "cluster_capacity_available", "--reason=ticket 4711", f"--as={alice.name}")
    assert said.code == 0, said.err
    found = flow.wait("large", until=lambda now: now["status"]["phase"] != "blocked")
    went_on_s = time.monotonic() - began
    sys.stdout.write(f"goes on {went_on_s:.1f} s after the override was asked for\n")
    assert went_on_s < 10, "2 s on an idle machine"

    found = flow.wait("large")
    assert found["status"]["phase"] == "completed", found["status"]["message"]
    assert place.replicas("large") == 4


def test_an_override_that_ran_out_blocks_again_before_dispatch(place, flow):
    place.deploy("twice")
    first, second = wants("seventy_seven", 77, "it is not 77"), wants("two", 2, "it is not two")
    flow.run("twice", scale_step(1, place.namespace, "twice", preConditions=[first, second]))
    flow.in_phase("twice", "blocked")
    until = datetime.now(UTC) + timedelta(seconds=6)
    flow.annotate(
        "twice",
        *("kubernaut.io/override-condition=seventy_seven", "kubernaut.io/override-reason=ticket"),
        *("kubernaut.io/override-by=admin", f"kubernaut.io/override-until={until:%Y-%m-%dT%H:%M:%SZ}"),
    )
    flow.wait("twice", until=lambda now: "it is not 77" not in now["status"]["message"])

    time.sleep(max(0.0, (until - datetime.now(UTC)).total_seconds()))
    place.cluster.kubectl("scale", "deployment/twice", "--replicas=2", "-n", place.namespace)
    found = flow.wait(
        "twice", until=lambda now: "77" in now["status"]["message"] and "two" not in now["status"]["message"]
    )

    (step,) = found["status"]["stepStatuses"]
    assert (found["status"]["phase"], step["phase"], "execution" in step) == ("blocked", "blocked", False)
    assert place.replicas("twice") == 2


def test_nothing_begins_before_approval(place, flow):
    place.deploy("approved")
    flow.run("approved", scale_step(1, place.namespace, "approved", to=2), executionStrategy={"approvalRequired": True})
    found = flow.in_phase("approved", "paused")
    assert found["status"]["reason"] == "AwaitingApproval"
    carol = somebody(place, "carol")
    with pytest.raises(ClusterError, match=r"carol may not set .* takes the verb approve"):
        carol.kubectl("annotate", "workflowexecution/approved", "kubernaut.io/approve=true")
    assert place.replicas("approved") == 1

    carol.given("kubernaut-approve").kubectl("annotate", "workflowexecution/approved", "kubernaut.io/approve=true")

    assert flow.wait("approved")["status"]["phase"] == "completed"
    assert place.replicas("approved") == 2


def test_paused_midway_nothing_more_is_dispatched_until_it_goes_on(operator, place, flow):
    for name in ("first", "second"):
        place.deploy(name)
    flow.run(
        "paused",
        scale_step(1, place.namespace, "first", to=2),
        scale_step(2, place.namespace, "second", to=2, dependsOn=[1]),
    )
    flow.wait("paused", until=lambda now: (now.get("status", {}).get("stepStatuses") or [{}])[0].get("execution"))
    desk = Desk(operator.cluster.layout.kubeconfig, place.namespace)
    assert desk("pause", "paused").code == 0

    found = flow.wait("paused", until=lambda now: now["status"]["stepStatuses"][0]["phase"] == "completed")
    found = flow.in_phase("paused", "paused")
    assert "execution" not in found["status"]["stepStatuses"][1]
    assert (place.replicas("first"), place.replicas("second")) == (2, 1)

    assert desk("resume", "paused").code == 0
    assert flow.wait("paused")["status"]["phase"] == "completed"
    assert place.replicas("second") == 2


def test_cancelled_midway_it_takes_back_what_it_began_and_is_gone(place, flow, operator, api):
    for name in ("begun", "never"):
        place.deploy(name)
    flow.run(
        "cancelled",
        scale_step(1, place.namespace, "begun", to=3),
        scale_step(2, place.namespace, "never", to=2, dependsOn=[1]),
        executionStrategy={"rollbackStrategy": "automatic"},
    )
    place.wait(lambda: place.replicas("begun") == 3)
    uid = api.get(WORKFLOW_EXECUTIONS, "cancelled", place.namespace)["metadata"]["uid"]

    operator.cluster.kubectl("delete", "workflowexecution/cancelled", "-n", place.namespace, "--wait=false")
    gone = ("--for=delete", "workflowexecution/cancelled", "--timeout=120s")
    operator.cluster.kubectl("wait", "-n", place.namespace, *gone)

    assert (place.replicas("begun"), place.replicas("never")) == (1, 1)
    (row,) = [one for one in operator.rows() if one["kind"] == "workflows" and one["workflow_uid"] == uid]
    assert row["result"] == "rolled_back", row
