"""The stages of conditions around a step: what each is made of, and one call of `kubernaut.verification.decide`.

What takes a step back is verified by the step-level suite of its own action, and every required condition of it counts,
whatever the rollout: nothing is blocked by that, it only says whether the step may be called rolled back.
"""

from dataclasses import replace
from datetime import datetime

from kubernaut.enforcement.decision import enforcement_of
from kubernaut.enforcement.overrides import read_override
from kubernaut.errors import InputError
from kubernaut.execution.stages import adopt
from kubernaut.history.rows import Purpose
from kubernaut.identity import Level, Phase
from kubernaut.verification.decide import begin, decide
from kubernaut.verification.looks import unread
from kubernaut.verification.overriding import overrides_seen
from kubernaut.verification.stage_step import ASK_AGAIN_S
from kubernaut.verification.status import StageStatus
from kubernaut.verification.types import (
    EmitEvent,
    EnforcementSwitched,
    Observation,
    ObservationEnded,
    ReadFacts,
    RecordAttempts,
    RecordEvaluations,
    StageCondition,
    StageSpec,
)
from kubernaut.workflow.intents import RecordStep, StageIntent
from kubernaut.workflow.keys import StepKey, Undo
from kubernaut.workflow.progress import Call
from kubernaut.workflow.retrying import answered, ask, failure_kind, forget_failures
from kubernaut.workflow.run import StepConditions, WorkflowRun
from kubernaut.workflow.status import StepState, WorkflowStatus
from kubernaut.workflow.types import StepLooked


def work_of(run: WorkflowRun, status: WorkflowStatus, key: StepKey) -> Undo:
    """Give the action and parameters of a step's run.

    Raises
    ------
    InputError
        The step cannot be taken back.
    """
    step = run.step(key.number)
    if key.purpose is Purpose.FORWARD:
        return Undo(action=step.action, parameters=step.parameters)
    undo = step.rollback or status.state(StepKey(key.number)).undo
    if undo is None:
        raise InputError(f"step {key.number} ({step.action}) cannot be taken back")
    return undo


def stage_spec(run: WorkflowRun, status: WorkflowStatus, key: StepKey, phase: Phase) -> StageSpec:
    """Give what is fixed about one stage of a step.

    Raises
    ------
    InputError
        The conditions are not known: `PinWorkflow` was not answered.
    """
    known, pinned = status.memory.conditions, status.pinned
    if known is None or pinned is None:
        raise InputError(f"the conditions of workflow {run.namespace}/{run.name} have not been resolved")
    forward = key.purpose is Purpose.FORWARD
    if forward:
        step = known.forward.get(key.number, StepConditions())
    else:
        step = known.undo.get(work_of(run, status, key).action, StepConditions())
    conditions = []
    for condition in step.conditions:
        if condition.id.phase is phase:
            settled = enforcement_of(
                condition, bucket=pinned.bucket, budget_spent=str(condition.id) in pinned.budget_spent
            )
            entry = StageCondition.of(condition, settled)
            conditions.append(entry if forward else replace(entry, enforced=condition.required))
    return StageSpec(
        uid=f"{run.uid}/{key}",
        level=Level.STEP,
        phase=phase,
        conditions=tuple(conditions),
        blocked_deadline_s=step.blocked_deadline_s,
        observed_share=step.observed_share,
        wake_ahead_s=run.wake_ahead_s,
        validation_enabled=run.validation_enabled,
    )


def advance(
    run: WorkflowRun,
    status: WorkflowStatus,
    key: StepKey,
    phase: Phase,
    call: Call,
    *,
    started_at: datetime,
    ended: ObservationEnded | None = None,
) -> WorkflowStatus:
    """Call one stage of a step once, and give the workflow's status with the stage's in it."""
    spec = stage_spec(run, status, key, phase)
    state = status.state(key)
    before = _stage(state, phase) or begin(spec, started_at=started_at)
    observations: list[Observation] = [EnforcementSwitched(enforcement=status.enforcement)]
    people = status.memory.people
    reading = read_override(
        people.override_annotations,
        first_seen_at=status.override_seen_at or call.now,
        now=call.now,
        admission_policy_present=people.admission_policy_present,
    )
    observations.append(overrides_seen(reading, spec, step=key.number))
    status = _answers(status, key, phase, call, observations)
    if ended is not None:
        observations.append(ended)
    decision = decide(spec, before, observations, call.now)
    work = work_of(run, status, key)
    for intent in decision.intents:
        if isinstance(intent, EmitEvent):
            call.tell(replace(intent, message=f"{key}: {intent.message}"))
        elif isinstance(intent, RecordAttempts | RecordEvaluations):
            call.record([_of_stage(key, phase, work, intent)])
        elif isinstance(intent, ReadFacts):
            ask(status, call, _of_stage(key, phase, work, intent), again_s=ASK_AGAIN_S)
    until = None if reading.override is None or decision.status.decided else reading.override.until
    call.wake(decision.next_due, until)
    return with_step(status, key, _with_stage(status.state(key), phase, decision.status))


def adopt_all(run: WorkflowRun, status: WorkflowStatus) -> WorkflowStatus:
    """Fit every open stage to the conditions known now, because the set that the run was pinned to is gone."""
    for key, state in status.steps.items():
        pre = adopt(state.pre, stage_spec(run, status, key, Phase.PRE)) if state.pre else None
        post = adopt(state.post, stage_spec(run, status, key, Phase.POST)) if state.post else None
        status = with_step(status, key, replace(state, pre=pre, post=post))
    return status


def with_result(status: WorkflowStatus, key: StepKey, state: StepState, call: Call) -> WorkflowStatus:
    """Put the state of a step in that has its result now, or another one than it had, and have it recorded."""
    call.record([RecordStep(key=key)])
    return with_step(forget_failures(status, key), key, state)


def with_step(status: WorkflowStatus, key: StepKey, state: StepState) -> WorkflowStatus:
    """Put a step's state in."""
    return replace(status, steps={**status.steps, key: state})


def _answers(
    status: WorkflowStatus, key: StepKey, phase: Phase, call: Call, observations: list[Observation]
) -> WorkflowStatus:
    """Take what was looked at for the stage; a read that finally failed is a look in which nothing could be judged."""
    looked = next(
        (entry for entry in call.answers if isinstance(entry, StepLooked) and (entry.key, entry.phase) == (key, phase)),
        None,
    )
    if looked is not None:
        call.answers.remove(looked)
        observations.append(looked.looked)
    marker = StageIntent(key=key, phase=phase, action="", parameters={}, intent=ReadFacts(slots={}))
    failed = call.failures.pop(failure_kind(marker), None)
    if failed is not None and isinstance(failed.intent, StageIntent) and isinstance(failed.intent.intent, ReadFacts):
        observations.append(unread(failed.intent.intent, why=failed.why, now=call.now))
    return status if looked is None and failed is None else answered(status, marker)


def _of_stage(
    key: StepKey, phase: Phase, work: Undo, intent: ReadFacts | RecordAttempts | RecordEvaluations
) -> StageIntent:
    return StageIntent(key=key, phase=phase, action=work.action, parameters=work.parameters, intent=intent)


def _stage(state: StepState, phase: Phase) -> StageStatus | None:
    return state.pre if phase is Phase.PRE else state.post


def _with_stage(state: StepState, phase: Phase, stage: StageStatus) -> StepState:
    return replace(state, pre=stage) if phase is Phase.PRE else replace(state, post=stage)
