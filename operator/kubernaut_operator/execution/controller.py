"""One reconcile of a KubernetesExecution: read it, ask the engine, carry out what it says, until it wants to wait.

What the engine has in memory beside the stored status is kept from one reconcile to the next, for as long as the custom
resource holds the very status that was stored last. Whatever goes wrong on the way costs that memory and nothing else:
the next reconcile goes on from what is stored, as a restarted process does.
"""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime

import structlog

from kubernaut.errors import InputError, KubernautError, LeadershipLostError, NotFoundError
from kubernaut.execution.decide import begin, decide
from kubernaut.execution.intents import CreateJob, Intent
from kubernaut.execution.job_seen import JobSeen, JobState
from kubernaut.execution.names import lock_name
from kubernaut.execution.status_json import from_json
from kubernaut.execution.status_view import status_view
from kubernaut.execution.types import EnforcementSeen, Observation, TargetTouched
from kubernaut.identity import Level
from kubernaut.resources.execution import ExecutionPhase
from kubernaut.verification.types import StoreStatus
from kubernaut_operator.condition_sets.sets import ConditionSets
from kubernaut_operator.execution.admission import AdmissionGuard
from kubernaut_operator.execution.jobs import Jobs
from kubernaut_operator.execution.kinds import KUBERNETES_EXECUTIONS
from kubernaut_operator.execution.owners import Owners
from kubernaut_operator.execution.performing import Performer, could_not
from kubernaut_operator.execution.reading_runs import metadata_of, override_annotations, run_of
from kubernaut_operator.execution.runs import RunEntry, Runs
from kubernaut_operator.execution.work import Work
from kubernaut_operator.kernel.api import Api, Manifest
from kubernaut_operator.kernel.controller import Result
from kubernaut_operator.kernel.events import EventRecorder
from kubernaut_operator.kernel.resources import Key

MOST_DECISIONS = 200
"""Of one reconcile; a run takes about twenty from beginning to end. Beyond it other keys have their turn first."""

_log = structlog.get_logger(__name__)


def _now() -> datetime:
    return datetime.now(UTC)


