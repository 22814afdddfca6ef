"""What ends a run before anything is locked: parameters, target, conditions, access, safety."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from helpers.execution_world import (
    FAILED,
    PASSED,
    Driver,
    JobPlan,
    StandingTarget,
    World,
    a_denial,
    a_run,
    drive,
    go_on,
    kinds,
    post,
    pre,
)

from kubernaut.actions.definition import ActionTarget
from kubernaut.execution.intents import CreateJob, Intent, JudgeSafety, PinConditions, ReadTarget, TakeLock
from kubernaut.execution.run import ExecutionRun
from kubernaut.execution.status import ExecutionStatus
from kubernaut.safety import Denial
from kubernaut.verdicts import Code, Judgement


def _end(world: World, run: ExecutionRun | None = None) -> ExecutionStatus:
    (driver,) = drive(world, run or a_run())
    assert driver.status is not None
    assert driver.status.over
    return driver.status


def _nothing_was_done(world: World) -> bool:
    done = kinds(world, "uid-1")
    return TakeLock.__name__ not in done and CreateJob.__name__ not in done and not world.leases


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"action": "scale_deploymnt"}, "did you mean scale_deployment"),
        ({"parameters": {"deployment": {"name": "web", "namespace": "shop"}}}, "replicas"),
        ({"parameters": {"deployment": {"name": "--web", "namespace": "shop", "replicas": 1}}}, "--web"),
        (
            {"declared_target": ActionTarget(api_version="apps/v1", kind="Deployment", namespace="shop", name="other")},
            "write the same object in both",
        ),
    ],
)
def test_parameters_that_cannot_be_used(fields: dict[str, Any], words: str) -> None:
    """Fail before anything is read, and say what is wrong."""
    world = World()
    status = _end(world, a_run(**fields))
    assert (status.phase, status.reason) == ("failed", "InvalidParameters")
    assert words in status.message
    assert ReadTarget.__name__ not in kinds(world, "uid-1")


@pytest.mark.parametrize(
    ("target", "reason"),
    [
        (StandingTarget(there=False), "TargetNotFound"),
        (StandingTarget(deleting=True), "TargetTerminating"),
    ],
)
def test_a_target_that_cannot_be_acted_on(target: StandingTarget, reason: str) -> None:
    """Fail without a lock: a 404 is an answer."""
    world = World(target=target)
    status = _end(world)
    assert (status.phase, status.reason) == ("failed", reason)
    assert _nothing_was_done(world)


def test_access_that_is_missing() -> None:
    """Deny, name account and right, and say how a namespace opts in."""
    world = World(missing=("patch deployments/scale in namespace shop",))
    status = _end(world)
    assert (status.phase, status.reason) == ("denied", "AccessDenied")
    assert "kubernaut-scale-deployment may not patch deployments/scale in namespace shop" in status.message
    assert "RoleBinding" in status.message
    assert _nothing_was_done(world)


def test_an_author_whom_nobody_asked() -> None:
    """Deny a target elsewhere while the admission policy on targets is missing."""
    world = World(author_unchecked=True)
    status = _end(world)
    assert (status.phase, status.reason) == ("denied", "AccessDenied")
    assert "nobody asked whether the author may act there" in status.message
    assert _nothing_was_done(world)


def test_a_safety_policy_that_says_no() -> None:
    """Deny at once; the postconditions never ran."""
    world = World(conditions=(pre(), post()), denials=lambda _at: (a_denial(), a_denial()))
    status = _end(world)
    assert (status.phase, status.reason) == ("denied", "SafetyDenied")
    assert status.message == "safety.protected: protected namespace (and 1 more)"
    assert world.now_s < 1.0
    assert _nothing_was_done(world)
    assert status.pre is not None
    assert status.post is not None
    assert {state.reason for state in status.post.postconditions.values()} == {"ActionNeverRan"}
    assert status.result is not None
    assert status.result.row_result == "denied"


def test_a_safety_policy_that_cannot_be_judged_is_a_denial_in_the_end() -> None:
    """Try again for half a minute, then fail closed."""
    world = World(denials=lambda _at: (a_denial(Code.ERROR, "no evaluator"),))
    status = _end(world)
    assert (status.phase, status.reason) == ("denied", "SafetyDenied")
    assert 30.0 <= world.now_s < 60.0
    assert _nothing_was_done(world)


def test_a_safety_policy_that_can_be_judged_again() -> None:
    """Forget a hiccup of the evaluator."""

    def denials(at_s: float) -> tuple[Denial, ...]:
        return (a_denial(Code.ERROR, "no evaluator"),) if at_s < 10.0 else ()

    status = _end(World(denials=denials))
    assert status.phase == "succeeded"
    assert not status.denials


def _failing(kind: type[Intent]) -> Callable[[Intent, float], str]:
    return lambda intent, _at: "no answer" if isinstance(intent, kind) else ""


def test_safety_that_nobody_can_ask_is_a_denial() -> None:
    """Fail closed when the look behind it never succeeds."""
    world = World(fails=_failing(JudgeSafety))
    status = _end(world)
    assert (status.phase, status.reason) == ("denied", "SafetyDenied")
    assert "no answer" in status.message


def test_conditions_that_cannot_be_resolved_for_ever() -> None:
    """Give up when they could not be had for ten minutes."""
    world = World(fails=_failing(PinConditions))
    status = _end(world)
    assert (status.phase, status.reason) == ("failed", "InvalidConditions")
    assert 600.0 <= world.now_s < 660.0


def test_the_message_says_what_is_tried_again() -> None:
    """Let a person see why a run does not move."""
    world = World(fails=_failing(ReadTarget))
    (driver,) = drive(world, a_run(), until_s=100.0)
    stored: Any = driver.resource.status
    assert stored["message"] == "trying again: no answer"
    assert list(stored["retries"]) == ["ReadTarget"]
    assert driver.resource.writes == 1


def test_a_target_made_anew_under_its_name_is_another_one() -> None:
    """Fail when, after a wait, another object bears the name."""

    def make_anew(world: World) -> None:
        world.target.uid = "target-2"

    world = World(conditions=(pre(),), happenings=[(20.0, make_anew)])
    world.verdicts = lambda _phase, _key, at_s: _failed_before(at_s)
    status = _end(world)
    assert (status.phase, status.reason) == ("failed", "TargetReplaced")
    assert not world.effects


def _failed_before(at_s: float) -> Judgement:
    return FAILED if at_s < 25.0 else PASSED


@pytest.mark.parametrize(("until_s", "phase"), [(0.5, "unknown"), (2.5, "unknown")])
def test_a_catalogue_that_has_lost_the_action_ends_the_run(until_s: float, phase: str) -> None:
    """End a run that a newer operator no longer understands, whatever it was doing, and clean up after it."""
    world = World(conditions=(pre(), post()), plans={"uid-1": JobPlan(takes_s=2.0)})
    (driver,) = drive(world, a_run(), until_s=until_s)
    driver.status, driver.resource.run = None, replace(driver.resource.run, action="scale_it")
    _finish(world, driver)
    assert driver.status is not None
    assert (driver.status.phase, driver.status.reason) == (phase, "InvalidParameters")
    assert not world.leases
    view: Any = driver.resource.view
    assert view["rollbackInfo"]["reversible"] is False
    assert view["validationResults"]["preConditionResults"]


def test_conditions_that_are_lost_while_looking_on_change_no_result() -> None:
    """Stop looking beside a result whose conditions cannot be had again after a restart."""
    world = World(conditions=(post(required=False, hold_for_s=15.0),))
    (driver,) = drive(world, a_run(), until_s=6.0)
    assert driver.status is not None
    assert driver.status.result is not None
    driver.status, world.cannot = None, {PinConditions: "inline rego may not run any more"}
    _finish(world, driver)
    assert driver.status is not None
    assert (driver.status.phase, driver.status.over) == ("succeeded", True)


def test_notes_about_the_spec_are_an_event() -> None:
    """Tell once what of the custom resource was not followed."""
    world = World(notes=("spec.preConditions[0]: required is false here",))
    drive(world, a_run())
    reasons = [getattr(entry.intent, "reason", "") for entry in world.of("uid-1")]
    assert reasons.count("SpecNotFollowed") == 1


def test_the_incident_is_that_of_the_last_run_on_the_target() -> None:
    """Follow the default rule; a custom resource's own id wins."""
    for own, wanted in (("", "incident-0"), ("mine", "mine")):
        world = World(last_incident="incident-0")
        status = _end(world, a_run(incident_id=own))
        assert status.pinned is not None
        assert status.pinned.incident_id == wanted


def test_a_set_that_is_gone_is_told_and_the_current_one_used() -> None:
    """Go on by the current set after a restart that no longer has the run's own."""
    world = World(conditions=(pre(), post(hold_for_s=5.0)))
    (driver,) = drive(world, a_run(), until_s=4.0)
    world.digest, world.conditions = "set-2", (pre(), pre("more"), post(hold_for_s=5.0), post("new"))
    driver.status = None
    _finish(world, driver)
    assert driver.status is not None
    assert driver.status.phase == "succeeded"
    assert driver.status.pinned is not None
    assert driver.status.pinned.digest == "set-1"
    assert driver.status.pinned.note == "the condition set is gone"
    assert driver.status.post is not None
    assert set(driver.status.post.postconditions) == {"running", "new"}


def _finish(world: World, driver: Driver) -> None:
    driver.next_s = world.now_s
    go_on(world, [driver])
