"""Whatever happens: every workflow ends and breaks no rule, and a restart anywhere leads to the same end.

Random orders of steps, executions and verdicts; facts that recover or never do, or cannot be read for a while; requests
that fail before or after they were carried out; a driver that dies; executions taken away by force; people who delete,
pause, approve and override, in time or not. `KUBERNAUT_SCHEDULES` says how many to try; a few hundred by default.
"""

import os
from dataclasses import replace
from itertools import chain, repeat

import pytest
from helpers.execution_world import Fault
from helpers.workflow_world import BACK, START, ExecutionPlan, Plans, WorkflowWorld, run_of, step
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kubernaut.enforcement.overrides import BY, CONDITION, REASON, UNTIL
from kubernaut.history.rows import Outcome, Purpose
from kubernaut.identity import Phase
from kubernaut.resources.workflow import RollbackStrategy, StepPhase, WorkflowPhase
from kubernaut.verdicts import Code, Judgement, Reason
from kubernaut.workflow.keys import StepKey, Undo
from kubernaut.workflow.types import PeopleSeen

SCHEDULES = int(os.environ.get("KUBERNAUT_SCHEDULES", "120"))
"""Of each property."""

DAY_S = 86_400.0
NEVER_BEGINS = ExecutionPlan(begins_s=None, over_s=2.0, succeeds=False, changes=False)
UNREADABLE = Judgement(Code.ERROR, Reason.FACT_UNOBSERVED, "no answer")
WRITTEN = Undo(action="scale_deployment", parameters=step(9).parameters)
"""What the author of a step wrote to take it back; needs nothing of what was captured before the change."""
MOMENTS = (0.0, 1.5, 4.0, 20.0, 45.0, 100.0, 400.0)

seconds = st.sampled_from([0.5, 1.0, 3.0, 12.0, 40.0])
plans_of_executions = st.one_of(
    st.just(ExecutionPlan()),
    st.just(ExecutionPlan()),
    st.builds(
        lambda begins, action, rest, succeeds, reversible: ExecutionPlan(
            begins_s=begins,
            ends_s=begins + action,
            over_s=begins + action + rest,
            succeeds=succeeds,
            reversible=reversible,
        ),
        seconds,
        seconds,
        st.sampled_from([0.0, 1.0, 60.0]),
        st.sampled_from([True, True, False]),
        st.sampled_from([True, True, False]),
    ),
    st.just(NEVER_BEGINS),
)
recoveries = st.sampled_from([0.0, 0.0, 0.0, 0.0, 25.0, 70.0, None])


@st.composite
def runs(draw):
    """Give a workflow whose steps need one another in some order."""
    count = draw(st.integers(1, 7))
    steps = [
        step(
            number,
            *sorted(draw(st.sets(st.integers(1, number - 1), max_size=3)) if number > 1 else ()),
            target=f"web-{draw(st.integers(1, 3))}",
            critical=draw(st.booleans()),
            rollback=draw(st.sampled_from([None, None, WRITTEN])),
        )
        for number in range(1, count + 1)
    ]
    return run_of(
        *steps,
        max_parallel=draw(st.integers(1, 4)),
        rollback_strategy=draw(st.sampled_from([*RollbackStrategy, RollbackStrategy.AUTOMATIC])),
        deadline_s=draw(st.sampled_from([DAY_S, DAY_S, 90.0, 600.0])),
    )


@st.composite
def workflows(draw):
    """Give a workflow, and what its executions and conditions come to."""
    run = draw(runs())
    keys = [StepKey(one.number, purpose) for one in run.steps for purpose in (Purpose.FORWARD, BACK)]
    return run, Plans(
        executions={key: draw(plans_of_executions) for key in keys},
        passes_after_s={(key, phase): draw(recoveries) for key in keys for phase in Phase},
    )


