"""One incident's Deployment over time: its pods, the nodes under them, and what scaling it does.

Made at the onset, before anybody acts; `scale` is the change that the action makes through the API, and can come twice
when a run is retried. Whether the incident ends is read off the pods at the end (`helped`): enough replicas serve, or
not. No condition, no fact and no verdict is known here.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import ceil
from typing import NamedTuple

from kubernaut_simulator.worlds.causes import HELPED_BY_REPLICAS, Cause
from kubernaut_simulator.worlds.fleet import Deployment
from kubernaut_simulator.worlds.nodes import NEVER_S, Node, added_node, fill, make_nodes
from kubernaut_simulator.worlds.pod_life import (
    Behaviour,
    PodLife,
    PodState,
    crash_loop,
    draw_delay,
    flap,
    live_on_node,
)
from kubernaut_simulator.worlds.scenario import DAY_S, Scenario
from kubernaut_simulator.worlds.streams import Stream, digest_uid
from kubernaut_simulator.worlds.traffic import Incident, day_factor

EVICTION_S = 300.0
"""Kubernetes' default toleration of an unreachable node."""

GRACE_S = 8.0
"""From a pod's deletion to its end."""

CONTROLLER_S = (0.05, 0.4)
"""From a change of the spec to the controller's answer."""

PROGRESS_DEADLINE_S = 600.0
"""`progressDeadlineSeconds`, the default."""

OUT_OF_MEMORY_SPREAD = 0.35
"""Share of memory incidents in which more replicas spread the load enough."""

REFUSED_SHARE = 0.4
"""Share of bad images, where a pull secret is named, that the registry refuses rather than not having."""

_BEHAVIOURS: Mapping[Cause, Behaviour] = {
    Cause.SLOW_READINESS: Behaviour.SLOW,
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
    _relief_s: float | None = None

    @property
    def relieved(self) -> bool:
        """Whether room comes when there is none."""
        return self._relief_s is not None

    @property
    def disturbed(self) -> tuple[str, ...]:
        """What happens beside the cause."""
        named = ("straggler",) * self.straggler + ("throttled",) * self.throttled
        return (*named, *dict.fromkeys(behaviour.value for behaviour in self.benign))

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
        times_s.add(self.refused_s)
        if self.rollout_s is not None:
            times_s.add(self.rollout_s + PROGRESS_DEADLINE_S)
        return sorted(time_s for time_s in times_s if abs(time_s) != NEVER_S)

    def scale(self, at_s: float, replicas: int) -> None:
        """Ask for another number of replicas, as the action does."""
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
            life = self._pod(at_s, revision=2 if behaviour in _ROLLED_OUT else 1)
            stream = self.stream.child("pod", len(self.pods))
            life.begin(at_s, PodState())
            bound_s = at_s + draw_delay(stream, timing.scheduling)
            node = self._node_for(bound_s)
            if node is None:
                life.begin(at_s + 0.02 * (number + 1), PodState(unschedulable=True))
                waiting.append((life, behaviour, stream))
                continue
            node.take(deployment)
            self._live(life, node, bound_s, behaviour, stream)
        if waiting and self._relief_s is not None:
            self._relieve(waiting, at_s)

    def _relieve(self, waiting: list[tuple[PodLife, Behaviour, Stream]], at_s: float) -> None:
        """Let a node join, and the waiting pods go there."""
        joined_s = round(at_s + (self._relief_s or 0.0), 3)
        node = added_node(self.deployment.pool, seed=self.seed, key=f"{self.incident.key}/{at_s}", joined_s=joined_s)
        self.nodes.append(node)
        for life, behaviour, stream in waiting:
            node.take(self.deployment)
            self._live(life, node, joined_s + draw_delay(stream, self.scenario.timing.scheduling), behaviour, stream)

    def _live(self, life: PodLife, node: Node, at_s: float, behaviour: Behaviour, stream: Stream) -> None:
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
            (time_s for pod in self.pods for time_s, state in zip(pod.times_s, pod.states, strict=True)
             if time_s > at_s and state.ready and pod.created_s >= at_s),
            default=None,
        )
        if first_ready_s is None:
            return
        if cause is Cause.HARMED_DEPENDENCY:
            harmed_s = round(first_ready_s + draw_delay(self.stream, timing.harm), 3)
            for pod, _ in self.living(harmed_s)[::2]:
                pod.overlay(harmed_s, ready=False)
        if cause is Cause.OUT_OF_MEMORY and self.spread:
            for pod, _ in self.living(first_ready_s):
                if pod.created_s < at_s:
                    calm_s = first_ready_s + self.stream.uniform(5, 40)
                    state = pod.at(calm_s)
                    if state is not None and not state.lost:
                        pod.begin(calm_s, state._replace(waiting="", message=""))
                        pod.begin(calm_s + draw_delay(self.stream, timing.start), state._replace(waiting="", message="", ready=True))

    def _pod(self, created_s: float, *, revision: int) -> PodLife:
        uid = digest_uid(self.seed, "pod", self.incident.key, len(self.pods))
        name = f"{self.deployment.name}-{template_hash(self.deployment, revision)}-{uid[-5:]}"
        life = PodLife(name=name, uid=uid, created_s=created_s, revision=revision)
        self.pods.append(life)
        return life


