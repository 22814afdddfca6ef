"""One live execution per target: who waits, for whom, for how long, and who gives the lock back."""

import pytest
from helpers.execution_world import JobPlan, World, a_run, drive, go_on, kinds, post, pre

from kubernaut.execution.intents import CaptureRollback, CreateJob, ReleaseLock, TakeLock
from kubernaut.execution.types import LockHolder
from kubernaut.verification.types import EmitEvent


def _held() -> dict[str, LockHolder]:
    return {"kubernaut-target-target-1": LockHolder(execution_uid="other", name="shop/other")}


def test_the_second_waits_and_says_for_whom() -> None:
    """Run one after the other; the second shows whom it waited for, once."""
    world = World(conditions=(pre(), post()), plans={"uid-1": JobPlan(takes_s=15.0)})
    first, second = drive(world, a_run("uid-1"), a_run("uid-2"))
    assert [driver.status and driver.status.phase for driver in (first, second)] == ["succeeded", "succeeded"]
    (job_1, job_2) = (entry.at_s for entry in world.done if isinstance(entry.intent, CreateJob))
    assert job_2 >= job_1 + 15.0
    told = [entry.intent for entry in world.of("uid-2") if isinstance(entry.intent, EmitEvent)]
    assert [event.reason for event in told] == ["TargetLocked", "Unblocked", "JobCreated", "Succeeded"]
    assert "shop/uid-1 acts on the same target" in told[0].message
    assert second.status is not None
    assert second.status.waited_until is not None


def test_waiting_ends_at_the_blocked_deadline() -> None:
    """Fail when the lock is not free in time; nothing was done, and another's lock is left alone."""
    world = World(leases=_held(), blocked_deadline_s=60.0)
    (driver,) = drive(world, a_run())
    status = driver.status
    assert status is not None
    assert (status.phase, status.reason) == ("failed", "TargetLocked")
    assert status.message == "shop/other acts on the same target; waited 1m for it"
    assert status.result is not None
    assert status.result.row_result == "blocked"
    assert world.now_s == pytest.approx(60.0, abs=1.0)
    assert world.leases == _held()
    assert CaptureRollback.__name__ not in kinds(world, "uid-1")


def test_no_waiting_where_blocked_is_the_end() -> None:
    """End `blocked` at once where the deadline is zero, as the guide has it."""
    world = World(leases=_held(), blocked_deadline_s=0.0)
    (driver,) = drive(world, a_run())
    assert driver.status is not None
    assert (driver.status.phase, driver.status.reason) == ("blocked", "TargetLocked")
    assert driver.status.over


def test_a_restart_while_waiting_keeps_the_deadline() -> None:
    """Hold the deadline in the status: the operator's absence in the middle moves nothing."""
    world = World(leases=_held(), blocked_deadline_s=60.0)
    (driver,) = drive(world, a_run(), until_s=20.0)
    driver.status = None
    driver.next_s = 30.0
    go_on(world, [driver])
    assert driver.status is not None
    assert driver.status.reason == "TargetLocked"
    assert world.now_s == pytest.approx(60.0, abs=1.0)


def test_a_lock_that_was_taken_away_is_missed_before_the_job() -> None:
    """Ask for the lock once more before the change: somebody may have deleted the Lease."""

    def stolen(world: World) -> None:
        world.leases.update(_held())

    world = World(conditions=(pre(), post()), upon={"SendDryRun": stolen}, blocked_deadline_s=30.0)
    (driver,) = drive(world, a_run())
    assert driver.status is not None
    assert driver.status.reason == "TargetLocked"
    assert not world.effects


def test_a_lock_that_cannot_be_taken_for_ever() -> None:
    """Give up after ten minutes, and try to give back what may have been taken."""
    world = World(fails=lambda intent, _at: "no answer" if isinstance(intent, TakeLock) else "")
    (driver,) = drive(world, a_run())
    assert driver.status is not None
    assert (driver.status.phase, driver.status.reason) == ("failed", "GaveUp")
    assert "TakeLock could not be carried out: no answer" in driver.status.message
    assert ReleaseLock.__name__ in kinds(world, "uid-1")
    assert not driver.resource.finalizer


def test_what_cannot_be_cleaned_up_yet_is_tried_until_it_can() -> None:
    """Keep the finalizer until the lock is given back; the result stands meanwhile."""

    def fails(intent: object, at_s: float) -> str:
        return "no answer" if isinstance(intent, ReleaseLock) and at_s < 200.0 else ""

    world = World(conditions=(post(),), fails=fails)
    (driver,) = drive(world, a_run(), until_s=100.0)
    assert driver.status is not None
    assert driver.status.over
    assert driver.resource.finalizer
    writes = driver.resource.writes
    go_on(world, [driver])
    assert not world.leases
    assert not driver.resource.finalizer
    assert driver.resource.writes == writes


def test_others_end_looking_when_the_target_is_touched() -> None:
    """Censor what is looked at beside the first run's result when the second acts."""
    world = World(conditions=(post(rollout_percent=0.0, hold_for_s=15.0),))
    first, second = drive(world, a_run("uid-1"), a_run("uid-2"))
    assert first.status is not None
    assert first.status.phase == "succeeded"
    assert first.status.post is not None
    assert first.status.post.verdict("running") == "Censored"
    assert "uid-2 acts on the same target" in first.status.post.postconditions["running"].message
    assert second.status is not None
    assert second.status.post is not None
    assert second.status.post.verdict("running") == "Passed"
