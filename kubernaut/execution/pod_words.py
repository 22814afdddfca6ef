"""Why an action's pod has not started, or how it ended, in a person's words.

From what Kubernetes says in three places - the pod's status, Events about the pod, Events about the Job - the one that
a person would look for first. Everything is made one safe, bounded line: an image's registry or an admission webhook
may say anything.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from kubernaut.errors import FactsError
from kubernaut.facts.events import SeenEvent, events_about
from kubernaut.facts.fields import Fields
from kubernaut.facts.objects import KubeObject, read_object
from kubernaut.facts.pod_status import condition_is_true, container_statuses, is_unschedulable
from kubernaut.policy.wording import clean_message

MOST_CHARS = 512

_IMAGE = frozenset(
    {
        "ErrImagePull",
        "ImagePullBackOff",
        "ErrImageNeverPull",
        "InvalidImageName",
        "ImageInspectError",
        "RegistryUnavailable",
    }
)
_QUOTA = "exceeded quota"
_ORDINARY = frozenset({"ContainerCreating", "PodInitializing"})
_TROUBLE = frozenset({"FailedMount", "FailedAttachVolume", "FailedCreatePodSandBox", "NetworkNotReady", "Failed"})
_ENDED_PHASES = frozenset({"Succeeded", "Failed"})
_KILLED = 137
_SIGNALS = 128


@dataclass(frozen=True, slots=True)
class Trouble:
    """What is wrong with an action's pod.

    Attributes
    ----------
    reason : str
        CamelCase, low cardinality.
    message : str
    """

    reason: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """How the action's container ended.

    Attributes
    ----------
    exit_code : int
    started : bool
        False: the program was never begun.
    reason : str
        Kubernetes', e.g. ``Error`` or ``OOMKilled``.
    said : str
        Its termination message: the end of what it printed.
    """

    exit_code: int
    started: bool
    reason: str
    said: str


def pods_of(raw: Iterable[Mapping[str, Any]]) -> tuple[KubeObject, ...]:
    """Read pods; one that cannot be read says nothing."""
    return tuple(found for item in raw if (found := _readable(item, "Pod")) is not None)


def not_started(job: KubeObject, pods: Sequence[KubeObject], events: Iterable[Mapping[str, Any]]) -> Trouble | None:
    """Say why the Job's pod has not started; None when it has, or when there is nothing to say yet.

    Parameters
    ----------
    job : KubeObject
    pods : sequence of KubeObject
        The Job's.
    events : iterable of mapping
        Of the Job's namespace.
    """
    seen = [found for item in events if (found := _readable(item, "Event")) is not None]
    try:
        if not pods:
            return _no_pod(job, seen)
        newest = max(pods, key=lambda pod: (pod.fields.at("metadata").text("creationTimestamp"), pod.name))
        return _waiting(newest, seen)
    except FactsError as error:
        return Trouble("Unreadable", clean_message(str(error), max_chars=MOST_CHARS))


def how_it_ended(pods: Sequence[KubeObject]) -> Ended | None:
    """Give how the action's container ended; None when no pod tells."""
    for pod in pods:
        try:
            for container in container_statuses(pod):
                ended = container.at("state", "terminated")
                if ended:
                    return _ended(ended)
        except FactsError:
            continue
    return None


def has_ended(pod: KubeObject) -> bool:
    """Say whether a pod does nothing any more; one that cannot be read may."""
    try:
        return pod.status.text("phase") in _ENDED_PHASES
    except FactsError:
        return False


def lost_words(pods: Sequence[KubeObject]) -> str:
    """Say what became of a pod whose container's end is not told."""
    for pod in pods:
        try:
            reason, message = pod.status.text("reason"), pod.status.text("message")
        except FactsError:
            continue
        if reason:
            return clean_message(f"its pod was ended by Kubernetes ({reason}): {message}", max_chars=MOST_CHARS)
    return "its pod is gone, and how it ended is not known"


def ended_words(ended: Ended) -> str:
    """Say how a container ended that did not say it itself."""
    if ended.reason == "OOMKilled":
        return "its program was ended for using more memory than its limit"
    if not ended.started:
        return clean_message(f"its container could not be started: {ended.said or ended.reason}", max_chars=MOST_CHARS)
    how = f"signal {ended.exit_code - _SIGNALS}" if ended.exit_code > _SIGNALS else f"exit code {ended.exit_code}"
    if ended.exit_code == _KILLED:
        how = "a kill signal"
    return clean_message(f"its program ended with {how}{f': {ended.said}' if ended.said else ''}", max_chars=MOST_CHARS)


def _no_pod(job: KubeObject, events: Sequence[KubeObject]) -> Trouble | None:
    """Say why the Job has no pod: what its controller told of the last try."""
    told = _newest(_events_about_job(job, events), frozenset({"FailedCreate"}))
    if told is None:
        return None
    reason = "QuotaExceeded" if _QUOTA in told.message else "PodNotAllowed"
    words = "a quota leaves no room for the action's pod" if _QUOTA in told.message else "its pod may not be created"
    return _trouble(reason, words, told.message)


def _waiting(pod: KubeObject, events: Sequence[KubeObject]) -> Trouble | None:
    if is_unschedulable(pod):
        told = next(
            (one.text("message") for one in pod.status.each("conditions") if one.text("type") == "PodScheduled"), ""
        )
        return _trouble("Unschedulable", "no node takes the action's pod", told)
    for container in container_statuses(pod):
        waiting = container.at("state", "waiting")
        reason = waiting.text("reason")
        if reason in _IMAGE:
            words = f"image {container.text('image')} cannot be pulled ({reason})"
            return _trouble("ImagePull", words, waiting.text("message") or _told(pod, events, frozenset({"Failed"})))
        if reason and reason not in _ORDINARY:
            return _trouble(reason, f"its container cannot be started ({reason})", waiting.text("message"))
        if "running" in container.at("state") or "terminated" in container.at("state"):
            return None
    told = _told(pod, events, _TROUBLE)
    if told:
        return _trouble("NotStarted", "its pod has not started", told)
    if not condition_is_true(pod.status, "PodScheduled"):
        return Trouble("NotScheduled", "its pod waits for a node")
    return None


def _ended(ended: Fields) -> Ended:
    reason = ended.text("reason")
    return Ended(
        exit_code=ended.number("exitCode") or 0,
        started=reason not in ("StartError", "ContainerCannotRun"),
        reason=reason,
        said=ended.text("message"),
    )


def _told(pod: KubeObject, events: Sequence[KubeObject], reasons: frozenset[str]) -> str:
    newest = _newest(events_about(events, [pod]), reasons)
    return "" if newest is None else newest.message


def _newest(events: Iterable[SeenEvent], reasons: frozenset[str]) -> SeenEvent | None:
    """Give the newest of some Events; of those without a time the last one."""
    chosen = [event for event in events if event.reason in reasons]
    return max(chosen, key=lambda event: event.last_seen.timestamp() if event.last_seen else 0.0, default=None)


def _events_about_job(job: KubeObject, events: Iterable[KubeObject]) -> list[SeenEvent]:
    return events_about(events, [job], kind="Job")


def _trouble(reason: str, words: str, told: str) -> Trouble:
    return Trouble(reason, clean_message(f"{words}: {told}" if told else words, max_chars=MOST_CHARS))


def _readable(item: Mapping[str, Any], kind: str) -> KubeObject | None:
    try:
        return read_object(item, kind)
    except FactsError:
        return None
