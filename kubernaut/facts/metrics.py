"""What pods use, as the metrics API (metrics.k8s.io) tells it.

A sample covers a window that ends at its timestamp. After an action only a sample whose whole window lies
behind the action's end says anything about it; this is the one place where two clocks are compared, hence
a tolerance.
"""

from datetime import timedelta
from fractions import Fraction

from kubernaut.durations import parse_duration
from kubernaut.errors import FactsError
from kubernaut.facts.collecting import CannotSee, not_provided
from kubernaut.facts.look import Look
from kubernaut.facts.objects import KubeObject
from kubernaut.facts.requests import ZERO
from kubernaut.facts.snapshot import Unobserved, UnobservedReason

CLOCK_TOLERANCE = timedelta(seconds=5)
"""How far the node's clock may be from the one that wrote the action's end."""


def sample_of(look: Look, pod: KubeObject) -> KubeObject | None:
    """Give the metrics API's sample of a pod; None when it has none."""
    return next((m for m in look.objects.of("PodMetrics", pod.namespace) if m.name == pod.name), None)


def usage(look: Look, pod: KubeObject, resource: str) -> Fraction:
    """Give what a pod's containers use of a resource: cores or bytes.

    Raises
    ------
    FactsError
        There is no sample of the pod, it cannot be read, or it is older than the action's end.
    """
    look.require("PodMetrics")
    sample = sample_of(look, pod)
    if sample is None:
        raise not_provided(f"the metrics API has no sample of pod {pod.namespace}/{pod.name}")
    containers = sample.fields.each("containers")
    amounts = [container.resources("usage") for container in containers]
    if not amounts or any(resource not in amount for amount in amounts):
        raise FactsError(f"{sample.fields.path('containers')}: usage of {resource} is missing")
    _check_fresh(look, sample)
    return sum((amount[resource] for amount in amounts), ZERO)


def _check_fresh(look: Look, sample: KubeObject) -> None:
    ended = look.action_ended_at
    if ended is None:
        return
    timestamp, window = sample.fields.moment("timestamp"), sample.fields.text("window")
    if timestamp is None or not window:
        raise FactsError(f"{sample.fields.path('timestamp')} or window is missing")
    window_s = parse_duration(window, where=sample.fields.path("window"))
    try:
        began = timestamp - timedelta(seconds=window_s)
    except OverflowError as error:
        raise FactsError(f"{sample.fields.path('window')}: {window} reaches beyond the calendar") from error
    if began < ended - CLOCK_TOLERANCE:
        raise CannotSee(
            Unobserved(
                UnobservedReason.STALE,
                f"the sample of pod {sample.namespace}/{sample.name} begins at {began.isoformat()}, "
                f"before the action's end at {ended.isoformat()}",
            )
        )
