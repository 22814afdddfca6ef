"""A Job and its pods as an API server gives them, and what they mean for the cluster."""

from datetime import UTC, datetime
from typing import Any

import pytest
from helpers.execution_world import a_change, a_run

from kubernaut.execution.intents import CreateJob
from kubernaut.execution.job import EXECUTION_LABEL, JobSettings, job_manifest
from kubernaut.execution.job_reading import job_seen
from kubernaut.execution.job_seen import Effect, JobSeen, JobState

FINISHED = "2026-03-01T12:00:05Z"


def a_job(**status: Any) -> Any:
    """Give a Job of ours with a status."""
    create = CreateJob(name="kubernaut-uid-1", change=a_change(), timeout_s=60)
    job: Any = job_manifest(a_run(), "target-1", create, JobSettings(image="kubectl"))
    job["metadata"] |= {"uid": "job-uid", "creationTimestamp": "2026-03-01T12:00:00Z"}
    return {**job, "status": status}


def failed(reason: str = "BackoffLimitExceeded", *, counted: int = 1) -> Any:
    """Give a Job that failed after so many pods."""
    condition = {"type": "Failed", "status": "True", "reason": reason, "lastTransitionTime": FINISHED}
    return a_job(conditions=[condition], failed=counted)


def a_pod(state: dict[str, Any] | None = None, **status: Any) -> dict[str, Any]:
    """Give the Job's pod, its one container in a state."""
    statuses = [] if state is None else [{"name": "action", "image": "registry/kubectl:1", "state": state}]
    return {
        "kind": "Pod",
        "metadata": {"name": "kubernaut-uid-1-x", "namespace": "kubernaut-actions", "uid": "pod-uid"},
        "status": {"phase": "Pending", "containerStatuses": statuses, **status},
    }


def ended(exit_code: int, message: str = "", reason: str = "Error") -> dict[str, Any]:
    """Give the state of a container that ended."""
    return {"terminated": {"exitCode": exit_code, "reason": reason, "message": message}}


def an_event(kind: str, reason: str, message: str, at: str = "2026-03-01T12:00:02Z") -> dict[str, Any]:
    """Give an Event about the Job or its pod."""
    about = {"kind": kind, "name": "kubernaut-uid-1", "uid": "job-uid"}
    if kind == "Pod":
        about = {"kind": kind, "name": "kubernaut-uid-1-x", "uid": "pod-uid"}
    return {
        "kind": "Event",
        "metadata": {"name": f"{reason}-{at}", "namespace": "kubernaut-actions"},
        "involvedObject": about,
        "reason": reason,
        "message": message,
        "lastTimestamp": at,
    }


def _seen(job: Any, *pods: Any, events: tuple[Any, ...] = ()) -> JobSeen:
    return job_seen(job, execution_uid="uid-1", pods=pods, events=events)


def test_no_job_and_a_job_of_somebody_else() -> None:
    """Tell absent and foreign apart."""
    assert _seen(None) == JobSeen(state=JobState.ABSENT)
    job = a_job()
    job["metadata"]["labels"][EXECUTION_LABEL] = "uid-2"
    assert _seen(job) == JobSeen(state=JobState.FOREIGN, uid="job-uid")


def test_a_job_that_is_complete_applied_its_change() -> None:
    """Take the API server's time of its end."""
    complete = {"type": "Complete", "status": "True", "lastTransitionTime": "2026-03-01T12:00:06Z"}
    seen = _seen(a_job(conditions=[complete], completionTime=FINISHED, succeeded=1))
    assert (seen.state, seen.effect) == (JobState.SUCCEEDED, Effect.APPLIED)
    assert seen.finished_at == datetime(2026, 3, 1, 12, 0, 5, tzinfo=UTC)
    assert seen.created_at == datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize("kind", ["SuccessCriteriaMet", "FailureTarget", "Suspended"])
def test_a_job_is_active_until_its_pods_are_counted(kind: str) -> None:
    """Wait for the last condition: earlier ones come while pods still run."""
    assert _seen(a_job(conditions=[{"type": kind, "status": "True"}], active=1)).state is JobState.ACTIVE


REFUSALS = [
    ('Error from server (Forbidden): deployments.apps "web" is forbidden', "(Forbidden)"),
    ("The request is invalid: the server rejected our request due to an error in our request", "nothing was changed"),
    ('Error from server (NotFound): deployments.apps "web" not found', "is not there any more"),
]


@pytest.mark.parametrize(("said", "words"), REFUSALS)
def test_a_refusal_by_the_api_server_changed_nothing(said: str, words: str) -> None:
    """Take the API server's word for it."""
    seen = _seen(failed(), a_pod(ended(1, said), phase="Failed"))
    assert (seen.state, seen.effect, seen.reason) == (JobState.FAILED, Effect.REFUSED, "ActionRefused")
    assert words in seen.message


