"""STATUS and RESTARTS, case by case as kubectl's own tests and eyes know them."""

import pytest
from helpers.kube_objects import container, container_status, pod, terminated, waiting

from kubernaut.facts.objects import read_object
from kubernaut.facts.pod_status import is_unschedulable, shown, waiting_reason

TWO_INITS = {"initContainers": [container("init-1"), container("init-2")]}
SIDECAR = {"initContainers": [{**container("mesh"), "restartPolicy": "Always"}, container("init-2")]}
DONE = container_status("init-1", state=terminated("Completed", code=0), ready=True)


def read(item):
    return read_object(item, "Pod")


def init(state, name="init-1", **more):
    return container_status(name, state=state, ready=False, **more)


@pytest.mark.parametrize(
    ("item", "status"),
    [
        (pod(), "Running"),
        (pod(phase="Pending", statuses=[]), "Pending"),
        (pod(phase="Failed", status={"reason": "Evicted"}, statuses=[]), "Evicted"),
        (
            pod(phase="Succeeded", statuses=[container_status(state=terminated("Completed", code=0))]),
            "Completed",
        ),
        (pod(statuses=[container_status(state=waiting("CrashLoopBackOff"))]), "CrashLoopBackOff"),
        (pod(statuses=[container_status(state=waiting("ImagePullBackOff"))]), "ImagePullBackOff"),
        (pod(statuses=[container_status(state=waiting("ContainerCreating"))]), "ContainerCreating"),
        (pod(statuses=[container_status(state=terminated("OOMKilled", code=137))]), "OOMKilled"),
        (pod(statuses=[container_status(state=terminated("", code=3))]), "ExitCode:3"),
        (pod(statuses=[container_status(state=terminated("", code=137, signal=9))]), "Signal:9"),
        # The first container in trouble is shown, whatever the others say.
        (
            pod(
                statuses=[
                    container_status("a", state=waiting("CrashLoopBackOff")),
                    container_status("b", state=terminated("Error")),
                ]
            ),
            "CrashLoopBackOff",
        ),
        (pod(statuses=[container_status("a"), container_status("b", state=terminated("Error"))]), "Error"),
        # One has completed, one runs: as ready as the pod is.
        (
            pod(statuses=[container_status("a"), container_status("b", state=terminated("Completed", code=0))]),
            "Running",
        ),
        (
            pod(
                ready=False,
                statuses=[
                    container_status("a"),
                    container_status("b", state=terminated("Completed", code=0)),
                ],
            ),
            "NotReady",
        ),
        (pod(spec=TWO_INITS, phase="Pending", init_statuses=[init({"running": {}})]), "Init:0/2"),
        (
            pod(
                spec=TWO_INITS,
                phase="Pending",
                init_statuses=[DONE, init(waiting("PodInitializing"), "init-2")],
            ),
            "Init:1/2",
        ),
        (
            pod(spec=TWO_INITS, phase="Pending", init_statuses=[init(waiting("CrashLoopBackOff"))]),
            "Init:CrashLoopBackOff",
        ),
        (pod(spec=TWO_INITS, phase="Pending", init_statuses=[init(terminated("Error"))]), "Init:Error"),
        (
            pod(spec=TWO_INITS, phase="Pending", init_statuses=[init(terminated("", code=2))]),
            "Init:ExitCode:2",
        ),
        (
            pod(spec=TWO_INITS, phase="Pending", init_statuses=[init(terminated("", code=137, signal=9))]),
            "Init:Signal:9",
        ),
        (pod(spec=TWO_INITS, init_statuses=[DONE, {**DONE, "name": "init-2"}]), "Running"),
        (
            pod(spec=SIDECAR, phase="Pending", init_statuses=[init({"running": {}}, "mesh", started=False)]),
            "Init:0/2",
        ),
        (
            pod(
                spec=SIDECAR,
                phase="Pending",
                init_statuses=[init({"running": {}}, "mesh", started=True), init({"running": {}}, "init-2")],
            ),
            "Init:1/2",
        ),
        # Already initialised: a restarting init container no longer hides the rest.
        (
            pod(
                spec=TWO_INITS,
                init_statuses=[init(waiting("CrashLoopBackOff"))],
                conditions=[{"type": "Initialized", "status": "True"}],
                statuses=[container_status(state=waiting("ErrImagePull"))],
            ),
            "ErrImagePull",
        ),
        (
            pod(
                conditions=[{"type": "PodScheduled", "status": "False", "reason": "SchedulingGated"}],
                phase="Pending",
                statuses=[],
            ),
            "SchedulingGated",
        ),
        (pod(terminating=True), "Terminating"),
        (pod(terminating=True, phase="Succeeded", statuses=[]), "Succeeded"),
        (pod(terminating=True, status={"reason": "NodeLost"}), "Unknown"),
    ],
)
def test_status_column(item, status):
    assert shown(read(item)).status == status


@pytest.mark.parametrize(
    ("item", "restarts"),
    [
        (pod(statuses=[container_status("a", restarts=2), container_status("b", restarts=3)]), 5),
        # Done init containers no longer count; sidecars do.
        (
            pod(
                spec=TWO_INITS,
                init_statuses=[{**DONE, "restartCount": 4}],
                statuses=[container_status(restarts=1)],
            ),
            1,
        ),
        (
            pod(
                spec=SIDECAR,
                init_statuses=[container_status("mesh", restarts=4, started=True)],
                statuses=[container_status(restarts=1)],
            ),
            5,
        ),
        # While it initialises, its init containers are what restarts.
        (
            pod(
                spec=TWO_INITS,
                phase="Pending",
                init_statuses=[init(waiting("CrashLoopBackOff"), restarts=7)],
                statuses=[],
            ),
            7,
        ),
    ],
)
def test_restarts_column(item, restarts):
    assert shown(read(item)).restarts == restarts


@pytest.mark.parametrize(
    ("item", "reason"),
    [
        (pod(), None),
        (
            pod(statuses=[container_status("a"), container_status("b", state=waiting("CrashLoopBackOff"))]),
            "CrashLoopBackOff",
        ),
        (
            pod(
                spec=TWO_INITS,
                init_statuses=[init(waiting("ErrImagePull"))],
                statuses=[container_status(state=waiting("PodInitializing"))],
            ),
            "ErrImagePull",
        ),
        (pod(statuses=[container_status(state={"waiting": {}})]), "Waiting"),
    ],
)
def test_waiting_reason(item, reason):
    assert waiting_reason(read(item)) == reason


@pytest.mark.parametrize(
    ("condition", "unschedulable"),
    [
        ({"status": "False", "reason": "Unschedulable"}, True),
        ({"status": "False", "reason": "SchedulingGated"}, False),
        ({"status": "True"}, False),
    ],
)
def test_unschedulable(condition, unschedulable):
    assert is_unschedulable(read(pod(conditions=[{"type": "PodScheduled", **condition}]))) is unschedulable
