"""Answers the calls that pytest-kind makes of `kind`, with a cluster of ours.

``get clusters``, ``create cluster --name N --kubeconfig F``, ``delete cluster --name N``, ``load image-archive FILE
--name N`` and ``export kubeconfig``: enough for the `kind_cluster` fixture. Anything else is refused.
"""

import argparse
import os
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

from .boot import Cluster, best_tier, boot, running, stop
from .errors import ClusterError
from .layout import clusters_folder
from .node import import_image

FOREIGN_CLUSTER = "KUBERNAUT_FOREIGN_CLUSTER"
"""Environment variable with the name under which pytest-kind looks for the user's own cluster."""


def main(arguments: Sequence[str]) -> int:
    """Do what kind would do and give the exit code."""
    parsed, _ = _parser().parse_known_args(arguments)
    try:
        return _do(parsed)
    except ClusterError as error:
        sys.stderr.write(f"{error}\n")
        return 1


def _do(parsed: argparse.Namespace) -> int:
    match parsed.verb, parsed.noun:
        case "get", "clusters":
            # A cluster of the user's own counts as made already.
            sys.stdout.writelines(f"{name}\n" for name in filter(None, [os.environ.get(FOREIGN_CLUSTER)]))
            folders = sorted(clusters_folder().iterdir()) if clusters_folder().exists() else []
            sys.stdout.writelines(f"{folder.name}\n" for folder in folders if running(folder.name))
        case "create", "cluster":
            _export(_booted(parsed.name).layout.kubeconfig, parsed.kubeconfig)
        case "delete", "cluster":
            stop(parsed.name)
        case "export", "kubeconfig":
            _export(_found(parsed.name).layout.kubeconfig, parsed.kubeconfig)
        case "load", "image-archive":
            import_image(_found(parsed.name).layout, Path(parsed.subject))
        case _:
            raise ClusterError(f"kind {parsed.verb} {parsed.noun}: not among the calls that are answered here")
    return 0


def _booted(name: str) -> Cluster:
    try:
        return boot(name, best_tier())
    except ClusterError:
        # Half a cluster would be taken for a whole one by the next run; the error holds the log that matters.
        stop(name)
        raise


def _found(name: str) -> Cluster:
    cluster = running(name)
    if cluster is None:
        raise ClusterError(f"no cluster {name} runs here")
    return cluster


def _export(kubeconfig: Path, to: str | None) -> None:
    if to is not None:
        shutil.copyfile(kubeconfig, to)
        Path(to).chmod(0o600)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="kind", description=__doc__)
    parser.add_argument("verb")
    parser.add_argument("noun")
    parser.add_argument("subject", nargs="?")
    parser.add_argument("--name", default="kind")
    parser.add_argument("--kubeconfig")
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
