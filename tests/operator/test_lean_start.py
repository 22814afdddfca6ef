"""The operator's own process loads no more than it uses; everybody else's is left as it is."""

import os
import subprocess
import sys

import pytest

UNUSED = {"rich", "pygments", "regopy", "pandas", "numpy", "kubernetes.stream", "kubernetes.dynamic", "websocket"}
IN_A_POD = {"requests", "oauthlib.oauth2.rfc6749", "charset_normalizer"}
PROGRAM = """
import sys
from kubernaut_operator.lean import start_lean
start_lean()
import kubernaut_operator.app, kubernaut_operator.cli
from kubernetes import client, config
assert client.ApiClient and config.load_incluster_config and config.load_kube_config
print(*(name for name, module in sys.modules.items() if module is not None))
"""


def loaded(environment):
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True, env=os.environ | environment
    )
    return set(done.stdout.split())


@pytest.mark.parametrize(
    ("environment", "unused"), [({}, UNUSED), ({"KUBERNETES_SERVICE_HOST": "10.96.0.1"}, UNUSED | IN_A_POD)]
)
def test_what_is_never_used_is_not_loaded(environment, unused):
    assert loaded(environment) & unused == set()


def test_its_help_is_there_without_rich():
    done = subprocess.run(
        [sys.executable, "-m", "kubernaut_operator", "run", "--help"], capture_output=True, text=True, check=True
    )

    assert "Work on KubernetesExecutions and WorkflowExecutions until asked to end." in done.stdout
    assert "--kubeconfig" in done.stdout
