"""Rows of history for tests: a whole run in one call, every field of it open to change."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from kubernaut.history.ids import RunKey, policy_id, workflow_id
from kubernaut.history.rows import (
    AttemptRow,
    EvaluationRow,
    ExecutionRow,
    Outcome,
    OutcomeSource,
    PolicyRow,
    Row,
    WorkflowRow,
)
from kubernaut.identity import ConditionId, Level, Phase
from kubernaut.json_types import JsonObject
from kubernaut.verdicts import Attempt, Verdict

START = datetime(2026, 1, 31, 12, 0, tzinfo=UTC)
CLUSTER = "cluster-1"
ACTION = "scale_deployment"


def run_key(n: int) -> RunKey:
    """Give the key of the n-th run."""
    return RunKey(cluster_uid=CLUSTER, workflow_uid=f"workflow-{n}", execution_uid=f"execution-{n}", step=1)


def attempt(n: int = 0, *, slot: int = 0, facts: JsonObject | None = None, **changes: Any) -> AttemptRow:
    """Give a look of the n-th run's precondition."""
    at = START + timedelta(minutes=n, seconds=slot)
    key = run_key(n)
    values: dict[str, Any] = {
        "record_id": key.attempt_id(Level.STEP, Phase.PRE, "deployment_exists", slot=slot),
        "recorded_at": at,
        "evaluation_id": key.evaluation_id(Level.STEP, Phase.PRE, "deployment_exists"),
        "incident_id": f"incident-{n}",
        "execution_uid": f"execution-{n}",
        "action": ACTION,
        "level": Level.STEP,
        "phase": Phase.PRE,
        "type": "deployment_exists",
        "slot": slot,
        "read_started_at": at,
        "read_at": at + timedelta(milliseconds=40),
        "policy_digest": "digest-1",
        "facts": {"deployment_found": True} if facts is None else facts,
        "recorded_paths": ("deployment_found",),
        "result": Attempt.PASSED,
    }
    return AttemptRow(**(values | changes))


def evaluation(n: int = 0, **changes: Any) -> EvaluationRow:
    """Give the n-th run's precondition, settled."""
    at = START + timedelta(minutes=n)
    values: dict[str, Any] = {
        "record_id": run_key(n).evaluation_id(Level.STEP, Phase.PRE, "deployment_exists"),
        "recorded_at": at,
        "cluster_uid": CLUSTER,
        "incident_id": f"incident-{n}",
        "workflow_uid": f"workflow-{n}",
        "execution_uid": f"execution-{n}",
        "step": 1,
        "action": ACTION,
        "level": Level.STEP,
        "phase": Phase.PRE,
        "type": "deployment_exists",
        "policy_digest": "digest-1",
        "policy_source": "shipped",
        "settings_digest": "settings-1",
        "required": False,
        "enforced": False,
        "bucket": n,
        "percent": 0.0,
        "verdict": Verdict.PASSED,
        "started_at": at,
        "read_at": at + timedelta(milliseconds=40),
        "elapsed_s": 0.04,
        "timeout_s": 30.0,
        "attempts": 1,
        "namespace": "shop",
        "target_kind": "Deployment",
        "target_name": "web",
        "labels": {"team": "web"},
    }
    return EvaluationRow(**(values | changes))


def execution(n: int = 0, **changes: Any) -> ExecutionRow:
    """Give the n-th run."""
    at = START + timedelta(minutes=n)
    values: dict[str, Any] = {
        "record_id": run_key(n).execution_id(),
        "recorded_at": at,
        "cluster_uid": CLUSTER,
        "incident_id": f"incident-{n}",
        "workflow_uid": f"workflow-{n}",
        "execution_uid": f"execution-{n}",
        "step": 1,
        "action": ACTION,
        "parameters": {"deployment": {"name": "web", "namespace": "shop", "replicas": 5}},
        "namespace": "shop",
        "target_kind": "Deployment",
        "target_name": "web",
        "started_at": at,
        "action_started_at": at + timedelta(seconds=1),
        "action_ended_at": at + timedelta(seconds=3),
        "finished_at": at + timedelta(seconds=60),
        "result": "succeeded",
    }
    return ExecutionRow(**(values | changes))


def workflow(n: int = 0, **changes: Any) -> WorkflowRow:
    """Give the n-th workflow, effective by its alert."""
    at = START + timedelta(minutes=n)
    values: dict[str, Any] = {
        "record_id": workflow_id(cluster_uid=CLUSTER, workflow_uid=f"workflow-{n}"),
        "recorded_at": at,
        "cluster_uid": CLUSTER,
        "incident_id": f"incident-{n}",
        "workflow_uid": f"workflow-{n}",
        "namespace": "shop",
        "started_at": at,
        "finished_at": at + timedelta(seconds=70),
        "result": "completed",
        "outcome": Outcome.EFFECTIVE,
        "outcome_source": OutcomeSource.ALERT,
        "outcome_at": at + timedelta(minutes=5),
    }
    return WorkflowRow(**(values | changes))


def policy(**changes: Any) -> PolicyRow:
    """Give the policy of the precondition."""
    condition = ConditionId(ACTION, Level.STEP, Phase.PRE, "deployment_exists")
    values: dict[str, Any] = {
        "record_id": policy_id(condition, digest="digest-1"),
        "recorded_at": START,
        "digest": "digest-1",
        "action": ACTION,
        "level": Level.STEP,
        "phase": Phase.PRE,
        "type": "deployment_exists",
        "source": "package precondition\n\nimport rego.v1\n\nallow if input.deployment_found\n",
        "metadata": {"title": "The Deployment exists"},
    }
    return PolicyRow(**(values | changes))


def whole_run(n: int = 0, *, changes: Mapping[str, Any] | None = None) -> list[Row]:
    """Give all rows of the n-th run but its policy."""
    return [attempt(n), evaluation(n, **(changes or {})), execution(n), workflow(n)]
