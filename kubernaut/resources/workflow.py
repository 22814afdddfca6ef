"""WorkflowExecution: steps that remediate one incident, each an action with its conditions.

A step's own conditions are judged around it by the workflow; those under `actionConditions` go to the step's
KubernetesExecution. No conditions at all is valid: the suites of the settings are always attached.
"""

from enum import StrEnum
from typing import Annotated, Self

from pydantic import Field, StringConstraints, model_validator

from kubernaut.conditions.added import CrConditions
from kubernaut.conditions.fields import Line, Name, Seconds
from kubernaut.history.rows import Outcome, OutcomeSource
from kubernaut.resources.common import Incident, Results, RunStatus
from kubernaut.resources.execution import MAX_ACTION_TIMEOUT_S, MIN_ACTION_TIMEOUT_S
from kubernaut.resources.fields import (
    FreeObject,
    Message,
    Moment,
    ObjectName,
    Parameters,
    SpecModel,
    StatusModel,
    StepNumber,
    Uid,
    Word,
)

MAX_STEPS = 64
DEFAULT_MAX_PARALLEL = 5
DEFAULT_STABILIZATION_S = 300.0
MAX_STABILIZATION_S = 86_400.0


class WorkflowPhase(StrEnum):
    """Where a workflow is."""

    PENDING = "pending"
    VALIDATING = "validating"
    EXECUTING = "executing"
    MONITORING = "monitoring"
    BLOCKED = "blocked"
    PAUSED = "paused"
    ROLLING_BACK = "rolling_back"
    COMPLETED = "completed"
    FAILED = "failed"
    ROLLED_BACK = "rolled_back"
    ROLLBACK_FAILED = "rollback_failed"


class StepPhase(StrEnum):
    """Where a step is."""

    PENDING = "pending"
    VALIDATING = "validating"
    BLOCKED = "blocked"
    RUNNING = "running"
    VERIFYING = "verifying"
    COMPLETED = "completed"
    FAILED = "failed"
    SKIPPED = "skipped"
    ROLLED_BACK = "rolled_back"


class RollbackStrategy(StrEnum):
    """Who undoes the steps of a workflow that failed."""

    AUTOMATIC = "automatic"
    MANUAL = "manual"
    NONE = "none"


class StepRollback(SpecModel):
    """What undoes a step, where the action's own undo is not what is wanted.

    Attributes
    ----------
    action : str
        Name of an action of the catalogue.
    parameters : dict
        What that action is told.
    """

    action: Name
    parameters: Parameters


class WorkflowStep(CrConditions):
    """One step.

    Attributes
    ----------
    step_number : int
        Which the others name in dependsOn.
    name : str
        For people.
    action : str
        Name of an action of the catalogue, such as scale_deployment.
    parameters : dict
        What the action is told, such as deployment: {name, namespace, replicas}.
    depends_on : tuple of int
        Steps that come first, with their enforced postconditions passed.
    critical : bool
        Whether its failure fails the workflow.
    timeout_s : float or None
        How long the action itself may take; as the catalogue says where it is left out.
    action_conditions : CrConditions
        Conditions that the step's execution judges, just around its Job.
    rollback : StepRollback or None
        What undoes the step; the action's own undo where it is left out.
    """

    step_number: StepNumber = Field(alias="stepNumber")
    name: Annotated[Line, StringConstraints(max_length=63)] = ""
    action: Name
    parameters: Parameters
    depends_on: Annotated[tuple[StepNumber, ...], Field(strict=False, max_length=MAX_STEPS)] = Field(
        default=(), alias="dependsOn"
    )
    critical: bool = Field(default=True, alias="criticalStep")
    timeout_s: Annotated[Seconds, Field(ge=MIN_ACTION_TIMEOUT_S, le=MAX_ACTION_TIMEOUT_S)] | None = Field(
        default=None, alias="timeout"
    )
    action_conditions: CrConditions = Field(default_factory=CrConditions, alias="actionConditions")
    rollback: StepRollback | None = None


class WorkflowDefinition(SpecModel):
    """What is done.

    Attributes
    ----------
    steps : tuple of WorkflowStep
        In an order that dependsOn makes, and otherwise at the same time.
    """

    steps: Annotated[tuple[WorkflowStep, ...], Field(strict=False, min_length=1, max_length=MAX_STEPS)]

    @model_validator(mode="after")
    def _numbered_once(self) -> Self:
        seen: set[int] = set()
        for index, step in enumerate(self.steps):
            if step.step_number in seen:
                raise ValueError(
                    f"steps.{index}.stepNumber: {step.step_number} stands here twice; number each step once"
                )
            seen.add(step.step_number)
        return self


