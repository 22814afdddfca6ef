"""The programs of a Kubernetes cluster, built from the Go modules in `programs/` and kept in the cache.

Versions are pinned there by go.mod and go.sum. A cold build of all takes about eight minutes on two cores.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from helpers.go_programs import build, cache_folder, find_go, sources_digest

MODULES = Path(__file__).parent / "programs"
KUBERNETES_VERSION = "1.34.4"
"""As `programs/kubernetes/go.mod` pins it; without it in the flags the programs report v0.0.0."""

_VERSION = "k8s.io/component-base/version"
_MAJOR, _MINOR, _ = KUBERNETES_VERSION.split(".")
_KUBERNETES_FLAGS = (
    "-trimpath",
    f"-ldflags=-s -w -X {_VERSION}.gitVersion=v{KUBERNETES_VERSION} -X {_VERSION}.gitMajor={_MAJOR} "
    f"-X {_VERSION}.gitMinor={_MINOR} -X {_VERSION}.gitTreeState=clean",
)
_FLAGS = ("-trimpath", "-ldflags=-s -w")
_BUILD_LIMIT_S = 1800
"""The API server alone takes four minutes on two idle cores."""


class _Built(NamedTuple):
    module: str
    package: str
    flags: tuple[str, ...]


_PROGRAMS: Mapping[str, _Built] = {
    **{
        name: _Built("kubernetes", f"k8s.io/kubernetes/cmd/{name}", _KUBERNETES_FLAGS)
        for name in (
            "kube-apiserver",
            "kube-controller-manager",
            "kube-scheduler",
            "kubectl",
            "kubelet",
            "kube-proxy",
        )
    },
    "etcd": _Built("etcd", "go.etcd.io/etcd/server/v3", _FLAGS),
    "metrics-server": _Built("metrics-server", "sigs.k8s.io/metrics-server/cmd/metrics-server", _FLAGS),
    "kwok": _Built("kwok", "sigs.k8s.io/kwok/cmd/kwok", _FLAGS),
}

API_TIER = ("etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler", "kubectl")
NODE_TIER = (*API_TIER, "kubelet", "kube-proxy", "metrics-server")
ALL = tuple(_PROGRAMS)


def program_path(name: str) -> Path:
    """Give where a program lies once it is built; its last part is the program's own name.

    A program in the folder named by ``KUBEBUILDER_ASSETS`` is taken instead of one of ours.
    """
    assets = os.environ.get("KUBEBUILDER_ASSETS")
    if assets and (Path(assets) / name).exists():
        return Path(assets) / name
    module, _, flags = _PROGRAMS[name]
    digest = sources_digest(MODULES / module, names=("go.mod", "go.sum"), flags=flags)
    return cache_folder() / "cluster" / f"{module}-{digest}" / name


def program(name: str) -> Path:
    """Build a program unless it is there, and give its path.

    Raises
    ------
    GoProgramUnavailableError
        No Go, or it does not build.
    """
    module, package, flags = _PROGRAMS[name]
    return build(
        MODULES / module,
        package,
        program_path(name),
        flags=flags,
        environment={"CGO_ENABLED": "0"},
        limit_s=_BUILD_LIMIT_S,
    )


def module_folder(module: str, path: str) -> Path:
    """Give the folder in Go's module cache with the sources of a module that ours requires."""
    listed = subprocess.run(
        [find_go() or "go", "list", "-m", "-f", "{{.Dir}}", path],
        cwd=MODULES / module,
        check=True,
        capture_output=True,
        text=True,
    )
    return Path(listed.stdout.strip())


def system_program(name: str) -> Path | None:
    """Give the path of a program that the machine brings, or None; Debian keeps some outside a user's PATH."""
    found = shutil.which(name) or shutil.which(name, path="/usr/sbin:/sbin:/usr/local/sbin")
    return Path(found) if found else None


if __name__ == "__main__":
    for wanted in sys.argv[1:] or ALL:
        sys.stdout.write(f"{program(wanted)}\n")
