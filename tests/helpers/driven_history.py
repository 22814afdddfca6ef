"""Histories with a policy that can really be judged: driven by the engine on a virtual clock, or written down by rule."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from functools import cache
from typing import Any

import numpy as np
from kubernaut_simulator.history.history import History

from kubernaut.facts.snapshot import Snapshot, Unobserved, UnobservedReason
from kubernaut.history.ids import RunKey, policy_id, workflow_id
from kubernaut.history.rows import (
    EvaluationRow,
    ExecutionRow,
    Outcome,
    OutcomeSource,
    PolicyRow,
    Row,
    WorkflowRow,
)
from kubernaut.identity import ConditionId, Level, Phase
from kubernaut.judging import judge
from kubernaut.policy.compiled import CompiledPolicy
from kubernaut.policy.compiling import compile_policy
from kubernaut.policy.evaluating import InProcessEvaluator
from kubernaut.verdicts import Attempt, Judgement, Verdict
from kubernaut.verification.rows import RunContext, attempt_row, evaluation_row
from kubernaut.verification.types import StageSpec

from .rows import START, attempt, evaluation, execution, workflow
from .virtual_clock import Run, drive

READY = """# METADATA
# title: Enough pods are ready
# custom:
#   parameters:
#     wanted: {default: 3, minimum: 0, maximum: 100, description: Ready pods wanted.}
package replayed

import rego.v1

allow if input.ready >= input.settings.wanted

fatal if input.ready < 0

error_message := sprintf("%s: %d ready", [input.name, input.ready])
"""
"""Reads `name` for its message only."""

READS = (("name",), ("ready",), ("settings", "wanted"))
WANTED = 3


@cache
def ready_policy() -> CompiledPolicy:
    """Compile the policy once."""
    return compile_policy(READY, name="ready.rego")


def policy_row(policy: CompiledPolicy, condition: ConditionId) -> PolicyRow:
    """Give the row that keeps a policy's source."""
    return PolicyRow(
        record_id=policy_id(condition, digest=policy.digest),
        recorded_at=START,
        digest=policy.digest,
        action=condition.action,
        level=condition.level,
        phase=condition.phase,
        type=condition.type,
        source=policy.source,
        libraries=dict(policy.libraries),
    )


def snapshot_of(ready: int | None, *, name: str = "web") -> Snapshot:
    """Give what a look sees; None: the pods could not be observed."""
    facts: dict[str, Any] = {"name": name, "settings": {"wanted": WANTED}}
    if ready is None:
        return Snapshot(
            facts=facts, unobserved={"ready": Unobserved(UnobservedReason.FORBIDDEN, "pods")}, recorded=READS
        )
    return Snapshot(facts={**facts, "ready": ready}, recorded=READS)


@cache
def judged(ready: int | None) -> Judgement:
    """Judge a look by the engine."""
    return judge(InProcessEvaluator(), ready_policy(), [snapshot_of(ready)])[0]


def driven(spec: StageSpec, ready_at: Callable[[str, float], int | None], **options: Any) -> tuple[Run, list[Row]]:
    """Drive a stage whose every condition has the policy `READY`; gives what happened and the rows of it."""
    spec = replace(
        spec,
        conditions=tuple(
            replace(one, condition=replace(one.condition, policy_digest=ready_policy().digest))
            for one in spec.conditions
        ),
    )
    run = drive(spec, lambda key, at_s: judged(ready_at(key, at_s)), **options)
    context = RunContext(
        run=RunKey(cluster_uid="cluster-1", workflow_uid="workflow-1", execution_uid="run-1", step=1),
        incident_id="incident-1",
        execution_uid="run-1",
        settings_digest="settings-1",
        bucket=1,
        namespace="shop",
        target_kind="Deployment",
        target_name="web",
        stopping_percents=(),
    )
    later = START + timedelta(days=60)
    rows: list[Row] = [policy_row(ready_policy(), one.condition.id) for one in spec.conditions]
    newest = {(one.key, one.slot): one for one in run.attempts}
    for one in newest.values():
        seen = snapshot_of(ready_at(one.key, (one.began_at - run.status.started_at).total_seconds()))
        rows.append(attempt_row(context, spec, replace(one, snapshot=seen), recorded_at=later))
    rows.extend(
        evaluation_row(context, spec, run.status, key, recorded_at=later) for key in {key for key, _ in run.evaluated}
    )
    return run, rows


