"""Small inputs for the command line: a history of three runs, a dump of one Deployment, ConfigMaps around a policy."""

import json

import pytest
import yaml
from helpers.kube_objects import deployment
from helpers.rows import policy, whole_run
from kubernaut_simulator.history.history import History


@pytest.fixture
def rows():
    return [policy(), *(row for n in range(3) for row in whole_run(n))]


@pytest.fixture
def history(tmp_path, rows):
    """A folder with history in JSON Lines."""
    History.from_rows(rows).to_jsonl(tmp_path / "history")
    return tmp_path / "history"


@pytest.fixture
def dump(tmp_path):
    path = tmp_path / "dump.json"
    path.write_text(json.dumps({"apiVersion": "v1", "kind": "List", "items": [deployment()]}))
    return path


@pytest.fixture
def configmap(tmp_path):
    """Write a ConfigMap of the step level around one policy, or without any; gives the file."""

    def write(rego=None, *, timeout="10s", settings=True):
        data = {}
        if rego is not None:
            data["scale_deployment.pre.mine.rego"] = rego
        if settings:
            data["settings.yaml"] = (
                f"version: 1\nactions:\n  scale_deployment:\n    pre:\n      mine: {{required: true, timeout: {timeout}}}\n"
            )
        path = tmp_path / "conditions.yaml"
        metadata = {"name": "kubernaut-workflow-conditions"}
        path.write_text(yaml.safe_dump({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data}))
        return path

    return write
