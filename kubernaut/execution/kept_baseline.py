"""What of a baseline goes into the status: a pod without restarts and OOM kills counts from zero anyway.

Where a Pod is acted on, every pod beside it stays by name: which pods are new is told by which were there.

A status has an upper limit. A target with more restless pods than are kept has no baseline for its crashes: its facts
relative to the baseline are then unobserved, which is an honest Error and no false alarm.
"""

from dataclasses import replace

from kubernaut.facts.baseline import Baseline
from kubernaut.facts.snapshot import Unobserved, UnobservedReason

MOST_PODS = 500
"""About 60 KiB."""


def kept_baseline(baseline: Baseline) -> Baseline:
    """Cut a baseline down to what differs from zero, and to which pods there were if new ones will be asked for."""
    restless = {
        pod: {name: item for name, item in containers.items() if item.restarts or item.oom_kills}
        for pod, containers in baseline.containers.items()
    }
    kept = {pod: containers for pod, containers in restless.items() if containers or baseline.pod is not None}
    if len(kept) <= MOST_PODS:
        return replace(baseline, containers=kept)
    found = f"{len(kept)} pods had restarts" if baseline.pod is None else f"there were {len(kept)} pods"
    detail = f"{found} before the action; at most {MOST_PODS} are kept"
    return replace(baseline, containers={}, unobserved=Unobserved(UnobservedReason.NOT_PROVIDED, detail))
