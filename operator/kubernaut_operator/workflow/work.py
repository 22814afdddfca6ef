"""What one reconcile of a workflow has in hand: the resource, its run and where that stands, its steps' executions."""

from dataclasses import dataclass, field

from kubernaut.actions.catalogue import checked_parameters
from kubernaut.conditions.inputs import RunContext
from kubernaut.errors import InputError
from kubernaut.execution.status_json import from_json
from kubernaut.facts.baseline import Baseline
from kubernaut.facts.objects import Target
from kubernaut.history.rows import Purpose
from kubernaut.json_types import JsonObject
from kubernaut.workflow.keys import StepKey, Undo
from kubernaut.workflow.rows import incident_of
from kubernaut.workflow.run import WorkflowRun
from kubernaut.workflow.status import WorkflowStatus
from kubernaut_operator.execution.subject import Judged, Subject
from kubernaut_operator.kernel.api import Manifest
from kubernaut_operator.kernel.resources import Key


@dataclass(kw_only=True)
class WorkflowWork:
    """One workflow in a worker's hands.

    Attributes
    ----------
    manifest : dict
        The custom resource as the API server gave it last; writes replace it.
    stored : JsonObject
        The engine's state as the custom resource holds it.
    forward : dict of int to Judged
        By step number; empty until pinned in this process.
    undo : dict of str to Judged
        By action that takes a step back.
    executions : dict of StepKey to dict
        KubernetesExecutions as read last in this process.
    told : set
        What metrics were told of it already.
    """

    key: Key
    manifest: Manifest
    run: WorkflowRun
    status: WorkflowStatus
    stored: JsonObject
    forward: dict[int, Judged] = field(default_factory=dict)
    undo: dict[str, Judged] = field(default_factory=dict)
    executions: dict[StepKey, Manifest] = field(default_factory=dict)
    told: set[str] = field(default_factory=set)

    def judged(self, key: StepKey, work: Undo) -> Judged:
        """Give what a step's run is judged by; raises InputError before it was pinned in this process."""
        found = self.forward.get(key.number) if key.purpose is Purpose.FORWARD else self.undo.get(work.action)
        if found is None:
            raise InputError(f"{self.key}: the conditions of {key} have not been resolved yet")
        return found

    def subject(self, key: StepKey, work: Undo) -> Subject:
        """Give what is looked at for a step's run."""
        parameters = checked_parameters(work.action, work.parameters)
        named, state = parameters.target, self.status.state(key)
        return Subject(
            action=work.action,
            target=Target(kind=named.kind, namespace=named.namespace, name=named.name, uid=state.target_uid),
            parameters=parameters.as_input,
            context=RunContext(step=key.number, incident=incident_of(self.run, self.status)),
            judged=self.judged(key, work),
            baseline=self._baseline(key),
            action_ended_at=state.action_ended_at,
            detected_at=self.run.detected_at,
        )

    def _baseline(self, key: StepKey) -> Baseline | None:
        """Give the look before the action: its execution's own; while there is none, the replicas seen first."""
        execution = self.executions.get(key) or {}
        engine = (execution.get("status") or {}).get("engine")
        if engine:
            status = from_json(engine)
            if status.baseline is not None:
                return status.baseline
        pinned = self.status.pinned
        replicas = None if pinned is None else pinned.replicas.get(str(key.number))
        return None if replicas is None else Baseline(replicas=replicas)
