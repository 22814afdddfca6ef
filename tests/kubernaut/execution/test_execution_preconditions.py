"""Preconditions inside a run: blocked and on, the second look, the switch, overrides."""

from typing import Any

import pytest
from helpers.execution_world import ERROR, FAILED, PASSED, Driver, World, a_run, drive, kinds, moment, post, pre

from kubernaut.enforcement import overrides
from kubernaut.execution.intents import CreateJob, SendDryRun
from kubernaut.execution.retrying import kind_of
from kubernaut.identity import Phase
from kubernaut.verdicts import Judgement, Verdict
from kubernaut.verification.types import EmitEvent


def _pre_fails(_phase: Phase, key: str, _at: float) -> Judgement:
    return FAILED if key == "capacity" else PASSED


def _status(driver: Driver) -> Any:
    assert driver.status is not None
    return driver.status


def test_blocked_until_the_deadline() -> None:
    """Say which condition blocks and why; fail at the deadline, the action never ran."""
    world = World(conditions=(pre(), post()), verdicts=_pre_fails, blocked_deadline_s=120.0)
    (driver,) = drive(world, a_run(), until_s=10.0)
    stored: Any = driver.resource.status
    assert (stored["phase"], stored["reason"]) == ("blocked", "PreconditionFailed")
    assert stored["message"] == "capacity: not so"
    (driver,) = drive(
        world := World(conditions=(pre(), post()), verdicts=_pre_fails, blocked_deadline_s=120.0), a_run()
    )
    status = _status(driver)
    assert (status.phase, status.reason, status.result.row_result) == ("failed", "PreconditionFailed", "blocked")
    assert status.post.verdict("running") is Verdict.SKIPPED
    assert SendDryRun.__name__ not in kinds(world, "uid-1")


def test_a_zero_deadline_is_the_guides_blocked() -> None:
    """End `blocked`."""
    world = World(conditions=(pre(),), verdicts=_pre_fails, blocked_deadline_s=0.0)
    (driver,) = drive(world, a_run())
    assert _status(driver).phase == "blocked"
    assert _status(driver).over
    assert not world.leases


def test_a_warning_blocks_nothing() -> None:
    """Go on when the failed precondition is in warn mode."""
    world = World(conditions=(pre(rollout_percent=0.0),), verdicts=_pre_fails)
    (driver,) = drive(world, a_run())
    assert _status(driver).phase == "succeeded"
    assert _status(driver).pre.verdict("capacity") is Verdict.FAILED


def test_the_global_switch_lets_a_blocked_run_go() -> None:
    """Follow the switch while blocked."""

    def off(world: World) -> None:
        world.enforcement = False

    world = World(conditions=(pre(),), verdicts=_pre_fails, happenings=[(35.0, off)])
    (driver,) = drive(world, a_run())
    assert _status(driver).phase == "succeeded"
    assert 35.0 <= world.now_s < 60.0


def _override(until_s: float, condition: str = "capacity") -> dict[str, str]:
    return {
        overrides.CONDITION: condition,
        overrides.REASON: "pool is being enlarged",
        overrides.BY: "alice",
        overrides.UNTIL: moment(until_s).isoformat(),
    }


def test_an_override_lets_a_blocked_run_go() -> None:
    """Follow a person's annotations, and say who and why."""

    def annotate(world: World) -> None:
        world.overrides = _override(1000.0)

    world = World(conditions=(pre(),), verdicts=_pre_fails, happenings=[(35.0, annotate)])
    (driver,) = drive(world, a_run())
    status = _status(driver)
    assert status.phase == "succeeded"
    assert status.pre.overridden["capacity"].by == "alice"
    told = [entry.intent for entry in world.of("uid-1") if isinstance(entry.intent, EmitEvent)]
    assert any(event.reason == "ConditionOverridden" and "alice" in event.message for event in told)


def test_an_override_that_cannot_be_used_is_said_once() -> None:
    """Tell what is wrong with it, in one Event however often it is read."""
    wrong = {key: value for key, value in _override(1000.0).items() if key != overrides.REASON}
    world = World(conditions=(pre(),), verdicts=_pre_fails, overrides=wrong, blocked_deadline_s=100.0)
    (driver,) = drive(world, a_run())
    told = [entry.intent for entry in world.of("uid-1") if isinstance(entry.intent, EmitEvent)]
    assert [event.reason for event in told].count("OverrideIgnored") == 1
    assert _status(driver).phase == "failed"


