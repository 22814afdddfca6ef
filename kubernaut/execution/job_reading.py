"""From a Job and its pods, as the API server gives them, to what a run goes by: `JobSeen`.

What it means for the cluster is the point. A Job that is complete has applied its change. One that failed did not,
only if the API server said no, the program was never begun, or there never was a pod; otherwise nobody knows, for a
request may be carried out although its answer is lost. Of one that somebody deleted Kubernetes counts the pods no
longer, while our finalizer still holds it: its pods are asked themselves.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from kubernaut.actions.kubectl_words import what_kubectl_said
from kubernaut.execution.job import EXECUTION_LABEL, change_of
from kubernaut.execution.job_seen import Effect, JobSeen, JobState
from kubernaut.execution.pod_words import (
    MOST_CHARS,
    Ended,
    Trouble,
    ended_words,
    has_ended,
    how_it_ended,
    lost_words,
    not_started,
    pods_of,
)
from kubernaut.execution.reasons import Why
from kubernaut.facts.fields import Fields
from kubernaut.facts.objects import KubeObject, read_object
from kubernaut.policy.wording import clean_message

_DEADLINE = "DeadlineExceeded"


def job_seen(
    job: Mapping[str, Any] | None,
    *,
    execution_uid: str,
    pods: Iterable[Mapping[str, Any]] = (),
    events: Iterable[Mapping[str, Any]] = (),
) -> JobSeen:
    """Say what a Job has come to.

    Parameters
    ----------
    job : mapping or None
        The object; None when there is none.
    execution_uid : str
    pods : iterable of mapping
        The Job's. Needed once it has failed or is being deleted; before, they explain why it has not started.
    events : iterable of mapping
        Of its namespace; only to explain.

    Raises
    ------
    FactsError
        The Job's fields are not what a Job has.
    """
    if job is None:
        return JobSeen(state=JobState.ABSENT)
    read = read_object(job, "Job")
    if read.labels.get(EXECUTION_LABEL) != execution_uid:
        return JobSeen(state=JobState.FOREIGN, uid=read.uid)
    created_at = read.fields.at("metadata").moment("creationTimestamp")
    seen = JobSeen(state=JobState.ACTIVE, uid=read.uid, created_at=created_at)
    found = pods_of(pods)
    complete, failed = _condition(read, "Complete"), _condition(read, "Failed")
    if complete is not None:
        finished_at = read.status.moment("completionTime") or _since(complete)
        return replace(seen, state=JobState.SUCCEEDED, finished_at=finished_at, effect=Effect.APPLIED)
    if failed is None and read.terminating and all(map(has_ended, found)):
        return _deleted(seen, read, found)
    if failed is None:
        trouble = not_started(read, found, events)
        return seen if trouble is None else replace(seen, reason=trouble.reason, message=trouble.message)
    effect, trouble = _failure(read, failed, found, events)
    return replace(
        seen,
        state=JobState.FAILED,
        finished_at=_since(failed),
        effect=effect,
        reason=trouble.reason,
        message=trouble.message,
    )


def _failure(
    job: KubeObject, failed: Fields, pods: Sequence[KubeObject], events: Iterable[Mapping[str, Any]]
) -> tuple[Effect, Trouble]:
    late = failed.text("reason") == _DEADLINE
    deadline_s = job.spec.number("activeDeadlineSeconds")
    if not pods and not _had_pods(job):
        told = not_started(job, pods, events)
        why = "no pod was ever created for it" if told is None else told.message
        return Effect.REFUSED, Trouble(Why.JOB_REFUSED.value, _line(f"it was not started within {deadline_s} s: {why}"))
    ended = how_it_ended(pods)
    if ended is None:
        words = f"it was not over within its {deadline_s} s" if late else lost_words(pods)
        told = not_started(job, pods, events) if late else None
        if told is not None:
            words = f"{words}: {told.message}"
        reason = Why.JOB_DEADLINE_EXCEEDED if late else Why.EFFECT_UNKNOWN
        return Effect.UNKNOWN, Trouble(reason.value, _line(words))
    return _by_its_end(job, ended, late=late)


def _deleted(seen: JobSeen, job: KubeObject, pods: Sequence[KubeObject]) -> JobSeen:
    """Say what a Job that somebody deleted has come to, none of whose pods runs any more."""
    ended = how_it_ended(pods)
    if ended is not None and ended.exit_code == 0:
        return replace(seen, state=JobState.SUCCEEDED, effect=Effect.APPLIED)
    if ended is None:
        effect = Effect.UNKNOWN
        trouble = Trouble(Why.JOB_VANISHED.value, _line(f"somebody deleted the Job; {lost_words(pods)}"))
    else:
        effect, trouble = _by_its_end(job, ended, late=False)
    return replace(seen, state=JobState.FAILED, effect=effect, reason=trouble.reason, message=trouble.message)


def _by_its_end(job: KubeObject, ended: Ended, *, late: bool) -> tuple[Effect, Trouble]:
    """Judge a program's end that was no success."""
    if not ended.started:
        return Effect.REFUSED, Trouble(Why.JOB_REFUSED.value, ended_words(ended))
    change = change_of(job.fields)
    if change is not None and ended.exit_code == 1 and ended.reason != "OOMKilled":
        said = what_kubectl_said(change, ended.said)
        if said.refused:
            return Effect.REFUSED, Trouble(Why.ACTION_REFUSED.value, _line(said.message))
        return Effect.UNKNOWN, Trouble(Why.EFFECT_UNKNOWN.value, _line(said.message))
    if late:
        deadline_s = job.spec.number("activeDeadlineSeconds")
        words = f"it was not over within its {deadline_s} s: {ended_words(ended)}"
        return Effect.UNKNOWN, Trouble(Why.JOB_DEADLINE_EXCEEDED.value, _line(words))
    return Effect.UNKNOWN, Trouble(Why.EFFECT_UNKNOWN.value, ended_words(ended))


def _had_pods(job: KubeObject) -> bool:
    """Say whether a pod of the Job was ever there: a Job is Failed only after all of them were counted."""
    status = job.status
    uncounted = status.at("uncountedTerminatedPods")
    return any(
        (
            status.count("active"),
            status.count("failed"),
            status.count("succeeded"),
            status.count("terminating"),
            uncounted.texts("failed"),
            uncounted.texts("succeeded"),
        )
    )


def _condition(job: KubeObject, kind: str) -> Fields | None:
    return next(
        (one for one in job.status.each("conditions") if one.text("type") == kind and one.text("status") == "True"),
        None,
    )


def _since(condition: Fields) -> datetime | None:
    return condition.moment("lastTransitionTime")


def _line(text: str) -> str:
    return clean_message(text, max_chars=MOST_CHARS)
