"""What is written of a run once it is over: the rows of its step and workflow, and what is true of it.

The outcome is drawn from the truth by `labels`; nothing here looks at a condition or a verdict.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from kubernaut.history.ids import RunKey, workflow_id
from kubernaut.history.rows import ExecutionRow, WorkflowRow
from kubernaut.json_types import JsonObject
from kubernaut_simulator.worlds.labels import draw_label
from kubernaut_simulator.worlds.pod_life import draw_delay
from kubernaut_simulator.worlds.scenario_parts import DAY_S, Delay
from kubernaut_simulator.worlds.streams import Stream
from kubernaut_simulator.worlds.target_life import TargetLife
from kubernaut_simulator.worlds.truth import TruthRow

ACTION = "scale_deployment"
STEP = 1

BY_HAND = Delay(median=4200, sigma=0.8, at_most=2 * DAY_S)
"""From the last run's end until people have resolved an incident that no run has."""

LONGEST_WAIT_S = 1800.0
"""How long after the action replicas that get ready still count as its doing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Clock:
    """Where and when a world is.

    Attributes
    ----------
    start : datetime
        Moment of virtual second 0.
    """

    cluster_uid: str
    start: datetime

    def moment(self, at_s: float) -> datetime:
        """Give the moment of a virtual second."""
        return self.start + timedelta(seconds=at_s)


@dataclass(slots=True, kw_only=True)
class Run:
    """One run of an incident, as far as it has come; seconds count from the world's start.

    Attributes
    ----------
    action_started_s, ended_s : float or None
        None when the action never ran.
    stopping : tuple of float
        Rollout percents of the required preconditions that had failed.
    """

    number: int
    incident_id: str
    workflow_uid: str
    execution_uid: str
    started_s: float
    replicas: int
    parameters: JsonObject
    labels: Mapping[str, str]
    bucket: int
    action_started_s: float | None = None
    ended_s: float | None = None
    finished_s: float = 0.0
    result: str = "succeeded"
    message: str = ""
    stopped_by: tuple[str, ...] = ()
    blocked_s: float = 0.0
    cut_short: bool = False
    stopping: tuple[float, ...] = ()


def execution_row(run: Run, life: TargetLife, clock: Clock) -> ExecutionRow:
    """Give the row of a run's step."""
    deployment = life.deployment
    ids = RunKey(
        cluster_uid=clock.cluster_uid,
        workflow_uid=run.workflow_uid,
        execution_uid=run.execution_uid,
        step=STEP,
    )
    return ExecutionRow(
        record_id=ids.execution_id(),
        recorded_at=clock.moment(run.finished_s),
        cluster_uid=clock.cluster_uid,
        incident_id=run.incident_id,
        workflow_uid=run.workflow_uid,
        execution_uid=run.execution_uid,
        step=STEP,
        action=ACTION,
        parameters=run.parameters,
        namespace=deployment.namespace,
        target_kind="Deployment",
        target_name=deployment.name,
        target_uid=deployment.uid if life.there else "",
        environment=deployment.environment,
        labels=run.labels,
        started_at=clock.moment(run.started_s),
        action_started_at=None if run.action_started_s is None else clock.moment(run.action_started_s),
        action_ended_at=None if run.ended_s is None else clock.moment(run.ended_s),
        finished_at=clock.moment(run.finished_s),
        result=run.result,
        message=run.message,
        stopped_by=run.stopped_by,
        blocked_s=run.blocked_s,
        cut_short=run.cut_short,
    )


def outcome(
    run: Run, life: TargetLife, clock: Clock, stream: Stream, *, detected_s: float
) -> tuple[WorkflowRow, TruthRow]:
    """Say what is true of a run, and what is said of it."""
    scenario = life.scenario
    looked_s = (run.finished_s if run.ended_s is None else run.ended_s) + scenario.stabilization
    ready_after_s = _ready_after(life, run.ended_s)
    helped = ready_after_s is not None and life.helped(looked_s)
    good = helped or stream.happens(scenario.recovers_alone)
    label = draw_label(
        scenario.labels,
        good=good,
        healthy=life.there and life.ready(looked_s) >= life.replicas(looked_s),
        stream=stream,
    )
    known_at = None if label.outcome is None else clock.moment(round(looked_s + label.after_s, 3))
    workflow = WorkflowRow(
        record_id=workflow_id(cluster_uid=clock.cluster_uid, workflow_uid=run.workflow_uid),
        recorded_at=known_at or clock.moment(run.finished_s),
        cluster_uid=clock.cluster_uid,
        incident_id=run.incident_id,
        workflow_uid=run.workflow_uid,
        namespace=life.deployment.namespace,
        environment=life.deployment.environment,
        labels=run.labels,
        detected_at=clock.moment(detected_s),
        started_at=clock.moment(run.started_s),
        finished_at=clock.moment(run.finished_s),
        result="completed" if run.result == "succeeded" else "failed",
        outcome=label.outcome,
        outcome_source=label.source,
        outcome_at=known_at,
    )
    truth = TruthRow(
        incident_id=run.incident_id,
        workflow_uid=run.workflow_uid,
        run=run.number,
        onset_s=life.incident.onset_s,
        cause=life.incident.cause,
        outage=life.incident.outage,
        good=good,
        helped=helped,
        ran=run.ended_s is not None,
        ready_after_s=ready_after_s,
        need=life.need,
        shortage=life.shortage,
        relieved=life.shortage and life.relieved,
        disturbances=",".join(life.disturbed),
        label_wrong=label.wrong,
    )
    return workflow, truth


def resolved(
    workflows: list[WorkflowRow], truth: list[TruthRow], clock: Clock, stream: Stream, *, last: Run
) -> list[WorkflowRow]:
    """Say of every run when its incident was over, and whether people had to end it."""
    true = truth[-1]
    ended_s = last.finished_s if last.ended_s is None else last.ended_s
    if true.helped:
        after_s = max(true.ready_after_s or 0.0, 20.0) + stream.uniform(20, 120)
    elif true.good:
        after_s = stream.uniform(30, 280)
    else:
        after_s = draw_delay(stream, BY_HAND)
    resolved_at = clock.moment(round(ended_s + after_s, 3))
    by_hand = not true.good
    return [
        replace(
            row,
            resolved_at=resolved_at,
            manual_intervention=by_hand and row is workflows[-1],
            recorded_at=max(row.recorded_at, resolved_at),
        )
        for row in workflows
    ]


def _ready_after(life: TargetLife, ended_s: float | None) -> float | None:
    if ended_s is None:
        return None
    moments_s = [ended_s, *(at_s for at_s in life.changes() if ended_s < at_s <= ended_s + LONGEST_WAIT_S)]
    return next((round(at_s - ended_s, 3) for at_s in moments_s if life.helped(at_s)), None)
