"""Looking at a world: Kubernetes objects of the moment through the engine's fact extraction, with what cannot be read.

Facts change only when something that can be seen changes, so each is taken once for each stretch between two changes,
and only if it is asked for. Which reads fail is drawn from the moment of the look, never from what is judged.
"""

from bisect import bisect_right
from datetime import datetime, timedelta
from typing import NamedTuple

from kubernaut.facts.baseline import Baseline
from kubernaut.facts.definitions import ALL_PODS
from kubernaut.facts.extract import Extraction, take_baseline
from kubernaut.facts.look import Look
from kubernaut.facts.objects import Target
from kubernaut.facts.snapshot import Snapshot, Unobserved, UnobservedReason
from kubernaut.history.rows import ObjectVersion
from kubernaut.json_types import JsonObject
from kubernaut_simulator.worlds.objects import WorldObjects
from kubernaut_simulator.worlds.streams import digest_number
from kubernaut_simulator.worlds.target_life import TargetLife

THROTTLING = "cpu_throttling_ratio"

SCRAPE_S = 30.0
"""Between two samples of Prometheus."""

RATE_WINDOW_S = 120.0
"""Of the rate behind the throttling fact; it must lie behind the action's end."""

_READ_S = (0.02, 0.12)
_KINDS = ("Pod", "Node", "Deployment", "ReplicaSet", "ResourceQuota")
_HUNDREDTH = 100


def share_of(seed: int, *names: object) -> float:
    """Give a number in [0, 1) that depends on the seed and the names only."""
    return digest_number(seed, *names) / 2**64


class Sight(NamedTuple):
    """What can be seen at a moment.

    Attributes
    ----------
    at_s : float, unit s
    state_of_objects, state : hashable
        Within one run, equal ones mean equal facts from objects, and equal facts of all sources.
    throttling : float or Unobserved or None
        What Prometheus says; None when it was not asked.
    target : tuple of ObjectVersion
        The version of the target; empty when it is not there.
    """

    at_s: float
    state_of_objects: tuple[int, str, bool]
    state: tuple[object, ...]
    throttling: float | Unobserved | None
    target: tuple[ObjectVersion, ...]


