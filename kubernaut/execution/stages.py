"""The two stages of conditions inside a run: what each is made of, and one call of `kubernaut.verification.decide`.

The rules of a stage are not here. This hands it what the run knows (the global switch, overrides, failed reads) and
takes its intents apart, so that they find their place among the run's own.
"""

from dataclasses import dataclass, replace
from datetime import datetime

from kubernaut.enforcement.decision import enforcement_of
from kubernaut.enforcement.overrides import OverrideReading, read_override
from kubernaut.errors import InputError
from kubernaut.execution.intents import StageIntent
from kubernaut.execution.progress import Progress, Seen, earliest
from kubernaut.execution.retrying import answered
from kubernaut.execution.run import ExecutionRun
from kubernaut.execution.status import ExecutionStatus
from kubernaut.execution.types import CouldNot, StageLooked
from kubernaut.history.rows import ObjectVersion
from kubernaut.identity import Level, Phase
from kubernaut.verdicts import Code, Judgement, Reason
from kubernaut.verification import postcondition, precondition
from kubernaut.verification.decide import begin, decide
from kubernaut.verification.overriding import overrides_seen
from kubernaut.verification.status import StageStatus
from kubernaut.verification.types import (
    EmitEvent,
    EnforcementSwitched,
    Looked,
    ObservationEnded,
    ReadFacts,
    RecordAttempts,
    RecordEvaluations,
    StageCondition,
    StageSpec,
)
from kubernaut.verification.types import Observation as StageObservation


@dataclass(frozen=True, slots=True, kw_only=True)
class StageCall:
    """What one call of a stage came to.

    Attributes
    ----------
    progress : Progress
        With the run's status, the stage's in it.
    stage : StageStatus
    objects : tuple of ObjectVersion
        What the newest look read.
    """

    progress: Progress
    stage: StageStatus
    objects: tuple[ObjectVersion, ...] = ()


def stage_spec(run: ExecutionRun, status: ExecutionStatus, phase: Phase) -> StageSpec:
    """Give what is fixed about one of the run's stages.

    Raises
    ------
    InputError
        The run's conditions are not known (yet, or after a restart): `PinConditions` was not answered.
    """
    conditions, pinned = status.memory.conditions, status.pinned
    if conditions is None or pinned is None:
        raise InputError(f"the conditions of execution {run.namespace}/{run.name} have not been resolved")
    return StageSpec(
        uid=run.uid,
        level=Level.ACTION,
        phase=phase,
        conditions=tuple(
            StageCondition.of(
                condition,
                enforcement_of(condition, bucket=pinned.bucket, budget_spent=str(condition.id) in pinned.budget_spent),
            )
            for condition in conditions.conditions
            if condition.id.phase is phase
        ),
        blocked_deadline_s=conditions.blocked_deadline_s,
        observed_share=conditions.observed_share,
        wake_ahead_s=run.wake_ahead_s,
        validation_enabled=run.validation_enabled,
    )


def stage_of(status: ExecutionStatus, phase: Phase) -> StageStatus | None:
    """Give the status of one of the run's stages; None before it began."""
    return status.pre if phase is Phase.PRE else status.post


def with_stage(status: ExecutionStatus, phase: Phase, stage: StageStatus) -> ExecutionStatus:
    """Put the status of one of the stages in."""
    return replace(status, pre=stage) if phase is Phase.PRE else replace(status, post=stage)


def call(
    run: ExecutionRun,
    status: ExecutionStatus,
    phase: Phase,
    seen: Seen,
    now: datetime,
    *,
    started_at: datetime,
    ended: ObservationEnded | None = None,
) -> StageCall:
    """Call a stage once.

    Parameters
    ----------
    started_at : datetime
        Where it has not begun: pre now, post the action's end.
    ended : ObservationEnded or None
        Nobody will look any longer.
    """
    spec = stage_spec(run, status, phase)
    before = stage_of(status, phase) or begin(spec, started_at=started_at)
    reading = override_reading(status, now)
    observations: list[StageObservation] = [EnforcementSwitched(enforcement=status.enforcement)]
    if reading is not None:
        observations.append(overrides_seen(reading, spec, step=run.step))
    kind = f"{ReadFacts.__name__}/{phase.value}"
    answer, failed = seen.take(StageLooked), seen.failure(kind)
    looked = _looked(answer, failed, phase, now)
    if looked is not None:
        observations.append(looked)
        status = answered(status, kind)
    if ended is not None:
        observations.append(ended)
    decision = decide(spec, before, observations, now)
    status = with_stage(status, phase, decision.status)
    asks = tuple(intent for intent in decision.intents if isinstance(intent, ReadFacts))
    wait_until = status.memory.next_try_at
    held_back = bool(asks) and wait_until is not None and now < wait_until
    until = None if reading is None or reading.override is None else reading.override.until
    due = wait_until if held_back else decision.next_due
    progress = Progress(
        status=status,
        records=tuple(
            StageIntent(phase=phase, intent=intent)
            for intent in decision.intents
            if isinstance(intent, RecordAttempts | RecordEvaluations)
        ),
        events=tuple(intent for intent in decision.intents if isinstance(intent, EmitEvent)),
        asks=() if held_back else tuple(StageIntent(phase=phase, intent=intent) for intent in asks),
        due=due if decision.status.decided else earliest(due, until),
    )
    return StageCall(progress=progress, stage=decision.status, objects=() if looked is None else looked.objects)


def override_reading(status: ExecutionStatus, now: datetime) -> OverrideReading | None:
    """Read the override annotations as they stand now; None when nobody has told them yet."""
    if status.memory.finalizer is None:
        return None
    return read_override(
        status.memory.override_annotations,
        first_seen_at=status.override_seen_at or now,
        now=now,
        admission_policy_present=status.memory.admission_policy_present,
    )


def adopt(stage: StageStatus | None, spec: StageSpec) -> StageStatus | None:
    """Fit a stage to other conditions than it began with, because the set it was pinned to is gone."""
    if stage is None or stage.over:
        return stage
    if spec.phase is Phase.PRE:
        return replace(
            stage,
            preconditions={
                entry.key: stage.preconditions.get(entry.key, precondition.PreconditionState())
                for entry in spec.conditions
            },
        )
    return replace(
        stage,
        postconditions={
            entry.key: stage.postconditions.get(entry.key)
            or postcondition.initial(postcondition.terms_of(entry.condition))
            for entry in spec.conditions
        },
    )


def _looked(answer: StageLooked | None, failed: CouldNot | None, phase: Phase, now: datetime) -> Looked | None:
    """Give the answer to a read; a read that finally failed is one, in which nothing could be judged."""
    if answer is not None and answer.phase is phase:
        return answer.looked
    if failed is None or not isinstance(failed.intent, StageIntent) or not isinstance(failed.intent.intent, ReadFacts):
        return None
    slots = failed.intent.intent.slots
    judgement = Judgement(Code.ERROR, Reason.FACT_UNOBSERVED, f"facts could not be read: {failed.why}")
    return Looked(slots=slots, began_at=now, read_at=now, judgements=dict.fromkeys(slots, judgement))
