"""Trouble with recording as an Event on the operator's own pod, where whoever looks after it will look."""

from collections.abc import Mapping

from kubernaut_operator.kernel.events import EventRecorder
from kubernaut_operator.recording.figures import TroubleTeller


def tell_on_pod(events: EventRecorder, environment: Mapping[str, str]) -> TroubleTeller | None:
    """Give what tells on this process's pod; None outside of one, where the log tells.

    Parameters
    ----------
    environment : mapping of str to str
        With ``POD_NAME``, ``POD_NAMESPACE`` and ``POD_UID``, as the manifests set them.
    """
    names = [environment.get(f"POD_{part}", "") for part in ("NAME", "NAMESPACE", "UID")]
    if not all(names):
        return None
    metadata = dict(zip(("name", "namespace", "uid"), names, strict=True))
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": metadata}

    def tell(*, reason: str, note: str, warning: bool) -> None:
        events.tell(pod, reason=reason, note=note, action="Record", warning=warning)

    return tell
