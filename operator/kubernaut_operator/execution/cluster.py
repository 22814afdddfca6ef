"""Which cluster this is: the UID of the namespace ``kube-system``, which lives as long as its cluster."""

import threading

from kubernaut_operator.execution.kinds import NAMESPACES
from kubernaut_operator.kernel.api import Api


class Cluster:
    """Asks once."""

    def __init__(self, api: Api) -> None:
        self._api = api
        self._lock = threading.Lock()
        self._uid = ""

    def uid(self) -> str:
        """Give the cluster's UID.

        Raises
        ------
        ApiError
            It could not be asked.
        """
        with self._lock:
            if not self._uid:
                self._uid = str(self._api.get(NAMESPACES, "kube-system")["metadata"]["uid"])
            return self._uid
