"""Workflows by the installed operator, on real pods, with every shipped condition of both levels enforced.

They begin side by side in one fixture, each with Deployments of its own; a test waits for the end of its own.
"""

import json
from pathlib import Path

import pytest
from helpers.real_workloads import CRASH
from helpers.workflows import scale_step

pytestmark = [pytest.mark.xdist_group("cluster"), pytest.mark.cluster, pytest.mark.slow]

GUIDES_EXAMPLE = Path(__file__).parents[2] / "kubernaut/conditions/data/scale-web-app-workflow.yaml"
GUIDES_PLACE = "production"

BEFORE = {
    "step": {"deployment_exists", "cluster_capacity_available", "current_replicas_match"},
    "action": {
        "deployment_exists",
        "cluster_capacity_available",
        "image_pull_secrets_valid",
        "node_selector_matches",
    },
}
AFTER = {
    "step": {"desired_replicas_running", "deployment_health_check"},
    "action": {"no_crashloop_pods", "resource_usage_acceptable", "cpu_throttling_acceptable"},
}
TAKEN_BACK = {"rollbackStrategy": "automatic"}
LIMIT_S = 150
"""They share one node, and some wait for a timeout and then for what takes them back."""


@pytest.fixture(scope="module")
def place(open_shop):
    """Let the actions into a namespace that holds every condition to account."""

    def make(namespace, *, environment="enforced"):
        shop = open_shop(namespace)
        shop.in_environment(environment)
        return shop

    return make


@pytest.fixture(scope="module")
def guides_place(place, operator):
    """The namespace that the guide's example names."""
    operator.cluster.kubectl("create", "namespace", GUIDES_PLACE)
    operator.cluster.kubectl("wait", "--for=create", "serviceaccount/default", "-n", GUIDES_PLACE, "--timeout=30s")
    yield place(GUIDES_PLACE)
    operator.cluster.kubectl("delete", "namespace", GUIDES_PLACE, "--wait=false")


def take_no_more_pods(shop):
    """Let the API server refuse new pods, by what no precondition looks at: they ask for less than a container must."""
    limits = [{"type": "Container", "min": {"cpu": "20m"}}]
    manifest = {"apiVersion": "v1", "kind": "LimitRange", "metadata": {"name": "least"}, "spec": {"limits": limits}}
    shop.cluster.kubectl("create", "--filename=-", f"--namespace={shop.namespace}", stdin=json.dumps(manifest))


@pytest.fixture(scope="module")
def begun(flows, place, guides_place, make_namespace):
    """Everything that needs nobody in between, begun at once."""
    shops = {name: place(make_namespace(f"flows-{name}")) for name in ("whole", "cascade", "lost")}
    # A hold of six seconds may end before a busy machine has started a pod.
    shops["crash"] = place(make_namespace("flows-crash"), environment="watching")
    guides_place.deploy("web-app", replicas=2, wait=False)
    shops["whole"].deploy(wait=False)
    for name in ("cascade", "crash"):
        for target in ("one", "two"):
            shops[name].deploy(target, wait=False)
    shops["lost"].deploy("one", replicas=2, wait=False)
    shops["lost"].deploy("two", wait=False)
    for shop in shops.values():
        shop.cluster.kubectl(
            "wait", "--for=condition=Available", "deployment", "--all", "-n", shop.namespace, "--timeout=60s"
        )
    shops["crash"].do(CRASH)
    take_no_more_pods(shops["cascade"])
    take_no_more_pods(shops["lost"])

    guides_place.cluster.kubectl("create", "--filename", str(GUIDES_EXAMPLE))
    flows.run(shops["whole"], "whole", whole_step(shops["whole"]))
    for name in ("cascade", "crash"):
        first, second = (
            scale_step(number, shops[name].namespace, target, **needs)
            for number, target, needs in ((1, "one", {}), (2, "two", {"dependsOn": [1]}))
        )
        flows.run(shops[name], name, first, second, executionStrategy=TAKEN_BACK)
    flows.run(
        shops["lost"],
        "lost",
        scale_step(1, shops["lost"].namespace, "one", to=1),
        scale_step(2, shops["lost"].namespace, "two", to=2, dependsOn=[1]),
        executionStrategy=TAKEN_BACK,
    )
    return {**shops, "guide": guides_place}