_ROLLED_OUT = (Behaviour.BAD_IMAGE, Behaviour.REFUSED_IMAGE)


def template_hash(deployment: Deployment, revision: int) -> str:
    """Give the `pod-template-hash` of a revision, the same in every incident."""
    return digest_uid(revision, "template", deployment.uid)[:8]


def begin_life(incident: Incident, scenario: Scenario, seed: int, *, detected_s: float, run_s: float) -> TargetLife:
    """Make the Deployment as it is when the incident begins, and what happens to it until somebody acts.

    Parameters
    ----------
    scenario : Scenario
        The one in force at the onset.
    detected_s, run_s : float, unit s
        When the alert fires, and when the first run begins; changes by others lie between them.
    """
    stream = Stream(seed, "life", incident.key)
    life = TargetLife(incident=incident, scenario=scenario, seed=seed, stream=stream, nodes=make_nodes(scenario, seed))
    deployment = incident.deployment
    least, most = scenario.additional
    additional = stream.integer(least, most)
    life.baseline = deployment.replicas
    life.wanted = deployment.replicas + additional
    onset_s = incident.onset_s
    life.asked.append(Asked(onset_s - DAY_S, deployment.replicas, onset_s - DAY_S))
    _place_old_pods(life)
    _lose_nodes(life)
    _make_room(life, additional)
    lost = sum(1 for _, state in life.living(onset_s + 1) if state.lost)
    life.need = deployment.replicas + ceil(additional * stream.uniform(0.3, 1.0)) - lost
    _draw_disturbances(life, additional, run_s)
    _show_cause(life)
    _let_others_act(life, additional, detected_s=detected_s, run_s=run_s)
    return life


def _place_old_pods(life: TargetLife) -> None:
    deployment, stream = life.deployment, life.stream
    own = [node for node in life.nodes if node.pool is deployment.pool]
    first = stream.integer(0, len(own) - 1)
    restarted = stream.happens(life.scenario.disturbances.old_restarts)
    for number in range(deployment.replicas):
        created_s = round(life.incident.onset_s - stream.uniform(0.2, 20) * DAY_S, 3)
        pod = life._pod(created_s, revision=1)
        node = own[(first + number) % len(own)]
        node.take(deployment)
        restarts = stream.integer(1, 6) if restarted and stream.happens(0.5) else 0
        state = PodState(node=node.name, ready=True, restarts=restarts, last_exit="Error" if restarts else "", ended_s=created_s)
        pod.begin(created_s, state)


def _lose_nodes(life: TargetLife) -> None:
    """Let a node be lost: as the cause, with pods of the target on it, or beside it, without."""
    onset_s, stream, deployment = life.incident.onset_s, life.stream, life.deployment
    own = [node for node in life.nodes if node.pool is deployment.pool]
    with_pods = {state.node for _, state in life.living(onset_s)}
    if life.incident.cause is Cause.NODE_LOSS:
        node = stream.pick([node for node in own if node.name in with_pods])
    elif stream.happens(life.scenario.disturbances.node_not_ready):
        spare = [node for node in own if node.name not in with_pods]
        if not spare:
            return
        node = stream.pick(spare)
    else:
        return
    node.lost = (onset_s, round(onset_s + stream.uniform(1, 6) * 3600, 3))
    for pod, state in life.living(onset_s):
        if state.node == node.name:
            pod.overlay(onset_s, lost=True, ready=False)
            pod.delete(onset_s + EVICTION_S, after_s=NEVER_S)
            _replace_evicted(life, onset_s + EVICTION_S, stream)


def _replace_evicted(life: TargetLife, at_s: float, stream: Stream) -> None:
    """Let the ReplicaSet make a pod for one that was evicted; it finds a node, for its own requests left one."""
    pod = life._pod(at_s, revision=1)
    pod.begin(at_s, PodState())
    node = stream.pick([n for n in life.nodes if n.pool is life.deployment.pool and n.ready(at_s)])
    node.make_way(life.deployment)
    life._live(pod, node, at_s + 0.5, Behaviour.SERVES, stream.child("replacement", len(life.pods)))