@pytest.mark.parametrize(
    "state",
    [
        ended(1, "Unable to connect to the server: net/http: TLS handshake timeout"),
        ended(1, "Error from server (Timeout): the server was unable to return a response in time"),
        ended(1),
        ended(137, "", "OOMKilled"),
        ended(137),
        ended(143),
        ended(2, "panic"),
    ],
)
def test_anything_else_leaves_the_effect_unknown(state: dict[str, Any]) -> None:
    """Never conclude from a lost answer that nothing was done."""
    seen = _seen(failed(), a_pod(state, phase="Failed"))
    assert (seen.effect, seen.reason) == (Effect.UNKNOWN, "EffectUnknown")
    assert seen.message


@pytest.mark.parametrize(
    ("state", "words"),
    [
        (ended(137, "", "OOMKilled"), "more memory than its limit"),
        (ended(137), "a kill signal"),
        (ended(143), "signal 15"),
        (ended(2, "panic: no"), "exit code 2: panic: no"),
    ],
)
def test_how_a_program_ended_is_told(state: dict[str, Any], words: str) -> None:
    """Say it in a person's words."""
    assert words in _seen(failed(), a_pod(state)).message


def test_a_program_that_never_began_changed_nothing() -> None:
    """Tell a container that could not be started from one that ended badly."""
    seen = _seen(failed(), a_pod(ended(128, 'exec: "kubectl": not found', "StartError")))
    assert (seen.effect, seen.reason) == (Effect.REFUSED, "JobRefused")
    assert seen.message == 'its container could not be started: exec: "kubectl": not found'


def test_a_job_that_never_had_a_pod_changed_nothing() -> None:
    """Say what kept its pod from being created."""
    quota = an_event("Job", "FailedCreate", 'Error creating: pods "x" is forbidden: exceeded quota: small')
    seen = _seen(failed("DeadlineExceeded", counted=0), events=(quota,))
    assert (seen.effect, seen.reason) == (Effect.REFUSED, "JobRefused")
    assert "not started within 60 s: a quota leaves no room for the action's pod" in seen.message
    assert "no pod was ever created" in _seen(failed("DeadlineExceeded", counted=0)).message


def test_a_deadline_leaves_the_effect_unknown() -> None:
    """Its pod may have done it in the last second."""
    seen = _seen(failed("DeadlineExceeded"))
    assert (seen.effect, seen.reason) == (Effect.UNKNOWN, "JobDeadlineExceeded")
    assert seen.message == "it was not over within its 60 s"
    waiting = a_pod({"waiting": {"reason": "ImagePullBackOff", "message": "no such host"}})
    told = _seen(failed("DeadlineExceeded"), waiting).message
    assert "image registry/kubectl:1 cannot be pulled (ImagePullBackOff): no such host" in told


def test_a_program_that_its_deadline_ended() -> None:
    """Name the deadline before the signal."""
    seen = _seen(failed("DeadlineExceeded"), a_pod(ended(143)))
    assert (seen.effect, seen.reason) == (Effect.UNKNOWN, "JobDeadlineExceeded")
    assert seen.message == "it was not over within its 60 s: its program ended with signal 15"


def test_a_lost_pod_leaves_the_effect_unknown() -> None:
    """Say what Kubernetes says of it, or that nobody knows."""
    assert "how it ended is not known" in _seen(failed()).message
    evicted = _seen(failed(), a_pod(phase="Failed", reason="Evicted", message="The node was low on memory"))
    assert evicted.message == "its pod was ended by Kubernetes (Evicted): The node was low on memory"
    assert evicted.effect is Effect.UNKNOWN


def test_a_change_that_cannot_be_read_back_is_no_refusal() -> None:
    """Keep it unknown: without the change nobody can say what the words were about."""
    job = failed()
    job["metadata"]["annotations"] = {}
    seen = _seen(job, a_pod(ended(1, "Error from server (Forbidden): no")))
    assert seen.effect is Effect.UNKNOWN


WAITING = [
    ({"waiting": {"reason": "ErrImagePull", "message": "no such host"}}, {}, (), "ImagePull", "cannot be pulled"),
    ({"waiting": {"reason": "CreateContainerConfigError", "message": "x"}}, {}, (), "CreateContainerConfigError", "x"),
    (
        None,
        {
            "conditions": [
                {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "0/1 nodes: cpu"}
            ]
        },
        (),
        "Unschedulable",
        "no node takes the action's pod: 0/1 nodes: cpu",
    ),
    (
        {"waiting": {"reason": "ContainerCreating"}},
        {"conditions": [{"type": "PodScheduled", "status": "True"}]},
        (an_event("Pod", "FailedMount", "no such annotation"),),
        "NotStarted",
        "its pod has not started: no such annotation",
    ),
    (None, {}, (), "NotScheduled", "waits for a node"),
    (None, {"conditions": [{"type": "PodScheduled", "status": "True"}]}, (), "", ""),
    ({"running": {}}, {}, (), "", ""),
]


