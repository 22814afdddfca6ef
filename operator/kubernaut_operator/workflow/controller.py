"""WorkflowExecutions, reconciled: how one is read, and what it notices by itself: people, its steps' executions."""

import threading
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

import structlog

from kubernaut.errors import ApiError, KubernautError
from kubernaut.execution.types import EnforcementSeen
from kubernaut.identity import Level
from kubernaut.json_types import JsonObject
from kubernaut.workflow.decide import begin, decide
from kubernaut.workflow.intents import Intent
from kubernaut.workflow.keys import workflow_uid_of
from kubernaut.workflow.status_json import from_json
from kubernaut.workflow.status_view import status_view
from kubernaut.workflow.types import CouldNot, Observation
from kubernaut_operator.condition_sets.sets import ConditionSets
from kubernaut_operator.execution.admission import AdmissionGuard
from kubernaut_operator.execution.kinds import WORKFLOW_EXECUTIONS
from kubernaut_operator.execution.reconciling import Reconciler, utc_now
from kubernaut_operator.kernel.api import Api, Manifest
from kubernaut_operator.kernel.events import EventRecorder
from kubernaut_operator.kernel.resources import Key
from kubernaut_operator.workflow.children import Children
from kubernaut_operator.workflow.performing import WorkflowPerformer, could_not
from kubernaut_operator.workflow.reading_workflows import people_of, run_of, speaks
from kubernaut_operator.workflow.work import WorkflowWork

_log = structlog.get_logger(__name__)


class WorkflowController(Reconciler[WorkflowWork, Intent, Observation]):
    """Reconciles WorkflowExecutions.

    Parameters
    ----------
    api : Api
        Guarded: it writes only while this replica leads.
    clock : callable
        The time now, aware.
    """

    def __init__(
        self,
        api: Api,
        performer: WorkflowPerformer,
        *,
        children: Children,
        sets: ConditionSets,
        guard: AdmissionGuard,
        events: EventRecorder,
        clock: Callable[[], datetime] = utc_now,
    ) -> None:
        super().__init__(api, WORKFLOW_EXECUTIONS, word="workflow", events=events, clock=clock)
        self._performer = performer
        self._children = children
        self._sets = sets
        self._guard = guard
        self._lock = threading.Lock()
        self._keys: dict[str, Key] = {}

    def of_execution(self, name: str) -> tuple[Key, ...]:
        """Give the workflow that an execution of this name is a step of, if it is known."""
        uid = workflow_uid_of(name)
        with self._lock:
            key = None if uid is None else self._keys.get(uid)
        return () if key is None else (key,)

    def _met(self, key: Key, uid: str) -> None:
        with self._lock:
            self._keys[uid] = key

    def _gone(self, key: Key) -> None:
        with self._lock:
            for uid in [uid for uid, known in self._keys.items() if known == key]:
                del self._keys[uid]

    def _read(self, key: Key, manifest: Manifest, engine: JsonObject, *, told: set[str]) -> WorkflowWork:
        run = run_of(manifest)
        return WorkflowWork(
            key=key,
            manifest=manifest,
            run=run,
            status=from_json(engine) if engine else begin(run, now=self._clock()),
            stored=engine,
            told=told,
        )

    def _decide(
        self, work: WorkflowWork, told: Sequence[Observation], now: datetime
    ) -> tuple[Sequence[Intent], datetime | None]:
        decision = decide(work.run, work.status, told, now)
        if decision.status.phase is not work.status.phase:
            _log.debug("phase", phase=decision.status.phase.value)
        work.status = decision.status
        return decision.intents, decision.next_due

    def _perform(self, work: WorkflowWork, intent: Intent) -> Observation | None:
        return self._performer.perform(work, intent)

    def _could_not(self, intent: Intent, error: KubernautError) -> CouldNot:
        return could_not(intent, error)

    def _shown(self, work: WorkflowWork) -> JsonObject:
        return status_view(work.run, work.status, before=work.manifest.get("status"))

    def _in_logs(self, work: WorkflowWork) -> Mapping[str, str]:
        pinned = work.status.pinned
        return {} if pinned is None else {"incident": pinned.incident_id}

    def _noticed(self, work: WorkflowWork) -> list[Observation]:
        """Give what is to be told without having been asked for: people, the switch, the steps' executions."""
        present = speaks(work.manifest) and self._guard.present()
        told: list[Observation] = [people_of(work.manifest, admission_policy_present=present)]
        if work.status.over:
            return told
        settings = self._sets.current().level(Level.STEP).texts.settings
        told.append(EnforcementSeen(enforcement=settings.enforcement))
        for key in work.status.followed:
            try:
                told.append(self._children.read(work, key))
            except ApiError as error:
                # It is asked again soon; one that cannot be read now must hold up no other step.
                _log.warning("could not read a step's execution", step=str(key), why=str(error))
        return told
