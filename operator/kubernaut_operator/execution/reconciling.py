"""One reconcile of what an engine decides: read it, ask the engine, carry out what it says, until it wants to wait.

The same way for executions and for workflows; their controllers say how each is read and asked. What an engine has in
memory beside the stored status is kept from one reconcile to the next, for as long as the custom resource holds the
very status that was stored last. Whatever goes wrong on the way costs that memory and nothing else: the next reconcile
goes on from what is stored, as a restarted process does.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Generic, Protocol, TypeVar

import structlog

from kubernaut.errors import InputError, KubernautError, LeadershipLostError, NotFoundError
from kubernaut.json_types import JsonObject
from kubernaut.verification.types import StoreStatus
from kubernaut_operator.kernel.api import Api, Manifest
from kubernaut_operator.kernel.controller import Result
from kubernaut_operator.kernel.events import EventRecorder
from kubernaut_operator.kernel.resources import Key, Resource

MOST_DECISIONS = 400
"""Of one reconcile; an execution takes about twenty from beginning to end. Beyond it other keys have their turn."""

_log = structlog.get_logger(__name__)


class InHand(Protocol):
    """What one reconcile has in hand; see `kubernaut_operator.execution.work.Work`."""

    manifest: Manifest
    stored: JsonObject
    told: set[str]


WorkT = TypeVar("WorkT", bound=InHand)
IntentT = TypeVar("IntentT")
AnswerT = TypeVar("AnswerT")


def utc_now() -> datetime:
    """Give the time, aware."""
    return datetime.now(UTC)


class Reconciler(ABC, Generic[WorkT, IntentT, AnswerT]):
    """Reconciles one kind of custom resource by its engine.

    Parameters
    ----------
    api : Api
        Guarded: it writes only while this replica leads.
    resource : Resource
    word : str
        What one is called in logs.
    clock : callable
        The time now, aware.
    """

    def __init__(
        self, api: Api, resource: Resource, *, word: str, events: EventRecorder, clock: Callable[[], datetime]
    ) -> None:
        self._api = api
        self._resource = resource
        self._word = word
        self._events = events
        self._clock = clock
        self._held: dict[Key, WorkT] = {}

    def reconcile(self, key: Key) -> Result:
        """Bring one as far as it comes without waiting.

        Raises
        ------
        KubernautError
            Its status could not be read or stored.
        """
        try:
            manifest = self._api.get(self._resource, key.name, key.namespace)
        except NotFoundError:
            self._held.pop(key, None)
            self._gone(key)
            return Result()
        try:
            work = self._take_up(key, manifest, self._held.pop(key, None))
        except InputError as error:
            self._events.tell(manifest, reason="StatusUnreadable", note=str(error), action="Wait", warning=True)
            raise
        with structlog.contextvars.bound_contextvars(**{self._word: str(key), f"{self._word}_uid": _uid(manifest)}):
            result = self._drive(work)
        # Only what went well is remembered; after an error the stored status is the truth.
        if result.again_after_s is not None:
            self._held[key] = work
        return result

    @abstractmethod
    def _read(self, key: Key, manifest: Manifest, engine: JsonObject, *, told: set[str]) -> WorkT:
        """Begin from what is stored; from the beginning where `engine` is empty."""

    @abstractmethod
    def _noticed(self, work: WorkT) -> Sequence[AnswerT]:
        """Give what is to be told without having been asked for."""

    @abstractmethod
    def _decide(
        self, work: WorkT, told: Sequence[AnswerT], now: datetime
    ) -> tuple[Sequence[IntentT | StoreStatus], datetime | None]:
        """Ask the engine; give its intents, and when it wants to be asked again."""

    @abstractmethod
    def _perform(self, work: WorkT, intent: IntentT) -> AnswerT | None:
        """Carry one intent out and give its answer."""

    @abstractmethod
    def _could_not(self, intent: IntentT, error: KubernautError) -> AnswerT:
        """Say what a failure means for the run."""

    @abstractmethod
    def _shown(self, work: WorkT) -> JsonObject:
        """Give the custom resource's whole status."""

    @abstractmethod
    def _in_logs(self, work: WorkT) -> Mapping[str, str]:
        """Give what logs say of it beside its name and UID."""

    @abstractmethod
    def _met(self, key: Key, uid: str) -> None:
        """Learn of one that nothing was held of."""

    @abstractmethod
    def _gone(self, key: Key) -> None:
        """Learn that there is none of the name any more."""

    def _noted(self, work: WorkT) -> None:
        """Learn of where one stands, when it was stored and when it waits."""

    def _take_up(self, key: Key, manifest: Manifest, held: WorkT | None) -> WorkT:
        engine = (manifest.get("status") or {}).get("engine") or {}
        if held is None or _uid(held.manifest) != _uid(manifest):
            self._met(key, _uid(manifest))
            return self._read(key, manifest, engine, told=set())
        same = held.stored == engine and held.manifest["spec"] == manifest["spec"]
        held.manifest = manifest
        if same:
            return held
        _log.info("somebody else changed spec or status; going on from what is stored", **{self._word: str(key)})
        return self._read(key, manifest, engine, told=held.told)

    def _drive(self, work: WorkT) -> Result:
        told = self._noticed(work)
        for _ in range(MOST_DECISIONS):
            intents, next_due = self._decide(work, told, self._clock())
            told = self._carry_out(work, intents)
            if told:
                continue
            self._noted(work)
            if next_due is None:
                return Result()
            return Result(again_after_s=max((next_due - self._clock()).total_seconds(), 0.0))
        return Result(again_after_s=0.0)

    def _carry_out(self, work: WorkT, intents: Sequence[IntentT | StoreStatus]) -> list[AnswerT]:
        """Carry intents out in order, up to the first that cannot be, and give the answers.

        What fails before the status is stored is raised: the decision is forgotten then, as by a restart, since going
        on from it in memory would never store it.
        """
        answers: list[AnswerT] = []
        with structlog.contextvars.bound_contextvars(**self._in_logs(work)):
            for place, intent in enumerate(intents):
                if isinstance(intent, StoreStatus):
                    self._store(work)
                    continue
                try:
                    answer = self._perform(work, intent)
                except LeadershipLostError:
                    raise
                except KubernautError as error:
                    if StoreStatus() in intents[place:]:
                        raise
                    _log.warning("could not", intent=type(intent).__name__, why=str(error))
                    answers.append(self._could_not(intent, error))
                    break
                if answer is not None:
                    answers.append(answer)
        return answers

    def _store(self, work: WorkT) -> None:
        work.manifest = self._api.replace(
            self._resource, {**work.manifest, "status": self._shown(work)}, subresource="status"
        )
        work.stored = work.manifest["status"].get("engine") or {}
        self._noted(work)


def _uid(manifest: Manifest) -> str:
    return str(manifest["metadata"]["uid"])