class ExecutionController:
    """Reconciles KubernetesExecutions.

    Parameters
    ----------
    api : Api
        Guarded: it writes only while this replica leads.
    wake : callable
        Has another execution looked at soon.
    clock : callable
        The time now, aware.
    """

    def __init__(
        self,
        api: Api,
        performer: Performer,
        *,
        sets: ConditionSets,
        jobs: Jobs,
        runs: Runs,
        guard: AdmissionGuard,
        owners: Owners,
        wake: Callable[[Key], None],
        events: EventRecorder,
        clock: Callable[[], datetime] = _now,
    ) -> None:
        self._api = api
        self._performer = performer
        self._sets = sets
        self._jobs = jobs
        self._runs = runs
        self._guard = guard
        self._owners = owners
        self._wake = wake
        self._events = events
        self._clock = clock
        self._held: dict[Key, Work] = {}

    def reconcile(self, key: Key) -> Result:
        """Bring one execution as far as it comes without waiting.

        Raises
        ------
        KubernautError
            Its status could not be read or stored.
        """
        try:
            manifest = self._api.get(KUBERNETES_EXECUTIONS, key.name, key.namespace)
        except NotFoundError:
            self._held.pop(key, None)
            self._runs.forget(key)
            return Result()
        try:
            work = self._take_up(key, manifest, self._held.pop(key, None))
        except InputError as error:
            self._events.tell(manifest, reason="StatusUnreadable", note=str(error), action="Wait", warning=True)
            raise
        with structlog.contextvars.bound_contextvars(execution=str(key), execution_uid=work.run.uid):
            result = self._drive(work)
        # Only what went well is remembered; after an error the stored status is the truth.
        if result.again_after_s is not None:
            self._held[key] = work
        return result

    def _take_up(self, key: Key, manifest: Manifest, held: Work | None) -> Work:
        uid = str(manifest["metadata"]["uid"])
        engine = (manifest.get("status") or {}).get("engine") or {}
        if held is not None and held.run.uid == uid:
            same = held.stored == engine and held.manifest["spec"] == manifest["spec"]
            held.manifest = manifest
            if same:
                return held
            _log.info("somebody else changed spec or status; going on from what is stored", execution=str(key))
        else:
            self._runs.forget(key, but=uid)
        return Work(
            key=key,
            manifest=manifest,
            run=run_of(manifest),
            status=from_json(engine) if engine else begin(now=self._clock()),
            stored=engine,
            told=held.told if held is not None and held.run.uid == uid else set(),
        )

    def _drive(self, work: Work) -> Result:
        told: Sequence[Observation] = self._noticed(work)
        for _ in range(MOST_DECISIONS):
            now = self._clock()
            decision = decide(work.run, work.status, told, now)
            if decision.status.step is not work.status.step:
                _log.debug("step", step=decision.status.step.value, phase=decision.status.phase.value)
            work.status = decision.status
            told = self._carry_out(work, decision.intents)
            if told:
                continue
            self._runs.note(_entry(work))
            if decision.next_due is None:
                return Result()
            return Result(again_after_s=max((decision.next_due - self._clock()).total_seconds(), 0.0))
        return Result(again_after_s=0.0)

    def _carry_out(self, work: Work, intents: Sequence[Intent]) -> list[Observation]:
        """Carry intents out in order, up to the first that cannot be, and give the answers.

        What fails before the status is stored is raised: the decision is forgotten then, as by a restart, since going
        on from it in memory would never store it.
        """
        answers: list[Observation] = []
        pinned = work.status.pinned
        with structlog.contextvars.bound_contextvars(**({} if pinned is None else {"incident": pinned.incident_id})):
            for place, intent in enumerate(intents):
                if isinstance(intent, StoreStatus):
                    self._store(work)
                    continue
                try:
                    answer = self._performer.perform(work, intent)
                except LeadershipLostError:
                    raise
                except KubernautError as error:
                    if StoreStatus() in intents[place:]:
                        raise
                    failed = could_not(intent, error)
                    _log.warning("could not", intent=type(intent).__name__, why=failed.why, retry=failed.retry)
                    answers.append(failed)
                    break
                if answer is not None:
                    answers.append(answer)
                if isinstance(intent, CreateJob) and isinstance(answer, JobSeen):
                    self._tell_touched(work, answer)
        return answers

    def _store(self, work: Work) -> None:
        status = status_view(work.run, work.status, before=work.manifest.get("status"))
        work.manifest = self._api.replace(
            KUBERNETES_EXECUTIONS, {**work.manifest, "status": status}, subresource="status"
        )
        work.stored = work.manifest["status"].get("engine") or {}
        self._runs.note(_entry(work))

    def _noticed(self, work: Work) -> list[Observation]:
        """Give what is to be told without having been asked for."""
        overrides = {
            **override_annotations(self._owners.workflow(work.manifest)),
            **override_annotations(work.manifest),
        }
        present = bool(overrides) and self._guard.present()
        told: list[Observation] = [metadata_of(work.manifest, overrides, admission_policy_present=present)]
        if work.status.over:
            return told
        settings = self._sets.current().level(Level.ACTION).texts.settings
        told.append(EnforcementSeen(enforcement=settings.enforcement))
        target, job = work.status.target, work.status.job
        if work.status.result is not None and target is not None and job is not None:
            other = self._jobs.later(target.uid, than=job.name)
            if other:
                told.append(TargetTouched(by=other))
        return told

    def _tell_touched(self, work: Work, answer: JobSeen) -> None:
        """Wake those who still look at the target that is being changed now."""
        if answer.state is not JobState.FOREIGN and work.status.target is not None:
            for key in self._runs.looking_on(work.status.target.uid, but=work.run.uid):
                self._wake(key)


def _entry(work: Work) -> RunEntry:
    status = work.status
    target_uid = "" if status.target is None else status.target.uid
    return RunEntry(
        key=work.key,
        uid=work.run.uid,
        action=work.run.action,
        target_uid=target_uid,
        job="" if status.job is None else status.job.name,
        incident_id="" if status.pinned is None else status.pinned.incident_id,
        started_at=status.started_at,
        ended_at=None if status.result is None else status.result.at,
        waits_for=lock_name(target_uid) if status.waiting_for else "",
        looks_on=status.result is not None and not status.over,
        blocked_in=_blocked_in(work),
    )


def _blocked_in(work: Work) -> Key | None:
    reference = work.manifest["spec"].get("workflowRef")
    if not reference or work.status.phase is not ExecutionPhase.BLOCKED or work.status.result is not None:
        return None
    return Key(work.key.namespace, str(reference["name"]))
