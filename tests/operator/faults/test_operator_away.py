"""The operator away past the deadline of what it verifies, or for a moment: nothing fails because nobody was looking."""

import time

import pytest
from helpers.workflows import create_workflow, wait_for_workflow, workflow

pytestmark = [pytest.mark.xdist_group("control-plane"), pytest.mark.cluster]

TIMEOUT_S = 5.0
LATER = "package mine\nimport rego.v1\nallow if input.current_replicas == 4"
TWO_NEW = "package mine\nimport rego.v1\nallow if count({pod.name | some pod in input.replacement_pods}) == 2"


def after(kind, **fields):
    return {"type": kind, "rego": LATER, "timeout": f"{TIMEOUT_S:g}s", "pollInterval": "1s"} | fields


def results(found):
    return {one["conditionType"]: one for one in found["status"]["validationResults"]["postConditionResults"]}


def acted(found):
    return found.get("status", {}).get("engine", {}).get("steps", {}).get("1/forward", {}).get("executionOver")


def test_it_comes_back_after_the_deadline(shop, operator, history):
    shop.deploy("holds", "never")
    shop.scale("holds", "never", postConditions=[after("four"), after("four_for_a_while", holdFor="2s")])
    for target in ("holds", "never"):
        shop.wait_phase(target, "verifying")
    operator.kill()
    time.sleep(TIMEOUT_S + 1.0)
    shop.cluster.kubectl("scale", "deployment/holds", "--replicas=4", f"--namespace={shop.namespace}")
    operator.start(wait=False)

    holds, never = shop.cleaned("holds"), shop.cleaned("never")

    assert holds["status"]["phase"] == "succeeded"
    mine = results(holds)
    assert {mine[kind]["verdict"] for kind in ("four", "four_for_a_while")} == {"Passed"}
    # One that nothing could pass got its looks, too, and failed by them.
    assert (never["status"]["phase"], never["status"]["reason"]) == ("failed", "PostconditionFailed")
    for target in ("holds", "never"):
        shop.over(target)
    operator.stop()
    rows = history(operator).evaluations.to_pandas()
    mine = rows[rows["type"].isin(["four", "four_for_a_while"])]
    assert list(mine["extended"]) == [True] * 4
    assert (shop.locks(), [len(shop.jobs(target)) for target in ("holds", "never")]) == ([], [1, 1])


def test_a_step_is_verified_by_what_was_seen_before_its_action(shop, operator):
    shop.deploy("web")
    victim = shop.listed("pods")["items"][0]["metadata"]["name"]
    named = {"name": victim, "namespace": shop.namespace}
    wanted = {"type": "two_new", "rego": TWO_NEW, "timeout": "60s", "pollInterval": "1s"}
    step = {"stepNumber": 1, "action": "restart_pod", "parameters": {"pod": named}, "postConditions": [wanted]}
    create_workflow(shop.cluster, workflow(shop.namespace, "restarts", step))
    wait_for_workflow(shop.api, shop.namespace, "restarts", until=acted)
    operator.kill()
    operator.start(wait=False)
    shop.cluster.kubectl("scale", "deployment/web", "--replicas=3", f"--namespace={shop.namespace}")

    found = wait_for_workflow(shop.api, shop.namespace, "restarts")

    assert (found["status"]["phase"], found["status"]["message"]) == ("completed", "every step is verified")
