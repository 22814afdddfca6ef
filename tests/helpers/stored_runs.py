"""Histories of stored looks for tests: one call a run, verdicts by the engine, nothing but what matters said."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from kubernaut_simulator.history.history import History

from kubernaut.enforcement.rollout import bucket_of
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
from kubernaut.identity import ConditionId, Phase
from kubernaut.json_types import JsonObject
from kubernaut.verdicts import Attempt, Verdict

START = datetime(2026, 2, 1, tzinfo=UTC)
ACTION = "scale_deployment"
CLUSTER = "cluster-1"

LETTERS: Mapping[str, Attempt] = {
    "p": Attempt.PASSED,
    "n": Attempt.NOT_YET,
    "f": Attempt.FAILED,
    "e": Attempt.ERROR,
}
"""What one look said, as one letter."""


def condition(text: str) -> ConditionId:
    """Read ``level/phase/type`` of the one action."""
    return ConditionId.parse(f"{ACTION}/{text}")


@dataclass(frozen=True, kw_only=True)
class Judged:
    """One condition of one run.

    Attributes
    ----------
    looks : str
        One letter a look, every 10 s from 10 s on; empty: nothing was kept but the verdict.
    facts : sequence of JsonObject
        One per look; empty: none.
    """

    verdict: Verdict
    looks: str = ""
    facts: Sequence[JsonObject] = ()
    changes: Mapping[str, Any] = field(default_factory=dict)


def passed(looks: str = "", **changes: Any) -> Judged:
    """Give a condition that passed."""
    return Judged(verdict=Verdict.PASSED, looks=looks, changes=changes)


def failed(looks: str = "", **changes: Any) -> Judged:
    """Give a condition that failed."""
    return Judged(verdict=Verdict.FAILED, looks=looks, changes=changes)


def run(
    number: int,
    judged: Mapping[str, Judged],
    *,
    good: bool | None = True,
    hour: float | None = None,
    incident: str | None = None,
    environment: str = "",
    policy_digest: str = "digest",
) -> list[Row]:
    """Give all rows of one workflow of one run.

    Parameters
    ----------
    judged : mapping of str to Judged
        By ``level/phase/type``.
    good : bool or None
        What it did; None: not known.
    hour : float or None
        After `START`; None: the run's number.
    """
    at = START + timedelta(hours=number if hour is None else hour)
    key = RunKey(cluster_uid=CLUSTER, workflow_uid=f"workflow-{number}", execution_uid=f"run-{number}", step=1)
    incident_id = f"incident-{number}" if incident is None else incident
    common: dict[str, Any] = {
        "cluster_uid": CLUSTER,
        "incident_id": incident_id,
        "workflow_uid": f"workflow-{number}",
        "namespace": "shop",
        "environment": environment,
    }
    rows: list[Row] = []
    for text, one in judged.items():
        rows += _condition_rows(key, condition(text), one, at, {**common, "policy_digest": policy_digest})
    named: dict[str, Any] = {
        "execution_uid": f"run-{number}",
        "step": 1,
        "target_kind": "Deployment",
        "target_name": f"web-{number}",
    }
    rows.append(
        ExecutionRow(
            record_id=key.execution_id(),
            recorded_at=at + timedelta(minutes=10),
            action=ACTION,
            started_at=at,
            finished_at=at + timedelta(minutes=5),
            result="succeeded",
            **common,
            **named,
        )
    )
    known: dict[str, Any] = {
        "outcome": Outcome.EFFECTIVE if good else Outcome.INEFFECTIVE,
        "outcome_source": OutcomeSource.ALERT,
        "outcome_at": at + timedelta(hours=1),
    }
    rows.append(
        WorkflowRow(
            record_id=workflow_id(cluster_uid=CLUSTER, workflow_uid=f"workflow-{number}"),
            recorded_at=at + timedelta(hours=1),
            started_at=at,
            finished_at=at + timedelta(minutes=5),
            result="completed",
            **common,
            **({} if good is None else known),
        )
    )
    return rows


def policy_row(text: str, source: str, digest: str) -> PolicyRow:
    """Give the source behind a digest."""
    found = condition(text)
    return PolicyRow(
        record_id=policy_id(found, digest=digest),
        recorded_at=START,
        digest=digest,
        action=found.action,
        level=found.level,
        phase=found.phase,
        type=found.type,
        source=source,
    )


def history_of(*runs: Sequence[Row], late_h: float = 1000.0) -> History:
    """Make a history; it ends so late that every label is of age."""
    rows: list[Row] = [row for own in runs for row in own]
    end = policy_row("step/pre/nothing", "package p\n", "none")
    changed = {name: getattr(end, name) for name in end.__dataclass_fields__}
    rows.append(PolicyRow(**{**changed, "recorded_at": START + timedelta(hours=late_h)}))
    return History.from_rows(rows)


def _condition_rows(key: RunKey, found: ConditionId, one: Judged, at: datetime, common: Mapping[str, Any]) -> list[Row]:
    post = found.phase is Phase.POST
    began = [at + timedelta(seconds=10.0 * (slot + 1) if post else 0.0) for slot in range(len(one.looks))]
    read = [instant + timedelta(seconds=0.5) for instant in began]
    named: dict[str, Any] = {
        "incident_id": common["incident_id"],
        "execution_uid": key.execution_uid,
        "action": found.action,
        "level": found.level,
        "phase": found.phase,
        "type": found.type,
        "policy_digest": common["policy_digest"],
    }
    rows: list[Row] = [
        AttemptRow(
            record_id=key.attempt_id(found.level, found.phase, found.type, slot=slot),
            recorded_at=read[slot],
            evaluation_id=key.evaluation_id(found.level, found.phase, found.type),
            slot=slot,
            read_started_at=began[slot],
            read_at=read[slot],
            facts=one.facts[slot] if one.facts else {},
            recorded_paths=None,
            result=LETTERS[letter],
            reason="",
            fatal=post and letter == "f",
            **named,
        )
        for slot, letter in enumerate(one.looks)
    ]
    end = read[-1] if read else at + timedelta(seconds=0.5)
    values: dict[str, Any] = {
        "record_id": key.evaluation_id(found.level, found.phase, found.type),
        "recorded_at": at + timedelta(minutes=10),
        "step": 1,
        "policy_source": "shipped",
        "settings_digest": "settings",
        "required": True,
        "enforced": False,
        "bucket": bucket_of("default", common["incident_id"]),
        "percent": 0.0,
        "verdict": one.verdict,
        "reason": "Fatal" if post and one.looks.endswith("f") else "",
        "started_at": at,
        "read_at": end,
        "elapsed_s": (end - at).total_seconds(),
        "deadline": at + timedelta(seconds=120) if post else None,
        "observed_until": end if post else None,
        "timeout_s": 120.0 if post else 10.0,
        "poll_interval_s": 10.0 if post else None,
        "attempts": len(one.looks),
        "target_kind": "Deployment",
        "target_name": f"web-{key.execution_uid.removeprefix('run-')}",
    }
    rows.append(EvaluationRow(**{**common, **named, **values, **one.changes}))
    return rows
