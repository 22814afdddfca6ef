"""One pod's life as a list of states and the moments at which they begin.

A life is made in one go when the pod is created: scheduling, image, start, crashes with the kubelet's back-off. What
happens to a pod from outside (its node goes, it is deleted, harm is done to its service) is laid over it afterwards.
Facts never look here; they look at the Kubernetes objects made from a state. Not modelled: init containers, more than
one container, the seconds in which a crashed container shows `Error` before `CrashLoopBackOff`.
"""

from bisect import bisect_right
from enum import StrEnum
from math import exp
from typing import NamedTuple

from kubernaut_simulator.worlds.scenario_parts import Delay, Timing
from kubernaut_simulator.worlds.streams import Stream

BACK_OFF_S = (10.0, 20.0, 40.0, 80.0, 160.0, 300.0)
"""The kubelet's crash back-off: doubled up to five minutes."""

HORIZON_S = 5400.0
"""How far a crash loop is drawn out; no run of an incident lasts longer after a pod's creation."""

IMAGE_RETRY_S = 12.0
"""From the first ErrImagePull to ImagePullBackOff, about."""


PULLED_AGAIN_S = (10.0, 20.0)
"""From ImagePullBackOff to the next pull, which succeeds: the kubelet's first back-off is 10 s."""


class Behaviour(StrEnum):
    """How a pod of the target behaves once it has a node."""

    SERVES = "serves"
    SLOW = "slow"
    CRASHES_AT_START = "crashes_at_start"
    CRASHES_LATER = "crashes_later"
    OUT_OF_MEMORY = "out_of_memory"
    BAD_IMAGE = "bad_image"
    REFUSED_IMAGE = "refused_image"
    FLAKY_START = "flaky_start"
    STUCK = "stuck"
    FLAPS = "flaps"
    KILLED_ONCE = "killed_once"
    UNREADY = "unready"
    PULL_RETRIED = "pull_retried"


class PodState(NamedTuple):
    """What a pod is at a moment.

    Attributes
    ----------
    node : str or None
    waiting : str
        Why its container waits; empty when it runs.
    ready : bool
    restarts : int
    last_exit : str
        Reason of the last termination: ``Error``, ``OOMKilled`` or empty.
    unschedulable, terminating, lost, gone : bool
        No node fits; on its way out; its node is not heard of; deleted.
    message : str
        Of the waiting state.
    ended_s : float, unit s
        When the last termination was; 0 without one.
    """

    node: str | None = None
    waiting: str = ""
    ready: bool = False
    restarts: int = 0
    last_exit: str = ""
    unschedulable: bool = False
    terminating: bool = False
    lost: bool = False
    gone: bool = False
    message: str = ""
    ended_s: float = 0.0

    @property
    def running(self) -> bool:
        """Whether its container runs or ran (the pod's phase is Running)."""
        return self.node is not None and self.waiting in ("", "CrashLoopBackOff")


class PodLife:
    """A pod's states over time.

    Parameters
    ----------
    name, uid : str
    created_s : float, unit s
    revision : int
        Of the ReplicaSet that owns it.
    """

    __slots__ = ("created_s", "name", "revision", "states", "times_s", "uid")

    def __init__(self, *, name: str, uid: str, created_s: float, revision: int) -> None:
        self.name = name
        self.uid = uid
        self.created_s = created_s
        self.revision = revision
        self.times_s: list[float] = []
        self.states: list[PodState] = []

    def at(self, now_s: float) -> PodState | None:
        """Give its state, or None before its creation and after its deletion."""
        index = bisect_right(self.times_s, now_s) - 1
        if index < 0 or self.states[index].gone:
            return None
        return self.states[index]

    def begin(self, at_s: float, state: PodState) -> None:
        """Let a state begin; what had begun at or after that moment is dropped."""
        at_s = round(at_s, 3)
        while self.times_s and self.times_s[-1] >= at_s:
            self.times_s.pop()
            self.states.pop()
        self.times_s.append(at_s)
        self.states.append(state)

    def fail_from(self, at_s: float, *, lost: bool = False) -> None:
        """From a moment on, let it serve no longer, whatever else it does; `lost`: its node is not heard of."""
        at_s = round(at_s, 3)
        current = self.at(at_s)
        if current is None:
            return
        index = bisect_right(self.times_s, at_s) - 1
        times_s = [*self.times_s[: index + 1], at_s, *self.times_s[index + 1 :]]
        states = [*self.states[: index + 1], current, *self.states[index + 1 :]]
        kept = index + 1
        self.times_s = times_s
        self.states = [*states[:kept], *(state._replace(ready=False, lost=lost) for state in states[kept:])]

    def delete(self, at_s: float, *, after_s: float) -> None:
        """Delete it: terminating from `at_s`, gone `after_s` later."""
        current = self.at(at_s)
        if current is not None:
            self.begin(at_s, current._replace(terminating=True, ready=False))
            self.begin(at_s + after_s, current._replace(gone=True))


def draw_delay(stream: Stream, delay: Delay, factor: float = 1.0) -> float:
    """Draw a time in seconds, in whole milliseconds, never above the delay's most."""
    spread = exp(delay.sigma * stream.deviate(delay.family))
    return round(min(delay.median * factor * spread, delay.at_most), 3)


