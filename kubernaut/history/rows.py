"""The five kinds of rows, typed; what a file of history is made of.

Formats (JSON Lines, Parquet) are not known here. Times are aware `datetime` in UTC. A `record_id` names what a row is
about; a newer row of the same id replaces the older one (`recorded_at` decides), so an outcome that arrives days later
is simply written again.

Relations: an `EvaluationRow` belongs to one run of one step (`execution_uid`) of one workflow (`workflow_uid`) of one
incident (`incident_id`); its attempts carry its `record_id` as `evaluation_id`; facts live in attempts only.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from kubernaut.identity import ConditionId, Level, Phase
from kubernaut.json_types import JsonObject
from kubernaut.verdicts import Attempt, Verdict

SCHEMA_VERSION = 1
"""Raised when a field changes its meaning; new optional fields do not raise it."""


class RowKind(StrEnum):
    """Name of a kind of rows; also the stem of its files."""

    ATTEMPTS = "attempts"
    EVALUATIONS = "evaluations"
    EXECUTIONS = "executions"
    WORKFLOWS = "workflows"
    POLICIES = "policies"


class Purpose(StrEnum):
    """Whether a step ran to remediate or to roll back."""

    FORWARD = "forward"
    ROLLBACK = "rollback"


class Outcome(StrEnum):
    """What the workflow did for the incident; never the success of a Job."""

    EFFECTIVE = "effective"
    INEFFECTIVE = "ineffective"
    INCONCLUSIVE = "inconclusive"


class OutcomeSource(StrEnum):
    """Who says so. Only labels independent of the conditions' own facts may gate; `HEALTH` is display only."""

    PERSON = "person"
    QUERY = "query"
    ALERT = "alert"
    PROBE = "probe"
    HEALTH = "health"


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptRow:
    """One poll of one condition: what was seen and what the policy said of it.

    Attributes
    ----------
    evaluation_id : str
        `record_id` of the evaluation it belongs to.
    slot : int
        Poll number, from 0; a pure function of start, UID and condition, so it needs no storage elsewhere.
    read_started_at, read_at : datetime
        When the read of the facts began and ended.
    facts : JsonObject
        The tree the policy saw.
    unobserved : mapping of str to str
        Path to ``Reason: detail``.
    recorded_paths : tuple of str, or None
        The paths kept of the snapshot; None means all of it.
    candidate : bool
        A challenger's attempt: judged on the same snapshot, never enforced.
    """

    record_id: str
    recorded_at: datetime
    evaluation_id: str
    incident_id: str
    execution_uid: str
    action: str
    level: Level
    phase: Phase
    type: str
    slot: int
    read_started_at: datetime
    read_at: datetime
    policy_digest: str
    facts: JsonObject
    unobserved: Mapping[str, str] = field(default_factory=dict)
    recorded_paths: tuple[str, ...] | None = None
    result: Attempt
    reason: str = ""
    message: str = ""
    fatal: bool = False
    candidate: bool = False

    @property
    def condition(self) -> ConditionId:
        """The condition judged."""
        return ConditionId(self.action, self.level, self.phase, self.type)


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectVersion:
    """An object that was read, so that the same look can be checked later."""

    kind: str
    namespace: str
    name: str
    uid: str
    resource_version: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EvaluationRow:
    """One condition of one run, settled.

    Attributes
    ----------
    bucket : int
        0..9999, the incident's place in the rollout.
    percent : float
        Rollout percent in force, 0..100.
    p_ran : float
        Probability that this run was let through, over the rollout's randomness; 1 when nothing required failed.
    started_at : datetime
        Preconditions: when the read began. Postconditions: the action's end, from which time to pass counts.
    deadline : datetime or None
        Postconditions only.
    extended : bool
        The deadline was moved because nobody was looking.
    time_to_pass_s : float or None
        From `started_at` to `held_since`; None when it did not pass. The true value lies in
        ``(time_to_pass_lower_s, time_to_pass_s]``: the last look that had not passed and the first that had.
    observed_until : datetime or None
        The last look, which may lie after the pass.
    attempts : int
        Looks taken.
    """

    record_id: str
    recorded_at: datetime
    cluster_uid: str
    incident_id: str
    workflow_uid: str
    execution_uid: str
    step: int
    purpose: Purpose = Purpose.FORWARD
    action: str
    level: Level
    phase: Phase
    type: str
    candidate: bool = False
    policy_digest: str
    policy_source: str
    settings_digest: str
    validation_enabled: bool = True
    required: bool
    enforced: bool
    bucket: int
    percent: float
    p_ran: float = 1.0
    overridden: bool = False
    override_by: str = ""
    override_reason: str = ""
    verdict: Verdict
    reason: str = ""
    message: str = ""
    started_at: datetime
    read_at: datetime
    elapsed_s: float
    deadline: datetime | None = None
    extended: bool = False
    timeout_s: float
    poll_interval_s: float | None = None
    hold_for_s: float = 0.0
    held_since: datetime | None = None
    time_to_pass_s: float | None = None
    time_to_pass_lower_s: float | None = None
    observed_until: datetime | None = None
    attempts: int
    objects: tuple[ObjectVersion, ...] = ()
    namespace: str
    target_kind: str
    target_name: str
    target_uid: str = ""
    environment: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)
    trace_id: str = ""

    @property
    def condition(self) -> ConditionId:
        """The condition judged."""
        return ConditionId(self.action, self.level, self.phase, self.type)


