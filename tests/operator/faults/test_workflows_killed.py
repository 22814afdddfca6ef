"""The operator killed at every kind of write that whole workflows make: the same end, nothing made twice, no row lost.

A single execution is killed at each of its own writes elsewhere. Here writes are told apart by what is new in them - each step's every state, each request about an execution forward and
back - and several workflows at once live through all of the kills, each held at another write.
KUBERNAUT_KILL_AT_EVERY_WRITE=1 tells apart the executions of all steps, too.
"""

import os

import pytest
from helpers.kinds_of_writes import KindsOfWrites, Sweep
from helpers.workflow_stories import END, EXECUTIONS, IN_ORDER, RECORDED, TAKEN_BACK, story_of
from helpers.workflow_write_invariants import check_workflow_writes

pytestmark = [pytest.mark.xdist_group("control-plane"), pytest.mark.cluster, pytest.mark.slow]

AT_ONCE = {IN_ORDER: 3, TAKEN_BACK: 4}
GENERATIONS = 4
ROUND_S = 8.0
CREEP_S = 4.0


def live(names, sweep, stories, operator):
    """Let workflows live to their end, and kill the operator whenever they are held; gives how often."""
    killed = 0
    while going := [name for name in names if not stories.is_over(name)]:
        held = sweep.hold(going)
        met = held.wait(limit_s=ROUND_S, creep_s=CREEP_S)
        if met:
            operator.kill()
            killed += 1
        held.strike()
        if met:
            operator.start(wait=False)
    stories.wait(*names)
    return killed


def test_killed_at_every_kind_of_write_workflows_come_to_the_same_end(shop, stories, proxy, operator, history):
    sweep = Sweep(shop.whose, KindsOfWrites(each_step=bool(os.environ.get("KUBERNAUT_KILL_AT_EVERY_WRITE"))))
    proxy.fault_of, proxy.answered = sweep.fault_of, sweep.answered
    everybody, killed = [], 0
    for generation in range(GENERATIONS):
        names = [f"{story}-{generation}-{number}" for story, count in AT_ONCE.items() for number in range(count)]
        stories.prepare(*names)
        stories.begin(*names)
        killed += live(names, sweep, stories, operator)
        everybody += names
        if not sweep.left:
            break

    assert not sweep.left, "never met there"
    assert killed >= 10
    for name in everybody:
        assert stories.end(name) == END[story_of(name)], name
    made = check_workflow_writes(proxy.changes)
    executions = {name: EXECUTIONS[story_of(name)] for name in everybody}
    assert {name: len(made[stories.uid(name)]) for name in everybody} == executions
    assert len(shop.jobs()) == len(shop.kubelet.performed) == sum(executions.values())
    assert shop.locks() == []
    operator.stop()
    recorded = history(operator)
    for name in everybody:
        assert stories.recorded(name, recorded) == RECORDED[story_of(name)], name
