"""The operator installed once for all tests here, and a namespace for each that let the actions in.

Its conditions are the shipped ones. Namespaces of the environment `enforced` hold them all to account, with short holds;
`watching` holds long enough to see a crash, and so does `warning`, where crash loops are no reason to fail. What pods
and logs say is added to the report of a test that fails.
"""

import json
import os

import coverage
import pytest
import yaml
from cluster.image_building import building_missing
from cluster.layout import Tier
from helpers.installed_operator import (
    RECORDS,
    install_operator,
    record_folders,
    remove_operator,
)
from helpers.real_workloads import RealShop
from helpers.tier_coverage import collect_from_pod, prepare_pod
from helpers.workflows import create_workflow, wait_for_workflow, workflow
from kubernaut_operator.kernel.api import connect
from kubernaut_operator.manifests.action_accounts import opt_in
from kubernaut_operator.manifests.install import manifests_text
from kubernaut_operator.manifests.options import InstallOptions

from kubernaut.identity import Level
from kubernaut.shipped import shipped_settings

HOLD = {"timeout": "20s", "pollInterval": "1s", "holdFor": "6s"}
ENFORCED = {
    "rolloutPercent": 100,
    "actions": {
        "scale_deployment": {"post": {"no_crashloop_pods": HOLD, "resource_usage_acceptable": HOLD}},
        "restart_pod": {"post": {"replacement_crash_free": HOLD}},
        "rollback_deployment": {
            "post": {
                "wanted_revision_serving": {"timeout": "20s", "pollInterval": "1s"},
                "no_crashes_after_rollback": HOLD,
            }
        },
    },
}
PATIENT = {"timeout": "30s", "pollInterval": "1s", "holdFor": "20s"}
WATCHING = {
    "rolloutPercent": 100,
    "actions": {"scale_deployment": {"post": {"no_crashloop_pods": PATIENT, "resource_usage_acceptable": HOLD}}},
}
WARNING = {
    "rolloutPercent": 100,
    "actions": {
        "scale_deployment": {
            "post": {"no_crashloop_pods": {**PATIENT, "required": False}, "resource_usage_acceptable": HOLD}
        }
    },
}
ENVIRONMENTS = {"enforced": ENFORCED, "watching": WATCHING, "warning": WARNING}
SOON = {"timeout": "20s", "pollInterval": "1s"}
STEPS_ENFORCED = {
    "rolloutPercent": 100,
    "actions": {"scale_deployment": {"post": {"desired_replicas_running": SOON, "deployment_health_check": SOON}}},
}
ACTION_CONDITIONS = "kubernaut-action-conditions"
STEP_CONDITIONS = "kubernaut-workflow-conditions"

_held = []


@pytest.fixture(scope="session")
def action_settings():
    """The shipped settings of the action level, and the environments of the tests; a fresh copy."""
    return lambda: {**yaml.safe_load(shipped_settings(Level.ACTION)), "environments": ENVIRONMENTS}


@pytest.fixture(scope="session")
def operator(cluster, action_settings):
    """The installed operator."""
    if cluster.layout.tier is not Tier.NODE:
        pytest.skip("the installed operator needs a node: root and Debian's container packages")
    if missing := building_missing():
        told = f"the operator's image needs {' and '.join(missing)} to be built: apt-get install {' '.join(missing)}"
        if "KUBERNAUT_CLUSTER_TIER" in os.environ:
            pytest.fail(told, pytrace=False)
        pytest.skip(told)
    measured = coverage.Coverage.current() is not None
    volumes = record_folders(cluster)
    environment = {}
    for volume in volumes if measured else ():
        volume.mkdir(parents=True, exist_ok=True)
        environment = prepare_pod(volume, mounted=RECORDS)
    installed = install_operator(cluster, environment=environment)
    _held.append(installed)
    installed.scrape()
    steps = {
        **yaml.safe_load(shipped_settings(Level.STEP)),
        "environments": dict.fromkeys(("enforced", "watching"), STEPS_ENFORCED),
    }
    installed.config_map(STEP_CONDITIONS, {"settings.yaml": json.dumps(steps)})
    installed.config_map(ACTION_CONDITIONS, {"settings.yaml": json.dumps(action_settings())})
    yield installed
    _held.clear()
    if measured:
        # Its data is written at an orderly end.
        remove_operator(cluster)
        assert sum(collect_from_pod(volume) for volume in volumes), "the pods left no coverage behind"


@pytest.fixture(scope="session")
def open_shop(operator):
    """Let every action into a namespace."""

    def open_for(namespace):
        operator.cluster.kubectl(
            "create", "--filename=-", stdin=manifests_text(opt_in(namespace, (), InstallOptions()))
        )
        return RealShop(operator.cluster, namespace)

    return open_for


@pytest.fixture(scope="module")
def make_namespace(operator):
    """Make namespaces that several tests of a module share."""
    made = []

    def make(name):
        made.append(f"{name}-{os.urandom(3).hex()}")
        operator.cluster.kubectl("create", "namespace", made[-1])
        operator.cluster.kubectl("wait", "--for=create", "serviceaccount/default", "-n", made[-1], "--timeout=30s")
        return made[-1]

    yield make
    for namespace in made:
        operator.cluster.kubectl("delete", "namespace", namespace, "--wait=false")


class Flows:
    """Workflows of an installed operator: run one in a namespace, and wait for something of it."""

    def __init__(self, cluster):
        self._cluster = cluster
        self.api = connect(str(cluster.layout.kubeconfig))

    def run(self, shop, name, *steps, **spec):
        create_workflow(self._cluster, workflow(shop.namespace, name, *steps, **spec))

    def wait(self, shop, name, **how):
        return wait_for_workflow(self.api, shop.namespace, name, **how)

    def in_phase(self, shop, name, phase):
        return self.wait(shop, name, until=lambda now: (now.get("status") or {}).get("phase") == phase)


@pytest.fixture(scope="session")
def flows(operator):
    """Workflows in any namespace."""
    return Flows(operator.cluster)


@pytest.fixture
def shop(open_shop, namespace):
    """A namespace that let every action in."""
    return open_shop(namespace)


@pytest.fixture
def conditions(operator, action_settings):
    """Replace the action level's ConfigMap and wait until that is in force; what was there comes back after the test."""

    def replace(data, *, wait=True):
        version = operator.config_map(ACTION_CONDITIONS, data)
        if wait:
            operator.wait_for_conditions(version)
        return version

    yield replace
    replace({"settings.yaml": json.dumps(action_settings())})


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    report = yield
    if report.failed and _held:
        report.sections.append(("the installed operator", _held[0].story()))
    return report
