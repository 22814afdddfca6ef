"""What is in force: both levels' condition sets and the safety policies, reloaded when their ConfigMaps change.

A watch only wakes; what counts is the ConfigMap as a live GET gives it. One that cannot be used changes nothing:
the last good set stays in force, and that is said. Where there is no last good one, conditions are the shipped ones
(in warn mode they stop nothing that they should not), and for safety every action is denied until the ConfigMap is
mended: its additions are prohibitions, and which ones is unknown.

Compiling happens in the policy worker. While the API server or the worker is away nothing here changes, and a first
load that fails so fails whoever needed it: nobody acts on a guess.
"""

import threading
from collections.abc import Callable, Collection
from time import monotonic
from typing import Any

from kubernaut.conditions.compiled_set import Compile
from kubernaut.conditions.custom_facts import DEFAULT_KINDS, CustomFacts
from kubernaut.conditions.pinning import PinChoice, PinnedSets, pinned_sets
from kubernaut.errors import NotFoundError
from kubernaut.identity import Level
from kubernaut.safety import SafetySet
from kubernaut_operator.condition_sets.known_sets import KnownSets
from kubernaut_operator.condition_sets.loading import InForce, Loader
from kubernaut_operator.condition_sets.names import CONFIG_MAPS, ConfigMapNames, Part
from kubernaut_operator.condition_sets.observing import LoadState, NoObserver, SetsObserver
from kubernaut_operator.condition_sets.telling import Teller
from kubernaut_operator.kernel.api import Api
from kubernaut_operator.kernel.controller import Result
from kubernaut_operator.kernel.events import EventRecorder
from kubernaut_operator.kernel.resources import Key


class ConditionSets:
    """What is in force, for any number of threads.

    `reconcile` is a controller's reconcile for the keys that `watches` lets through. Whoever asks before the first load
    has come makes it happen.

    Parameters
    ----------
    api : Api
    compile_ : Compile
        By a worker; see `compiling`.
    events : EventRecorder or None
        None writes no Events: a replica that does not lead.
    allowed_kinds : collection of str
        Kinds that facts.yaml may name.
    observer : SetsObserver
        Metrics.
    clock : callable
        Monotonic seconds.
    """

    def __init__(
        self,
        api: Api,
        *,
        compile_: Compile,
        names: ConfigMapNames | None = None,
        events: EventRecorder | None = None,
        allowed_kinds: Collection[str] = DEFAULT_KINDS,
        observer: SetsObserver | None = None,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self.names = names if names is not None else ConfigMapNames()
        self.compile = compile_
        self._api = api
        self._loader = Loader(compile_, allowed_kinds=allowed_kinds)
        self._teller = Teller(events)
        self._observer = observer if observer is not None else NoObserver()
        self._clock = clock
        self._loading = threading.Lock()
        self._lock = threading.Lock()
        self._seen: dict[Part, str] = {}
        self._in_force: dict[Part, InForce] = {}
        self._current: PinnedSets | None = None
        self._known = KnownSets()

    def watches(self, key: Key) -> bool:
        """Say whether a ConfigMap is one of the three: what a watch of the namespace should wake for."""
        return self.names.part(key) is not None

    def reconcile(self, key: Key) -> Result:
        """Look at one ConfigMap and put it in force if it can be.

        Raises
        ------
        ApiError
            It could not be read; what is in force stays.
        EvaluatorError
            The policy worker is away; what is in force stays.
        """
        part = self.names.part(key)
        if part is not None:
            with self._loading:
                self._load(part)
        return Result()

    def current(self) -> PinnedSets:
        """Give both levels' sets in force.

        Raises
        ------
        ApiError, EvaluatorError
            Nothing was loaded yet and cannot be now.
        """
        self._load_first()
        with self._lock:
            return self._now()

    def known(self, digest: str) -> PinnedSets | None:
        """Give the sets that a run was pinned to, or None when they are gone."""
        self._load_first()
        with self._lock:
            self._known.used(digest, now_s=self._clock())
            return self._known.get(digest)

    def choice(self, pinned: str | None) -> PinChoice:
        """Give the sets of a run: the ones it started with, or the current ones and a note.

        Parameters
        ----------
        pinned : str or None
            Digest in the run's status; None before it left `pending`.
        """
        self._load_first()
        with self._lock:
            if pinned is not None:
                self._known.used(pinned, now_s=self._clock())
            return pinned_sets(pinned, known=self._known, current=self._now())

    def safety(self) -> SafetySet:
        """Give the safety policies in force; a set that is `unusable` denies every action.

        Raises
        ------
        ApiError, EvaluatorError
            Nothing was loaded yet and cannot be now.
        """
        self._load_first()
        with self._lock:
            return self._in_force[Part.SAFETY].safety

    def custom_facts(self, level: Level = Level.ACTION, *, pinned: str | None = None) -> CustomFacts:
        """Give the facts.yaml of a level, of the sets that a run is pinned to or of the current ones."""
        return self.choice(pinned).sets.level(level).texts.custom_facts

    def states(self) -> tuple[LoadState, ...]:
        """Give how the last load of each part went; empty before the first."""
        with self._lock:
            return tuple(in_force.state for _, in_force in sorted(self._in_force.items()))

    def _now(self) -> PinnedSets:
        if self._current is None:
            step, action = self._in_force[Part.STEP].conditions, self._in_force[Part.ACTION].conditions
            self._current = PinnedSets(step=step, action=action)
            self._known.add(self._current, now_s=self._clock())
        return self._current

    def _load_first(self) -> None:
        if len(self._in_force) == len(Part):
            return
        with self._loading:
            for part in Part:
                if part not in self._in_force:
                    self._load(part)

    def _load(self, part: Part) -> None:
        configmap = self._read(part)
        version = _version(configmap)
        before = self._in_force.get(part)
        if before is not None and self._seen.get(part) == version:
            return
        in_force = self._loader.load(part, configmap, before=before)
        with self._lock:
            self._in_force[part] = in_force
            self._seen[part] = version
            if part is not Part.SAFETY:
                self._current = None
                if len(self._in_force) == len(Part):
                    self._now()
        self._observer.loaded(in_force.state)
        self._teller.tell(self.names.key(part), configmap, before=before, after=in_force)

    def _read(self, part: Part) -> dict[str, Any] | None:
        key = self.names.key(part)
        try:
            return self._api.get(CONFIG_MAPS, key.name, key.namespace)
        except NotFoundError:
            return None


def _version(configmap: dict[str, Any] | None) -> str:
    """Give what changes with every change of the object, one made again under its name included."""
    if configmap is None:
        return ""
    metadata = configmap["metadata"]
    return f"{metadata['uid']}/{metadata['resourceVersion']}"
