"""A Deployment as its incident begins: old pods, nodes and room, and how the cause shows before anybody acts.

Everything that is random about an incident beside the times of new pods is drawn here, so that it does not depend
on what is judged or done later.
"""

from math import ceil

from kubernaut_simulator.worlds.causes import Cause
from kubernaut_simulator.worlds.meanwhile import move_room
from kubernaut_simulator.worlds.nodes import NEVER_S, fill, make_nodes
from kubernaut_simulator.worlds.pod_life import Behaviour, PodState, crash_loop, draw_delay, flap
from kubernaut_simulator.worlds.scenario import Scenario
from kubernaut_simulator.worlds.scenario_parts import DAY_S
from kubernaut_simulator.worlds.streams import Stream
from kubernaut_simulator.worlds.target_life import Asked, TargetLife
from kubernaut_simulator.worlds.traffic import WEEK_DAYS, Incident, day_factor

EVICTION_S = 300.0
"""Kubernetes' default toleration of an unreachable node."""

OUT_OF_MEMORY_SPREAD = 0.35
"""Share of memory incidents in which more replicas spread the load enough."""

REFUSED_SHARE = 0.4
"""Share of bad images, where a pull secret is named, that the registry refuses rather than not having."""


SECRET_MISSING_SHARE = 0.4
"""Share of refused images for which the pull secret is not there, rather than wrong."""


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
    move_room(life, additional, run_s)
    return life


def _place_old_pods(life: TargetLife) -> None:
    deployment, stream = life.deployment, life.stream
    own = [node for node in life.nodes if node.pool is deployment.pool]
    first = stream.integer(0, len(own) - 1)
    restarted = stream.happens(life.scenario.disturbances.old_restarts)
    for number in range(deployment.replicas):
        created_s = round(life.incident.onset_s - stream.uniform(0.2, 20) * DAY_S, 3)
        pod = life.new_pod(created_s, revision=1)
        node = own[(first + number) % len(own)]
        node.take(deployment)
        restarts = stream.integer(1, 6) if restarted and stream.happens(0.5) else 0
        state = PodState(
            node=node.name, ready=True, restarts=restarts, last_exit="Error" if restarts else "", ended_s=created_s
        )
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
            pod.fail_from(onset_s, lost=True)
            pod.delete(onset_s + EVICTION_S, after_s=NEVER_S)
            _replace_evicted(life, onset_s + EVICTION_S, stream)


def _replace_evicted(life: TargetLife, at_s: float, stream: Stream) -> None:
    """Let the ReplicaSet make a pod for one that was evicted; it finds a node, for its own requests left one."""
    pod = life.new_pod(at_s, revision=1)
    pod.begin(at_s, PodState())
    node = stream.pick([n for n in life.nodes if n.pool is life.deployment.pool and n.ready(at_s)])
    node.make_way(life.deployment)
    life.live(pod, node, at_s + 0.5, Behaviour.SERVES, stream.child("replacement", len(life.pods)))


def _make_room(life: TargetLife, additional: int) -> None:
    scenario, cause, stream = life.scenario, life.incident.cause, life.stream
    room = scenario.room
    busy = 1 + room.day_amplitude * (day_factor(scenario, life.incident.onset_s) - 1)
    weeks = life.incident.onset_s / (WEEK_DAYS * DAY_S)
    short = (room.short + room.drift_per_week * weeks) * max(busy, 0.0) + room.contention * life.incident.beside
    life.shortage = cause is Cause.NO_CAPACITY or stream.happens(min(1.0, max(0.0, short)))
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
        life.relief_s = relief_s
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
    own = stream.child("more disturbances")
    unready, retried = own.happens(shares.unready_pod), own.happens(shares.pull_retried)
    benign += [Behaviour.UNREADY] * unready + [Behaviour.PULL_RETRIED] * retried
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
    life.need -= stuck + unready


def _show_cause(life: TargetLife) -> None:
    """Let the cause show on the old pods, before anybody acts."""
    cause, stream, timing = life.incident.cause, life.stream, life.scenario.timing
    onset_s = life.incident.onset_s
    old = [pod for pod, state in life.living(onset_s) if state.ready]
    if cause is Cause.OUT_OF_MEMORY:
        life.spread = stream.happens(OUT_OF_MEMORY_SPREAD)
    sick = {Cause.OUT_OF_MEMORY: 2, Cause.CRASH_AT_START: 2, Cause.CRASH_LATER: 3}.get(cause)
    if sick is not None:
        for pod in old[::sick]:
            crash_loop(
                pod,
                from_s=round(onset_s + stream.uniform(0, 40), 3),
                last_exit="OOMKilled" if cause is Cause.OUT_OF_MEMORY else "Error",
                crash=timing.crash_after_start if cause is Cause.CRASH_AT_START else timing.crash_after_ready,
                restarts=0,
                stream=stream,
            )
    if cause is Cause.FAILING_READINESS:
        for pod in old[::2]:
            pod.fail_from(round(onset_s + stream.uniform(0, 40), 3))
    if cause is Cause.BAD_IMAGE:
        life.refused_image = bool(life.deployment.pull_secret) and stream.happens(REFUSED_SHARE)
        life.secret_missing = life.refused_image and stream.child("secret").happens(SECRET_MISSING_SHARE)
        life.rollout_s = onset_s
        bad = Behaviour.REFUSED_IMAGE if life.refused_image else Behaviour.BAD_IMAGE
        # maxSurge 25 %, rounded up; the old pods stay, for maxUnavailable rounds down.
        for _ in range(ceil(life.deployment.replicas / 4)):
            pod = life.new_pod(onset_s, revision=2)
            pod.begin(onset_s, PodState())
            node = stream.pick([node for node in life.nodes if node.pool is life.deployment.pool])
            node.make_way(life.deployment)
            life.live(pod, node, onset_s + 0.5, bad, stream.child("rollout", len(life.pods)))


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
    life.beside.append("replicas_touched")
    life.scale(at_s, max(1, life.baseline + step))
