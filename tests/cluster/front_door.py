"""Which cluster pytest-kind's `kind_cluster` fixture gives: the user's, real kind's, or ours.

- ``--kubeconfig FILE``, or ``KUBECONFIG`` together with ``KUBERNAUT_USE_KUBECONFIG=1``: the user's own cluster, in which
  nothing but namespaces of tests is made. KUBECONFIG alone is not enough: most people's points at work.
- Docker answers: real kind, as pytest-kind does it.
- else: `tests/cluster/kind`, which boots a control plane, and a node where the tests run as root.
"""

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from .kind import FOREIGN_CLUSTER
from .programs import program_path

HERE = Path(__file__).resolve().parent

_PLUGIN_DEFAULT = "pytest-kind"


def open_front_door(option: Any) -> None:
    """Set those of pytest-kind's options that the user left open."""
    if option.cluster_name == _PLUGIN_DEFAULT:
        # Two checkouts on one machine must not stop each other's cluster.
        option.cluster_name += f"-{hashlib.sha256(str(HERE).encode()).hexdigest()[:6]}"
    if os.environ.get("KUBERNAUT_USE_KUBECONFIG") == "1" and option.kubeconfig is None:
        option.kubeconfig = os.environ.get("KUBECONFIG")
    if option.kubeconfig is not None:
        option.keep_cluster = True
        os.environ[FOREIGN_CLUSTER] = option.cluster_name
    elif _docker_answers():
        return
    os.environ["KUBERNAUT_PYTHON"] = sys.executable
    option.kind_bin = option.kind_bin or str(HERE / "kind")
    option.kind_kubectl_bin = option.kind_kubectl_bin or str(program_path("kubectl"))


def _docker_answers() -> bool:
    docker = shutil.which("docker")
    return docker is not None and subprocess.run([docker, "info"], capture_output=True, check=False).returncode == 0
