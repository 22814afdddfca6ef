"""What can be wrong with a service, and what scaling its Deployment up does about it.

A cause is latent: it is written to the truth file only. What the cluster shows of it follows from how pods behave under
it (`pod_life`), and whether the run did good from whether enough replicas served in time, never from a condition.
"""

from enum import StrEnum


class Cause(StrEnum):
    """The latent cause of an incident."""

    LOAD_SPIKE = "load_spike"
    """More requests than the replicas can serve. More replicas help as soon as enough of them are ready."""

    SLOW_READINESS = "slow_readiness"
    """A load spike on a service that takes a minute or more to get ready; more replicas help, late."""

    FAILING_READINESS = "failing_readiness"
    """A probe fails for a reason that replicas do not touch: pods run and do not get ready, new ones neither."""

    NODE_LOSS = "node_loss"
    """A node went away with some of the pods. Replicas elsewhere help; the lost ones stay unready for minutes."""

    REPLICAS_CHANGED = "replicas_changed"
    """A load spike, and a person or an autoscaler changed the replicas between detection and run."""

    OUT_OF_MEMORY = "out_of_memory"
    """Pods exceed their memory limit under load. More replicas help only where they spread the load enough."""

    BAD_IMAGE = "bad_image"
    """A rollout names an image that cannot be pulled; new pods never start."""

    CRASH_AT_START = "crash_at_start"
    """A bad configuration: every pod that starts exits at once."""

    CRASH_LATER = "crash_later"
    """Pods get ready and crash under traffic after half a minute or so, again and again."""

    NO_CAPACITY = "no_capacity"
    """A load spike on a full cluster to which nobody adds nodes."""

    QUOTA = "quota"
    """The namespace's quota refuses the additional pods."""

    NODE_SELECTOR = "node_selector"
    """The pod template asks for a node label that no node has."""

    NOT_CAPACITY = "not_capacity"
    """Something else is slow (a database, a partner). Scaling works and does nothing."""

    HARMED_DEPENDENCY = "harmed_dependency"
    """Each replica takes connections of a database that has none left: scaling makes the others unready too."""

    DEPLOYMENT_GONE = "deployment_gone"
    """The alert names a Deployment that was renamed or deleted."""


HELPED_BY_REPLICAS = frozenset(
    {
        Cause.LOAD_SPIKE,
        Cause.SLOW_READINESS,
        Cause.NODE_LOSS,
        Cause.REPLICAS_CHANGED,
        Cause.OUT_OF_MEMORY,
        Cause.NO_CAPACITY,
        Cause.QUOTA,
        Cause.NODE_SELECTOR,
    }
)
"""Causes that more *ready* replicas would end. Under some of them the replicas do not come, so the run does no good."""

OUTAGE_CAUSES = (Cause.NODE_LOSS, Cause.NOT_CAPACITY, Cause.CRASH_AT_START, Cause.LOAD_SPIKE)
"""Causes that strike many services at once."""
