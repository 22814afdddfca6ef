"""The one entry point: ``decide(spec, status, observations, now) -> Decision(status, intents, next_due)``.

A driver calls it whenever it has something to tell or `next_due` has come, carries the intents out in order,
and calls again at once if that brought answers. It may lose its memory at any time: with the stored status it
goes on to the same end. Not every look is stored (`StoreStatus` is asked for when a decision changes): what a
lost look would have said is read again, or the absence is made good by moving the deadline.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from kubernaut.identity import Phase
from kubernaut.verdicts import Reason
from kubernaut.verification import post_stage, pre_stage
from kubernaut.verification.postcondition import end, initial, terms_of
from kubernaut.verification.precondition import PreconditionState, skip
from kubernaut.verification.stage_step import Step
from kubernaut.verification.status import StageStatus
from kubernaut.verification.types import (
    EnforcementSwitched,
    Intent,
    Looked,
    Observation,
    ObservationEnded,
    OverridesSeen,
    RecordAttempts,
    RecordEvaluations,
    StagePhase,
    StageSpec,
    StoreStatus,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What `decide` answers.

    Attributes
    ----------
    status : StageStatus
    intents : tuple of Intent
        To be carried out in this order.
    next_due : datetime or None
        When to ask again if nothing happens before; None when the stage is over and nobody need look any
        longer.
    """

    status: StageStatus
    intents: tuple[Intent, ...]
    next_due: datetime | None


def begin(spec: StageSpec, *, started_at: datetime) -> StageStatus:
    """Give the status of a stage that nothing has been done for.

    Parameters
    ----------
    spec : StageSpec
    started_at : datetime
        Pre: now. Post: the action's end, from which timeouts and time to pass count.
    """
    if spec.phase is Phase.PRE:
        return StageStatus(
            phase=StagePhase.EVALUATING,
            started_at=started_at,
            seen_at=started_at,
            preconditions={entry.key: PreconditionState() for entry in spec.conditions},
        )
    return StageStatus(
        phase=StagePhase.VERIFYING,
        started_at=started_at,
        seen_at=started_at,
        postconditions={entry.key: initial(terms_of(entry.condition)) for entry in spec.conditions},
    )


def decide(spec: StageSpec, status: StageStatus, observations: Sequence[Observation], now: datetime) -> Decision:
    """Say what follows for a stage.

    Parameters
    ----------
    spec : StageSpec
        The same at every call of one stage.
    status : StageStatus
        As the last call gave it, or as it was last stored.
    observations : sequence of Observation
        What happened since the last call, oldest first.
    now : datetime
        A time before an earlier call's counts as that call's.

    Returns
    -------
    Decision
        `next_due` is None only when the stage is over.
    """
    if status.over:
        return Decision(status=status, intents=(), next_due=None)
    now = max(now, status.seen_at)
    current = replace(status, seen_at=now)
    if not spec.validation_enabled:
        return _answer(status, _validation_off(spec, current, now), ())
    current = _follow(current, observations)
    answers = [entry for entry in observations if isinstance(entry, Looked)]
    ended = next((entry for entry in observations if isinstance(entry, ObservationEnded)), None)
    stage = pre_stage.step if spec.phase is Phase.PRE else post_stage.step
    return _answer(status, stage(spec, current, answers, ended, now), answers)


def _follow(status: StageStatus, observations: Sequence[Observation]) -> StageStatus:
    """Follow the global switch and the overrides until the stage has a result."""
    if status.decided:
        return status
    for entry in observations:
        if isinstance(entry, EnforcementSwitched):
            status = replace(status, enforcement=entry.enforcement)
        elif isinstance(entry, OverridesSeen):
            status = replace(status, overrides=dict(entry.overrides))
    return status


def _validation_off(spec: StageSpec, status: StageStatus, now: datetime) -> Step:
    detail = "validation is off"
    now_s = (now - status.started_at).total_seconds()
    status = replace(
        status,
        phase=StagePhase.SKIPPED,
        decided_at=now,
        over=True,
        preconditions={
            key: skip(state, reason=Reason.VALIDATION_OFF, detail=detail) for key, state in status.preconditions.items()
        },
        postconditions={
            entry.key: end(
                status.postconditions[entry.key],
                terms_of(entry.condition),
                at_s=now_s,
                reason=Reason.VALIDATION_OFF,
                detail=detail,
            )
            for entry in spec.conditions
            if entry.key in status.postconditions
        },
    )
    return Step(status=status, evaluated=tuple(entry.key for entry in spec.conditions))


def _answer(before: StageStatus, step: Step, answers: Sequence[Looked]) -> Decision:
    """Put the intents in order: rows before the status that uses them, Events after it, reading last."""
    intents: list[Intent] = []
    if step.attempts:
        intents.append(RecordAttempts(attempts=step.attempts))
    if step.evaluated:
        objects = answers[-1].objects if answers else ()
        intents.append(RecordEvaluations(keys=step.evaluated, objects=objects))
    if step.status.decides_otherwise(before):
        intents.append(StoreStatus())
    intents.extend(step.events)
    if step.read is not None:
        intents.append(step.read)
    return Decision(status=step.status, intents=tuple(intents), next_due=step.next_due)
