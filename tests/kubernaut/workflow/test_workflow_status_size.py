"""A workflow's status fits etcd: fifty steps, twenty conditions each, every one of them saying as much as it may."""

import json
from dataclasses import dataclass, replace
from itertools import repeat

import pytest
from helpers.execution_world import World, a_run, drive, post, pre
from helpers.workflow_world import Plans, WorkflowWorld, condition, run_of, step

from kubernaut.identity import ConditionId, Level, Phase
from kubernaut.resources.workflow import StepPhase
from kubernaut.verdicts import Code, Judgement, Reason
from kubernaut.workflow.keys import StepKey
from kubernaut.workflow.run import StepConditions, WorkflowConditions
from kubernaut.workflow.status_view import status_view

ETCD_BYTES = 1_572_864
"""What etcd takes of one object, in one request: 1.5 MiB."""

INLINE_BYTES = 262_144
"""What the resource's own policies may take beside its status: 256 KiB."""

SAID = Judgement(Code.FAILED, Reason.NOT_ALLOWED, "needs 512Mi more; any node has less. ".ljust(1024, "."))


@dataclass(slots=True)
class Talkative(WorkflowWorld):
    """Every step is judged by twenty conditions that fail, and say as much as they may."""

    asked: Phase = Phase.PRE
    required: bool = False

    def _conditions(self):
        suite = StepConditions(
            conditions=tuple(
                replace(
                    condition(phase, required=self.required, percent=100.0 if self.required else 0.0),
                    policy_digest="d" * 64,
                    id=ConditionId("scale_deployment", Level.STEP, phase, f"cluster_capacity_available_{number}"),
                )
                for phase in Phase
                for number in range(10)
            ),
            observed_share=0.0,
        )
        forward = {step.number: suite for step in self.run.steps}
        return WorkflowConditions(digest="d" * 64, forward=forward, undo={"scale_deployment": suite})

    def _stage(self, intent):
        seen = super(Talkative, self)._stage(intent)
        if seen is None or (self.required and intent.phase is not self.asked):
            return seen
        return replace(seen, looked=replace(seen.looked, judgements=dict.fromkeys(seen.looked.slots, SAID)))


@pytest.mark.parametrize(
    ("asked", "required", "until_s", "phase"),
    [
        (Phase.PRE, True, 40.0, StepPhase.BLOCKED),
        (Phase.POST, True, 40.0, StepPhase.VERIFYING),
        (Phase.POST, True, 1e7, StepPhase.FAILED),
        (Phase.POST, False, 1e7, StepPhase.COMPLETED),
    ],
)
def test_fifty_steps_with_twenty_conditions_each_fit_with_room(asked, required, until_s, phase):
    one = Talkative(run=run_of(step(1)), plans=Plans(), faults=repeat(None), asked=asked, required=required).drive(
        until_s=until_s
    )
    assert one.state(StepKey(1)).phase is phase
    numbers = range(1, 51)
    conditions = replace(one.memory.conditions, forward=dict.fromkeys(numbers, one.memory.conditions.forward[1]))
    fifty = replace(
        one,
        steps={StepKey(number): one.state(StepKey(1)) for number in numbers},
        memory=replace(one.memory, conditions=conditions),
    )

    shown = status_view(run_of(*(step(number) for number in numbers)), fifty)

    told = [len(one.get(f"{which}ConditionResults", ())) for one in shown["stepStatuses"] for which in ("pre", "post")]
    assert set(told) <= ({10} if asked is Phase.POST else {0, 10})
    size = len(json.dumps(shown, separators=(",", ":")))
    print(f"{phase.value}: {size:,} bytes")
    assert size + INLINE_BYTES < ETCD_BYTES, f"{size:,} bytes"


def test_an_execution_of_twenty_conditions_takes_a_small_part_of_it():
    conditions = tuple(
        make(f"no_crashloop_pods_{number}", required=False) for make in (pre, post) for number in range(10)
    )

    (driver,) = drive(World(conditions=conditions, verdicts=lambda *_: SAID), a_run())

    stored = driver.resource.status
    assert stored["over"]
    size = len(json.dumps(stored, separators=(",", ":")))
    print(f"engine of one execution: {size:,} bytes")
    assert size < ETCD_BYTES / 20