def test_a_target_that_moves_is_looked_at_again() -> None:
    """Go back to the preconditions when the target changed after the dry run; the first look stays the vote."""

    def touch(world: World) -> None:
        world.target.generation += 1

    world = World(conditions=(pre(),), upon={"CaptureRollback": touch})
    (driver,) = drive(world, a_run())
    status = _status(driver)
    assert status.phase == "succeeded"
    assert status.rounds == 1
    assert status.pre.preconditions["capacity"].attempts == 2
    assert kinds(world, "uid-1").count("SendDryRun") == 2
    assert len(world.effects) == 1


def test_a_target_that_fails_on_the_second_look_is_blocked() -> None:
    """Block on what the second look says, and go on when it recovers."""

    def touch(world: World) -> None:
        world.target.generation += 1

    def verdicts(_phase: Phase, _key: str, at_s: float) -> Judgement:
        return FAILED if world.target.generation > 1 and at_s < 50.0 else PASSED

    world = World(conditions=(pre(),), upon={"CaptureRollback": touch}, verdicts=verdicts)
    (driver,) = drive(world, a_run())
    status = _status(driver)
    assert status.phase == "succeeded"
    assert status.pre.verdict("capacity") is Verdict.PASSED
    assert world.now_s > 50.0


@pytest.mark.parametrize("validation", [True, False])
def test_a_target_that_keeps_moving_is_left_alone(validation: bool) -> None:
    """Give up after a few rounds, with or without conditions."""

    def touch(world: World) -> None:
        world.target.generation += 1

    world = World(conditions=(pre(), post()), happenings=[(0.01 * n, touch) for n in range(11, 200)])
    (driver,) = drive(world, a_run(validation_enabled=validation))
    status = _status(driver)
    assert (status.phase, status.reason) == ("failed", "TargetKeepsChanging")
    assert "6th time" in status.message
    assert CreateJob.__name__ not in kinds(world, "uid-1")
    assert not world.effects


def test_old_preconditions_are_asked_again() -> None:
    """Judge once more what was judged before a minute of failing dry runs."""
    world = World(
        conditions=(pre(),),
        fails=lambda intent, at_s: "busy" if isinstance(intent, SendDryRun) and at_s < 100.0 else "",
    )
    (driver,) = drive(world, a_run())
    assert _status(driver).phase == "succeeded"
    assert _status(driver).pre.preconditions["capacity"].attempts == 2
    assert _status(driver).rounds == 1


def test_facts_that_cannot_be_read_are_an_error_in_the_end() -> None:
    """Try to read for ten minutes; then nothing could be judged, which blocks."""
    world = World(
        conditions=(pre(),),
        fails=lambda intent, at_s: "no answer" if kind_of(intent) == "ReadFacts/pre" and at_s < 650.0 else "",
    )
    (driver,) = drive(world, a_run(), until_s=620.0)
    assert _status(driver).phase == "blocked"
    assert "facts could not be read: no answer" in _status(driver).message
    (again,) = drive(world2 := World(conditions=(pre(),), fails=world.fails), a_run())
    assert _status(again).phase == "succeeded"
    assert world2.effects


def test_an_error_that_warns_blocks_nothing() -> None:
    """Go on when the precondition that could not be judged is in warn mode."""
    world = World(conditions=(pre(rollout_percent=0.0),), verdicts=lambda *_: ERROR)
    (driver,) = drive(world, a_run())
    assert _status(driver).phase == "succeeded"


def test_validation_off_skips_every_condition() -> None:
    """Run without conditions; safety and the dry run are asked all the same."""
    world = World(conditions=(pre(), post()), verdicts=lambda *_: FAILED)
    (driver,) = drive(world, a_run(validation_enabled=False))
    status = _status(driver)
    assert status.phase == "succeeded"
    assert "not verified: validation is off" in status.message
    assert status.pre.verdict("capacity") is Verdict.SKIPPED
    assert status.post.verdict("running") is Verdict.SKIPPED
    done = kinds(world, "uid-1")
    assert "JudgeSafety" in done
    assert "SendDryRun" in done


def test_a_spent_budget_sets_a_condition_back_to_warn() -> None:
    """Enforce nothing that the block budget has set back when the run left `pending`, also after a restart."""
    condition = pre()
    world = World(conditions=(condition,), verdicts=_pre_fails, budget_spent=frozenset({str(condition.id)}))
    (driver,) = drive(world, a_run())
    assert _status(driver).phase == "succeeded"
    assert _status(driver).pinned.budget_spent == (str(condition.id),)
