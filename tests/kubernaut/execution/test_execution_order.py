"""The order of a run, held over the intents that were carried out: nothing is asked, locked or changed out of turn."""

from collections.abc import Sequence

import pytest
from helpers.execution_world import (
    FAILED,
    PASSED,
    Fault,
    World,
    a_run,
    drive,
    kinds,
    post,
    pre,
)

from kubernaut.execution.intents import (
    AddFinalizer,
    CaptureRollback,
    CreateJob,
    JudgeSafety,
    PinConditions,
    ReadTarget,
    ReleaseLock,
    RemoveFinalizer,
    RetireJob,
    ReviewAccess,
    SendDryRun,
    TakeLock,
)
from kubernaut.identity import Phase
from kubernaut.verdicts import Judgement

ORDER = (
    ReadTarget.__name__,
    PinConditions.__name__,
    ReviewAccess.__name__,
    JudgeSafety.__name__,
    AddFinalizer.__name__,
    TakeLock.__name__,
    "ReadFacts/pre",
    SendDryRun.__name__,
    CaptureRollback.__name__,
    CreateJob.__name__,
    "ReadJob",
    "ReadFacts/post",
    "RecordExecution",
    ReleaseLock.__name__,
    RetireJob.__name__,
    RemoveFinalizer.__name__,
)
"""DESIGN section 5: target, access, safety, preconditions, dry run, rollback information, Job, postconditions."""


def _firsts(done: Sequence[str]) -> list[str]:
    """Give each kind of intent once, by when it first came."""
    return list(dict.fromkeys(kind for kind in done if kind in ORDER))


def test_a_run_goes_in_order() -> None:
    """Hold the whole order of a run in which nothing is in the way."""
    world = World(conditions=(pre(), post()))
    drive(world, a_run())
    assert _firsts(kinds(world, "uid-1")) == list(ORDER)


def test_a_run_without_conditions_goes_in_order() -> None:
    """Conditions add reads and take nothing away: safety, lock, dry run and rollback information stay."""
    world = World()
    drive(world, a_run())
    assert _firsts(kinds(world, "uid-1")) == [kind for kind in ORDER if not kind.startswith("ReadFacts")]


def test_bad_parameters_ask_nobody() -> None:
    """End before anything is read."""
    world = World()
    drive(world, a_run(parameters={"deployment": {"name": "web", "namespace": "shop", "replicas": -1}}))
    assert _firsts(kinds(world, "uid-1")) == ["RecordExecution"]


def test_everything_is_asked_again_after_blocked() -> None:
    """Ask target, access and safety once more between the wait and the dry run."""

    def verdicts(phase: Phase, _key: str, at_s: float) -> Judgement:
        return FAILED if phase is Phase.PRE and at_s < 50.0 else PASSED

    world = World(conditions=(pre(), post()), verdicts=verdicts)
    drive(world, a_run())
    done = kinds(world, "uid-1")
    last_look = len(done) - 1 - done[::-1].index("ReadFacts/pre")
    again = [kind for kind in done[last_look : done.index(SendDryRun.__name__)] if kind in ORDER]
    assert again == ["ReadFacts/pre", ReadTarget.__name__, ReviewAccess.__name__, JudgeSafety.__name__]


def test_everything_is_asked_again_after_waiting_for_the_lock() -> None:
    """Ask target, access and safety once more between the wait and the preconditions."""
    world = World(conditions=(pre(), post()))
    drive(world, a_run("uid-1"), a_run("uid-2"))
    done = kinds(world, "uid-2")
    last_wait = max(
        place for place, kind in enumerate(done[: done.index("ReadFacts/pre")]) if kind == TakeLock.__name__
    )
    again = [kind for kind in done[last_wait : done.index("ReadFacts/pre") + 1] if kind in ORDER]
    assert again == [
        TakeLock.__name__,
        ReadTarget.__name__,
        ReviewAccess.__name__,
        JudgeSafety.__name__,
        "ReadFacts/pre",
    ]


@pytest.mark.parametrize("number", range(20))
def test_a_crash_never_skips_a_check(number: int) -> None:
    """Hold that a Job is never asked for before all of what comes before it was answered, wherever it crashed."""
    world = World(conditions=(pre(), post()), faults={number: Fault.CRASH_AFTER}, away_s=90.0)
    drive(world, a_run())
    done = kinds(world, "uid-1")
    before = [kind for kind in _firsts(done[: done.index(CreateJob.__name__)]) if kind != "ReadJob"]
    assert before == list(ORDER[: ORDER.index(CreateJob.__name__)])


def test_facts_after_the_job_are_read_after_it_was_seen_to_be_over() -> None:
    """Hold causality: the look that shows the Job's end comes before the first look at postconditions."""
    world = World(conditions=(pre(), post()))
    (driver,) = drive(world, a_run())
    done = [(entry.at_s, name) for entry, name in zip(world.of("uid-1"), kinds(world, "uid-1"), strict=True)]
    seen_s = max(at_s for at_s, name in done if name == "ReadJob")
    assert seen_s < min(at_s for at_s, name in done if name == "ReadFacts/post")
    assert driver.status is not None
    assert driver.status.job is not None
    assert driver.status.job.finished_at is not None


def test_rows_come_before_the_status_that_uses_them_and_events_after_it() -> None:
    """Hold the order within a decision."""
    world = World(conditions=(pre(), post()))
    (driver,) = drive(world, a_run())
    for decision in driver.decisions:
        names = [type(intent).__name__ for intent in decision.intents]
        if "StoreStatus" not in names:
            continue
        stored = names.index("StoreStatus")
        for place, intent in enumerate(decision.intents):
            if intent.store_status_first:
                assert place > stored
            if names[place] == "RecordExecution":
                assert place < stored
