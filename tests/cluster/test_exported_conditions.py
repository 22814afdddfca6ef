"""What a tuning exports is what an API server takes, and so is the way back."""

import json

import pytest
from helpers.command_line import kubernaut

NAMESPACE = "kubernaut-system"

pytestmark = [pytest.mark.xdist_group("cluster"), pytest.mark.cluster]


def test_the_api_server_takes_the_exported_config_maps_and_those_they_replaced(cluster, tmp_path):
    to, back = tmp_path / "conditions.yaml", tmp_path / "previous.yaml"
    ran = kubernaut("export", "datasets/steady", "--to", to)
    assert ran.code == 0, ran.err
    assert kubernaut("export", "--previous", to, "--to", back).code == 0
    # An operator that another test installed may live there already, and stays.
    namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}}
    cluster.kubectl("apply", "--server-side", "-f", "-", stdin=json.dumps(namespace))
    for file in (to, back):
        answer = cluster.kubectl(
            "apply", "--server-side", "--force-conflicts", "--dry-run=server", "-f", str(file), "-o", "json"
        )
        taken = json.loads(answer)
        names = [item["metadata"]["name"] for item in taken.get("items", [taken])]
        assert names == ["kubernaut-workflow-conditions", "kubernaut-action-conditions"]
