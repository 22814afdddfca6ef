"""An execution on another namespace's Deployment: only while the API server asks who may act there."""

import json

import pytest
from helpers.executions import create, scaling, wait_for
from kubernaut_operator.manifests.admission import TARGETS

pytestmark = [pytest.mark.xdist_group("control-plane"), pytest.mark.cluster]


@pytest.fixture
def elsewhere(cluster, namespace):
    """A second namespace, in which executions lie."""
    name = f"{namespace[:50]}-elsewhere"
    cluster.kubectl("create", "namespace", name)
    yield name
    cluster.kubectl("delete", "namespace", name, "--wait=false")


def asked_from(elsewhere, shop):
    manifest = scaling(shop.namespace, dryRun=True)
    manifest["metadata"]["namespace"] = elsewhere
    return manifest


def test_who_was_asked_may_act_elsewhere(cluster, api, operator, shop, elsewhere):
    create(cluster, asked_from(elsewhere, shop))

    found = wait_for(api, elsewhere)

    assert found["status"]["reason"] == "DryRunSucceeded"


def test_nobody_acts_elsewhere_while_nobody_is_asked(cluster, api, operator, shop, elsewhere):
    binding = json.loads(cluster.kubectl("get", "validatingadmissionpolicybinding", TARGETS, "--output=json"))
    binding["metadata"] = {key: binding["metadata"][key] for key in ("name", "labels")}
    cluster.kubectl("delete", "validatingadmissionpolicybinding", TARGETS)
    try:
        create(cluster, asked_from(elsewhere, shop))
        found = wait_for(api, elsewhere)
        shop.scale(dryRun=True)
        own = shop.wait()
    finally:
        cluster.kubectl("create", "-f", "-", stdin=json.dumps(binding))

    assert (found["status"]["phase"], found["status"]["reason"]) == ("denied", "AccessDenied")
    assert "the admission policy on targets or its binding is missing" in found["status"]["message"]
    assert own["status"]["reason"] == "DryRunSucceeded"
