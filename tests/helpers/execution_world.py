"""A cluster small enough to be certain about, and drivers that carry executions out in it on a virtual clock.

The world keeps what an API server would keep: resources with a status, finalizers, Leases, Jobs, one target with UID
and generation. Jobs change the target when their time has come. A driver is the smallest one there can be: intents
in order, answers into the next call, status from what is stored after a crash. Any request may fail before it was
carried out, after it, or take the driver's memory with it. Everything is written down for the tests to judge.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any

from kubernaut.actions.change import Change, Verb
from kubernaut.conditions.spec import PolicySource, ResolvedCondition
from kubernaut.enforcement.rollout import LastRun
from kubernaut.execution.decide import Decision, begin, decide
from kubernaut.execution.intents import (
    AddFinalizer,
    CaptureRollback,
    CreateJob,
    DeleteJob,
    Intent,
    JudgeSafety,
    PinConditions,
    ReadJob,
    ReadTarget,
    RecordExecution,
    ReleaseLock,
    RemoveFinalizer,
    RetireJob,
    ReviewAccess,
    SendDryRun,
    StageIntent,
    TakeLock,
)
from kubernaut.execution.job_seen import Effect, JobSeen, JobState
from kubernaut.execution.retrying import kind_of
from kubernaut.execution.run import ExecutionRun, RunConditions
from kubernaut.execution.status import ExecutionStatus, Memory
from kubernaut.execution.status_json import from_json, to_json
from kubernaut.execution.status_view import status_view
from kubernaut.execution.types import (
    AccessReviewed,
    CouldNot,
    DryRunAnswered,
    EnforcementSeen,
    FinalizerSet,
    LockAnswered,
    LockHolder,
    MetadataSeen,
    Observation,
    Pinned,
    RollbackCaptured,
    SafetyJudged,
    StageLooked,
    TargetSeen,
    TargetTouched,
)
from kubernaut.facts.baseline import Baseline
from kubernaut.history.rows import ObjectVersion
from kubernaut.identity import ConditionId, Level, Phase
from kubernaut.json_types import JsonObject
from kubernaut.safety import Denial
from kubernaut.verdicts import Code, Judgement, Reason
from kubernaut.verification.types import EmitEvent, Looked, ReadFacts, StoreStatus

START = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)

PASSED = Judgement(Code.PASSED, Reason.ALLOWED)
FAILED = Judgement(Code.FAILED, Reason.NOT_ALLOWED, "not so")
ERROR = Judgement(Code.ERROR, Reason.FACT_UNOBSERVED, "could not look")

MOST_CALLS = 20_000
"""Executions that need more would never end."""


class NeverEndsError(AssertionError):
    """An execution went on for longer than any may."""


class CrashedError(Exception):
    """The driver's process ended here."""


class Fault(StrEnum):
    """What may happen to one request."""

    BEFORE = "before"
    AFTER = "after"
    CRASH_BEFORE = "crash before"
    CRASH_AFTER = "crash after"


@dataclass(frozen=True, slots=True, kw_only=True)
class JobPlan:
    """What becomes of a Job.

    Attributes
    ----------
    takes_s : float
        From its creation to its end.
    applies : bool
        Whether the change reaches the API server, at the end.
    told : Effect
        What can be read from the Job.
    waits_for : str
        Why its pod has not started, all the while.
    late : bool
        It ends by its deadline.
    """

    takes_s: float = 2.0
    applies: bool = True
    told: Effect = Effect.APPLIED
    waits_for: str = ""
    late: bool = False


@dataclass(slots=True)
class StandingJob:
    """A Job in the world."""

    uid: str
    execution_uid: str
    created_s: float
    plan: JobPlan
    target_uid: str = ""
    finalizer: bool = True
    deleted: bool = False
    ended: bool = False


@dataclass(slots=True)
class StandingTarget:
    """The one target."""

    uid: str = "target-1"
    generation: int = 1
    replicas: int = 2
    there: bool = True
    deleting: bool = False


@dataclass(slots=True)
class Resource:
    """One KubernetesExecution as it is stored."""

    run: ExecutionRun
    status: JsonObject | None = None
    view: JsonObject | None = None
    finalizer: bool = False
    deleted: bool = False
    writes: int = 0


