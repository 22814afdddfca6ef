"""An engine's Event put on the custom resource it is about: the same for executions and workflows."""

import structlog

from kubernaut.verification.types import EmitEvent, EventType
from kubernaut_operator.kernel.api import Manifest
from kubernaut_operator.kernel.events import EventRecorder
from kubernaut_operator.kernel.resources import Resource

_log = structlog.get_logger(__name__)


def tell(events: EventRecorder, resource: Resource, manifest: Manifest, intent: EmitEvent, *, action: str) -> None:
    """Say what changed; one that cannot be written keeps nothing from going on.

    Parameters
    ----------
    manifest : dict
        The custom resource.
    action : str
        What the operator does now, in an Event's words.
    """
    about = {"apiVersion": resource.api_version, "kind": resource.kind, "metadata": manifest["metadata"]}
    _log.info(intent.message, reason=intent.reason)
    events.tell(
        about,
        reason=intent.reason,
        note=intent.message,
        action=action,
        warning=intent.type is EventType.WARNING,
    )
