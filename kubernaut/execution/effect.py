"""The dry run, what must be known before the change, and the one Job that makes it.

At most one Job an execution, by name; the intent is stored before it is created. One that was asked for and is not
there never arrived - it carries a finalizer, so nobody can have made it vanish unseen - and is asked for again, from
a new read. One that was seen and is gone, was given up or died without a word has an unknown effect, which the
postconditions settle; there is never a second.
"""

from dataclasses import replace
from datetime import datetime

from kubernaut.actions.catalogue import action_definition
from kubernaut.execution import checks, locking
from kubernaut.execution.ending import End, cancel, fail, finish
from kubernaut.execution.intents import (
    AddFinalizer,
    CaptureRollback,
    CreateJob,
    ReadJob,
    SendDryRun,
    TakeLock,
)
from kubernaut.execution.job_seen import Effect, JobSeen, JobState
from kubernaut.execution.kept_baseline import kept_baseline
from kubernaut.execution.names import job_name
from kubernaut.execution.preconditions import are_fresh, checks_are_fresh, go_back
from kubernaut.execution.progress import Progress, Seen, after, asking, normal, shortened
from kubernaut.execution.reasons import Why
from kubernaut.execution.retrying import answered, given_up
from kubernaut.execution.run import ExecutionRun
from kubernaut.execution.status import ExecutionStatus, JobStatus, Rollback, Step
from kubernaut.execution.types import DryRunAnswered, LockAnswered, RollbackCaptured
from kubernaut.resources.execution import ExecutionPhase

JOB_GRACE_S = 30.0
"""From the Job's own deadline, which Kubernetes counts from when it began it, to the moment it is given up here."""

EXPLAIN_AFTER_S = 3.0
"""A pod that has not started by then has a reason that is worth telling."""

LONGEST_POLL_S = 10.0
"""A watch wakes earlier; a missed one costs so much."""

MOST_TOLD = 768
"""Characters that are told of a Job."""

_DRY_RUN, _CAPTURE = SendDryRun.__name__, CaptureRollback.__name__
_CREATE, _READ = CreateJob.__name__, ReadJob.__name__


def dry_run(run: ExecutionRun, status: ExecutionStatus, seen: Seen, now: datetime) -> Progress:
    """Ask the API server whether it would carry the change out."""
    answer = seen.take(DryRunAnswered)
    if answer is None:
        failed = seen.failure(_DRY_RUN)
        if failed is not None:
            return fail(run, status, (Why.DRY_RUN_REFUSED, failed.why), now)
        if not checks_are_fresh(status, now):
            return Progress(status=replace(status, step=Step.TARGET, then=Step.DRY_RUN), again=True)
        return asking(status, SendDryRun(), now=now)
    status = answered(status, _DRY_RUN)
    if answer.uid and status.target is not None and answer.uid != status.target.uid:
        return checks.replaced(run, status, now)
    if not answer.accepted:
        if answer.moved:
            return go_back(run, status, "the target changed while its change was tried out", now)
        status = replace(status, dry_run_accepted=False, would_change=answer.message)
        return fail(run, status, (Why.DRY_RUN_REFUSED, f"the dry run was refused: {answer.message}"), now)
    status = replace(status, dry_run_accepted=True, would_change=answer.would_change, generation=answer.generation)
    if run.dry_run:
        end = End(
            phase=ExecutionPhase.SUCCEEDED,
            why=Why.DRY_RUN_SUCCEEDED,
            message=f"would change {answer.would_change}; nothing was changed",
            not_run="a dry run changes nothing",
        )
        return finish(run, status, end, now)
    return Progress(status=replace(status, step=Step.CAPTURE), again=True)