@dataclass(frozen=True, slots=True)
class Done:
    """One intent that was carried out."""

    at_s: float
    execution: str
    intent: Intent
    told: bool = True


@dataclass(slots=True, kw_only=True)
class World:
    """What there is, and what is scripted to happen.

    Attributes
    ----------
    verdicts : callable
        ``verdicts(phase, key, at_s) -> Judgement``.
    plans : mapping of str to JobPlan
        By execution UID.
    faults : mapping of int to Fault
        By the number of the request, counted over all drivers.
    down : list of (float, float)
        Spans of seconds in which no request is answered.
    fails : callable
        ``fails(intent, at_s) -> why``: what an intent's failure says; empty lets it be carried out.
    upon : dict of str to callable
        What somebody else does just before an intent of this kind is carried out for the first time.
    away_s : float
        How long nobody is there after a crash.
    happenings : list of (float, callable)
        What somebody else does to the world, and when.
    """

    conditions: tuple[ResolvedCondition, ...] = ()
    verdicts: Callable[[Phase, str, float], Judgement] = lambda _phase, _key, _at: PASSED
    plans: Mapping[str, JobPlan] = field(default_factory=dict)
    faults: Mapping[int, Fault] = field(default_factory=dict)
    down: tuple[tuple[float, float], ...] = ()
    happenings: list[tuple[float, Callable[["World"], None]]] = field(default_factory=list)
    fails: Callable[[Intent, float], str] = lambda _intent, _at: ""
    upon: dict[str, Callable[["World"], None]] = field(default_factory=dict)
    missing: tuple[str, ...] = ()
    author_unchecked: bool = False
    denials: Callable[[float], tuple[Denial, ...]] = lambda _at: ()
    refuses_dry_run: str = ""
    refuses_job: str = ""
    enforcement: bool = True
    blocked_deadline_s: float = 3600.0
    request_s: float = 0.01
    answers_late_s: float = 1.0
    away_s: float = 0.5
    asks_to_wait_s: float | None = None
    now_s: float = 0.0
    requests: int = 0
    target: StandingTarget = field(default_factory=StandingTarget)
    leases: dict[str, LockHolder] = field(default_factory=dict)
    jobs: dict[str, StandingJob] = field(default_factory=dict)
    resources: dict[str, Resource] = field(default_factory=dict)
    done: list[Done] = field(default_factory=list)
    effects: list[tuple[float, str]] = field(default_factory=list)
    overrides: Mapping[str, str] = field(default_factory=dict)
    digest: str = "set-1"
    notes: tuple[str, ...] = ()
    last_incident: str = ""
    budget_spent: frozenset[str] = frozenset()
    baseline: Baseline = field(default_factory=Baseline)
    moved_dry_runs: int = 0
    cannot: Mapping[type, str] = field(default_factory=dict)
    target_kind: str = "Deployment"

    @property
    def now(self) -> datetime:
        """The virtual moment."""
        return moment(self.now_s)

    def pass_time(self, seconds: float) -> None:
        """Let time go by: Jobs end, and what is scripted happens."""
        self.go_to(self.now_s + seconds)

    def go_to(self, at_s: float) -> None:
        """Jump to a moment, minding what happens before it, in order."""
        while True:
            next_end = min(
                ((job.created_s + job.plan.takes_s, name) for name, job in self.jobs.items() if not job.ended),
                default=None,
            )
            next_happening = min((happening[0] for happening in self.happenings), default=None)
            coming = [found for found in (next_end and next_end[0], next_happening) if found is not None]
            if not coming or min(coming) > at_s:
                break
            self.now_s = max(self.now_s, min(coming))
            if next_end is not None and next_end[0] == min(coming):
                self._end(next_end[1])
            else:
                due = [entry for entry in self.happenings if entry[0] == min(coming)]
                self.happenings = [entry for entry in self.happenings if entry[0] != min(coming)]
                for _, happens in due:
                    happens(self)
        self.now_s = round(max(self.now_s, at_s), 6)

    def _end(self, name: str) -> None:
        job = self.jobs[name]
        job.ended = True
        if job.plan.applies:
            self.effects.append((self.now_s, job.execution_uid))
            self.target.generation += 1

    def of(self, execution: str) -> Iterator[Done]:
        """Give what was carried out for one execution."""
        return (entry for entry in self.done if entry.execution == execution)


