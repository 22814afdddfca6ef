"""What people say to a run: annotations that the API server's admission policies guard, and deletion.

The API server decides who may. Here it is only seen to that what is said can be understood: an override names
conditions that there are, in the form that the operator reads, and its author is whoever the API server says we are.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta

from kubernaut.enforcement.overrides import BY, CONDITION, LONGEST, PREFIX, REASON, UNTIL, read_override
from kubernaut.errors import InputError
from kubernaut.history.rows import Outcome
from kubernaut.policy.wording import clean_message
from kubernaut.resources.names import APPROVE, OUTCOME, PAUSE
from kubernaut_operator.kernel.resources import Resource
from kubernaut_operator.people.causes import Kind, holds_of
from kubernaut_operator.people.reaching import Place, asking
from kubernaut_operator.people.runs import Run, find_run

SELF_SUBJECT_REVIEWS = Resource(
    group="authentication.k8s.io", version="v1", plural="selfsubjectreviews", kind="SelfSubjectReview", namespaced=False
)


def whoami(place: Place) -> str:
    """Give our user name, as the API server knows it."""
    asked = {"apiVersion": SELF_SUBJECT_REVIEWS.api_version, "kind": SELF_SUBJECT_REVIEWS.kind}
    return str(place.api.create(SELF_SUBJECT_REVIEWS, asked)["status"]["userInfo"]["username"])


def override(
    place: Place, name: str, conditions: Sequence[str], *, reason: str, for_s: float, replace: bool = False
) -> str:
    """Let conditions not stop a run, for a while, and say what was done.

    Parameters
    ----------
    conditions : sequence of str
        ``step/level/phase/type``, or a type alone; empty means all that block it now.
    for_s : float, unit s
    replace : bool
        In place of an override that is there; else one's own gains these conditions, and another's is left alone.

    Raises
    ------
    InputError
        No such condition, nothing blocks it, somebody else's override is there, or one may not.
    """
    now = datetime.now(UTC)
    if not timedelta() < timedelta(seconds=for_s) <= LONGEST:
        raise InputError("--for: an override lasts more than nothing and at most 24h")
    with asking():
        run = find_run(place, name)
        if run.over:
            raise InputError(f"{run} is over ({run.status['phase']}): there is nothing to let pass")
        wanted = list(conditions) or _blocking(run)
        by = whoami(place)
        wanted = [*([] if replace else _own(run, by=by)), *wanted]
        said = {
            CONDITION: ", ".join(dict.fromkeys(wanted)),
            REASON: reason,
            BY: by,
            UNTIL: (now + timedelta(seconds=for_s)).strftime("%Y-%m-%dT%H:%M:%SZ"),
        }
        _check(run, said, now=now)
        _annotate(place, run, said)
    return f"{run}: {by} overrides {said[CONDITION]} until {said[UNTIL]}"


def end_override(place: Place, name: str) -> str:
    """Take an override back."""
    with asking():
        run = find_run(place, name)
        there = [key for key in _annotations(run) if key.startswith(PREFIX)]
        if not there:
            raise InputError(f"{run} has no override")
        _annotate(place, run, dict.fromkeys(there))
    return f"{run}: the override is taken back"


def approve(place: Place, name: str) -> str:
    """Approve a workflow that waits for it."""
    with asking():
        run = _workflow(place, name)
        if not run.manifest["spec"].get("executionStrategy", {}).get("approvalRequired"):
            raise InputError(f"{run} asks for no approval (executionStrategy.approvalRequired)")
        by = whoami(place)
        _annotate(place, run, {APPROVE: by})
    return f"{run}: approved by {by}"


def pause(place: Place, name: str, *, on: bool) -> str:
    """Keep a workflow from beginning further steps, or let it go on."""
    with asking():
        run = _workflow(place, name)
        if run.over:
            raise InputError(f"{run} is over ({run.status['phase']})")
        if not on and PAUSE not in _annotations(run):
            raise InputError(f"{run} is not paused by anybody")
        _annotate(place, run, {PAUSE: "true" if on else None})
    return f"{run}: {'pauses; what has begun is brought to its end' if on else 'goes on'}"


def say_outcome(place: Place, name: str, outcome: Outcome) -> str:
    """Say what a workflow did for its incident."""
    with asking():
        run = _workflow(place, name)
        _annotate(place, run, {OUTCOME: outcome.value})
    return f"{run}: {outcome.value}, you say"


def cancel(place: Place, name: str) -> str:
    """Cancel a run: delete it; the operator brings to an end what has begun."""
    with asking():
        run = find_run(place, name)
        metadata = run.manifest["metadata"]
        place.api.delete(run.resource, run.name, run.namespace, uid=metadata["uid"])
    return f"{run}: cancelled" if not run.over else f"{run}: deleted; it was over ({run.status['phase']})"


def _workflow(place: Place, name: str) -> Run:
    run = find_run(place, name)
    if not run.is_workflow:
        raise InputError(f"{run} is no workflow: only workflows are approved, paused, or have an outcome")
    return run


def _annotations(run: Run) -> Mapping[str, str]:
    return run.manifest["metadata"].get("annotations") or {}


def _annotate(place: Place, run: Run, values: Mapping[str, str | None]) -> None:
    metadata = run.manifest["metadata"]
    change = {"metadata": {"uid": metadata["uid"], "annotations": dict(values)}}
    place.api.patch(run.resource, run.name, run.namespace, change)


def _blocking(run: Run) -> list[str]:
    found = [hold.entry for hold in holds_of(run) if hold.kind is Kind.PRECONDITION and not hold.ended]
    if not found:
        raise InputError(f"no precondition blocks {run} now; name the conditions that shall not stop it")
    return found


def _own(run: Run, *, by: str) -> list[str]:
    """Give what our own override of the run covers already."""
    there = _annotations(run)
    if CONDITION not in there:
        return []
    author = there.get(BY, "")
    if author != by:
        raise InputError(
            f"{run} has an override by {clean_message(author) or 'nobody'} ({clean_message(there[CONDITION])}); "
            "--replace puts yours in its place"
        )
    return [part.strip() for part in there[CONDITION].split(",") if part.strip()]


def _check(run: Run, said: Mapping[str, str], *, now: datetime) -> None:
    """See that the operator will understand it, and that it is about something."""
    reading = read_override(said, first_seen_at=now, now=now, admission_policy_present=True)
    if reading.problems or reading.override is None:
        raise InputError("; ".join(reading.problems) or "no condition is named")
    steps = {1}
    if run.is_workflow:
        steps = {step["stepNumber"] for step in run.manifest["spec"]["workflowDefinition"]["steps"]}
    elif "stepNumber" in run.manifest["spec"]:
        steps = {run.manifest["spec"]["stepNumber"]}
    for entry in reading.override.entries:
        if entry.step is not None and entry.step not in steps:
            known = ", ".join(str(number) for number in sorted(steps))
            raise InputError(f"{run} has no step {entry.step}; there are {known}")
