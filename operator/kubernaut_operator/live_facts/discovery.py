"""How the API calls a kind: the API server's own list of what it serves, remembered for a while."""

import threading
import time
from dataclasses import dataclass

from kubernaut.errors import NotFoundError
from kubernaut_operator.kernel.api import Api
from kubernaut_operator.kernel.resources import Resource

_KEPT_S = 600.0


@dataclass(frozen=True, slots=True)
class _Known:
    until: float
    resource: Resource


class Discovery:
    """Kinds to resources; safe to share between threads."""

    def __init__(self, api: Api) -> None:
        self._api = api
        self._lock = threading.Lock()
        self._known: dict[tuple[str, str], _Known] = {}

    def resource(self, api_version: str, kind: str, *, anew: bool = False) -> Resource:
        """Give the resource of a kind.

        Parameters
        ----------
        api_version : str
            e.g. ``policy/v1``.
        anew : bool
            Ask the server even when the answer is remembered: the kind may be gone.

        Raises
        ------
        NotFoundError
            The server does not serve it.
        ForbiddenError, BusyError, UnreachableError
            It could not be asked.
        """
        with self._lock:
            known = self._known.get((api_version, kind))
        if known is not None and not anew and time.monotonic() < known.until:
            return known.resource
        found = self._ask(api_version, kind)
        with self._lock:
            self._known[api_version, kind] = _Known(time.monotonic() + _KEPT_S, found)
        return found

    def _ask(self, api_version: str, kind: str) -> Resource:
        group, _, version = api_version.rpartition("/")
        # The path of a group's version is that of a resource without a name.
        listing = self._api.get(Resource(group=group, version=version, plural="", kind="APIResourceList"), "")
        for served in listing.get("resources", ()):
            # "pods/log" and the like bear the kind of what they answer.
            if served.get("kind") == kind and "/" not in served.get("name", "/"):
                return Resource(
                    group=group,
                    version=version,
                    plural=served["name"],
                    kind=kind,
                    namespaced=bool(served.get("namespaced")),
                )
        raise NotFoundError(f"{api_version} has no {kind}")