@dataclass(slots=True)
class Driver:
    """Carries one execution out.

    Attributes
    ----------
    status : ExecutionStatus or None
        None when nothing is remembered.
    """

    world: World
    uid: str
    status: ExecutionStatus | None = None
    next_s: float | None = 0.0
    restarts: int = 0
    decisions: list[Decision] = field(default_factory=list)
    touched: list[str] = field(default_factory=list)

    resource: Resource = field(init=False)

    def __post_init__(self) -> None:
        self.resource = self.world.resources[self.uid]

    def reconcile(self) -> None:
        """Call `decide` until it wants nothing more, and note when it wants to be called again."""
        if self.uid not in self.world.resources:
            self.next_s = None
            return
        try:
            self._reconcile()
        except CrashedError:
            self.status, self.restarts = None, self.restarts + 1
            self.next_s = self.world.now_s + self.world.away_s

    def _reconcile(self) -> None:
        resource = self.resource
        told: list[Observation] = [self._metadata(), EnforcementSeen(enforcement=self.world.enforcement)]
        told += [TargetTouched(by=name) for name in self.touched]
        self.touched = []
        while True:
            if self.status is None:
                stored = resource.status
                self.status = begin(now=self.world.now) if stored is None else from_json(stored)
                told = [entry for entry in told if isinstance(entry, MetadataSeen | EnforcementSeen)] or [
                    self._metadata()
                ]
            decision = decide(resource.run, self.status, told, self.world.now)
            self.decisions.append(decision)
            self.status, told = decision.status, []
            for place, intent in enumerate(decision.intents):
                answer = self._carry_out(intent, decision.status)
                if isinstance(answer, CouldNot) and StoreStatus() in decision.intents[place:]:
                    self.status, self.next_s = None, self.world.now_s + 1.0
                    return
                if answer is not None:
                    told.append(answer)
                if isinstance(answer, CouldNot):
                    break
            if not told:
                due = decision.next_due
                self.next_s = None if due is None else max((due - START).total_seconds(), self.world.now_s)
                return
            if len(self.decisions) > MOST_CALLS:
                raise NeverEndsError(f"{self.uid}: no end after {MOST_CALLS} calls")

    def _metadata(self) -> MetadataSeen:
        return MetadataSeen(
            deleted=self.resource.deleted,
            finalizer=self.resource.finalizer,
            override_annotations=self.world.overrides,
            admission_policy_present=True,
        )

    def _carry_out(self, intent: Intent, status: ExecutionStatus) -> Observation | None:
        """Carry one intent out, or let the fault of its number happen to it."""
        world = self.world
        if isinstance(intent, EmitEvent | RecordExecution) or (
            isinstance(intent, StageIntent) and not isinstance(intent.intent, ReadFacts)
        ):
            why = world.fails(intent, world.now_s)
            if why:
                return CouldNot(intent=intent, why=why)
            world.done.append(Done(world.now_s, self.uid, intent))
            return None
        number, world.requests = world.requests, world.requests + 1
        fault = world.faults.get(number)
        if fault is Fault.CRASH_BEFORE:
            raise CrashedError
        if fault is Fault.BEFORE or any(since <= world.now_s < until for since, until in world.down):
            world.pass_time(world.answers_late_s)
            return CouldNot(intent=intent, why="the API server does not answer")
        if type(intent) in world.cannot:
            return CouldNot(intent=intent, why=world.cannot[type(intent)], retry=False)
        why = world.fails(intent, world.now_s)
        if why:
            world.pass_time(world.request_s)
            return CouldNot(intent=intent, why=why, retry_after_s=world.asks_to_wait_s)
        world.upon.pop(kind_of(intent), _nothing)(world)
        began_s = world.now_s
        world.pass_time(world.request_s)
        world.done.append(Done(began_s, self.uid, intent, told=fault is None))
        answer = _PERFORM[type(intent)](self, intent, status)
        if fault is Fault.CRASH_AFTER:
            raise CrashedError
        if fault is Fault.AFTER:
            world.pass_time(world.answers_late_s)
            return CouldNot(intent=intent, why="no answer came in time")
        return answer


def _nothing(_world: World) -> None:
    """Let things be."""


def moment(at_s: float) -> datetime:
    """Give the moment of a virtual second."""
    return START + timedelta(seconds=at_s)