def whole_step(shop):
    step = scale_step(1, shop.namespace, "web")
    step["parameters"]["expectedReplicas"] = 1
    return step


def steps_of(found):
    return {one["stepNumber"]: one["phase"] for one in found["status"]["stepStatuses"]}


def judged(found, phase):
    return {one["conditionType"]: one for one in found[f"{phase}ConditionResults"]}


def test_the_guides_example_completes_as_it_stands(begun, flows):
    found = flows.wait(begun["guide"], "scale-web-app-workflow", limit_s=LIMIT_S)

    assert (found["status"]["phase"], found["status"]["message"]) == ("completed", "every step is verified")
    (step,) = found["status"]["stepStatuses"]
    assert begun["guide"].replicas("web-app") == 5
    assert {one["verdict"] for one in judged(step, "post").values()} == {"Passed"}
    assert {one["verdict"] for one in judged(step, "pre").values()} == {"Passed"}


def test_every_condition_of_both_levels_is_judged_and_enforced(begun, flows):
    found = flows.wait(begun["whole"], "whole", limit_s=LIMIT_S)

    assert found["status"]["phase"] == "completed", found["status"]["message"]
    (step,) = found["status"]["stepStatuses"]
    action = begun["whole"].get("kubernetesexecution", step["execution"]["name"])["status"]["validationResults"]
    seen = {"step": step, "action": action}
    assert {level: set(judged(seen[level], "pre")) for level in seen} == BEFORE
    assert {level: set(judged(seen[level], "post")) for level in seen} == AFTER
    required = [
        one
        for level in seen.values()
        for phase in ("pre", "post")
        for one in judged(level, phase).values()
        if one["required"]
    ]
    assert len(required) == 9
    assert {(one["verdict"], one["enforced"]) for one in required} == {("Passed", True)}


def test_what_was_accepted_without_effect_lets_no_dependent_begin(begun, flows):
    shop = begun["cascade"]

    found = flows.wait(shop, "cascade", limit_s=LIMIT_S)

    assert found["status"]["phase"] == "rolled_back", found["status"]["message"]
    assert steps_of(found) == {1: "rolled_back", 2: "skipped"}
    assert "replicas could not be created" in found["status"]["message"]
    first, second = found["status"]["stepStatuses"]
    assert shop.get("kubernetesexecution", first["execution"]["name"])["status"]["job"]["effect"] == "applied"
    assert "execution" not in second
    assert (shop.replicas("one"), shop.replicas("two")) == (1, 1)


def test_pods_that_crash_after_scaling_are_taken_back_and_that_is_verified(begun, flows):
    shop = begun["crash"]

    found = flows.wait(shop, "crash", limit_s=LIMIT_S)

    assert found["status"]["phase"] == "rolled_back", found["status"]["message"]
    assert steps_of(found) == {1: "rolled_back", 2: "skipped"}
    crashed = shop.get("kubernetesexecution", found["status"]["stepStatuses"][0]["execution"]["name"])["status"]
    assert (crashed["reason"], "no_crashloop_pods: " in crashed["message"]) == ("PostconditionFailed", True)
    undone = shop.get("kubernetesexecution", found["status"]["stepStatuses"][0]["rollbackExecution"]["name"])
    assert undone["status"]["phase"] == "succeeded"
    after = judged(undone["status"]["validationResults"], "post")
    assert {one["verdict"] for one in after.values() if one["required"]} == {"Passed"}
    assert shop.replicas("one") == 1
    assert len(shop.pods("one")) == 1


def test_a_rollback_that_does_not_take_is_told_loudly(begun, flows):
    shop = begun["lost"]

    found = flows.wait(shop, "lost", limit_s=LIMIT_S)

    assert found["status"]["phase"] == "rollback_failed", found["status"]["message"]
    assert steps_of(found)[2] == "rolled_back"
    assert "step 1" in found["status"]["message"]
    text = shop.cluster.kubectl(
        "get", "events", "-n", shop.namespace, "--field-selector=involvedObject.name=lost,type=Warning", "-o", "json"
    )
    assert any("step 1" in event["message"] for event in json.loads(text)["items"])
