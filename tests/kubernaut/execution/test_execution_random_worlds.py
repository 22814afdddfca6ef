"""Whatever happens: every run ends, at most one effect, one live run per target, nothing left behind.

Verdicts change with time, requests fail before and after they were carried out, the driver dies between any two
intents and comes back with what was stored, the API server is away, people touch the target, delete Jobs and
executions, and several executions want the same target.
"""

from collections.abc import Callable
from typing import Any

import pytest
from helpers.execution_world import (
    ERROR,
    FAILED,
    PASSED,
    Driver,
    Fault,
    JobPlan,
    World,
    a_run,
    delete,
    drive,
    kinds,
    post,
    pre,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from kubernaut.execution.intents import CreateJob, Intent, RecordExecution, StageIntent
from kubernaut.execution.job_seen import Effect
from kubernaut.identity import Phase
from kubernaut.verdicts import Judgement
from kubernaut.verification.types import RecordAttempts, RecordEvaluations

MOMENTS = (0.0, 0.5, 3.0, 25.0, 40.0, 90.0)


def _script(answers: tuple[Judgement, Judgement], at_s: float) -> Callable[[float], Judgement]:
    return lambda now_s: answers[0] if now_s < at_s else answers[1]


scripts = st.builds(
    _script,
    st.sampled_from([(PASSED, PASSED)] * 3 + [(FAILED, PASSED), (PASSED, FAILED), (ERROR, PASSED), (FAILED, FAILED)]),
    st.sampled_from(MOMENTS),
)

plans = st.sampled_from(
    [
        JobPlan(),
        JobPlan(takes_s=20.0),
        JobPlan(takes_s=0.05),
        JobPlan(takes_s=500.0),
        JobPlan(applies=False, told=Effect.REFUSED),
        JobPlan(applies=True, told=Effect.UNKNOWN),
        JobPlan(applies=False, told=Effect.UNKNOWN),
    ]
)

faults = st.dictionaries(st.integers(0, 60), st.sampled_from(list(Fault)), max_size=6)


def _replace_target(world: World) -> None:
    world.target.uid, world.target.generation = "target-2", 1


def _touch_target(world: World) -> None:
    world.target.generation += 1


def _remove_target(world: World) -> None:
    world.target.there = False


def _delete_jobs(world: World) -> None:
    # Each bears our finalizer, so it stays to be read until its end is recorded.
    for job in world.jobs.values():
        job.deleted = True


def _delete_first(world: World) -> None:
    delete(world, "uid-1")


happenings = st.lists(
    st.tuples(
        st.sampled_from(MOMENTS),
        st.sampled_from([_touch_target, _touch_target, _replace_target, _remove_target, _delete_jobs, _delete_first]),
    ),
    max_size=2,
)


@st.composite
def worlds(draw: st.DrawFn) -> World:
    """Give a world with everything that may happen in it."""
    conditions = [
        make(f"c{number}", required=draw(st.booleans()), rollout_percent=draw(st.sampled_from([0.0, 100.0])))
        for make in (pre, post)
        for number in range(draw(st.integers(0, 2)))
    ]
    told = {(one.id.phase, one.id.type): draw(scripts) for one in conditions}

    def verdicts(phase: Phase, key: str, at_s: float) -> Judgement:
        return told[phase, key](at_s)

    down_at = draw(st.sampled_from(MOMENTS))
    return World(
        conditions=tuple(conditions),
        verdicts=verdicts,
        plans={f"uid-{number}": draw(plans) for number in range(1, 4)},
        faults=draw(faults),
        down=draw(st.sampled_from([(), ((down_at, down_at + 60.0),)])),
        happenings=sorted(draw(happenings), key=lambda entry: entry[0]),
        blocked_deadline_s=draw(st.sampled_from([0.0, 45.0, 120.0])),
    )


@pytest.mark.slow
@given(world=worlds(), executions=st.integers(1, 3), dry=st.booleans(), validation=st.booleans())
@settings(max_examples=150, deadline=None)
def test_every_run_ends_with_at_most_one_effect(world: World, executions: int, dry: bool, validation: bool) -> None:
    """Hold the invariants over everything that was carried out."""
    runs = [
        a_run(f"uid-{number}", dry_run=dry and number == 2, validation_enabled=validation or number != 3)
        for number in range(1, executions + 1)
    ]
    drivers = drive(world, *runs)
    for driver in drivers:
        _holds(world, driver)
    assert not world.leases, "a lock is left"


def _holds(world: World, driver: Driver) -> None:
    uid, resource = driver.uid, driver.resource
    effects = [who for _, who in world.effects if who == uid]
    assert len(effects) <= 1
    created = {entry.intent.name for entry in world.of(uid) if isinstance(entry.intent, CreateJob)}
    assert len(created) <= 1
    assert not resource.finalizer
    job = next((job for job in world.jobs.values() if job.execution_uid == uid), None)
    assert job is None or not job.finalizer
    if resource.deleted:
        return
    stored: Any = resource.status
    assert stored is not None
    assert stored["over"]
    result = stored["result"]["phase"]
    if effects:
        assert result in ("succeeded", "failed", "unknown")
        assert stored["job"]["effect"] != "refused"
    if driver.resource.run.dry_run:
        assert not created


@pytest.mark.parametrize("fault", list(Fault))
@pytest.mark.parametrize("plan", [JobPlan(), JobPlan(applies=False, told=Effect.REFUSED), JobPlan(told=Effect.UNKNOWN)])
def test_a_fault_at_any_request_leads_to_the_same_end(fault: Fault, plan: JobPlan) -> None:
    """Let each request in turn go wrong in each way, against the run in which none did."""
    quiet = World(conditions=(pre(), post()), plans={"uid-1": plan})
    drive(quiet, a_run())
    for number in range(quiet.requests):
        world = World(conditions=(pre(), post()), plans={"uid-1": plan}, faults={number: fault})
        _same_end(world, quiet)


@pytest.mark.slow
@pytest.mark.parametrize("fault", [Fault.CRASH_BEFORE, Fault.CRASH_AFTER])
def test_nothing_fails_because_nobody_was_there(fault: Fault) -> None:
    """Let the operator die at each request in turn and come back five minutes later."""
    conditions = (pre(), pre("warned", rollout_percent=0.0), post(), post("held", hold_for_s=10.0))
    quiet = World(conditions=conditions)
    drive(quiet, a_run())
    for number in range(quiet.requests):
        _same_end(World(conditions=conditions, faults={number: fault}, away_s=300.0), quiet)


@pytest.mark.parametrize("since_s", [0.0, 0.045, 0.095, 0.115, 0.145, 0.155, 1.5, 3.0, 10.0])
def test_nothing_fails_because_the_api_server_was_away(since_s: float) -> None:
    """Let the API server be away for a minute in each phase."""
    conditions = (pre(), post("held", hold_for_s=10.0))
    quiet = World(conditions=conditions)
    drive(quiet, a_run())
    _same_end(World(conditions=conditions, down=((since_s, since_s + 60.0),)), quiet)


@pytest.mark.parametrize("kind", [RecordAttempts, RecordEvaluations, RecordExecution])
def test_nothing_fails_because_rows_could_not_be_written_for_a_while(kind: type) -> None:
    """Forget a decision whose rows were not written, as by a restart: nothing is lost, nothing comes twice."""
    conditions = (pre(), post("held", hold_for_s=10.0))
    quiet = World(conditions=conditions)
    drive(quiet, a_run())

    def fails(intent: Intent, at_s: float) -> str:
        wanted = isinstance(intent, kind) or (isinstance(intent, StageIntent) and isinstance(intent.intent, kind))
        return "no room" if wanted and at_s < 8.0 else ""

    world = World(conditions=conditions, fails=fails)
    _same_end(world, quiet)
    assert kinds(world, "uid-1").count("RecordExecution") >= 1
    assert kinds(world, "uid-1").count("RecordEvaluations/pre") == 1


@pytest.mark.slow
@given(
    answers=st.lists(st.sampled_from([PASSED, PASSED, FAILED, ERROR]), min_size=4, max_size=4),
    required=st.booleans(),
    # No Job that outlives its deadline: nobody ends it in this world while the operator is away.
    plan=plans.filter(lambda plan: plan.takes_s < 100.0),
    crashes=st.dictionaries(st.integers(0, 60), st.sampled_from([Fault.CRASH_BEFORE, Fault.CRASH_AFTER]), max_size=5),
    away_s=st.sampled_from([0.5, 300.0]),
)
@settings(max_examples=100, deadline=None)
def test_crashes_at_any_moments_lead_to_the_same_end(
    answers: list[Judgement], required: bool, plan: JobPlan, crashes: dict[int, Fault], away_s: float
) -> None:
    """Let the operator die several times in a world that does not change meanwhile.

    It comes back at once or after every deadline: who comes back with less than `holdFor` left has seen no hold.
    """
    conditions = (pre(), pre("warned", required=False), post(required=required), post("held", hold_for_s=5.0))
    told = dict(zip((one.id.type for one in conditions), answers, strict=True))
    ends = []
    for faults_ in ({}, crashes):
        world = World(
            conditions=conditions,
            verdicts=lambda _phase, key, _at: told[key],
            plans={"uid-1": plan},
            faults=faults_,
            away_s=away_s,
            blocked_deadline_s=1200.0,
        )
        (driver,) = drive(world, a_run())
        _holds(world, driver)
        assert driver.resource.status is not None
        ends.append((driver.resource.status["phase"], driver.resource.status["reason"], len(world.effects)))
    assert ends[0] == ends[1]


def _same_end(world: World, quiet: World) -> None:
    (driver,) = drive(world, a_run())
    _holds(world, driver)
    found, wanted = driver.resource.status, quiet.resources["uid-1"].status
    assert found is not None
    assert wanted is not None
    for key in ("phase", "reason", "message"):
        assert found[key] == wanted[key], (world.faults, world.down)
    assert len(world.effects) == len(quiet.effects)
    assert not world.leases