def a_run(uid: str = "uid-1", **fields: Any) -> ExecutionRun:
    """Give an execution that scales the one target."""
    parameters = {"deployment": {"name": "web", "namespace": "shop", "replicas": 5}}
    return ExecutionRun(
        **{
            "uid": uid,
            "namespace": "shop",
            "name": f"scale-{uid}",
            "action": "scale_deployment",
            "parameters": parameters,
            **fields,
        }
    )


def a_condition(type_: str, phase: Phase, **fields: Any) -> ResolvedCondition:
    """Give a condition that is required and enforced in every incident."""
    return ResolvedCondition(
        **{
            "id": ConditionId("scale_deployment", Level.ACTION, phase, type_),
            "description": "",
            "policy_digest": f"digest-of-{type_}",
            "policy_source": PolicySource.SHIPPED,
            "required": True,
            "rollout_percent": 100.0,
            "timeout_s": 30.0 if phase is Phase.PRE else 20.0,
            **fields,
        }
    )


def pre(type_: str = "capacity", **fields: Any) -> ResolvedCondition:
    """Give a precondition."""
    return a_condition(type_, Phase.PRE, **fields)


def post(type_: str = "running", **fields: Any) -> ResolvedCondition:
    """Give a postcondition."""
    return a_condition(type_, Phase.POST, **fields)


def a_denial(code: Code = Code.FAILED, why: str = "protected namespace") -> Denial:
    """Give what one safety policy says."""
    return Denial(key="protected", policy_digest="p", judgement=Judgement(code, Reason.NOT_ALLOWED, why))


def started(world: World, *runs: ExecutionRun) -> list[Driver]:
    """Put executions into the world, each with its driver."""
    for run in runs:
        world.resources[run.uid] = Resource(run)
    return [Driver(world, run.uid) for run in runs]


def drive(world: World, *runs: ExecutionRun, until_s: float | None = None) -> list[Driver]:
    """Drive executions until none of them wants to be called again.

    Parameters
    ----------
    until_s : float or None
        Stop then; None means to the end.
    """
    drivers = started(world, *runs)
    go_on(world, drivers, until_s=until_s)
    return drivers


def go_on(world: World, drivers: list[Driver], *, until_s: float | None = None) -> None:
    """Drive on, whoever is due first."""
    for _ in range(MOST_CALLS):
        waiting = [driver for driver in drivers if driver.next_s is not None]
        if not waiting:
            return
        driver = min(waiting, key=lambda one: one.next_s or 0.0)
        due_s = max(driver.next_s or 0.0, world.now_s)
        happening_s = min((entry[0] for entry in world.happenings), default=None)
        if happening_s is not None and happening_s <= due_s:
            # Whoever watches is woken by it.
            world.go_to(happening_s)
            for other in waiting:
                other.next_s = min(other.next_s or 0.0, world.now_s)
            continue
        if until_s is not None and due_s > until_s:
            world.go_to(until_s)
            return
        world.go_to(due_s)
        created = set(world.jobs)
        driver.reconcile()
        for name in set(world.jobs) - created:
            _tell_others(world, drivers, world.jobs[name].execution_uid)
    raise NeverEndsError(f"no end after {MOST_CALLS} reconciles")


def _tell_others(world: World, drivers: list[Driver], by: str) -> None:
    for other in drivers:
        if other.uid != by and other.next_s is not None:
            other.touched.append(by)
            other.next_s = world.now_s


def _store(driver: Driver, intent: StoreStatus, status: ExecutionStatus) -> CouldNot | None:
    resource = driver.resource
    if driver.uid not in driver.world.resources:
        return CouldNot(intent=intent, why="the execution is gone", retry=False)
    resource.status, resource.writes = to_json(status), resource.writes + 1
    resource.view = status_view(resource.run, status, before=resource.view)
    if from_json(json.loads(json.dumps(resource.status))) != replace(status, memory=Memory()):
        raise AssertionError(f"{driver.uid}: what is stored is not what is known")
    return None


def _pin(driver: Driver, intent: PinConditions, _status: ExecutionStatus) -> Pinned:
    world = driver.world
    gone = intent.digest not in (None, world.digest)
    return Pinned(
        conditions=RunConditions(
            digest=world.digest,
            conditions=world.conditions,
            blocked_deadline_s=world.blocked_deadline_s,
            observed_share=0.0,
            budget_spent=world.budget_spent,
            notes=("the condition set is gone",) if gone else world.notes,
        ),
        last_run=LastRun(incident_id=world.last_incident, ended_at=world.now) if world.last_incident else None,
    )


