"""Kubernetes Events, written only when what they would say differs from what was last said of the object.

A controller that tells at every reconcile floods etcd and tells nobody anything. An Event that cannot be written is
logged and forgotten: no decision hangs on it.
"""

import threading
from collections import OrderedDict
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import structlog

from kubernaut.errors import ApiError
from kubernaut_operator.kernel.api import Api
from kubernaut_operator.kernel.resources import EVENTS

REMEMBERED = 5_000
"""Last words known again; an object beyond that may be told the same once more."""

NOTE_LIMIT = 1024
"""Characters of a note that the API server accepts."""

_log = structlog.get_logger(__name__)


class EventRecorder:
    """Writes the Events of one controller.

    Parameters
    ----------
    controller : str
        As `kubectl describe` shows it, e.g. ``kubernaut.io/operator``.
    instance : str
        Which replica.
    """

    def __init__(self, api: Api, *, controller: str, instance: str) -> None:
        self._api = api
        self._controller = controller
        self._instance = instance
        self._last: OrderedDict[tuple[str, str], int] = OrderedDict()
        self._lock = threading.Lock()

    def tell(self, about: dict[str, Any], *, reason: str, note: str, action: str, warning: bool = False) -> None:
        """Write an Event unless the object's last one of this reason said the same.

        Parameters
        ----------
        about : dict
            The object.
        reason : str
            CamelCase, of low cardinality.
        note : str
            A sentence for a person.
        action : str
            What the controller did or did not do, CamelCase.
        """
        metadata = about["metadata"]
        said, what = (metadata["uid"], reason), hash(note)
        with self._lock:
            if self._last.get(said) == what:
                return
            self._last[said] = what
            self._last.move_to_end(said)
            while len(self._last) > REMEMBERED:
                self._last.popitem(last=False)
        namespace = metadata.get("namespace") or "default"
        manifest = {
            "apiVersion": EVENTS.api_version,
            "kind": EVENTS.kind,
            "metadata": {"name": f"{metadata['name'][:200]}.{uuid4().hex[:16]}", "namespace": namespace},
            "eventTime": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
            "reportingController": self._controller,
            "reportingInstance": self._instance,
            "action": action,
            "reason": reason,
            "type": "Warning" if warning else "Normal",
            "note": note[:NOTE_LIMIT],
            "regarding": {
                "apiVersion": about["apiVersion"],
                "kind": about["kind"],
                "name": metadata["name"],
                "namespace": metadata.get("namespace", ""),
                "uid": metadata["uid"],
                "resourceVersion": metadata.get("resourceVersion", ""),
            },
        }
        try:
            self._api.create(EVENTS, manifest, namespace)
        except ApiError as error:
            _log.warning("event not written", reason=reason, about=metadata["name"], error=str(error))
