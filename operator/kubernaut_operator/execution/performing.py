"""Which part of this package carries out which intent of `kubernaut.execution`.

One intent in, its answer out, or nothing where it has none. What goes wrong is raised; what that means for the run is
said by `could_not`, in one place.
"""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from kubernaut.errors import ApiError, BusyError, EvaluatorError, ForbiddenError, InputError, KubernautError
from kubernaut.execution import intents
from kubernaut.execution.intents import Intent
from kubernaut.execution.job_seen import JobSeen
from kubernaut.execution.types import (
    AccessReviewed,
    CouldNot,
    FinalizerSet,
    LockAnswered,
    LockHolder,
    Observation,
    StageLooked,
)
from kubernaut.verification.types import EmitEvent, ReadFacts, RecordAttempts
from kubernaut_operator.condition_sets.sets import ConditionSets
from kubernaut_operator.execution.access import AccessReview
from kubernaut_operator.execution.admission import AdmissionGuard
from kubernaut_operator.execution.changing import Changing
from kubernaut_operator.execution.finalizers import Finalizers
from kubernaut_operator.execution.jobs import Jobs
from kubernaut_operator.execution.locks import TargetLocks
from kubernaut_operator.execution.looking import Looking
from kubernaut_operator.execution.noting import Noting
from kubernaut_operator.execution.pinning import Pinning
from kubernaut_operator.execution.work import Work


class Performer:
    """Carries intents out."""

    def __init__(
        self,
        *,
        pinning: Pinning,
        sets: ConditionSets,
        access: AccessReview,
        targets: AdmissionGuard,
        looking: Looking,
        changing: Changing,
        locks: TargetLocks,
        jobs: Jobs,
        finalizers: Finalizers,
        noting: Noting,
    ) -> None:
        self._access = access
        self._targets = targets
        self._looking = looking
        self._locks = locks
        self._jobs = jobs
        self._finalizers = finalizers
        self._noting = noting
        self._performers: Mapping[type[Any], Callable[[Work, Any], Observation | None]] = {
            intents.PinConditions: pinning.pin,
            intents.ReadTarget: lambda work, _: changing.read_target(work),
            intents.ReviewAccess: self._review,
            intents.JudgeSafety: lambda work, _: looking.safety(work.subject, sets.safety()),
            intents.AddFinalizer: self._add_finalizer,
            intents.RemoveFinalizer: self._remove_finalizer,
            intents.TakeLock: self._take_lock,
            intents.ReleaseLock: self._release_lock,
            intents.StageIntent: self._of_stage,
            intents.SendDryRun: lambda work, _: changing.dry_run(work),
            intents.CaptureRollback: lambda work, _: changing.capture(work),
            intents.CreateJob: self._create_job,
            intents.ReadJob: lambda work, intent: jobs.read(intent.name, uid=work.run.uid, explain=intent.explain),
            intents.DeleteJob: lambda work, intent: jobs.delete(intent.name, uid=work.run.uid),
            intents.RetireJob: lambda work, intent: jobs.retire(intent.name, uid=work.run.uid),
            intents.RecordExecution: self._record,
            EmitEvent: self._tell,
        }

    def perform(self, work: Work, intent: Intent) -> Observation | None:
        """Carry one intent out and give its answer.

        Raises
        ------
        KubernautError
            It could not be; see `could_not`.
        """
        return self._performers[type(intent)](work, intent)

    def _review(self, work: Work, _: intents.ReviewAccess) -> AccessReviewed:
        action, namespace = work.action, work.target.namespace
        return AccessReviewed(
            missing=self._access.missing(action.account, action.rules, namespace=namespace),
            author_unchecked=namespace != work.run.namespace and not self._targets.present(),
        )

    def _add_finalizer(self, work: Work, _: intents.AddFinalizer) -> FinalizerSet:
        work.manifest = self._finalizers.add(work.manifest)
        return FinalizerSet(present=True)

    def _remove_finalizer(self, work: Work, _: intents.RemoveFinalizer) -> FinalizerSet:
        work.manifest = self._finalizers.remove(work.manifest)
        return FinalizerSet(present=False)

    def _take_lock(self, work: Work, intent: intents.TakeLock) -> LockAnswered:
        held_by = self._locks.take(intent.name, work.holder, target=str(work.parameters.target))
        if held_by is None:
            return LockAnswered()
        return LockAnswered(held_by=LockHolder(execution_uid=held_by.uid, name=str(held_by)))

    def _release_lock(self, work: Work, intent: intents.ReleaseLock) -> None:
        self._locks.release(intent.name, uid=work.run.uid)

    def _create_job(self, work: Work, intent: intents.CreateJob) -> JobSeen:
        target = work.status.target
        return self._jobs.create(work.run, "" if target is None else target.uid, intent)

    def _of_stage(self, work: Work, intent: intents.StageIntent) -> Observation | None:
        if isinstance(intent.intent, ReadFacts):
            return StageLooked(phase=intent.phase, looked=self._looking.look(work.subject, intent.phase, intent.intent))
        if isinstance(intent.intent, RecordAttempts):
            self._noting.attempts(work, intent.phase, intent.intent)
        else:
            self._noting.evaluations(work, intent.phase, intent.intent)
        return None

    def _record(self, work: Work, _: intents.RecordExecution) -> None:
        self._noting.execution(work)

    def _tell(self, work: Work, intent: EmitEvent) -> None:
        self._noting.event(work, intent)


class Failure(NamedTuple):
    """What a failure means for a run: whether trying again may help, and when; as the engines' `CouldNot` says it."""

    why: str
    retry: bool = True
    retry_after_s: float | None = None


def could_not(intent: Intent, error: KubernautError) -> CouldNot:
    """Say what a failure means for the run: whether trying again may help, and when."""
    meant = failure_of(error, creates=isinstance(intent, intents.CreateJob))
    return CouldNot(intent=intent, why=meant.why, retry=meant.retry, retry_after_s=meant.retry_after_s)


def failure_of(error: KubernautError, *, creates: bool) -> Failure:
    """Say what an error means; to a create, the API server's no is final."""
    if isinstance(error, (BusyError, EvaluatorError)):
        return Failure(str(error), retry_after_s=error.retry_after_s if isinstance(error, BusyError) else None)
    if isinstance(error, InputError):
        return Failure(str(error), retry=False)
    refused = creates and isinstance(error, ApiError) and _is_refusal(error)
    return Failure((isinstance(error, ApiError) and error.said) or str(error), retry=not refused)


def _is_refusal(error: ApiError) -> bool:
    """Say whether the API server looked at a request and said no; no answer, or a name that is taken, is none."""
    return isinstance(error, ForbiddenError) or type(error) is ApiError