def run_rows(
    n: int,
    condition: ConditionId,
    *,
    ready: Sequence[tuple[float, int | None]],
    good: bool = True,
    policy: CompiledPolicy | None = None,
    wanted: int = WANTED,
    timeout_s: float = 30.0,
    **changes: Any,
) -> list[Row]:
    """Write down one run of one condition by rule: looks at given seconds, hold time zero, watched to the timeout.

    Parameters
    ----------
    ready : sequence of (float, int or None)
        Looks: seconds from the start, and what was seen.
    good : bool
        What the alert says of the workflow.
    changes
        Of the evaluation.
    """
    policy = policy or ready_policy()
    at = START + timedelta(hours=n)
    key = RunKey(cluster_uid="cluster-1", workflow_uid=f"workflow-{n}", execution_uid=f"execution-{n}", step=1)
    identity = {"action": condition.action, "level": condition.level, "phase": condition.phase, "type": condition.type}
    evaluation_id = key.evaluation_id(condition.level, condition.phase, condition.type)
    looks: list[Row] = []
    verdict, passed_s, before_s = Verdict.FAILED, None, 0.0
    taken = 0
    for slot, (began_s, count) in enumerate(ready):
        snapshot = snapshot_of(count, name=f"web-{n}")
        facts = {**snapshot.facts, "settings": {"wanted": wanted}}
        passes = count is not None and count >= wanted
        began = at + timedelta(seconds=began_s)
        looks.append(
            attempt(
                n,
                slot=slot,
                facts=facts,
                record_id=key.attempt_id(condition.level, condition.phase, condition.type, slot=slot),
                evaluation_id=evaluation_id,
                read_started_at=began,
                read_at=began + timedelta(seconds=0.1),
                policy_digest=policy.digest,
                unobserved={name: f"{why.reason}: {why.detail}" for name, why in snapshot.unobserved.items()},
                recorded_paths=("name", "ready", "settings.wanted"),
                result=Attempt.PASSED if passes else Attempt.ERROR if count is None else Attempt.NOT_YET,
                **identity,
            )
        )
        taken = slot + 1
        if passes:
            verdict, passed_s = Verdict.PASSED, began_s + 0.1
            break
        if count is None:
            verdict = Verdict.ERROR
        else:
            verdict, before_s = Verdict.FAILED, began_s
    ended_s = passed_s if passed_s is not None else ready[-1][0] + 0.1
    post = condition.phase is Phase.POST
    values: dict[str, Any] = {
        "record_id": evaluation_id,
        "policy_digest": policy.digest,
        "verdict": verdict,
        "started_at": at,
        "read_at": at + timedelta(seconds=ended_s),
        "observed_until": at + timedelta(seconds=ended_s),
        "deadline": at + timedelta(seconds=timeout_s) if post else None,
        "elapsed_s": ended_s,
        "timeout_s": timeout_s,
        "time_to_pass_s": passed_s if post else None,
        "time_to_pass_lower_s": before_s if post and passed_s is not None else None,
        "attempts": taken,
        "target_name": f"web-{n}",
        "cluster_uid": "cluster-1",
        **identity,
    }
    run = {"started_at": at, "action_started_at": at, "action_ended_at": at, "finished_at": at + timedelta(minutes=5)}
    outcome = Outcome.EFFECTIVE if good else Outcome.INEFFECTIVE
    evaluated: EvaluationRow = evaluation(n, **(values | changes))
    executed: ExecutionRow = execution(n, target_name=f"web-{n}", **run)
    flow: WorkflowRow = workflow(
        n,
        record_id=workflow_id(cluster_uid="cluster-1", workflow_uid=f"workflow-{n}"),
        started_at=at,
        finished_at=at + timedelta(minutes=5),
        outcome=outcome,
        outcome_source=OutcomeSource.ALERT,
        outcome_at=at + timedelta(hours=1),
    )
    return [*looks, evaluated, executed, flow]


CAPACITY = ConditionId("scale_deployment", Level.STEP, Phase.PRE, "capacity_available")
RUNNING = ConditionId("scale_deployment", Level.STEP, Phase.POST, "replicas_running")
QUIET = ConditionId("scale_deployment", Level.ACTION, Phase.POST, "no_crashes")


def tunable_rows(incidents: int = 160, *, seed: int = 1, **changes: Any) -> list[Row]:
    """Give a history of three conditions with a known truth: one is good, one stops a fifth of good runs, one is slow.

    `capacity_available` never stops a good run, `no_crashes` stops one in five, `replicas_running` passes after 1 to
    12 s, and always for a good run.
    """
    random = np.random.default_rng(seed)
    rows: list[Row] = [policy_row(ready_policy(), one) for one in (CAPACITY, RUNNING, QUIET)]
    for n in range(incidents):
        good = bool(random.random() < 0.7)
        rows += run_rows(n, CAPACITY, ready=[(0.0, 3 if good or random.random() < 0.5 else 1)], good=good, **changes)
        slow_s = int(random.integers(1, 13))
        seen = [(float(s), 3 if good and s >= slow_s else 1) for s in range(1, 31)]
        rows += run_rows(n, RUNNING, ready=seen, good=good, **changes)[:-2]
        crash = random.random() < (0.2 if good else 0.6)
        rows += run_rows(
            n, QUIET, ready=[(float(s), 1 if crash else 3) for s in (1, 10, 20, 30)], good=good, **changes
        )[:-2]
    end = START + timedelta(hours=incidents + 48)
    return [replace(row, recorded_at=end) if isinstance(row, WorkflowRow) else row for row in rows]


def tunable_history(incidents: int = 160, *, seed: int = 1, **changes: Any) -> History:
    """Give `tunable_rows` as a history."""
    return History.from_rows(tunable_rows(incidents, seed=seed, **changes))