@st.composite
def lives(draw):
    """Give what people do, and when: each may come in time, late, or never."""
    moments = st.sampled_from([*MOMENTS, *repeat(None, len(MOMENTS))])
    deleted, approved, said = draw(moments | st.none()), draw(moments), draw(moments)
    paused, overridden, checked = draw(moments), draw(moments), draw(st.sampled_from([0.0, 0.0, 45.0, None]))
    resumed = None if paused is None else draw(st.sampled_from([paused + 5.0, paused + 300.0, None]))
    lasts_s = draw(st.sampled_from([10.0, 60.0, 7200.0]))
    annotations = {}
    if overridden is not None:
        until = (START.timestamp() + overridden + lasts_s, START.tzinfo)
        annotations = {
            CONDITION: "ready",
            REASON: "known to be harmless",
            BY: "alice",
            UNTIL: START.fromtimestamp(*until).strftime("%Y-%m-%dT%H:%M:%SZ"),
        }

    def people(now_s):
        return PeopleSeen(
            deleted=_since(deleted, now_s),
            paused=_since(paused, now_s) and not _since(resumed, now_s),
            approved_by="alice" if _since(approved, now_s) else "",
            outcome=Outcome.INEFFECTIVE if _since(said, now_s) else None,
            override_annotations=annotations if _since(overridden, now_s) else {},
            admission_policy_present=_since(checked, now_s),
        )

    all_moments = (deleted, approved, said, paused, resumed, overridden, checked)
    return people, tuple(one for one in all_moments if one is not None)


def _since(moment, now_s):
    return moment is not None and now_s >= moment


@st.composite
def troubled(draw):
    """Give a workflow in a world in which everything may happen."""
    run, plans = draw(workflows())
    people, wakes = draw(lives())
    blind = draw(st.sampled_from([(0.0, 0.0), (0.0, 0.0), (3.0, 60.0), (20.0, 1000.0)]))
    gone = draw(st.dictionaries(st.sampled_from(list(plans.executions)), st.sampled_from([15.0, 50.0]), max_size=1))
    run = replace(run, approval_required=draw(st.booleans()) and draw(st.booleans()))
    return run, replace(
        plans,
        people=people,
        wakes=wakes,
        gone_after_s=gone,
        judged=lambda judgement, now_s: UNREADABLE if blind[0] <= now_s < blind[1] else judgement,
    )


