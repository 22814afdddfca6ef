"""An execution's status as JSON: `status.engine` of the custom resource, from which a restarted operator goes on.

Moments are RFC 3339, empty values are left out, and so is what is held in memory only. The reader refuses what it
cannot understand: going on from a guess could run an action twice.
"""

from collections.abc import Mapping

from kubernaut.execution.job_seen import Effect
from kubernaut.execution.retries import Retry
from kubernaut.execution.status import ExecutionStatus, JobStatus, Pin, Result, Rollback, Step, Target
from kubernaut.facts.baseline import Baseline
from kubernaut.json_forms import MOMENT, PLAIN, TEXTS, Form, part, parts, read_state, word, write
from kubernaut.json_types import JsonObject
from kubernaut.resources.execution import ExecutionPhase
from kubernaut.verification import status_json as stage_json

VERSION = 1
"""Raised when a field changes its meaning."""


_STAGE = Form(stage_json.to_json, stage_json.from_json)

_TARGET = {"uid": PLAIN, "resource_version": PLAIN, "generation": PLAIN, "replicas": PLAIN}
_PIN = {
    "digest": PLAIN,
    "incident_id": PLAIN,
    "bucket": PLAIN,
    "environment": PLAIN,
    "budget_spent": TEXTS,
    "note": PLAIN,
}
_RETRY = {"since": MOMENT, "until": MOMENT, "tries": PLAIN, "why": PLAIN}
_JOB = {
    "name": PLAIN,
    "asked_at": MOMENT,
    "deadline": MOMENT,
    "target_resource_version": PLAIN,
    "uid": PLAIN,
    "given_up": PLAIN,
    "absent": PLAIN,
    "created_at": MOMENT,
    "finished_at": MOMENT,
    "effect": word(Effect),
    "reason": PLAIN,
    "message": PLAIN,
}
_STATUS: Mapping[str, Form] = {
    "started_at": MOMENT,
    "seen_at": MOMENT,
    "step": word(Step),
    "then": word(Step),
    "phase": word(ExecutionPhase),
    "reason": PLAIN,
    "message": PLAIN,
    "target": part(Target, _TARGET),
    "pinned": part(Pin, _PIN),
    "checked_at": MOMENT,
    "safety_digest": PLAIN,
    "denials": TEXTS,
    "lock_asked": PLAIN,
    "locked": PLAIN,
    "waiting_since": MOMENT,
    "waiting_until": MOMENT,
    "waited_until": MOMENT,
    "waiting_for": PLAIN,
    "enforcement": PLAIN,
    "override_fingerprint": PLAIN,
    "override_seen_at": MOMENT,
    "pre": _STAGE,
    "post": _STAGE,
    "rounds": PLAIN,
    "dry_run_accepted": PLAIN,
    "would_change": PLAIN,
    "generation": PLAIN,
    "rollback": part(Rollback, {"captured_at": MOMENT, "info": PLAIN}),
    "baseline": Form(Baseline.to_json, Baseline.from_json),
    "job": part(JobStatus, _JOB),
    "retries": parts(part(Retry, _RETRY)),
    "result": part(Result, {"phase": word(ExecutionPhase), "at": MOMENT, "row_result": PLAIN, "cut_short": PLAIN}),
    "over": PLAIN,
}


def to_json(status: ExecutionStatus) -> JsonObject:
    """Give a status as a JSON object; what is in `memory` is left out."""
    return {"version": VERSION, **write(status, _STATUS)}


def from_json(document: JsonObject) -> ExecutionStatus:
    """Read a status back; unknown keys are left for newer versions.

    Raises
    ------
    InputError
        The document is not a status that `to_json` wrote.
    """
    return read_state(ExecutionStatus, document, _STATUS, version=VERSION)
