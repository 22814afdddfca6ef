"""What both custom resources carry: incident, pinned set, results of conditions, Kubernetes' own conditions."""

from typing import Annotated

from pydantic import Field, StringConstraints

from kubernaut.conditions.spec import PolicySource
from kubernaut.identity import Level, Phase
from kubernaut.resources.fields import (
    MAX_ERROR_MESSAGE,
    Digest,
    Generation,
    IncidentId,
    Message,
    Moment,
    SpecModel,
    StatusModel,
    Uid,
    Word,
)
from kubernaut.verdicts import Verdict

MAX_RESULTS = 128
"""Of one list of results: a suite's conditions and those that the resource brings."""


class Incident(SpecModel):
    """What is being remediated.

    Attributes
    ----------
    id : str
        Of whoever detected it; runs of one incident share their rollout bucket.
    detected_at : datetime or None
        When it was noticed. Where it is left out, time to resolve is not known.
    """

    id: IncidentId
    detected_at: Moment | None = Field(default=None, alias="detectedAt")


class Pinned(StatusModel):
    """What a run was given when it left `pending`, and keeps.

    Attributes
    ----------
    digest : str
        Of both levels' condition sets.
    environment : str
        Which section of settings.yaml; empty when the namespace has none.
    bucket : int or None
        0..9999, the incident's place in the rollout; None where no rollout applies.
    safety_digest : str or None
        Of the safety policies as last asked; these are always read live.
    """

    digest: Digest
    environment: Annotated[str, StringConstraints(max_length=63)] = ""
    bucket: Annotated[int, Field(ge=0, le=9999)] | None = None
    safety_digest: Digest | None = Field(default=None, alias="safetyDigest")


class ConditionResult(StatusModel):
    """What one condition came to.

    Attributes
    ----------
    evaluated : bool
        False when it could not be judged (verdict `Error`), was skipped, or has not been looked at yet.
    passed : bool
    error_message : str
        ``<type>: <why not>``; empty when passed.
    evaluation_time : datetime or None
        Of the deciding look; None before the first.
    verdict : Verdict or None
        None while it is open.
    overridden : bool
        An enforced failure that a valid override let pass; `overridden_by` and `override_reason` say whose.
    attempts : int
        Looks so far.
    held_since : datetime or None
        Since when a postcondition has been true without a break.
    deadline : datetime or None
        Of a postcondition.
    """

    condition_type: Annotated[str, StringConstraints(max_length=63)] = Field(alias="conditionType")
    evaluated: bool
    passed: bool
    error_message: Annotated[str, StringConstraints(max_length=MAX_ERROR_MESSAGE)] = Field(
        default="", alias="errorMessage"
    )
    evaluation_time: Moment | None = Field(default=None, alias="evaluationTime")
    action: Annotated[str, StringConstraints(max_length=63)] = ""
    level: Level | None = Field(default=None, strict=False)
    phase: Phase | None = Field(default=None, strict=False)
    verdict: Verdict | None = Field(default=None, strict=False)
    reason: Word | None = None
    required: bool | None = None
    enforced: bool = False
    overridden: bool = False
    overridden_by: Annotated[str, StringConstraints(max_length=253)] | None = Field(default=None, alias="overriddenBy")
    override_reason: Message | None = Field(default=None, alias="overrideReason")
    policy_digest: Digest | None = Field(default=None, alias="policyDigest")
    policy_source: PolicySource | None = Field(default=None, alias="policySource", strict=False)
    attempts: Annotated[int, Field(ge=0, le=1_000_000)] = 0
    held_since: Moment | None = Field(default=None, alias="heldSince")
    deadline: Moment | None = None


class KubernetesCondition(StatusModel):
    """One entry of `status.conditions`, in the form that `kubectl wait` knows.

    Attributes
    ----------
    type : str
        ``Succeeded``, ``Reconciling`` or ``Stalled``.
    status : str
        ``True``, ``False`` or ``Unknown``.
    """

    type: Annotated[str, StringConstraints(min_length=1, max_length=316)]
    status: Annotated[str, StringConstraints(max_length=7, pattern="^(True|False|Unknown)$")]
    observed_generation: Generation | None = Field(default=None, alias="observedGeneration")
    last_transition_time: Moment = Field(alias="lastTransitionTime")
    reason: Annotated[str, StringConstraints(min_length=1, max_length=1024)]
    message: Annotated[str, StringConstraints(max_length=32768)] = ""


class RunStatus(StatusModel):
    """What the status of both kinds begins with.

    Attributes
    ----------
    phase : str
        An open enumeration for people; programs read `conditions`.
    reason : str or None
        CamelCase; None while there is nothing to explain.
    result : str or None
        How it ended; None before.
    """

    observed_generation: Generation | None = Field(default=None, alias="observedGeneration")
    phase: Word
    reason: Word | None = None
    message: Message = ""
    incident_id: IncidentId | None = Field(default=None, alias="incidentId")
    started_at: Moment | None = Field(default=None, alias="startedAt")
    finished_at: Moment | None = Field(default=None, alias="finishedAt")
    result: Word | None = None
    pinned: Pinned | None = None
    conditions: tuple[KubernetesCondition, ...] = Field(
        default=(),
        strict=False,
        max_length=16,
    )


Results = Annotated[tuple[ConditionResult, ...], Field(strict=False, max_length=MAX_RESULTS)]


class ObjectReference(SpecModel):
    """Another object of the same namespace.

    Attributes
    ----------
    name : str
        Its name.
    uid : str
        Its UID.
    """

    name: Annotated[str, StringConstraints(min_length=1, max_length=253)]
    uid: Uid
