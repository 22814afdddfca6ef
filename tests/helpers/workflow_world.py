"""A world of KubernetesExecutions on a virtual clock, and the smallest driver of a workflow in it.

Executions are played, not decided: each has a plan of when its action begins and ends and what comes of it. Any request
may fail before it was carried out or after it, or take the driver's memory with it.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import chain
from typing import Any

from kubernaut.actions.catalogue import target_of
from kubernaut.conditions.spec import PolicySource, ResolvedCondition
from kubernaut.execution.types import EnforcementSeen, FinalizerSet
from kubernaut.history.rows import ExecutionRow, Outcome, OutcomeSource, Purpose
from kubernaut.identity import ConditionId, Level, Phase
from kubernaut.json_types import JsonObject
from kubernaut.resources.execution import ExecutionPhase
from kubernaut.verdicts import Code, Judgement, Reason
from kubernaut.verification.types import EmitEvent, Looked, ReadFacts, StoreStatus
from kubernaut.workflow.decide import begin, decide
from kubernaut.workflow.intents import (
    AddFinalizer,
    AskOutcome,
    CreateExecution,
    DeleteExecution,
    Intent,
    PinWorkflow,
    RecordStep,
    RecordWorkflow,
    RemoveFinalizer,
    ReviewAccess,
    StageIntent,
)
from kubernaut.workflow.keys import StepKey, Undo
from kubernaut.workflow.rows import step_row, workflow_row
from kubernaut.workflow.run import StepConditions, StepRun, WorkflowConditions, WorkflowRun
from kubernaut.workflow.status import WorkflowStatus
from kubernaut.workflow.status_json import from_json, to_json
from kubernaut.workflow.status_view import status_view
from kubernaut.workflow.types import (
    AccessReviewed,
    CouldNot,
    ExecutionSeen,
    Observation,
    OutcomeAnswered,
    PeopleSeen,
    StepLooked,
    WorkflowPinned,
)

from .execution_world import CrashedError, Fault, NeverEndsError

START = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
PASSED = Judgement(Code.PASSED, Reason.ALLOWED)
NOT_SO = Judgement(Code.FAILED, Reason.NOT_ALLOWED, "not so")
MOST_CALLS = 6000


@dataclass(frozen=True, slots=True, kw_only=True)
class ExecutionPlan:
    """What becomes of a step's KubernetesExecution.

    Attributes
    ----------
    begins_s, ends_s, over_s : float
        From its creation to the action's begin and end, and to its result. `begins_s` None: the action never runs.
    succeeds : bool
    changes : bool
        Whether the action changed something (or may have).
    reversible : bool
    """

    begins_s: float | None = 1.0
    ends_s: float = 2.0
    over_s: float = 3.0
    succeeds: bool = True
    changes: bool = True
    reversible: bool = True


@dataclass(slots=True)
class Standing:
    """A KubernetesExecution in the world."""

    uid: str
    created_s: float
    plan: ExecutionPlan
    work: Undo
    deleted_s: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Plans:
    """Everything that is not decided: executions by key, verdicts by (key, phase).

    Attributes
    ----------
    passes_after_s : mapping of (StepKey, Phase) to float or None
        Virtual second since the stage's step began from which its condition passes; None: never.
    told : callable
        What becomes of what is seen of an execution: somebody deleted it, it is blocked, it is somebody else's.
    refuses : callable
        Says whether an intent cannot be carried out, at a virtual second.
    digest : callable
        The set that is in force, by the virtual second.
    judged : callable
        What becomes of a judgement: facts cannot be read for a while.
    wakes : tuple of float
        Virtual seconds at which people do something: a watch would wake the driver then.
    unread : callable
        Says whether an execution cannot be read, at a virtual second.
    gone_after_s : mapping of StepKey to float
        From its creation to the moment at which somebody takes an execution away by force, once it was seen.
    """

    executions: Mapping[StepKey, ExecutionPlan] = field(default_factory=dict)
    passes_after_s: Mapping[tuple[StepKey, Phase], float | None] = field(default_factory=dict)
    people: Callable[[float], PeopleSeen] = lambda _now_s: PeopleSeen(admission_policy_present=True)
    outcome: Outcome = Outcome.EFFECTIVE
    missing: tuple[str, ...] = ()
    told: Callable[[ExecutionSeen, float], ExecutionSeen] = lambda seen, _now_s: seen
    refuses: Callable[[Intent, float], CouldNot | None] = lambda _intent, _now_s: None
    digest: Callable[[float], str] = lambda _now_s: "set-1"
    judged: Callable[[Judgement, float], Judgement] = lambda judgement, _now_s: judgement
    wakes: tuple[float, ...] = ()
    unread: Callable[[StepKey, float], bool] = lambda _key, _now_s: False
    gone_after_s: Mapping[StepKey, float] = field(default_factory=dict)


@dataclass(slots=True)
class WorkflowWorld:
    """The world and what happened in it.

    Attributes
    ----------
    created, deleted, effects : list of StepKey
        Executions made, cancelled, and whose action changed something, in order.
    phases_at_create : list
        Copies of the stored steps' phases whenever an execution was created.
    away_s : float
        How long a driver that died is away.
    running_at_create : list
        Beside each entry of `created`, how many executions had no result then.
    passed : list of (StepKey, Phase, float)
        Looks at which a condition passed, and when.
    """

    run: WorkflowRun
    plans: Plans
    faults: Iterator[Fault | None]
    now_s: float = 0.0
    away_s: float = 1.0
    stored: JsonObject | None = None
    shown: JsonObject | None = None
    finalizer: bool = False
    standing: dict[StepKey, Standing] = field(default_factory=dict)
    created: list[StepKey] = field(default_factory=list)
    created_open: list[tuple[StepKey, WorkflowStatus]] = field(default_factory=list)
    created_at_s: list[float] = field(default_factory=list)
    running_at_create: list[int] = field(default_factory=list)
    passed: list[tuple[StepKey, Phase, float]] = field(default_factory=list)
    deleted: list[StepKey] = field(default_factory=list)
    recorded: list[WorkflowStatus] = field(default_factory=list)
    step_rows: dict[str, ExecutionRow] = field(default_factory=dict)
    events: list[EmitEvent] = field(default_factory=list)
    looks: list[tuple[float, StepKey, Phase]] = field(default_factory=list)

    def moment(self, at_s: float) -> datetime:
        """Give the moment of a virtual second."""
        return START + timedelta(seconds=at_s)

    def status(self) -> WorkflowStatus:
        """Read what is stored, or begin."""
        return begin(self.run, now=self.moment(self.now_s)) if self.stored is None else from_json(self.stored)

    def drive(self, *, until_s: float = 1e7, deleted_at_s: float | None = None) -> WorkflowStatus:
        """Drive the workflow until nothing is left to do."""
        status, told = self.status(), list[Observation]()
        for _ in range(MOST_CALLS):
            people = self.plans.people(self.now_s)
            deleted = deleted_at_s is not None and self.now_s >= deleted_at_s
            noticed: list[Observation] = [
                replace(people, deleted=people.deleted or deleted, finalizer=self.finalizer),
                EnforcementSeen(enforcement=True),
            ]
            if not told:
                noticed += [self._seen(key) for key in status.followed if not self.plans.unread(key, self.now_s)]
            decision = decide(self.run, status, [*noticed, *told], self.moment(self.now_s))
            status = decision.status
            try:
                told = self._carry_out(decision.intents, status)
            except CrashedError:
                status, told = self.status(), []
                self.now_s += self.away_s
                continue
            if told:
                continue
            if decision.next_due is None or (status.over and not self.finalizer):
                return status
            due_s = (decision.next_due - START).total_seconds()
            if deleted_at_s is not None and self.now_s < deleted_at_s < due_s:
                due_s = deleted_at_s
            self.now_s = max(self.now_s + 0.001, min([due_s, *self._changes()]))
            if self.now_s > until_s:
                return status
        raise NeverEndsError(f"{status.phase}: {status.message}")

    def _changes(self) -> list[float]:
        """Give the coming moments at which an execution changes: a watch would wake the driver then."""
        coming = [at_s for at_s in self.plans.wakes if at_s > self.now_s]
        for standing in self.standing.values():
            plan = standing.plan
            for after_s in (plan.begins_s, plan.ends_s, plan.over_s):
                at_s = standing.created_s + (after_s or 0.0)
                if at_s > self.now_s:
                    coming.append(at_s)
        return coming

    def _carry_out(self, intents: tuple[Intent, ...], status: WorkflowStatus) -> list[Observation]:
        told: list[Observation] = []
        for intent in intents:
            fault = None if isinstance(intent, EmitEvent | RecordWorkflow | RecordStep) else next(self.faults)
            if fault is Fault.CRASH_BEFORE:
                raise CrashedError
            if fault is Fault.BEFORE:
                return [*told, CouldNot(intent=intent, why="busy")]
            refused = self.plans.refuses(intent, self.now_s)
            if refused is not None:
                return [*told, refused]
            answer = self._perform(intent, status)
            if fault is Fault.CRASH_AFTER:
                raise CrashedError
            if fault is Fault.AFTER:
                return [*told, CouldNot(intent=intent, why="no answer")]
            if answer is not None:
                told.append(answer)
        return told

    def _perform(self, intent: Intent, status: WorkflowStatus) -> Observation | None:
        match intent:
            case StoreStatus():
                self.stored = to_json(status)
                self.shown = status_view(self.run, status, before=self.shown)
            case RecordWorkflow():
                self.recorded.append(status)
                workflow_row(self.run, status, cluster_uid="cluster", recorded_at=self.moment(self.now_s))
            case RecordStep():
                row = step_row(self.run, status, intent.key, cluster_uid="cluster", recorded_at=self.moment(self.now_s))
                self.step_rows[row.record_id] = row
            case EmitEvent():
                self.events.append(intent)
            case PinWorkflow():
                return WorkflowPinned(conditions=self._conditions())
            case ReviewAccess():
                return AccessReviewed(missing=self.plans.missing)
            case AddFinalizer():
                self.finalizer = True
                return FinalizerSet(present=True)
            case RemoveFinalizer():
                self.finalizer = False
                return FinalizerSet(present=False)
            case CreateExecution():
                return self._create(intent)
            case DeleteExecution():
                self._delete(intent.key)
            case AskOutcome():
                return OutcomeAnswered(outcome=self.plans.outcome, source=OutcomeSource.QUERY)
            case StageIntent():
                return self._stage(intent)
        return None

    def _create(self, intent: CreateExecution) -> ExecutionSeen:
        known = self.standing.get(intent.key)
        if known is not None and known.work != intent.work:
            raise AssertionError(f"{intent.name} was asked for with other work than before")
        if known is None or self._gone(intent.key):
            self.running_at_create.append(self._running(intent.key.purpose))
            self.created_at_s.append(self.now_s)
            plan = self.plans.executions.get(intent.key, ExecutionPlan())
            self.standing[intent.key] = Standing(f"uid-{intent.key}", self.now_s, plan, intent.work)
            self.created.append(intent.key)
            self.created_open.append((intent.key, self.status()))
        return self._seen(intent.key)

    def _delete(self, key: StepKey) -> None:
        standing = self.standing.get(key)
        if standing is not None and standing.deleted_s is None:
            standing.deleted_s = self.now_s
            self.deleted.append(key)

    def _gone(self, key: StepKey) -> bool:
        """Say whether it was taken away: nobody can tell one that is gone from one never made before it was seen."""
        after_s = self.plans.gone_after_s.get(key)
        return (
            after_s is not None
            and self.now_s >= self.standing[key].created_s + after_s
            and bool(self.status().state(key).execution_uid)
        )

    def _running(self, purpose: Purpose) -> int:
        seen = [self._plan_of(key) for key in self.standing if key.purpose is purpose]
        return sum(one.found and not one.over for one in seen)

    def forget(self) -> None:
        """Lose what is not stored, as by a restart."""
        self.faults = chain([Fault.CRASH_BEFORE], self.faults)

    def _seen(self, key: StepKey) -> ExecutionSeen:
        return self.plans.told(self._plan_of(key), self.now_s)

    def _plan_of(self, key: StepKey) -> ExecutionSeen:
        standing = self.standing.get(key)
        if standing is None or self._gone(key):
            return ExecutionSeen(key=key, found=False)
        plan, age_s = standing.plan, self.now_s - standing.created_s
        began = plan.begins_s is not None and age_s >= plan.begins_s
        if standing.deleted_s is not None and not began:
            return ExecutionSeen(
                key=key, found=True, uid=standing.uid, phase=ExecutionPhase.FAILED, over=True, message="deleted"
            )
        ended = began and age_s >= plan.ends_s
        over = age_s >= plan.over_s
        undo = Undo(action=standing.work.action, parameters=standing.work.parameters)
        return ExecutionSeen(
            key=key,
            found=True,
            uid=standing.uid,
            phase=ExecutionPhase.SUCCEEDED if plan.succeeds else ExecutionPhase.FAILED,
            over=over,
            succeeded=over and plan.succeeds,
            may_have_changed=began and plan.changes,
            target_uid=f"target-{target_of(standing.work.action, standing.work.parameters).name}",
            action_began_at=self.moment(standing.created_s + (plan.begins_s or 0.0)) if began else None,
            action_ended_at=self.moment(standing.created_s + plan.ends_s) if ended else None,
            undo=undo if began and plan.reversible else None,
            message="" if plan.succeeds else "it failed",
        )

    def _stage(self, intent: StageIntent) -> StepLooked | None:
        if not isinstance(intent.intent, ReadFacts):
            return None
        self.looks.append((self.now_s, intent.key, intent.phase))
        after_s = self.plans.passes_after_s.get((intent.key, intent.phase), 0.0)
        began = self.status().state(intent.key).started_at or self.moment(self.now_s)
        age_s = (self.moment(self.now_s) - began).total_seconds()
        judgement = PASSED if after_s is not None and age_s >= after_s else NOT_SO
        judgement = self.plans.judged(judgement, self.now_s)
        if judgement is PASSED:
            self.passed.append((intent.key, intent.phase, self.now_s))
        now = self.moment(self.now_s)
        return StepLooked(
            key=intent.key,
            phase=intent.phase,
            looked=Looked(
                slots=intent.intent.slots,
                began_at=now,
                read_at=now,
                judgements=dict.fromkeys(intent.intent.slots, judgement),
            ),
        )

    def _conditions(self) -> WorkflowConditions:
        suite = StepConditions(conditions=(condition(Phase.PRE), condition(Phase.POST)), observed_share=0.0)
        return WorkflowConditions(
            digest=self.plans.digest(self.now_s),
            forward={step.number: suite for step in self.run.steps},
            undo={"scale_deployment": suite},
        )


def condition(phase: Phase, *, required: bool = True, percent: float = 100.0) -> ResolvedCondition:
    """Give a condition of the step level, enforced in every incident."""
    return ResolvedCondition(
        id=ConditionId("scale_deployment", Level.STEP, phase, "ready"),
        description="",
        policy_digest="digest",
        policy_source=PolicySource.SHIPPED,
        required=required,
        rollout_percent=percent,
        timeout_s=30.0 if phase is Phase.PRE else 60.0,
    )


def step(number: int, *depends_on: int, target: str = "", **changes: Any) -> StepRun:
    """Give a step that scales a Deployment of its own."""
    name = target or f"web-{number}"
    return StepRun(
        number=number,
        action="scale_deployment",
        parameters={"deployment": {"name": name, "namespace": "shop", "replicas": 3}},
        depends_on=depends_on,
        **changes,
    )


def run_of(*steps: StepRun, **changes: Any) -> WorkflowRun:
    """Give a workflow of some steps."""
    return WorkflowRun(uid="wf-1", namespace="shop", name="incident", steps=steps, **changes)


BACK = Purpose.ROLLBACK
