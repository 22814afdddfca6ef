"""What of a workflow is written down: its own row, its steps' rows and stages, and Events for people."""

from datetime import UTC, datetime

from kubernaut.identity import Phase
from kubernaut.resources.workflow import WorkflowPhase
from kubernaut.verification.rows import RunContext
from kubernaut.verification.types import EmitEvent, RecordAttempts, RecordEvaluations
from kubernaut.workflow.intents import StageIntent
from kubernaut.workflow.keys import StepKey, Undo
from kubernaut.workflow.prevented import cascade_prevented, was_validated
from kubernaut.workflow.rows import row_context, step_row, workflow_row
from kubernaut.workflow.stages import stage_spec
from kubernaut_operator.execution.cluster import Cluster
from kubernaut_operator.execution.kinds import WORKFLOW_EXECUTIONS
from kubernaut_operator.execution.stage_noting import VERSIONS, StageNoting
from kubernaut_operator.execution.telling import tell
from kubernaut_operator.kernel.events import EventRecorder
from kubernaut_operator.workflow.work import WorkflowWork

_ACTIONS = {
    WorkflowPhase.BLOCKED: "Wait",
    WorkflowPhase.PAUSED: "Wait",
    WorkflowPhase.EXECUTING: "Act",
    WorkflowPhase.MONITORING: "Verify",
    WorkflowPhase.ROLLING_BACK: "RollBack",
    WorkflowPhase.COMPLETED: "Finish",
    WorkflowPhase.FAILED: "Finish",
    WorkflowPhase.ROLLED_BACK: "Finish",
    WorkflowPhase.ROLLBACK_FAILED: "Finish",
}
"""What the operator does, in an Event's words, by where the workflow is."""


class WorkflowNoting:
    """Writes down what happened to a workflow."""

    def __init__(self, *, stages: StageNoting, events: EventRecorder, cluster: Cluster) -> None:
        self._stages = stages
        self._events = events
        self._cluster = cluster

    def of_stage(self, work: WorkflowWork, intent: StageIntent) -> None:
        """Append the rows of looks, or of conditions that settled."""
        key, phase, inner = intent.key, intent.phase, intent.intent
        spec = stage_spec(work.run, work.status, key, phase)
        judged = work.judged(key, Undo(action=intent.action, parameters=intent.parameters))
        context = self._context(work, key, phase)
        if isinstance(inner, RecordAttempts):
            self._stages.attempts(context, spec, judged, inner)
        elif isinstance(inner, RecordEvaluations):
            state = work.status.state(key)
            stage = state.pre if phase is Phase.PRE else state.post
            if stage is not None:
                for event in self._stages.evaluations(context, spec, stage, judged, inner, told=work.told):
                    self.event(work, event)

    def step(self, work: WorkflowWork, key: StepKey) -> None:
        """Append the row of a step's run."""
        now = datetime.now(UTC)
        row = step_row(work.run, work.status, key, cluster_uid=self._cluster.uid(), recorded_at=now)
        if self._stages.recorder is not None:
            self._stages.recorder.execution(row)
        if cascade_prevented(work.run, work.status, key):
            self._stages.observer.cascade_prevented(row)

    def workflow(self, work: WorkflowWork) -> None:
        """Append the row of the workflow as far as it has come."""
        row = workflow_row(work.run, work.status, cluster_uid=self._cluster.uid(), recorded_at=datetime.now(UTC))
        if self._stages.recorder is not None:
            self._stages.recorder.workflow(row)
        if work.status.result is not None:
            phase, reason = work.status.phase.value, work.status.reason
            self._stages.observer.workflow_ended(row, phase=phase, reason=reason)
        self._stages.observer.outcome_known(row, validated=was_validated(work.status))

    def event(self, work: WorkflowWork, intent: EmitEvent) -> None:
        """Say what changed, on the custom resource."""
        action = _ACTIONS.get(work.status.phase, "Reconcile")
        tell(self._events, WORKFLOW_EXECUTIONS, work.manifest, intent, action=action)

    def _context(self, work: WorkflowWork, key: StepKey, phase: Phase) -> RunContext:
        return row_context(work.run, work.status, key, phase, cluster_uid=self._cluster.uid(), versions=VERSIONS)
