import pytest

from kubernaut.history.ids import RunKey
from kubernaut.verification.rows import RunContext


@pytest.fixture(scope="session")
def context():
    return RunContext(
        run=RunKey(cluster_uid="cluster-1", workflow_uid="workflow-1", execution_uid="run-1", step=2),
        incident_id="incident-1",
        execution_uid="run-1",
        settings_digest="settings-1",
        bucket=4321,
        namespace="shop",
        target_kind="Deployment",
        target_name="cart",
        target_uid="target-1",
        environment="staging",
        labels={"team": "cart"},
        versions={"engine": "0.1.0"},
        trace_id="trace-1",
        stopping_percents=(5.0,),
    )
