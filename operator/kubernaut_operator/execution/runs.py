"""All executions that this process knows of, in a few words each: which Job is whose, and who was last at a target.

It saves a list of all custom resources where one is asked about another. The first list fills it, each reconcile keeps
it true, and nothing that must be right hangs on it alone: a Job or Lease that wakes nobody costs latency until the next
relist.
"""

import threading
from collections.abc import Hashable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeAlias

from kubernaut.enforcement.rollout import LastRun
from kubernaut.errors import InputError
from kubernaut.verification.status_json import moment_of
from kubernaut_operator.execution.kinds import KUBERNETES_EXECUTIONS
from kubernaut_operator.kernel.api import Api
from kubernaut_operator.kernel.resources import Key, key_of

_Place: TypeAlias = tuple[str, Hashable]
"""What is looked for, and its value."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunEntry:
    """One execution in a few words.

    Attributes
    ----------
    target_uid, job : str
        Empty while there is none.
    started_at, ended_at : datetime or None
        None before.
    waits_for : str
        Lock that it waits for; empty when it waits for none.
    looks_on : bool
        It has its result, and somebody looks at its target beside that.
    blocked_in : Key or None
        The workflow that it is a step of, while it is blocked: an override there is an override here.
    """

    key: Key
    uid: str
    action: str
    target_uid: str = ""
    job: str = ""
    incident_id: str = ""
    started_at: datetime | None = None
    ended_at: datetime | None = None
    waits_for: str = ""
    looks_on: bool = False
    blocked_in: Key | None = None


class Runs:
    """Entries by UID, for any number of threads.

    What a change somewhere else asks for - whose Job, who waits for a lock - is found by an index, since there are many
    more executions that are over than those that are not.
    """

    def __init__(self, api: Api, *, namespaces: tuple[str, ...]) -> None:
        self._api = api
        self._namespaces = namespaces or ("",)
        self._lock = threading.Lock()
        self._entries: dict[str, RunEntry] = {}
        self._index: dict[_Place, dict[str, None]] = {}
        self._filled = False

    def note(self, entry: RunEntry) -> None:
        """Keep what is known of an execution now."""
        with self._lock:
            self._put(entry)

    def forget(self, key: Key, *, but: str = "") -> None:
        """Forget what bore a name; `but` is the UID of who bears it now."""
        with self._lock:
            for entry in self._at("key", key):
                if entry.uid != but:
                    self._remove(entry)

    def of_job(self, name: str) -> tuple[Key, ...]:
        """Give the execution that waits for a Job, if it is known."""
        return self._keys("job", name)

    def waiting_for(self, lock: str) -> tuple[Key, ...]:
        """Give the executions that wait for a lock."""
        return self._keys("lock", lock)

    def blocked_in(self, workflow: Key) -> tuple[Key, ...]:
        """Give the blocked executions of a workflow's steps."""
        return self._keys("workflow", workflow)

    def looking_on(self, target_uid: str, *, but: str) -> tuple[Key, ...]:
        """Give the executions that look at a target beside their result; `but` is the UID of who asks."""
        with self._lock:
            found = self._at("target", target_uid)
        return tuple(entry.key for entry in found if entry.looks_on and entry.uid != but)

    def last(self, action: str, target_uid: str, *, before: datetime, but: str) -> LastRun | None:
        """Give the last run of an action on a target that began before a moment; `but` is the UID of who asks.

        Raises
        ------
        ApiError
            The first list could not be had.
        """
        self._fill()
        with self._lock:
            earlier = [
                (entry.started_at, entry)
                for entry in self._at("target", target_uid)
                if entry.uid != but
                and entry.action == action
                and entry.incident_id
                and entry.started_at is not None
                and entry.started_at <= before
            ]
        if not earlier:
            return None
        _, last = max(earlier, key=lambda one: one[0])
        return LastRun(incident_id=last.incident_id, ended_at=last.ended_at)

    def _keys(self, what: str, value: Hashable) -> tuple[Key, ...]:
        with self._lock:
            return tuple(entry.key for entry in self._at(what, value))

    def _at(self, what: str, value: Hashable) -> tuple[RunEntry, ...]:
        return tuple(self._entries[uid] for uid in self._index.get((what, value), ()))

    def _put(self, entry: RunEntry) -> None:
        before = self._entries.get(entry.uid)
        if before == entry:
            return
        if before is not None:
            self._remove(before)
        self._entries[entry.uid] = entry
        for place in _places(entry):
            self._index.setdefault(place, {})[entry.uid] = None

    def _remove(self, entry: RunEntry) -> None:
        del self._entries[entry.uid]
        for place in _places(entry):
            uids = self._index[place]
            del uids[entry.uid]
            if not uids:
                del self._index[place]

    def _fill(self) -> None:
        with self._lock:
            if self._filled:
                return
        for namespace in self._namespaces:
            for manifest in self._api.each(KUBERNETES_EXECUTIONS, namespace):
                entry = entry_of(manifest)
                with self._lock:
                    if entry.uid not in self._entries:
                        self._put(entry)
        with self._lock:
            self._filled = True


def _places(entry: RunEntry) -> Iterator[_Place]:
    """Give where an entry is looked for."""
    yield "key", entry.key
    if entry.target_uid:
        yield "target", entry.target_uid
    if entry.job and entry.ended_at is None:
        yield "job", entry.job
    if entry.waits_for:
        yield "lock", entry.waits_for
    if entry.blocked_in is not None:
        yield "workflow", entry.blocked_in


def entry_of(manifest: Mapping[str, Any]) -> RunEntry:
    """Read an entry from a custom resource, whatever state it is in."""
    status = manifest.get("status") or {}
    return RunEntry(
        key=key_of(dict(manifest)),
        uid=str(manifest["metadata"]["uid"]),
        action=str((manifest.get("spec") or {}).get("action", "")),
        target_uid=str((status.get("target") or {}).get("uid", "")),
        job=str((status.get("job") or {}).get("name", "")),
        incident_id=str(status.get("incidentId") or ""),
        started_at=_moment(status.get("startedAt")),
        ended_at=_moment(status.get("finishedAt")),
    )


def _moment(text: Any) -> datetime | None:
    try:
        return moment_of(text) if isinstance(text, str) else None
    except InputError:
        return None