class Eyes:
    """The looks of one run.

    Parameters
    ----------
    life : TargetLife
    objects : WorldObjects
    start : datetime
        Moment of virtual second 0.
    key : str
        Of the run; what fails to be read is drawn from it.
    parameters : JsonObject
    """

    def __init__(
        self, life: TargetLife, objects: WorldObjects, *, start: datetime, key: str, parameters: JsonObject
    ) -> None:
        self._life = life
        self._objects = objects
        self._start = start
        self._key = key
        self._parameters = parameters
        self._reading = life.scenario.reading
        deployment = life.deployment
        self.target = Target(
            kind="Deployment", namespace=deployment.namespace, name=deployment.name, uid=deployment.uid
        )
        self._standing = self._never_readable()
        self._baseline: Baseline | None = None
        self._ended_s: float | None = None
        self._facts: dict[tuple[int, str, bool], Extraction] = {}
        self._targets: dict[int, tuple[ObjectVersion, ...]] = {}
        self._changes_s: list[float] = []
        self.changed()

    def changed(self) -> None:
        """Take note that somebody acted: what lies ahead is another."""
        self._changes_s = self._life.changes()
        self._facts.clear()
        self._targets.clear()

    def stretch(self, at_s: float) -> int:
        """Give the number of the stretch without visible change that a moment lies in."""
        return bisect_right(self._changes_s, at_s)

    def take_baseline(self, at_s: float) -> None:
        """Remember what the target looks like before the action."""
        objects = self._objects.at(at_s, version=self._version(at_s))
        self._baseline = take_baseline(objects, self.target, unavailable=self._standing)

    def action_ended(self, at_s: float) -> None:
        """Take note of when the action ended."""
        self._ended_s = at_s

    def read_s(self, at_s: float) -> float:
        """Give how long a read that begins at a moment takes."""
        least_s, most_s = _READ_S
        share = share_of(self._life.seed, self._key, "read", f"{at_s:.6f}")
        return round(least_s + (most_s - least_s) * share, 3)

    def look(self, at_s: float, *, throttling: bool) -> Sight:
        """See what there is to be seen at a moment; `snapshot` takes facts of it.

        Parameters
        ----------
        throttling : bool
            Whether Prometheus is asked too.
        """
        stretch = self.stretch(at_s)
        share = self._throttling(at_s) if throttling else None
        objects = (stretch, self._hiccup(at_s), self._baseline is None)
        number = share.reason if isinstance(share, Unobserved) else share
        if stretch not in self._targets:
            self._targets[stretch] = self._target_version(at_s)
        return Sight(at_s, objects, (*objects, number), share, self._targets[stretch])

    def snapshot(self, sight: Sight, *, wanted: frozenset[str] | None) -> Snapshot:
        """Take facts of what is seen.

        Parameters
        ----------
        wanted : frozenset of str, or None
            Names at the top of `input` that are read; None means all facts.
        """
        facts = self._facts.get(sight.state_of_objects)
        if facts is None:
            facts = self._facts[sight.state_of_objects] = self._extraction(sight)
        provided = {} if sight.throttling is None else {THROTTLING: sight.throttling}
        return facts.snapshot(provided=provided, wanted=wanted)

    def _extraction(self, sight: Sight) -> Extraction:
        unavailable = dict(self._standing)
        _, hiccup, _ = sight.state_of_objects
        if hiccup:
            unavailable[hiccup] = Unobserved(UnobservedReason.TIMED_OUT, "the API server did not answer in time")
        return Extraction(
            Look(
                objects=self._objects.at(sight.at_s, version=self._version(sight.at_s)),
                target=self.target,
                parameters=self._parameters,
                now=self._start + timedelta(seconds=sight.at_s),
                baseline=self._baseline,
                unavailable=unavailable,
                action_ended_at=None if self._ended_s is None else self._start + timedelta(seconds=self._ended_s),
            )
        )

    def _target_version(self, at_s: float) -> tuple[ObjectVersion, ...]:
        if not self._life.there:
            return ()
        target = self.target
        return (
            ObjectVersion(
                kind=target.kind,
                namespace=target.namespace,
                name=target.name,
                uid=target.uid,
                resource_version=str(self._version(at_s)),
            ),
        )

    def _version(self, at_s: float) -> int:
        # Versions of one object only ever grow; seconds since the world's start do so across incidents.
        return 1000 + int(self._life.incident.onset_s) * 100 + self.stretch(at_s)

    def _never_readable(self) -> dict[str, Unobserved]:
        missing: dict[str, Unobserved] = {}
        if not self._life.deployment.team.events_readable:
            missing["Event"] = Unobserved(UnobservedReason.FORBIDDEN, "events is forbidden in this namespace")
        if share_of(self._life.seed, self._key, "pods") < self._reading.pods_away:
            why = Unobserved(UnobservedReason.TIMED_OUT, "listing pods timed out")
            missing |= {"Pod": why, ALL_PODS: why}
        return missing

    def _hiccup(self, at_s: float) -> str:
        if not self._reading.hiccup:
            return ""
        share = share_of(self._life.seed, self._key, "hiccup", f"{at_s:.6f}")
        if share >= self._reading.hiccup:
            return ""
        return _KINDS[int(share / self._reading.hiccup * len(_KINDS))]

    def _throttling(self, at_s: float) -> float | Unobserved:
        if not self._life.deployment.team.throttling_measured:
            return Unobserved(UnobservedReason.NOT_PROVIDED, "Prometheus has no series of these containers")
        if share_of(self._life.seed, "prometheus", int(at_s // 3600)) < self._reading.prometheus_away:
            return Unobserved(UnobservedReason.TIMED_OUT, "Prometheus did not answer in time")
        if self._ended_s is None or at_s < self._ended_s + RATE_WINDOW_S + SCRAPE_S:
            return Unobserved(UnobservedReason.STALE, "the window of the rate began before the action's end")
        sample = int(at_s // SCRAPE_S)
        share = share_of(self._life.seed, self._key, "throttling", sample)
        low, high = (0.3, 0.8) if self._life.throttled else (0.0, 0.12)
        return round(low + (high - low) * share, 2)
