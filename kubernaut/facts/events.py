"""Events, in both of their API's forms."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from kubernaut.facts.objects import KubeObject


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenEvent:
    """An Event about an object.

    Attributes
    ----------
    last_seen : datetime or None
        None when the Event names no time.
    """

    reason: str
    message: str
    last_seen: datetime | None


def events_about(events: Iterable[KubeObject], pods: Iterable[KubeObject], *, kind: str = "Pod") -> list[SeenEvent]:
    """Give the Events about these very pods (or objects of another kind), by UID; by name where one has no UID.

    Raises
    ------
    FactsError
        One of the Events cannot be read.
    """
    uids = {pod.uid for pod in pods if pod.uid}
    names = {pod.name for pod in pods}
    found = []
    for event in events:
        about = event.fields.at("involvedObject") or event.fields.at("regarding")
        if about.text("kind") != kind:
            continue
        uid = about.text("uid")
        if uid in uids if uid and uids else about.text("name") in names:
            found.append(
                SeenEvent(
                    reason=event.fields.text("reason"),
                    message=event.fields.text("message") or event.fields.text("note"),
                    last_seen=_last_seen(event),
                )
            )
    return found


def _last_seen(event: KubeObject) -> datetime | None:
    fields = event.fields
    times = (
        fields.at("series").moment("lastObservedTime"),
        fields.moment("lastTimestamp"),
        fields.moment("deprecatedLastTimestamp"),
        fields.moment("eventTime"),
        fields.at("metadata").moment("creationTimestamp"),
    )
    return next((moment for moment in times if moment is not None), None)
