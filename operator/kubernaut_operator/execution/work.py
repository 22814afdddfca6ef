"""What one reconcile has in hand: the custom resource as last read or written, its run and where that stands."""

from dataclasses import dataclass
from functools import cached_property

from kubernaut.actions.catalogue import action_definition, checked_parameters
from kubernaut.actions.definition import ActionParameters, AnyAction
from kubernaut.conditions.inputs import RunContext
from kubernaut.errors import InputError
from kubernaut.execution.rows import input_context
from kubernaut.execution.run import ExecutionRun
from kubernaut.execution.status import ExecutionStatus
from kubernaut.facts.baseline import Baseline
from kubernaut.facts.objects import Target
from kubernaut.json_types import JsonObject
from kubernaut_operator.execution.locks import Holder
from kubernaut_operator.execution.subject import Judged, Subject
from kubernaut_operator.kernel.api import Manifest
from kubernaut_operator.kernel.resources import Key


@dataclass(kw_only=True)
class Work:
    """One execution in a worker's hands.

    Attributes
    ----------
    manifest : dict
        The custom resource as the API server gave it last; writes replace it.
    status : ExecutionStatus
        As the engine said last.
    stored : JsonObject
        The engine's state as the custom resource holds it; somebody else's write shows in it.
    judged : Judged or None
        None until pinned in this process.
    told : set of str
        Conditions of which it was told already that an override let them pass.
    """

    key: Key
    manifest: Manifest
    run: ExecutionRun
    status: ExecutionStatus
    stored: JsonObject
    told: set[str]
    judged: Judged | None = None

    @cached_property
    def action(self) -> AnyAction:
        """The action's entry in the catalogue; raises InputError where there is none."""
        return action_definition(self.run.action)

    @cached_property
    def parameters(self) -> ActionParameters:
        """The checked parameters; raises InputError where they are none."""
        return checked_parameters(self.run.action, self.run.parameters)

    @property
    def target(self) -> Target:
        """The target, whichever object bears its name."""
        named = self.parameters.target
        return Target(kind=named.kind, namespace=named.namespace, name=named.name)

    @property
    def pinned_target(self) -> Target:
        """The target as the very object that was found first."""
        named = self.target
        uid = "" if self.status.target is None else self.status.target.uid
        return Target(kind=named.kind, namespace=named.namespace, name=named.name, uid=uid)

    @property
    def baseline(self) -> Baseline | None:
        """What facts are relative to: the look before the action, before it the replicas seen first."""
        if self.status.baseline is not None:
            return self.status.baseline
        seen = self.status.target
        return None if seen is None else Baseline(replicas=seen.replicas)

    @property
    def context(self) -> RunContext:
        """What policies may know of the run."""
        return input_context(self.run, self.status)

    @property
    def holder(self) -> Holder:
        """The execution as the holder of a lock."""
        return Holder(namespace=self.run.namespace, name=self.run.name, uid=self.run.uid)

    @property
    def sure(self) -> Judged:
        """What the run is judged by; raises InputError before it was pinned in this process."""
        if self.judged is None:
            raise InputError(f"{self.key}: its conditions have not been resolved yet")
        return self.judged

    @property
    def subject(self) -> Subject:
        """What is looked at for this execution; raises InputError before it was pinned in this process."""
        job = self.status.job
        return Subject(
            action=self.run.action,
            target=self.pinned_target,
            parameters=self.parameters.as_input,
            context=self.context,
            judged=self.sure,
            baseline=self.baseline,
            action_ended_at=None if job is None else job.finished_at,
            detected_at=self.run.detected_at,
        )
