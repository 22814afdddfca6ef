"""What keeps failing is tried again, ever more slowly; the rule itself is `kubernaut.execution.retries`.

Each intent of each step has its own row of failures, so a step that cannot be read holds up no other.
"""

from dataclasses import replace
from datetime import datetime, timedelta

from kubernaut.execution.retries import failed_again
from kubernaut.workflow.intents import Intent, StageIntent
from kubernaut.workflow.keys import StepKey
from kubernaut.workflow.progress import Call
from kubernaut.workflow.status import WorkflowStatus
from kubernaut.workflow.types import CouldNot


def failure_kind(intent: Intent) -> str:
    """Give the name that an intent's failures are counted under."""
    key = getattr(intent, "key", None)
    name = (
        f"{type(intent.intent).__name__}/{intent.phase}" if isinstance(intent, StageIntent) else type(intent).__name__
    )
    return name if key is None else f"{name} of {key}"


def take_in(status: WorkflowStatus, call: Call, *, before: WorkflowStatus) -> WorkflowStatus:
    """Count the failures among the answers; those that are final go into `call.failures`."""
    waits = dict(status.memory.next_try_at)
    rows = dict(status.retries)
    for failed in [entry for entry in call.answers if isinstance(entry, CouldNot)]:
        kind = failure_kind(failed.intent)
        row, waits[kind] = failed_again(
            rows.get(kind), failed.why, now=call.now, seen_at=before.seen_at, retry_after_s=failed.retry_after_s
        )
        rows[kind] = row
        if not failed.retry or call.now >= row.until:
            call.failures[kind] = failed
    call.answers = [entry for entry in call.answers if not isinstance(entry, CouldNot)]
    return replace(status, retries=rows, memory=replace(status.memory, next_try_at=waits))


def answered(status: WorkflowStatus, intent: Intent) -> WorkflowStatus:
    """Forget the failures of what has been answered now."""
    kind = failure_kind(intent)
    if kind not in status.retries and kind not in status.memory.next_try_at:
        return status
    return replace(
        status,
        retries={name: row for name, row in status.retries.items() if name != kind},
        memory=replace(
            status.memory,
            next_try_at={name: moment for name, moment in status.memory.next_try_at.items() if name != kind},
        ),
    )


def forget_failures(status: WorkflowStatus, key: StepKey) -> WorkflowStatus:
    """Forget the failures of a step that has its result: nothing of it is tried any longer."""
    return replace(
        status, retries={name: row for name, row in status.retries.items() if name.partition(" of ")[2] != str(key)}
    )


def ask(status: WorkflowStatus, call: Call, intent: Intent, *, again_s: float) -> None:
    """Ask for something, unless it failed a moment ago; and be called again if no answer comes."""
    wait_until: datetime | None = status.memory.next_try_at.get(failure_kind(intent))
    if wait_until is not None and call.now < wait_until:
        call.wake(wait_until)
        return
    call.ask(intent)
    call.wake(call.now + timedelta(seconds=again_s))