def _target(driver: Driver, _intent: ReadTarget, _status: ExecutionStatus) -> TargetSeen:
    target = driver.world.target
    if not target.there:
        return TargetSeen(found=False)
    return TargetSeen(
        found=True,
        uid=target.uid,
        resource_version=str(target.generation),
        generation=target.generation,
        replicas=target.replicas,
        deleting=target.deleting,
    )


def _access(driver: Driver, _intent: ReviewAccess, _status: ExecutionStatus) -> AccessReviewed:
    return AccessReviewed(missing=driver.world.missing, author_unchecked=driver.world.author_unchecked)


def _safety(driver: Driver, _intent: JudgeSafety, _status: ExecutionStatus) -> SafetyJudged:
    return SafetyJudged(denials=driver.world.denials(driver.world.now_s), digest="safety-1")


def _add(driver: Driver, intent: AddFinalizer, _status: ExecutionStatus) -> Observation:
    if driver.resource.deleted:
        return CouldNot(intent=intent, why="the execution is gone", retry=False)
    _stored(driver, "lockAsked")
    driver.resource.finalizer = True
    return FinalizerSet(present=True)


def _remove(driver: Driver, _intent: RemoveFinalizer, _status: ExecutionStatus) -> FinalizerSet:
    _stored(driver, "result")
    driver.resource.finalizer = False
    if driver.resource.deleted:
        driver.world.resources.pop(driver.uid, None)
    return FinalizerSet(present=False)


def _stored(driver: Driver, key: str) -> JsonObject:
    """Give what is stored; a crash now must not forget what is about to be done."""
    stored = driver.resource.status
    if stored is None or key not in stored:
        raise AssertionError(f"{driver.uid}: done although {key} is not stored")
    return stored


def delete(world: World, uid: str) -> None:
    """Delete an execution, as a person does."""
    resource = world.resources.get(uid)
    if resource is None:
        return
    resource.deleted = True
    if not resource.finalizer:
        del world.resources[uid]


def _take(driver: Driver, intent: TakeLock, _status: ExecutionStatus) -> LockAnswered:
    _stored(driver, "lockAsked")
    if not driver.resource.finalizer:
        raise AssertionError(f"{driver.uid}: a lock without the finalizer that makes sure it is given back")
    leases = driver.world.leases
    holder = leases.setdefault(intent.name, LockHolder(execution_uid=driver.uid, name=f"shop/{driver.uid}"))
    return LockAnswered(held_by=None if holder.execution_uid == driver.uid else holder)


def _release(driver: Driver, intent: ReleaseLock, _status: ExecutionStatus) -> None:
    _stored(driver, "result")
    holder = driver.world.leases.get(intent.name)
    if holder is not None and holder.execution_uid == driver.uid:
        del driver.world.leases[intent.name]


def _look(driver: Driver, intent: StageIntent, _status: ExecutionStatus) -> StageLooked:
    world, read = driver.world, intent.intent
    if not isinstance(read, ReadFacts):
        raise TypeError("only reads are answered")
    began = world.now_s - world.request_s
    objects = (
        ObjectVersion(kind=world.target_kind, namespace="shop", name="web", uid=world.target.uid, resource_version="1"),
    )
    return StageLooked(
        phase=intent.phase,
        looked=Looked(
            slots=read.slots,
            began_at=moment(began),
            read_at=world.now,
            judgements={key: world.verdicts(intent.phase, key, began) for key in read.slots},
            objects=objects if world.target.there else (),
        ),
    )


def _dry_run(driver: Driver, _intent: SendDryRun, _status: ExecutionStatus) -> DryRunAnswered:
    world, target = driver.world, driver.world.target
    if not target.there:
        return DryRunAnswered(accepted=False, message="web is not there")
    if world.moved_dry_runs:
        world.moved_dry_runs -= 1
        return DryRunAnswered(accepted=False, moved=True)
    return DryRunAnswered(
        accepted=not world.refuses_dry_run,
        message=world.refuses_dry_run,
        would_change=f"replicas {target.replicas} -> 5",
        uid=target.uid,
        generation=target.generation,
    )


