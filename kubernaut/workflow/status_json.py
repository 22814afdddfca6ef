"""A workflow's status as JSON: `status.engine` of the custom resource, from which a restarted operator goes on."""

from collections.abc import Mapping

from kubernaut.execution.retries import Retry
from kubernaut.history.rows import Outcome, OutcomeSource, Purpose
from kubernaut.json_forms import MOMENT, PLAIN, TEXTS, Form, part, parts, read_state, word, write
from kubernaut.json_types import JsonObject
from kubernaut.resources.workflow import StepPhase, WorkflowPhase
from kubernaut.workflow.keys import StepKey, Undo
from kubernaut.workflow.stage_form import STAGE
from kubernaut.workflow.status import (
    Ending,
    StepState,
    WorkflowOutcome,
    WorkflowPin,
    WorkflowResult,
    WorkflowStatus,
)

VERSION = 1
"""Raised when a field changes its meaning."""

_STEP = {
    "phase": word(StepPhase),
    "reason": PLAIN,
    "message": PLAIN,
    "started_at": MOMENT,
    "finished_at": MOMENT,
    "pre": STAGE,
    "post": STAGE,
    "asked_at": MOMENT,
    "execution_uid": PLAIN,
    "execution_over": PLAIN,
    "succeeded": PLAIN,
    "may_have_changed": PLAIN,
    "target_uid": PLAIN,
    "action_began_at": MOMENT,
    "action_ended_at": MOMENT,
    "undo": part(Undo, {"action": PLAIN, "parameters": PLAIN}),
}
_STATUS: Mapping[str, Form] = {
    "started_at": MOMENT,
    "seen_at": MOMENT,
    "deadline": MOMENT,
    "phase": word(WorkflowPhase),
    "reason": PLAIN,
    "message": PLAIN,
    "pinned": part(
        WorkflowPin,
        {
            "digest": PLAIN,
            "incident_id": PLAIN,
            "bucket": PLAIN,
            "environment": PLAIN,
            "budget_spent": TEXTS,
            "note": PLAIN,
            "replicas": PLAIN,
        },
    ),
    "checked": PLAIN,
    "approved_by": PLAIN,
    "manual_intervention": PLAIN,
    "enforcement": PLAIN,
    "override_fingerprint": PLAIN,
    "override_seen_at": MOMENT,
    "steps": Form(
        lambda steps: {_name(key): part(StepState, _STEP).write(state) for key, state in steps.items()},
        lambda document: {_key(name): part(StepState, _STEP).read(state) for name, state in document.items()},
    ),
    "ending": part(Ending, {"at": MOMENT, "reason": PLAIN, "message": PLAIN, "cancelled": PLAIN}),
    "result": part(WorkflowResult, {"phase": word(WorkflowPhase), "at": MOMENT}),
    "outcome": part(
        WorkflowOutcome,
        {"outcome": word(Outcome), "source": word(OutcomeSource), "at": MOMENT, "resolved_at": MOMENT},
    ),
    "retries": parts(part(Retry, {"since": MOMENT, "until": MOMENT, "tries": PLAIN, "why": PLAIN})),
    "over": PLAIN,
}


def to_json(status: WorkflowStatus) -> JsonObject:
    """Give a status as a JSON object; what is in `memory` is left out."""
    return {"version": VERSION, **write(status, _STATUS)}


def from_json(document: JsonObject) -> WorkflowStatus:
    """Read a status back; unknown keys are left for newer versions.

    Raises
    ------
    InputError
        The document is not a status that `to_json` wrote.
    """
    return read_state(WorkflowStatus, document, _STATUS, version=VERSION)


def _name(key: StepKey) -> str:
    return f"{key.number}/{key.purpose.value}"


def _key(name: str) -> StepKey:
    number, _, purpose = name.partition("/")
    return StepKey(int(number), Purpose(purpose))
