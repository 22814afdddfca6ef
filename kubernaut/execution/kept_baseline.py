"""What of a baseline goes into the status: a pod without restarts and OOM kills counts from zero anyway.

A status has an upper limit. A target with more restless pods than are kept has no baseline for its crashes: its facts
relative to the baseline are then unobserved, which is an honest Error and no false alarm.
"""

from dataclasses import replace

from kubernaut.facts.baseline import Baseline
from kubernaut.facts.snapshot import Unobserved, UnobservedReason

MOST_PODS = 500
"""About 60 KiB."""


def kept_baseline(baseline: Baseline) -> Baseline:
    """Cut a baseline down to what differs from zero."""
    containers = {
        pod: restless
        for pod, all_ in baseline.containers.items()
        if (restless := {name: item for name, item in all_.items() if item.restarts or item.oom_kills})
    }
    if len(containers) <= MOST_PODS:
        return replace(baseline, containers=containers)
    detail = f"{len(containers)} pods had restarts before the action; at most {MOST_PODS} are kept"
    return replace(baseline, containers={}, unobserved=Unobserved(UnobservedReason.NOT_PROVIDED, detail))
