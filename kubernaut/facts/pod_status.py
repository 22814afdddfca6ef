"""What `kubectl get pods` shows of a pod: STATUS and RESTARTS.

People name a pod's trouble by this column (``CrashLoopBackOff``, ``Init:ImagePullBackOff``), so policies
compare it too. The rule is kubectl's own, quirks included: of several containers in trouble the first one
is shown, since its loop runs from the last to the first and each overwrites the reason.

References
----------
kubernetes/pkg/printers/internalversion/printers.go, `printPod`.
"""

from dataclasses import dataclass

from kubernaut.facts.fields import Fields
from kubernaut.facts.objects import KubeObject

TERMINAL_PHASES = frozenset({"Succeeded", "Failed"})
_NODE_LOST = "NodeLost"
_SIDECAR = "Always"


@dataclass(frozen=True, slots=True)
class Shown:
    """STATUS and RESTARTS of a pod."""

    status: str
    restarts: int


def shown(pod: KubeObject) -> Shown:
    """Compute both columns.

    Raises
    ------
    FactsError
        A field that they rest on cannot be read.
    """
    status = pod.status
    phase = status.text("phase")
    reason = status.text("reason") or phase
    if any(
        c.text("type") == "PodScheduled" and c.text("reason") == "SchedulingGated" for c in status.each("conditions")
    ):
        reason = "SchedulingGated"
    sidecars = _sidecars(pod.spec)
    init = _init(pod, sidecars)
    restarts = init.restarts
    reason = init.reason or reason
    if not init.reason or condition_is_true(status, "Initialized"):
        restarts = init.sidecar_restarts
        reason, more = _main(status, reason)
        restarts += more
    if pod.terminating and status.text("reason") == _NODE_LOST:
        reason = "Unknown"
    elif pod.terminating and phase not in TERMINAL_PHASES:
        reason = "Terminating"
    return Shown(reason, restarts)


def condition_is_true(status: Fields, kind: str) -> bool:
    """Say whether a condition is there and True."""
    return any(c.text("type") == kind and c.text("status") == "True" for c in status.each("conditions"))


def is_unschedulable(pod: KubeObject) -> bool:
    """Say whether the scheduler found no node for the pod."""
    return any(
        c.text("type") == "PodScheduled" and c.text("status") == "False" and c.text("reason") == "Unschedulable"
        for c in pod.status.each("conditions")
    )


def container_statuses(pod: KubeObject) -> list[Fields]:
    """Give the statuses of its containers, init containers first."""
    return [*pod.status.each("initContainerStatuses"), *pod.status.each("containerStatuses")]


def waiting_reason(pod: KubeObject) -> str | None:
    """Give why a container waits; None when none does."""
    for container in container_statuses(pod):
        state = container.at("state")
        if "waiting" in state:
            return state.at("waiting").text("reason") or "Waiting"
    return None


def _sidecars(spec: Fields) -> set[str]:
    return {c.text("name") for c in spec.each("initContainers") if c.text("restartPolicy") == _SIDECAR}


@dataclass(frozen=True, slots=True)
class _Init:
    reason: str
    restarts: int
    sidecar_restarts: int


def _init(pod: KubeObject, sidecars: set[str]) -> _Init:
    total = len(pod.spec.each("initContainers"))
    restarts = sidecar_restarts = 0
    for index, container in enumerate(pod.status.each("initContainerStatuses")):
        is_sidecar = container.text("name") in sidecars
        restarts += container.count("restartCount")
        sidecar_restarts += container.count("restartCount") if is_sidecar else 0
        state = container.at("state")
        ended = state.at("terminated")
        if "terminated" in state and ended.number("exitCode") in (0, None):
            continue
        if is_sidecar and container.flag("started"):
            continue
        if "terminated" in state:
            return _Init(f"Init:{_ended(ended)}", restarts, sidecar_restarts)
        waiting = state.at("waiting").text("reason")
        if waiting and waiting != "PodInitializing":
            return _Init(f"Init:{waiting}", restarts, sidecar_restarts)
        return _Init(f"Init:{index}/{total}", restarts, sidecar_restarts)
    return _Init("", restarts, sidecar_restarts)


def _main(status: Fields, reason: str) -> tuple[str, int]:
    restarts = 0
    running = False
    for container in reversed(status.each("containerStatuses")):
        restarts += container.count("restartCount")
        state = container.at("state")
        waiting = state.at("waiting").text("reason")
        if waiting:
            reason = waiting
        elif "terminated" in state:
            reason = _ended(state.at("terminated"))
        elif container.flag("ready") and "running" in state:
            running = True
    if reason == "Completed" and running:
        reason = "Running" if condition_is_true(status, "Ready") else "NotReady"
    return reason, restarts


def _ended(ended: Fields) -> str:
    reason, signal = ended.text("reason"), ended.number("signal")
    if reason:
        return reason
    return f"Signal:{signal}" if signal else f"ExitCode:{ended.number('exitCode') or 0}"
