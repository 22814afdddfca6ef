"""What of an execution is written down: its rows and its stages', and Events for people.

None of it may keep a remediation from going on: the recorder counts what it loses, an Event that cannot be written is
logged, a budget that cannot be counted is told and forgotten.
"""

from datetime import UTC, datetime

from kubernaut.execution.rows import execution_row, row_context
from kubernaut.execution.stages import stage_of, stage_spec
from kubernaut.identity import Phase
from kubernaut.resources.execution import ExecutionPhase
from kubernaut.verification.rows import RunContext
from kubernaut.verification.types import EmitEvent, RecordAttempts, RecordEvaluations
from kubernaut_operator.execution.cluster import Cluster
from kubernaut_operator.execution.kinds import KUBERNETES_EXECUTIONS
from kubernaut_operator.execution.stage_noting import VERSIONS, StageNoting
from kubernaut_operator.execution.telling import tell
from kubernaut_operator.execution.work import Work
from kubernaut_operator.kernel.events import EventRecorder

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


class Noting:
    """Writes down what happened to a run."""

    def __init__(self, *, stages: StageNoting, events: EventRecorder, cluster: Cluster) -> None:
        self._stages = stages
        self._events = events
        self._cluster = cluster

    def attempts(self, work: Work, phase: Phase, intent: RecordAttempts) -> None:
        """Append the rows of looks."""
        spec = stage_spec(work.run, work.status, phase)
        self._stages.attempts(self._context(work, phase), spec, work.sure, intent)

    def evaluations(self, work: Work, phase: Phase, intent: RecordEvaluations) -> None:
        """Append the rows of conditions that settled, or of which more is known now."""
        stage = stage_of(work.status, phase)
        if stage is None:
            return
        spec = stage_spec(work.run, work.status, phase)
        context = self._context(work, phase)
        for event in self._stages.evaluations(context, spec, stage, work.sure, intent, told=work.told):
            self.event(work, event)

    def execution(self, work: Work) -> None:
        """Append the row of the run as far as it has come."""
        row = execution_row(work.run, work.status, cluster_uid=self._cluster.uid(), recorded_at=datetime.now(UTC))
        if self._stages.recorder is not None:
            self._stages.recorder.execution(row)
        if work.status.result is not None:
            self._stages.observer.ended(row, phase=work.status.phase.value, reason=work.status.reason)

    def event(self, work: Work, intent: EmitEvent) -> None:
        """Say what changed, on the custom resource."""
        action = _ACTIONS.get(work.status.phase, "Reconcile")
        tell(self._events, KUBERNETES_EXECUTIONS, work.manifest, intent, action=action)

    def _context(self, work: Work, phase: Phase) -> RunContext:
        return row_context(work.run, work.status, phase, cluster_uid=self._cluster.uid(), versions=VERSIONS)
