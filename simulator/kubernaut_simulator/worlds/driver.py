"""Carries out what the engine's `decide` asks for, on a virtual clock: reads, judges, records, waits by jumping.

No rule of verification is known here: what is looked at when, what a verdict does and when a stage is over is
the answer of `decide`. Judging goes through the engine too; equal inputs of one policy are judged once.
"""

import json
from collections.abc import Collection, Sequence
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
from kubernaut.judging import judge
from kubernaut.policy.batch import Evaluator
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
)
from kubernaut_simulator.worlds.eyes import Eyes


class FoldingJudge:
    """Judges by the engine; an input that a policy has seen is not judged again.

    Parameters
    ----------
    evaluator : Evaluator
    """

    def __init__(self, evaluator: Evaluator) -> None:
        self._evaluator = evaluator
        self._known: dict[tuple[str, str], Judgement] = {}
        self.judged = 0

    def judge(self, policy: CompiledPolicy, snapshot: Snapshot) -> Judgement:
        """Judge one snapshot that holds what the policy reads."""
        text = json.dumps(snapshot.facts, sort_keys=True, ensure_ascii=False)
        missing = ";".join(f"{path}={why.reason}:{why.detail}" for path, why in snapshot.unobserved.items())
        key = (policy.digest, f"{text}|{missing}")
        known = self._known.get(key)
        if known is None:
            self.judged += 1
            known = self._known[key] = judge(self._evaluator, policy, [snapshot])[0]
        return known


@dataclass(slots=True, kw_only=True)
class Records:
    """The rows of one run; of several versions of an evaluation the newest stays."""

    attempts: list[AttemptRow] = field(default_factory=list)
    evaluations: dict[str, EvaluationRow] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """One stage of one run and what driving it needs.

    Attributes
    ----------
    resolution : Resolution
        Of the stage's level.
    enforcement : bool
        The global switch.
    record_facts : str
        ``read`` or ``all``.
    """

    spec: StageSpec
    resolution: Resolution
    enforcement: bool
    record_facts: str
    parameters: JsonObject
    input_context: InputContext
    row_context: RunContext

    def wanted(self, keys: Collection[str]) -> frozenset[str] | None:
        """Give the facts that some of the conditions read, by their names at the top; None means all."""
        if self.record_facts == "all":
            return None
        policies = [self.resolution.policy(entry.condition) for entry in self.spec.conditions if entry.key in keys]
        if any(policy.reads_everything for policy in policies):
            return None
        return frozenset(path[0] for policy in policies for path in policy.reads)


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
    judge : FoldingJudge
    start : datetime
        Moment of virtual second 0.
    """

    def __init__(self, eyes: Eyes, judge: FoldingJudge, *, start: datetime) -> None:
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
        seen, snapshot = self._eyes.look(at_s, wanted=stage.wanted(intent.slots))
        judgements: dict[str, Judgement] = {}
        kept: dict[str, Snapshot] = {}
        for entry in stage.spec.conditions:
            key = entry.key
            if key not in intent.slots:
                continue
            place = (stage.spec.level, stage.spec.phase, key, seen)
            known = self._judged.get(place)
            if known is None:
                known = self._judged[place] = self._judge_one(stage, entry, snapshot)
            kept[key], judgements[key] = known
        return Looked(
            slots=intent.slots,
            began_at=now,
            read_at=now + timedelta(seconds=self._eyes.read_s(at_s)),
            judgements=judgements,
            snapshots=kept,
            objects=self._eyes.target_version(at_s),
        )

    def _judge_one(self, stage: Stage, entry: StageCondition, snapshot: Snapshot) -> tuple[Snapshot, Judgement]:
        condition = entry.condition
        policy = stage.resolution.policy(condition)
        whole = policy_input(
            snapshot,
            condition=condition.id,
            context=stage.input_context,
            parameters=stage.parameters,
            settings=condition.settings,
        )
        read = kept_facts(whole, policy, record_facts="read")
        judgement = self._judge.judge(policy, read)
        return (read if stage.record_facts == "read" else whole), judgement
