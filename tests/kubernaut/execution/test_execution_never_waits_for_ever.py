"""Nothing waits for ever: whatever never succeeds, a run gets a result, and what it waits for has an end in its status."""

from typing import Any

import pytest
from helpers.execution_world import FAILED, PASSED, Fault, JobPlan, World, a_run, drive, kinds, post, pre
from hypothesis import given, settings
from hypothesis import strategies as st

from kubernaut.execution.intents import DeleteJob, Intent, ReleaseLock
from kubernaut.execution.job_seen import Effect
from kubernaut.execution.retries import AWAY_S, LONGEST_WAIT_S
from kubernaut.execution.retrying import kind_of
from kubernaut.identity import Phase
from kubernaut.verdicts import Judgement

ASKS = (
    "ReadTarget",
    "PinConditions",
    "ReviewAccess",
    "JudgeSafety",
    "AddFinalizer",
    "TakeLock",
    "ReadFacts/pre",
    "SendDryRun",
    "CaptureRollback",
    "CreateJob",
    "ReadJob",
    "ReadFacts/post",
    "DeleteJob",
    "ReleaseLock",
    "RetireJob",
    "RemoveFinalizer",
)

LONGEST_S = 3600.0 + 2 * 600.0 + 300.0
"""Blocked for its hour, and two rows of failures of ten minutes."""


@pytest.mark.parametrize("kind", ASKS)
@pytest.mark.parametrize("takes_s", [2.0, 1e6])
def test_whatever_never_succeeds_a_run_gets_a_result(kind: str, takes_s: float) -> None:
    """Let one kind of intent fail for ever."""
    world = World(
        conditions=(pre(), post()),
        plans={"uid-1": JobPlan(takes_s=takes_s)},
        fails=lambda intent, _at: "no answer" if kind_of(intent) == kind else "",
    )
    (driver,) = drive(world, a_run(), until_s=LONGEST_S)
    stored: Any = driver.resource.status
    assert stored["over"], kind
    assert len(world.effects) <= 1


@pytest.mark.parametrize("kind", ASKS)
def test_what_is_tried_again_has_an_end_in_the_status(kind: str) -> None:
    """Store the deadline of a row of failures with the first of them."""
    world = World(
        conditions=(pre(), post()),
        plans={"uid-1": JobPlan(takes_s=5.0)},
        fails=lambda intent, _at: "no answer" if kind_of(intent) == kind else "",
    )
    (driver,) = drive(world, a_run(), until_s=10.0)
    stored: Any = driver.resource.status
    if "result" not in stored:
        assert stored["retries"][kind]["until"] > stored["retries"][kind]["since"]


def test_a_server_that_asks_for_long_waits_is_not_waited_for_for_ever() -> None:
    """Cap what a server asks to wait, or every failure would begin a new row."""
    world = World(asks_to_wait_s=500.0, fails=lambda intent, _at: "busy" if kind_of(intent) == "ReadTarget" else "")
    (driver,) = drive(world, a_run(), until_s=700.0)
    stored: Any = driver.resource.status
    assert stored["reason"] == "GaveUp"
    assert LONGEST_WAIT_S < AWAY_S


def test_a_job_that_was_given_up_is_deleted_before_the_lock_is_given_back() -> None:
    """Try until it is: whoever gets the lock next must not meet it."""

    def fails(intent: Intent, at_s: float) -> str:
        return "no answer" if isinstance(intent, DeleteJob) and at_s < 600.0 else ""

    world = World(
        conditions=(post(),),
        verdicts=lambda *_: FAILED,
        plans={"uid-1": JobPlan(takes_s=1e6)},
        fails=fails,
    )
    (driver,) = drive(world, a_run(timeout_s=20.0))
    done = kinds(world, "uid-1")
    assert done.index(DeleteJob.__name__) < done.index(ReleaseLock.__name__)
    assert not world.jobs
    assert not world.effects
    assert not driver.resource.finalizer
    assert driver.status is not None
    assert driver.status.phase == "failed"


@given(number=st.integers(20, 40), fault=st.sampled_from(Fault))
@settings(max_examples=30, deadline=None)
def test_a_job_that_was_given_up_is_deleted_although_the_operator_died(number: int, fault: Fault) -> None:
    """Ask for it again after a restart, as long as it has not been seen to be gone."""

    def verdicts(phase: Phase, _key: str, _at: float) -> Judgement:
        return FAILED if phase is Phase.POST else PASSED

    world = World(
        conditions=(post(),),
        verdicts=verdicts,
        plans={"uid-1": JobPlan(takes_s=1e6, told=Effect.UNKNOWN)},
        faults={number: fault},
    )
    drive(world, a_run(timeout_s=20.0))
    assert not world.jobs
    assert not world.leases
    assert not world.effects


def test_failures_are_counted_apart_by_stage() -> None:
    """Keep reads of preconditions and of postconditions apart."""
    world = World(
        conditions=(pre(),),
        fails=lambda intent, at_s: "no answer" if kind_of(intent) == "ReadFacts/pre" and at_s < 5.0 else "",
    )
    (driver,) = drive(world, a_run())
    assert driver.status is not None
    assert driver.status.phase == "succeeded"
    assert not driver.status.retries
