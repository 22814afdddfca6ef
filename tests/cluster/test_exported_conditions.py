"""What a tuning exports is what an API server takes."""

import json

import pytest
from helpers.command_line import kubernaut

NAMESPACE = "kubernaut-system"

pytestmark = [pytest.mark.xdist_group("cluster"), pytest.mark.cluster]


def test_the_api_server_takes_the_exported_config_maps(cluster, tmp_path):
    to = tmp_path / "conditions.yaml"
    ran = kubernaut("export", "datasets/steady", "--to", to)
    assert ran.code == 0, ran.err
    # An operator that another test installed may live there already, and stays.
    namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}}
    cluster.kubectl("apply", "--server-side", "-f", "-", stdin=json.dumps(namespace))
    answer = cluster.kubectl(
        "apply", "--server-side", "--force-conflicts", "--dry-run=server", "-f", str(to), "-o", "json"
    )

    taken = json.loads(answer)
    names = [item["metadata"]["name"] for item in taken.get("items", [taken])]
    assert names == ["kubernaut-workflow-conditions", "kubernaut-action-conditions"]