@dataclass(frozen=True, slots=True, kw_only=True)
class ExecutionRow:
    """One step's run.

    Attributes
    ----------
    result : str
        ``succeeded``, ``failed``, ``denied``, ``blocked``, ``unknown`` or ``skipped``.
    action_started_at, action_ended_at : datetime or None
        None when the action never ran.
    stopped_by : tuple of str
        Text forms of the conditions whose enforced failure stopped it.
    blocked_s : float
        Seconds spent blocked; above 0 with a run means "released after a wait".
    rolled_back, cut_short : bool
        The run was not left alone; its outcome is no evidence about its conditions.
    """

    record_id: str
    recorded_at: datetime
    cluster_uid: str
    incident_id: str
    workflow_uid: str
    execution_uid: str
    step: int
    purpose: Purpose = Purpose.FORWARD
    action: str
    parameters: JsonObject = field(default_factory=dict)
    namespace: str
    target_kind: str
    target_name: str
    target_uid: str = ""
    environment: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    started_at: datetime
    action_started_at: datetime | None = None
    action_ended_at: datetime | None = None
    finished_at: datetime | None = None
    result: str
    message: str = ""
    stopped_by: tuple[str, ...] = ()
    blocked_s: float = 0.0
    rolled_back: bool = False
    cut_short: bool = False
    dry_run: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkflowRow:
    """One workflow and what it did for the incident.

    Attributes
    ----------
    outcome : Outcome or None
        None until it is known.
    outcome_at : datetime or None
        When the label arrived, which may be days later.
    detected_at, resolved_at : datetime or None
        Of the incident.
    result : str
        Final phase: ``completed``, ``failed``, ``rolled_back`` ...
    """

    record_id: str
    recorded_at: datetime
    cluster_uid: str
    incident_id: str
    workflow_uid: str
    namespace: str
    environment: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    detected_at: datetime | None = None
    started_at: datetime
    finished_at: datetime | None = None
    resolved_at: datetime | None = None
    result: str
    outcome: Outcome | None = None
    outcome_source: OutcomeSource | None = None
    outcome_at: datetime | None = None
    manual_intervention: bool = False
    rolled_back: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyRow:
    """The source behind a digest, so that history can be replayed long after the policy changed."""

    record_id: str
    recorded_at: datetime
    digest: str
    action: str
    level: Level
    phase: Phase
    type: str
    candidate: bool = False
    source: str
    libraries: Mapping[str, str] = field(default_factory=dict)
    metadata: JsonObject = field(default_factory=dict)


Row = AttemptRow | EvaluationRow | ExecutionRow | WorkflowRow | PolicyRow

ROW_TYPES: Mapping[RowKind, type[Row]] = {
    RowKind.ATTEMPTS: AttemptRow,
    RowKind.EVALUATIONS: EvaluationRow,
    RowKind.EXECUTIONS: ExecutionRow,
    RowKind.WORKFLOWS: WorkflowRow,
    RowKind.POLICIES: PolicyRow,
}
