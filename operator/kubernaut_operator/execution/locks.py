"""One live execution per target: a Lease that bears the target's UID, held from before the change until the result.

A lock has no duration. It is taken over only when its holder is known to be through: it has its result, or its custom
resource is gone, or another of the same name, and no Job of it runs any more. Taking over replaces the very Lease that
was read, so of two who want it one gets a conflict. Whoever waits is woken when a Lease changes.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from kubernaut.errors import ConflictError, NotFoundError
from kubernaut_operator.kernel.api import Api, Manifest
from kubernaut_operator.kernel.resources import LEASES, Resource

LOCK_LABELS = {"app.kubernetes.io/managed-by": "kubernaut", "kubernaut.io/lock": "target"}
LOCK_SELECTOR = ",".join(f"{name}={value}" for name, value in LOCK_LABELS.items())

_NAMESPACE, _NAME, _TARGET = "kubernaut.io/execution-namespace", "kubernaut.io/execution-name", "kubernaut.io/target"


@dataclass(frozen=True, slots=True, kw_only=True)
class Holder:
    """Who holds a lock.

    Attributes
    ----------
    uid : str
        Of the custom resource.
    """

    namespace: str
    name: str
    uid: str

    def __str__(self) -> str:
        return f"{self.namespace}/{self.name}" if self.name else f"somebody else ({self.uid})"


class TargetLocks:
    """The locks of one cluster.

    Parameters
    ----------
    namespace : str
        Of the Leases.
    executions : Resource
        Kind of the holders.
    is_through : callable
        Says of a holder's object whether it has its result.
    runs : callable
        Says whether a Job of an execution, by its UID, may still do something.
    """

    def __init__(
        self,
        api: Api,
        *,
        namespace: str,
        executions: Resource,
        is_through: Callable[[Manifest], bool],
        runs: Callable[[str], bool],
    ) -> None:
        self._api = api
        self._namespace = namespace
        self._executions = executions
        self._is_through = is_through
        self._runs = runs

    def take(self, name: str, holder: Holder, *, target: str) -> Holder | None:
        """Take a lock, again where it is held already.

        Parameters
        ----------
        name : str
            Of the lock.
        target : str
            For people who look at the Lease.

        Returns
        -------
        Holder or None
            Who else holds it; None when it is ours now.

        Raises
        ------
        ApiError
            It could not be said.
        """
        wanted = self._lease(name, holder, target=target)
        try:
            self._api.create(LEASES, wanted, self._namespace)
        except ConflictError as error:
            if error.reason != "AlreadyExists":
                raise
        else:
            return None
        try:
            lease = self._api.get(LEASES, name, self._namespace)
        except NotFoundError as error:
            raise ConflictError(f"the lock {name} was released a moment ago; look again") from error
        other = holder_of(lease)
        if other.uid == holder.uid:
            return None
        if not self._through(other):
            return other
        kept = {"name": name, "namespace": self._namespace, "resourceVersion": lease["metadata"]["resourceVersion"]}
        self._api.replace(LEASES, {**wanted, "metadata": {**wanted["metadata"], **kept}})
        return None

    def release(self, name: str, *, uid: str) -> None:
        """Give a lock back; nothing happens where another holds it, or nobody.

        Raises
        ------
        ConflictError
            It was taken over just now.
        """
        try:
            lease = self._api.get(LEASES, name, self._namespace)
            if holder_of(lease).uid == uid:
                found = lease["metadata"]
                self._api.delete(
                    LEASES, name, self._namespace, uid=found["uid"], resource_version=found["resourceVersion"]
                )
        except NotFoundError:
            return

    def abandoned(self) -> tuple[tuple[str, Holder], ...]:
        """Give the locks whose holder is through, and who that was."""
        leases, _ = self._api.list_all(LEASES, self._namespace, labels=LOCK_SELECTOR)
        held = [(str(lease["metadata"]["name"]), holder_of(lease)) for lease in leases]
        return tuple((name, holder) for name, holder in held if self._through(holder))

    def _through(self, holder: Holder) -> bool:
        if not holder.uid or not holder.name:
            # A Lease that somebody else wrote is not ours to take, unless nobody is named in it.
            return not holder.uid
        try:
            found = self._api.get(self._executions, holder.name, holder.namespace)
        except NotFoundError:
            return not self._runs(holder.uid)
        alive = found["metadata"]["uid"] == holder.uid and not self._is_through(found)
        return not alive and not self._runs(holder.uid)

    def _lease(self, name: str, holder: Holder, *, target: str) -> Manifest:
        metadata: dict[str, Any] = {
            "name": name,
            "namespace": self._namespace,
            "labels": LOCK_LABELS,
            "annotations": {_NAMESPACE: holder.namespace, _NAME: holder.name, _TARGET: target},
        }
        moment = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        spec = {"holderIdentity": holder.uid, "acquireTime": moment}
        return {"apiVersion": LEASES.api_version, "kind": LEASES.kind, "metadata": metadata, "spec": spec}


def holder_of(lease: Mapping[str, Any]) -> Holder:
    """Give who holds a lock."""
    annotations = lease["metadata"].get("annotations") or {}
    return Holder(
        namespace=str(annotations.get(_NAMESPACE, "")),
        name=str(annotations.get(_NAME, "")),
        uid=str((lease.get("spec") or {}).get("holderIdentity") or ""),
    )
