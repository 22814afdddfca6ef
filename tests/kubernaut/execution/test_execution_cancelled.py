"""Deleting an execution cancels it: nothing is left locked, no Job runs on, and what may have happened is recorded."""

from typing import Any

import pytest
from helpers.execution_world import FAILED, PASSED, JobPlan, World, a_run, delete, drive, go_on, kinds, post, pre

from kubernaut.execution.intents import CreateJob, DeleteJob, RecordExecution
from kubernaut.execution.job_seen import Effect
from kubernaut.identity import Phase
from kubernaut.verdicts import Verdict


def _delete(world: World) -> None:
    delete(world, "uid-1")


def _stored(driver: Any) -> Any:
    assert driver.resource.status is not None
    return driver.resource.status


def test_before_the_lock_it_simply_goes() -> None:
    """Leave nothing behind: no finalizer was set, nothing was done."""
    world = World(conditions=(pre(),), upon={"ReviewAccess": _delete})
    drive(world, a_run())
    assert "uid-1" not in world.resources
    assert not world.leases


def test_while_blocked() -> None:
    """Release the lock, record that it was cut short, and let the resource go."""
    world = World(conditions=(pre(), post()), verdicts=lambda *_: FAILED, happenings=[(10.0, _delete)])
    (driver,) = drive(world, a_run())
    stored = _stored(driver)
    assert (stored["phase"], stored["reason"]) == ("failed", "Cancelled")
    assert stored["result"]["cutShort"] is True
    assert "uid-1" not in world.resources
    assert not world.leases
    assert RecordExecution.__name__ in kinds(world, "uid-1")
    assert world.now_s < 12.0


def test_while_the_job_runs() -> None:
    """Delete the Job; what it did is not known."""
    world = World(conditions=(post(),), plans={"uid-1": JobPlan(takes_s=30.0)}, happenings=[(5.0, _delete)])
    (driver,) = drive(world, a_run())
    stored = _stored(driver)
    assert (stored["phase"], stored["reason"]) == ("unknown", "Cancelled")
    assert stored["job"]["effect"] == "unknown"
    assert DeleteJob.__name__ in kinds(world, "uid-1")
    assert not world.effects
    assert "uid-1" not in world.resources


def test_while_verifying() -> None:
    """Censor what was being looked at: the change was made, and not verified."""
    world = World(conditions=(post(hold_for_s=15.0),), happenings=[(8.0, _delete)])
    (driver,) = drive(world, a_run())
    stored = _stored(driver)
    assert (stored["phase"], stored["reason"]) == ("unknown", "Cancelled")
    assert stored["job"]["effect"] == "applied"
    assert driver.status is not None
    assert driver.status.post is not None
    assert driver.status.post.verdict("running") in (Verdict.CENSORED, Verdict.SKIPPED)
    assert not world.leases


def test_after_the_result_nothing_holds_it() -> None:
    """Let it go while something is still looked at beside the result."""
    world = World(
        conditions=(post(required=False),),
        verdicts=lambda phase, _key, _at: FAILED if phase is Phase.POST else PASSED,
        happenings=[(8.0, _delete)],
    )
    (driver,) = drive(world, a_run())
    assert _stored(driver)["phase"] == "succeeded"
    assert "uid-1" not in world.resources


def test_after_the_operator_was_away() -> None:
    """Cancel by what is stored: the conditions are had again first, so that their rows say they were skipped."""
    world = World(conditions=(pre(), post()), verdicts=lambda *_: FAILED)
    (driver,) = drive(world, a_run(), until_s=10.0)
    driver.status = None
    _delete(world)

    driver.next_s = 20.0
    go_on(world, [driver])
    assert _stored(driver)["reason"] == "Cancelled"
    assert kinds(world, "uid-1")[-4:].count("RemoveFinalizer") == 1
    assert "RecordEvaluations/post" in kinds(world, "uid-1")


@pytest.mark.parametrize("plan", [JobPlan(), JobPlan(applies=False, told=Effect.REFUSED), JobPlan(told=Effect.UNKNOWN)])
def test_at_any_moment(plan: JobPlan) -> None:
    """Delete it just before each intent in turn: it goes, and leaves no lock, no Job to run on, no second effect."""
    calm = World(conditions=(pre(), post()), plans={"uid-1": plan})
    drive(calm, a_run())
    for kind in dict.fromkeys(kinds(calm, "uid-1")):
        world = World(conditions=(pre(), post()), plans={"uid-1": plan}, upon={kind: _delete})
        (driver,) = drive(world, a_run())
        if kind in ("EmitEvent", "RecordExecution") or kind.startswith("Record"):
            continue
        assert "uid-1" not in world.resources, kind
        assert not world.leases, kind
        assert len(world.effects) <= 1
        assert kinds(world, "uid-1").count(CreateJob.__name__) <= 1
        for job in world.jobs.values():
            assert not job.finalizer, kind
        if world.effects:
            assert _stored(driver)["job"]["effect"] in ("applied", "unknown"), kind
