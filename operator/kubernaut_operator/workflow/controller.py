"""One reconcile of a WorkflowExecution: read it and its steps' executions, ask the engine, carry out what it says.

The same way as for one execution: what is in memory beside the stored status is kept for as long as the custom resource
holds the very status that was stored last, and is forgotten with the first error.
"""

import threading
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

import structlog

from kubernaut.errors import InputError, KubernautError, LeadershipLostError, NotFoundError
from kubernaut.execution.types import EnforcementSeen
from kubernaut.identity import Level
from kubernaut.verification.types import StoreStatus
from kubernaut.workflow.decide import begin, decide
from kubernaut.workflow.intents import Intent
from kubernaut.workflow.keys import workflow_uid_of
from kubernaut.workflow.status_json import from_json
from kubernaut.workflow.status_view import status_view
from kubernaut.workflow.types import Observation
from kubernaut_operator.condition_sets.sets import ConditionSets
from kubernaut_operator.execution.admission import AdmissionGuard
from kubernaut_operator.execution.kinds import WORKFLOW_EXECUTIONS
from kubernaut_operator.kernel.api import Api, Manifest
from kubernaut_operator.kernel.controller import Result
from kubernaut_operator.kernel.events import EventRecorder
from kubernaut_operator.kernel.resources import Key
from kubernaut_operator.workflow.children import Children
from kubernaut_operator.workflow.performing import WorkflowPerformer, could_not
from kubernaut_operator.workflow.reading_workflows import people_of, run_of, speaks
from kubernaut_operator.workflow.work import WorkflowWork

MOST_DECISIONS = 400
"""Of one reconcile. Beyond it other keys have their turn first."""

_log = structlog.get_logger(__name__)


def _now() -> datetime:
    return datetime.now(UTC)


class WorkflowController:
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
        clock: Callable[[], datetime] = _now,
    ) -> None:
        self._api = api
        self._performer = performer
        self._children = children
        self._sets = sets
        self._guard = guard
        self._events = events
        self._clock = clock
        self._held: dict[Key, WorkflowWork] = {}
        self._lock = threading.Lock()
        self._keys: dict[str, Key] = {}

    def reconcile(self, key: Key) -> Result:
        """Bring one workflow as far as it comes without waiting.

        Raises
        ------
        KubernautError
            Its status could not be read or stored.
        """
        try:
            manifest = self._api.get(WORKFLOW_EXECUTIONS, key.name, key.namespace)
        except NotFoundError:
            self._held.pop(key, None)
            self._forget(key)
            return Result()
        try:
            work = self._take_up(key, manifest, self._held.pop(key, None))
        except InputError as error:
            self._events.tell(manifest, reason="StatusUnreadable", note=str(error), action="Wait", warning=True)
            raise
        with self._lock:
            self._keys[work.run.uid] = key
        with structlog.contextvars.bound_contextvars(workflow=str(key), workflow_uid=work.run.uid):
            result = self._drive(work)
        if result.again_after_s is not None:
            self._held[key] = work
        return result

    def of_execution(self, name: str) -> tuple[Key, ...]:
        """Give the workflow that an execution of this name is a step of, if it is known."""
        uid = workflow_uid_of(name)
        with self._lock:
            key = None if uid is None else self._keys.get(uid)
        return () if key is None else (key,)

    def _forget(self, key: Key) -> None:
        with self._lock:
            for uid in [uid for uid, known in self._keys.items() if known == key]:
                del self._keys[uid]

    def _take_up(self, key: Key, manifest: Manifest, held: WorkflowWork | None) -> WorkflowWork:
        engine = (manifest.get("status") or {}).get("engine") or {}
        uid = str(manifest["metadata"]["uid"])
        if held is not None and held.run.uid == uid:
            same = held.stored == engine and held.manifest["spec"] == manifest["spec"]
            held.manifest = manifest
            if same:
                return held
            _log.info("somebody else changed spec or status; going on from what is stored", workflow=str(key))
        run = run_of(manifest)
        return WorkflowWork(
            key=key,
            manifest=manifest,
            run=run,
            status=from_json(engine) if engine else begin(run, now=self._clock()),
            stored=engine,
            told=held.told if held is not None and held.run.uid == uid else set(),
        )

    def _drive(self, work: WorkflowWork) -> Result:
        told: Sequence[Observation] = self._noticed(work)
        for _ in range(MOST_DECISIONS):
            decision = decide(work.run, work.status, told, self._clock())
            if decision.status.phase is not work.status.phase:
                _log.debug("phase", phase=decision.status.phase.value)
            work.status = decision.status
            told = self._carry_out(work, decision.intents)
            if told:
                continue
            if decision.next_due is None:
                return Result()
            return Result(again_after_s=max((decision.next_due - self._clock()).total_seconds(), 0.0))
        return Result(again_after_s=0.0)

    def _carry_out(self, work: WorkflowWork, intents: Sequence[Intent]) -> list[Observation]:
        """Carry intents out in order, up to the first that cannot be, and give the answers.

        What fails before the status is stored is raised: the decision is forgotten then, as by a restart.
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
        return answers

    def _store(self, work: WorkflowWork) -> None:
        status = status_view(work.run, work.status, before=work.manifest.get("status"))
        work.manifest = self._api.replace(
            WORKFLOW_EXECUTIONS, {**work.manifest, "status": status}, subresource="status"
        )
        work.stored = work.manifest["status"].get("engine") or {}

    def _noticed(self, work: WorkflowWork) -> list[Observation]:
        """Give what is to be told without having been asked for: people, the switch, the steps' executions."""
        present = speaks(work.manifest) and self._guard.present()
        told: list[Observation] = [people_of(work.manifest, admission_policy_present=present)]
        if work.status.over:
            return told
        settings = self._sets.current().level(Level.STEP).texts.settings
        told.append(EnforcementSeen(enforcement=settings.enforcement))
        told += [self._children.read(work, key) for key in work.status.followed]
        return told
