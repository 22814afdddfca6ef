"""What is fixed about one KubernetesExecution: its custom resource, and what it is judged by."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from kubernaut.actions.definition import ActionTarget
from kubernaut.conditions.spec import ResolvedCondition
from kubernaut.history.rows import Purpose
from kubernaut.json_types import JsonObject
from kubernaut.verification.types import DEFAULT_BLOCKED_DEADLINE_S, DEFAULT_OBSERVED_SHARE


@dataclass(frozen=True, slots=True, kw_only=True)
class ExecutionRun:
    """What is fixed about one execution: its custom resource's spec and metadata.

    Attributes
    ----------
    uid, namespace, name : str
        Of the custom resource.
    generation : int
        `metadata.generation`; what `observedGeneration` says.
    action : str
        As written; it may not exist.
    parameters : mapping
        As written; not checked yet.
    declared_target : ActionTarget or None
        `spec.targetResource`; None when it was not given. The parameters must name the same object.
    incident_id : str
        Empty: the default one (DESIGN 4).
    workflow_uid : str
        Empty for an execution of its own.
    dry_run : bool
        Ends after the dry run; nothing is changed.
    validation_enabled : bool
        False: every condition ends `Skipped`. Safety policies and the dry run are asked all the same.
    timeout_s : float or None, unit s
        Of the action's Job; None means the action's own.
    labels : mapping of str to str
        The allow-listed ones, for history.
    wake_ahead_s : float, unit s
        How far before a deadline a read may begin; 0 on a virtual clock, 0.25 for a live driver.
    """

    uid: str
    namespace: str
    name: str
    action: str
    parameters: JsonObject
    generation: int = 1
    declared_target: ActionTarget | None = None
    incident_id: str = ""
    detected_at: datetime | None = None
    step: int = 1
    workflow_uid: str = ""
    purpose: Purpose = Purpose.FORWARD
    dry_run: bool = False
    validation_enabled: bool = True
    timeout_s: float | None = None
    labels: Mapping[str, str] = field(default_factory=dict)
    wake_ahead_s: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class RunConditions:
    """What a run is judged by, resolved from the sets it is pinned to.

    Attributes
    ----------
    digest : str
        Of the sets, as `PinnedSets.digest`.
    conditions : tuple of ResolvedCondition
        Of the action level, both phases, in the order of `Resolution.conditions`.
    environment : str
        Value of the namespace's label; empty without one.
    rollout : str
        `rollout` of settings.yaml, which deals the buckets.
    budget_spent : frozenset of str
        Text forms of conditions that the block budget has set back to warn now.
    notes : tuple of str
        What of the custom resource was not followed, or that the pinned set is gone (`PinChoice.note`).
    """

    digest: str
    conditions: tuple[ResolvedCondition, ...] = ()
    environment: str = ""
    rollout: str = "default"
    budget_spent: frozenset[str] = frozenset()
    blocked_deadline_s: float = DEFAULT_BLOCKED_DEADLINE_S
    observed_share: float = DEFAULT_OBSERVED_SHARE
    notes: tuple[str, ...] = ()
