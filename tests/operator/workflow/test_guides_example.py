"""The guide's example of a workflow, as it stands, on a real API server."""

from pathlib import Path

import pytest
from helpers.executions import create, deployment
from helpers.operated_shop import Shop
from helpers.played_kubelet import PlayedKubelet
from helpers.workflows import wait_for_workflow
from kubernaut_operator.settings import ACTIONS_NAMESPACE

pytestmark = [pytest.mark.xdist_group("control-plane"), pytest.mark.cluster]

EXAMPLE = Path(__file__).parents[2] / "kubernaut/conditions/data/scale-web-app-workflow.yaml"
PLACE = "production"


@pytest.fixture
def production(cluster, api, installed):
    cluster.kubectl("create", "namespace", PLACE)
    installed.opt_in(PLACE)
    create(cluster, deployment(PLACE, name="web-app"))
    with PlayedKubelet(cluster, ACTIONS_NAMESPACE, ready=[PLACE]) as kubelet:
        cluster.kubectl("wait", "--for=condition=Available", "deployment/web-app", f"--namespace={PLACE}")
        yield Shop(cluster, api, PLACE, kubelet)
    cluster.kubectl("delete", "namespace", PLACE, "--wait=false")


def test_the_guides_example_runs_unchanged_and_completes(operator, production):
    production.cluster.kubectl("create", "-f", str(EXAMPLE))

    found = wait_for_workflow(production.api, PLACE, "scale-web-app-workflow")

    status = found["status"]
    assert (status["phase"], status["message"]) == ("completed", "every step is verified")
    (step,) = status["stepStatuses"]
    told = {one["conditionType"]: one["passed"] for one in step["preConditionResults"]}
    assert told["deployment_exists"]
    # There is no node here, so there is no room; in warn mode that is told and stops nothing.
    assert not told["cluster_capacity_available"]
    assert (
        production.cluster.kubectl("get", "deployment", "web-app", "-n", PLACE, "-o", "jsonpath={.spec.replicas}")
        == "5"
    )