def capture(run: ExecutionRun, status: ExecutionStatus, seen: Seen, now: datetime) -> Progress:
    """Keep what undoing needs, make sure that nothing moved since it was judged, and ask for the Job."""
    lock = seen.take(LockAnswered)
    if lock is not None:
        status = answered(status, TakeLock.__name__)
        if lock.held_by is not None:
            return locking.held(run, status, lock.held_by, now)
    answer = seen.take(RollbackCaptured)
    if answer is None:
        failed = seen.failure(_CAPTURE, TakeLock.__name__, AddFinalizer.__name__)
        if failed is not None:
            final = (Why.ACTION_REFUSED, f"the target as it is now does not allow it: {failed.why}")
            return fail(run, status, given_up(failed) if failed.retry else final, now)
        return asking(status, *locking.taking(status), CaptureRollback(), now=now)
    status = answered(status, _CAPTURE)
    if not answer.found or answer.change is None:
        wanted = checks.parameters_of(run).target
        return fail(run, status, (Why.TARGET_NOT_FOUND, f"{wanted} is not there any more"), now)
    if status.target is None or answer.uid != status.target.uid:
        return checks.replaced(run, status, now)
    if answer.generation != status.generation:
        return go_back(run, status, "the target changed after its change was tried out", now)
    if not are_fresh(status, now):
        return go_back(run, status, "the preconditions had been judged too long ago", now)
    job = _asked(run, status, answer, now)
    status = replace(
        status,
        job=job,
        step=Step.JOB,
        phase=ExecutionPhase.RUNNING,
        reason=Why.JOB_RUNNING.value,
        message=status.would_change,
        baseline=kept_baseline(answer.baseline),
        rollback=None if answer.info is None else Rollback(captured_at=now, info=answer.info),
    )
    create = CreateJob(name=job.name, change=answer.change, timeout_s=_timeout_s(run))
    return asking(status, create, now=now)


def job(run: ExecutionRun, status: ExecutionStatus, seen: Seen, now: datetime) -> Progress:
    """Follow the Job to its end."""
    known = status.job
    if known is None:
        return Progress(status=replace(status, step=Step.CAPTURE), again=True)
    answer = seen.take(JobSeen)
    if answer is None:
        return _unseen(run, status, known, seen, now)
    status = answered(status, _READ)
    if answer.state is JobState.ABSENT:
        return _absent(run, status, known, now)
    status = answered(status, _CREATE)
    if answer.state is JobState.FOREIGN:
        message = f"there is a Job {known.name} that is not of this execution; delete it, then run anew"
        status = replace(status, job=replace(known, effect=Effect.REFUSED, reason=Why.JOB_NAME_TAKEN.value))
        return fail(run, status, (Why.JOB_NAME_TAKEN, message), now)
    events = () if known.uid else (normal("JobCreated", f"created Job {known.name}: {status.would_change}"),)
    known = replace(
        known,
        uid=answer.uid,
        absent=False,
        created_at=answer.created_at,
        reason=answer.reason,
        message=_told(known, answer),
    )
    status = replace(status, job=known, message=known.message or status.would_change)
    if answer.state is JobState.ACTIVE:
        followed = _active(status, known, now)
    else:
        ended_at = min(max(answer.finished_at or now, known.asked_at), now)
        followed = _ended(run, status, replace(known, finished_at=ended_at, effect=answer.effect), now)
    return replace(followed, events=(*events, *followed.events))


def _told(known: JobStatus, answer: JobSeen) -> str:
    """Give what is told of the Job: with its deadline comes what was last known of its pod, which is gone by then."""
    if answer.reason == Why.JOB_DEADLINE_EXCEEDED.value and known.message and known.message not in answer.message:
        return shortened(f"{answer.message} ({known.message})", most=MOST_TOLD)
    return answer.message


def _active(status: ExecutionStatus, known: JobStatus, now: datetime) -> Progress:
    deleted = status.memory.deleted
    if not deleted and now <= known.deadline:
        return Progress(status=status, due=min(_next_look(known, now), after(known.deadline, 1.0)))
    why = Why.CANCELLED if deleted else Why.JOB_DEADLINE_EXCEEDED
    waited_s = (now - known.asked_at).total_seconds()
    message = "deleted while it was running" if deleted else f"not over after {waited_s:.0f} s; given up"
    if known.message:
        message = f"{message} ({known.message})"
    return _unknown(status, replace(known, given_up=True), why, message, now)


