"""ConfigMaps of the installed operator: a change holds at once and without a restart, a broken one changes nothing."""

import json
import re

import pytest
from helpers.installed_operator import NAMESPACE
from helpers.real_workloads import results

pytestmark = [pytest.mark.xdist_group("cluster"), pytest.mark.cluster]

NOT_TODAY = """\
package precondition.scale_deployment.allowed_today

import rego.v1

default allow := false

error_message := "nothing is scaled today"
"""
KEY = "scale_deployment.pre.allowed_today.rego"


def with_a_precondition(settings):
    settings["actions"]["scale_deployment"]["pre"]["allowed_today"] = {"required": True, "rolloutPercent": 100}
    return json.dumps(settings)


def test_a_change_takes_effect_without_a_restart(operator, shop, conditions, action_settings):
    shop.deploy()
    pods = {pod["metadata"]["uid"] for pod in operator.pods()}

    version = conditions({"settings.yaml": with_a_precondition(action_settings()), KEY: NOT_TODAY}, wait=False)
    taken_s = operator.wait_for_conditions(version)
    status = shop.follow(shop.scale(2), until=lambda status: status.get("phase") == "blocked")

    assert taken_s < 10, "2 s on an idle machine"
    assert "allowed_today: nothing is scaled today" in status["message"]
    assert results(status, "pre")["allowed_today"]["policySource"] == "configmap"
    assert {pod["metadata"]["uid"] for pod in operator.pods()} == pods


def test_a_broken_change_leaves_the_last_good_in_force_and_says_so(operator, shop, conditions, action_settings):
    shop.deploy()
    before = shop.follow(shop.scale(2, name="before"))["pinned"]["digest"]
    refused = 'policies_loads_total{part="action",result="refused"}'
    count = operator.metrics().get(refused, 0)

    broken = NOT_TODAY.replace("default allow := false", "default allow := ")
    conditions({"settings.yaml": with_a_precondition(action_settings()), KEY: broken}, wait=False)
    shop.wait(lambda: operator.metrics().get(refused, 0) > count)
    status = shop.follow(shop.scale(3, name="after"))

    assert status["pinned"]["digest"] == before
    assert status["phase"] == "succeeded"
    assert "allowed_today" not in results(status, "pre")
    messages = shop.wait(lambda: [message for message in said_of_config_map(operator) if KEY in message])
    assert re.search(rf"{re.escape(KEY)}:\d+:\d+: ", messages[0])


def said_of_config_map(operator):
    text = operator.cluster.kubectl(
        "get", "events", f"--namespace={NAMESPACE}", "--field-selector=involvedObject.kind=ConfigMap", "-o", "json"
    )
    return [event["message"] for event in json.loads(text)["items"] if event["type"] == "Warning"]


def test_without_the_metrics_api_its_facts_are_unobserved(operator, shop, conditions, action_settings):
    usage = """\
package precondition.scale_deployment.pods_are_idle

import rego.v1

default allow := false

allow if {
	every pod in input.pods {
		pod.cpu_usage != "9999m"
	}
}
"""
    settings = action_settings()
    settings["actions"]["scale_deployment"]["pre"]["pods_are_idle"] = {"required": True}
    conditions({"settings.yaml": json.dumps(settings), "scale_deployment.pre.pods_are_idle.rego": usage})
    shop.deploy()
    api = operator.cluster.kubectl("get", "apiservice", "v1beta1.metrics.k8s.io", "--output=json")
    operator.cluster.kubectl("delete", "apiservice", "v1beta1.metrics.k8s.io")
    try:
        status = shop.follow(shop.scale(2))
    finally:
        manifest = json.loads(api)
        manifest["metadata"] = {"name": manifest["metadata"]["name"]}
        operator.cluster.kubectl("apply", "--filename=-", stdin=json.dumps(manifest))

    found = results(status, "pre")["pods_are_idle"]
    assert (found["verdict"], found["reason"], found["evaluated"]) == ("Error", "FactUnobserved", False)
    assert "cpu_usage" in found["errorMessage"]
    assert results(status, "pre")["deployment_exists"]["verdict"] == "Passed"
