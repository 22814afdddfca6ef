"""List and watch one kind for ever, and say which keys to look at.

What an event holds is not used, so only metadata is asked for: it wakes. After every list everything is woken, so
an event that was missed - the watch died silently, the server dropped it - costs latency until the next list and
nothing else.

The connection counts as dead after 75 s without a byte; the server sends a bookmark about once a minute. It ends
each watch after about five minutes, spread so that many watches do not end at once.
"""

import threading
from collections.abc import Callable, Iterable
from random import Random
from time import monotonic

import structlog

from kubernaut.errors import ApiError, BusyError, ExpiredError, UnreachableError
from kubernaut_operator.kernel.api import Api
from kubernaut_operator.kernel.resources import Key, Resource, key_of

SERVER_LIMIT_S = 300.0
SILENCE_LIMIT_S = 75.0
SHORTEST_PAUSE_S = 0.5
LONGEST_PAUSE_S = 30.0
RELIST_S = 600.0
"""Everything is listed and woken at least this often."""

_log = structlog.get_logger(__name__)


class Watcher:
    """Follows one kind in a thread of its own.

    Parameters
    ----------
    wake : callable
        Told each key of which something changed, and all keys after each list.
    labels : str
        Selector; empty for all.
    random : Random
        Spreads pauses and ends.
    """

    def __init__(
        self,
        api: Api,
        resource: Resource,
        wake: Callable[[Key], None],
        *,
        namespace: str = "",
        labels: str = "",
        random: Random,
        relist_s: float = RELIST_S,
        silence_limit_s: float = SILENCE_LIMIT_S,
    ) -> None:
        self.resource = resource
        self._api = api
        self._wake = wake
        self._namespace = namespace
        self._labels = labels
        self._random = random
        self._relist_s = relist_s
        self._silence_limit_s = silence_limit_s
        self._ending = threading.Event()
        self._synced = threading.Event()
        self._known: set[Key] = set()
        self._thread = threading.Thread(target=self._run, name=f"watch {resource}", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def end(self) -> None:
        """Ask the thread to end; it may take until the connection's next byte."""
        self._ending.set()

    @property
    def synced(self) -> bool:
        """The first list was read."""
        return self._synced.is_set()

    @property
    def alive(self) -> bool:
        """The thread runs."""
        return self._thread.is_alive()

    def _run(self) -> None:
        pause_s = SHORTEST_PAUSE_S
        while not self._ending.is_set():
            try:
                self._list_and_follow()
                pause_s = SHORTEST_PAUSE_S
            except ExpiredError:
                pause_s = SHORTEST_PAUSE_S
            except ApiError as error:
                told_s = error.retry_after_s if isinstance(error, BusyError) else None
                wait_s = max(pause_s * self._random.uniform(1.0, 1.5), told_s or 0.0)
                _log.warning(
                    "watch interrupted", resource=str(self.resource), error=str(error), again_in_s=round(wait_s, 1)
                )
                self._ending.wait(wait_s)
                pause_s = min(pause_s * 2, LONGEST_PAUSE_S)

    def _list_and_follow(self) -> None:
        found, version = self._api.list_all(self.resource, self._namespace, labels=self._labels, metadata_only=True)
        keys = {key_of(manifest) for manifest in found}
        # What is gone since the last list is woken too: nobody else would say so.
        self._wake_all(keys | self._known)
        self._known = keys
        self._synced.set()
        relist_at = monotonic() + self._relist_s * self._random.uniform(0.9, 1.1)
        while not self._ending.is_set() and monotonic() < relist_at:
            version = self._follow(version, relist_at=relist_at)

    def _follow(self, version: str, *, relist_at: float) -> str:
        """Follow one watch to its end and give the resourceVersion to go on from."""
        server_limit_s = min(SERVER_LIMIT_S * self._random.uniform(0.9, 1.1), max(relist_at - monotonic(), 1.0))
        began = monotonic()
        try:
            for event in self._api.watch(
                self.resource,
                self._namespace,
                resource_version=version,
                labels=self._labels,
                server_limit_s=server_limit_s,
                silence_limit_s=self._silence_limit_s,
            ):
                version = event["object"]["metadata"]["resourceVersion"]
                if event["type"] != "BOOKMARK":
                    key = key_of(event["object"])
                    (self._known.discard if event["type"] == "DELETED" else self._known.add)(key)
                    self._wake(key)
                if self._ending.is_set():
                    break
        except UnreachableError as error:
            _log.info("watch broke off", resource=str(self.resource), error=str(error))
            # Going on from the last version finds what was missed; a dead server shows at the next request.
            self._ending.wait(SHORTEST_PAUSE_S * self._random.uniform(1.0, 1.5))
        else:
            # A server, or a proxy before it, that ends each watch at once must not be asked as fast as it answers.
            self._ending.wait(max(SHORTEST_PAUSE_S - (monotonic() - began), 0.0))
        return version

    def _wake_all(self, keys: Iterable[Key]) -> None:
        for key in sorted(keys):
            self._wake(key)
