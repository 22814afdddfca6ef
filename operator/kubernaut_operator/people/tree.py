"""A run as a tree of lines: workflow, steps, what each step's execution is doing, and what every condition says.

Made from what the API server holds and the time, and of nothing else; how it looks on a terminal is `drawing`'s. Every
text was written by somebody, so each is cleaned of what would steer a terminal here, where lines are made.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from kubernaut.durations import format_duration
from kubernaut.policy.wording import clean_message
from kubernaut.verdicts import Verdict
from kubernaut.verification.status_json import moment_of
from kubernaut.workflow.reasons import Why
from kubernaut_operator.people.runs import Run

Json = Mapping[str, Any]


class Mark(StrEnum):
    """What a line is to its reader, at a glance."""

    GOOD = "good"
    BAD = "bad"
    STOPPED = "stopped"
    UNSURE = "unsure"
    GOING = "going"
    WAITING = "waiting"
    PASSED_OVER = "passed over"


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One line and those below it.

    Attributes
    ----------
    name : str
        What it is about.
    word : str
        Its phase or verdict.
    notes : tuple of str
        Short words beside it: how long it took, whose override it is.
    message : str
        Why it is so.
    """

    mark: Mark
    name: str
    word: str = ""
    notes: tuple[str, ...] = ()
    message: str = ""
    below: tuple["Line", ...] = ()


_PHASES = {
    "completed": Mark.GOOD,
    "succeeded": Mark.GOOD,
    "rolled_back": Mark.UNSURE,
    "failed": Mark.BAD,
    "denied": Mark.BAD,
    "rollback_failed": Mark.BAD,
    "blocked": Mark.STOPPED,
    "paused": Mark.STOPPED,
    "unknown": Mark.UNSURE,
    "pending": Mark.WAITING,
    "skipped": Mark.PASSED_OVER,
}
_VERDICTS = {
    Verdict.PASSED: Mark.GOOD,
    Verdict.FAILED: Mark.BAD,
    Verdict.ERROR: Mark.UNSURE,
    Verdict.SKIPPED: Mark.PASSED_OVER,
    Verdict.CENSORED: Mark.PASSED_OVER,
}


def tree_of(run: Run, *, now: datetime, short: bool = False, with_namespace: bool = False) -> Line:
    """Give a run's tree.

    Parameters
    ----------
    short : bool
        For a list of many: one that is over is a line, of the others only what is not well is told.
    with_namespace : bool
        Whether its name is told with the namespace.
    """
    name = f"{run.namespace}/{run.name}" if with_namespace else run.name
    below: tuple[Line, ...] = ()
    if not (short and run.over):
        below = tuple(_steps(run, now=now)) if run.is_workflow else tuple(_inside(run.manifest))
    if short:
        below = tuple(line for line in map(_unwell, below) if run.is_workflow or line.mark is not Mark.GOOD)
    return _line(run.manifest, name=f"{'workflow' if run.is_workflow else 'execution'} {name}", below=below, now=now)


def _line(manifest: Json, *, name: str, below: tuple[Line, ...], now: datetime) -> Line:
    status = manifest.get("status") or {}
    phase = _clean(status.get("phase", "")) or "not seen yet"
    notes = [_lasted(status, now=now)]
    if "deletionTimestamp" in manifest["metadata"] and not status.get("result"):
        notes.append("being cancelled")
    if status.get("outcome"):
        notes.append(f"{_clean(status['outcome'])}, says {_clean(status.get('outcomeSource', 'nobody'))}")
    if status.get("rollbackInfo", {}).get("reversible") is False and phase == "failed":
        notes.append("cannot be undone")
    message = status.get("message", "")
    if not status:
        message = "no operator has looked at it yet"
    return Line(
        mark=_PHASES.get(phase, Mark.GOING) if status else Mark.WAITING,
        name=name,
        word=phase,
        notes=tuple(note for note in (_reason(status, phase), *notes) if note),
        message=_clean(message),
        below=below,
    )


def _reason(status: Json, phase: str) -> str:
    """Give the reason where it says more than the phase."""
    reason = _clean(status.get("reason", ""))
    well = _PHASES.get(phase) is Mark.GOOD or reason == Why.SUCCEEDED
    return "" if well or reason.lower() == phase.replace("_", "") else reason


def _lasted(status: Json, *, now: datetime) -> str:
    if not status.get("startedAt"):
        return ""
    end = moment_of(status["finishedAt"]) if status.get("finishedAt") else now
    lasted_s = max(round((end - moment_of(status["startedAt"])).total_seconds()), 0)
    return format_duration(lasted_s)


# --- steps ---


def _steps(run: Run, *, now: datetime) -> Iterable[Line]:
    known = {step["stepNumber"]: step for step in run.status.get("stepStatuses") or ()}
    for step in run.manifest["spec"]["workflowDefinition"]["steps"]:
        yield _step(step, known.get(step["stepNumber"]) or {"phase": "pending"}, run, now=now)