@pytest.mark.parametrize(("state", "status", "events", "reason", "words"), WAITING)
def test_why_a_pod_has_not_started(
    state: dict[str, Any] | None, status: dict[str, Any], events: tuple[Any, ...], reason: str, words: str
) -> None:
    """Say what a person would look for first; nothing once it runs."""
    seen = _seen(a_job(active=1), a_pod(state, **status), events=events)
    assert (seen.state, seen.reason) == (JobState.ACTIVE, reason)
    assert words in seen.message


def deleted_job() -> Any:
    """Give a Job that somebody deleted; our finalizer still holds it, and Kubernetes counts its pods no longer."""
    job = a_job()
    job["metadata"]["deletionTimestamp"] = "2026-03-01T12:00:03Z"
    return job


def test_a_deleted_job_is_what_its_pods_say() -> None:
    """Ask the pods themselves, and wait for those that may still act."""
    done = _seen(deleted_job(), a_pod(ended(0, reason="Completed"), phase="Succeeded"))
    assert (done.state, done.effect) == (JobState.SUCCEEDED, Effect.APPLIED)
    for at_work in (a_pod(phase="Running"), a_pod(), a_pod(phase=["odd"])):
        assert _seen(deleted_job(), a_pod(ended(0), phase="Succeeded"), at_work).state is JobState.ACTIVE
    crashed = _seen(deleted_job(), a_pod(ended(3), phase="Failed"))
    assert (crashed.state, crashed.effect, crashed.message) == (
        JobState.FAILED,
        Effect.UNKNOWN,
        "its program ended with exit code 3",
    )


def test_a_deleted_job_whose_pod_is_gone_leaves_the_effect_unknown() -> None:
    """Say that somebody deleted it."""
    seen = _seen(deleted_job())

    assert (seen.state, seen.effect, seen.reason) == (JobState.FAILED, Effect.UNKNOWN, "JobVanished")
    assert seen.message == "somebody deleted the Job; its pod is gone, and how it ended is not known"


def test_why_there_is_no_pod_yet() -> None:
    """Take the newest of what the Job's controller told; other Jobs' Events are not ours."""
    told = (
        an_event("Job", "FailedCreate", "violates PodSecurity", "2026-03-01T12:00:09Z"),
        an_event("Job", "FailedCreate", "exceeded quota: small", "2026-03-01T12:00:02Z"),
        {**an_event("Job", "FailedCreate", "foreign", "2026-03-01T12:00:59Z"), "involvedObject": {"kind": "Job"}},
        {"kind": "Event", "metadata": {}},
    )
    seen = _seen(a_job(), events=told)
    assert (seen.reason, seen.message) == ("PodNotAllowed", "its pod may not be created: violates PodSecurity")
    assert _seen(a_job()).message == ""


def test_nothing_a_cluster_says_reaches_a_terminal_as_it_is() -> None:
    """Make one bounded line of it, without control characters."""
    waiting = a_pod({"waiting": {"reason": "ErrImagePull", "message": "a\x1b[31m\nred " + "x" * 5000}})
    message = _seen(a_job(active=1), waiting).message
    assert message.isprintable()
    assert len(message) <= 512


@pytest.mark.parametrize("odd", [{"status": {"containerStatuses": 7}}, {"metadata": {"name": 3}}, {"status": []}])
def test_a_pod_that_cannot_be_read_raises_nothing(odd: dict[str, Any]) -> None:
    """Say that it cannot be read, or nothing."""
    pod = {**a_pod(), **odd}
    if "name" not in odd.get("metadata", {"name": ""}):
        pod["metadata"] = odd.get("metadata", pod["metadata"])
    assert _seen(a_job(active=1), pod).state is JobState.ACTIVE
    assert _seen(failed(), pod).effect is Effect.UNKNOWN


def test_the_newest_pod_speaks() -> None:
    """Kubernetes itself may start a second pod; the newest tells why nothing runs."""
    old, new = a_pod({"waiting": {"reason": "ErrImagePull"}}), a_pod({"running": {}})
    new["metadata"] = {**new["metadata"], "name": "newer", "creationTimestamp": "2026-03-01T12:00:30Z", "uid": "p2"}
    assert _seen(a_job(active=1), old, new).message == ""
