"""One incident's Deployment over time: its pods, the nodes under them, and what scaling it does.

Made by `onset` before anybody acts; `scale` is the change that the action makes through the API, and can come twice
when a run is retried. Whether the incident ends is read off the pods at the end (`helped`): enough replicas serve, or
not. No condition, no fact and no verdict is known here.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from kubernaut_simulator.worlds.causes import HELPED_BY_REPLICAS, Cause
from kubernaut_simulator.worlds.fleet import Deployment
from kubernaut_simulator.worlds.nodes import NEVER_S, Node, added_node
from kubernaut_simulator.worlds.pod_life import (
    Behaviour,
    PodLife,
    PodState,
    draw_delay,
    live_on_node,
)
from kubernaut_simulator.worlds.scenario import Scenario
from kubernaut_simulator.worlds.streams import Stream, digest_uid
from kubernaut_simulator.worlds.traffic import Incident

GRACE_S = 8.0
"""From a pod's deletion to its end."""

CONTROLLER_S = (0.05, 0.4)
"""From a change of the spec to the controller's answer."""

PROGRESS_DEADLINE_S = 600.0
"""`progressDeadlineSeconds`, the default."""

_BEHAVIOURS: Mapping[Cause, Behaviour] = {
    Cause.SLOW_READINESS: Behaviour.SLOW,
    Cause.FAILING_READINESS: Behaviour.UNREADY,
    Cause.CRASH_AT_START: Behaviour.CRASHES_AT_START,
    Cause.CRASH_LATER: Behaviour.CRASHES_LATER,
    Cause.OUT_OF_MEMORY: Behaviour.OUT_OF_MEMORY,
    Cause.BAD_IMAGE: Behaviour.BAD_IMAGE,
}


class Asked(NamedTuple):
    """Replicas asked for from a moment on, and when the controller has seen it."""

    at_s: float
    replicas: int
    observed_s: float


