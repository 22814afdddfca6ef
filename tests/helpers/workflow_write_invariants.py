"""What holds of a workflow's writes whatever happens to the operator, told of all that were carried out, in order.

Each step has one execution for each purpose, made after the status that names it. Nothing begins before all that it
depends on is verified, nor after a failure; nothing is taken back that did not start, nor before what depends on it.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from helpers.faulty_api import Request

Made = dict[str, dict[tuple[int, str], Request]]
"""Executions by UID of the workflow, then by step and purpose."""

CLOSED = frozenset({"completed", "failed", "skipped", "rolled_back"})


def check_workflow_writes(changes: Iterable[Request]) -> Made:
    """Check all changes that the operators behind one proxy made, in their order, and give the executions made.

    Raises
    ------
    AssertionError
        Names the write that should not have been.
    """
    told: dict[str, Mapping[str, Any]] = {}
    made: Made = {}
    for change in changes:
        if "/workflowexecutions/" in change.path and change.path.endswith("/status"):
            told[change.body["metadata"]["uid"]] = change.body
        elif change.method == "POST" and change.path.endswith("/kubernetesexecutions"):
            spec = change.body["spec"]
            workflow = spec["workflowRef"]["uid"]
            steps = made.setdefault(workflow, {})
            key = (spec["stepNumber"], spec["purpose"])
            assert key not in steps, f"a second execution of {key}: {change}, after {steps.get(key)}"
            assert workflow in told, f"no status is stored yet: {change}"
            _check_made(change, key, told[workflow], steps)
            steps[key] = change
    return made


def _check_made(
    change: Request, key: tuple[int, str], workflow: Mapping[str, Any], made: Mapping[tuple[int, str], Request]
) -> None:
    number, purpose = key
    stored = {step["stepNumber"]: step for step in workflow["status"]["stepStatuses"]}
    needs = {
        step["stepNumber"]: step.get("dependsOn") or () for step in workflow["spec"]["workflowDefinition"]["steps"]
    }
    named = stored[number].get("execution" if purpose == "forward" else "rollbackExecution") or {}
    assert named.get("name") == change.body["metadata"]["name"], f"no status names it yet: {change}"
    if purpose == "forward":
        for needed in needs[number]:
            assert stored[needed]["phase"] == "completed", f"step {needed} is not verified yet: {change}"
            unmet = [one["conditionType"] for one in _enforced(stored[needed]) if not one.get("passed")]
            assert not unmet, f"{unmet} of step {needed} did not pass: {change}"
        assert not any(purpose == "rollback" for _, purpose in made), f"it goes back already: {change}"
        return
    assert (number, "forward") in made, f"what did not start is taken back: {change}"
    open_ = [one for one, step in stored.items() if step["phase"] not in CLOSED]
    assert not open_, f"steps {open_} are not over: {change}"
    for other, back in made:
        if back == "rollback" or number in needs[other]:
            assert stored[other]["phase"] == "rolled_back", f"step {other} is not taken back yet: {change}"


def _enforced(step: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    results = step.get("postConditionResults") or ()
    return (one for one in results if one.get("enforced") and not one.get("overridden"))
