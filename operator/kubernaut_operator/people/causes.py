"""What stands in a run's way, or ended it: each hold with its place, its condition and until when it may last.

Read from status and the engine's own state in it, without asking anybody; what helps against a hold is `why`'s to say.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from kubernaut.errors import InputError
from kubernaut.execution import status_json as execution_json
from kubernaut.execution.reasons import Why as ExecutionWhy
from kubernaut.execution.status import ExecutionStatus
from kubernaut.identity import Phase
from kubernaut.resources.execution import ExecutionPhase
from kubernaut.resources.workflow import StepPhase, WorkflowPhase
from kubernaut.verdicts import Verdict
from kubernaut.workflow import status_json as workflow_json
from kubernaut.workflow.keys import StepKey
from kubernaut.workflow.reasons import Why as WorkflowWhy
from kubernaut.workflow.status import WorkflowStatus
from kubernaut_operator.kernel.api import Manifest
from kubernaut_operator.people.runs import Run

Json = Mapping[str, Any]


class Kind(StrEnum):
    """What sort of hold it is: what helps follows from it."""

    UNSEEN = "unseen"
    APPROVAL = "approval"
    PAUSE = "pause"
    PRECONDITION = "precondition"
    POSTCONDITION = "postcondition"
    SAFETY = "safety"
    ACCESS = "access"
    LOCK = "lock"
    RETRY = "retry"
    OTHER = "other"


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    """One thing that a run waits for, or that ended it.

    Attributes
    ----------
    where : str
        ``step 2``, ``execution scale-web``.
    ended : bool
        It is no hold any more: it failed what it stood in the way of.
    message : str
        As the status says it; not cleaned.
    until : datetime or None
        When waiting ends.
    result : mapping or None
        The condition's result.
    of : dict
        The object whose status tells it.
    step : int
    """

    kind: Kind
    where: str
    message: str
    of: Manifest
    ended: bool = False
    until: datetime | None = None
    result: Json | None = None
    step: int = 1

    @property
    def entry(self) -> str:
        """What an override calls the condition; empty where there is none."""
        if self.result is None:
            return ""
        return f"{self.step}/{self.result['level']}/{self.result['phase']}/{self.result['conditionType']}"


_STOPPED = frozenset({Verdict.FAILED.value, Verdict.ERROR.value})
_KINDS = {
    ExecutionWhy.SAFETY_DENIED: Kind.SAFETY,
    ExecutionWhy.ACCESS_DENIED: Kind.ACCESS,
    ExecutionWhy.TARGET_LOCKED: Kind.LOCK,
    WorkflowWhy.ACCESS_DENIED: Kind.ACCESS,
}
_BAD_ENDS = frozenset({ExecutionPhase.FAILED, ExecutionPhase.DENIED, ExecutionPhase.UNKNOWN, ExecutionPhase.BLOCKED})


def holds_of(run: Run) -> tuple[Hold, ...]:
    """Give everything that a run waits for, or else what ended it; empty for one that goes on or ended well."""
    if not run.status:
        where = "workflow" if run.is_workflow else "execution"
        return (Hold(kind=Kind.UNSEEN, where=where, message="no operator has looked at it yet", of=run.manifest),)
    return tuple(_of_workflow(run) if run.is_workflow else _of_execution(run.manifest, where="execution"))


def _of_workflow(run: Run) -> Iterator[Hold]:
    status, state = run.status, _workflow_state(run.manifest)
    phase, message, over = status["phase"], status.get("message", ""), run.over
    until = None if state is None or over else state.deadline
    if status.get("reason") == WorkflowWhy.AWAITING_APPROVAL:
        yield Hold(kind=Kind.APPROVAL, where="workflow", message=message, of=run.manifest, until=until)
        return
    if phase == WorkflowPhase.PAUSED:
        yield Hold(kind=Kind.PAUSE, where="workflow", message=message, of=run.manifest, until=until)
    found = [hold for step in status.get("stepStatuses") or () for hold in _of_step(run, step, state)]
    yield from found
    for retry in () if state is None or over else state.retries.values():
        yield Hold(kind=Kind.RETRY, where="workflow", message=retry.why, of=run.manifest, until=retry.until)
    if not found and phase in (WorkflowPhase.FAILED, WorkflowPhase.ROLLBACK_FAILED, WorkflowPhase.BLOCKED):
        kind = _KINDS.get(status.get("reason", ""), Kind.OTHER)
        yield Hold(kind=kind, where="workflow", message=message, of=run.manifest, ended=over)


def _of_step(run: Run, step: Json, state: WorkflowStatus | None) -> Iterator[Hold]:
    number, phase = step["stepNumber"], step["phase"]
    where, failed = f"step {number}", phase in (StepPhase.FAILED, StepPhase.ROLLED_BACK)
    pre = None if state is None else state.state(StepKey(number)).pre
    until = None if pre is None or pre.decided else pre.blocked_until
    conditions = list(_conditions(step, of=run.manifest, where=where, step=number, until=until, over=failed))
    inside: list[Hold] = []
    for reference, purpose in (("execution", ""), ("rollbackExecution", "rollback of ")):
        named = (step.get(reference) or {}).get("name")
        execution = run.executions.get(named) if named else None
        if execution is not None:
            inside += _of_execution(execution, where=f"{purpose}{where}, its execution")
    yield from conditions
    yield from inside
    if phase in (StepPhase.BLOCKED, StepPhase.FAILED) and not conditions and not inside:
        kind = _KINDS.get(step.get("reason", ""), Kind.OTHER)
        yield Hold(kind=kind, where=where, message=step.get("message", ""), of=run.manifest, ended=failed, step=number)


def _of_execution(manifest: Manifest, *, where: str) -> Iterator[Hold]:
    status: Json = manifest.get("status") or {}
    if not status:
        yield Hold(kind=Kind.UNSEEN, where=where, message="no operator has looked at it yet", of=manifest)
        return
    state, phase, over = _execution_state(manifest), status["phase"], bool(status.get("result"))
    step = int(manifest["spec"].get("stepNumber", 1))
    message = str(status.get("message", ""))
    if status.get("reason") == ExecutionWhy.TARGET_LOCKED:
        until = None if state is None else state.waiting_until
        yield Hold(kind=Kind.LOCK, where=where, message=message, of=manifest, ended=over, until=until, step=step)
        return
    pre = None if state is None else state.pre
    until = None if pre is None or pre.decided else pre.blocked_until
    results = status.get("validationResults") or {}
    found = list(_conditions(results, of=manifest, where=where, step=step, until=until, over=over))
    yield from found
    for retry in () if state is None or over else state.retries.values():
        yield Hold(kind=Kind.RETRY, where=where, message=retry.why, of=manifest, until=retry.until, step=step)
    if phase in _BAD_ENDS and not found:
        kind = _KINDS.get(status.get("reason", ""), Kind.OTHER)
        yield Hold(kind=kind, where=where, message=message, of=manifest, ended=over, step=step)


def _conditions(
    results: Json, *, of: Manifest, where: str, step: int, until: datetime | None, over: bool
) -> Iterator[Hold]:
    """Give the enforced conditions that stop, and the postconditions that are waited for."""
    for result in (*(results.get("preConditionResults") or ()), *(results.get("postConditionResults") or ())):
        if not result.get("enforced") or result.get("overridden") or result.get("passed"):
            continue
        before, verdict = result.get("phase") == Phase.PRE.value, result.get("verdict")
        if (before and verdict not in _STOPPED) or verdict == Verdict.SKIPPED.value:
            continue
        yield Hold(
            kind=Kind.PRECONDITION if before else Kind.POSTCONDITION,
            where=where,
            message=result.get("errorMessage", ""),
            of=of,
            ended=over or (not before and verdict in _STOPPED),
            until=until if before else _deadline(result),
            result=result,
            step=step,
        )


def _deadline(result: Json) -> datetime | None:
    if result.get("verdict") is not None or not result.get("deadline"):
        return None
    return datetime.fromisoformat(result["deadline"])


def _workflow_state(manifest: Manifest) -> WorkflowStatus | None:
    """Read the engine's own state; None where it is not to be understood, which costs the deadlines only."""
    try:
        return workflow_json.from_json((manifest.get("status") or {}).get("engine") or {})
    except InputError:
        return None


def _execution_state(manifest: Manifest) -> ExecutionStatus | None:
    try:
        return execution_json.from_json((manifest.get("status") or {}).get("engine") or {})
    except InputError:
        return None
