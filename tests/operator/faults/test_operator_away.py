"""The operator away past the deadline of what it verifies: nothing fails because nobody was looking."""

import time

import pytest

pytestmark = [pytest.mark.xdist_group("control-plane"), pytest.mark.cluster]

TIMEOUT_S = 5.0
LATER = "package mine\nimport rego.v1\nallow if input.current_replicas == 4"


def after(kind, **fields):
    return {"type": kind, "rego": LATER, "timeout": f"{TIMEOUT_S:g}s", "pollInterval": "1s"} | fields


def results(found):
    return {one["conditionType"]: one for one in found["status"]["validationResults"]["postConditionResults"]}


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
