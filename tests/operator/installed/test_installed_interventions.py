"""People step into workflows of the installed operator: override, approve, pause, cancel; and what they are told."""

import sys
import time
from datetime import UTC, datetime, timedelta

import pytest
from cluster.errors import ClusterError
from helpers.people_commands import Desk
from helpers.person import Person
from helpers.workflows import scale_step
from kubernaut_operator.execution.kinds import WORKFLOW_EXECUTIONS

pytestmark = [pytest.mark.xdist_group("cluster"), pytest.mark.cluster, pytest.mark.slow]

WANTS = 'package {name}\nimport rego.v1\nallow if input.current_replicas == {replicas}\nerror_message := "{told}"'


@pytest.fixture(scope="module")
def place(open_shop, make_namespace):
    """A namespace that holds every condition to account."""
    shop = open_shop(make_namespace("people"))
    shop.in_environment("enforced")
    return shop


def somebody(place, name):
    """Somebody who may see and change workflows, and no more."""
    return Person(place.cluster, name, place.namespace).given("kubernaut-view").given("kubernaut-edit")


def wants(name, replicas, told):
    rego = WANTS.format(name=name, replicas=replicas, told=told)
    return {"type": name, "description": told, "rego": rego, "required": True}


def test_missing_capacity_blocks_until_somebody_with_the_verb_overrides(operator, place, flows):
    cluster = operator.cluster
    place.deploy("hog", replicas=2, cpu="600m")
    place.deploy("large", cpu="300m")
    flows.run(place, "large", scale_step(1, place.namespace, "large", to=4))
    found = flows.in_phase(place, "large", "blocked")
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
    assert flows.in_phase(place, "large", "blocked")
    # What the override is for: room will come. Without it this workflow would end by its postconditions.
    cluster.kubectl("scale", "deployment/hog", "--replicas=0", "-n", place.namespace)
    began = time.monotonic()
    said = desk("override", "large", "cluster_capacity_available", "--reason=ticket 4711", f"--as={alice.name}")
    assert said.code == 0, said.err
    found = flows.wait(place, "large", until=lambda now: now["status"]["phase"] != "blocked")
    went_on_s = time.monotonic() - began
    sys.stdout.write(f"goes on {went_on_s:.1f} s after the override was asked for\n")
    assert went_on_s < 10, "2 s on an idle machine"

    found = flows.wait(place, "large")
    assert found["status"]["phase"] == "completed", found["status"]["message"]
    assert place.replicas("large") == 4


def test_an_override_that_ran_out_blocks_again_before_dispatch(place, flows):
    place.deploy("twice")
    first, second = wants("seventy_seven", 77, "it is not 77"), wants("two", 2, "it is not two")
    flows.run(place, "twice", scale_step(1, place.namespace, "twice", preConditions=[first, second]))
    flows.in_phase(place, "twice", "blocked")
    until = datetime.now(UTC) + timedelta(seconds=6)
    place.cluster.kubectl(
        *("annotate", "workflowexecution/twice", f"--namespace={place.namespace}"),
        *("kubernaut.io/override-condition=seventy_seven", "kubernaut.io/override-reason=ticket"),
        *("kubernaut.io/override-by=admin", f"kubernaut.io/override-until={until:%Y-%m-%dT%H:%M:%SZ}"),
    )
    flows.wait(place, "twice", until=lambda now: "it is not 77" not in now["status"]["message"])

    time.sleep(max(0.0, (until - datetime.now(UTC)).total_seconds()))
    place.cluster.kubectl("scale", "deployment/twice", "--replicas=2", "-n", place.namespace)
    found = flows.wait(
        place, "twice", until=lambda now: "77" in now["status"]["message"] and "two" not in now["status"]["message"]
    )

    (step,) = found["status"]["stepStatuses"]
    assert (found["status"]["phase"], step["phase"], "execution" in step) == ("blocked", "blocked", False)
    assert place.replicas("twice") == 2


def test_nothing_begins_before_approval(place, flows):
    place.deploy("approved")
    flows.run(
        place,
        "approved",
        scale_step(1, place.namespace, "approved", to=2),
        executionStrategy={"approvalRequired": True},
    )
    found = flows.in_phase(place, "approved", "paused")
    assert found["status"]["reason"] == "AwaitingApproval"
    carol = somebody(place, "carol")
    with pytest.raises(ClusterError, match=r"carol may not set .* takes the verb approve"):
        carol.kubectl("annotate", "workflowexecution/approved", "kubernaut.io/approve=true")
    assert place.replicas("approved") == 1

    carol.given("kubernaut-approve").kubectl("annotate", "workflowexecution/approved", "kubernaut.io/approve=true")

    assert flows.wait(place, "approved")["status"]["phase"] == "completed"
    assert place.replicas("approved") == 2


def test_paused_midway_nothing_more_is_dispatched_until_it_goes_on(operator, place, flows):
    for name in ("first", "second"):
        place.deploy(name)
    flows.run(
        place,
        "paused",
        scale_step(1, place.namespace, "first", to=2),
        scale_step(2, place.namespace, "second", to=2, dependsOn=[1]),
    )
    flows.wait(
        place, "paused", until=lambda now: (now.get("status", {}).get("stepStatuses") or [{}])[0].get("execution")
    )
    desk = Desk(operator.cluster.layout.kubeconfig, place.namespace)
    assert desk("pause", "paused").code == 0

    found = flows.wait(place, "paused", until=lambda now: now["status"]["stepStatuses"][0]["phase"] == "completed")
    found = flows.in_phase(place, "paused", "paused")
    assert "execution" not in found["status"]["stepStatuses"][1]
    assert (place.replicas("first"), place.replicas("second")) == (2, 1)

    assert desk("resume", "paused").code == 0
    assert flows.wait(place, "paused")["status"]["phase"] == "completed"
    assert place.replicas("second") == 2


def test_cancelled_midway_it_takes_back_what_it_began_and_is_gone(operator, place, flows):
    for name in ("begun", "never"):
        place.deploy(name)
    flows.run(
        place,
        "cancelled",
        scale_step(1, place.namespace, "begun", to=3),
        scale_step(2, place.namespace, "never", to=2, dependsOn=[1]),
        executionStrategy={"rollbackStrategy": "automatic"},
    )
    place.wait(lambda: place.replicas("begun") == 3)
    uid = flows.api.get(WORKFLOW_EXECUTIONS, "cancelled", place.namespace)["metadata"]["uid"]

    operator.cluster.kubectl("delete", "workflowexecution/cancelled", "-n", place.namespace, "--wait=false")
    gone = ("--for=delete", "workflowexecution/cancelled", "--timeout=120s")
    operator.cluster.kubectl("wait", "-n", place.namespace, *gone)

    assert (place.replicas("begun"), place.replicas("never")) == (1, 1)
    (row,) = [one for one in operator.rows() if one["kind"] == "workflows" and one["workflow_uid"] == uid]
    assert row["result"] == "rolled_back", row
