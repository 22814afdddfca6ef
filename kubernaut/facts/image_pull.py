"""Whether the image pull secrets are there and accepted, by evidence of use.

Nobody who judges remediations should be able to read Secrets, so none is read. What shows is what the
kubelet did with them: a container that has its image was pulled with the secrets that its pod names; a
missing secret makes the kubelet say so in an Event; a wrong one makes the registry refuse, and the pod
waits with that message. Without any of these nobody knows, and the facts are unobserved.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from kubernaut.facts.collecting import Answer, not_provided
from kubernaut.facts.deployment import Computation, pod_spec
from kubernaut.facts.events import SeenEvent, events_about
from kubernaut.facts.fields import Fields
from kubernaut.facts.look import Look
from kubernaut.facts.nodes import is_finished
from kubernaut.facts.objects import KubeObject
from kubernaut.facts.pod_status import container_statuses

EVENT_MAX_AGE = timedelta(minutes=10)
"""The kubelet repeats the Event at every sync of the pod; its recorder lets one through in 5 min at worst:
an Event that has not come again for twice as long tells of a secret that is there by now."""

_MISSING = "FailedToRetrieveImagePullSecret"
_FAILED = "Failed"
_WAITS_FOR_IMAGE = frozenset({"ImagePullBackOff", "ErrImagePull"})
_REFUSED = re.compile(
    r"\b401\b|\b403\b|unauthori[sz]ed|forbidden|authentication required|authorization failed"
    r"|no basic auth credentials|access (?:to the resource is )?denied|denied: "
    r"|incorrect username or password|invalid (?:username|credentials)",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class _Evidence:
    """What was seen; None where nothing tells."""

    exist: bool | None
    valid: bool | None
    why: str = ""


def _evidence(look: Look) -> _Evidence | None:
    if look.deployment is None:
        return None
    named = _secrets(pod_spec(look.deployment))
    pods = [pod for pod in look.pods if not is_finished(pod)] if look.readable("Pod") else []
    named |= {name for pod in pods for name in _secrets(pod.spec)}
    if not named:
        return _Evidence(exist=True, valid=True)
    look.require("Pod")
    users = [pod for pod in pods if _secrets(pod.spec) >= named]
    events = _events(look, users)
    if any(event.reason == _MISSING for event in events or ()):
        return _Evidence(exist=False, valid=False)
    refused = _waits_refused(users, events or [])
    if refused:
        # Had a secret been missing, the kubelet would have said so in an Event.
        return _Evidence(exist=None if events is None else True, valid=False, why="Events could not be read")
    if any(container.text("imageID") for pod in users for container in container_statuses(pod)):
        return _Evidence(exist=True, valid=True)
    names = ", ".join(sorted(named))
    return _Evidence(exist=None, valid=None, why=f"no current pod has pulled an image with {names} yet")


def _events(look: Look, pods: list[KubeObject]) -> list[SeenEvent] | None:
    """Give recent Events about the pods; None when Events cannot be read."""
    if not look.readable("Event"):
        return None
    found = events_about(look.objects.of("Event", look.target.namespace), pods)
    return [event for event in found if event.last_seen is None or look.now - event.last_seen <= EVENT_MAX_AGE]


def _waits_refused(pods: list[KubeObject], events: list[SeenEvent]) -> bool:
    messages = []
    for pod in pods:
        for container in container_statuses(pod):
            waiting = container.at("state", "waiting")
            if waiting.text("reason") in _WAITS_FOR_IMAGE:
                messages.append(waiting.text("message"))
    if not messages:
        return False
    # Older kubelets say only "Back-off pulling image" in the status and the cause in an Event.
    messages += [event.message for event in events if event.reason == _FAILED]
    return any(_REFUSED.search(message) for message in messages)


def _secrets(spec: Fields) -> set[str]:
    return {reference.text("name") for reference in spec.each("imagePullSecrets")} - {""}


def _exist(look: Look) -> Answer:
    evidence = _evidence(look)
    if evidence is None:
        return None
    if evidence.exist is None:
        raise not_provided(evidence.why)
    return evidence.exist


def _valid(look: Look) -> Answer:
    evidence = _evidence(look)
    if evidence is None:
        return None
    if evidence.valid is None:
        raise not_provided(evidence.why)
    return evidence.valid


IMAGE_PULL_COMPUTATIONS: Mapping[str, Computation] = {
    "image_pull_secrets_exist": _exist,
    "image_pull_secrets_valid": _valid,
}
