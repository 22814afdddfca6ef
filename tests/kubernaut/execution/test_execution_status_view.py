"""The status that people and programs read: phases, the guide's results, rollback, Kubernetes' own conditions."""

import json
from typing import Any

import pytest
from helpers.execution_world import (
    FAILED,
    PASSED,
    START,
    JobPlan,
    World,
    a_denial,
    a_run,
    drive,
    go_on,
    post,
    pre,
)

from kubernaut.errors import InputError
from kubernaut.execution.decide import begin
from kubernaut.execution.job_seen import Effect
from kubernaut.execution.status_json import from_json, to_json
from kubernaut.execution.status_view import status_view
from kubernaut.execution.types import LockHolder
from kubernaut.facts.baseline import Baseline, ContainerBaseline
from kubernaut.identity import Phase
from kubernaut.verdicts import Code, Judgement, Reason


def _view(world: World, *, until_s: float | None = None, **fields: Any) -> Any:
    (driver,) = drive(world, a_run(**fields), until_s=until_s)
    assert driver.resource.view is not None
    return driver.resource.view


def _conditions(view: Any) -> dict[str, str]:
    return {one["type"]: one["status"] for one in view["conditions"]}


def test_a_run_that_succeeded() -> None:
    """Show all there is of it."""
    view = _view(World(conditions=(pre(), post())), generation=3)
    assert (view["phase"], view["result"], view["observedGeneration"]) == ("succeeded", "succeeded", 3)
    assert view["message"] == "replicas 2 -> 5"
    results = view["validationResults"]
    assert results["safetyPolicyPassed"] is True
    assert results["dryRunSucceeded"] is True
    assert results["dryRunMessage"] == "replicas 2 -> 5"
    (before,), (after,) = results["preConditionResults"], results["postConditionResults"]
    assert before["conditionType"] == "capacity"
    assert (before["evaluated"], before["passed"], before["verdict"]) == (True, True, "Passed")
    assert before["evaluationTime"].startswith("2026-03-01T12:00:00.")
    assert (before["level"], before["phase"], before["action"]) == ("action", "pre", "scale_deployment")
    assert (before["enforced"], before["policySource"]) == (True, "shipped")
    assert after["heldSince"]
    assert after["deadline"]
    assert after["attempts"] == 1
    assert view["job"]["effect"] == "applied"
    assert view["target"] == {"uid": "target-1", "resourceVersion": "1", "generation": 1}
    rollback = view["rollbackInfo"]
    assert rollback["before"]["replicas"] == 2
    assert view["incidentId"] == "uid-1"
    assert _conditions(view) == {"Succeeded": "True", "Reconciling": "False", "Stalled": "False"}


def test_the_guides_error_message() -> None:
    """Write ``type: message``, at most 256 characters."""
    long = Judgement(Code.FAILED, Reason.NOT_ALLOWED, "no\x1b room " * 100)
    view = _view(World(conditions=(pre(),), verdicts=lambda *_: long), until_s=10.0)
    (result,) = view["validationResults"]["preConditionResults"]
    assert result["errorMessage"].startswith("capacity: no room")
    assert len(result["errorMessage"]) <= 256
    assert (view["phase"], view["reason"]) == ("blocked", "PreconditionFailed")
    assert _conditions(view) == {"Succeeded": "Unknown", "Reconciling": "True", "Stalled": "True"}


def test_a_failed_postcondition() -> None:
    """Show how often it was looked at and until when."""
    world = World(
        conditions=(post(), post("warned", required=False)),
        verdicts=lambda phase, _key, _at: FAILED if phase is Phase.POST else PASSED,
    )
    view = _view(world)
    enforced, warned = view["validationResults"]["postConditionResults"]
    assert (enforced["verdict"], enforced["enforced"], warned["enforced"]) == ("Failed", True, False)
    assert enforced["attempts"] > 3
    assert _conditions(view)["Succeeded"] == "False"


def test_an_unknown_end_is_neither_true_nor_false() -> None:
    """Leave `Succeeded` unknown."""
    view = _view(World(plans={"uid-1": JobPlan(told=Effect.UNKNOWN)}))
    assert view["phase"] == "unknown"
    assert _conditions(view) == {"Succeeded": "Unknown", "Reconciling": "False", "Stalled": "False"}


def test_safety_denials_are_listed() -> None:
    """Show each of them."""
    view = _view(World(denials=lambda _at: (a_denial(), a_denial(why="no scale to zero"))))
    assert view["validationResults"]["safetyPolicyPassed"] is False
    assert len(view["validationResults"]["safetyDenials"]) == 2


def test_conditions_keep_their_time_of_transition() -> None:
    """Change it only when the status changes, as `kubectl wait` and people expect."""
    world = World(conditions=(pre(), post()))
    (driver,) = drive(world, a_run(), until_s=1.0)
    early: Any = driver.resource.view

    go_on(world, [driver])
    late: Any = driver.resource.view
    times = [{one["type"]: one["lastTransitionTime"] for one in view["conditions"]} for view in (early, late)]
    assert times[0]["Stalled"] == times[1]["Stalled"]
    assert times[0]["Succeeded"] != times[1]["Succeeded"]


def test_results_are_kept_when_they_cannot_be_told_any_more() -> None:
    """Keep what was stored after a restart that has not had the conditions again."""
    world = World(conditions=(pre(), post()))
    (driver,) = drive(world, a_run())
    assert driver.resource.status is not None
    forgotten = from_json(driver.resource.status)
    view = status_view(a_run(), forgotten, before=driver.resource.view)
    assert view["validationResults"] == (driver.resource.view or {})["validationResults"]


def test_the_whole_status_is_bounded() -> None:
    """Stay far below what an API server takes, with as much of everything as there can be."""
    many = {f"pod-{n:036}": {"web": ContainerBaseline(restarts=9)} for n in range(500)}
    conditions = [make(f"condition_{n}") for make in (pre, post) for n in range(64)]
    wordy = Judgement(Code.PASSED, Reason.ALLOWED, "x" * 1024)
    world = World(conditions=tuple(conditions), verdicts=lambda *_: wordy, baseline=Baseline(containers=many))
    view = _view(world)
    assert len(json.dumps(view)) < 600_000


def test_a_status_that_nobody_wrote_is_refused() -> None:
    """Never go on from a guess."""
    good = to_json(begin(now=START))
    assert from_json(good) == begin(now=START)
    for wrong in ({}, {**good, "version": 2}, {**good, "step": "dance"}, {**good, "startedAt": "noon"}):
        with pytest.raises(InputError, match=r"status\.engine cannot be read"):
            from_json(wrong)
    assert from_json({**good, "ofANewerVersion": 1}) == begin(now=START)


def test_a_restart_reads_back_every_deadline() -> None:
    """Round trip while waiting for the lock, where deadlines abound."""
    held = {"kubernaut-target-target-1": LockHolder(execution_uid="other", name="shop/other")}
    (driver,) = drive(World(leases=held), a_run(), until_s=10.0)
    assert driver.resource.status is not None
    status = from_json(driver.resource.status)
    assert status.waiting_until is not None
    assert status.waiting_for == "shop/other"
