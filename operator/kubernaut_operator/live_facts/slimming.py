"""What of an object is thrown away as soon as it was read, because no fact asks for it.

Five thousand pods as they come weigh more than the operator may; what a node's room depends on is a small part of them.
A list of what is dropped, not of what is kept: a fact that asks for more later finds it.
"""

from collections.abc import Mapping
from typing import Any

from kubernaut.facts.definitions import ALL_PODS
from kubernaut_operator.kernel.api import Manifest

_ANY = "*"
_OF_A_CONTAINER = (
    "args",
    "command",
    "env",
    "envFrom",
    "lifecycle",
    "livenessProbe",
    "readinessProbe",
    "securityContext",
    "startupProbe",
    "volumeDevices",
    "volumeMounts",
)
_OF_A_STATUS = ("containerID", "image", "imageID", "lastState", "state", "volumeMounts")

_UNREAD: Mapping[str, tuple[tuple[str, ...], ...]] = {
    "Node": (("status", "images"),),
    # Of other namespaces' pods only what they take is asked for.
    ALL_PODS: (
        ("metadata", "annotations"),
        ("spec", "volumes"),
        ("spec", "tolerations"),
        *(
            ("spec", containers, _ANY, name)
            for containers in ("containers", "initContainers")
            for name in _OF_A_CONTAINER
        ),
        *(
            ("status", statuses, _ANY, name)
            for statuses in ("containerStatuses", "initContainerStatuses")
            for name in _OF_A_STATUS
        ),
        ("status", "ephemeralContainerStatuses"),
    ),
}


def slim(manifest: Manifest, kind: str) -> Manifest:
    """Drop from an object what no fact asks for.

    Parameters
    ----------
    manifest : dict
        Changed in place.
    kind : str
        Key of `kubernaut.facts.definitions.RIGHTS`.
    """
    _drop(manifest, ("metadata", "managedFields"))
    for path in _UNREAD.get(kind, ()):
        _drop(manifest, path)
    return manifest


def _drop(value: Any, path: tuple[str, ...]) -> None:
    step, below = path[0], path[1:]
    if step == _ANY:
        for one in value if isinstance(value, list) else ():
            _drop(one, below)
    elif isinstance(value, dict) and step in value:
        if below:
            _drop(value[step], below)
        else:
            del value[step]