def _make_room(life: TargetLife, additional: int) -> None:
    scenario, cause, stream = life.scenario, life.incident.cause, life.stream
    room = scenario.room
    busy = 1 + room.day_amplitude * (day_factor(scenario, life.incident.onset_s) - 1)
    life.shortage = cause is Cause.NO_CAPACITY or stream.happens(min(1.0, room.short * max(busy, 0.0)))
    room_for = stream.integer(0, additional - 1) if life.shortage else additional
    fill(
        life.nodes,
        life.deployment,
        room_for=room_for,
        exactly=life.shortage,
        at_s=life.incident.onset_s + 1,
        stream=stream,
    )
    relief_s = draw_delay(stream, room.relief)
    if stream.happens(room.relieved) and cause not in (Cause.NO_CAPACITY, Cause.NODE_SELECTOR):
        life._relief_s = relief_s
    if cause is Cause.QUOTA:
        life.quota_pods = stream.integer(0, additional - 1)
    elif life.deployment.quota:
        life.quota_pods = additional + stream.integer(2, 12)


def _draw_disturbances(life: TargetLife, additional: int, run_s: float) -> None:
    """Draw what happens beside the cause; what costs a replica is not needed, or the run could not do good."""
    shares, stream = life.scenario.disturbances, life.stream
    onset_s = life.incident.onset_s
    straggler, flaky, stuck, killed, throttled, flapping = (
        stream.happens(share)
        for share in (
            shares.straggler,
            shares.flaky_start,
            shares.stuck_pod,
            shares.memory_kill,
            shares.throttled,
            shares.flapping,
        )
    )
    life.throttled = throttled
    benign = [Behaviour.FLAKY_START] * flaky + [Behaviour.STUCK] * stuck + [Behaviour.KILLED_ONCE] * killed
    if flapping:
        benign += [Behaviour.FLAPS] * (additional - len(benign))
        for pod, state in life.living(onset_s):
            if state.ready:
                flap(pod, from_s=onset_s + stream.uniform(0, 30), stream=stream)
    life.benign = tuple(benign)
    serving = [pod for pod, state in life.living(onset_s) if state.ready]
    if straggler and len(serving) > 1:
        life.straggler = True
        # Its back-off has long reached five minutes.
        crash_loop(
            stream.pick(serving),
            from_s=round(run_s - stream.uniform(0, 280), 3),
            last_exit="Error",
            crash=life.scenario.timing.crash_after_start,
            restarts=stream.integer(12, 60),
            stream=stream,
        )
        life.need -= 1
    life.need -= stuck


def _show_cause(life: TargetLife) -> None:
    """Let the cause show on the old pods, before anybody acts."""
    cause, stream, timing = life.incident.cause, life.stream, life.scenario.timing
    onset_s = life.incident.onset_s
    old = [pod for pod, state in life.living(onset_s) if state.ready]
    if cause is Cause.OUT_OF_MEMORY:
        life.spread = stream.happens(OUT_OF_MEMORY_SPREAD)
    sick = {Cause.OUT_OF_MEMORY: 2, Cause.CRASH_AT_START: 2, Cause.CRASH_LATER: 3}.get(cause)
    if sick is not None:
        for pod in old[:: sick]:
            crash_loop(
                pod,
                from_s=round(onset_s + stream.uniform(0, 40), 3),
                last_exit="OOMKilled" if cause is Cause.OUT_OF_MEMORY else "Error",
                crash=timing.crash_after_start if cause is Cause.CRASH_AT_START else timing.crash_after_ready,
                restarts=0,
                stream=stream,
            )
    if cause is Cause.BAD_IMAGE:
        life.refused_image = bool(life.deployment.pull_secret) and stream.happens(REFUSED_SHARE)
        life.rollout_s = onset_s
        bad = Behaviour.REFUSED_IMAGE if life.refused_image else Behaviour.BAD_IMAGE
        # maxSurge 25 %, rounded up; the old pods stay, for maxUnavailable rounds down.
        for _ in range(ceil(life.deployment.replicas / 4)):
            pod = life._pod(onset_s, revision=2)
            pod.begin(onset_s, PodState())
            node = stream.pick([node for node in life.nodes if node.pool is life.deployment.pool])
            node.make_way(life.deployment)
            life._live(pod, node, onset_s + 0.5, bad, stream.child("rollout", len(life.pods)))


def _let_others_act(life: TargetLife, additional: int, *, detected_s: float, run_s: float) -> None:
    """Let a person or an autoscaler change the replicas between detection and run."""
    stream = life.stream
    touched = life.incident.cause is Cause.REPLICAS_CHANGED or stream.happens(
        life.scenario.disturbances.replicas_touched
    )
    if not touched or not life.there or life.incident.cause is Cause.BAD_IMAGE:
        return
    at_s = round(stream.uniform(detected_s, run_s), 3)
    step = stream.integer(1, max(1, additional - 1)) if stream.happens(0.75) else -1
    life.scale(at_s, max(1, life.baseline + step))