def _step(step: Json, status: Json, run: Run, *, now: datetime) -> Line:
    title = _clean(step.get("name", "") or step["action"])
    named = f"step {step['stepNumber']} {title}"
    below = [
        *_conditions(status.get("preConditionResults") or ()),
        *_execution(status.get("execution"), run, what="execution", now=now),
        *_conditions(status.get("postConditionResults") or ()),
        *_execution(status.get("rollbackExecution"), run, what="rollback", now=now),
    ]
    phase = _clean(status["phase"])
    notes = [_reason(status, phase), _lasted(status, now=now)]
    if phase == "pending" and step.get("dependsOn"):
        notes.append(f"after {', '.join(str(number) for number in step['dependsOn'])}")
    return Line(
        mark=_PHASES.get(phase, Mark.GOING),
        name=named if step.get("name", "") in ("", step["action"]) else f"{named} ({_clean(step['action'])})",
        word=phase,
        notes=tuple(note for note in notes if note),
        message=_clean(status.get("message", "")),
        below=tuple(below),
    )


def _execution(reference: Json | None, run: Run, *, what: str, now: datetime) -> Iterable[Line]:
    if reference is None:
        return
    name = _clean(reference["name"])
    found = run.executions.get(reference["name"])
    if found is None:
        yield Line(mark=Mark.WAITING, name=f"{what} {name}", message="it is not there any more, or not yet")
        return
    yield _line(found, name=f"{what} {name}", below=tuple(_inside(found)), now=now)


def _inside(execution: Json) -> Iterable[Line]:
    """Tell of what an execution did, in its order."""
    status = execution.get("status") or {}
    found = status.get("validationResults") or {}
    if found.get("safetyPolicyPassed") is not None:
        denials = "; ".join(map(str, found.get("safetyDenials") or ()))
        passed = found["safetyPolicyPassed"]
        yield Line(
            mark=Mark.GOOD if passed else Mark.BAD,
            name="safety policies",
            word="Passed" if passed else "Denied",
            message=_clean(denials),
        )
    yield from _conditions(found.get("preConditionResults") or ())
    if found.get("dryRunSucceeded") is not None:
        accepted = found["dryRunSucceeded"]
        yield Line(
            mark=Mark.GOOD if accepted else Mark.BAD,
            name="dry run",
            word="accepted" if accepted else "refused",
            message=_clean(found.get("dryRunMessage", "")),
        )
    job = status.get("job")
    if job:
        effect = _clean(job.get("effect", "")) or "running"
        marks = {"applied": Mark.GOOD, "refused": Mark.BAD, "unknown": Mark.UNSURE}
        yield Line(
            mark=marks.get(effect, Mark.GOING),
            name=f"job {_clean(job['name'])}",
            word=effect,
            message=_clean(job.get("message", "")),
        )
    yield from _conditions(found.get("postConditionResults") or ())


# --- conditions ---


def _conditions(results: Iterable[Json]) -> Iterable[Line]:
    return map(condition_line, results)


def condition_line(result: Json) -> Line:
    """Tell what one condition came to."""
    verdict = result.get("verdict")
    mark, word = Mark.WAITING, "not yet"
    if verdict in set(Verdict):
        mark, word = _VERDICTS[Verdict(verdict)], str(verdict)
    elif result.get("heldSince"):
        mark, word = Mark.GOING, f"holds since {_clock(result['heldSince'])}"
    elif result.get("attempts"):
        mark = Mark.GOING
    notes = []
    if result.get("overridden"):
        mark = Mark.UNSURE
        notes.append(f"overridden by {_clean(result.get('overriddenBy', ''))}")
    elif mark in (Mark.BAD, Mark.UNSURE) and not result.get("enforced"):
        mark = Mark.UNSURE
        notes.append("not enforced")
    if verdict is None and result.get("deadline"):
        notes.append(f"until {_clock(result['deadline'])}")
    if result.get("overrideReason"):
        notes.append(_clean(result["overrideReason"]))
    return Line(
        mark=mark,
        name=f"{_clean(result.get('phase', ''))} {_clean(result['conditionType'])}".strip(),
        word=_clean(word),
        notes=tuple(notes),
        message=said_by(result),
    )


def said_by(result: Json) -> str:
    """Give what a condition says, without its name in front."""
    return _clean(result.get("errorMessage", "")).removeprefix(f"{_clean(result['conditionType'])}: ")


def _unwell(line: Line) -> Line:
    """Leave out what is well below a line; below one that is well, everything."""
    below = () if line.mark is Mark.GOOD else tuple(map(_unwell, line.below))
    return Line(
        mark=line.mark,
        name=line.name,
        word=line.word,
        notes=line.notes,
        message=line.message,
        below=tuple(one for one in below if one.mark is not Mark.GOOD),
    )


def _clock(moment: str) -> str:
    return moment_of(moment).strftime("%H:%M:%SZ")


def _clean(text: object) -> str:
    return clean_message(str(text))
