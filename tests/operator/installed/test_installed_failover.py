"""The leader's pod goes away in the middle of a run: the other replica ends it, with the one Job that there was."""

import json

import pytest
from helpers.installed_operator import NAMESPACE
from helpers.real_workloads import results
from kubernaut_operator.manifests.options import OPERATOR
from kubernaut_operator.settings import ACTIONS_NAMESPACE

pytestmark = [pytest.mark.xdist_group("cluster"), pytest.mark.cluster]


def test_another_replica_goes_on_with_a_run(operator, shop):
    shop.in_environment("watching")
    shop.deploy()
    former = operator.leader()
    name = shop.scale(2)
    uid = shop.get("kubernetesexecution", name)["metadata"]["uid"]
    shop.follow(name, until=lambda status: status.get("phase") == "verifying")

    operator.cluster.kubectl("delete", "pod", former, f"--namespace={NAMESPACE}", "--wait=false")
    status = shop.follow(name, limit_s=120)

    assert (status["phase"], status["reason"]) == ("succeeded", "Succeeded")
    assert results(status, "post")["no_crashloop_pods"]["verdict"] == "Passed"
    assert operator.leader() != former
    selector = f"--selector=kubernaut.io/execution-uid={uid}"
    jobs = operator.cluster.kubectl("get", "jobs", f"--namespace={ACTIONS_NAMESPACE}", selector, "--output=json")
    assert len(json.loads(jobs)["items"]) == 1
    operator.cluster.kubectl(
        "rollout", "status", f"statefulset/{OPERATOR}", f"--namespace={NAMESPACE}", "--timeout=90s"
    )
    operator.scrape()
