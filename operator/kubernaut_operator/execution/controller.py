"""KubernetesExecutions, reconciled: how one is read, what it notices by itself, and whom it wakes."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

import structlog

from kubernaut.errors import KubernautError
from kubernaut.execution.decide import begin, decide
from kubernaut.execution.intents import CreateJob, Intent
from kubernaut.execution.job_seen import JobSeen, JobState
from kubernaut.execution.names import lock_name
from kubernaut.execution.status_json import from_json
from kubernaut.execution.status_view import status_view
from kubernaut.execution.types import CouldNot, EnforcementSeen, Observation, TargetTouched
from kubernaut.identity import Level
from kubernaut.json_types import JsonObject
from kubernaut.resources.execution import ExecutionPhase
from kubernaut_operator.condition_sets.sets import ConditionSets
from kubernaut_operator.execution.admission import AdmissionGuard
from kubernaut_operator.execution.jobs import Jobs
from kubernaut_operator.execution.kinds import KUBERNETES_EXECUTIONS
from kubernaut_operator.execution.owners import Owners
from kubernaut_operator.execution.performing import Performer, could_not
from kubernaut_operator.execution.reading_runs import metadata_of, override_annotations, run_of
from kubernaut_operator.execution.reconciling import Reconciler, utc_now
from kubernaut_operator.execution.runs import RunEntry, Runs
from kubernaut_operator.execution.work import Work
from kubernaut_operator.kernel.api import Api, Manifest
from kubernaut_operator.kernel.events import EventRecorder
from kubernaut_operator.kernel.resources import Key

_log = structlog.get_logger(__name__)


class ExecutionController(Reconciler[Work, Intent, Observation]):
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
        clock: Callable[[], datetime] = utc_now,
    ) -> None:
        super().__init__(api, KUBERNETES_EXECUTIONS, word="execution", events=events, clock=clock)
        self._performer = performer
        self._sets = sets
        self._jobs = jobs
        self._runs = runs
        self._guard = guard
        self._owners = owners
        self._wake = wake

    def _met(self, key: Key, uid: str) -> None:
        self._runs.forget(key, but=uid)

    def _gone(self, key: Key) -> None:
        self._runs.forget(key)

    def _noted(self, work: Work) -> None:
        self._runs.note(_entry(work))

    def _read(self, key: Key, manifest: Manifest, engine: JsonObject, *, told: set[str]) -> Work:
        return Work(
            key=key,
            manifest=manifest,
            run=run_of(manifest),
            status=from_json(engine) if engine else begin(now=self._clock()),
            stored=engine,
            told=told,
        )

    def _decide(
        self, work: Work, told: Sequence[Observation], now: datetime
    ) -> tuple[Sequence[Intent], datetime | None]:
        decision = decide(work.run, work.status, told, now)
        if decision.status.step is not work.status.step:
            _log.debug("step", step=decision.status.step.value, phase=decision.status.phase.value)
        work.status = decision.status
        return decision.intents, decision.next_due

    def _perform(self, work: Work, intent: Intent) -> Observation | None:
        answer = self._performer.perform(work, intent)
        if isinstance(intent, CreateJob) and isinstance(answer, JobSeen):
            self._tell_touched(work, answer)
        return answer

    def _could_not(self, intent: Intent, error: KubernautError) -> CouldNot:
        return could_not(intent, error)

    def _shown(self, work: Work) -> JsonObject:
        return status_view(work.run, work.status, before=work.manifest.get("status"))

    def _in_logs(self, work: Work) -> Mapping[str, str]:
        pinned = work.status.pinned
        return {} if pinned is None else {"incident": pinned.incident_id}

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
