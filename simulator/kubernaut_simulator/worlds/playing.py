"""One incident from its onset to its last run: reads, judges, acts and records as the operator would.

The order is the operator's: preconditions of the step, the target must exist, preconditions of the action, the
Job, then the postconditions of both levels from the action's end. A run that did not help may be tried again on
the same pods.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from importlib.metadata import version

from kubernaut import __version__
from kubernaut.conditions.inputs import RunContext as InputContext
from kubernaut.conditions.pinning import PinnedSets
from kubernaut.conditions.resolve import Resolution, resolve
from kubernaut.enforcement.rollout import bucket_of
from kubernaut.facts.registry import REGISTRY_VERSION
from kubernaut.history.ids import RunKey
from kubernaut.history.policy_rows import policy_row
from kubernaut.history.rows import PolicyRow, Row, WorkflowRow
from kubernaut.identity import Level, Phase
from kubernaut.policy.compiling import compile_policy
from kubernaut.verification.rows import RunContext, stopping_percents
from kubernaut.verification.status import StageStatus
from kubernaut.verification.types import EndCause, ObservationEnded, StagePhase, StageSpec
from kubernaut_simulator.worlds.causes import Cause
from kubernaut_simulator.worlds.driver import Driver, Judged, Stage, judged_by, stage_conditions
from kubernaut_simulator.worlds.eyes import Eyes
from kubernaut_simulator.worlds.judging import WorldJudge
from kubernaut_simulator.worlds.meanwhile import answer_action
from kubernaut_simulator.worlds.objects import WorldObjects
from kubernaut_simulator.worlds.onset import begin_life
from kubernaut_simulator.worlds.pod_life import draw_delay
from kubernaut_simulator.worlds.run_records import (
    ACTION,
    STEP,
    Clock,
    Run,
    execution_row,
    outcome,
    resolved,
)
from kubernaut_simulator.worlds.scenario import Scenario
from kubernaut_simulator.worlds.scenario_parts import DAY_S, Delay
from kubernaut_simulator.worlds.streams import Stream, digest_uid
from kubernaut_simulator.worlds.target_life import TargetLife
from kubernaut_simulator.worlds.traffic import Incident
from kubernaut_simulator.worlds.truth import TruthRow

HANDOVER = Delay(median=0.6, sigma=0.4, at_most=5)
"""From the step's preconditions to the execution's."""

RETURNED_S = (0.3, 1.5)
"""From the change of the API to the end of the Job that made it."""

_ALERTS = ("HighLatency", "HighErrorRate", "CPUSaturation", "QueueBacklog")
_POD_ALERTS: Mapping[Cause, str] = {
    Cause.CRASH_AT_START: "KubePodCrashLooping",
    Cause.CRASH_LATER: "KubePodCrashLooping",
    Cause.OUT_OF_MEMORY: "ContainerOOMKilled",
    Cause.BAD_IMAGE: "KubeDeploymentRolloutStuck",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """What all incidents of a world share.

    Attributes
    ----------
    start : datetime
        Moment of virtual second 0: a midnight UTC.
    """

    scenario: Scenario
    seed: int
    start: datetime
    sets: PinnedSets
    judge: WorldJudge

    @property
    def cluster_uid(self) -> str:
        """UID of the one cluster."""
        return digest_uid(self.seed, "cluster", self.scenario.name)

    def resolution(self, level: Level, *, namespace: str, environment: str) -> Resolution:
        """Give what a run is judged by at one level."""
        return resolve(
            self.sets.level(level),
            action=ACTION,
            namespace=namespace,
            environment=environment,
            compile_=compile_policy,
        )


class Player:
    """Plays incidents of one world, one after the other."""

    def __init__(self, world: World) -> None:
        self._world = world
        # Both take a digest over all texts; they are asked for at every stage.
        self._settings_digest = world.sets.digest
        self._clock = Clock(cluster_uid=world.cluster_uid, start=world.start)
        self._resolved: dict[tuple[Level, Phase, str, str], tuple[Resolution, Mapping[str, Judged]]] = {}
        self._versions = {
            "engine": __version__,
            "evaluator": f"regopy {version('regopy')}",
            "fact_registry": str(REGISTRY_VERSION),
            "operator": "generated",
        }

    def play(self, incident: Incident) -> tuple[list[Row], list[TruthRow]]:
        """Play one incident.

        Returns
        -------
        list of Row, list of TruthRow
            What the operator would have recorded, in the order of the runs; and what is true of each run.
        """
        world = self._world
        scenario = world.scenario.at(incident.onset_s / DAY_S)
        stream = Stream(world.seed, "incident", incident.key)
        detected_s = incident.onset_s + draw_delay(stream, scenario.traffic.detection)
        started_s = round(detected_s + draw_delay(stream, scenario.traffic.analysis), 3)
        life = begin_life(incident, scenario, world.seed, detected_s=detected_s, run_s=started_s)
        objects = WorldObjects(life, world.start)
        states_replicas = stream.happens(incident.deployment.team.states_replicas)
        retries = scenario.traffic.retries
        rows: list[Row] = []
        workflows: list[WorkflowRow] = []
        truth: list[TruthRow] = []
        replicas = life.wanted
        while True:
            run = self._begin(life, stream, number=len(truth) + 1, started_s=started_s, replicas=replicas)
            expected = life.baseline if run.number == 1 else life.replicas(started_s)
            if states_replicas:
                run.parameters = {**run.parameters, "expectedReplicas": expected}
            rows += self._carry_out(run, life, objects, stream.child("run", run.number))
            workflow, true = outcome(run, life, self._clock, stream.child("outcome", run.number), detected_s=detected_s)
            workflows.append(workflow)
            truth.append(true)
            again = (
                stream.happens(retries.probability * incident.deployment.team.retries) and run.number <= retries.at_most
            )
            started_s = round(run.finished_s + draw_delay(stream, retries.after), 3)
            replicas += stream.integer(1, 2)
            if true.good or not again:
                break
        rows += resolved(workflows, truth, self._clock, stream, last=run)
        return rows, truth

    def policy_rows(self) -> list[PolicyRow]:
        """Give the source of every policy that the world's runs are judged by."""
        sets = self._world.sets
        found: dict[str, PolicyRow] = {}
        for level in Level:
            compiled = sets.level(level)
            for candidate, policies in ((False, compiled.policies), (True, compiled.candidates)):
                for condition, policy in policies.items():
                    row = policy_row(condition, policy, candidate=candidate, recorded_at=self._world.start)
                    found[row.record_id] = row
        return [found[record_id] for record_id in sorted(found)]

    def _begin(self, life: TargetLife, stream: Stream, *, number: int, started_s: float, replicas: int) -> Run:
        world, deployment, key = self._world, life.deployment, life.incident.key
        incident_id = digest_uid(world.seed, "incident-id", key)
        alert = _POD_ALERTS.get(life.incident.cause)
        labelled = stream.child("labels")
        if alert is None or labelled.happens(0.4):
            alert = labelled.pick(_ALERTS)
        return Run(
            number=number,
            incident_id=incident_id,
            workflow_uid=digest_uid(world.seed, "workflow", key, number),
            execution_uid=digest_uid(world.seed, "execution", key, number),
            started_s=started_s,
            replicas=replicas,
            parameters={
                "deployment": {
                    "name": deployment.name,
                    "namespace": deployment.namespace,
                    "replicas": replicas,
                }
            },
            labels={
                "alert": alert,
                "severity": labelled.pick(("warning", "critical")),
                "team": deployment.team.name,
            },
            bucket=bucket_of(world.sets.step.texts.settings.rollout, incident_id),
        )

    def _carry_out(self, run: Run, life: TargetLife, objects: WorldObjects, stream: Stream) -> list[Row]:
        """Drive one run's four stages and the action between them."""
        timing, start = life.scenario.timing, self._world.start
        key = f"{life.incident.key}/{run.number}"
        eyes = Eyes(life, objects, start=start, key=key, parameters=run.parameters)
        driver = Driver(eyes, self._world.judge, start=start)
        now_s = run.started_s
        stages = ((Level.STEP, Phase.PRE), (Level.ACTION, Phase.PRE))
        for level, phase in stages:
            if run.result == "succeeded" and level is Level.ACTION:
                now_s = round(now_s + draw_delay(stream, HANDOVER), 3)
                if not life.there:
                    run.result, run.message = "failed", f"{eyes.target} is not there"
            stage = self._stage(run, life, level, phase)
            if run.result != "succeeded":
                driver.drive(stage, started_at=driver.moment(now_s), ends=_never_ran(driver.moment(now_s)))
                continue
            status = driver.drive(stage, started_at=driver.moment(now_s))
            run.stopping += stopping_percents(stage.spec, status)
            run.blocked_s += status.blocked_s
            now_s = round(driver.seconds(status.decided_at or status.seen_at), 6)
            if status.phase is not StagePhase.PASSED:
                run.result, run.message = "blocked", status.message
                run.stopped_by = _texts(stage.spec, status)
        if run.result == "succeeded":
            eyes.take_baseline(now_s)
            run.action_started_s = round(now_s + draw_delay(stream, timing.dispatch), 3)
            run.ended_s = round(run.action_started_s + draw_delay(stream, timing.action), 3)
            changed_s = round(max(run.action_started_s, run.ended_s - stream.uniform(*RETURNED_S)), 3)
            life.scale(changed_s, run.replicas)
            answer_action(life, changed_s, number=run.number)
            eyes.action_ended(run.ended_s)
            eyes.changed()
        self._verify(run, life, driver, now_s)
        rows: list[Row] = [*driver.records.attempts, *driver.records.evaluations.values()]
        return [*rows, execution_row(run, life, self._clock)]

    def _verify(self, run: Run, life: TargetLife, driver: Driver, now_s: float) -> None:
        """Drive the postconditions of both levels; an enforced failure at the action's cuts the step's short."""
        started_at = driver.moment(now_s if run.ended_s is None else run.ended_s)
        ends = _never_ran(started_at) if run.ended_s is None else None
        finished_s = driver.seconds(started_at)
        for level in (Level.ACTION, Level.STEP):
            stage = self._stage(run, life, level, Phase.POST)
            status = driver.drive(stage, started_at=started_at, ends=ends)
            if status.decided_at is not None:
                finished_s = max(finished_s, driver.seconds(status.decided_at))
            if run.ended_s is not None and status.phase is StagePhase.FAILED and run.result == "succeeded":
                run.result, run.message = "failed", status.message
                run.stopped_by = _texts(stage.spec, status)
                if level is Level.ACTION and status.decided_at is not None:
                    run.cut_short = True
                    ends = (status.decided_at, ObservationEnded(cause=EndCause.CUT_SHORT))
        run.finished_s = round(finished_s, 6)

    def _stage(self, run: Run, life: TargetLife, level: Level, phase: Phase) -> Stage:
        deployment = life.deployment
        resolution, judged = self._resolved_at(level, phase, deployment.namespace, deployment.environment)
        settings = self._world.sets.level(level).texts.settings
        return Stage(
            spec=StageSpec(
                uid=run.execution_uid if level is Level.ACTION else f"{run.workflow_uid}/{STEP}",
                level=level,
                phase=phase,
                conditions=stage_conditions(resolution, phase, bucket=run.bucket),
                blocked_deadline_s=settings.blocked_deadline_s,
            ),
            judged=judged,
            enforcement=settings.enforcement,
            record_facts=settings.record_facts,
            parameters=run.parameters,
            input_context=InputContext(step=STEP, incident=run.incident_id),
            row_context=RunContext(
                run=RunKey(
                    cluster_uid=self._clock.cluster_uid,
                    workflow_uid=run.workflow_uid,
                    execution_uid=run.execution_uid,
                    step=STEP,
                ),
                incident_id=run.incident_id,
                execution_uid=run.execution_uid,
                settings_digest=self._settings_digest,
                bucket=run.bucket,
                namespace=deployment.namespace,
                target_kind="Deployment",
                target_name=deployment.name,
                target_uid=deployment.uid if life.there else "",
                environment=deployment.environment,
                labels=run.labels,
                versions=self._versions,
                stopping_percents=run.stopping,
            ),
        )

    def _resolved_at(
        self, level: Level, phase: Phase, namespace: str, environment: str
    ) -> tuple[Resolution, Mapping[str, Judged]]:
        key = (level, phase, namespace, environment)
        known = self._resolved.get(key)
        if known is None:
            resolution = self._world.resolution(level, namespace=namespace, environment=environment)
            record_facts = self._world.sets.level(level).texts.settings.record_facts
            known = self._resolved[key] = resolution, judged_by(resolution, phase, record_facts=record_facts)
        return known


def _never_ran(now: datetime) -> tuple[datetime, ObservationEnded]:
    return now, ObservationEnded(cause=EndCause.ACTION_NEVER_RAN)


def _texts(spec: StageSpec, status: StageStatus) -> tuple[str, ...]:
    """Give the full names of the conditions that stopped a stage."""
    names = {entry.key: str(entry.condition.id) for entry in spec.conditions}
    return tuple(names[key] for key in status.stopped_by)