def a_change() -> Change:
    """Give the request that scales the one target."""
    return Change(
        verb=Verb.PATCH,
        group="apps",
        version="v1",
        resource="deployments",
        namespace="shop",
        name="web",
        subresource="scale",
        body=[{"op": "replace", "path": "/spec/replicas", "value": 5}],
    )


def _capture(driver: Driver, _intent: CaptureRollback, _status: ExecutionStatus) -> RollbackCaptured:
    target = driver.world.target
    if not target.there:
        return RollbackCaptured(found=False)
    return RollbackCaptured(
        found=True,
        uid=target.uid,
        resource_version=str(target.generation),
        generation=target.generation,
        change=a_change(),
        info={"replicas": target.replicas},
        baseline=driver.world.baseline,
    )


def _create(driver: Driver, intent: CreateJob, status: ExecutionStatus) -> Observation:
    world = driver.world
    asked: Any = _stored(driver, "job")["job"]
    if asked["name"] != intent.name:
        raise AssertionError(f"{driver.uid}: another name than the one that is stored")
    if all(holder.execution_uid != driver.uid for holder in world.leases.values()):
        raise AssertionError(f"{driver.uid}: a Job without the target's lock")
    target_uid = "" if status.target is None else status.target.uid
    others = [job for job in world.jobs.values() if job.execution_uid != driver.uid and job.target_uid == target_uid]
    if any(not job.ended for job in others):
        raise AssertionError(f"{driver.uid}: a Job beside another one on the same target")
    if world.refuses_job and intent.name not in world.jobs:
        return CouldNot(intent=intent, why=world.refuses_job, retry=False)
    if intent.name not in world.jobs:
        world.jobs[intent.name] = StandingJob(
            uid=f"job-{len(world.jobs)}-{intent.name}",
            execution_uid=driver.uid,
            created_s=world.now_s,
            target_uid=target_uid,
            plan=world.plans.get(driver.uid, JobPlan()),
        )
    return _read(driver, ReadJob(name=intent.name), status)


def _read(driver: Driver, intent: ReadJob, _status: ExecutionStatus) -> JobSeen:
    job = driver.world.jobs.get(intent.name)
    if job is None:
        return JobSeen(state=JobState.ABSENT)
    if job.execution_uid != driver.uid:
        return JobSeen(state=JobState.FOREIGN, uid=job.uid)
    seen = JobSeen(state=JobState.ACTIVE, uid=job.uid, created_at=moment(job.created_s))
    if not job.ended:
        waits = job.plan.waits_for
        return replace(seen, reason="ImagePull" if waits and intent.explain else "", message=waits * intent.explain)
    applied = job.plan.told is Effect.APPLIED
    return replace(
        seen,
        state=JobState.SUCCEEDED if applied else JobState.FAILED,
        finished_at=moment(job.created_s + job.plan.takes_s),
        effect=job.plan.told,
        reason="JobDeadlineExceeded" if job.plan.late else "",
        message="" if applied else "not over within its 60 s" if job.plan.late else "said the pod",
    )


def _delete_job(driver: Driver, intent: DeleteJob, _status: ExecutionStatus) -> None:
    _stored(driver, "job")
    driver.world.jobs.pop(intent.name, None)


def _retire(driver: Driver, intent: RetireJob, _status: ExecutionStatus) -> None:
    _stored(driver, "result")
    job = driver.world.jobs.get(intent.name)
    if job is not None:
        job.finalizer = False


_PERFORM: Mapping[type, Callable[[Driver, Any, ExecutionStatus], Observation | None]] = {
    StoreStatus: _store,
    PinConditions: _pin,
    ReadTarget: _target,
    ReviewAccess: _access,
    JudgeSafety: _safety,
    AddFinalizer: _add,
    RemoveFinalizer: _remove,
    TakeLock: _take,
    ReleaseLock: _release,
    StageIntent: _look,
    SendDryRun: _dry_run,
    CaptureRollback: _capture,
    CreateJob: _create,
    ReadJob: _read,
    DeleteJob: _delete_job,
    RetireJob: _retire,
}


def kinds(world: World, execution: str) -> list[str]:
    """Give the names of what was carried out for one execution, in order."""
    return [kind_of(entry.intent) for entry in world.of(execution)]
