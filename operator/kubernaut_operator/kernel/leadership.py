"""Taking and keeping the lead in a thread of its own; whoever loses it ends the process.

`check` is asked before each write and goes by the clock alone, so neither a server that hangs nor a process that was
stopped and goes on keeps a replica in the belief that it leads: the lead is too old before anything is written.
"""

import threading
from collections.abc import Callable
from datetime import UTC, datetime
from time import monotonic

import structlog

from kubernaut.errors import ApiError, ConflictError, LeadershipLostError, NotFoundError
from kubernaut_operator.kernel.api import Api
from kubernaut_operator.kernel.leases import (
    RENEW_LIMIT_S,
    RETRY_S,
    Lead,
    LeaseView,
    claim,
    look,
    may_take,
    release,
)
from kubernaut_operator.kernel.resources import LEASES

_log = structlog.get_logger(__name__)


class Leadership:
    """One replica's striving for the lead.

    Parameters
    ----------
    api : Api
        Unguarded: renewing is how the right to write is got.
    identity : str
        Unique to this process, not only to its pod: a restarted one must not inherit a lead it knows nothing of.
    on_lost : callable
        Called once when a lead is lost.
    """

    def __init__(self, api: Api, *, namespace: str, name: str, identity: str, on_lost: Callable[[], None]) -> None:
        self._api = api
        self._namespace = namespace
        self._name = name
        self.identity = identity
        self._on_lost = on_lost
        self._view = LeaseView()
        self._lead = Lead()
        self._ending = threading.Event()
        self._leads = threading.Event()
        self._thread = threading.Thread(target=self._run, name="leadership", daemon=True)

    def start(self) -> None:
        """Begin to strive for the lead."""
        self._thread.start()

    @property
    def alive(self) -> bool:
        """The thread runs."""
        return self._thread.is_alive()

    def wait(self, limit_s: float | None = None) -> bool:
        """Wait for the lead; says whether it came within the limit."""
        return self._leads.wait(limit_s)

    @property
    def holds(self) -> bool:
        """Whether this replica leads and may write."""
        return self._lead.holds(monotonic())

    def check(self) -> None:
        """Let a write pass or not.

        Raises
        ------
        LeadershipLostError
            This replica does not lead, or its last renewal is too old to be sure.
        """
        if not self.holds:
            raise LeadershipLostError(f"{self.identity} does not hold the lease {self._namespace}/{self._name}")

    def end(self, *, limit_s: float = RETRY_S) -> None:
        """Stop striving, and give the lead back where it is held."""
        self._ending.set()
        self._thread.join(limit_s)
        if not self.holds:
            return
        self._lead = Lead()
        try:
            self._api.replace(LEASES, release(self._api.get(LEASES, self._name, self._namespace)))
        except ApiError as error:
            _log.warning("the lease was not released; it ends by itself", error=str(error))

    def _run(self) -> None:
        while not self._ending.is_set():
            self._try()
            if self._leads.is_set() and not self.holds:
                _log.error("lead lost", identity=self.identity)
                self._on_lost()
                return
            self._ending.wait(RETRY_S)

    def _try(self) -> None:
        sent_at = monotonic()
        try:
            lease = self._read_or_make()
            self._view = look(self._view, lease, now=monotonic())
            if not may_take(self._view, identity=self.identity, now=monotonic()):
                if self._leads.is_set():
                    self._lead = Lead()
                return
            sent_at = monotonic()
            written = self._api.replace(LEASES, claim(lease, identity=self.identity, wall=datetime.now(UTC)))
        except ConflictError:
            return
        except ApiError as error:
            _log.warning("lease not renewed", error=str(error), leads_s=self._left_s())
            return
        self._view = look(self._view, written, now=monotonic())
        self._lead = self._lead.renewed(sent_at=sent_at)
        if not self._leads.is_set():
            _log.info("leads", identity=self.identity)
            self._leads.set()

    def _read_or_make(self) -> dict[str, object]:
        try:
            return self._api.get(LEASES, self._name, self._namespace)
        except NotFoundError:
            metadata = {"name": self._name, "namespace": self._namespace}
            manifest = {"apiVersion": LEASES.api_version, "kind": LEASES.kind, "metadata": metadata, "spec": {}}
            return self._api.create(LEASES, manifest, self._namespace)

    def _left_s(self) -> float | None:
        if self._lead.renewed_at is None:
            return None
        return round(self._lead.renewed_at + RENEW_LIMIT_S - monotonic(), 1)
