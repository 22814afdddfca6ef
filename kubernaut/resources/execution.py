"""KubernetesExecution: one action on one target, judged before and after.

The spec is what somebody asks for. The status is the run: its phases are for people, `conditions` for
programs, `engine` holds what the engine needs to go on after a restart.
"""

from enum import StrEnum
from typing import Annotated

from pydantic import Field, StringConstraints

from kubernaut.conditions.added import CrConditions
from kubernaut.conditions.fields import Name, Seconds
from kubernaut.history.rows import Purpose
from kubernaut.resources.common import Incident, ObjectReference, Results, RunStatus
from kubernaut.resources.fields import (
    Digest,
    FreeObject,
    Generation,
    Message,
    Moment,
    NamespaceName,
    ObjectName,
    Parameters,
    SpecModel,
    StatusModel,
    StepNumber,
    Uid,
    Word,
)

MIN_ACTION_TIMEOUT_S = 1.0
MAX_ACTION_TIMEOUT_S = 3600.0


class ExecutionPhase(StrEnum):
    """Where an execution is; the last four are its ends, as is `blocked` where it may not wait."""

    PENDING = "pending"
    VALIDATING = "validating"
    BLOCKED = "blocked"
    RUNNING = "running"
    VERIFYING = "verifying"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    DENIED = "denied"
    UNKNOWN = "unknown"


class TargetResource(SpecModel):
    """The object that is acted on; the parameters must name the same one.

    Attributes
    ----------
    api_version : str
        Such as apps/v1.
    kind : str
        Such as Deployment.
    namespace : str or None
        Left out for an object of the whole cluster. Another namespace than this resource's own takes the verb remediate
        there.
    name : str
        Its name.
    """

    api_version: Annotated[str, StringConstraints(min_length=1, max_length=317, pattern=r"^[a-z0-9./-]+$")] = Field(
        alias="apiVersion"
    )
    kind: Annotated[str, StringConstraints(max_length=63, pattern="^[A-Z][A-Za-z0-9]*$")]
    namespace: NamespaceName | None = None
    name: ObjectName


class KubernetesExecutionSpec(CrConditions):
    """What is asked for.

    Attributes
    ----------
    action : str
        Name of an action of the catalogue, such as scale_deployment.
    target : TargetResource
        The object that is acted on; the parameters must name the same one.
    parameters : dict
        What the action is told, such as deployment: {name, namespace, replicas}.
    incident : Incident or None
        What is being remediated. Where it is left out, runs of one action on one target share an incident while less
        than 30m lie between them.
    dry_run : bool
        End after the dry run: nothing is changed.
    timeout_s : float or None
        How long the action itself may take; as the catalogue says where it is left out.
    step_number : int
        Of the workflow; an execution without a workflow is its own first step.
    workflow_ref : ObjectReference or None
        The workflow that made this execution.
    purpose : Purpose
        Whether this remediates or takes a remediation back.
    """

    action: Name
    target: TargetResource = Field(alias="targetResource")
    parameters: Parameters
    incident: Incident | None = None
    dry_run: bool = Field(default=False, alias="dryRun")
    timeout_s: Annotated[Seconds, Field(ge=MIN_ACTION_TIMEOUT_S, le=MAX_ACTION_TIMEOUT_S)] | None = Field(
        default=None, alias="timeout"
    )
    step_number: StepNumber = Field(default=1, alias="stepNumber")
    workflow_ref: ObjectReference | None = Field(default=None, alias="workflowRef")
    purpose: Purpose = Field(default=Purpose.FORWARD, strict=False)


class ValidationResults(StatusModel):
    """What was found before and after the action.

    Attributes
    ----------
    safety_policy_passed, dry_run_succeeded : bool or None
        None before they were asked.
    safety_denials : tuple of str
        Why the safety policies said no.
    dry_run_message : str or None
        What would change, or why the API server refused it.
    """

    safety_policy_passed: bool | None = Field(default=None, alias="safetyPolicyPassed")
    safety_denials: Annotated[tuple[Message, ...], Field(strict=False, max_length=32)] = Field(
        default=(), alias="safetyDenials"
    )
    dry_run_succeeded: bool | None = Field(default=None, alias="dryRunSucceeded")
    dry_run_message: Message | None = Field(default=None, alias="dryRunMessage")
    pre_condition_results: Results = Field(default=(), alias="preConditionResults")
    post_condition_results: Results = Field(default=(), alias="postConditionResults")


class RollbackInfo(StatusModel):
    """How the change is undone; captured before it was made.

    Attributes
    ----------
    reversible : bool
        False is a legal answer.
    action : str or None
        None when it cannot be undone.
    parameters : dict or None
        Of that action.
    before : dict
        What the action captured.
    description : str
        In a person's words.
    """

    captured_at: Moment = Field(alias="capturedAt")
    reversible: bool
    action: Name | None = None
    parameters: FreeObject | None = None
    before: FreeObject = Field(default_factory=dict)
    description: Message = ""


class JobStatus(StatusModel):
    """The one Job of this execution.

    Attributes
    ----------
    uid : str or None
        None between the intent and the create's answer.
    target_resource_version : str or None
        Of the target when the intent was stored.
    effect : str or None
        ``refused``, ``applied`` or ``unknown``; None while it runs.
    """

    name: ObjectName
    uid: Uid | None = None
    target_resource_version: Digest | None = Field(default=None, alias="targetResourceVersion")
    created_at: Moment | None = Field(default=None, alias="createdAt")
    finished_at: Moment | None = Field(default=None, alias="finishedAt")
    effect: Word | None = None
    message: Message = ""


class SeenTarget(StatusModel):
    """The target as first found; another object under the same name is another target."""

    uid: Uid
    resource_version: Digest | None = Field(default=None, alias="resourceVersion")
    generation: Generation | None = None


class KubernetesExecutionStatus(RunStatus):
    """The run.

    Attributes
    ----------
    engine : dict
        The resumable state; nobody else's business, and free to change its form.
    """

    validation_results: ValidationResults | None = Field(default=None, alias="validationResults")
    rollback_info: RollbackInfo | None = Field(default=None, alias="rollbackInfo")
    job: JobStatus | None = None
    target: SeenTarget | None = None
    engine: FreeObject = Field(default_factory=dict)
