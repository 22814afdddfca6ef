"""What of a run is written down: rows for history, figures for metrics, counts for the block budget, Events for people.

None of it may keep a remediation from going on: the recorder counts what it loses, an Event that cannot be written is
logged, a budget that cannot be counted is told and forgotten.
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from importlib.metadata import version

import structlog

from kubernaut import __version__
from kubernaut.conditions.spec import ResolvedCondition
from kubernaut.enforcement.decision import STOPPING
from kubernaut.errors import ApiError
from kubernaut.execution.rows import execution_row, row_context
from kubernaut.execution.stages import stage_of, stage_spec
from kubernaut.facts.registry import REGISTRY_VERSION
from kubernaut.history.rows import EvaluationRow
from kubernaut.identity import ConditionId, Phase
from kubernaut.policy.compiled import CompiledPolicy
from kubernaut.resources.execution import ExecutionPhase
from kubernaut.verification.rows import RunContext, attempt_row, evaluation_row
from kubernaut.verification.types import EmitEvent, EventType, RecordAttempts, RecordEvaluations
from kubernaut_operator.execution.budgets import BlockBudgets
from kubernaut_operator.execution.cluster import Cluster
from kubernaut_operator.execution.kinds import KUBERNETES_EXECUTIONS
from kubernaut_operator.execution.observing import ExecutionObserver
from kubernaut_operator.execution.pinning import promised
from kubernaut_operator.execution.work import Work
from kubernaut_operator.kernel.events import EventRecorder
from kubernaut_operator.recording.recorder import Recorder

_ACTIONS = {
    ExecutionPhase.BLOCKED: "Wait",
    ExecutionPhase.DENIED: "Refuse",
    ExecutionPhase.RUNNING: "Act",
    ExecutionPhase.VERIFYING: "Verify",
    ExecutionPhase.SUCCEEDED: "Finish",
    ExecutionPhase.FAILED: "Finish",
    ExecutionPhase.UNKNOWN: "Finish",
}
"""What the operator does, in an Event's words, by where the run is."""

_VERSIONS = {
    "operator": __version__,
    "engine": __version__,
    "evaluator": f"regopy {version('regopy')}",
    "fact_registry": str(REGISTRY_VERSION),
}

_log = structlog.get_logger(__name__)


class Noting:
    """Writes down what happened to a run.

    Parameters
    ----------
    recorder : Recorder or None
        None records no history.
    """

    def __init__(
        self,
        *,
        recorder: Recorder | None,
        events: EventRecorder,
        budgets: BlockBudgets,
        observer: ExecutionObserver,
        cluster: Cluster,
    ) -> None:
        self._recorder = recorder
        self._events = events
        self._budgets = budgets
        self._observer = observer
        self._cluster = cluster

    def attempts(self, work: Work, phase: Phase, intent: RecordAttempts) -> None:
        """Append the rows of looks."""
        context, spec = self._context(work, phase), stage_spec(work.run, work.status, phase)
        now = datetime.now(UTC)
        rows = [attempt_row(context, spec, attempt, recorded_at=now) for attempt in intent.attempts]
        for row in rows:
            self._observer.attempted(row)
        if self._recorder is not None:
            self._recorder.policies(self._policies(work))
            self._recorder.attempts(rows)

    def evaluations(self, work: Work, phase: Phase, intent: RecordEvaluations) -> None:
        """Append the rows of conditions that settled, or of which more is known now."""
        stage = stage_of(work.status, phase)
        if stage is None:
            return
        context, spec = self._context(work, phase), stage_spec(work.run, work.status, phase)
        now = datetime.now(UTC)
        rows = {
            key: evaluation_row(context, spec, stage, key, recorded_at=now, objects=intent.objects)
            for key in intent.keys
        }
        if self._recorder is not None:
            self._recorder.policies(self._policies(work))
            self._recorder.evaluations(list(rows.values()))
        entries = {entry.key: entry.condition for entry in spec.conditions}
        for key, row in rows.items():
            self._observer.settled(row)
            self._count(work, entries[key], row)
            overridden = f"{phase.value}/{key}"
            if row.overridden and overridden not in work.told:
                work.told.add(overridden)
                self._observer.overridden(row.condition, by=row.override_by)

    def execution(self, work: Work) -> None:
        """Append the row of the run as far as it has come."""
        row = execution_row(work.run, work.status, cluster_uid=self._cluster.uid(), recorded_at=datetime.now(UTC))
        if self._recorder is not None:
            self._recorder.execution(row)
        if work.status.result is not None:
            self._observer.ended(row, phase=work.status.phase.value, reason=work.status.reason)

    def event(self, work: Work, intent: EmitEvent) -> None:
        """Say what changed, on the custom resource."""
        about = {
            "apiVersion": KUBERNETES_EXECUTIONS.api_version,
            "kind": KUBERNETES_EXECUTIONS.kind,
            "metadata": work.manifest["metadata"],
        }
        _log.info(intent.message, reason=intent.reason)
        self._events.tell(
            about,
            reason=intent.reason,
            note=intent.message,
            action=_ACTIONS.get(work.status.phase, "Reconcile"),
            warning=intent.type is EventType.WARNING,
        )

    def _context(self, work: Work, phase: Phase) -> RunContext:
        return row_context(work.run, work.status, phase, cluster_uid=self._cluster.uid(), versions=_VERSIONS)

    def _policies(self, work: Work) -> Iterator[tuple[ConditionId, CompiledPolicy, bool]]:
        resolution = work.sure.resolution
        return ((one.id, resolution.policy(one), one.candidate) for one in resolution.conditions)

    def _count(self, work: Work, condition: ResolvedCondition, row: EvaluationRow) -> None:
        """Count an enforced condition's first verdict against its block budget."""
        if not row.enforced or condition.candidate:
            return
        try:
            spent = self._budgets.count(
                condition,
                limit=promised(work.sure, condition),
                incident_id=row.incident_id,
                blocked=row.verdict in STOPPING,
                now=row.recorded_at,
            )
        except ApiError as error:
            _log.warning("an incident was not counted against the block budget", why=str(error))
            return
        if spent is not None:
            self._observer.budget_spent(condition.id)
            note = f"{condition.id} {spent.message}"
            self.event(work, EmitEvent(type=EventType.WARNING, reason="BlockBudgetSpent", message=note))