class ExecutionStrategy(SpecModel):
    """How the steps are carried out.

    Attributes
    ----------
    rollback_strategy : RollbackStrategy
        Who undoes the steps of a workflow that failed.
    dry_run : bool
        Every step ends after its dry run.
    max_parallel : int
        Steps at once.
    approval_required : bool
        Nothing is changed before a person approves.
    """

    rollback_strategy: RollbackStrategy = Field(default=RollbackStrategy.MANUAL, alias="rollbackStrategy", strict=False)
    dry_run: bool = Field(default=False, alias="dryRun")
    max_parallel: Annotated[int, Field(ge=1, le=MAX_STEPS)] = Field(default=DEFAULT_MAX_PARALLEL, alias="maxParallel")
    approval_required: bool = Field(default=False, alias="approvalRequired")


class Effectiveness(SpecModel):
    """How it is found out whether the workflow did good.

    Attributes
    ----------
    stabilization_window_s : float
        How long after completion one waits before looking; 5m where nothing is said.
    query : str or None
        PromQL that is true when the incident is over; other sources decide where it is left out.
    """

    stabilization_window_s: Annotated[Seconds, Field(ge=0, le=MAX_STABILIZATION_S)] = Field(
        default=DEFAULT_STABILIZATION_S, alias="stabilizationWindow"
    )
    query: Annotated[str, StringConstraints(min_length=1, max_length=4096)] | None = None


class WorkflowExecutionSpec(SpecModel):
    """What is asked for.

    Attributes
    ----------
    definition : WorkflowDefinition
        What is done.
    strategy : ExecutionStrategy
        How the steps are carried out.
    incident : Incident or None
        What is being remediated.
    effectiveness : Effectiveness
        How it is found out whether it did good.
    """

    definition: WorkflowDefinition = Field(alias="workflowDefinition")
    strategy: ExecutionStrategy = Field(default_factory=ExecutionStrategy, alias="executionStrategy")
    incident: Incident | None = None
    effectiveness: Effectiveness = Field(default_factory=Effectiveness)


class ExecutionReference(StatusModel):
    """A KubernetesExecution that a step made."""

    name: ObjectName
    uid: Uid | None = None


class StepStatus(StatusModel):
    """One step's run.

    Attributes
    ----------
    execution, rollback_execution : ExecutionReference or None
        None while there is none.
    """

    step_number: StepNumber = Field(alias="stepNumber")
    phase: Word
    reason: Word | None = None
    message: Message = ""
    started_at: Moment | None = Field(default=None, alias="startedAt")
    finished_at: Moment | None = Field(default=None, alias="finishedAt")
    result: Word | None = None
    pre_condition_results: Results = Field(default=(), alias="preConditionResults")
    post_condition_results: Results = Field(default=(), alias="postConditionResults")
    execution: ExecutionReference | None = None
    rollback_execution: ExecutionReference | None = Field(default=None, alias="rollbackExecution")


class WorkflowExecutionStatus(RunStatus):
    """The run of all steps.

    Attributes
    ----------
    outcome : Outcome or None
        What it did for the incident, which is not `result`; None until known.
    outcome_source : OutcomeSource or None
        Who says so.
    outcome_at : datetime or None
        When it was said.
    resolved_at : datetime or None
        When the incident was over.
    manual_intervention : bool
        A person had to help.
    engine : dict
        The resumable state; nobody else's business.
    """

    step_statuses: Annotated[tuple[StepStatus, ...], Field(strict=False, max_length=MAX_STEPS)] = Field(
        default=(),
        alias="stepStatuses",
    )
    outcome: Outcome | None = Field(default=None, strict=False)
    outcome_source: OutcomeSource | None = Field(default=None, alias="outcomeSource", strict=False)
    outcome_at: Moment | None = Field(default=None, alias="outcomeAt")
    resolved_at: Moment | None = Field(default=None, alias="resolvedAt")
    manual_intervention: bool = Field(default=False, alias="manualIntervention")
    engine: FreeObject = Field(default_factory=dict)