def _ended(run: ExecutionRun, status: ExecutionStatus, known: JobStatus, now: datetime) -> Progress:
    status = replace(status, job=known)
    if known.effect is Effect.REFUSED:
        return fail(run, status, (Why.ACTION_REFUSED, known.message), now)
    if known.effect is not Effect.APPLIED:
        return _unknown(status, known, Why.EFFECT_UNKNOWN, known.message, now)
    status = replace(
        status,
        step=Step.POSTCONDITIONS,
        phase=ExecutionPhase.VERIFYING,
        reason=Why.VERIFYING.value,
        message=status.would_change,
    )
    return Progress(status=status, again=True)


def _unknown(status: ExecutionStatus, known: JobStatus, why: Why, message: str, now: datetime) -> Progress:
    """Let the postconditions settle what nobody can say."""
    job_ = replace(
        known, effect=Effect.UNKNOWN, finished_at=known.finished_at or now, reason=why.value, message=message
    )
    status = replace(
        status,
        job=job_,
        step=Step.POSTCONDITIONS,
        phase=ExecutionPhase.VERIFYING,
        reason=Why.EFFECT_UNKNOWN.value,
        message=message,
    )
    return Progress(status=status, again=True)


def _absent(run: ExecutionRun, status: ExecutionStatus, known: JobStatus, now: datetime) -> Progress:
    if known.uid:
        message = f"Job {known.name} was deleted before its end was seen"
        return _unknown(status, known, Why.JOB_VANISHED, message, now)
    status = replace(status, job=replace(known, absent=True))
    failed = status.retries.get(_CREATE)
    if failed is not None and now >= failed.until:
        return fail(run, status, (Why.GAVE_UP, f"the Job could not be created: {failed.why}"), now)
    if status.memory.deleted:
        return cancel(run, status, now)
    return Progress(status=replace(status, step=Step.CAPTURE), again=True)


def _unseen(run: ExecutionRun, status: ExecutionStatus, known: JobStatus, seen: Seen, now: datetime) -> Progress:
    refused = seen.failure(_CREATE)
    if refused is not None and not refused.retry:
        status = replace(status, job=replace(known, effect=Effect.REFUSED, reason=Why.JOB_REFUSED.value))
        return fail(run, status, (Why.JOB_REFUSED, f"the Job could not be created: {refused.why}"), now)
    failed = seen.failure(_READ)
    if failed is not None and now > known.deadline:
        message = f"Job {known.name} could not be read any more: {failed.why}"
        return _unknown(status, replace(known, given_up=True), Why.EFFECT_UNKNOWN, message, now)
    waited_s = (now - known.asked_at).total_seconds()
    progress = asking(status, ReadJob(name=known.name, explain=waited_s >= EXPLAIN_AFTER_S), now=now)
    return replace(progress, due=progress.due if not progress.asks else _next_look(known, now))


def _asked(run: ExecutionRun, status: ExecutionStatus, answer: RollbackCaptured, now: datetime) -> JobStatus:
    deadline = after(now, _timeout_s(run) + JOB_GRACE_S)
    if status.job is not None:
        # Asked for before, and not there: the name stays, the time begins anew.
        return replace(status.job, absent=False, deadline=deadline, target_resource_version=answer.resource_version)
    return JobStatus(
        name=job_name(run.uid),
        asked_at=now,
        deadline=deadline,
        target_resource_version=answer.resource_version,
    )


def _timeout_s(run: ExecutionRun) -> int:
    """Give the Job's deadline: whole seconds, as Kubernetes wants it."""
    wanted_s = action_definition(run.action).timeout_s if run.timeout_s is None else run.timeout_s
    return max(1, round(wanted_s))


def _next_look(known: JobStatus, now: datetime) -> datetime:
    """Look often at a young Job, which is over in seconds, and seldom at an old one."""
    waited_s = (now - known.asked_at).total_seconds()
    return after(now, min(max(waited_s / 2, 1.0), LONGEST_POLL_S))