fault_lists = st.lists(st.sampled_from([None, None, None, *Fault]), max_size=60)
schedules = settings(max_examples=SCHEDULES, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def driven(run, plans, faults=(), **world):
    world = WorkflowWorld(run=run, plans=plans, faults=chain(faults, repeat(None)), **world)
    return world, world.drive()


def assert_sound(world, status):
    """Hold what holds for every workflow, by what happened in the world and not by what the machine says of it."""
    run = world.run
    assert status.result is not None
    assert status.over
    assert not world.finalizer
    assert (status.result.at - status.started_at).total_seconds() <= run.deadline_s + 2 * DAY_S
    assert all(state.phase is not StepPhase.PENDING and not state.open for state in status.steps.values())
    assert len(set(world.created)) == len(world.created), "an execution was made twice"
    for place, (key, stored) in enumerate(world.created_open):
        if key.purpose is Purpose.FORWARD:
            _began_rightly(world, key, stored, place)
        else:
            _taken_back_rightly(world, key)
    _in_reverse_order(world)


def _began_rightly(world, key, stored, place):
    at_s = world.created_at_s[place]
    for number in world.run.step(key.number).depends_on:
        assert stored.state(StepKey(number)).phase is StepPhase.COMPLETED, f"{key} began too early"
        standing = world.standing[StepKey(number)]
        assert standing.plan.succeeds
        assert standing.created_s + standing.plan.over_s <= at_s
        verified = any(one[:2] == (StepKey(number), Phase.POST) and one[2] <= at_s for one in world.passed)
        overridden = any(world.plans.people(one).override_annotations for one in (*world.plans.wakes, 0.0))
        assert verified or overridden, f"{key} began although step {number} was never verified"
    assert stored.ending is None, f"{key} began after the end was decided"
    assert sum(state.open for state in stored.steps.values()) <= world.run.max_parallel
    assert world.running_at_create[place] < world.run.max_parallel


def _taken_back_rightly(world, key):
    assert world.run.rollback_strategy is RollbackStrategy.AUTOMATIC
    forward = world.standing.get(StepKey(key.number))
    assert forward is not None, f"{key} takes back what was never dispatched"
    # Of what somebody took away by force nobody knows whether it began; it is taken back to be sure.
    gone = StepKey(key.number) in world.plans.gone_after_s
    assert gone or forward.plan.begins_s is not None, f"{key} takes back what did not begin"


def _in_reverse_order(world):
    ended_at_s = {
        key.number: world.standing[key].created_s + world.standing[key].plan.over_s
        for key in world.created
        if key.purpose is Purpose.FORWARD
    }
    began_at_s = {key.number: world.standing[key].created_s for key in world.created if key.purpose is Purpose.FORWARD}
    backwards = [key.number for key in world.created if key.purpose is BACK]
    for place, first in enumerate(backwards):
        for later in backwards[place + 1 :]:
            assert ended_at_s[first] > began_at_s[later], f"step {first} was over before step {later} began"


@given(troubled(), fault_lists)
@schedules
def test_every_workflow_ends_and_breaks_no_rule(workflow, faults):
    assert_sound(*driven(*workflow, faults))


@given(workflows(), fault_lists)
@schedules
def test_every_workflow_that_is_left_alone_ends_and_breaks_no_rule(workflow, faults):
    assert_sound(*driven(*workflow, faults))


@given(workflows(), fault_lists, st.sets(st.integers(0, 40), max_size=25), st.none() | st.sampled_from(MOMENTS))
@schedules
def test_every_workflow_whose_executions_cannot_always_be_read_ends_and_breaks_no_rule(
    workflow, faults, blind, deleted_at_s
):
    run, plans = workflow
    plans = replace(
        plans,
        unread=lambda key, now_s: (int(now_s / 5.0) + key.number) % 41 in blind,
        people=lambda now_s: PeopleSeen(
            deleted=deleted_at_s is not None and now_s >= deleted_at_s, admission_policy_present=True
        ),
        wakes=() if deleted_at_s is None else (deleted_at_s,),
    )
    assert_sound(*driven(run, plans, faults))


@given(
    workflows(),
    st.lists(st.tuples(st.integers(0, 30), st.sampled_from([Fault.CRASH_BEFORE, Fault.CRASH_AFTER])), max_size=5),
)
@schedules
def test_restarts_anywhere_lead_to_the_same_end(workflow, crashes):
    # Whoever looks again after a restart looks at another moment, and seconds decide where a deadline is near.
    run, plans = replace(workflow[0], deadline_s=DAY_S), workflow[1]
    undisturbed, end = driven(run, plans)
    faults = chain.from_iterable([*repeat(None, after), crash] for after, crash in crashes)

    restarted, other = driven(run, plans, faults, away_s=0.0)

    assert _end(restarted, other) == _end(undisturbed, end)


@pytest.mark.parametrize("crash", [Fault.CRASH_BEFORE, Fault.CRASH_AFTER])
def test_a_restart_at_each_request_in_turn_leads_to_the_same_end(crash):
    run = run_of(step(1), step(2, 1), rollback_strategy=RollbackStrategy.AUTOMATIC)
    plans = Plans(
        executions={StepKey(2): ExecutionPlan(succeeds=False)}, passes_after_s={(StepKey(1), Phase.PRE): 25.0}
    )
    undisturbed, end = driven(run, plans)
    assert end.result.phase is WorkflowPhase.ROLLED_BACK

    for number in range(MOST_REQUESTS):
        faults = iter([*repeat(None, number), crash])
        restarted, other = driven(run, plans, faults, away_s=0.0)
        assert _end(restarted, other) == _end(undisturbed, end), number
        if next(faults, None) is not None:
            return
    raise AssertionError("there were more requests than thought")


MOST_REQUESTS = 500


def _end(world, status):
    states = {str(key): (state.phase, state.reason) for key, state in status.steps.items()}
    return status.result.phase, status.reason, status.outcome.outcome, states, set(world.created)
