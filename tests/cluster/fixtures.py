"""Fixtures that give a test a real Kubernetes: one boot for a whole run, a namespace for each test.

Tests that use them carry ``@pytest.mark.xdist_group("cluster")``, so that one process of a parallel run holds the cluster.
A tier that cannot be had skips its tests with the reason; with ``KUBERNAUT_CLUSTER_TIER`` set it fails them.
"""

import os
import re
import subprocess
from collections.abc import Iterator

import pytest

from .boot import Cluster, best_tier, boot, require_programs, running, stop
from .errors import ClusterError, TierUnavailableError
from .layout import Tier


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Refuse tests that another process of a parallel run would boot the second cluster for: it has one name in all."""
    for item in items:
        groups = {str(name) for mark in item.iter_markers("xdist_group") for name in mark.args}
        if "control_plane" in getattr(item, "fixturenames", ()) and groups != {"control-plane"}:
            raise pytest.UsageError(f"{item.nodeid}: tests without a node are of xdist_group('control-plane')")


@pytest.fixture(scope="session")
def cluster(fullest_cluster: Cluster) -> Cluster:
    """A running cluster of the fullest tier that this machine can run."""
    return fullest_cluster


@pytest.fixture(scope="session")
def fullest_cluster(request: pytest.FixtureRequest) -> Cluster:
    """The same, by a name that no folder overrides."""
    try:
        require_programs(best_tier())
    except TierUnavailableError as error:
        if "KUBERNAUT_CLUSTER_TIER" in os.environ:
            pytest.fail(f"the tests on a cluster must run here: {error}", pytrace=False)
        pytest.skip(str(error))
    try:
        kind = request.getfixturevalue("kind_cluster")
    except subprocess.CalledProcessError as error:
        pytest.fail(f"the cluster did not come up, see above: {error}", pytrace=False)
    found = running(kind.name)
    if found is None:
        raise ClusterError(f"{kind.name}: the cluster is not one of ours")
    return found


@pytest.fixture
def node(cluster: Cluster) -> Cluster:
    """A cluster that really runs pods."""
    if cluster.layout.tier is not Tier.NODE:
        pytest.skip("this machine runs the API tier alone; the node tier needs root and Debian's container packages")
    return cluster


@pytest.fixture(scope="session")
def control_plane(request: pytest.FixtureRequest) -> Iterator[Cluster]:
    """A cluster without a node, for tests that play the kubelet themselves; a second one where the first has a node.

    A folder of such tests overrides `cluster` by it. They carry ``@pytest.mark.xdist_group("control-plane")``, so that
    another process of a parallel run has them than that which holds the node.
    """
    option = request.config.option
    if option.kubeconfig is not None or best_tier() is Tier.API:
        yield request.getfixturevalue("fullest_cluster")
        return
    require_programs(Tier.API)
    second = boot(f"{option.cluster_name}-api", Tier.API)
    yield second
    stop(second.layout.name)


@pytest.fixture
def namespace(cluster: Cluster, request: pytest.FixtureRequest) -> Iterator[str]:
    """A namespace of the test's own, deleted after it without waiting."""
    stem = re.sub(r"[^a-z0-9]+", "-", request.node.name.lower()).strip("-")[:40].strip("-")
    name = f"{stem}-{os.urandom(3).hex()}"
    cluster.kubectl("create", "namespace", name)
    # Its ServiceAccount comes from a controller a moment later; without it no pod is taken and no token given.
    cluster.kubectl("wait", "--for=create", "serviceaccount/default", "-n", name, "--timeout=30s")
    yield name
    cluster.kubectl("delete", "namespace", name, "--wait=false")
