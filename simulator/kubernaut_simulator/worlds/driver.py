"""Carries out what the engine's `decide` asks for, on a virtual clock: reads, judges, records, waits by jumping.

No rule of verification is known here: what is looked at when, what a verdict does and when a stage is over is
the answer of `decide`. Between two changes of what can be seen the facts are one and the same, so a condition is judged
once for each such stretch.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from kubernaut.conditions.inputs import RunContext as InputContext
from kubernaut.conditions.inputs import policy_input
from kubernaut.conditions.resolve import Resolution
from kubernaut.enforcement.decision import enforcement_of
from kubernaut.facts.snapshot import Snapshot
from kubernaut.history.rows import AttemptRow, EvaluationRow, ObjectVersion
from kubernaut.identity import Phase
from kubernaut.json_types import JsonObject
from kubernaut.policy.compiled import CompiledPolicy
from kubernaut.verdicts import Judgement
from kubernaut.verification.decide import begin, decide
from kubernaut.verification.kept_facts import kept_facts
from kubernaut.verification.rows import RunContext, attempt_row, evaluation_row
from kubernaut.verification.status import StageStatus
from kubernaut.verification.types import (
    EnforcementSwitched,
    Looked,
    Observation,
    ObservationEnded,
    ReadFacts,
    RecordAttempts,
    RecordEvaluations,
    StageCondition,
    StageSpec,
    condition_key,
)
from kubernaut_simulator.worlds.eyes import THROTTLING, Eyes, Sight
from kubernaut_simulator.worlds.judging import WorldJudge


@dataclass(slots=True, kw_only=True)
class Records:
    """The rows of one run; of several versions of an evaluation the newest stays."""

    attempts: list[AttemptRow] = field(default_factory=list)
    evaluations: dict[str, EvaluationRow] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """One condition's policy, and what is to be looked at for it.

    Attributes
    ----------
    wanted : frozenset of str, or None
        Facts, by their names at the top; None means all.
    throttling : bool
        The fact of Prometheus, which changes by itself, is among them.
    """

    policy: CompiledPolicy
    wanted: frozenset[str] | None
    throttling: bool


def judged_by(resolution: Resolution, phase: Phase, *, record_facts: str) -> dict[str, Judged]:
    """Give how the conditions of a phase are judged, by their keys.

    Parameters
    ----------
    record_facts : str
        ``read`` or ``all``.
    """
    found: dict[str, Judged] = {}
    for condition in resolution.phase(phase):
        policy = resolution.policy(condition)
        everything = record_facts == "all" or policy.reads_everything
        wanted = None if everything else frozenset(path[0] for path in policy.reads)
        throttling = wanted is None or THROTTLING in wanted
        found[condition_key(condition)] = Judged(policy=policy, wanted=wanted, throttling=throttling)
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """One stage of one run and what driving it needs.

    Attributes
    ----------
    judged : mapping of str to Judged
        By the conditions' keys.
    enforcement : bool
        The global switch.
    record_facts : str
        ``read`` or ``all``.
    """

    spec: StageSpec
    judged: Mapping[str, Judged]
    enforcement: bool
    record_facts: str
    parameters: JsonObject
    input_context: InputContext
    row_context: RunContext


def stage_conditions(resolution: Resolution, phase: Phase, *, bucket: int) -> tuple[StageCondition, ...]:
    """Give a phase's conditions, each with whether it is enforced for this bucket."""
    return tuple(
        StageCondition(condition=condition, enforced=enforcement_of(condition, bucket=bucket).enforced)
        for condition in resolution.phase(phase)
    )


class Driver:
    """Drives the stages of one run.

    Parameters
    ----------
    eyes : Eyes
    judge : WorldJudge
    start : datetime
        Moment of virtual second 0.
    """

    def __init__(self, eyes: Eyes, judge: WorldJudge, *, start: datetime) -> None:
        self._eyes = eyes
        self._judge = judge
        self._start = start
        self._judged: dict[tuple[object, ...], tuple[Snapshot, Judgement]] = {}
        self.records = Records()

    def moment(self, at_s: float) -> datetime:
        """Give the moment of a virtual second."""
        return self._start + timedelta(seconds=at_s)

    def seconds(self, moment: datetime) -> float:
        """Give the virtual second of a moment."""
        return (moment - self._start).total_seconds()

    def drive(
        self, stage: Stage, *, started_at: datetime, ends: tuple[datetime, ObservationEnded] | None = None
    ) -> StageStatus:
        """Drive a stage until nobody need look any longer.

        Parameters
        ----------
        started_at : datetime
            Pre: when the stage begins. Post: the action's end.
        ends : (datetime, ObservationEnded) or None
            When and why observation ends from outside, if it has not ended by then.
        """
        status = begin(stage.spec, started_at=started_at)
        now = started_at
        told: list[Observation] = [EnforcementSwitched(enforcement=stage.enforcement)]
        if ends is not None and ends[0] <= started_at:
            told.append(ends[1])
        while True:
            decision = decide(stage.spec, status, told, now)
            status, told = decision.status, []
            for intent in decision.intents:
                if isinstance(intent, RecordAttempts):
                    self.records.attempts += [
                        attempt_row(stage.row_context, stage.spec, attempt, recorded_at=now)
                        for attempt in intent.attempts
                    ]
                elif isinstance(intent, RecordEvaluations):
                    self._record(stage, status, intent.keys, intent.objects, now)
                elif isinstance(intent, ReadFacts):
                    looked = self._look(stage, intent, now)
                    told.append(looked)
                    now = looked.read_at
            if told:
                continue
            if decision.next_due is None:
                return status
            now = decision.next_due
            if ends is not None and now >= ends[0]:
                now = max(ends[0], status.seen_at)
                told = [ends[1]]

    def _record(
        self,
        stage: Stage,
        status: StageStatus,
        keys: Sequence[str],
        objects: tuple[ObjectVersion, ...],
        now: datetime,
    ) -> None:
        for key in keys:
            row = evaluation_row(stage.row_context, stage.spec, status, key, recorded_at=now, objects=objects)
            self.records.evaluations[row.record_id] = row

    def _look(self, stage: Stage, intent: ReadFacts, now: datetime) -> Looked:
        at_s = self.seconds(now)
        sight = self._eyes.look(at_s, throttling=any(stage.judged[key].throttling for key in intent.slots))
        judgements: dict[str, Judgement] = {}
        kept: dict[str, Snapshot] = {}
        for entry in stage.spec.conditions:
            key = entry.key
            if key not in intent.slots:
                continue
            seen = sight.state if stage.judged[key].throttling else sight.state_of_objects
            place = (stage.spec.level, stage.spec.phase, key, seen)
            known = self._judged.get(place)
            if known is None:
                known = self._judged[place] = self._judge_one(stage, entry, sight)
            kept[key], judgements[key] = known
        return Looked(
            slots=intent.slots,
            began_at=now,
            read_at=now + timedelta(seconds=self._eyes.read_s(at_s)),
            judgements=judgements,
            snapshots=kept,
            objects=sight.target,
        )

    def _judge_one(self, stage: Stage, entry: StageCondition, sight: Sight) -> tuple[Snapshot, Judgement]:
        condition, judged = entry.condition, stage.judged[entry.key]
        whole = policy_input(
            self._eyes.snapshot(sight, wanted=judged.wanted),
            condition=condition.id,
            context=stage.input_context,
            parameters=stage.parameters,
            settings=condition.settings,
        )
        read = kept_facts(whole, judged.policy, record_facts="read")
        judgement = self._judge.judge(judged.policy, read)
        return (read if stage.record_facts == "read" else whole), judgement
