"""`restart_pod` and `rollback_deployment` by the installed operator."""

import json

import pytest
from helpers.real_workloads import CRASH, results

pytestmark = [pytest.mark.xdist_group("cluster"), pytest.mark.cluster]


def test_a_pod_is_restarted_and_its_replacement_verified(shop):
    shop.in_environment("enforced")
    shop.deploy(replicas=2)
    sick, other = (pod["metadata"]["name"] for pod in shop.pods())

    status = shop.follow(shop.act("restart_pod", "Pod", sick, gracePeriodSeconds=1))

    assert (status["phase"], status["reason"]) == ("succeeded", "Succeeded")
    assert {one["verdict"] for one in results(status, "pre").values()} == {"Passed"}
    assert results(status, "post")["replacement_crash_free"]["verdict"] == "Passed"
    names = {pod["metadata"]["name"] for pod in shop.pods()}
    assert sick not in names
    assert other in names
    assert status["rollbackInfo"]["reversible"] is False


def test_a_pod_that_nobody_would_make_again_is_not_restarted(shop):
    shop.in_environment("enforced")
    shop.cluster.kubectl(
        "run", "alone", f"--namespace={shop.namespace}", "--image=localhost/kubernaut/busybox:1",
        "--image-pull-policy=Never", "--restart=Always", "--", "-c", "sleep 3600",
    )  # fmt: skip
    shop.wait(lambda: shop.get("pod", "alone")["status"]["phase"] == "Running")

    status = shop.follow(shop.act("restart_pod", "Pod", "alone"), until=lambda status: status.get("phase") == "blocked")

    assert results(status, "pre")["pod_will_be_recreated"]["verdict"] == "Failed"
    assert "deletionTimestamp" not in shop.get("pod", "alone")["metadata"]


def test_a_rollout_that_crashes_is_rolled_back(shop):
    shop.in_environment("enforced")
    shop.deploy()
    good = shop.get("deployment", "web")["spec"]["template"]
    change = {"spec": {"template": {"metadata": {"annotations": {"version": "2"}}}}}
    command = [{"op": "replace", "path": "/spec/template/spec/containers/0/command", "value": ["/bin/sh", "-c", CRASH]}]
    shop.cluster.kubectl(f"--namespace={shop.namespace}", "patch", "deployment/web", f"--patch={json.dumps(change)}")
    shop.cluster.kubectl(
        f"--namespace={shop.namespace}", "patch", "deployment/web", "--type=json", f"--patch={json.dumps(command)}"
    )

    status = shop.follow(shop.act("rollback_deployment", "Deployment", "web", toRevision=1))

    assert (status["phase"], status["reason"]) == ("succeeded", "Succeeded")
    assert shop.get("deployment", "web")["spec"]["template"] == good
    assert results(status, "post")["wanted_revision_serving"]["verdict"] == "Passed"
