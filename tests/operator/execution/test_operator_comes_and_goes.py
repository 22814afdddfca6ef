"""Two replicas: one leads, and the other takes up what it leaves unfinished."""

import pytest
from helpers.executions import phase_is

pytestmark = [pytest.mark.xdist_group("control-plane"), pytest.mark.cluster]

HOLDS = {
    "type": "mine",
    "timeout": "60s",
    "holdFor": "4s",
    "rego": "package mine\nimport rego.v1\nallow if input.current_replicas == 3",
}


@pytest.mark.slow
def test_the_next_leader_brings_a_run_to_the_same_end(no_operator, shop, make_operator):
    with make_operator(elect=True) as first, make_operator(elect=True) as second:
        led_by = first if any(entry["event"] == "leads" for entry in first.log()) else second
        other = second if led_by is first else first
        led_by.wait_for_log("leads")
        assert other.ask("/readyz")[0] == 200
        shop.scale(postConditions=[HOLDS])
        shop.wait(until=phase_is("verifying"))

        assert led_by.stop() == 0

        found = shop.wait()
        other.wait_for_log("leads")
    assert found["status"]["phase"] == "succeeded"
    results = found["status"]["validationResults"]["postConditionResults"]
    (mine,) = (one for one in results if one["conditionType"] == "mine")
    assert (mine["verdict"], mine["enforced"]) == ("Passed", True)
    assert len(shop.jobs()) == len(shop.kubelet.performed) == 1