def live_on_node(
    life: PodLife,
    *,
    node: str,
    at_s: float,
    behaviour: Behaviour,
    timing: Timing,
    pace: float,
    stream: Stream,
) -> None:
    """Draw a pod's life from the moment it is bound to a node.

    Parameters
    ----------
    at_s : float, unit s
        When it is bound.
    pace : float
        Factor on the time from start to ready.
    """
    creating = PodState(node=node, waiting="ContainerCreating")
    life.begin(at_s, creating)
    if behaviour is Behaviour.STUCK:
        return
    cached = stream.happens(timing.image_cached)
    at_s += draw_delay(stream, timing.pull_cached if cached else timing.pull)
    if behaviour in (Behaviour.BAD_IMAGE, Behaviour.REFUSED_IMAGE):
        message = (
            "failed to authorize: failed to fetch oauth token: 401 Unauthorized"
            if behaviour is Behaviour.REFUSED_IMAGE
            else "manifest unknown: no such tag"
        )
        life.begin(at_s, creating._replace(waiting="ErrImagePull", message=message))
        life.begin(at_s + IMAGE_RETRY_S, creating._replace(waiting="ImagePullBackOff", message=message))
        return
    if behaviour is Behaviour.PULL_RETRIED:
        message = "failed to pull and unpack image: unexpected status: 503 Service Unavailable"
        life.begin(at_s, creating._replace(waiting="ErrImagePull", message=message))
        at_s += IMAGE_RETRY_S
        life.begin(at_s, creating._replace(waiting="ImagePullBackOff", message=message))
        at_s += stream.uniform(*PULLED_AGAIN_S)
    start = timing.slow_start if behaviour is Behaviour.SLOW else timing.start
    _run_container(
        life,
        node=node,
        at_s=at_s,
        behaviour=behaviour,
        start=start,
        timing=timing,
        pace=pace,
        stream=stream,
    )


def _run_container(
    life: PodLife,
    *,
    node: str,
    at_s: float,
    behaviour: Behaviour,
    start: Delay,
    timing: Timing,
    pace: float,
    stream: Stream,
) -> None:
    """Let its container start, get ready, and crash as often as it does."""
    last_exit, ended_s, restarts = "", 0.0, 0
    crashes = _crashes(behaviour, stream)
    end_s = at_s + HORIZON_S
    while True:
        running = PodState(node=node, restarts=restarts, last_exit=last_exit, ended_s=ended_s)
        life.begin(at_s, running)
        if behaviour is Behaviour.UNREADY:
            return
        crash_now = crashes is None or restarts < crashes
        if crash_now and behaviour in (Behaviour.CRASHES_AT_START, Behaviour.FLAKY_START):
            at_s += draw_delay(stream, timing.crash_after_start)
        else:
            at_s += draw_delay(stream, start, pace)
            life.begin(at_s, running._replace(ready=True))
            if not crash_now:
                break
            at_s += draw_delay(stream, timing.crash_after_ready)
        memory = behaviour in (Behaviour.OUT_OF_MEMORY, Behaviour.KILLED_ONCE)
        last_exit, ended_s = ("OOMKilled" if memory else "Error"), round(at_s, 3)
        life.begin(
            at_s,
            running._replace(
                waiting="CrashLoopBackOff",
                ready=False,
                last_exit=last_exit,
                ended_s=ended_s,
                message="back-off restarting failed container",
            ),
        )
        at_s += BACK_OFF_S[min(restarts, len(BACK_OFF_S) - 1)]
        restarts += 1
        if at_s > end_s:
            return
    if behaviour is Behaviour.FLAPS:
        flap(life, from_s=at_s, stream=stream)


def _crashes(behaviour: Behaviour, stream: Stream) -> int | None:
    """Give how often it crashes before it runs for good; None means for ever."""
    if behaviour in (Behaviour.CRASHES_AT_START, Behaviour.CRASHES_LATER, Behaviour.OUT_OF_MEMORY):
        return None
    if behaviour is Behaviour.FLAKY_START:
        return stream.integer(1, 2)
    return 1 if behaviour is Behaviour.KILLED_ONCE else 0


def flap(life: PodLife, *, from_s: float, stream: Stream) -> None:
    """From a moment on, let a running pod lose and regain readiness for half an hour."""
    current = life.at(from_s)
    if current is None:
        return
    at_s, ready = from_s, True
    while at_s < from_s + HORIZON_S / 3:
        at_s += stream.uniform(8, 60) if ready else stream.uniform(4, 25)
        ready = not ready
        life.begin(at_s, current._replace(ready=ready))


def crash_loop(life: PodLife, *, from_s: float, last_exit: str, crash: Delay, restarts: int, stream: Stream) -> None:
    """From a moment on, let a running pod crash and restart for ever, having crashed `restarts` times before."""
    current = life.at(from_s)
    if current is None:
        return
    at_s = from_s
    while at_s < from_s + HORIZON_S:
        waiting = current._replace(
            waiting="CrashLoopBackOff",
            ready=False,
            restarts=restarts,
            last_exit=last_exit,
            ended_s=round(at_s, 3),
            message="back-off restarting failed container",
        )
        life.begin(at_s, waiting)
        at_s += BACK_OFF_S[min(restarts, len(BACK_OFF_S) - 1)]
        restarts += 1
        life.begin(at_s, waiting._replace(waiting="", message="", restarts=restarts))
        at_s += draw_delay(stream, crash)
