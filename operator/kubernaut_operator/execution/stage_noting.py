"""What one stage of conditions leaves behind: rows for history, figures for metrics, counts for the block budget.

The same for the action level and for a workflow's steps. None of it may keep a remediation from going on.
"""

from collections.abc import Iterator, MutableSet
from datetime import UTC, datetime
from importlib.metadata import version

import structlog

from kubernaut import __version__
from kubernaut.conditions.spec import ResolvedCondition
from kubernaut.enforcement.decision import STOPPING
from kubernaut.errors import ApiError
from kubernaut.facts.registry import REGISTRY_VERSION
from kubernaut.history.rows import EvaluationRow
from kubernaut.identity import ConditionId
from kubernaut.policy.compiled import CompiledPolicy
from kubernaut.verification.rows import RunContext, attempt_row, evaluation_row
from kubernaut.verification.status import StageStatus
from kubernaut.verification.types import EmitEvent, EventType, RecordAttempts, RecordEvaluations, StageSpec
from kubernaut_operator.execution.budgets import BlockBudgets
from kubernaut_operator.execution.observing import ExecutionObserver
from kubernaut_operator.execution.pinning import promised
from kubernaut_operator.execution.subject import Judged
from kubernaut_operator.recording.recorder import Recorder

VERSIONS = {
    "operator": __version__,
    "engine": __version__,
    "evaluator": f"regopy {version('regopy')}",
    "fact_registry": str(REGISTRY_VERSION),
}
"""Of everything that has a part in a verdict."""

_log = structlog.get_logger(__name__)


class StageNoting:
    """Writes down what stages come to.

    Parameters
    ----------
    recorder : Recorder or None
        None records no history.
    """

    def __init__(self, *, recorder: Recorder | None, budgets: BlockBudgets, observer: ExecutionObserver) -> None:
        self.recorder = recorder
        self.observer = observer
        self._budgets = budgets

    def attempts(self, context: RunContext, spec: StageSpec, judged: Judged, intent: RecordAttempts) -> None:
        """Append the rows of looks."""
        now = datetime.now(UTC)
        rows = [attempt_row(context, spec, attempt, recorded_at=now) for attempt in intent.attempts]
        for row in rows:
            self.observer.attempted(row)
        if self.recorder is not None:
            self.recorder.policies(_policies(judged))
            self.recorder.attempts(rows)

    def evaluations(
        self,
        context: RunContext,
        spec: StageSpec,
        stage: StageStatus,
        judged: Judged,
        intent: RecordEvaluations,
        *,
        told: MutableSet[str],
    ) -> tuple[EmitEvent, ...]:
        """Append the rows of conditions that settled, or of which more is known now.

        Parameters
        ----------
        told : set
            What metrics were told of the run already; added to.

        Returns
        -------
        tuple of EmitEvent
            What people shall read: a condition whose block budget is spent now.
        """
        now = datetime.now(UTC)
        rows = {
            key: evaluation_row(context, spec, stage, key, recorded_at=now, objects=intent.objects)
            for key in intent.keys
        }
        if self.recorder is not None:
            self.recorder.policies(_policies(judged))
            self.recorder.evaluations(list(rows.values()))
        entries = {entry.key: entry.condition for entry in spec.conditions}
        events: list[EmitEvent] = []
        for key, row in rows.items():
            self.observer.settled(row)
            events += self._count(judged, entries[key], row)
            overridden = f"{spec.uid}/{spec.phase.value}/{key}"
            if row.overridden and overridden not in told:
                told.add(overridden)
                self.observer.overridden(row.condition, by=row.override_by)
        return tuple(events)

    def _count(self, judged: Judged, condition: ResolvedCondition, row: EvaluationRow) -> Iterator[EmitEvent]:
        """Count an enforced condition's first verdict against its block budget."""
        if not row.enforced or condition.candidate:
            return
        try:
            spent = self._budgets.count(
                condition,
                limit=promised(judged, condition),
                incident_id=row.incident_id,
                blocked=row.verdict in STOPPING,
                now=row.recorded_at,
            )
        except ApiError as error:
            _log.warning("an incident was not counted against the block budget", why=str(error))
            return
        if spent is not None:
            self.observer.budget_spent(condition.id)
            note = f"{condition.id} {spent.message}"
            yield EmitEvent(type=EventType.WARNING, reason="BlockBudgetSpent", message=note)


def _policies(judged: Judged) -> Iterator[tuple[ConditionId, CompiledPolicy, bool]]:
    resolution = judged.resolution
    return ((one.id, resolution.policy(one), one.candidate) for one in resolution.conditions)