@dataclass(slots=True)
class TargetLife:
    """What happens to one Deployment in the course of one incident.

    Attributes
    ----------
    incident : Incident
    asked : list of Asked
        Every change of `spec.replicas`; its index is the generation.
    baseline : int
        Replicas at the incident's detection.
    wanted : int
        Replicas that the first run asks for.
    need : int
        Ready replicas that end the incident, if replicas can.
    quota_pods : int or None
        How many more pods the namespace's quota admits; None without a quota.
    rollout_s : float or None
        When the rollout under way began; None when there is none.
    shortage : bool
        Not all additional pods find room when they are asked for.
    throttled : bool
        The service runs at its CPU limit afterwards.
    benign : tuple of Behaviour
        How some of the new pods behave beside the cause.
    straggler : bool
        One old pod crash-loops all the time.
    relief_s : float or None, unit s
        From the first unschedulable pod to room for it; None when it never comes.
    secret_missing : bool
        The pull secret that the Deployment names is not there.
    beside : list of str
        What others did in the meantime, for the truth.
    """

    incident: Incident
    scenario: Scenario
    seed: int
    stream: Stream
    nodes: list[Node]
    pods: list[PodLife] = field(default_factory=list)
    asked: list[Asked] = field(default_factory=list)
    baseline: int = 0
    wanted: int = 0
    need: int = 0
    quota_pods: int | None = None
    refused_s: float = NEVER_S
    rollout_s: float | None = None
    shortage: bool = False
    throttled: bool = False
    spread: bool = False
    refused_image: bool = False
    benign: tuple[Behaviour, ...] = ()
    straggler: bool = False
    relief_s: float | None = None
    secret_missing: bool = False
    beside: list[str] = field(default_factory=list)

    @property
    def relieved(self) -> bool:
        """Whether room comes when there is none."""
        return self.relief_s is not None

    @property
    def disturbed(self) -> tuple[str, ...]:
        """What happens beside the cause."""
        named = ("straggler",) * self.straggler + ("throttled",) * self.throttled
        return (*named, *dict.fromkeys(behaviour.value for behaviour in self.benign), *dict.fromkeys(self.beside))

    @property
    def deployment(self) -> Deployment:
        """The Deployment at rest."""
        return self.incident.deployment

    @property
    def there(self) -> bool:
        """Whether the Deployment exists."""
        return self.incident.cause is not Cause.DEPLOYMENT_GONE

    def replicas(self, at_s: float) -> int:
        """Give `spec.replicas` at a moment."""
        return next((asked.replicas for asked in reversed(self.asked) if asked.at_s <= at_s), self.asked[0].replicas)

    def living(self, at_s: float) -> list[tuple[PodLife, PodState]]:
        """Give the pods that exist at a moment, with their states."""
        found = ((pod, pod.at(at_s)) for pod in self.pods)
        return [(pod, state) for pod, state in found if state is not None]

    def ready(self, at_s: float) -> int:
        """Give how many pods serve."""
        return sum(1 for _, state in self.living(at_s) if state.ready and not state.lost)

    def helped(self, at_s: float) -> bool:
        """Say whether the incident has ended because of its replicas."""
        return self.there and self.incident.cause in HELPED_BY_REPLICAS and self.ready(at_s) >= self.need

    def changes(self) -> list[float]:
        """Give every moment at which something that can be seen changes, sorted."""
        times_s = {time_s for pod in self.pods for time_s in pod.times_s}
        for asked in self.asked:
            times_s |= {asked.at_s, asked.observed_s}
        for node in self.nodes:
            times_s |= {node.joined_s, *node.lost}
            if node.move is not None:
                times_s.add(node.move.at_s)
        times_s.add(self.refused_s)
        if self.rollout_s is not None:
            times_s.add(self.rollout_s + PROGRESS_DEADLINE_S)
        return sorted(time_s for time_s in times_s if abs(time_s) != NEVER_S)

    def scale(self, at_s: float, replicas: int) -> None:
        """Ask for another number of replicas, as the action does."""
        for node in self.nodes:
            node.follow(at_s)
        before = sum(1 for _, state in self.living(at_s) if not state.terminating)
        observed_s = round(at_s + self.stream.uniform(*CONTROLLER_S), 3)
        self.asked.append(Asked(at_s, replicas, observed_s))
        if replicas < before:
            for pod, _ in self.living(at_s)[replicas - before :]:
                pod.delete(observed_s, after_s=GRACE_S)
            return
        wanted = replicas - before
        created = wanted if self.quota_pods is None else min(wanted, self.quota_pods)
        if created < wanted:
            self.refused_s = min(self.refused_s, observed_s)
        if self.quota_pods is not None:
            self.quota_pods -= created
        self._create(created, observed_s)
        self._effects(at_s)

    def _create(self, count: int, at_s: float) -> None:
        behaviours = self._behaviours(count)
        timing, deployment = self.scenario.timing, self.deployment
        waiting: list[tuple[PodLife, Behaviour, Stream]] = []
        for number, behaviour in enumerate(behaviours):
            life = self.new_pod(at_s, revision=2 if behaviour in _ROLLED_OUT else 1)
            stream = self.stream.child("pod", len(self.pods))
            life.begin(at_s, PodState())
            bound_s = at_s + draw_delay(stream, timing.scheduling)
            node = self._node_for(bound_s)
            if node is None:
                life.begin(at_s + 0.02 * (number + 1), PodState(unschedulable=True))
                waiting.append((life, behaviour, stream))
                continue
            node.take(deployment)
            self.live(life, node, bound_s, behaviour, stream)
        if waiting and self.relief_s is not None:
            self._relieve(waiting, at_s)

    def _relieve(self, waiting: list[tuple[PodLife, Behaviour, Stream]], at_s: float) -> None:
        """Let a node join, and the waiting pods go there."""
        joined_s = round(at_s + (self.relief_s or 0.0), 3)
        node = added_node(self.deployment.pool, seed=self.seed, key=f"{self.incident.key}/{at_s}", joined_s=joined_s)
        self.nodes.append(node)
        for life, behaviour, stream in waiting:
            node.take(self.deployment)
            self.live(life, node, joined_s + draw_delay(stream, self.scenario.timing.scheduling), behaviour, stream)

    def live(self, life: PodLife, node: Node, at_s: float, behaviour: Behaviour, stream: Stream) -> None:
        """Let a pod live on a node from a moment on."""
        live_on_node(
            life,
            node=node.name,
            at_s=at_s,
            behaviour=behaviour,
            timing=self.scenario.timing,
            pace=self.deployment.team.pace,
            stream=stream,
        )

    def _node_for(self, at_s: float) -> Node | None:
        if self.incident.cause is Cause.NODE_SELECTOR:
            return None
        open_nodes = [
            node
            for node in self.nodes
            if node.pool is self.deployment.pool
            and node.there(at_s)
            and node.ready(at_s)
            and node.fits(self.deployment) > 0
        ]
        return max(open_nodes, key=lambda node: (node.free_cpu_m, node.name), default=None)

    def _behaviours(self, count: int) -> list[Behaviour]:
        """Say how each of `count` new pods behaves: the cause's way, some with a disturbance of their own."""
        cause = self.incident.cause
        usual = _BEHAVIOURS.get(cause, Behaviour.SERVES)
        if cause is Cause.OUT_OF_MEMORY and self.spread:
            usual = Behaviour.SERVES
        if cause is Cause.BAD_IMAGE:
            bad = Behaviour.REFUSED_IMAGE if self.refused_image else Behaviour.BAD_IMAGE
            # A Deployment in the middle of a rollout is scaled in proportion: part of the new pods are of the old one.
            return [bad if number % 2 == 0 else Behaviour.SERVES for number in range(count)]
        behaviours = [usual] * count
        for number, behaviour in enumerate(self.benign[:count]):
            if usual in (Behaviour.SERVES, Behaviour.SLOW):
                behaviours[number] = behaviour
        return behaviours

    def _effects(self, at_s: float) -> None:
        """Let the new replicas do good or harm to the old pods."""
        cause, timing = self.incident.cause, self.scenario.timing
        first_ready_s = min(
            (
                time_s
                for pod in self.pods
                for time_s, state in zip(pod.times_s, pod.states, strict=True)
                if time_s > at_s and state.ready and pod.created_s >= at_s
            ),
            default=None,
        )
        if first_ready_s is None:
            return
        if cause is Cause.HARMED_DEPENDENCY:
            harmed_s = round(first_ready_s + draw_delay(self.stream, timing.harm), 3)
            for pod, _ in self.living(harmed_s)[::2]:
                pod.fail_from(harmed_s)
        if cause is Cause.OUT_OF_MEMORY and self.spread:
            for pod, _ in self.living(first_ready_s):
                if pod.created_s < at_s:
                    calm_s = first_ready_s + self.stream.uniform(5, 40)
                    state = pod.at(calm_s)
                    if state is not None and not state.lost:
                        pod.begin(calm_s, state._replace(waiting="", message=""))
                        pod.begin(
                            calm_s + draw_delay(self.stream, timing.start),
                            state._replace(waiting="", message="", ready=True),
                        )

    def new_pod(self, created_s: float, *, revision: int) -> PodLife:
        """Give a pod of the target that has no state yet."""
        uid = digest_uid(self.seed, "pod", self.incident.key, len(self.pods))
        name = f"{self.deployment.name}-{template_hash(self.deployment, revision)}-{uid[-5:]}"
        life = PodLife(name=name, uid=uid, created_s=created_s, revision=revision)
        self.pods.append(life)
        return life


_ROLLED_OUT = (Behaviour.BAD_IMAGE, Behaviour.REFUSED_IMAGE)


def template_hash(deployment: Deployment, revision: int) -> str:
    """Give the `pod-template-hash` of a revision, the same in every incident."""
    return digest_uid(revision, "template", deployment.uid)[:8]
