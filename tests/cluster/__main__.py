"""A cluster for a person: ``python -m cluster up`` and ``python -m cluster down``; `make cluster` calls it."""

import sys

from .boot import best_tier, boot, running, stop
from .errors import ClusterError
from .layout import Tier
from .telemetry import prometheus_url

NAME = "kubernaut"


def main(verb: str) -> int:
    """Start or stop the person's cluster and give the exit code."""
    try:
        if verb == "down":
            stop(NAME)
            sys.stdout.write("The cluster is gone.\n")
            return 0
        cluster = running(NAME) or boot(NAME, best_tier())
    except ClusterError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    what = "API server and controllers, no node" if cluster.layout.tier is Tier.API else "with one node"
    sys.stdout.write(
        f"A Kubernetes runs here ({what}). To use it:\n\n  export KUBECONFIG={cluster.layout.kubeconfig}\n\n"
    )
    if cluster.layout.tier is Tier.NODE:
        sys.stdout.write(f"Prometheus: {prometheus_url(cluster.layout)}\n")
    sys.stdout.write("Its logs are in " + str(cluster.processes.logs) + "; `make cluster-stop` removes every trace.\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1] if len(sys.argv) > 1 else "up"))
